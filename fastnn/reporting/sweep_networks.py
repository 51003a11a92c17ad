"""Sections of a sweep's page on its networks: curves, what two of them learned, how to see any again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from fastnn.core.recipe import DEFAULT, Recipe, size_of
from fastnn.core.rule import WITHIN
from fastnn.data.datasets import Dataset
from fastnn.data.digest import SHORT
from fastnn.pages.blocks import Block, Code, Section
from fastnn.pages.tables import Table, written
from fastnn.plotting import tables
from fastnn.plotting.canvas import loss_label
from fastnn.plotting.curves import draw_fan
from fastnn.plotting.networks import DRAWN
from fastnn.plotting.tables import curves_to_the_end
from fastnn.reporting.confusion import confusion
from fastnn.reporting.pictures import Picture
from fastnn.reporting.sweep_answers import MAPS_OF_CLASSES, MAPS_OF_NUMBERS, drawing, surface
from fastnn.reporting.sweep_endings import HEADINGS, PER_CENT, evenly, reached
from fastnn.showing.lettering import counted
from fastnn.sweeping.design import OF_A_RECIPE
from fastnn.sweeping.grid import Cell
from fastnn.sweeping.results import Sweep
from fastnn.sweeping.sweep import sweep
from fastnn.system.interrupting import to_the_end
from fastnn.training.orders import Explicit
from fastnn.training.scoring import told_scores
from fastnn.training.starts import given

__all__ = ["epochs", "learned", "replaying"]

PICTURES, ROWS = 6, 3  # of fans, and the numbers of rows in each
STARTS = 300  # that are trained again for the fans of a sweep that kept no curves


def epochs(found: Sweep) -> Section:
    """The fans of loss curves: a picture for each learning rate, in it a fan for each number of rows."""
    cells = reached(found)
    rows = evenly(list(dict.fromkeys(cell["rows"] for cell in cells)), ROWS)
    pictured: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell["rows"] in rows:
            pictured.setdefault(found.grid.name_of(cell, but="rows"), []).append(cell)
    kept = found.curves is not None and found.curves.shape[1] == found.plan.epochs
    starts = evenly(range(found.grid.starts), STARTS)
    whose = (
        "of the networks"
        if kept
        else f"of {counted(len(starts), 'start', written)}, evenly spaced and trained again for this page"
    )
    text = (
        f"The line is the median {whose}; half of them lie in the dark band, nine in ten in the light one. "
        "An epoch's loss is measured while it runs, on each row before the update that it belongs to."
    )
    if found.plan.stopping is not None:
        text += " A network that has stopped counts as its last loss from then on."
    fans = []
    for name in evenly(list(pictured), PICTURES):
        some = {counted(cell["rows"], "row"): cell for cell in pictured[name]}
        curves = {which: curves_to_the_end(found.only(cell)) for which, cell in some.items()} if kept else {}
        lost = loss_label(cell["loss"] for cell in some.values())
        fans.append(_fan(name, curves or _trained_again(found, some, starts), lost))
    return Section("Losses over the epochs", [text, *fans])


def learned(found: Sweep, data: Dataset) -> Section:
    """The best and the typical network: scores, surface, drawing before and after."""
    chosen = _best_and_typical(found)
    if not chosen:
        return Section("What they learned", ["Nothing can be shown: the networks diverged."])
    runs = {what: found.replay(number) for what, number in chosen.items()}
    part = found.part(list(chosen.values()))
    frame, scored = (each.set_index("network") for each in (part.frame(), part.quiet_score(data)))
    rows: list[dict[str, Any]] = []
    for what in runs:
        cell = found.grid.cell_of(chosen[what])
        place = {"network": f"{what}, {chosen[what]}", **found.grid.described(cell)}
        losses = {name: frame[name][chosen[what]] for name in found.design.losses}
        score = {name: scored[name][chosen[what]] for name in told_scores(found.scores)}
        rows.append(place | losses | score)
    of_classes = [run.classes is not None for run in runs.values()]
    maps = " ".join([MAPS_OF_CLASSES] * any(of_classes) + [MAPS_OF_NUMBERS] * (not all(of_classes)))
    text = (
        f"The best network has the smallest {found.schema.ranking}; the typical one has the middle one of "
        f"the networks with the same {found.grid.nouns} that did not diverge. {maps}"
    )
    blocks: list[Block] = [text, Table(rows, "The best and the typical network", HEADINGS, PER_CENT)]
    if runs["best"].classes is not None:
        caption = "Confusion matrix of the best network: the rows of each class, by the class predicted"
        blocks.append(Table(confusion(runs["best"], data), caption))
    blocks += [surface(what, run, data) for what, run in runs.items()]
    small = {what: run for what, run in runs.items() if run.network.n_weights <= DRAWN}
    blocks += [drawing(what, run, data, when) for what, run in small.items() for when in ("before", "after")]
    if len(small) < len(runs):
        blocks.append(f"Networks of more than {DRAWN} weights are not drawn.")
    return Section("What they learned", blocks)


def _best_and_typical(found: Sweep) -> dict[str, int]:
    """The numbers of the best network of all and of the middle one of its cell, as the sweep ranks them."""
    best = found.best(1, by=found.ranked_by)["network"].tolist()
    if not best:
        return {}
    ranked = found.only(found.grid.cell_of(best[0])).best(found.grid.starts, by=found.ranked_by)["network"]
    return {"best": best[0], "typical": int(ranked.iloc[(len(ranked) - 1) // 2])}


def replaying(found: Sweep, data: Dataset, digest: str, train_command: str | None) -> Section:
    """How to train any network of the sweep again, in Python and on the command line."""
    best = found.best(5, by=found.ranked_by)
    number = _best_and_typical(found).get("best", found.grid.total - 1)
    blocks: list[Block] = [
        "A network's number is all that is needed to train it again, with the same bits and with its loss "
        f"curve. This is network {written(number)}, with data as described at the top:",
        Code(_python(found, data, digest, number)),
        "Where the sweep itself is at hand:",
        Code(f"run = sweep.replay({number})"),
    ]
    if train_command is not None:
        cell, start = found.grid.cell_of(number), found.grid.start_of(number)
        settings = found.design.settings_of(cell)
        words = shlex.join(word for axis in found.grid.axes for word in axis.command(settings))
        command = f"{train_command} {words} --network {start}"
        blocks += ["On the command line:", Code(command)]
    if found.grid.total > found.grid.starts:
        blocks.append(
            f"Network n begins as start n mod {written(found.grid.starts)}, which is the same in every cell "
            f"of the grid; its {found.grid.nouns} stand beside its number in the sweep's table."
        )
    if len(best):
        caption = f"The networks with the smallest {found.schema.ranking}, and their parameters"
        blocks.append(Table(best, caption, HEADINGS))
    return Section("Train any of them again", blocks)


def _python(found: Sweep, data: Dataset, digest: str, number: int) -> str:
    """The lines that train a network again, on the same data and no others."""
    settings, start = found.design.settings_of(found.grid.cell_of(number)), found.grid.start_of(number)
    rate, rates, given_arrays = settings["learning_rate"], found.plan.epoch_rates, ""
    recipe = Recipe(**{name: settings[name] for name in OF_A_RECIPE})
    options = "" if rate is None else f"learning_rate={float(rate)!r}, "
    if rates is not None:
        options = "schedule=rates, "
        given_arrays = f"rates = ...  # those of the sweep, of shape {rates.shape}\n"
    options += f"epochs={found.plan.epochs}, dtype={found.plan.dtype!r}"
    order = found.plan.order
    if settings["shuffle"]:
        options += f", shuffle=True, seed={found.seed}"
    if isinstance(order, Explicit):
        options += ", row_order=row_order"
        given_arrays += f"row_order = ...  # that of the sweep, of shape {order.rows.shape}\n"
    if found.plan.weights is not None:
        asked = found.plan.weights.asked
        of_rows = asked["sample_weight"]
        of_data = of_rows is None or (data.weights is not None and np.array_equal(data.weights, of_rows))
        if of_rows is not None:
            weights = "data.weights" if of_data else "sample_weight"
            options += f",\n                   sample_weight={weights}[:{settings['rows']}]"
        if asked["class_weight"] is not None:
            options += f",\n                   class_weight={_by_name(asked['class_weight'], data)!r}"
        if asked["weights_within"] != WITHIN[0]:
            options += f", weights_within={asked['weights_within']!r}"
        if not of_data:
            numbers = counted(len(found.plan.X), "number")
            given_arrays += f"sample_weight = ...  # those of the sweep, {numbers}\n"
    stopping = found.plan.stopping
    if stopping is not None:
        told = f", patience={stopping.patience}, min_delta={stopping.min_delta!r}, watch="
        if callable(stopping.watch):
            told += "score"
            given_arrays += f"score = ...  # what the sweep watched: the {stopping.told}\n"
        else:
            told += repr(stopping.watch)
        if found.plan.further is not None:
            told += ", validation=validation"
            given_arrays += "validation = ...  # (X, y), the validation rows of the sweep\n"
        options += f",\n                   {told.removeprefix(', ')}"
    if recipe.loss != DEFAULT.loss:
        options += f",\n                   loss=fastnn.losses.{recipe.loss!r}"
    if recipe.optimizer != DEFAULT.optimizer:
        options += f",\n                   optimizer=fastnn.optimizers.{recipe.optimizer!r}"
    if recipe.batch_size != size_of(None, recipe.optimizer, None):
        options += f",\n                   batch_size={settings['batch_size']}"
    options += "".join(f",\n                   {name}={value!r}" for name, value in recipe.limits.items())
    if recipe.schedule != DEFAULT.schedule:
        options += f",\n                   schedule=fastnn.schedules.{recipe.schedule!r}"
    return (
        f"assert data.digest[:{SHORT}] == {digest[:SHORT]!r}, 'these are other data'\n"
        f"network = fastnn.{settings['network']!r}\n"
        f"start = fastnn.{found.start!r}.draw(network, [{start}], {found.seed})[0]\n"
        f"{given_arrays}"
        f"run = fastnn.train(network, data.first({settings['rows']}), start=start,\n"
        f"                   {options})"
    )


def _by_name(class_weight: Any, data: Dataset) -> Any:
    """Weights of classes by the names that the data have for these."""
    if data.classes is None or isinstance(class_weight, str):
        return class_weight
    return dict(zip(data.classes, class_weight.values(), strict=True))


def _fan(name: str, curves: dict[str, Any], lost: str) -> Picture:
    """The picture of cells that differ in their rows alone; `name` says what they share."""
    numbers = tables.fan({rows: losses for rows, losses in curves.items() if len(losses)})
    first, last = numbers["50 %"].iloc[[0, -1]]
    short = re.sub("[^a-z0-9-]+", "_", name.replace("learning rate ", "").replace("+", ""))
    return Picture(
        f"fan-{short}",
        partial(draw_fan, table=numbers, title=name, lost=lost),
        f"Median and bands of the loss over the epochs, {name}. The median goes from {written(first)} to "
        f"{written(last)}.",
        f"Loss over the epochs, {name}.",
        numbers,
    )


def _trained_again(found: Sweep, cells: dict[str, Cell], starts: Sequence[int]) -> dict[str, Any]:
    """The curves of some starts in cells that differ in their rows alone, by the names of the cells."""
    settings = next(iter(cells.values())).settings
    order, weights, rates = found.plan.order, found.plan.weights, found.plan.epoch_rates
    stopping = found.plan.stopping
    given_rates = {} if rates is None else {"schedule": rates, "learning_rate": None}
    again = sweep(
        X=found.plan.X,
        y=found.plan.Y,
        networks=len(starts),
        start=given(found.start.draw(settings["network"], starts, found.seed)),
        seed=found.seed,
        epochs=found.plan.epochs,
        engine=found.plan.engine,
        dtype=found.plan.dtype,
        row_order=order.rows if isinstance(order, Explicit) else None,
        **({} if weights is None else weights.asked),
        **({} if stopping is None else vars(stopping) | {"validation": found.design.validation}),
        progress=False,
        curves=True,
        **{**settings, **given_rates, "rows": [cell["rows"] for cell in cells.values()]},
    )
    parts = zip(cells, to_the_end(again).grid.cells(), strict=True)
    return {name: curves_to_the_end(again.only(cell)) for name, cell in parts}

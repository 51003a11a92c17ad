"""Results as text for people, 80 columns wide, and as plain values for machines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.comparing import Comparison
from fastnn.core.endings import by
from fastnn.core.network import Network
from fastnn.data.datasets import Dataset
from fastnn.reporting.confusion import confusion, confusion_counts
from fastnn.showing.lettering import counted, grouped, rate_texts, shape
from fastnn.sweeping.columns import headings
from fastnn.sweeping.evaluating import scored
from fastnn.sweeping.results import Sweep
from fastnn.training.result import Training
from fastnn.training.scoring import SCORES, score_notes, scores, told_scores
from fastnn.training.statuses import DIVERGED, OK

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Report",
    "data_lines",
    "prediction_report",
    "sweep_report",
    "training_report",
    "written_lines",
]

WIDTH = 80
DIGITS = (4, 3, 2)  # of losses: a table takes the first number of digits with which it is narrow enough
HEADINGS = {
    "learning_rate": "rate",
    "epochs trained": "epochs",
    **SCORES,
    **headings("short"),
}
QUARTILES = ("25 %", "75 %")  # what a table of losses leaves out last
FORMULA = "=+-@\t\r"  # the signs with which formulas of spreadsheets begin
THOSE_OK = "quantiles over the networks that did not diverge"


@dataclass(frozen=True)
class Report:
    """The same results in two forms: as text and as plain values."""

    text: str
    values: dict[str, Any]


def training_report(run: Training, data: Dataset) -> Report:
    """The report of ``fastnn train``; scores are over all rows of the data, in the target's own unit."""
    found = scores(run.network, np.atleast_2d(run.parameters), data, names=run.scores)
    score = {name: float(values[0]) for name, values in found.items()}
    notes = score_notes(run.network, data, names=run.scores)
    trained = f"{counted(run.epochs, 'epoch')} on {counted(run.rows, 'row')}, {rule_words(run)}"
    lines = [
        *run.lines,
        "",
        "   ".join([f"loss {run.loss:.6g}", *_score_words(score)]),
        *_noted(notes),
        *_confusion_lines(run, data),
        "",
        *_network_lines(run.network),
        *data_lines(data),
        *labelled("trained", trained),
        *_stop_lines(run),
        f"engine   {run.engine}, {run.dtype}",
    ]
    parameters = dict(zip(run.network.parameter_names, run.parameters.tolist(), strict=True))
    values = {
        "network": {"layers": run.network.layers, "activations": run.network.activations},
        "data": data.source,
        "epochs": run.epochs,
        "rows": run.rows,
        "learning_rate": None if run.optimizer.learning_rate is None else run.learning_rate,
        "recipe": run.recipe.plain,
        "weights_within": run.weights_within,
        "engine": run.engine,
        "form": run.form,
        "dtype": run.dtype,
        "status": run.status,
        "loss": run.loss,
        "best_epoch": run.best_epoch,
        "trained_epochs": run.trained_epochs,
        "ended": run.ended,
        "validation_loss": run.validation_loss,
        **score,
        "notes": [*run.notes, *notes],
        "parameters": parameters,
        "loss_curve": run.loss_curve,
    }
    if run.classes is not None:
        values |= {"classes": run.classes, "confusion": confusion_counts(run, data)}
    return Report("\n".join(lines), values)


def _stop_lines(run: Training) -> list[str]:
    """How the training of a network ended, if it stopped or was validated."""
    known = run.validation_loss is not None and np.isfinite(run.validation_loss)
    validated = f"validation loss {run.validation_loss:.6g}" if known else ""
    usual = run.trained_epochs == run.epochs == run.best_epoch
    stopped = (
        ""
        if usual or run.status != OK
        else (f"best epoch {run.best_epoch} of {run.trained_epochs}, ended {by(run.ended)}")
    )
    told = ", ".join(text for text in (stopped, validated) if text)
    return labelled("ended", told) if told else []


def _confusion_lines(run: Training, data: Dataset) -> list[str]:
    """The confusion matrix of a network of classes, unless it is too wide."""
    if run.classes is None or run.status != OK:
        return []
    lines = _table(list(confusion(run, data)))
    fits = max(map(len, lines)) <= WIDTH
    return ["", "Confusion matrix: the rows of each class, by the class predicted", *lines] if fits else []


def _score_words(score: dict[str, float]) -> list[str]:
    """What tells how well a network predicts, in words: R² 0.1234. The mse is the loss in another unit."""
    return [
        f"{SCORES[name]} {_cell(name, score[name], DIGITS[0]) if name == 'mape' else f'{score[name]:.4f}'}"
        for name in told_scores(score)
    ]


def rule_words(found: Training | Comparison) -> str:
    """By which rule it was trained: the learning rate, and whatever is not the default."""
    (rate,) = rate_texts([found.learning_rate])
    return f"{rate}{found.told_after if isinstance(found, Training) else found.recipe.told_after}"


def prediction_report(run: Training, predictions: Any, labels: Any = None) -> Report:
    """The report of ``fastnn predict``: CSV with a column for each target of each network.

    For classes they are the class, and the probability of each class. A network of a sweep is named by its
    number. Every heading begins with "predicted", and no class with a sign that begins a formula, so that a
    spreadsheet takes no name from a model file for one.
    """
    assert run.scaling is not None  # noqa: S101 - the command refuses a model without
    networks = len(np.atleast_2d(run.parameters))
    outputs = run.scaling.outputs_of(run.network)
    by_row = np.moveaxis(predictions.reshape(networks, -1, len(outputs)), 0, 1)
    columns: list[list[list[Any]]] = [row.tolist() for row in by_row]
    whats = list(outputs)
    if labels is not None:
        said = np.moveaxis(np.asarray(labels).reshape(networks, -1), 0, 1).tolist()
        columns = [
            [[_no_formula(label), *numbers] for label, numbers in zip(*row, strict=True)]
            for row in zip(said, columns, strict=True)
        ]
        kind = "probability" if "log_loss" in run.scores else "output"
        whats = [str(run.scaling.target), *(f"{kind} of {output}" for output in outputs)]
    names = np.arange(networks) if run.number is None else np.atleast_1d(run.number)
    named = networks > 1 or run.number is not None
    headings = [
        f"predicted {what} by network {number}" if named else f"predicted {what}"
        for number in names.tolist()
        for what in whats
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([headings, *([cell for one in row for cell in one] for row in columns)])
    known = {} if run.number is None else {"network": run.number}
    told = {} if labels is None else {"classes": run.classes, "labels": labels}
    values = {"targets": outputs, **known, **told, "predictions": predictions}
    return Report(text.getvalue().removesuffix("\n"), values)


def _no_formula(label: Any) -> Any:
    """A label as a cell: with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{label}" if isinstance(label, str) and label[:1] in FORMULA and label else label


def _endings(found: Sweep) -> dict[str, int]:
    """How many networks of a sweep ended in each way."""
    words, counts = np.unique(found.ended, return_counts=True)
    return dict(zip(words.tolist(), counts.tolist(), strict=True))


def _endings_lines(found: Sweep) -> list[str]:
    """The same in words, where networks stop for themselves."""
    if found.ended is None:
        return []
    told = [f"{grouped(count)} {by(word)}" for word, count in _endings(found).items()]
    return labelled("ended", f"{', '.join(told)}; {found.trained_epochs.mean():.1f} epochs on average")


def sweep_report(found: Sweep, data: Dataset) -> Report:
    """The report of ``fastnn sweep``; R² and MAPE are over all rows of the data, in the target's own unit."""
    summary = _records(found.summary())
    dead = found.dead_unit_counts()
    diverged = sum(cell["diverged"] for cell in summary)
    best = _best(found, data)
    rate = found.ran / found.seconds if found.seconds else 0.0
    notes = found.score_notes(data)
    values = {
        "architectures": [
            {"layers": one.layers, "activations": one.activations} for one in found.architectures
        ],
        "data": data.source,
        "start": repr(found.start),
        "seed": found.seed,
        "epochs": found.plan.epochs,
        "optimizers": found.grid["optimizer"].plain,
        "batch_sizes": found.grid["batch_size"].plain,
        "weights_within": found.plan.weights_within,
        "engine": found.engine,
        "form": found.form,
        "dtype": found.plan.dtype,
        "networks": len(found),
        "interrupted": found.interrupted,
        "failures": found.failures,
        "status": {OK: len(found) - diverged, DIVERGED: diverged},
        **({} if found.ended is None else {"ended": _endings(found)}),
        "cells": summary,
        "dead_units": dead,
        "ranked_by": found.ranked_by,
        "best": best,
        "notes": [*found.notes, *notes],
        "seconds": found.seconds,
        "networks_per_second": rate,
    }
    why = "interrupted" if found.interrupted else "unfinished"
    stopped = f" of {grouped(found.grid.total)}, {why}" if len(found) < found.grid.total else ""
    trained_by = [counted(found.plan.epochs, "epoch"), *found.design.told, f"engine {found.engine}"]
    trained_by.append(found.plan.dtype)
    trained = f", {grouped(found.ran)} of them" if 0 < found.ran < len(found) else ""
    pace = "" if found.store is None else " found in the store"
    if found.ran:
        pace = f" in {found.seconds:.1f} s, {grouped(round(rate))} networks/s"
    lines = [
        f"{counted(len(found), 'network')}{stopped}{trained}{pace}",
        "",
        *(_network_lines(found.architectures[0]) if len(found.grid["network"]) == 1 else ()),
        *data_lines(data),
        f"starts   {found.start!r}, seed {found.seed}",
        *labelled("trained", ", ".join(trained_by)),
        *_endings_lines(found),
        "",
        *_losses(found, summary),
        "",
        "Hidden units that are dead: their gate is shut on every row",
        *(_dead_lines(dead) if len(found) else []),
        *_noted(found.notes),
        "",
        f"Best networks, by {found.schema.ranking}",
        *_cells(found, best, [each["network"] for each in best]),
        *_noted(notes),
    ]
    return Report("\n".join(lines), values)


def written_lines(written: dict[str, str]) -> list[str]:
    """Lines that name what a command wrote, and where."""
    return [f"{name:8} {what}" for name, what in written.items()]


def _noted(notes: Iterable[str]) -> list[str]:
    return [line for note in notes for line in wrap(note, WIDTH, subsequent_indent="  ")]


def _losses(found: Sweep, summary: list[dict[str, Any]]) -> list[str]:
    """Quantiles of the loss in each cell, and of the loss by which networks are ranked."""
    plain = [{key: value for key, value in cell.items() if not key.startswith("best")} for cell in summary]
    which = ", over the rows trained on" if len(found.grid["rows"]) > 1 else ""
    numbers = [cell.first for cell in found.grid.cells()]
    what = found.schema.titles["loss"].capitalize()
    lines = [*wrap(f"{what}{which}: {THOSE_OK}", WIDTH), *_cells(found, plain, numbers)]
    if found.ranked_by != "loss":
        ranked = _records(found.quantiles(by=found.ranked_by))
        lines += [
            "",
            f"{found.schema.ranking.capitalize()}: {THOSE_OK}",
            *_cells(found, ranked, numbers),
        ]
    return lines


def _cells(found: Sweep, records: list[dict[str, Any]], numbers: Iterable[int]) -> list[str]:
    """The table of records that begin with the settings of networks; those of one axis share a column."""
    axes = [axis for axis in found.grid.axes if axis.shown]
    several = {name for axis in axes if len(axis.columns) > 1 for name in axis.columns}
    firsts = {axis.name: next(iter(axis.columns)) for axis in axes if len(axis.columns) > 1}
    brief = []
    for record, number in zip(records, numbers, strict=True):
        texts = {first: found.grid.text_of(name, number) for name, first in firsts.items()}
        known = {name: record[name] for name in record if name == "network"}
        brief.append(known | texts | {name: value for name, value in record.items() if name not in several})
    alike = len({record.get("networks") for record in records}) == 1
    return _table(brief, [*(axis.names()[0] for axis in axes if len(axis) == 1), *["networks"] * alike])


def _best(found: Sweep, data: Dataset) -> list[dict[str, Any]]:
    frame = found.best(5, by=found.ranked_by)
    parameters = frame[list(found.schema.names)].to_numpy(found.plan.dtype)
    best = _records(frame[["network", *found.grid.shown, *found.design.losses]])
    names = found.scores, found.classes
    score = scored(found.grid, frame["network"].to_numpy(), parameters, data, None, *names)
    return [{**each, **{name: score[name][n] for name in told_scores(score)}} for n, each in enumerate(best)]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in record.items()} for record in frame.to_dict("records")]


def _table(records: list[dict[str, Any]], spare: Sequence[str] = ()) -> list[str]:
    """Records with the same keys as lines of aligned columns, without the keys `spare` if too wide."""
    if not records:
        return ["none"]
    every = list(records[0])
    fewer = [[key for key in every if key not in left_out] for left_out in (spare, (*spare, *QUARTILES))]
    for digits, keys in [*((n, every) for n in DIGITS), *((DIGITS[-1], keys) for keys in fewer)]:
        headings = [HEADINGS.get(key, key) for key in keys]
        cells = [headings, *([_cell(key, each[key], digits) for key in keys] for each in records)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        if sum(widths) + 2 * (len(widths) - 1) <= WIDTH:
            break
    return ["  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)) for line in cells]


def _cell(key: str, value: Any, digits: int) -> str:
    if key == "mape" and np.isnan(value):
        return "none"
    if key == "mape":
        return f"{100 * value:.1f} %" if value < 1e3 else f"{_short(100 * value, digits)} %"
    if not isinstance(value, float | np.floating):
        return str(value)
    if value != value:
        return "-"
    if key == "epochs trained":
        return f"{value:.0f}"
    return _short(float(value), DIGITS[0] if key == "learning_rate" else digits)


def _short(value: float, digits: int) -> str:
    """A number with at most `digits` digits and a short exponent: 1.234e5."""
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:.{digits}g}")


def _dead_lines(dead: Iterable[int]) -> list[str]:
    counts = list(dead)
    total = max(1, sum(counts))
    return [
        f"{units or 'none':>6}  {grouped(count):>9} networks  {100 * count / total:5.1f} %"
        for units, count in enumerate(counts)
    ]


def _network_lines(network: Network) -> list[str]:
    units = shape(network.layers)
    return labelled("network", f"{units}, {' '.join(network.activations)}, {network.n_parameters} parameters")


def data_lines(data: Dataset) -> list[str]:
    """Lines on the data: their columns, rows and source, their coded categories and their dropped rows."""
    columns = data.scaling.columns_in_words()
    lines = labelled("data", f"{columns}, {counted(data.rows, 'row')} from {data.source}")
    for told in (*data.scaling.codings, *data.told):
        lines += labelled("", told)
    return lines


def labelled(label: str, text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=f"{label:9}", subsequent_indent=" " * 9)

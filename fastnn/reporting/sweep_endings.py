"""Sections of a sweep's page on how its networks ended: modes, losses, scores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.pages.blocks import Block, Section
from fastnn.pages.tables import Table, per_cent, written
from fastnn.plotting import tables
from fastnn.plotting.canvas import loss_label
from fastnn.plotting.distributions import counts_of, draw_dead_units, draw_histogram, draw_scores
from fastnn.reporting.pictures import Picture, intervals_of_cells, row_by_row
from fastnn.showing.lettering import counted
from fastnn.sweeping.columns import headings
from fastnn.sweeping.grid import Cell
from fastnn.sweeping.results import Sweep
from fastnn.training.scoring import SCORES, told_scores

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["HEADINGS", "PER_CENT", "endings", "evenly", "losses", "reached", "scores"]

CELLS = 6  # at most this number of cells get a histogram of their own; of more cells, evenly spaced ones
HEADINGS = {
    "learning_rate": "learning rate",
    **SCORES,
    **headings("heading"),
}
PER_CENT = {"mape": per_cent, "share": per_cent}
FORMS = {
    "r2": "{:z.3f}".format,
    "mape": per_cent,
    "accuracy": "{:.3f}".format,
    "log_loss": written,
    "f1": "{:.3f}".format,
}
OK = "quantiles over the networks that did not diverge"
ALL_ROWS = "over all rows of the data"
OF_NUMBERS = (
    "Both are over all rows of the data, in the target's own unit, also where a network was trained on fewer "
    "rows. R² is 1 for exact predictions and 0 for predicting the mean. The 95 % quantile is the better end "
    "of R² and the worse end of MAPE."
)
OF_CLASSES = (
    "All are over all rows of the data, also where a network was trained on fewer rows. {}The log-loss is "
    "the mean of minus the logarithm of the probability that a row's class is given. F1 is the harmonic mean "
    "of precision and recall{}. The 95 % quantile is the better end of the accuracy and of F1."
)


def endings(found: Sweep, table: pd.DataFrame) -> Section:
    """In words and numbers: how many networks ended in which way, and how good they are."""
    rows, scored = [], told_scores(found.scores)
    for name, some in table.groupby("mode", observed=True):
        middle = {column: some[column].dropna().median() for column in (found.ranked_by, *scored)}
        rows.append({"mode": name, "networks": len(some), "share": len(some) / len(table), **middle})
    unit = ALL_ROWS if found.classes or "accuracy" in scored else f"{ALL_ROWS}, in the target's own unit"
    return Section(
        "How they ended",
        [
            _spread(found),
            "A hidden ReLU unit is dead if it is shut on every row it was trained on: it gives 0, gets no "
            "gradient, and stays so. A network whose units are all dead gives one answer for all rows. "
            "Fitted is a network without dead units; diverged is one whose loss is no longer a number.",
            Table(rows, f"Medians of each end; {_listed(scored)} {unit}", HEADINGS, PER_CENT),
            _picture_of_modes(found),
        ],
    )


def losses(found: Sweep, shown: Sweep, claim: float | None) -> Section:
    """The distribution of the networks' losses, cell by cell, its summary, and a claim beside it.

    Tables are of all networks `found`, pictures of those `shown`. Where another loss compares the cells, its
    quantiles follow, and they are what is drawn side by side unless a claim is about the former.
    """
    titles, all_cells = found.schema.titles, reached(shown)
    cells = evenly(all_cells, CELLS)
    summary = found.summary()
    rows = ", over the rows trained on" if len(found.grid["rows"]) > 1 else ""
    plain = summary.drop(columns=[name for name in summary if str(name).startswith("best ")])
    blocks: list[Block] = [Table(plain, f"{titles['loss'].capitalize()}{rows}: {OK}", HEADINGS)]
    ranked, what = summary, found.schema.ranking
    if found.ranked_by != "loss":
        ranked = found.quantiles(by=found.ranked_by)
        settings = len(found.grid.shown)
        ranked.insert(settings, "networks", summary["networks"])
        ranked.insert(settings + 1, "best", summary[f"best {found.ranked_by}"])
        blocks.append(Table(ranked, f"{what.capitalize()}: {OK}", HEADINGS))
    if claim is not None:
        blocks.append(_places_of(claim, shown))
    if len(cells) < len(all_cells):
        blocks.append(f"Histograms of {len(cells)} of the {len(all_cells)} cells of the grid, evenly spaced.")
    blocks += [_histogram(shown, cell, place, claim) for place, cell in enumerate(cells, 1)]
    if claim is not None:
        blocks.append(_intervals(found, summary, titles["loss"], claim))
    elif len(all_cells) > 1:
        blocks.append(_intervals(found, ranked, what, None))
    return Section(f"Losses of the {found.schema.epoch_of_loss}", blocks)


def scores(found: Sweep, table: pd.DataFrame, notes: Sequence[str]) -> Section:
    """The scores: their quantiles, and against the rows trained on where these vary; `notes` on them."""
    told = told_scores(found.scores)
    blocks: list[Block] = [
        _on_classes(found) if "accuracy" in told else OF_NUMBERS,
        *(f"{note[0].upper()}{note[1:]}." for note in notes),
    ]
    metrics = [metric for metric in told if table[metric].notna().any()]
    for metric in metrics:
        form = FORMS[metric]
        numbers = tables.scores_against_rows(table, metric)
        formats = dict.fromkeys(tables.QUANTILE_NAMES, form)
        blocks.append(Table(numbers, f"Quantiles of {HEADINGS[metric]}", HEADINGS, formats))
    if len(found.grid["rows"]) > 1:
        blocks += [_against_rows(table, metric) for metric in metrics]
    title = _listed(told)
    return Section(f"{title[0].upper()}{title[1:]}", blocks)


def _listed(scored: Sequence[str]) -> str:
    """Scores as a title has them: R² and MAPE."""
    *first, last = (SCORES[name] for name in scored)
    return f"{', '.join(first)} and {last}"


def _on_classes(found: Sweep) -> str:
    """What the scores of classes are, and the accuracy that saying one class for all rows has."""
    classes, Y = found.classes, found.plan.Y
    if classes is None:
        return OF_CLASSES.format("The accuracy is the share of right answers, yes or no. ", "")
    counts = Y.sum(axis=0) if Y.shape[1] > 1 else np.array([len(Y) - Y.sum(), Y.sum()])
    common = classes[int(counts.argmax())]
    accuracy = "The accuracy is the share of the rows whose class is predicted; "
    accuracy += f"predicting {common} for all of them has {counts.max() / len(Y):.3f}. "
    return OF_CLASSES.format(accuracy, ", averaged over the classes")


def evenly(things: Sequence[Any], most: int) -> list[Any]:
    """All things, or `most` of them, evenly spaced, including the first and the last."""
    if len(things) <= most:
        return list(things)
    return [things[place] for place in np.linspace(0, len(things) - 1, most).round().astype(int)]


def reached(found: Sweep) -> list[Cell]:
    """The cells of the grid in which there are networks: all, unless the sweep was interrupted."""
    ends = [(cell, (cell.first, cell.first + found.grid.starts)) for cell in found.grid.cells()]
    return [cell for cell, bounds in ends if np.diff(np.searchsorted(found.numbers, bounds))[0] > 0]


def _spread(found: Sweep) -> str:
    """A sentence on the losses of the whole sweep, those that can be compared."""
    what = "loss" if found.ranked_by == "loss" else found.schema.ranking
    losses = found.frame([found.ranked_by])[found.ranked_by]
    values = np.nan_to_num(losses.to_numpy(float), nan=np.inf)
    low, _, middle, _, high = tables.worst_last_quantiles(values[:, None])[:, 0].tolist()
    if not np.isfinite(middle):
        return "More than half of the networks diverged: the learning rate is too large for these starts."
    upper = written(high) if np.isfinite(high) else "divergence"
    varied = " and in what the grid varies" if len(reached(found)) > 1 else ""
    return (
        f"Half of the {counted(len(found), 'network', written)} end with a {what} of at most "
        f"{written(middle)}; nine in ten end between {written(low)} and {upper}. They differ only in their "
        f"start{varied}."
    )


def _picture_of_modes(found: Sweep) -> Picture:
    numbers = tables.dead_units(found)
    shares = numbers[tables.modes_of(numbers)].sum() / max(1, numbers["networks"].sum())
    told = ", ".join(f"{share:.0%} {name}" for name, share in shares.items() if share)
    return Picture(
        "modes",
        partial(draw_dead_units, table=numbers),
        f"Bars, one for each {found.grid.nouns}. Of all networks, {told}.",
        f"How the networks of each {found.grid.nouns} ended, in per cent.",
        numbers,
        row_by_row(numbers, tables.cell_labels(numbers)),
    )


def _places_of(claim: float, found: Sweep) -> Table:
    """Where a claim falls among the losses of each cell; a diverged network's is larger than any."""
    rows = []
    for cell in reached(found):
        values = np.nan_to_num(found.only(cell).loss.astype(float), nan=np.inf)
        share = float((values <= claim).mean())
        rows.append(found.grid.described(cell) | {"that or less": share, "more": 1 - share})
    formats = dict.fromkeys(("that or less", "more"), per_cent)
    return Table(rows, f"How many networks end with the claimed loss, {written(claim)}", HEADINGS, formats)


def _histogram(found: Sweep, cell: Cell, place: int, claim: float | None) -> Picture:
    some = found.only(cell)
    numbers, epoch = tables.sweep_histogram(some), found.schema.epoch_of_loss
    name = found.grid.name_of(cell)
    ok = some.loss[some.diverged == 0].astype(float)
    told = f"They lie from {written(ok.min())} to {written(ok.max())}." if len(ok) else ""
    return Picture(
        f"losses-{place}",
        partial(
            draw_histogram,
            table=numbers,
            counts=counts_of(some),
            lost=f"{epoch}'s {loss_label([cell['loss']])}",
            claim=claim,
        ),
        f"Histogram of {written(len(ok))} losses, {name}. {told}",
        f"Networks by the loss of their {epoch} and by how they ended; {name}.",
        numbers,
    )


def _intervals(found: Sweep, quantiles: pd.DataFrame, what: str, claim: float | None) -> Picture:
    numbers = quantiles.copy()
    numbers.insert(0, "label", tables.cell_labels(numbers))
    numbers = numbers[numbers["networks"] > 0]
    if claim is not None:
        numbers["claim"] = claim
    return intervals_of_cells("cells", numbers, what, found.grid.nouns)


def _against_rows(table: pd.DataFrame, metric: str) -> Picture:
    numbers = tables.scores_against_rows(table, metric)
    form = FORMS[metric]
    middles = zip(tables.cell_labels(numbers), numbers["50 %"], strict=True)
    told = "; ".join(f"{label}: {form(middle)}" for label, middle in middles)
    return Picture(
        f"{metric}-rows",
        partial(draw_scores, table=numbers, metric=metric),
        f"{HEADINGS[metric]} against the rows trained on. Medians: {told}.",
        f"{HEADINGS[metric]} on all rows, against the rows trained on: the median, and the bands in which "
        "half and nine tenths of the networks lie.",
        numbers,
    )

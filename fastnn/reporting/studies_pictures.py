"""The pictures of the studies' page, each with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import plotting
from fastnn.pages.tables import per_cent, written
from fastnn.plotting import tables
from fastnn.plotting.canvas import BLUE, GREY, LOSS, ORANGE, VERMILION, legend, legend_above
from fastnn.plotting.curves import draw_fan
from fastnn.plotting.distributions import draw_scores
from fastnn.plotting.scales import share_in_labels
from fastnn.reporting.pictures import Picture, row_by_row
from fastnn.showing.lettering import counted
from fastnn.studies.experiment import Experiment
from fastnn.studies.lines import LOSS as LAST_LOSS
from fastnn.studies.lines import Line
from fastnn.studies.outcomes import KINDS
from fastnn.studies.report import LEARNING_RATE, NETWORK
from fastnn.studies.results import Studies
from fastnn.system.interrupting import to_the_end
from fastnn.training.result import Training
from fastnn.training.train import train

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["against_rows", "distances", "endings", "fans", "histogram", "overview", "own_run"]

COLOURS = (BLUE, ORANGE, VERMILION, GREY)
BINS = 60
SHOWN = (0.0, 0.98)  # the quantiles between which a histogram runs
WIDE = 20.0  # a ratio of losses above which a histogram's scale is logarithmic
POINTS = 3000  # of a cloud


def overview(lines: Sequence[Line], name: str) -> Picture:
    """The report's losses beside the distributions of ours."""
    import pandas as pd

    numbers = pd.DataFrame(_interval(line) for line in lines)
    told = "; ".join(
        f"{row['label']}: {_of_the_report(row['claim'])}median {written(row['50 %'])}"
        for row in numbers.to_dict("records")
    )
    return Picture(
        name,
        partial(plotting.intervals, numbers, LOSS),
        f"Distributions of the loss below one another. {told}.",
        "The losses of thousands of starts"
        + ("; the report's, one run, is the diamond." if numbers["claim"].notna().any() else "."),
        numbers,
        row_by_row(numbers),
    )


def histogram(line: Line) -> Picture:
    """How many starts of a line ended at which loss, by how they ended."""
    numbers = _histogram_table(line)
    beyond = len(line.outcomes) - int(numbers[list(KINDS[:-1])].to_numpy().sum())
    title = _title(line) + (f" ({beyond} beyond)" if beyond else "")
    middle = float(np.median(line.outcomes.loss))
    told = ", ".join(f"{per_cent(share)} {name}" for name, share in line.outcomes.shares.items() if share)
    return Picture(
        f"losses-{line.id}",
        partial(_draw_histogram, table=numbers, claim=_reported_loss(line), title=title),
        f"Histogram of the losses of {line.id}: {told}; median {written(middle)}.",
        f"{line.id}, {line.changed}: starts by the loss of their last epoch and by how they ended.",
        numbers,
    )


def _draw_histogram(ax: Axes, table: pd.DataFrame, claim: float | None, title: str) -> None:
    base = np.zeros(len(table))
    edges = np.append(table["from"], table["to"].iloc[-1])
    for colour, name in zip(COLOURS, KINDS[:-1], strict=False):
        if table[name].any():
            top = base + table[name].to_numpy()
            ax.stairs(top, edges, baseline=base, fill=True, color=colour, label=name)
            base = top
    if edges[-1] > WIDE * edges[0] > 0:
        ax.set_xscale("log")
    if claim is not None:
        ax.axvline(claim, color=VERMILION, linestyle="--", label=f"report: {claim:g}")
    legend(ax)
    ax.set_xlabel(f"last epoch's {LOSS}")
    ax.set_ylabel("starts")
    ax.set_title(title, fontsize="medium")
    share_in_labels(ax)


def fans(lines: Sequence[Line]) -> list[Picture]:
    """The losses over the epochs, one picture for each line."""
    return [_fan(line) for line in lines]


def distances(line: Line, experiment: Experiment) -> Picture:
    """The loss of starts around the report's own one, against how far they lie from it."""
    import pandas as pd

    ended = line.outcomes
    some = np.unique(np.linspace(0, len(ended) - 1, min(POINTS, len(ended))).astype(int))
    numbers = pd.DataFrame(
        {
            "distance": experiment.distances[some],
            "loss": ended.loss[some],
            "end": [KINDS[kind] for kind in ended.kind[some]],
        }
    )
    return Picture(
        f"around-{line.id}",
        partial(_draw_distances, table=numbers, claim=_reported_loss(line), title=_title(line)),
        f"Losses of starts around that of {line.id}, which itself ends at {written(float(ended.loss[0]))}.",
        f"{line.id}, {line.changed}: the loss of starts around the report's own (at 0 %).",
        numbers,
    )


def _draw_distances(ax: Axes, table: pd.DataFrame, claim: float | None, title: str) -> None:
    for colour, kind in zip(COLOURS, KINDS, strict=True):
        part = table[table["end"] == kind]
        if len(part):
            x, y = 100 * part["distance"], part["loss"]
            ax.plot(x, y, ".", markersize=3, color=colour, alpha=0.5, label=kind, rasterized=True)
    if claim is not None:
        ax.axhline(claim, color=VERMILION, linestyle="--", label=f"report: {claim:g}")
    legend(ax)
    ax.set_xlabel("distance from the report's start (% of its size)")
    ax.set_ylabel(LOSS)
    ax.set_title(title, fontsize="medium")
    share_in_labels(ax)


def own_run(line: Line, experiment: Experiment) -> Picture:
    """The loss of every epoch of the report's own start, trained again."""
    data = experiment.data
    start = line.outcomes.sweeps[0].start  # of which the first is the report's own
    run = to_the_end(train(NETWORK, data, start=start, epochs=experiment.epochs, engine=experiment.engine))
    return Picture(
        f"run-{line.id}",
        partial(_draw_run, run=run, title=f"{line.id}: the report's own start"),
        f"Loss against epochs from the start of {line.id}: from {written(float(run.loss_curve[0]))} to "
        f"{written(float(run.loss))}.",
        f"{line.id}, {line.changed}: the run itself.",
        tables.loss_curves(run),
    )


def _draw_run(ax: Axes, run: Training, title: str) -> None:
    plotting.loss_curves(run, ax)
    ax.set_xscale("log")
    ax.set_title(title, fontsize="medium")


def endings(found: Studies) -> Picture:
    """For each line, which share of the starts ended in which way."""
    numbers = found.outcomes()[["line", "networks", *KINDS]]
    told = "; ".join(
        f"{row['line']}: {per_cent(row[KINDS[2]])} both dead" for row in numbers.to_dict("records")
    )
    return Picture(
        "endings",
        partial(_draw_endings, table=numbers),
        f"Bars, one for each line. {told}.",
        "How the starts ended.",
        numbers,
        row_by_row(numbers),
    )


def _draw_endings(ax: Axes, table: pd.DataFrame) -> None:
    base = np.zeros(len(table))
    for colour, kind in zip(COLOURS, KINDS, strict=True):
        share = 100 * table[kind].to_numpy()
        if share.any():
            ax.barh(table["line"], share, left=base, color=colour, label=kind, height=0.7)
            base += share
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel("starts (%)")
    legend_above(ax, 2)


def against_rows(found: Studies, metric: str) -> Picture:
    """R² or MAPE over all rows against the rows trained on."""
    table = _scores(found.experiment)
    numbers = tables.scores_against_rows(table, metric)
    few, every = found.experiment.row_counts[0], found.experiment.row_counts[-1]
    claims = [(few, 0.05)] if metric == "r2" else [(few, 189.0), (every, 125.0)]
    claims = claims if found.experiment.of_the_report else []
    name = "R²" if metric == "r2" else "MAPE"
    middles = zip(numbers["rows"].tolist(), numbers["50 %"].tolist(), strict=True)
    told = "; ".join(f"{counted(rows, 'row')}: {middle:.3g}" for rows, middle in middles)
    return Picture(
        f"{metric}-rows",
        partial(_draw_scores, table=numbers, metric=metric, claims=claims),
        f"{name} against the rows trained on. Medians: {told}.",
        f"{name} on all rows against the rows trained on: median, and where half and nine tenths lie.",
        numbers,
    )


def _draw_scores(ax: Axes, table: pd.DataFrame, metric: str, claims: list[tuple[int, float]]) -> None:
    draw_scores(ax, table, metric)
    if not claims:
        return
    ax.plot(*zip(*claims, strict=True), "D", color=VERMILION, markersize=5, label="report")
    legend(ax)


def _scores(experiment: Experiment) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(
        pd.DataFrame({"learning_rate": LEARNING_RATE, "rows": rows, **experiment.scores(rows)})
        for rows in experiment.row_counts
    )


def _fan(line: Line) -> Picture:
    curves = line.outcomes.curves
    numbers = tables.fan(curves)
    first, last = numbers["50 %"].iloc[0], numbers["50 %"].iloc[-1]
    return Picture(
        f"curves-{line.id}",
        partial(draw_fan, table=numbers, title=_title(line)),
        f"Loss against epochs for {line.id}. The median goes from {written(first)} to {written(last)}.",
        f"{line.id}, {line.changed}: the median loss, and where half and nine tenths of them lie.",
        numbers,
    )


def _interval(line: Line) -> dict[str, Any]:
    quantiles = tables.worst_last_quantiles(line.outcomes.loss[:, None])[:, 0]
    return {
        "label": line.id,
        **dict(zip(tables.QUANTILE_NAMES, quantiles.tolist(), strict=True)),
        "claim": _reported_loss(line),
    }


def _histogram_table(line: Line) -> pd.DataFrame:
    """from, to, and for each way to end how many starts; the largest losses lie beyond the last bin."""
    import pandas as pd

    ended = line.outcomes
    finite = ended.loss[np.isfinite(ended.loss)]
    low, high = np.quantile(finite, SHOWN) if len(finite) else (0.0, 1.0)
    claim = _reported_loss(line)
    if claim is not None:
        low, high = min(low, claim), max(high, claim)
    high = high * (1 + 1e-9) if high > low else low + max(low, 1e-9) * 1e-2
    spaced = np.geomspace if high > WIDE * low > 0 else np.linspace
    edges = spaced(low, high, BINS + 1)
    counts = {
        kind: np.histogram(ended.loss[ended.kind == code], edges)[0] for code, kind in enumerate(KINDS[:-1])
    }
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], **counts})


def _of_the_report(loss: float | None) -> str:
    return "" if loss is None or np.isnan(loss) else f"report {written(loss)}, "


def _reported_loss(line: Line) -> float | None:
    """The loss that the report gives, if it does."""
    claim = line.claims[0]
    return claim.number if claim.quantity == LAST_LOSS else None


def _title(line: Line) -> str:
    return f"{line.id}: {line.changed}" if len(line.changed) < 34 else line.id

"""The distributions of a sweep's networks: their losses, their scores and their dead units."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastnn.plotting import tables
from fastnn.plotting.canvas import (
    BLUE,
    BRIGHT,
    COLOURS,
    DARK,
    GREEN,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    axes,
    in_lines,
    legend,
    legend_above,
    lettered,
    loss_label,
    unbroken,
)
from fastnn.plotting.curves import STROKES, bands
from fastnn.plotting.scales import LARGE, bent, drawable, handy, limits, logarithmic, share_in_labels
from fastnn.plotting.settings import under_fixed_settings
from fastnn.showing.lettering import counted
from fastnn.sweeping.network_axis import in_words
from fastnn.sweeping.results import Sweep
from fastnn.training.scoring import SCORES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BY_DEAD_UNITS = (BLUE, ORANGE, VERMILION, GREEN)
WIDE = 100.0  # above this ratio of medians, a linear scale would show only the largest
TICKS = 5  # the most intervals between ticks: numbers of up to seven characters then fit side by side
UNIT = 60  # the most letters of the quantity and its unit
METRICS = SCORES | {"mape": "MAPE (%)"}


@under_fixed_settings
def sweep_histogram(sweep: Sweep, ax: Axes | None = None) -> Axes:
    """Draw a histogram of the networks' losses, stacked by mode: fitted, one unit dead, and so on.

    The title counts the diverged networks, which have no loss, and the networks whose losses are too large
    for the picture.

    Parameters
    ----------
    sweep : Sweep
    ax : Axes, optional
        Where to draw; by default a new figure.
    """
    lost = f"{sweep.schema.epoch_of_loss}'s {loss_label(sweep.grid['loss'].values)}"
    return draw_histogram(axes(ax), tables.sweep_histogram(sweep), counts_of(sweep), lost)


def draw_histogram(
    ax: Axes, table: pd.DataFrame, counts: Counts, lost: str, claim: float | None = None
) -> Axes:
    """Draw the numbers of `tables.sweep_histogram`, and a line at the loss `claim`, if given.

    `lost` is what the axis says, without the unit.
    """
    base = np.zeros(len(table))
    bounds = np.append(table["from"], table["to"].iloc[-1:]).astype(float)
    claims = np.array([] if claim is None else [claim])
    (edges, claims), unit = handy(bounds, claims)
    for colour, name in zip(BY_DEAD_UNITS, table.columns[2:], strict=False):
        if table[name].any():
            top = base + table[name].to_numpy()
            ax.stairs(top, edges, baseline=base, fill=True, color=colour, label=name)
            base = top
    if claim is not None:
        ax.axvline(claims[0], color=VERMILION, linestyle="--", label="claim")
    legend(ax)
    ax.set_xlabel(f"{lost}{unit}")
    ax.locator_params(axis="x", nbins=TICKS)
    ax.set_ylabel("networks")
    beyond = counts.networks - counts.diverged - int(base.sum())
    left_out = ((beyond, "larger"), (counts.diverged, "diverged"))
    notes = [f"{unbroken(count)} {what}" for count, what in left_out if count]
    head = f"{counts.shape}: {counted(counts.networks, 'network', unbroken)}"
    ax.set_title(", ".join([head, *notes]), fontsize="medium")
    return share_in_labels(ax)


class Counts(NamedTuple):
    """The facts of a sweep in the title of its histogram."""

    shape: str
    networks: int
    diverged: int


def counts_of(sweep: Sweep) -> Counts:
    """The architectures of a sweep's networks, the number of networks, and how many of them diverged."""
    return Counts(in_words(sweep.architectures), len(sweep), int(sweep.summary()["diverged"].sum()))


@under_fixed_settings
def dead_units(sweep: Sweep, ax: Axes | None = None) -> Axes:
    """Draw the share of the networks that ended in each mode, for each cell of the grid.

    Parameters
    ----------
    sweep : Sweep
    ax : Axes, optional
        Where to draw; by default a new figure.
    """
    return draw_dead_units(axes(ax), tables.dead_units(sweep))


def draw_dead_units(ax: Axes, table: pd.DataFrame) -> Axes:
    """Draw the numbers of `tables.dead_units`."""
    from fastnn.plotting.bars import write_on_bars

    names = tables.modes_of(table)
    colours = dict(zip(names, (*BY_DEAD_UNITS[: len(names) - 1], GREY), strict=True))
    places = np.arange(len(table))
    base = np.zeros(len(table))
    bright = {BLUE: BRIGHT}
    for name in names:
        share = 100 * table[name].to_numpy() / np.maximum(table["networks"].to_numpy(), 1)
        if share.any():
            bars = ax.barh(places, share, left=base, color=colours[name], label=name, height=0.7)
            written = [f"{part:.0f} %" for part in share]
            write_on_bars(ax, bars, written, fontsize=9, color=bright.get(colours[name], DARK))
            base += share
    ax.set_yticks(places, [in_lines(name) for name in tables.cell_labels(table)])
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel("networks (%)")
    legend_above(ax, 2)
    return ax


@under_fixed_settings
def scores_against_rows(scores: pd.DataFrame, metric: str, ax: Axes | None = None) -> Axes:
    """Draw a score against the number of rows trained on: its median, and the bands of 50 % and 90 %.

    Parameters
    ----------
    scores : DataFrame
        One line for each network: ``rows``, the metric, and what else varies, such as ``learning_rate``.
    metric : str
        "r2", "mape" (a fraction, drawn in per cent), "mse", "accuracy", "log_loss" or "f1".
    ax : Axes, optional
        Where to draw; by default a new figure.
    """
    return draw_scores(axes(ax), tables.scores_against_rows(scores, metric), metric)


def draw_scores(ax: Axes, table: pd.DataFrame, metric: str) -> Axes:
    """Draw the numbers of `tables.scores_against_rows`."""
    if metric == "mape":
        table = table.assign(**{name: 100 * table[name] for name in tables.QUANTILE_NAMES})
    names = np.array(tables.settings_in_words(table, but="rows"))
    fans = [(str(name), table[names == name]) for name in dict.fromkeys(names)]
    for place, (name, some) in enumerate(fans):
        colour, stroke = COLOURS[place % len(COLOURS)], STROKES[place % len(STROKES)]
        bands(ax, some["rows"], some, colour, name, stroke, marker="o", markersize=4)
    ax.set_xscale("log")
    counts = sorted(table["rows"].unique())
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.set_xlabel("rows trained on")
    ax.set_ylabel(METRICS[metric])
    _set_scale(ax, "y", table)
    if len(fans) > 1:
        legend(ax)
    return share_in_labels(ax)


@under_fixed_settings
def intervals(table: pd.DataFrame, unit: str, ax: Axes | None = None) -> Axes:
    """Draw distributions one below the other: the median, the ranges of 50 % and 90 %, and a claim, if any.

    Parameters
    ----------
    table : DataFrame
        One line for each distribution: ``label``, the quantiles ``5 %``, ``25 %``, ``50 %``, ``75 %`` and
        ``95 %``, and optionally ``claim``, a figure to compare with (NaN for none).
    unit : str
        The quantity and its unit, for the axis.
    ax : Axes, optional
        Where to draw; by default a new figure.
    """
    tables.has_columns(table, "table", ["label", *tables.QUANTILE_NAMES])
    ax = axes(ax)
    low, lower, middle, upper, high = (drawable(table[name]) for name in tables.QUANTILE_NAMES)
    places = np.arange(len(table))
    ax.hlines(places, low, high, color=BLUE, linewidth=1.5, label="90 % of the networks")
    ax.hlines(places, lower, upper, color=BLUE, linewidth=6, alpha=0.55, label="50 %")
    ax.plot(middle, places, "|", color=INK, markersize=11, markeredgewidth=2, label="median")
    if "claim" in table:
        ax.plot(drawable(table["claim"]), places, "D", color=VERMILION, markersize=5, label="claim")
    ax.set_yticks(places, [in_lines(name) for name in table["label"]])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlabel(lettered(unit, UNIT))
    _set_scale(ax, "x", table)
    legend_above(ax, 4)
    return share_in_labels(ax)


def _set_scale(ax: Axes, which: str, table: pd.DataFrame) -> None:
    """Make a scale logarithmic if the medians differ so much that a linear one would merge the small ones."""
    drawn = [name for name in (*tables.QUANTILE_NAMES, "claim") if name in table]
    values = drawable(table[drawn])
    values = values[np.isfinite(values)]
    medians = np.abs(drawable(table["50 %"]))
    medians = medians[medians > 0]
    if not len(medians) or medians.max() / WIDE <= medians.min():
        if np.abs(values).max(initial=0.0) > LARGE:
            getattr(ax, f"set_{which}lim")(*limits(values))
    elif values.min() > 0:
        logarithmic(ax, which, values.min(), values.max())
    else:
        bent(ax, which, values.min(), values.max())  # only R² has values below 0, and it ends at 1

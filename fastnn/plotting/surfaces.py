"""A picture of what a network learned: its output over two inputs, with the rows trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.plotting import tables
from fastnn.plotting.canvas import (
    BLUE,
    BRIGHT,
    DARK,
    GREY,
    VERMILION,
    axes,
    legend,
    lettered,
)
from fastnn.plotting.regions import draw_classes
from fastnn.plotting.scales import handy, limits, share_in_labels
from fastnn.plotting.settings import under_fixed_settings
from fastnn.plotting.surface_tables import GRID
from fastnn.showing.lettering import shape
from fastnn.training.result import Training

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
Ends = tuple[float, float, float, float]  # left, right, lower, upper

MOST_TICKS = 12
TOLD = 3  # the title holds the values of at most this many other inputs
LINES = 6  # the number of lines of equal answers
SHOWN = 0.98  # the colours end at this quantile of the residuals, since a few lie far out
COLOURS = "cividis"  # made for every colour vision; evenly brighter from low to high


@under_fixed_settings
def surface(
    training: Training,
    X: Any,
    y: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    inputs: tuple[int, int] | None = None,
    output: int | None = None,
) -> Axes:
    """Draw a network's answers over two of its inputs as a map, and the rows trained on as dots.

    The colour of the map is the answer. The colour of a dot is the residual: how far the row's target lies
    above (red) or below (blue) the network's answer; a white dot is fitted well. Other inputs are held at
    their medians, categories at the most common one, and the title names these values. A network of one input
    is drawn as a line; one that diverged has no map.

    Of a network that was trained on classes, the map shows the region of each class, where its output is the
    largest (from 0.5 on where there is one output), and the dots are the rows, by their class. A ring marks
    misclassified rows. Over one input the output of each class is a line.

    Parameters
    ----------
    training : Training
        The training of one network.
    X : array_like (N, D), or Dataset
        The rows trained on; further rows may follow and are ignored. A Dataset is drawn in its own units.
    y : array_like (N,) or (N, K), optional
        Not needed with a Dataset.
    ax : Axes, optional
        Where to draw; by default a new figure.
    inputs : (int, int), optional
        Which inputs, from 0. By default the first two that are not one of several categories; of a network of
        classes, those two of them that tell most rows' classes by the nearest mean of a class.
    output : int, optional
        Which output, from 0. By default the first one; of a network of classes, the regions of all.
    """
    return draw_surface(
        axes(ax), tables.surface(training, X, y, inputs, output), shape(training.network.layers)
    )


def draw_surface(ax: Axes, table: pd.DataFrame, title: str) -> Axes:
    """Draw the numbers of `tables.surface`."""
    fitted, data = (table[table.iloc[:, 0] == kind].iloc[:, 1:] for kind in ("fitted", "data"))
    marks = table.attrs.get("marks", {})
    if "classes" in table.attrs:
        draw_classes(ax, fitted, data, table.attrs["classes"])
    elif table.shape[1] == 4:
        _line(ax, fitted, data)
    else:
        _map(ax, fitted, data, marks)
    for axis, name in ((ax.xaxis, table.columns[1]), (ax.yaxis, table.columns[2])):
        if name in marks:
            axis.set_ticks(**_ticks(marks[name]))
    ax.set_title("\n".join([title, *_held_lines(table.attrs["held"])]), fontsize="medium")
    return share_in_labels(ax)


def _held_lines(held: Sequence[str]) -> list[str]:
    """A line below the title that names the values of the other inputs, as many as fit."""
    told = [lettered(one) for one in held[:TOLD]] + ([f"{len(held) - TOLD} more"] if len(held) > TOLD else [])
    return [f"held: {', '.join(told)}"] if told else []


def _line(ax: Axes, fitted: pd.DataFrame, data: pd.DataFrame) -> None:
    across, unit = handy(_column(fitted, 0), _column(data, 0))
    values, target_unit = handy(_column(fitted, 1), _column(data, 1))
    ax.plot(across[1], values[1], ".", color=GREY, markersize=4, label="rows", rasterized=True)
    ax.plot(across[0], values[0], color=BLUE, label="network")
    ax.set_xlim(*limits(np.concatenate(across)))
    ax.set_ylim(*limits(np.concatenate(values)))
    ax.set_xlabel(lettered(fitted.columns[0]) + unit)
    ax.set_ylabel(lettered(fitted.columns[1]) + target_unit)
    legend(ax)


def _map(ax: Axes, fitted: pd.DataFrame, data: pd.DataFrame, marks: Mapping[str, Sequence[str]]) -> None:
    (first, across), unit = handy(_column(fitted, 0), _column(data, 0))
    (second, up), other_unit = handy(_column(fitted, 1), _column(data, 1))
    (values, _), target_unit = handy(_column(fitted, 2), _column(data, 2))
    ends = (*limits(first, 0.0), *limits(second, 0.0))
    extent = (*_with_half_a_dot(*ends[:2]), *_with_half_a_dot(*ends[2:]))
    target = lettered(fitted.columns[2])
    if np.isfinite(values).any():
        answers = np.ma.masked_invalid(values.reshape(GRID, GRID).T)
        drawn = _answers(ax, answers, ends, extent)
        bar = ax.figure.colorbar(drawn, ax=ax, label=f"network's {target}{target_unit}", pad=0.02)
        if fitted.columns[2] in marks:
            bar.set_ticks(**_ticks(marks[fitted.columns[2]]))
        share_in_labels(bar.ax)
    _residuals(ax, across, up, data)
    ax.set_xlim(*extent[:2])
    ax.set_ylim(*extent[2:])
    ax.set_xlabel(lettered(fitted.columns[0]) + unit)
    ax.set_ylabel(lettered(fitted.columns[1]) + other_unit)


def _with_half_a_dot(low: float, high: float) -> tuple[float, float]:
    """The ends of an image whose outermost pixels have their centres at `low` and `high`."""
    half = (high - low) / (GRID - 1) / 2
    return low - half, high + half


def _answers(ax: Axes, answers: Any, ends: Ends, extent: Ends) -> Any:
    """Draw the map of the network's answers, with lines of equal answers."""
    from matplotlib.patheffects import withStroke

    low, high = answers.min(), answers.max()
    drawn = ax.imshow(
        answers, cmap=COLOURS, extent=extent, origin="lower", aspect="auto", interpolation="bilinear"
    )
    if high > low:
        drawn.set_clim(low, high)
        places = [np.linspace(*some, GRID) for some in (ends[:2], ends[2:])]
        lines = ax.contour(*places, answers, levels=LINES, colors=BRIGHT, linewidths=0.8)
        texts = [f"{level:g}" for level in lines.levels]
        if len(set(texts)) == len(texts):  # else the levels are too close for short labels: the bar suffices
            with suppress(IndexError):  # raised by matplotlib if it finds no place on a line for the label
                ax.clabel(lines, fontsize=9, fmt="{:g}".format)
        for text in lines.labelTexts:
            text.set_path_effects([withStroke(linewidth=2, foreground=DARK)])
    return drawn


def _residuals(ax: Axes, across: Array, up: Array, data: pd.DataFrame) -> None:
    """Draw the rows as dots, coloured by how far their targets lie above or below the network's answers."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import MaxNLocator

    (residuals,), unit = handy(_column(data, 3))
    finite = np.abs(residuals[np.isfinite(residuals)])
    if not len(finite):
        ax.plot(across, up, ".", color=GREY, markersize=4, rasterized=True)
        return
    most = float(np.quantile(finite, SHOWN, method="higher")) or 1.0
    colours = LinearSegmentedColormap.from_list("residuals", [BLUE, BRIGHT, VERMILION])
    dots = ax.scatter(
        across, up, c=np.clip(residuals, -most, most), s=11, cmap=colours, vmin=-most, vmax=most,
        edgecolors=DARK, linewidths=0.3, rasterized=True,
    )  # fmt: skip
    bar = ax.figure.colorbar(dots, ax=ax, location="bottom", pad=0.02, aspect=40, extend="both")
    bar.set_label(f"rows: target less answer{unit}", fontsize="small")
    bar.ax.tick_params(labelsize="small")
    bar.locator = MaxNLocator(4)
    share_in_labels(bar.ax)


def _column(table: pd.DataFrame, place: int) -> Array:
    return table.iloc[:, place].to_numpy(float)


def _ticks(marks: Sequence[str]) -> dict[str, Any]:
    """Ticks at 0, 1, 2, ... with the names of the categories; of many categories only some are named."""
    places = range(0, len(marks), 1 + len(marks) // MOST_TICKS)
    return {"ticks": list(places), "labels": [lettered(marks[place]) for place in places]}

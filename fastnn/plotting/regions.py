"""Drawing what a network of classes predicts: regions over two inputs, or curves over one, and the rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.plotting.canvas import BRIGHT, COLOURS, DARK, INK, lettered
from fastnn.plotting.scales import handy, limits
from fastnn.plotting.surface_tables import GRID

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["draw_classes"]

Array = NDArray[np.float64]

MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":")
INSIDE = np.abs(np.linspace(-1.0, 1.0, GRID)) < 0.75
TINT = 0.3  # of a region's colour, through which the paper shows
LETTERS = 16  # of a class's name


class _Class(NamedTuple):
    """A class, and how it is drawn: no two of the first six have the same colour."""

    column: str
    colour: str
    marker: str
    line: str

    @property
    def text(self) -> str:
        return lettered(self.column, LETTERS)


def draw_classes(ax: Axes, fitted: pd.DataFrame, data: pd.DataFrame, columns: Sequence[str]) -> None:
    """Draw the numbers of `tables.surface` of a network of classes, whose outputs have these columns."""
    ways = (islice(cycle(way), len(columns)) for way in (COLOURS, MARKERS, LINES))
    classes = [_Class(*each) for each in zip(columns, *ways, strict=True)]
    if fitted.shape[1] - len(columns) > 3:
        _over_two_inputs(ax, fitted, data, classes)
    else:
        _over_one_input(ax, fitted, data, classes)


def _over_two_inputs(ax: Axes, fitted: pd.DataFrame, data: pd.DataFrame, classes: Sequence[_Class]) -> None:
    (first, across), unit = handy(_column(fitted, 0), _column(data, 0))
    (second, up), other_unit = handy(_column(fitted, 1), _column(data, 1))
    ends = (limits(first, 0.0), limits(second, 0.0))
    _regions(ax, [np.linspace(*some, GRID) for some in ends], fitted, classes)
    handles = _rows(ax, across, up, data, classes, regions=True)
    ax.set_xlim(*ends[0])
    ax.set_ylim(*ends[1])
    ax.set_xlabel(lettered(fitted.columns[0]) + unit)
    ax.set_ylabel(lettered(fitted.columns[1]) + other_unit)
    _legend(ax, handles, fitted.columns[2])


def _regions(ax: Axes, places: Sequence[Array], fitted: pd.DataFrame, classes: Sequence[_Class]) -> None:
    """Fill the region of each class, draw its edge, and name it where colours come twice."""
    predicted = set(fitted.iloc[:, 3])  # no class by a network that diverged
    outputs = fitted[[each.column for each in classes]].to_numpy(float).T.reshape(-1, GRID, GRID)
    for place, each in enumerate(classes):
        if each.column not in predicted:
            continue
        ahead = (outputs[place] - np.delete(outputs, place, axis=0).max(axis=0)).T
        ax.contourf(*places, ahead, levels=[0.0, np.inf], colors=each.colour, alpha=TINT)
        if ahead.min() < 0 < ahead.max():
            ax.contour(*places, ahead, levels=[0.0], colors=INK, linewidths=0.7)
        if len(classes) > len(COLOURS):
            inside = np.where(INSIDE & INSIDE[:, None], ahead, np.minimum(ahead, 0.0))  # room for a name
            row, column = divmod(int(inside.argmax()), GRID)
            ax.text(float(places[0][column]), float(places[1][row]), each.text, fontsize="small", color=DARK,
                    ha="center", va="center", clip_on=True, path_effects=_halo(2.0))  # fmt: skip


def _rows(
    ax: Axes, across: Array, up: Array, data: pd.DataFrame, classes: Sequence[_Class], *, regions: bool
) -> list[tuple[Any, str]]:
    """Draw the rows by their class, those misclassified in a ring; return what a legend needs."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    so, predicted = (data.iloc[:, place - len(classes)].to_numpy(object) for place in (-2, -1))
    handles: list[tuple[Any, str]] = []
    for each in classes:
        own = so == each.column
        dots = ax.scatter(across[own], up[own], s=13, c=each.colour, marker=each.marker, edgecolors=BRIGHT,
                          linewidths=0.5, rasterized=True, clip_on=False)  # fmt: skip
        under = (
            Patch(color=each.colour, alpha=TINT)
            if regions
            else Line2D([], [], color=each.colour, ls=each.line)
        )
        handles.append(((under, dots), each.text))
    wrong = (predicted != so) & (predicted != "")
    if wrong.any():
        ring = ax.scatter(across[wrong], up[wrong], s=50, facecolors="none", edgecolors=DARK, linewidths=0.9,
                          path_effects=_halo(2.0), rasterized=True, clip_on=False)  # fmt: skip
        handles.append((ring, "misclassified"))
    return handles


def _legend(ax: Axes, handles: Sequence[tuple[Any, str]], title: object) -> None:
    """Add a legend beside the axes: the classes may be many."""
    drawn, texts = zip(*handles, strict=True)
    ax.legend(drawn, texts, title=lettered(title, LETTERS), loc="upper left", bbox_to_anchor=(1.02, 1.0),
              frameon=False, fontsize="small", title_fontsize="small")  # fmt: skip


def _halo(width: float) -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=width, foreground=BRIGHT)]


def _over_one_input(ax: Axes, fitted: pd.DataFrame, data: pd.DataFrame, classes: Sequence[_Class]) -> None:
    """Draw the output of each class over the input, and each row at that of its own class."""
    across, unit = handy(_column(fitted, 0), _column(data, 0))
    for each in classes:
        ax.plot(across[0], fitted[each.column], color=each.colour, ls=each.line)
    so = data.iloc[:, 1].to_numpy(object)
    own = np.full(len(data), np.nan)
    for each in classes:
        own = np.where(so == each.column, data[each.column], own)
    if not np.isfinite(own).any():
        own = np.zeros(len(data))
    handles = _rows(ax, across[1], own, data, classes, regions=False)
    ax.set_xlim(*limits(np.concatenate(across)))
    ax.set_xlabel(lettered(fitted.columns[0]) + unit)
    ax.set_ylabel("output of each class")
    _legend(ax, handles, fitted.columns[1])


def _column(table: pd.DataFrame, place: int) -> Array:
    return table.iloc[:, place].to_numpy(float)

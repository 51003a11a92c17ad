"""What a network learned: its output over two inputs, with the rows it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.plotting import tables
from fastnn.plotting.canvas import BLUE, BRIGHT, DARK, GREY, axes, legend, lettered, shape
from fastnn.plotting.settings import under_fixed_settings
from fastnn.training_results import Training

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_TICKS = 12
COLOURS = "cividis"  # made for every colour vision; evenly brighter from low to high


@under_fixed_settings
def surface(
    training: Training,
    X: Any,
    y: ArrayLike | None = None,
    ax: Axes | None = None,
    *,
    inputs: tuple[int, int] = (0, 1),
    output: int = 0,
) -> Axes:
    """Draw a network's output over two of its inputs as a map, with the rows it was trained on as dots.

    Map and dots share one scale of colours: a dot that disappears is fitted well. Further inputs are held
    at their medians, categories at the most common one. A network of one input is drawn as a line; one
    that diverged has no map.

    Parameters
    ----------
    training : Training
        Of one network.
    X : array_like (N, D), or Dataset
        The rows trained on, and maybe more; with a Dataset everything is drawn in its own units.
    y : array_like (N,) or (N, K), optional
        Not needed with a Dataset.
    ax : Axes, optional
        Where to draw; a new figure without.
    inputs : (int, int)
        Which inputs, from 0.
    output : int
        Which output, from 0.
    """
    ax = draw_surface(axes(ax), tables.surface(training, X, y, inputs, output))
    others = training.network.n_inputs - 2
    held = f", {others} other input{'s' * (others > 1)} at the median" if others > 0 else ""
    ax.set_title(f"{shape(training.network)}{held}", fontsize="medium")
    return ax


def draw_surface(ax: Axes, table: pd.DataFrame) -> Axes:
    """Draw the numbers of `tables.surface`."""
    fitted, data = (table[table.iloc[:, 0] == kind].iloc[:, 1:] for kind in ("fitted", "data"))
    if table.shape[1] == 3:
        _line(ax, fitted, data)
    else:
        _map(ax, fitted, data)
    ax.set_xlabel(lettered(table.columns[1]))
    marks = table.attrs.get("marks", {})
    for axis, name in ((ax.xaxis, table.columns[1]), (ax.yaxis, table.columns[2])):
        if name in marks:
            axis.set_ticks(**_ticks(marks[name]))
    return ax


def _line(ax: Axes, fitted: pd.DataFrame, data: pd.DataFrame) -> None:
    ax.plot(*data.to_numpy().T, ".", color=GREY, markersize=4, label="rows", rasterized=True)
    ax.plot(*fitted.to_numpy().T, color=BLUE, label="network")
    ax.set_ylabel(lettered(fitted.columns[1]))
    legend(ax)


def _map(ax: Axes, fitted: pd.DataFrame, data: pd.DataFrame) -> None:
    from matplotlib.patheffects import withStroke

    first, second, values = (fitted[name].to_numpy() for name in fitted.columns)
    size = tables.GRID
    low, high = data.iloc[:, 2].min(), data.iloc[:, 2].max()
    scale: dict[str, Any] = {"cmap": COLOURS, "vmin": low, "vmax": high}
    grid = [array.reshape(size, size) for array in (first, second, values)]
    if np.isfinite(values).all():
        ax.pcolormesh(*grid, **scale, shading="gouraud", rasterized=True)
        if values.max() > values.min():
            lines = ax.contour(*grid, levels=6, colors=BRIGHT, linewidths=0.8)
            for label in ax.clabel(lines, fontsize=9, fmt="{:g}".format):
                label.set_path_effects([withStroke(linewidth=2, foreground=DARK)])
    across, up, target = (data[name].to_numpy() for name in data.columns)
    rim: dict[str, Any] = {"edgecolors": "#ffffffaa", "linewidths": 0.3}
    dots = ax.scatter(across, up, s=9, c=target, rasterized=True, **scale, **rim)
    bar = ax.figure.colorbar(dots, ax=ax, label=lettered(fitted.columns[2]))
    if fitted.columns[2] in data.attrs.get("marks", {}):
        bar.set_ticks(**_ticks(data.attrs["marks"][fitted.columns[2]]))
    ax.set_ylabel(lettered(fitted.columns[1]))


def _ticks(marks: Sequence[str]) -> dict[str, Any]:
    """Ticks at 0, 1, 2, ... with the names of the categories there, some left out where they are many."""
    places = range(0, len(marks), 1 + len(marks) // MOST_TICKS)
    return {"ticks": list(places), "labels": [lettered(marks[place]) for place in places]}

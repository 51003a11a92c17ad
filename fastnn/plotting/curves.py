"""The losses of many networks over the epochs, drawn as bands of quantiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.plotting import tables
from fastnn.plotting.canvas import COLOURS, LOSS, axes, label, legend, loss_label
from fastnn.plotting.scales import drawable, scale_losses, share_in_labels
from fastnn.plotting.settings import under_fixed_settings
from fastnn.sweeping.results import Sweep

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

STROKES = ("-", "--", "-.", ":")
FEW = 100  # below this number of epochs, ticks at powers of ten alone would be one or two


@under_fixed_settings
def fan(curves: Sweep | ArrayLike | Mapping[Any, ArrayLike], ax: Axes | None = None) -> Axes:
    """Draw the median loss of many networks over the epochs, and the bands in which 50 % and 90 % lie.

    Epochs are on a logarithmic scale, since most happens in the first ones. Losses are logarithmic if they
    span more than a factor of three. A diverged network counts as an infinite loss; a quantile that is not
    finite is not drawn. A network that stopped for itself counts as its last loss from then on.

    Parameters
    ----------
    curves : Sweep with curves, array_like (M, E), or a mapping of names to such arrays
        A Sweep has one fan for each learning rate, and for each number of rows if that varies.
    ax : Axes, optional
        Where to draw; by default a new figure.
    """
    lost = loss_label(curves.grid["loss"].values) if isinstance(curves, Sweep) else LOSS
    return draw_fan(axes(ax), tables.fan(curves), lost=lost)


def draw_fan(ax: Axes, table: pd.DataFrame, title: str = "", lost: str = LOSS) -> Axes:
    """Draw the numbers of `tables.fan`."""
    for place, (name, some) in enumerate(table.groupby("curves", sort=False)):
        colour = COLOURS[place % len(COLOURS)]
        bands(ax, some["epoch"], some, colour, label(name), STROKES[place % len(STROKES)])
    _scale(ax, int(table["epoch"].max()), table[list(tables.QUANTILE_NAMES)].to_numpy())
    ax.set_xlabel("epoch")
    ax.set_ylabel(lost)
    legend(ax)
    share_in_labels(ax)
    if title:
        ax.set_title(title, fontsize="medium")
    return ax


def bands(
    ax: Axes, x: Any, quantiles: Any, colour: str, name: str, stroke: str = "-", **options: Any
) -> None:
    """Draw a median, the band from the 25 % to the 75 % quantile, and that from 5 % to 95 %."""
    low, lower, middle, upper, high = (drawable(quantiles[q]) for q in tables.QUANTILE_NAMES)
    ax.fill_between(x, low, high, color=colour, alpha=0.22, linewidth=0)
    ax.fill_between(x, lower, upper, color=colour, alpha=0.35, linewidth=0)
    ax.plot(x, middle, color=colour, linestyle=stroke, label=name, **options)


def _scale(ax: Axes, epochs: int, losses: NDArray[np.float64]) -> None:
    """Set the scales of both axes; write the ticks of epochs as plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_xscale("log")
    ax.set_xlim(0.9, 1.1 * epochs)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    if epochs < FEW:
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    scale_losses(ax, losses, 3)

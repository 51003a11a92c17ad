"""Scales that hold any numbers: matplotlib's own margins overflow beside the largest of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["handy", "limits", "scale_losses"]

MARGIN = 0.05  # of the extent, left free on both sides
LARGE, SMALL = 1e60, 1e-60  # beyond which numbers are drawn in another unit
LARGEST, SMALLEST = 1e300, 1e-300  # beyond which matplotlib's arithmetic overflows


def handy(*arrays: NDArray[np.float64]) -> tuple[list[NDArray[np.float64]], str]:
    """The arrays in a unit in which they can be drawn, and that unit in words: "", or " (in 1e+200)"."""
    finite = np.concatenate([array[np.isfinite(array)] for array in arrays])
    largest = float(np.abs(finite).max(initial=0.0))
    if largest == 0 or SMALL <= largest <= LARGE:
        return list(arrays), ""
    power = int(np.clip(np.floor(np.log10(largest)), -300, 300))
    return [array / 10.0**power for array in arrays], f" (in 1e{power:+d})"


def limits(values: NDArray[np.float64], share: float = MARGIN) -> tuple[float, float]:
    """Where a linear axis begins and ends, to hold all finite values with a margin."""
    finite = np.clip(values[np.isfinite(values)], -LARGEST, LARGEST)
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    margin = share * (high - low)
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # (nearly) all alike
        margin = MARGIN * max(abs(low), abs(high)) or 1.0  # whatever the share
    return max(low - margin, -LARGEST), min(high + margin, LARGEST)


def scale_losses(ax: Axes, losses: NDArray[np.float64], factor: float) -> bool:
    """Let the upright axis hold some losses; logarithmic, if all are above 0 and span more than a factor.

    Returns whether it is logarithmic.
    """
    from matplotlib.ticker import LogLocator, NullFormatter

    finite = losses[np.isfinite(losses)]
    if not len(finite) or finite.min() <= 0 or finite.max() / factor <= finite.min():
        ax.set_ylim(*limits(losses))
        return False
    low, high = np.log10(np.clip([finite.min(), finite.max()], SMALLEST, LARGEST))
    margin = MARGIN * (high - low)
    # The limits first: with them matplotlib looks for none of its own.
    ax.set_ylim(10.0 ** max(low - margin, -300.0), 10.0 ** min(high + margin, 300.0))
    ax.set_yscale("log")
    if high - low < 3:
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    return True

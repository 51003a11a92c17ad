"""Scales for numbers of any size: matplotlib's own margins overflow near the largest floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["bent", "drawable", "handy", "limits", "logarithmic", "scale_losses", "share_in_labels"]

MARGIN = 0.05  # this share of the extent is left free on both sides
LARGE, SMALL = 1e60, 1e-60  # numbers beyond these are drawn in another unit
LARGEST, SMALLEST = 1e280, 1e-280  # matplotlib's arithmetic overflows beyond these
FEW_DECADES = 3  # a scale of fewer decades also has ticks between the powers of ten
MANY_DECADES = 100  # a scale of more decades has ticks at only some powers of ten
TICKS = 5


def handy(*arrays: NDArray[np.float64]) -> tuple[list[NDArray[np.float64]], str]:
    """Return the arrays in a unit that can be drawn, and that unit in words: "", or " (in 1e+200)"."""
    finite = np.concatenate([array[np.isfinite(array)] for array in arrays])
    largest = float(np.abs(finite).max(initial=0.0))
    if largest == 0 or SMALL <= largest <= LARGE:
        return list(arrays), ""
    power = int(np.clip(np.floor(np.log10(largest)), -300, 300))
    return [array / 10.0**power for array in arrays], f" (in 1e{power:+d})"


def limits(values: NDArray[np.float64], share: float = MARGIN) -> tuple[float, float]:
    """The two ends of a linear axis that holds all finite values with a margin."""
    finite = np.clip(values[np.isfinite(values)].astype(np.float64), -LARGEST, LARGEST)
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    margin = share * (high - low)
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # the values are equal, or nearly so
        margin = MARGIN * max(abs(low), abs(high)) or 1.0  # here `share` does not count
    return max(low - margin, -LARGEST), min(high + margin, LARGEST)


def drawable(values: Any) -> NDArray[np.float64]:
    """The values with NaN in place of infinities, clipped to what matplotlib can draw."""
    array = np.asarray(values, np.float64)
    return np.where(np.isfinite(array), np.clip(array, -LARGEST, LARGEST), np.nan)


def logarithmic(ax: Axes, which: str, low: float, high: float) -> None:
    """Make an axis, "x" or "y", logarithmic from `low` to `high`, both above 0, with a margin."""
    from matplotlib.ticker import FixedLocator, LogLocator, NullFormatter

    first, last = np.log10(np.clip([float(low), float(high)], SMALLEST, LARGEST))
    margin = MARGIN * (last - first)
    axis = _scaled(ax, which, 10.0 ** (first - margin), 10.0 ** (last + margin), "log")
    if last - first < FEW_DECADES:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    elif last - first > MANY_DECADES:
        axis.minorticks_off()
        axis.set_major_locator(FixedLocator((10.0 ** np.linspace(first, last, TICKS).round()).tolist()))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def bent(ax: Axes, which: str, low: float, high: float) -> None:
    """Make an axis, "x" or "y", linear from -1 to 1 and logarithmic beyond."""
    from matplotlib.ticker import FixedLocator

    ends = [max(float(low), -LARGEST), min(float(high), LARGEST)]
    axis = _scaled(ax, which, min(ends[0] * 2, -1.0), max(ends[1] * 2, 1.0), "symlog", linthresh=1.0)
    below, above = (np.log10(max(abs(end), 1.0)) for end in ends)
    powers = np.unique(np.linspace(0, max(below, above), TICKS).round())
    ticks = [*(-(10.0 ** powers[::-1])), 0.0, *10.0**powers]
    axis.set_major_locator(FixedLocator([tick for tick in ticks if ends[0] * 2 <= tick <= max(ends[1], 1.0)]))
    axis.set_major_formatter("{x:g}")


def share_in_labels(ax: Axes) -> Axes:
    """Write the shared part of tick numbers in the labels of `ax`'s linear axes, and return `ax`."""
    from matplotlib.ticker import ScalarFormatter

    from fastnn.plotting.ticks import SharedInLabel

    for axis in (ax.xaxis, ax.yaxis):
        if type(axis.get_major_formatter()) is ScalarFormatter:
            axis.set_major_formatter(SharedInLabel())
    return ax


def _scaled(ax: Axes, which: str, low: float, high: float, scale: str, **options: Any) -> Any:
    """Give an axis its limits and then its scale: the other way round, matplotlib would look for limits."""
    set_scale = getattr(ax, f"set_{which}scale")
    set_scale("linear")
    getattr(ax, f"set_{which}lim")(low, high)
    set_scale(scale, **options)
    return getattr(ax, f"{which}axis")


def scale_losses(ax: Axes, losses: NDArray[np.float64], factor: float) -> bool:
    """Scale the y axis for some losses, and return whether it is logarithmic.

    It is logarithmic if all losses are above 0 and span more than `factor`.
    """
    finite = losses[np.isfinite(losses)]
    if not len(finite) or finite.min() <= 0 or finite.max() / factor <= finite.min():
        ax.set_ylim(*limits(losses))
        return False
    logarithmic(ax, "y", finite.min(), finite.max())
    return True

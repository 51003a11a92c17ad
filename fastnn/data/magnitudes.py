"""The warning of inputs and targets whose magnitudes make training go wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import ScaleWarning
from fastnn.data.columns import joined
from fastnn.system.telling import warn

__all__ = ["warn_of_magnitudes"]

# A column is far from 1 if the root of its mean square is above LARGE_*, or its largest magnitude below
# SMALL. Measured on min-max scaled data (2-2-1, rate 0.005, 400 starts, 60 epochs) with roots of 0.6 (X) and
# 0.3 (y), where all units are dead in 14 % of the starts: with X times 5, 20, 50 in 12, 54, 86 %, with y
# times 100, 300 in 24, 100 %. With X or y divided by 1000 the median R² is at or below 0.
LARGE_INPUT, LARGE_TARGET = 10.0, 30.0
SMALL = 1e-3
NAMED = 3


def warn_of_magnitudes(
    X: NDArray[Any], Y: NDArray[Any], validation: tuple[NDArray[Any], NDArray[Any]] | None, stacklevel: int
) -> None:
    """Warn once if columns of X (N, D) or Y (N, K) are far from 1; columns of only zeros do not count.

    The columns of validation rows are looked at, too.
    """
    further = () if validation is None else zip(validation, ("validation's X", "validation's y"), strict=True)
    large = (LARGE_INPUT, LARGE_TARGET)
    named = [(X, "X"), (Y, "y"), *further]
    far = [
        text for place, (values, name) in enumerate(named) for text in _far(values, name, large[place % 2])
    ]
    if far:
        warn(
            f"numbers far from 1 make networks die, diverge or learn nothing: {joined(far, NAMED)}. "
            "Scale first: Dataset.from_frame does.",
            ScaleWarning,
            stacklevel=stacklevel + 1,
        )


def _far(values: NDArray[Any], name: str, large: float) -> list[str]:
    """The names of the columns that are far from 1, with their size."""
    most = np.abs(values).max(axis=0).astype(np.float64)
    with np.errstate(all="ignore"):
        relative = values / np.where(most > 0, most, 1)  # their squares do not overflow
        size = most * np.sqrt(np.mean(relative * relative, axis=0))
    far = (size > large) | ((most > 0) & (most < SMALL))
    columns = [f"{name}[:, {place}]" if len(far) > 1 else name for place in range(len(far))]
    return [f"{columns[place]} of about {size[place]:.2g}" for place in np.flatnonzero(far)]

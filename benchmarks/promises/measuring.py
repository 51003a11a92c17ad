"""A promise with its measured values, and the comparisons that come before any timing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite.common import LEARNING_RATE

STEP = -2 * LEARNING_RATE


@dataclass(frozen=True)
class Line:
    """A promise with its measured values, whose median must keep it; or, without a promise, a detail.

    A promise without values was skipped. A promise `out_of_reach` cannot be kept by any program on this
    machine, and is missed instead of broken. `remark` says why.
    """

    what: str
    values: Sequence[float] | np.ndarray = ()
    promise: float | None = None
    at_least: bool = False
    digits: int = 2
    unit: str = ""
    remark: str = ""
    out_of_reach: bool = False

    @property
    def verdict(self):
        """One of "kept", "BROKEN", "missed" and "skipped"; empty for a detail."""
        if self.promise is None:
            return ""
        if not len(self.values):
            return "skipped"
        median = float(np.median(self.values))
        if median >= self.promise if self.at_least else median <= self.promise:
            return "kept"
        return "missed" if self.out_of_reach else "BROKEN"

    @property
    def promised(self):
        return "" if self.promise is None else f"{'>=' if self.at_least else '<='} {self.promise:g}"

    @property
    def quantiles(self):
        """The values at 5 %, 50 % and 95 %, as text."""
        if not len(self.values):
            return ["", "", ""]
        return [f"{q:.{self.digits}f}" for q in np.quantile(self.values, (0.05, 0.5, 0.95))]


def refuse_other_bits(*pairs):
    """Raise if an array differs from the expected one, even by one bit."""
    for found, expected in pairs:
        if found.tobytes() != np.asarray(expected, found.dtype).tobytes():
            raise AssertionError("results differ: nothing to compare")


def refuse_far(found, expected, tolerance):
    """Raise if numbers differ by more than the tolerance, relative or absolute; NaN agrees with NaN."""
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)

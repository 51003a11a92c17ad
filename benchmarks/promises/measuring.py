"""How the promises are measured: in turns, by the processor's clock, on results that agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np

from suite.common import LEARNING_RATE

STEP = -2 * LEARNING_RATE


@dataclass(frozen=True)
class Line:
    """A promise and the values measured, the median of which has to keep it; without one, a detail.

    A promise without values was skipped, one `out_of_reach` is missed by whoever computes; `remark` says why.
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
        """ "kept", "BROKEN", "missed" or "skipped"; nothing for a detail."""
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


def in_turns(rounds: int, **timed: Callable[[], float | tuple[float, ...]]) -> dict[str, np.ndarray]:
    """Call each once per round, every other round in reverse order; return what they returned, by name."""
    found = {name: [] for name in timed}
    for number in range(rounds):
        for name in list(timed)[:: 1 if number % 2 else -1]:
            found[name].append(timed[name]())
    return {name: np.array(values) for name, values in found.items()}


def seconds(function, *arguments, clock=process_time):
    """Processor seconds of a call that keeps one thread busy; waiting for a turn is not counted."""
    began = clock()
    function(*arguments)
    return clock() - began


def wall_seconds(function, *arguments):
    """Seconds of a call on the wall's clock, for what keeps several threads busy."""
    return seconds(function, *arguments, clock=perf_counter)


def refuse_other_bits(*pairs):
    """Raise where an array differs from what was expected, by as little as one bit."""
    for found, expected in pairs:
        if found.tobytes() != np.asarray(expected, found.dtype).tobytes():
            raise AssertionError("results differ: nothing to compare")


def refuse_far(found, expected, tolerance):
    """Raise where numbers differ by more than the tolerance, relative or absolute; NaN agrees with NaN."""
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)

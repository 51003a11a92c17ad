"""The measuring of promises: in turns, by processor time, on results that agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time

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


def in_turns(rounds: int, **timed: Callable[[], float | tuple[float, ...]]) -> dict[str, np.ndarray]:
    """Call each function once a round, every other round in reverse; return their results by name."""
    found = {name: [] for name in timed}
    for number in range(rounds):
        for name in list(timed)[:: 1 if number % 2 else -1]:
            found[name].append(timed[name]())
    return {name: np.array(values) for name, values in found.items()}


def seconds(function, *arguments, clock=process_time):
    """The processor seconds of a call on one thread; time spent waiting for the processor does not count."""
    began = clock()
    function(*arguments)
    return clock() - began


def wall_seconds(function, *arguments):
    """The wall-clock seconds of a call, for calls on several threads."""
    return seconds(function, *arguments, clock=perf_counter)


def refuse_other_bits(*pairs):
    """Raise if an array differs from the expected one, even by one bit."""
    for found, expected in pairs:
        if found.tobytes() != np.asarray(expected, found.dtype).tobytes():
            raise AssertionError("results differ: nothing to compare")


def refuse_far(found, expected, tolerance):
    """Raise if numbers differ by more than the tolerance, relative or absolute; NaN agrees with NaN."""
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)

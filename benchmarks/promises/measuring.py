"""How the promises are measured: in turns, by the processor's clock, on results that agree."""

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time

import numpy as np

from suite.common import LEARNING_RATE

STEP = -2 * LEARNING_RATE


@dataclass(frozen=True)
class Line:
    """A promise and the values measured, the median of which has to keep it; without one, a detail.

    A detail with a `unit` stands in the README beside the promise before it.
    """

    what: str
    values: np.ndarray | list[float]
    promise: float | None = None
    at_least: bool = False
    digits: int = 2
    unit: str = ""
    remark: str = ""

    @property
    def kept(self):
        if self.promise is None:
            return True
        median = float(np.median(self.values))
        return median >= self.promise if self.at_least else median <= self.promise

    @property
    def promised(self):
        return "" if self.promise is None else f"{'>=' if self.at_least else '<='} {self.promise:g}"

    @property
    def verdict(self):
        return "" if self.promise is None else "kept" if self.kept else "BROKEN"

    @property
    def quantiles(self):
        """The values at 5 %, 50 % and 95 %, as text."""
        return [f"{q:.{self.digits}f}" for q in np.quantile(self.values, (0.05, 0.5, 0.95))]


def in_turns(rounds: int, **timed: Callable[[], float]) -> dict[str, np.ndarray]:
    """Call each once per round, every other round in reverse order; return what they returned, by name."""
    found = {name: [] for name in timed}
    for number in range(rounds):
        for name in list(timed)[:: 1 if number % 2 else -1]:
            found[name].append(timed[name]())
    return {name: np.array(values) for name, values in found.items()}


def seconds(function, *arguments):
    """Processor seconds of a call that keeps one thread busy; waiting for a turn is not counted."""
    began = process_time()
    function(*arguments)
    return process_time() - began


def same_bits(*pairs):
    """Refuse to go on where an array differs from what was expected."""
    for found, expected in pairs:
        assert found.tobytes() == np.asarray(expected, found.dtype).tobytes(), (
            "results differ: nothing to compare"
        )

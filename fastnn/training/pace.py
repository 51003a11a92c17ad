"""How long the next call of a kernel may be, so that Ctrl-C and progress need not wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastnn.engines import Kernel
from fastnn.engines.takeover import Ready

__all__ = ["CALL_SECONDS", "Pace", "Paces"]

CALL_SECONDS = 0.1


@dataclass
class Pace:
    """The length of the next call, in visits (one parameter meeting one row), from the last call's time."""

    visits: float = 576.0
    longest: tuple[int, float] = (0, 0.0)  # the visits and the seconds of the longest call so far

    def next_call(
        self, parameters: int, epochs_left: int, rows: int, row: int, batch: int = 1
    ) -> tuple[int, int]:
        """Return (epochs, rows) of the next call: several whole epochs, or some rows of one from `row` on.

        It ends where a batch ends.
        """
        visits = int(self.visits) // parameters
        if row == 0 and visits >= rows:
            return min(epochs_left, visits // rows), rows
        return 1, min(rows - row, max(1, visits // batch) * batch)

    def took(self, seconds: float, visits: int) -> None:
        self.longest = max(self.longest, (visits, seconds))
        self.visits = visits * min(CALL_SECONDS / max(seconds, 1e-9), 1000.0)


@dataclass
class Paces:
    """The paces of all kernels that train the networks of a job."""

    _found: dict[Kernel, tuple[Pace, Ready]] = field(default_factory=dict)

    def of(self, ready: Ready) -> Pace:
        """The pace of a kernel."""
        if ready.kernel not in self._found:
            self._found[ready.kernel] = Pace(), ready
        return self._found[ready.kernel][0]

    def seconds(self, ready: Ready) -> float:
        """The seconds of a visit, in the longest call of a kernel, since short ones take longer.

        Before any it is what the engine says, corrected by what other kernels took.
        """
        visits, seconds = self.of(ready).longest
        if visits:
            return seconds / visits
        every = [(pace.longest, other.sizes.seconds) for pace, other in [*self._found.values()]]
        said = sum(visits * each for (visits, _), each in every)
        return ready.sizes.seconds * (sum(seconds for (_, seconds), _ in every) / said if said else 1.0)

"""How long the next call of a kernel may be, so that Ctrl-C and progress need not wait for it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CALL_SECONDS", "Pace"]

CALL_SECONDS = 0.1


@dataclass
class Pace:
    """The length of the next call, in visits (one parameter meeting one row), from the last call's time."""

    visits: float = 576.0
    _met: float = 0.0  # by all calls so far
    _spent: float = 0.0  # seconds

    @property
    def seconds(self) -> float | None:
        """The seconds of a visit, in the mean of all calls, since short ones take longer; None before any."""
        return self._spent / self._met if self._met else None

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
        self._met, self._spent = self._met + visits, self._spent + seconds
        self.visits = visits * min(CALL_SECONDS / max(seconds, 1e-9), 1000.0)

"""The stopping of a training by its loss or its score, as scikit-learn counts epochs without improvement."""

from __future__ import annotations

from typing import Any

__all__ = ["Patience"]


class Patience:
    """The count of epochs in a row that were not better by `tol`; NaN counts as none of them.

    `best` is the least loss so far, or with `scored` the best score.
    """

    def __init__(self, tol: float, most: float, best: float, count: int, *, scored: bool) -> None:
        self.tol, self.most, self.best, self.count, self.scored = tol, most, best, count, scored

    def after(self, value: float) -> bool:
        """Take in an epoch's loss or score; return whether it is the best one so far."""
        if self.scored:
            worse, best = value < self.best + self.tol, value > self.best
        else:
            worse, best = value > self.best - self.tol, value < self.best
        self.count = self.count + 1 if worse else 0
        if best:
            self.best = value
        return best

    @property
    def is_over(self) -> bool:
        """Whether there were more such epochs than are allowed."""
        return self.count > self.most

    def at_least(self, epochs: int) -> int:
        """How many epochs, of some to come, are over before it can be over; at least one."""
        left: Any = self.most + 1 - self.count
        return int(max(1, min(left, epochs)))

    def text(self) -> str:
        """What happened when it is over."""
        what = "Validation score" if self.scored else "Training loss"
        return f"{what} did not improve more than tol={self.tol:f} for {self.most} consecutive epochs."

"""The stopping of a training by its loss or its score, as scikit-learn counts epochs without improvement."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.training.passes import Watched

__all__ = ["Patience"]


class Patience:
    """The count of epochs in a row that were not better by `tol`; NaN counts as none of them.

    `best` is the least loss so far, or with `scored` the best score.
    """

    def __init__(self, tol: float, most: float, best: float, count: int, *, scored: bool) -> None:
        self.tol, self.most, self.scored = tol, most, scored
        self.bests, self.counts = np.array([best], np.float64), np.array([count], np.int64)

    @property
    def best(self) -> float:
        """The best loss or score so far."""
        return float(self.bests[0])

    @property
    def count(self) -> int:
        """The count so far."""
        return int(self.counts[0])

    @count.setter
    def count(self, count: int) -> None:
        self.counts[0] = count

    def watched(self) -> Watched:
        """The same for epochs that count for themselves, which they do here."""
        return Watched(self.tol, self.most, self.counts, self.bests)

    def after(self, score: float) -> bool:
        """Take in an epoch's score; return whether it is the best one so far."""
        self.count = self.count + 1 if score < self.best + self.tol else 0
        better = score > self.best
        if better:
            self.bests[0] = score
        return better

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

"""One network of an estimator on its way through the epochs, with scikit-learn's count of those in vain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from fastnn.sklearn.rules import Training

__all__ = ["Lane"]

Array = NDArray[Any]

SMALL_RATE = 1e-6  # with rates that adapt, training stops at one up to this


@dataclass(eq=False)
class Lane:
    """A network, how it is trained, and what its epochs brought.

    Attributes
    ----------
    estimator : object
        Whose parameters say how.
    training : Training
    state : (S,)
        Its parameters and what the optimizer keeps; changed in place.
    rate : float
        The learning rate of the next epoch.
    best : float
        The least loss so far, or the best score.
    count : int
        The epochs in a row that were not better by `tol`.
    rows : int
        The rows visited in all calls.
    losses, scores : list of float
        Those of this call's epochs.
    kept : (P,), or None
        The parameters after the epoch with the best score, of this call.
    is_over : bool
        Whether it has stopped.
    """

    estimator: Any
    training: Training
    state: Array
    rate: float
    best: float
    count: int
    rows: int
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    kept: Array | None = None
    is_over: bool = False

    @property
    def adapts(self) -> bool:
        """Whether its rate is divided by 5 where it would stop."""
        return bool(self.estimator.solver == "sgd" and self.estimator.learning_rate == "adaptive")

    @property
    def limits(self) -> tuple[float, float, float]:
        """How much a loss has to be better, how many epochs in a row may not be, and the penalty it tells."""
        return self.estimator.tol, self.estimator.n_iter_no_change, self.training.alpha

    @property
    def scales(self) -> bool:
        """Whether its rate changes with every epoch."""
        return bool(self.estimator.solver == "sgd" and self.estimator.learning_rate == "invscaling")

    def rates(self, epochs: int, N: int) -> list[float]:
        """The learning rates of some epochs to come on N rows; one for all if it stays."""
        if not self.scales:
            return [self.rate]
        return [self.rate, *(self._scaled(self.rows + n * N) for n in range(1, epochs))]

    def _scaled(self, rows: int) -> float:
        return float(self.estimator.learning_rate_init / (rows + 1) ** self.estimator.power_t)

    def at_least(self, epochs: int) -> int:
        """How many epochs, of some to come, are over before it may stop or change its rate; at least one."""
        left: float = self.estimator.n_iter_no_change + 1 - self.count
        return int(max(1, min(left, epochs)))

    def take(self, losses: list[float], N: int) -> None:
        """Take in the losses of some epochs on N rows."""
        if self.estimator.verbose:
            for n, loss in enumerate(losses, len(self.losses) + 1):
                print(f"Iteration {n}, loss = {loss:.8f}")
        self.losses += losses
        self.rows += len(losses) * N
        if self.scales:
            self.rate = self._scaled(self.rows)

    def take_score(self, score: float, parameters: Array) -> None:
        """Take in the score after an epoch, with the parameters of then."""
        if self.estimator.verbose:
            print(f"Validation score: {score:f}")
        self.scores.append(score)
        self.count = self.count + 1 if score < self.best + self.estimator.tol else 0
        if score > self.best:
            self.best, self.kept = score, parameters.copy()

    def see(self, *, scored: bool) -> None:
        """Stop, or with rates that adapt take a smaller one, if it has been in vain for too long."""
        estimator = self.estimator
        if self.count <= estimator.n_iter_no_change:
            return
        self.is_over = not self.adapts or self.rate <= SMALL_RATE
        then = " Learning rate too small. Stopping." if self.adapts else " Stopping."
        if not self.is_over:
            self.rate /= 5.0
            self.count = 0
            then = f" Setting learning rate to {self.rate:f}"
        if estimator.verbose:
            what = "Validation score" if scored else "Training loss"
            print(
                f"{what} did not improve more than tol={estimator.tol:f} for "
                f"{estimator.n_iter_no_change} consecutive epochs.{then}"
            )

"""The solvers that go by epochs: "sgd", "adam" and "rprop", with scikit-learn's stops and random numbers.

A whole training is one call, unless something is to happen between epochs: a score, another rate.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from fastnn.core.network import Network
from fastnn.sklearn.drawing import Orders
from fastnn.sklearn.rules import Rows, Training
from fastnn.sklearn.stopping import Patience

__all__ = ["Epochs", "Kept"]

Array = NDArray[Any]

# The most visits of one call, one parameter meeting one row: about a second's, for which Ctrl-C waits.
MOST_VISITS = 2 * 10**8
MOST_FOLLOWED = 1 << 20  # numbers of states that are kept for scores

CALLER = 6  # how many calls above `Epochs.run` somebody called `fit`


@dataclass(eq=False)
class Kept:
    """What the optimizer keeps from one call of `partial_fit` to the next: its state, and the rate."""

    state: Array
    rate: float


@dataclass(eq=False)
class Epochs:
    """The epochs of one call of an estimator's `fit` or `partial_fit`.

    `score`, given states after some epochs (E, S), returns the validation scores of these epochs.
    """

    estimator: Any
    network: Network
    training: Training
    rows: Rows
    kept: Kept
    score: Callable[[Array], list[float]] | None = None

    def __post_init__(self) -> None:
        estimator, self.N = self.estimator, len(self.rows.X)
        self.adapts = estimator.solver == "sgd" and estimator.learning_rate == "adaptive"
        self.scales = estimator.solver == "sgd" and estimator.learning_rate == "invscaling"
        shuffles = estimator.shuffle and estimator.solver != "rprop"
        self.orders = Orders(estimator._random_state, self.N) if shuffles else None
        self.passes = self.training.passes(self.network, self.rows, self._batch())
        scored = self.score is not None
        best = estimator.best_validation_score_ if scored else estimator.best_loss_
        count = estimator._no_improvement_count
        self.patience = Patience(estimator.tol, estimator.n_iter_no_change, best, count, scored=scored)
        self.best: Array | None = None  # the parameters of the best epoch of this call

    def run(self, most: int, *, once: bool) -> None:
        """Train until it is over, or for at most `most` epochs; `once` is `partial_fit`'s single epoch."""
        estimator = self.estimator
        estimator.n_iter_ = 0
        try:
            while estimator.n_iter_ < most:
                if self._stretch(1 if once else most - estimator.n_iter_) or once:
                    return
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({most}) reached and the optimization hasn't "
                "converged yet.",
                ConvergenceWarning,
                stacklevel=CALLER,
            )
        except KeyboardInterrupt:
            warnings.warn("Training interrupted by user.", stacklevel=CALLER)

    def _stretch(self, left: int) -> bool:
        """Train some epochs; return whether training is over."""
        state, scored = self.kept.state, self.score is not None
        visits = self.N * state.shape[1] * (10 if self.estimator.verbose else 1)
        epochs = max(1, min(left, MOST_VISITS // visits))
        if scored:
            epochs = self.patience.at_least(min(epochs, max(1, MOST_FOLLOWED // state.shape[1])))
        if self.orders is not None and self.orders.words is None:
            epochs = 1
            self.orders.shuffle()
        rates = np.array(self._rates(epochs), state.dtype).reshape(-1, 1)
        watched = None if scored else self.patience.watched()
        order, words = (None, None) if self.orders is None else (self.orders.order, self.orders.words)
        try:
            brought, _ = self.passes.advance(
                state, epochs, self.training.given(rates), watched, order, words, followed=scored
            )
        finally:
            if self.orders is not None:
                self.orders.leave()
        losses = brought.losses[0].tolist()
        if self.score is None:
            self._take_in(losses)
        else:
            for epoch, score in enumerate(self.score(brought.course[:, 0])):
                self._take_in(losses[epoch : epoch + 1])
                self._take_in_score(score, brought.course[epoch, 0])
        if self.scales:
            self.kept.rate = self._scaled(self.estimator.t_)
        return self.patience.is_over and self._ends()

    def _batch(self) -> int:
        size = self.estimator.batch_size
        if self.estimator.solver == "rprop":
            return self.N
        if size == "auto":
            return min(200, self.N)
        if size > self.N:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
                stacklevel=CALLER + 2,
            )
        return int(min(size, self.N))

    def _rates(self, epochs: int) -> list[float]:
        """The learning rates of some epochs; one for all if it stays."""
        if not self.scales:
            return [self.kept.rate]
        t = self.estimator.t_
        return [self.kept.rate, *(self._scaled(t + n * self.N) for n in range(1, epochs))]

    def _scaled(self, rows: int) -> float:
        """The rate of `learning_rate` "invscaling" after a number of rows."""
        return float(self.estimator.learning_rate_init / (rows + 1) ** self.estimator.power_t)

    def _take_in(self, losses: list[float]) -> None:
        """Write down the losses of some epochs."""
        estimator = self.estimator
        if estimator.verbose:
            for n, loss in enumerate(losses, estimator.n_iter_ + 1):
                print(f"Iteration {n}, loss = {loss:.8f}")
        estimator.n_iter_ += len(losses)
        estimator.t_ += len(losses) * self.N
        estimator.loss_ = losses[-1]
        estimator.loss_curve_ += losses
        if self.score is None:
            estimator.best_loss_ = self.patience.best
            estimator._no_improvement_count = self.patience.count

    def _take_in_score(self, score: float, state: Array) -> None:
        """Write down the score of an epoch, and what the network was then if it was the best."""
        estimator = self.estimator
        if self.patience.after(score):
            self.best = state[: self.network.n_parameters].copy()
        estimator._no_improvement_count = self.patience.count
        estimator.validation_scores_.append(score)
        estimator.best_validation_score_ = self.patience.best
        if estimator.verbose:
            print(f"Validation score: {score:f}")

    def _ends(self) -> bool:
        """Whether training stops now that patience is over: with rates that adapt, only with a small one."""
        ends = not self.adapts or self.kept.rate <= 1e-6
        if not ends:
            self.kept.rate /= 5.0
            self.patience.count = self.estimator._no_improvement_count = 0
        if self.estimator.verbose:
            then = " Learning rate too small. Stopping." if self.adapts else " Stopping."
            print(self.patience.text() + (then if ends else f" Setting learning rate to {self.kept.rate:f}"))
        return ends

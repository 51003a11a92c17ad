"""The solvers that go by epochs: "sgd", "adam" and "rprop", with scikit-learn's stops and random numbers.

Several epochs are trained by one call, with the orders of their rows drawn before. There are never more of
them than have to pass before training may stop, or its rate may change.
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
from fastnn.sklearn.rules import Training
from fastnn.sklearn.stopping import Patience
from fastnn.training.passes import Brought, Passes

__all__ = ["Epochs", "Kept", "Rows"]

Array = NDArray[Any]

# One call: the most epochs, the most row numbers drawn before it, and the most visits, one parameter meeting
# one row, about a second's: what Ctrl-C waits for.
MOST_EPOCHS, MOST_ORDERED, MOST_VISITS = 64, 1 << 20, 2 * 10**8

CALLER = 6  # how many calls above `Epochs.run` somebody called `fit`


@dataclass(eq=False)
class Kept:
    """What the optimizer keeps from one call of `partial_fit` to the next: its state, and the rate."""

    state: Array
    rate: float


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows X (N, D) and targets Y (N, K), with their weights (N,), if they have any."""

    X: Array
    Y: Array
    weights: Array | None = None


@dataclass(eq=False)
class Epochs:
    """The epochs of one call of an estimator's `fit` or `partial_fit`.

    `score`, given outputs' states after some epochs (E, S), returns the validation scores of these epochs.
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
        self.shuffles = estimator.shuffle and estimator.solver != "rprop"
        self.batch = self._batch()
        self.order = np.arange(self.N)
        self.passes = Passes(
            self.network,
            self.training.rule,
            self.rows.X,
            self.rows.Y,
            self.batch,
            squared=self.training.alpha > 0,
        )
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
        visits = self.N * self.kept.state.shape[1]
        most = max(1, min(left, MOST_EPOCHS, MOST_ORDERED // self.N, MOST_VISITS // visits))
        epochs = self.patience.at_least(most)
        orders = self._orders(epochs) if self.shuffles else None
        rates = self._rates(epochs)
        coefficients, shares = self._weighting(orders, epochs)
        given = self.training.given(np.array(rates, self.rows.X.dtype).reshape(-1, 1, 1), shares)
        brought = self.passes.advance(
            self.kept.state, epochs, given, orders, coefficients, followed=self.score is not None
        )
        self._refuse_numbers_after_none(brought)
        losses = self._losses(brought, coefficients, orders, shares)
        scores = None if self.score is None else self.score(brought.course[:, 0])
        for epoch, loss in enumerate(losses):
            self._take_in(loss, None if scores is None else scores[epoch], brought.course, epoch)
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
                stacklevel=2,
            )
        return int(min(size, self.N))

    def _orders(self, epochs: int) -> NDArray[np.intp]:
        """The orders (E, N) of some epochs, each shuffled from the one before, as scikit-learn draws them."""
        orders, random = np.empty((epochs, self.N), np.intp), self.estimator._random_state
        for epoch in range(epochs):
            order = np.arange(self.N)
            random.shuffle(order)
            self.order = orders[epoch] = self.order[order]
        return orders

    def _rates(self, epochs: int) -> list[float]:
        """The learning rates of some epochs."""
        later = (
            [self._scaled(self.estimator.t_ + n * self.N) for n in range(1, epochs)] if self.scales else []
        )
        return [self.kept.rate, *later] if self.scales else [self.kept.rate] * epochs

    def _scaled(self, rows: int) -> float:
        """The rate of `learning_rate` "invscaling" after a number of rows."""
        return float(self.estimator.learning_rate_init / (rows + 1) ** self.estimator.power_t)

    def _weighting(self, orders: Array | None, epochs: int) -> tuple[Array | None, Array | float]:
        """The coefficients (E, N) of rows, if weighted, and each batch's rows by its weights (E, B, 1)."""
        weights = self.rows.weights
        if weights is None:
            return None, 1.0
        ordered = np.broadcast_to(weights, (epochs, self.N)) if orders is None else weights[orders]
        starts = np.arange(0, self.N, self.batch)
        rows = np.diff(starts, append=self.N)
        sums = np.add.reduceat(ordered, starts, axis=1)
        if not sums.all():
            raise ZeroDivisionError("Weights sum to zero, can't be normalized: those of a batch of rows do.")
        shares = rows / sums
        coefficients = ordered * np.repeat(shares, rows, axis=1)
        return np.ascontiguousarray(coefficients, self.rows.X.dtype), shares[..., None]

    def _losses(
        self, brought: Brought, coefficients: Array | None, orders: Array | None, shares: Array | float
    ) -> list[float]:
        """The losses of some epochs with the penalty, as scikit-learn tells them."""
        told = self.training.told
        totals = told.share * brought.totals[0].astype(float)
        if told.rest is not None:
            rest = told.rest if orders is None else told.rest[orders]
            totals += rest.sum(axis=-1) if coefficients is None else (coefficients * rest).sum(axis=1)
        if self.training.alpha:
            totals += 0.5 * self.training.alpha * (brought.squares * shares).sum(axis=(1, 2))
        losses: list[float] = (totals / self.N).tolist()
        return losses

    def _refuse_numbers_after_none(self, brought: Brought) -> None:
        """Make everything NaN from the epoch on whose total is no number: kernels leave anything there."""
        finite = np.isfinite(brought.totals[0])
        if not finite.all():
            first = int(np.argmin(finite))
            brought.totals[:, first:] = np.nan
            brought.course[first:] = np.nan
            self.kept.state[:] = np.nan

    def _take_in(self, loss: float, score: float | None, course: Array, epoch: int) -> None:
        """Write down what an epoch brought."""
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.t_ += self.N
        estimator.loss_ = loss
        estimator.loss_curve_.append(loss)
        if estimator.verbose:
            print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")
        best = self.patience.after(loss if score is None else score)
        estimator._no_improvement_count = self.patience.count
        if score is None:
            estimator.best_loss_ = self.patience.best
            return
        estimator.validation_scores_.append(score)
        estimator.best_validation_score_ = self.patience.best
        if estimator.verbose:
            print(f"Validation score: {score:f}")
        if best:
            self.best = course[epoch, 0, : self.network.n_parameters].copy()

    def _ends(self) -> bool:
        """Whether training stops now that patience is over: with rates that adapt, only with a small one."""
        small = self.kept.rate <= 1e-6
        ends = not self.adapts or small
        if not ends:
            self.kept.rate /= 5.0
            self.patience.count = self.estimator._no_improvement_count = 0
        if self.estimator.verbose:
            then = " Stopping." if not self.adapts else " Learning rate too small. Stopping."
            print(self.patience.text() + (then if ends else f" Setting learning rate to {self.kept.rate:f}"))
        return ends

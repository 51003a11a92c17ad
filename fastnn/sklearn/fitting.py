"""One call of `fit` from checked rows to what the estimator keeps; several of them may train together."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from fastnn.core.network import Network
from fastnn.sklearn.drawing import Orders
from fastnn.sklearn.lanes import Lane
from fastnn.sklearn.lbfgs import minimized
from fastnn.sklearn.losses import rest_of, told_as
from fastnn.sklearn.rules import Rows, Training, training_of
from fastnn.sklearn.stochastic import Epochs, batch_of
from fastnn.training.evaluating import outputs

__all__ = ["Fitting", "train"]

Array = NDArray[Any]
CALLER = 4


@dataclass(eq=False)
class Fitting:
    """A call of an estimator's `fit` or, if `incremental`, of `partial_fit`.

    `starts` are the parameters (P,) of its networks before the call.
    """

    estimator: Any
    network: Network
    starts: list[Array]
    incremental: bool = False

    rows: Rows = None  # type: ignore[assignment]
    further: Rows | None = None
    training: Training = None  # type: ignore[assignment]
    unfinished: bool = False
    finite: bool = False  # known to be, or it is not known

    def take_rows(self, X: Array, Y: Array, weights: Array | None, further: tuple[Any, Any]) -> None:
        """Take the rows X (N, D) and Y (N, K); set some apart for validation, unless others are given."""
        estimator, dtype = self.estimator, X.dtype
        if further[0] is not None:
            self.further = Rows(np.ascontiguousarray(further[0], dtype), further[1])
        elif estimator.early_stopping and estimator.solver != "lbfgs":
            arrays = [X, Y] if weights is None else [X, Y, weights]
            parts = train_test_split(
                *arrays,
                random_state=estimator._random_state,
                test_size=estimator.validation_fraction,
                stratify=Y if estimator._stratifies() else None,
            )
            X, Y, weights = [*parts[::2], None][:3]
            self.further = Rows(*parts[1::2])
            if len(self.further.X) < 2:
                raise ValueError(
                    "The validation set is too small. Increase 'validation_fraction' or the size of your "
                    "dataset."
                )
        X, Y = _usable(X, dtype), _usable(Y, dtype)
        weights = None if weights is None else weights.astype(np.float64)
        loss = estimator._loss()
        self.rows = Rows(X, Y, weights, rest_of(loss, Y))
        told = told_as(loss, Y.shape[1], dtype)
        self.training = training_of(estimator, told, weighted=weights is not None)

    def lanes(self) -> list[Lane]:
        """Its networks before their first epoch."""
        estimator, P = self.estimator, self.network.n_parameters
        best = estimator.best_loss_ if self.further is None else estimator.best_validation_score_
        best = (np.inf if self.further is None else -np.inf) if best is None else best
        found = []
        for parameters in self.starts:
            state = self.training.begun(parameters)
            rate = float(estimator.learning_rate_init)
            rest, kept_rate = getattr(estimator, "_optimizer", (None, rate))
            if self.incremental and rest is not None and len(rest) == len(state) - P:
                state[P:], rate = rest, kept_rate
            counted = estimator._no_improvement_count, estimator.t_
            found.append(Lane(estimator, self.training, state, rate, best, *counted))
        return found

    def score(self, states: Array) -> list[float]:
        """The validation scores of networks in some states (M, S)."""
        assert self.further is not None  # noqa: S101 - or nobody asks
        parameters = np.ascontiguousarray(states[:, : self.network.n_parameters])
        found = outputs(self.network, parameters, self.further.X)
        return [self.estimator._scored(each, self.further.Y, self.further.weights) for each in found]

    def finish(self, lanes: Sequence[Lane], *, unfinished: bool, finite: bool) -> None:
        """Write what the networks have become into the estimator: of several, the best."""
        estimator, P, scored = self.estimator, self.network.n_parameters, self.further is not None
        best = lanes[best_of(lanes, scored=scored)]
        self.unfinished = unfinished and not best.is_over
        self.finite = finite and not scored
        self.write_history(best)
        estimator._optimizer = best.state[P:].copy(), best.rate
        estimator._write(self.network, best.state[:P])
        if scored:
            if best.kept is not None:
                estimator._write(self.network, best.kept)
                estimator._kept = estimator.coefs_, estimator.intercepts_
            estimator.coefs_, estimator.intercepts_ = estimator._kept
        if len(lanes) > 1:
            columns: dict[str, Any] = {
                "loss": [lane.losses[-1] if lane.losses else np.nan for lane in lanes],
                "n_iter": [len(lane.losses) for lane in lanes],
            }
            columns |= {"validation_score": [lane.best for lane in lanes]} if scored else {}
            ends = np.stack([lane.state[:P] if lane.kept is None else lane.kept for lane in lanes])
            self._write_starts(columns, lanes.index(best), ends)

    def minimize(self) -> None:
        """Train by "lbfgs", from each start; write the best into the estimator."""
        estimator = self.estimator
        found = [minimized(estimator, self.network, self.training, self.rows, start) for start in self.starts]
        losses = np.array([each.fun for each in found])
        best = int(np.argmin(np.nan_to_num(losses, nan=np.inf)))
        estimator.loss_, estimator.n_iter_ = found[best].fun, found[best].nit
        dtype = self.rows.X.dtype
        estimator._write(self.network, found[best].x.astype(dtype))
        if len(found) > 1:
            columns = {"loss": losses, "n_iter": [each.nit for each in found]}
            self._write_starts(columns, best, np.stack([each.x for each in found]).astype(dtype))

    def write_history(self, lane: Lane) -> None:
        """Write the losses, the scores and the counts of a network into the estimator."""
        estimator, new = self.estimator, len(lane.losses) - self.written
        estimator.n_iter_, estimator.t_ = len(lane.losses), lane.rows
        if new:
            estimator.loss_ = lane.losses[-1]
            estimator.loss_curve_ += lane.losses[self.written :]
        estimator._no_improvement_count = lane.count
        if self.further is None:
            estimator.best_loss_ = lane.best
        else:
            estimator.validation_scores_ = [
                *(estimator.validation_scores_ or []),
                *lane.scores[self.written :],
            ]
            estimator.best_validation_score_ = lane.best
        self.written = len(lane.losses)

    written = 0  # epochs whose losses are in the estimator

    def _write_starts(self, columns: dict[str, Any], best: int, ends: Array) -> None:
        """Write what became of all starts, which end with parameters (M, P)."""
        import pandas as pd

        estimator, chosen = self.estimator, np.arange(len(ends)) == best
        estimator.starts_ = pd.DataFrame({**columns, "chosen": chosen}).rename_axis("start")
        if estimator.average == "ensemble":
            estimator._ensemble = ends[np.isfinite(ends).all(axis=1)]

    @property
    def callback(self) -> Any:
        """What is called after each epoch, if the estimator has a callback."""
        estimator = self.estimator
        if estimator.callback is None:
            return None

        def after_epoch(lanes: Sequence[Lane]) -> bool:
            self.write_history(lanes[0])
            estimator._write(self.network, lanes[0].state[: self.network.n_parameters])
            return estimator.callback(estimator) is True

        return after_epoch


def _usable(rows: Array, dtype: Any) -> Array:
    """Rows as loops are given them: in C's order, aligned and writeable."""
    return rows.astype(dtype, copy=False) if rows.flags.carray else np.require(rows, dtype, ["C", "A", "W"])


def best_of(lanes: Sequence[Lane], *, scored: bool) -> int:
    """The number of the network with the best validation score, or without any with the least last loss."""
    if len(lanes) == 1:
        return 0
    values = [-lane.best if scored else (lane.losses[-1] if lane.losses else np.inf) for lane in lanes]
    return int(np.argmin(np.nan_to_num(values, nan=np.inf)))


def train(fittings: Sequence[Fitting]) -> None:
    """Train the networks of some calls together: they share rows, their order, and the rule."""
    first = fittings[0]
    estimator, N = first.estimator, len(first.rows.X)
    if len(fittings) > 1 and any(fitting.training.penalised for fitting in fittings):
        for fitting in fittings:
            if not fitting.training.penalised:
                fitting.training = replace(fitting.training, penalised=True)
    own = [fitting.lanes() for fitting in fittings]
    lanes = [lane for several in own for lane in several]
    if estimator.batch_size != "auto" and estimator.batch_size > N:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped",
            stacklevel=CALLER + 1,
        )
    shuffles = estimator.shuffle and estimator.solver != "rprop"
    orders = Orders(estimator._random_state, N) if shuffles else None
    threads = 1 if len(lanes) == 1 else effective_n_jobs(estimator.n_jobs)
    call = first.callback
    epochs = Epochs(
        first.network,
        lanes,
        first.rows,
        batch_of(estimator, N),
        orders,
        None if first.further is None else first.score,
        None if call is None else lambda: call(lanes),
        threads,
    )
    unfinished = finite = False
    try:
        unfinished = epochs.run(1 if first.incremental else estimator.max_iter)
        finite = epochs.finite
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=CALLER + 1)
    finally:
        for fitting, several in zip(fittings, own, strict=True):
            fitting.finish(several, unfinished=unfinished, finite=finite)

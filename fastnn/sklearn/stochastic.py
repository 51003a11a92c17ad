"""The solvers that go by epochs: "sgd", "adam" and "rprop", with scikit-learn's stops and random numbers.

A whole training is one call, unless something is to happen between epochs: a score, another rate. Several
networks are trained at once, each with its own rates, penalty and stop, if they share the rows, their order
and the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.sklearn.drawing import Orders
from fastnn.sklearn.lanes import Lane
from fastnn.sklearn.rules import Rows, given
from fastnn.training.passes import Brought, Passes, Watched

__all__ = ["Epochs", "batch_of"]

Array = NDArray[Any]

# The most visits of one call, one parameter meeting one row: at most a second, for which Ctrl-C waits.
MOST_VISITS = 10**9
MOST_FOLLOWED = 1 << 20  # numbers of states that are kept for scores
FEWEST_OF_A_THREAD = 8  # networks: they fill a vector


@lru_cache(maxsize=256)
def _limits(*lanes: tuple[float, float, float]) -> tuple[Array, Array, Array | None]:
    """The `Lane.limits` of some networks as arrays, only to be read; no penalties if all are 0."""
    tol, most, alphas = (np.array(each, float) for each in zip(*lanes, strict=True))
    return tol, most, alphas if alphas.any() else None


def batch_of(estimator: Any, rows: int) -> int:
    """The rows of a batch, of `batch_size`."""
    size = estimator.batch_size
    if estimator.solver == "rprop":
        return rows
    return min(200 if size == "auto" else int(size), rows)


@dataclass(eq=False)
class Epochs:
    """The epochs of one call of `fit` or `partial_fit`, of one network or of several.

    Attributes
    ----------
    network : Network
    lanes : sequence of Lane
        They have one rule.
    rows : Rows
    batch : int
    orders : Orders, or None
        None for the rows' own order.
    score : callable, or None
        Given states after an epoch (M, S), returns the validation scores of the networks.
    after_epoch : callable, or None
        Called after every epoch; ends the training if it returns true.
    threads : int
    finite : bool
        Whether all losses so far were, and all states that epochs left.
    """

    network: Network
    lanes: Sequence[Lane]
    rows: Rows
    batch: int
    orders: Orders | None
    score: Callable[[Array], list[float]] | None = None
    after_epoch: Callable[[], Any] | None = None
    threads: int = 1
    finite: bool = True

    def run(self, most: int) -> bool:
        """Train until all have stopped, or for `most` epochs; return whether some have not stopped."""
        training, rows = self.lanes[0].training, self.rows
        of_rows = rows.X, rows.Y, self.batch, rows.weights, training.told.share, rows.rest
        self.passes = Passes(self.network, training.rule, *of_rows)
        epoch, going = 0, [*self.lanes]
        while going and epoch < most:
            epoch += self._stretch(going, most - epoch)
            if self.after_epoch is not None and self.after_epoch():
                return False
            going = [lane for lane in going if not lane.is_over]
        return bool(going)

    def _stretch(self, lanes: list[Lane], left: int) -> int:
        """Train some epochs, of some to come; return how many."""
        state = lanes[0].state[None] if len(lanes) == 1 else np.stack([lane.state for lane in lanes])
        epochs = self._together(lanes, left, state.size)
        rates = [lane.rates(epochs, len(self.rows.X)) for lane in lanes]
        settings = given([lane.training for lane in lanes], rates, state.dtype)
        (losses, course, finite), stopped = self._advance(lanes, state, epochs, settings)
        self.finite = self.finite and finite
        for m, (lane, stop) in enumerate(zip(lanes, stopped.tolist(), strict=True)):
            if len(lanes) > 1:
                lane.state[:] = state[m]
            if self.score is None:
                lane.take(losses[m, : stop or None].tolist(), len(self.rows.X))
                lane.see(scored=False)
        if self.score is not None:
            self._take_scores(lanes, losses, course)
        return int(losses.shape[1])

    def _together(self, lanes: list[Lane], left: int, numbers: int) -> int:
        """How many epochs, of some to come, to train in one call."""
        visits = len(self.rows.X) * numbers * (10 if lanes[0].estimator.verbose else 1)
        epochs = max(1, min(left, MOST_VISITS // visits))
        if self.score is not None:
            epochs = min(epochs, max(1, MOST_FOLLOWED // numbers))
        if self.score is not None or (len(lanes) > 1 and any(lane.adapts for lane in lanes)):
            epochs = min(lane.at_least(epochs) for lane in lanes)
        if self.orders is not None and self.orders.words is None:
            self.orders.shuffle()
            return 1
        return 1 if self.after_epoch is not None else epochs

    def _advance(
        self, lanes: list[Lane], state: Array, epochs: int, settings: Array
    ) -> tuple[Brought, NDArray[np.int64]]:
        """Advance the networks, in parts if there are threads: what it brought, and their stops."""
        parts = max(1, min(self.threads, len(lanes) // FEWEST_OF_A_THREAD))
        if parts == 1:
            found = self._part(lanes, state, epochs, settings, self.orders)
        else:
            found = self._in_parts(parts, lanes, state, epochs, settings)
        if self.orders is not None:
            self.orders.leave()
        return found

    def _in_parts(
        self, parts: int, lanes: list[Lane], state: Array, epochs: int, settings: Array
    ) -> tuple[Brought, NDArray[np.int64]]:
        """Advance the networks in as many threads as parts."""
        cuts = np.linspace(0, len(lanes), parts + 1).astype(int).tolist()
        orders = [None if self.orders is None else self.orders.copied() for _ in range(parts)]
        with ThreadPoolExecutor(parts) as pool:
            waiting = [
                pool.submit(self._part, lanes[a:b], state[a:b], epochs, settings[:, a:b].copy(), order)
                for a, b, order in zip(cuts, cuts[1:], orders, strict=False)
            ]
            found = [each.result() for each in waiting]
        longest = max(range(parts), key=lambda n: found[n][0].losses.shape[1])
        if self.orders is not None:
            self.orders.go_on_from(orders[longest])
        whole = np.full((len(lanes), found[longest][0].losses.shape[1]), np.nan)
        for first, (part, _) in zip(cuts, found, strict=False):
            whole[first : first + len(part.losses), : part.losses.shape[1]] = part.losses
        stopped = np.concatenate([stops for _, stops in found])
        course = np.concatenate([part.course for part, _ in found], axis=1) if self.score else whole
        return Brought(whole, course, all(part.finite for part, _ in found)), stopped

    def _part(
        self,
        lanes: Sequence[Lane],
        state: Array,
        epochs: int,
        settings: Array,
        orders: Orders | None,
    ) -> tuple[Brought, NDArray[np.int64]]:
        watched = None
        tol, most, alphas = _limits(*[lane.limits for lane in lanes])
        if self.score is None:
            counts = np.array([lane.count for lane in lanes], np.int64)
            watched = Watched(tol, most, counts, np.array([lane.best for lane in lanes], float))
        order, words = (None, None) if orders is None else (orders.order, orders.words)
        what = state, epochs, settings, watched, order, words
        brought, stopped = self.passes.advance(*what, l2=alphas, followed=self.score is not None)
        if watched is not None:
            for lane, count, best in zip(lanes, watched.counts.tolist(), watched.bests.tolist(), strict=True):
                lane.count, lane.best = count, best
        return brought, stopped

    def _take_scores(self, lanes: list[Lane], losses: Array, course: Array) -> None:
        assert self.score is not None  # noqa: S101 - or nobody asks
        P = self.network.n_parameters
        for epoch in range(losses.shape[1]):
            for m, score in enumerate(self.score(course[epoch])):
                lanes[m].take([float(losses[m, epoch])], len(self.rows.X))
                lanes[m].take_score(score, course[epoch, m, :P])
        for lane in lanes:
            lane.see(scored=True)

"""Running a kernel through all epochs, in calls short enough to be interrupted between them.

Here, in Python and between calls, happens all that an engine does not do: the order of the rows, the
division of each epoch's total by N, divergence made visible, progress and interruption. How the work is
cut into calls follows the clock; the results do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.engines import Kernel
from fastnn.randomness import permutations

__all__ = ["Job", "run"]

Array = NDArray[Any]

CALL_SECONDS = 0.1
ORDERS_AT_ONCE = 1 << 18  # row numbers drawn together, 2 MB


@dataclass(frozen=True)
class Job:
    """What all networks of a run share.

    `X` (N, D) and `Y` (N, K) are C-ordered and of the kernel's dtype. With a `shuffle_seed` the rows are
    visited in a new order in every epoch, the same for all networks; without, in the order given.
    """

    kernel: Kernel
    X: Array
    Y: Array
    epochs: int
    shuffle_seed: int | None = None

    def ordered(self, epoch: int) -> tuple[Array, Array]:
        """X and Y in the order in which `epoch`, counted from 0, visits them."""
        if self.shuffle_seed is None:
            return self.X, self.Y
        order = _row_order(self.shuffle_seed, len(self.X), epoch)
        return self.X[order], self.Y[order]


def run(
    job: Job,
    parameters: Array,
    steps: Array,
    *,
    curve: Array | None = None,
    after_epoch: Callable[[int], None] | None = None,
    pause: Callable[[int], None] | None = None,
) -> tuple[Array, NDArray[np.int32]]:
    """Train M networks through all epochs of a job.

    Parameters
    ----------
    job : Job
    parameters : (M, P)
        The starts; changed in place. All NaN afterwards where a network diverged.
    steps : (M,)
        -2*learning_rate of each network.
    curve : (M, E), optional
        Filled with the loss of every epoch; NaN from the epoch in which a network diverged.
    after_epoch : callable, optional
        Called with the epoch's number, from 0, when it is over and `parameters` are those after it.
    pause : callable, optional
        Called between calls of the kernel with the rows visited since the last pause; may raise to stop.

    Returns
    -------
    losses : (M,)
        The loss of the last epoch.
    diverged : (M,) int32
        The epoch, from 1, in which a network diverged: whose loss, or for the last epoch whose
        parameters, were not finite. 0 for never.
    """
    pace = _Pace(len(job.X))
    diverged = np.zeros(len(parameters), np.int32)
    losses = np.empty((len(parameters), 0), parameters.dtype)
    separate = after_epoch is not None or job.shuffle_seed is not None
    done = 0
    while done < job.epochs:
        totals = _advance(job, parameters, steps, pace, done, 1 if separate else job.epochs - done, pause)
        losses = totals / parameters.dtype.type(len(job.X))
        _mark(losses, parameters, diverged, done)
        if curve is not None:
            curve[:, done : done + losses.shape[1]] = losses
        done += losses.shape[1]
        if after_epoch is not None:
            after_epoch(done - 1)
    last = losses[:, -1]
    overflowed = ~np.isfinite(parameters).all(axis=1) & (diverged == 0)
    diverged[overflowed], parameters[overflowed], last[overflowed] = job.epochs, np.nan, np.nan
    if curve is not None:
        curve[overflowed, -1] = np.nan
    return last, diverged


class _Pace:
    """Plans how many rows the next call visits, from how long the last call took."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.visits = 64.0

    def next_call(self, epochs_left: int, row: int) -> tuple[int, int]:
        """(epochs, rows) of the next call: several whole epochs, or rows of one epoch from `row` on."""
        if row == 0 and self.visits >= self.rows:
            return min(epochs_left, int(self.visits) // self.rows), self.rows
        return 1, max(1, min(self.rows - row, int(self.visits)))

    def took(self, seconds: float, visits: int) -> None:
        self.visits = visits * min(CALL_SECONDS / max(seconds, 1e-9), 1000.0)


def _advance(
    job: Job,
    parameters: Array,
    steps: Array,
    pace: _Pace,
    epoch: int,
    most: int,
    pause: Callable[[int], None] | None,
) -> Array:
    """Advance by at least one whole epoch, at most `most`; return the totals (M, epochs)."""
    X, Y = job.ordered(epoch)
    totals = np.zeros((len(parameters), pace.next_call(most, 0)[0]), parameters.dtype)
    row = 0
    while row < len(X):
        epochs, rows = pace.next_call(totals.shape[1], row)
        began = perf_counter()
        job.kernel(parameters, X[row : row + rows], Y[row : row + rows], steps, totals)
        pace.took(perf_counter() - began, epochs * rows)
        row += rows
        if pause is not None:
            pause(epochs * rows)
    return totals


def _mark(losses: Array, parameters: Array, diverged: NDArray[np.int32], done: int) -> None:
    """Make divergence visible: the losses from that epoch on and all parameters become NaN."""
    bad = ~np.isfinite(losses)
    rows = bad.any(axis=1)
    if not rows.any():
        return
    new = rows & (diverged == 0)
    diverged[new] = done + 1 + bad[new].argmax(axis=1)
    losses[np.logical_or.accumulate(bad, axis=1)] = np.nan
    parameters[rows] = np.nan


def _row_order(seed: int, rows: int, epoch: int) -> NDArray[np.int64]:
    at_once = max(1, ORDERS_AT_ONCE // rows)
    order: NDArray[np.int64] = _row_orders(seed, rows, epoch // at_once, at_once)[epoch % at_once]
    return order


@lru_cache(maxsize=4)
def _row_orders(seed: int, rows: int, piece: int, at_once: int) -> NDArray[np.int64]:
    return permutations(seed, range(piece * at_once, (piece + 1) * at_once), rows)

"""Training networks through all epochs, in calls short enough to be interrupted between them.

An engine only adds up losses and moves parameters. Everything else happens here, in Python, between calls:
ordering the rows, dividing each epoch's total by N, marking divergence, reporting progress, stopping on
Ctrl-C, and leaving out needless computation. The clock and the number of networks decide how long calls and
stretches of epochs are; the results do not depend on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.engines import Kernel
from fastnn.system.floating_point import ieee
from fastnn.training.jobs import Job
from fastnn.training.pace import Pace
from fastnn.training.rates import Rates
from fastnn.training.reducing import Group, Units

__all__ = ["Ended", "run", "run_kept"]

Array = NDArray[Any]
Numbers = NDArray[np.intp]
Chosen = NDArray[np.bool_]

# Between two looks for units and networks to leave out: the most epochs, and the fewest visits. A visit is
# one parameter meeting one row. A look costs about 10**7 visits of engine `lanes`.
MOST_EPOCHS_UNSEEN = 64
FEWEST_VISITS_UNSEEN = 2 * 10**8
# Measured: a sweep on 100 000 rows x1.13 with 3 epochs to go, x0.99 with 4, x0.87 with 6 (against no looks).
EPOCHS_WORTH_A_LOOK = 4
# The training that Ctrl-C may lose: seconds, and visits in the slowest engine.
STRETCH_SECONDS, STRETCH_VISITS = 0.5, 2.5e8
STRETCH_LOSSES = 1 << 17  # losses of all networks in one stretch: 1 MB, however many epochs are to come


@ieee
def run(
    job: Job,
    state: Array,
    rates: Rates,
    *,
    curve: Array | None = None,
    after_epoch: Callable[[int], None] | None = None,
    pause: Callable[[float], None] | None = None,
) -> tuple[Array, NDArray[np.int32]]:
    """Train M networks through all epochs of a job.

    Parameters
    ----------
    job : Job
    state : (M, S)
        P starting parameters, then the optimizer's states: see `fastnn.core.recipe.Recipe.begun`. Changed in
        place. A network that diverged ends with NaN in all of it.
    rates : Rates
        The learning rates of the M networks.
    curve : (M, E), optional
        Filled with the loss of every epoch; NaN from the epoch in which a network diverged.
    after_epoch : callable, optional
        Called with the epoch's number, from 0, after each epoch; `state` is up to date then.
    pause : callable, optional
        Called between calls of the kernel with the training done since the last pause, in networks: 0.5 is
        half of one network's training. It is negative where work has to be done again. It may raise to stop.

    Returns
    -------
    losses : (M,)
        The loss of the last epoch.
    diverged : (M,) int32
        The epoch, from 1, in which the loss was not finite, or in which the last update made a parameter
        overflow. 0: the network did not diverge.
    """
    run_ = _Run(job, state, rates, curve, pause, np.zeros(len(state), np.int32))
    while run_.epoch < job.epochs:
        run_.stretch(1 if after_epoch is not None else job.epochs - run_.epoch)
        if after_epoch is not None:
            after_epoch(run_.epoch - 1)
    return run_.finished()


@ieee
def run_kept(
    job: Job,
    state: Array,
    rates: Rates,
    *,
    curve: Array,
    diverged: NDArray[np.int32],
    first: int = 0,
    after_epoch: Callable[[int], None] | None = None,
    reached: Callable[[int], None] | None = None,
) -> Ended:
    """Train as `run` does; on Ctrl-C, keep the last finished stretch of epochs. Without one, raise.

    Parameters
    ----------
    job, state, rates, curve, after_epoch
        As in `run`. With `first`, `state` and the first columns of `curve` are those after earlier epochs.
    diverged : (M,) int32
        The epochs in which networks diverged before; 0 for those that are to be trained. Changed in place.
    first : int
        The number of earlier epochs.
    reached : callable, optional
        Called with the number of finished epochs, about twice a second.
    """
    run_ = _Run(job, state, rates, curve, None, diverged, first)
    most = 1 if after_epoch is not None else max(1, int(STRETCH_VISITS / (state.size * len(job.X))))
    kept: tuple[int, Array, NDArray[np.int32]] | None = None
    try:
        while run_.epoch < job.epochs:
            began, before = perf_counter(), run_.epoch
            run_.stretch(min(most, job.epochs - before))
            if after_epoch is not None:
                after_epoch(run_.epoch - 1)
            else:
                pace = (run_.epoch - before) / max(perf_counter() - began, 1e-9)
                most = max(1, min(int(STRETCH_SECONDS * pace), 16 * most))
            kept = run_.epoch, state.copy(), run_.diverged.copy()
            if reached is not None:
                reached(run_.epoch)
    except KeyboardInterrupt:
        if kept is None:
            raise
        run_.epoch, state[:], run_.diverged = kept
        run_.job, run_.curve = replace(job, epochs=run_.epoch), curve[:, : run_.epoch]
    state += state.dtype.type(0)  # no -0.0 tells whether dead units were left out
    last = curve[:, run_.epoch - 1].copy()
    unmarked = state.copy() if run_.overflowed.any() else state
    return Ended(run_.finished()[1], run_.epoch, unmarked, last)


@dataclass(frozen=True, eq=False)
class Ended:
    """How a training of M networks ended, and what a longer one would have gone on with.

    Attributes
    ----------
    diverged : (M,) int32
        The epoch, from 1, in which each network diverged; 0 if it did not.
    epochs : int
        The number of epochs trained; as many columns of `curve` are filled.
    state : (M, S)
        That after them. Where the last update made a parameter overflow, it still has the numbers that it
        came to: a longer training meets them, and diverges in a later epoch.
    last : (M,)
        The loss of the last epoch, also of those networks.
    """

    diverged: NDArray[np.int32]
    epochs: int
    state: Array
    last: Array


@dataclass(eq=False)
class _Run:
    """Networks on their way through the epochs of a job, of which the first `epoch` are over."""

    job: Job
    state: Array
    rates: Rates
    curve: Array | None
    pause: Callable[[float], None] | None
    diverged: NDArray[np.int32]
    epoch: int = 0

    def __post_init__(self) -> None:
        networks = len(self.state)
        self.state += self.state.dtype.type(0)  # makes -0.0 0.0; no update brings it back: see `reducing`
        self.is_training = self.diverged == 0
        if self.curve is not None:
            self.curve[~self.is_training, self.epoch :] = np.nan
        self.groups: list[Group] | None = None  # of the networks still training; None: make them anew
        self.losses = np.full(networks, np.nan, self.state.dtype)
        self.units = (
            Units.of(self.job.network, self.job.rule, self.job.rows, networks) if self.job.reduced else None
        )
        self.looks = self.next_look = 0
        self.paces: dict[Kernel, Pace] = defaultdict(Pace)

    def stretch(self, most: int) -> None:
        """Advance all networks that are still training by at most `most` epochs.

        Now and then, if enough epochs remain, one epoch runs alone. What it left unchanged shows which units
        have died and which networks have settled.
        """
        training = max(1, int(self.is_training.sum()))
        visits = training * self.state.shape[1] * len(self.job.X)
        fewest = -(-FEWEST_VISITS_UNSEEN // visits)
        if self.epoch < self.next_look:
            most = min(most, self.next_look - self.epoch)
        elif most > fewest and most >= EPOCHS_WORTH_A_LOOK:
            before = self.state.copy()
            self._advance_all(1)
            self._look(before)
            self.next_look = self.epoch + max(fewest, min(1 << self.looks, MOST_EPOCHS_UNSEEN))
            self.looks += 1
            return
        self._advance_all(min(most, max(1, STRETCH_LOSSES // training)))

    def finished(self) -> tuple[Array, NDArray[np.int32]]:
        """Return the last losses and epochs of divergence; networks that overflowed at the end become NaN."""
        overflowed = self.overflowed
        self.diverged[overflowed] = self.job.epochs
        self.state[overflowed], self.losses[overflowed] = np.nan, np.nan
        if self.curve is not None:
            self.curve[overflowed, -1] = np.nan
        return self.losses, self.diverged

    @property
    def overflowed(self) -> Chosen:
        """The networks in which the last update made a parameter overflow."""
        parameters = self.state[:, : self.job.network.n_parameters]
        found: Chosen = ~np.isfinite(parameters).all(axis=1) & (self.diverged == 0)
        return found

    @property
    def training(self) -> Numbers:
        """The networks that are still training."""
        return np.flatnonzero(self.is_training)

    @property
    def _repeats(self) -> bool:
        """Whether every epoch from here on does what this one does."""
        return not self.job.order.changes and self.rates.until(self.epoch) >= self.job.epochs

    def _look(self, before: Array) -> None:
        if self.units is not None:
            training = self.training
            if self.units.look(before, self.state, training[self._finite(training)]):
                self.groups = None

    def _finite(self, numbers: Numbers) -> Chosen:
        """Whether each network has finite parameters only: others cannot be reduced."""
        finite: Chosen = np.asarray(np.isfinite(self.state[numbers]).all(axis=1))
        return finite

    def _grouped(self) -> Iterator[Group]:
        """The networks that are still training, without the units known to be dead."""
        training = self.training
        if self.units is None:
            yield Group(self.job.network, training)
            return
        finite = self._finite(training)
        engine = self.job.engine_for(self.job.network, len(training))
        vector = engine.call_sizes(self.job.network, str(self.job.X.dtype), self.job.rule).vector
        yield from self.units.groups(training[finite], vector, self.job.reduced)
        yield Group(self.job.network, training[~finite])

    def _advance_all(self, epochs: int) -> None:
        if self.groups is None:
            self.groups = [group for group in self._grouped() if len(group.numbers)]
        for group in self.groups:
            self._advance(group, epochs)
        self.epoch += epochs

    def _advance(self, group: Group, epochs: int) -> None:
        before = group.take(self.state)
        trained = before.copy()
        losses = self._calls(group, trained, epochs)
        losses /= trained.dtype.type(len(self.job.X))
        finite: Chosen = np.asarray(np.isfinite(losses).all(axis=1))
        kept: Any = slice(None)
        if group.columns is not None:
            whole = finite & np.isfinite(trained).all(axis=1)
            kept = kept if whole.all() else whole
        settled = np.zeros_like(finite)
        if epochs == 1 and self._repeats:
            settled = finite & (trained == before).all(axis=1)
        group.put(self.state, trained, kept)
        self._keep(group.numbers[kept], losses[kept], finite[kept], settled[kept])
        if not isinstance(kept, slice):
            self.groups = None
            again = group.numbers[~kept]
            self._pause(-epochs * len(again))
            self._advance(Group(self.job.network, again), epochs)

    def _calls(self, group: Group, state: Array, epochs: int) -> Array:
        """Advance states (m, S') in several calls of the kernel; return the loss totals (m, epochs)."""
        kernel = self.job.kernel(group.network, len(state))
        pace, rows = self.paces[kernel], len(self.job.X)
        totals = np.zeros((len(state), epochs), state.dtype)
        batch = (self.job.recipe.size,) if self.job.rule.batched else ()
        epoch, row, until = 0, 0, 0.0
        while epoch < epochs:
            if epoch >= until:
                settings = self.job.recipe.settings(self.rates.of(self.epoch + epoch)[group.numbers])
                until = min(epochs, self.rates.until(self.epoch + epoch) - self.epoch)
            given = self.job.ordered(self.epoch + epoch)
            together = 1 if self.job.order.changes else int(until - epoch)
            more_epochs, more_rows = pace.next_call(state.size, together, rows, row, self.job.recipe.size)
            some = slice(row, row + more_rows)
            began = perf_counter()
            ordered = (array[some] for array in given)
            kernel(state, *ordered, settings, totals[:, epoch : epoch + more_epochs], *batch)
            pace.took(perf_counter() - began, state.size * more_epochs * more_rows)
            row = (row + more_rows) % rows
            epoch += more_epochs if row == 0 else 0
            self._pause(len(state) * more_epochs * more_rows / rows)
        return totals

    def _keep(self, numbers: Numbers, losses: Array, finite: Chosen, settled: Chosen) -> None:
        """Store the losses (m, epochs) of networks, mark the diverged, and end those that need not go on."""
        diverged = ~finite
        if diverged.any():
            bad = ~np.isfinite(losses)
            self.diverged[numbers[diverged]] = self.epoch + 1 + bad[diverged].argmax(axis=1)
            self.state[numbers[diverged]] = np.nan
            losses[np.logical_or.accumulate(bad, axis=1)] = np.nan
        self.losses[numbers] = losses[:, -1]
        after = self.epoch + losses.shape[1]
        ended = numbers[diverged | settled]
        if self.curve is not None:
            self.curve[numbers, self.epoch : after] = losses
            self.curve[ended, after:] = self.losses[ended, None]
        if len(ended):
            self.is_training[ended] = False
            self.groups = None
            self._pause(len(ended) * (self.job.epochs - after))

    def _pause(self, epochs: float) -> None:
        """Report epochs done, counted over networks: two networks by three epochs are 6."""
        if self.pause is not None:
            self.pause(epochs / self.job.epochs)

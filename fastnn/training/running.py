"""Training networks through all epochs, in calls short enough to be interrupted between them.

An engine only adds up losses and moves parameters. Everything else happens here, in Python, between calls:
ordering the rows, dividing each epoch's total by N, marking divergence, reporting progress, stopping on
Ctrl-C, and leaving out needless computation. The clock and the number of networks decide how long calls and
stretches of epochs are; the results do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.system.floating_point import ieee
from fastnn.training.calls import Calls
from fastnn.training.course import Course
from fastnn.training.jobs import Job
from fastnn.training.rates import Rates
from fastnn.training.reducing import Group, Units
from fastnn.training.sharing import Helpers
from fastnn.training.stopping import Seen, Watch

__all__ = ["run", "run_kept"]

Array = NDArray[Any]
Numbers = NDArray[np.intp]
Chosen = NDArray[np.bool_]

# Between two looks for units and networks to leave out: the most epochs, and the fewest visits. A visit is
# one parameter meeting one row. A look costs about 10**7 visits of engine `lanes`. Most units die early, so a
# look comes after twice as many epochs as are over. Measured (against 1, 2, 4, ... epochs, at most 64): 500
# and 1000 networks of 2-2-1 x0.97, 4096 x0.98, 10 000 of 60 epochs x0.95, 2500 of 1500 epochs x0.98.
MOST_EPOCHS_UNSEEN, EPOCHS_UNSEEN = 128, 2
FEWEST_VISITS_UNSEEN = 2 * 10**8
# Where networks stop soon, most stop before a look finds anything. Measured: early-stopping sweeps on 1003
# rows x0.95, and x0.95 again for what all epochs between two looks left unchanged (against one epoch alone).
RARER = 4
# Measured: a sweep on 100 000 rows x1.13 with 3 epochs to go, x0.99 with 4, x0.87 with 6 (against no looks).
EPOCHS_WORTH_A_LOOK = 4
# The training that Ctrl-C may lose: seconds, and visits in the slowest engine.
STRETCH_SECONDS, STRETCH_VISITS = 0.5, 2.5e8
FEWEST_LEFT = 0.75  # of the networks of groups: with fewer, groups are made anew
STRETCH_LOSSES = 1 << 17  # losses of all networks in one stretch: 1 MB, however many epochs are to come


@ieee
def run(
    job: Job,
    state: Array,
    rates: Rates,
    *,
    curve: Array | None = None,
    pause: Callable[[float], None] | None = None,
    helpers: Helpers | None = None,
) -> Course:
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
    pause : callable, optional
        Called between calls of the kernel with the training done since the last pause, in networks: 0.5 is
        half of one network's training. It is negative where work has to be done again. It may raise to stop.
    helpers : Helpers, optional
        Threads that may train some of the networks.

    Returns
    -------
    Course
        What the epochs brought the networks, and how each ended.
    """
    run_ = _Run(job, rates, Course(state, job.epochs, curve), pause, helpers)
    while run_.goes_on:
        run_.stretch(job.epochs - run_.epoch)
    return run_.finished()


@ieee
def run_kept(
    job: Job,
    course: Course,
    rates: Rates,
    *,
    after_epoch: Callable[[int, Course], Chosen] | None = None,
    reached: Callable[[int], None] | None = None,
) -> Course:
    """Train as `run` does; on Ctrl-C, keep the last finished stretch of epochs. Without one, raise.

    Parameters
    ----------
    job, rates
        As in `run`.
    course : Course
        Of the networks before the next epoch; its `first` epochs are over. In the end its `epochs` are those
        that were trained, and its curves have as many columns.
    after_epoch : callable, optional
        Called after each epoch with its number, from 1, and the course; returns which networks stop, (M,).
    reached : callable, optional
        Called with the number of finished epochs, about twice a second.
    """
    run_ = _Run(job, rates, course, None)
    visits = course.state.size * len(job.X)
    most = 1 if after_epoch is not None else max(1, int(STRETCH_VISITS / visits))
    kept: tuple[int, Course] | None = None
    try:
        while run_.goes_on or (after_epoch is not None and run_.waits):
            began, before = perf_counter(), run_.epoch
            run_.stretch(min(most, job.epochs - before))
            if after_epoch is not None:
                run_.stop(after_epoch(run_.epoch, course))
            else:
                pace = (run_.epoch - before) / max(perf_counter() - began, 1e-9)
                most = max(1, min(int(STRETCH_SECONDS * pace), 16 * most))
            kept = run_.epoch, course.copied()
            if reached is not None:
                reached(run_.epoch)
    except KeyboardInterrupt:
        if kept is None:
            raise
        course.back_to(kept[1], kept[0])
    course.state += course.state.dtype.type(0)  # no -0.0 tells whether dead units were left out
    return run_.finished()


@dataclass(eq=False)
class _Run:
    """Networks on their way through the epochs of a job, of which the `first` of their course are over."""

    job: Job
    rates: Rates
    course: Course
    pause: Callable[[float], None] | None
    helpers: Helpers | None = None

    def __post_init__(self) -> None:
        self.state, networks = self.course.state, len(self.course.state)
        self.state += self.state.dtype.type(0)  # makes -0.0 0.0; no update brings it back: see `reducing`
        self.epoch, self.is_training = self.course.first, self.course.diverged == 0
        self.groups: list[Group] | None = None  # of the networks still training; None: make them anew
        self.units = (
            Units.of(self.job.network, self.job.rule, self.job.rows, networks) if self.job.reduced else None
        )
        self.sizes: tuple[int, ...] = ()  # to which groups were reduced
        self.ended, self.grouped = False, 0  # whether some of them have ended since; how many there were
        self.has_looked, self.next_look = False, 0
        self.before: Array | None = None  # the states since which the next look looks for what is unchanged
        self.told = _told(self.pause, self.job.epochs)
        self.calls = Calls(self.job, self.rates, self.told)
        if self.job.stopping is not None:
            of_rows = self.job if self.job.validation is None else self.job.validation
            rows = of_rows.X, of_rows.Y
            over = max(0, self.epoch - 1)  # of the epochs before, the last one is the first to be seen
            watch = Watch.over(self.state, self.job.stopping, self.job.recipe, rows, over)
            if self.epoch:
                group = Group(self.job.network, self.training)
                watch.see(group, over, self.course.after_first(group.numbers), self.state)
            self.course.watch = watch

    @property
    def goes_on(self) -> bool:
        """Whether there are epochs left and networks to train."""
        return self.epoch < self.job.epochs and bool(self.is_training.any())

    @property
    def waits(self) -> bool:
        """Whether there are networks that settled, and would be trained on if that changed anything."""
        return self.epoch < self.job.epochs and bool(self.course.goes_on_after(self.epoch).any())

    def stop(self, chosen: Chosen) -> None:
        """Stop networks now, of those chosen (M,) the ones that go on."""
        numbers = self.course.stop(chosen, self.epoch)
        if len(numbers):
            self.is_training[numbers] = False
            self.groups = None

    def stretch(self, most: int) -> None:
        """Advance all networks that are still training by at most `most` epochs.

        Now and then, if enough epochs remain, one epoch runs alone. What it left unchanged shows which units
        have died and which networks have settled. Where networks stop before they settle, it is what all
        epochs since the last look left unchanged.
        """
        training = max(1, int(self.is_training.sum()))
        visits = training * self.state.shape[1] * len(self.job.X)
        fewest = -(-FEWEST_VISITS_UNSEEN // visits)
        worth_it = self._may_settle and most > fewest and most >= EPOCHS_WORTH_A_LOOK
        if worth_it and self.epoch >= self.next_look:
            self.before = self.state.copy()
            across = self._unseen(RARER * fewest) if self._stops_soon and self.has_looked else 1
            self.next_look = self.epoch + across
        if self.epoch < self.next_look:
            most = min(most, self.next_look - self.epoch)
        self._advance_all(most if self.calls.packs else min(most, max(1, STRETCH_LOSSES // training)))
        if self.before is not None and self.epoch >= self.next_look:
            self._look(self.before)
            self.before = None
            if not self._stops_soon:
                self.next_look = self.epoch + self._unseen(fewest)
            self.has_looked = True

    def finished(self) -> Course:
        """The course, once the epochs are over."""
        self.course.finish(self.job.network.n_parameters)
        return self.course

    @property
    def training(self) -> Numbers:
        """The networks that are still training."""
        return np.flatnonzero(self.is_training)

    @property
    def _repeats(self) -> bool:
        """Whether every epoch from here on does what this one does."""
        return not self.job.order.changes and self.rates.until(self.epoch) >= self.job.epochs

    @property
    def _stops_soon(self) -> bool:
        """Whether networks that settle stop before a look may save anything."""
        stopping = self.job.stopping
        return stopping is not None and stopping.patience <= MOST_EPOCHS_UNSEEN

    @property
    def _may_settle(self) -> bool:
        """Whether a look may save anything."""
        return self.units is not None or not self._stops_soon

    def _unseen(self, fewest: int) -> int:
        """How many epochs run between two looks, or at least `fewest`."""
        return max(fewest, min(EPOCHS_UNSEEN * self.epoch, MOST_EPOCHS_UNSEEN))

    def _look(self, before: Array) -> None:
        if self.units is not None:
            training = self.training
            died = self.units.look(before, self.state, training[self._finite(training)])
            if died or self.sizes != self.job.ready:
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
        vector = self.job.sizes(self.job.network, len(training)).vector
        self.sizes = self.job.ready
        yield from self.units.groups(training[finite], vector, self.sizes)
        yield Group(self.job.network, training[~finite])

    def _advance_all(self, most: int) -> None:
        if self.groups is not None and self.ended:
            self.groups = self._left(self.groups)
        self.ended = False
        if self.groups is None:
            groups = [group for group in self._grouped() if len(group.numbers)]
            self.groups = [piece for group in groups for piece in self.calls.pieces(group)]
            self.grouped = int(self.is_training.sum())
        epochs = self._together(most, self.groups)
        if self.helpers is None:
            self._advance_some(self.groups, epochs)
        else:
            shares = self.helpers.among([self.calls.lot(group, epochs) for group in self.groups])
            self.helpers.each([partial(self._advance_some, share, epochs) for share in shares])
        self.epoch += epochs

    def _advance_some(self, groups: list[Group], epochs: int) -> None:
        for group in groups:
            self._advance(group, epochs)

    def _left(self, groups: list[Group]) -> list[Group] | None:
        """The groups without the networks that have ended; None if they are to be made anew."""
        if self.is_training.sum() < FEWEST_LEFT * self.grouped:
            return None
        left = [group.only(self.is_training[group.numbers]) for group in groups]
        return [group for group in left if len(group.numbers)]

    def _together(self, most: int, groups: list[Group]) -> int:
        """How many epochs, up to `most`, to advance together."""
        if self.job.looks and groups:
            most = min(most, self.calls.most_together(groups))
        if self.course.watch is not None and groups and not self.calls.packs:
            most = self.course.watch.together(self.training, self.epoch, len(self.job.X), most)
        return most

    def _advance(self, group: Group, epochs: int) -> None:
        trained = group.take(self.state)
        seen = self.calls.trained(group, trained, self.epoch, epochs, self.course.watch)
        finite: Chosen = np.asarray(np.isfinite(seen.losses).all(axis=1))
        whole = np.ones_like(finite)
        if group.columns is not None:
            whole = finite & np.isfinite(trained).all(axis=1)
        settled = np.zeros_like(finite)
        if epochs == 1 and self._repeats:
            settled = finite & (trained == group.take(self.state)).all(axis=1)
        if whole.all():
            group.put(self.state, trained)
            self._keep(group, seen, settled)
            return
        kept = group.only(whole)
        kept.put(self.state, trained[whole])
        self._keep(kept, seen.only(whole), settled[whole])
        self.groups = None
        again = group.numbers[~whole]
        self.told(-epochs * len(again))
        self._advance(Group(self.job.network, again), epochs)

    def _keep(self, group: Group, seen: Seen, settled: Chosen) -> None:
        """Take in what some epochs brought a group, and end the networks that need not go on."""
        ended = self.course.keep(group, self.epoch, seen, settled)
        if len(ended):
            self.is_training[ended] = False
            self.ended = True
            self.told(len(ended) * (self.job.epochs - self.epoch - seen.losses.shape[1]))


def _told(pause: Callable[[float], None] | None, of: int) -> Callable[[float], None]:
    """What reports epochs done, counted over networks: two networks by three epochs are 6.

    It knows nothing of the run that reports: a ring of references would keep a chunk of networks in memory
    until Python looks for rings. Measured: a million networks of 2-2-1 took 28 MB more.
    """

    def told(epochs: float) -> None:
        if pause is not None:
            pause(epochs / of)

    return told

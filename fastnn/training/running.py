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
from fastnn.training.calls import NO_EPOCH, Calls
from fastnn.training.course import Course
from fastnn.training.jobs import Job
from fastnn.training.rates import Rates
from fastnn.training.reducing import Group
from fastnn.training.resting import Resting
from fastnn.training.sharing import Helpers
from fastnn.training.stopping import Seen, Watch

__all__ = ["run", "run_kept"]

Array = NDArray[Any]
Numbers = NDArray[np.intp]
Chosen = NDArray[np.bool_]

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
        self.state = self.course.state
        self.state += self.state.dtype.type(0)  # makes -0.0 0.0; no update brings it back: see `reducing`
        self.epoch, self.is_training = self.course.first, self.course.diverged == 0
        self.groups: list[Group] | None = None  # of the networks still training; None: make them anew
        self.resting = Resting(self.job, self.state)
        self.sizes: tuple[int, ...] = ()  # to which groups were reduced
        self.ended, self.grouped = False, 0  # whether some of them have ended since; how many there were
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
        """Advance all networks that are still training by at most `most` epochs, up to the next look."""
        self._advance_all(most)
        if self.resting.is_due(self.epoch):
            training = self.training
            died = self.resting.look(self.epoch, training[self._finite(training)], len(training))
            if self.resting.units is not None and (died or self.sizes != self.job.ready):
                self.groups = None

    def finished(self) -> Course:
        """The course, once the epochs are over."""
        self.course.finish(self.job.network.n_parameters)
        return self.course

    @property
    def training(self) -> Numbers:
        """The networks that are still training."""
        return np.flatnonzero(self.is_training)

    def _repeats(self, epoch: int) -> bool:
        """Whether every epoch from one on does what that one does."""
        return not self.job.order.changes and self.rates.until(epoch) >= self.job.epochs

    def _finite(self, numbers: Numbers) -> Chosen:
        """Whether each network has finite parameters only: others cannot be reduced."""
        finite: Chosen = np.asarray(np.isfinite(self.state[numbers]).all(axis=1))
        return finite

    def _grouped(self) -> Iterator[Group]:
        """The networks that are still training, without the units known to be dead."""
        training = self.training
        if self.resting.units is None:
            yield Group(self.job.network, training)
            return
        finite = self._finite(training)
        vector = self.job.sizes(self.job.network, len(training)).vector
        self.sizes = self.job.ready
        yield from self.resting.units.groups(training[finite], vector, self.sizes)
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
        self.calls.settings.forget(self.epoch)
        if self.helpers is None:
            self._advance_some(self.groups, epochs)
        else:
            shares = self.helpers.among([self.calls.lot(group, len(epochs)) for group in self.groups])
            self.helpers.each([partial(self._advance_some, share, epochs) for share in shares])
        self.epoch = epochs.stop

    def _advance_some(self, groups: list[Group], epochs: range) -> None:
        for group in groups:
            self._advance(group, epochs)

    def _left(self, groups: list[Group]) -> list[Group] | None:
        """The groups without the networks that have ended; None if they are to be made anew."""
        if self.is_training.sum() < FEWEST_LEFT * self.grouped:
            return None
        left = [group.only(self.is_training[group.numbers]) for group in groups]
        return [group for group in left if len(group.numbers)]

    def _together(self, most: int, groups: list[Group]) -> range:
        """The epochs, at most `most`, to advance together."""
        training = self.training
        self.resting.plan(self.epoch, most, len(training))
        span, longest = self.resting.span, most
        if span:
            longest = min(most, (span.start if self.epoch < span.start else span.stop) - self.epoch)
        if not self.calls.packs:
            longest = min(longest, max(1, STRETCH_LOSSES // max(1, len(training))))
        if self.job.looks and groups:
            longest = min(longest, self.calls.most_together(groups))
        if self.course.watch is not None and groups and not self.calls.packs:
            longest = self.course.watch.together(training, self.epoch, len(self.job.X), longest)
        if longest < most and len(span) == 1 and self.epoch + longest == span.start:
            longest += 1
        return range(self.epoch, self.epoch + longest)

    def _advance(self, group: Group, epochs: range) -> None:
        trained, span, last = group.take(self.state), self.resting.span, epochs.stop - 1
        begins = bool(span) and span.start in epochs
        mark = span.start if begins else last if len(epochs) == 1 else NO_EPOCH
        seen = self.calls.trained(group, trained, epochs, self.course.watch, mark)
        whole = np.ones(len(trained), bool)
        if group.columns is not None:
            whole = seen.finite & np.isfinite(trained).all(axis=1)
        settled = np.zeros_like(whole)
        if begins and seen.before is not None:
            self.resting.keep(group, seen.before)
        if mark == last and self._repeats(last):
            settled = seen.finite & (trained == seen.before).all(axis=1)
        if whole.all():
            group.put(self.state, trained)
            self._keep(group, epochs, seen, settled)
            return
        kept = group.only(whole)
        kept.put(self.state, trained[whole])
        self._keep(kept, epochs, seen.only(whole), settled[whole])
        self.groups = None
        again = group.numbers[~whole]
        self.told(-len(epochs) * len(again))
        self._advance(Group(self.job.network, again), epochs)

    def _keep(self, group: Group, epochs: range, seen: Seen, settled: Chosen) -> None:
        """Take in what some epochs brought a group, and end the networks that need not go on."""
        ended = self.course.keep(group, epochs.start, seen, settled)
        if len(ended):
            self.is_training[ended] = False
            self.ended = True
            self.told(len(ended) * (self.job.epochs - epochs.stop))


def _told(pause: Callable[[float], None] | None, of: int) -> Callable[[float], None]:
    """What reports epochs done, counted over networks: two networks by three epochs are 6.

    It knows nothing of the run that reports: a ring of references would keep a chunk of networks in memory
    until Python looks for rings. Measured: a million networks of 2-2-1 took 28 MB more.
    """

    def told(epochs: float) -> None:
        if pause is not None:
            pause(epochs / of)

    return told

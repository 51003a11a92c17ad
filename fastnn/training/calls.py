"""The calls of kernels that train a group of networks, each short enough to be interrupted after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from threading import local
from time import perf_counter, thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.rule import WATCHED
from fastnn.engines.takeover import Takeover
from fastnn.training.given_settings import GivenSettings
from fastnn.training.jobs import Job
from fastnn.training.pace import Paces
from fastnn.training.rates import Rates
from fastnn.training.reducing import Group
from fastnn.training.sharing import Lot
from fastnn.training.stopping import Seen, Watch

__all__ = ["NO_EPOCH", "Calls"]

Array = NDArray[Any]

# Calls that look after every epoch take whole epochs. They keep at most as many numbers of states (16 MB) and
# make at most as many visits (one parameter meeting one row; 0.1 s in engine `lanes`), or as the pace allows.
NUMBERS_KEPT, VISITS = 1 << 21, 10**9
# Those that pack the networks that go on have at most as many networks, which fit in the second level of the
# cache, and losses (2 MB): many epochs, since a network that has stopped takes no time.
NETWORKS_PACKED, LOSSES = 1 << 11, 1 << 18


NO_EPOCH = -1


@dataclass(eq=False)
class Calls:
    """The calls that train the networks of a job at their rates.

    `pause` is called after each with the training done, in epochs of one network.
    """

    job: Job
    rates: Rates
    pause: Callable[[float], None]

    def __post_init__(self) -> None:
        self.paces = Paces()
        self.settings = GivenSettings(self.job.recipe, self.rates)
        self.rooms = local()  # each thread has its own
        self.state_size = self.job.rule.state_size(self.job.network)

    @property
    def packs(self) -> bool:
        """Whether kernels watch a loss, and pack the networks that go on together."""
        return self.job.rule.watched in WATCHED

    def trained(self, group: Group, state: Array, epochs: range, watch: Watch | None, mark: int) -> Seen:
        """Advance states (m, S') by some epochs; return what they brought.

        `watch` tells when they stop; None: never. What they were before one of the epochs, `mark`, is kept.
        """
        if self.job.looks:
            return self._looking(group, state, epochs, watch, mark)
        return self._plain(group, state, epochs, mark)

    def pieces(self, group: Group) -> Iterator[Group]:
        """Cut a group into pieces that suit calls that look after every epoch; others take it whole."""
        if not self.job.looks:
            yield group
            return
        width = self.job.sizes(group.network, len(group.numbers)).width
        numbers = self.state_size
        size = min(NUMBERS_KEPT // (8 * numbers), VISITS // (numbers * len(self.job.X)))
        size = min(size, NETWORKS_PACKED) if self.packs else size
        size = max(1, size // width) * width
        for first in range(0, len(group.numbers), size):
            yield group.only(slice(first, first + size))

    def most_together(self, groups: list[Group]) -> int:
        """The most epochs of one such call, for that of some groups that may be given the fewest."""
        networks = max(len(group.numbers) for group in groups)
        kept = LOSSES // networks if self.packs else NUMBERS_KEPT // (networks * self.state_size)
        return max(1, min(kept, *(self._epochs_of_a_call(group) for group in groups)))

    def _epochs_of_a_call(self, group: Group) -> int:
        visits = min(self.paces.of(self._takeover(group).now).visits, VISITS)
        return int(visits) // (len(group.numbers) * self.job.rule.state_size(group.network) * len(self.job.X))

    def lot(self, group: Group, epochs: int) -> Lot:
        """A group with the seconds that one of its networks takes for some epochs, to be shared out."""
        now = self._takeover(group).now
        visits = self.job.rule.state_size(group.network) * len(self.job.X) * epochs
        return Lot(group, visits * self.paces.seconds(now), now.sizes.vector)

    def _takeover(self, group: Group) -> Takeover:
        return self.job.takeover(group.network, len(group.numbers))

    def _plain(self, group: Group, state: Array, epochs: range, mark: int) -> Seen:
        """Calls of several epochs, or of some rows of one, as fits the time."""
        takeover, rows, before = self._takeover(group), len(self.job.X), None
        totals = self._room((len(state), len(epochs)), state.dtype)
        totals[:] = 0
        for some, given, settings in self._alike(group, epochs, mark):
            if epochs[some.start] == mark:
                before = state.copy()
            epoch, row = some.start, 0
            while epoch < some.stop:
                left, ready = some.stop - epoch, takeover.now
                pace, numbers = self.paces.of(ready), ready.sizes.filled(len(state)) * state.shape[1]
                more_epochs, more_rows = pace.next_call(numbers, left, rows, row, self.job.recipe.size)
                part, now = slice(row, row + more_rows), slice(epoch, epoch + more_epochs)
                began, worked = perf_counter(), thread_time()
                ready.kernel(state, *(array[part] for array in given), settings, totals[:, now], *self._batch)
                worked, visits = thread_time() - worked, more_epochs * more_rows
                pace.took(perf_counter() - began, numbers * visits)
                self.job.done.took(takeover, worked, len(state) * visits)
                row = (row + more_rows) % rows
                epoch += more_epochs if row == 0 else 0
                self.pause(len(state) * visits / rows)
        return Seen(self._mean(totals, rows), before=before)

    def _looking(self, group: Group, state: Array, epochs: range, watch: Watch | None, mark: int) -> Seen:
        """One call for all epochs that are alike, which looks after each."""
        takeover, validation, before = self._takeover(group), self.job.validation, None
        shape = (len(epochs), len(state))
        totals, further = np.zeros(shape, state.dtype).T, np.zeros(shape, state.dtype).T
        best = watch.begun(group, state) if watch is not None and self.packs else None
        course = None
        if watch is not None and best is None:
            course = self._room((*shape, state.shape[1]), state.dtype)
        for some, given, settings in self._alike(group, epochs, mark):
            if epochs[some.start] == mark:
                before = state.copy()
            looked: list[Any] = []
            if validation is not None:
                looked = [*validation.rows, validation.settings(len(state)), further[:, some]]
            if course is not None:
                looked.append(course[some])
            if best is not None and watch is not None:
                looked += [best.bar, best.until, best.epoch, best.state, epochs[some.start], *watch.numbers]
            more_epochs, ready = some.stop - some.start, takeover.now
            began, worked = perf_counter(), thread_time()
            ready.kernel(state, *given, settings, totals[:, some], *self._batch, *looked)
            worked, visits = thread_time() - worked, len(state) * more_epochs * len(self.job.X)
            self.paces.of(ready).took(perf_counter() - began, state.shape[1] * visits)
            self.job.done.took(takeover, worked, visits)
            self.pause(len(state) * more_epochs)
        return Seen(
            self._mean(totals, len(self.job.X)),
            None if validation is None else self._mean(further, len(validation.X)),
            course,
            best,
            before,
        )

    def _alike(self, group: Group, epochs: range, mark: int) -> Iterator[tuple[slice, Any, Array]]:
        """Epochs that visit the same rows at the same rates: which, the rows, and the settings.

        None of them go over the beginning of epoch `mark`.
        """
        first, epoch = epochs.start, epochs.start
        while epoch < epochs.stop:
            until = min(mark if epoch < mark else epochs.stop, epochs.stop, self.rates.until(epoch))
            settings = self.settings.of(epoch)[group.numbers]
            together = 1 if self.job.order.changes else int(until - epoch)
            while epoch < until:
                yield slice(epoch - first, epoch - first + together), self.job.ordered(epoch), settings
                epoch += together

    def _room(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Room for what a call finds; the next call has the same: new memory is slow."""
        size = prod(shape)
        if not hasattr(self.rooms, "room") or len(self.rooms.room) < size:
            self.rooms.room = np.empty(size, dtype)
        found: Array = self.rooms.room[:size].reshape(shape)
        return found

    @property
    def _batch(self) -> tuple[int, ...]:
        return (self.job.recipe.size,) if self.job.rule.batched else ()

    @staticmethod
    def _mean(totals: Array, rows: int) -> Array:
        totals /= totals.dtype.type(rows)
        return totals

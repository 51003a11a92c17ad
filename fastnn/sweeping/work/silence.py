"""The silence of an executor: when it is too long, and the computing of shards here instead.

A worker that never answers looks like one that works slowly or waits in a queue. So no worker is given up for
silence. After a long silence the sweeping process computes shards itself, one by one, and still takes the
answers that come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter

from fastnn.sweeping.cost import most_seconds_per_network
from fastnn.sweeping.design import Results
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.work.places import Place
from fastnn.system.progress import duration
from fastnn.system.telling import warn

__all__ = ["Silence", "trained_here"]

# Help begins after this time without an answer, if it is also as long as this many of the longest shards.
LEAST_SECONDS, MOST_SHARDS = 60.0, 20


class Silence:
    """The time since an executor's last answer, while it has work."""

    def __init__(self) -> None:
        self.since = perf_counter()
        self.handed: dict[int, float] = {}  # by a shard's first number: the time when it was handed over
        self.longest = 0.0  # the most seconds from there to an answer
        self.predicted: float | None = None  # seconds for a shard, estimated in the first silence
        self.told = False

    def hands(self, numbers: Numbers, alone: bool) -> None:
        """Note that a shard is handed over, `alone` if no other is out."""
        self.handed[numbers.first] = now = perf_counter()
        if alone:
            self.since = now

    def ends(self, numbers: Numbers) -> None:
        """Note that an answer for a shard came, good or bad."""
        now = perf_counter()
        began = self.handed.pop(numbers.first, now)
        if not self.told:  # a silence must not count as a shard's time: the next would be 20 times as long
            self.longest = max(self.longest, now - began)
        self.since, self.told = now, False

    def is_long(self, place: Place, out: Iterable[Numbers]) -> bool:
        """Whether the silence is longer than any shard that is out can explain."""
        lasts = perf_counter() - self.since
        if lasts < max(LEAST_SECONDS, MOST_SHARDS * self.longest):
            return False
        if self.predicted is None:
            self.predicted = _most_seconds(place, max(map(len, out), default=0))
        return lasts >= MOST_SHARDS * self.predicted

    def tell(self, stacklevel: int) -> None:
        """Warn of the silence, once."""
        if not self.told:
            self.told = True
            seconds = duration(perf_counter() - self.since)
            warn(
                f"the executor has answered nothing for {seconds}: until it answers, shards are computed "
                "here, one at a time. Ctrl-C ends the sweep",
                RuntimeWarning,
                stacklevel + 1,
            )


def _most_seconds(place: Place, networks: int) -> float:
    """The most seconds that this number of networks may take on one core."""
    return networks * most_seconds_per_network(place.design)


class _Answered(Exception):  # noqa: N818 - ends needless work, is no error
    """Raised to leave a shard whose answer has arrived."""


def trained_here(place: Place, numbers: Numbers, answered: Callable[[], bool]) -> Results | None:
    """Compute the results of a shard in this thread; return None if its answer came first."""

    def pause(networks: float) -> None:
        if answered():
            raise _Answered

    results = place.design.room(numbers, place.every, place.curve_dtype)
    try:
        for chunk in place.design.chunks(numbers):
            place.design.train(chunk, results, pause)
    except _Answered:
        return None
    return results

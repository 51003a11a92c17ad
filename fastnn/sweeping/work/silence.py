"""The silence of an executor: how long it is borne, and shards computed here instead.

A worker that never answers cannot be told from one that works slowly, or waits in a queue. So nobody is given
up for it: after a long silence the sweeping process does what the executor should, shard by shard, and goes
on taking the answers that come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter

from fastnn.sweeping.cost import seconds_per_network
from fastnn.sweeping.design import Results
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.work.places import Place
from fastnn.system.progress import duration
from fastnn.system.telling import warn

__all__ = ["Silence", "trained_here"]

# Without an answer for so long, and for the time of so many of the longest shards, help begins.
LEAST_SECONDS, MOST_SHARDS = 60.0, 20


class Silence:
    """How long an executor has answered nothing, although it had something to do."""

    def __init__(self) -> None:
        self.since = perf_counter()
        self.handed: dict[int, float] = {}  # when the shard of a first number was handed over
        self.longest = 0.0  # seconds from there to the answer
        self.predicted: float | None = None  # seconds of a shard, not known before a silence
        self.told = False

    def hands(self, numbers: Numbers, alone: bool) -> None:
        """A shard is handed over, perhaps while nothing else is out."""
        self.handed[numbers.first] = now = perf_counter()
        if alone:
            self.since = now

    def ends(self, numbers: Numbers) -> None:
        """An answer for a shard came, of whatever kind."""
        now = perf_counter()
        began = self.handed.pop(numbers.first, now)
        if not self.told:  # else it would be as long as a silence, and the next one 20 times as long
            self.longest = max(self.longest, now - began)
        self.since, self.told = now, False

    def is_long(self, place: Place, out: Iterable[Numbers]) -> bool:
        """Whether it has lasted longer than any shard that is out can explain."""
        lasts = perf_counter() - self.since
        if lasts < max(LEAST_SECONDS, MOST_SHARDS * self.longest):
            return False
        if self.predicted is None:
            self.predicted = _most_seconds(place, max(map(len, out), default=0))
        return lasts >= MOST_SHARDS * self.predicted

    def tell(self, stacklevel: int) -> None:
        """Warn of it, once."""
        if not self.told:
            self.told = True
            seconds = duration(perf_counter() - self.since)
            warn(
                f"the executor has answered nothing for {seconds}: until it does, shards are computed here, "
                "one at a time. Ctrl-C ends the sweep",
                RuntimeWarning,
                stacklevel + 1,
            )


def _most_seconds(place: Place, networks: int) -> float:
    """How long so many networks may take on one core."""
    rows = place.design.grid.rows
    return seconds_per_network(place.design) * networks * max(rows) * len(rows) / sum(rows)


class _Answered(Exception):  # noqa: N818 - the end of work that is not needed, not an error
    """Raised to leave a shard whose answer has come."""


def trained_here(place: Place, numbers: Numbers, answered: Callable[[], bool]) -> Results | None:
    """The results of a shard, computed in this thread; None if its answer came first."""

    def pause(networks: float) -> None:
        if answered():
            raise _Answered

    results = place.design.room(numbers, place.every, place.curve_dtype)
    try:
        for chunk in place.design.chunks(numbers, 1):
            place.design.train(chunk, results, pause)
    except _Answered:
        return None
    return results

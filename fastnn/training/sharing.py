"""The sharing of work among threads: equal shares, and help for those that still have work to do.

Networks do not depend on one another, so who trains which changes no bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from threading import Lock
from typing import Protocol, Self, TypeVar

from fastnn.system.floating_point import ieee
from fastnn.training.reducing import Group

__all__ = ["Helpers", "Lot", "shared_out", "total_seconds"]

# With less work for each thread, in seconds, sharing takes longer than it saves: one wakes up in 0.05 ms.
WORTH_SHARING = 3e-4


class Divisible(Protocol):
    """Networks of which each takes as many seconds, and as many fill a vector."""

    @property
    def seconds(self) -> float:
        """What one network takes."""

    @property
    def vector(self) -> int:
        """How many fill a vector; a full one costs the same as one network."""

    def __len__(self) -> int:
        """How many they are."""

    def cut(self, count: int) -> tuple[Self, Self]:
        """The first `count` networks, and the others."""


Some = TypeVar("Some", bound=Divisible)


@dataclass(frozen=True)
class Lot:
    """A group of networks to be trained, as `Divisible`."""

    group: Group
    seconds: float
    vector: int

    def __len__(self) -> int:
        return len(self.group.numbers)

    def cut(self, count: int) -> tuple[Lot, Lot]:
        """The first `count` networks, and the others."""
        first, others = (self.group.only(part) for part in (slice(count), slice(count, None)))
        return Lot(first, self.seconds, self.vector), Lot(others, self.seconds, self.vector)


def total_seconds(of: Iterable[Divisible]) -> float:
    """The seconds of all networks, in vectors, of which one that is not full takes as long."""
    return sum(-(-len(some) // some.vector) * some.vector * some.seconds for some in of)


def shared_out(whole: Sequence[Some], workers: int) -> list[list[Some]]:
    """Share out networks among at most `workers`, in their order; a cut leaves full vectors before it."""
    share = total_seconds(whole) / workers
    shares: list[list[Some]] = [[]]
    laid = 0.0
    for rest in whole:
        while len(rest):
            count = len(rest)
            if len(shares) < workers:
                vectors = ceil((len(shares) * share - laid) / (rest.seconds * rest.vector) - 0.5)
                count = min(count, max(0, vectors) * rest.vector)
            some, rest = rest.cut(count)
            laid += total_seconds([some])
            if len(some):
                shares[-1].append(some)
            if len(rest):
                shares.append([])
    return [some for some in shares if some]


class Helpers:
    """The threads of a pool, of which some train networks and the others may help them.

    Parameters
    ----------
    pool : Executor
    threads : int
        How many it has.
    """

    def __init__(self, pool: Executor, threads: int) -> None:
        self._pool, self._threads, self._busy, self._counting = pool, threads, 0, Lock()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count the calling thread among those that have work of their own."""
        with self._counting:
            self._busy += 1
        try:
            yield
        finally:
            with self._counting:
                self._busy -= 1

    def among(self, lots: Sequence[Lot]) -> list[list[Group]]:
        """Share out the networks of a busy thread among it and those that may help it."""
        hands = min(-(-self._threads // max(1, self._busy)), int(total_seconds(lots) / WORTH_SHARING))
        if hands <= 1:
            return [[lot.group for lot in lots]]
        return [[lot.group for lot in share] for share in shared_out(lots, hands)]

    def each(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of some works: the first of them in this thread, and those that nobody else begins.

        Nothing is under way when it returns, or raises what one of them raised.
        """
        first, *others = works
        begun = [(work, self._pool.submit(ieee(work))) for work in others]
        try:
            first()
        finally:
            left = [work for work, future in begun if future.cancel()]
            errors = [future.exception() for _, future in begun if not future.cancelled()]
        for work in left:
            work()
        for error in errors:
            if error is not None:
                raise error

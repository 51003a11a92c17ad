"""The queue of shards for workers: shards still to do, to do again, or given up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from fastnn.sweeping.grid import Numbers

__all__ = ["ATTEMPTS", "Lost", "ShardQueue"]

ATTEMPTS = 3


@dataclass
class Lost:
    """The shards that were lost too often, and, if all others were given up, the reason in `rest`."""

    shards: list[tuple[Numbers, str]] = field(default_factory=list)
    rest: str = ""


class ShardQueue:
    """The shards still to be handed over; lost ones come first."""

    def __init__(self, shards: Iterable[Numbers]) -> None:
        self.coming: Iterator[Numbers] = iter(shards)
        self.again: list[Numbers] = []
        self.postponed: list[Numbers] = []
        self.suspects: list[Numbers] = []
        self.attempts: dict[int, int] = {}
        self.failed = Lost()

    def more(self) -> bool:
        """Whether a shard is left."""
        if not (self.again or self.suspects):
            fresh = next(self.coming, None)
            if fresh is not None:
                self.again.append(fresh)
            else:
                self.again, self.postponed = self.postponed, []
        return bool(self.again or self.suspects)

    def next(self) -> Numbers | None:
        """The next shard; None if none is left."""
        if not self.more():
            return None
        return self.suspects.pop(0) if self.suspects else self.again.pop(0)

    def other_than(self, blamed: Collection[int]) -> Numbers | None:
        """A shard whose first number is not in `blamed`; None if there is none."""
        waiting = self._with_other_than(blamed)
        if waiting is None:
            return None
        return waiting.pop([numbers.first in blamed for numbers in waiting].index(False))

    def has_other_than(self, blamed: Collection[int]) -> bool:
        """Whether `other_than` would find a shard."""
        return self._with_other_than(blamed) is not None

    def _with_other_than(self, blamed: Collection[int]) -> list[Numbers] | None:
        lists = (self.again, self.postponed, self.suspects)
        for waiting in lists:
            if any(numbers.first not in blamed for numbers in waiting):
                return waiting
        fresh = next(self.coming, None)
        if fresh is None:
            return None
        self.again.append(fresh)
        return self.again

    def suspected(self, numbers: Numbers) -> bool:
        """Whether a shard was lost so often that it may be what breaks executors."""
        return self.attempts.get(numbers.first, 0) >= ATTEMPTS

    def postpone(self, numbers: Numbers) -> None:
        """Put back a shard that the executor did not take; others are handed over first."""
        if self.suspected(numbers):
            self.suspects.append(numbers)
        else:
            self.postponed.append(numbers)

    def lost(self, numbers: Numbers, reason: str, company: bool) -> None:
        """Note that a shard was lost. It is tried three times in all.

        With `company`, other shards were in hand when the executor broke, so the culprit is unknown. After
        three losses such a shard is only a suspect, and is tried once more, alone.
        """
        count = self.attempts[numbers.first] = self.attempts.get(numbers.first, 0) + 1
        if count < ATTEMPTS:
            self.again.insert(0, numbers)
        elif company:
            self.suspects.append(numbers)
        else:
            self.failed.shards.append((numbers, reason))

    def give_up(self, reason: str) -> None:
        """Give up all shards that are left."""
        self.again, self.postponed, self.suspects, self.coming = [], [], [], iter(())
        self.failed.rest = reason

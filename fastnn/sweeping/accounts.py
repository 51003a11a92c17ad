"""The account of a sweep, made at the end: networks done plus networks failed are the networks asked for.

Done are the networks in the table, in memory or in a store; what was handed over or kept does not count.
"""

from __future__ import annotations

from fastnn.checking import OneSentenceError
from fastnn.showing.lettering import counted
from fastnn.sweeping.work.places import Place
from fastnn.sweeping.work.shard_queue import Lost

__all__ = ["NothingDoneError", "failures"]


class NothingDoneError(OneSentenceError, RuntimeError):
    """None of the networks of a sweep could be trained."""


def failures(place: Place, done: int, lost: Lost, interrupted: bool) -> tuple[str, ...]:
    """In words, which networks failed. They add up to the missing ones, less those that Ctrl-C left undone.

    Raises
    ------
    NothingDoneError
        If no network is done and some failed, unless the sweep was interrupted.
    """
    total = place.design.grid.total
    failed = [(numbers, reason) for numbers, reason in lost.shards if place.lacks(numbers)]
    found = [f"networks {numbers}: {reason}" for numbers, reason in failed]
    rest = total - done - sum(len(numbers) for numbers, _ in failed)
    if rest > 0 and lost.rest:
        found.append(f"{counted(rest, 'network')}: {lost.rest}")
    elif rest > 0 and not interrupted:
        found.append(f"{counted(rest, 'network')}: they were finished, but have disappeared since")
    if found and not done and not interrupted:
        raise NothingDoneError(
            f"at least one of {counted(total, 'network')} must be trained; none could be: "
            f"{'; '.join(found[:3])}. Mend the executor, or leave it out to sweep on threads here."
        )
    return tuple(found)

"""The account of a sweep: what is done and what failed is what was asked for, counted at the end.

Counted is what the table holds then, in memory and in a store alike, not what was handed over or kept.
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
    """What failed, in words that add up to what is missing; what an interruption left undone did not fail.

    Raises
    ------
    NothingDoneError
        If nothing is done and something failed, unless it was interrupted.
    """
    total = place.design.grid.total
    failed = [(numbers, reason) for numbers, reason in lost.shards if place.lacks(numbers)]
    found = [f"networks {numbers}: {reason}" for numbers, reason in failed]
    rest = total - done - sum(len(numbers) for numbers, _ in failed)
    if rest > 0 and lost.rest:
        found.append(f"{counted(rest, 'network')}: {lost.rest}")
    elif rest > 0 and not interrupted:
        found.append(f"{counted(rest, 'network')}: they were kept, and are not there any more")
    if found and not done and not interrupted:
        raise NothingDoneError(
            f"at least one of {counted(total, 'network')} must be trained; none could be: "
            f"{'; '.join(found[:3])}. Mend the executor, or sweep without one: on threads here."
        )
    return tuple(found)

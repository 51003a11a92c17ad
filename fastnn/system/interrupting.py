"""Ctrl-C during a larger piece of work: the work ends instead of using a result that was cut short."""

from __future__ import annotations

from typing import Protocol, TypeVar

__all__ = ["to_the_end"]


class Interruptible(Protocol):
    """A Training or a Sweep."""

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it early."""


Found = TypeVar("Found", bound=Interruptible)


def to_the_end(found: Found) -> Found:
    """Return a Training or a Sweep, or raise KeyboardInterrupt if Ctrl-C ended it early."""
    if found.interrupted:
        raise KeyboardInterrupt
    return found

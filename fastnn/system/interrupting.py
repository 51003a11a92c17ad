"""Ctrl-C within a larger work: what it has cut short is not gone on with."""

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
    """Return a Training or a Sweep that was not interrupted, or pass on the Ctrl-C that did it."""
    if found.interrupted:
        raise KeyboardInterrupt
    return found

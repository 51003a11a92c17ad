"""Ctrl-C during a larger piece of work: it ends the work, but never in the middle of a critical part."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

__all__ = ["to_the_end", "undisturbed"]


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


@contextmanager
def undisturbed() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM until the context ends: for short work that must not be cut off."""
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield
        return
    came: list[Any] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *what: came.append(what))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number, frame in came[:1]:
        handler = before[number]
        if callable(handler):
            handler(number, frame)

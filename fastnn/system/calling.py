"""Calls into foreign code that may never return: the caller goes on without them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures.process import ProcessPoolExecutor
from threading import Thread
from typing import Any

__all__ = ["at_most", "beside", "submitted"]


def at_most(seconds: float, call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Make a call, wait for it at most `seconds`, and ignore its result and its errors."""
    wait([beside(call, *arguments, **options)], seconds)


def submitted(executor: Any, *work: Any) -> Future[Any]:
    """A future of what ``executor.submit(*work)`` returns or raises; the caller does not wait for `submit`.

    The `submit` of a process pool returns at once, so this thread calls it: it may fork, and a process
    should fork without further threads.
    """
    return beside(executor.submit, *work, here=type(executor) is ProcessPoolExecutor)


def beside(call: Callable[..., Any], *arguments: Any, here: bool = False, **options: Any) -> Future[Any]:
    """A future of what a call returns or raises. It runs in a daemon thread, or in this one if `here`."""
    outcome: Future[Any] = Future()

    def work() -> None:
        try:
            outcome.set_result(call(*arguments, **options))
        except BaseException as error:
            outcome.set_exception(error)

    if here:
        work()
        return outcome
    try:
        Thread(target=work, daemon=True).start()
    except RuntimeError as error:  # there are too many threads
        outcome.set_exception(error)
    return outcome

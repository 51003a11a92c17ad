"""Calls into code of others that may never return: they hold up nobody."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from concurrent.futures.process import ProcessPoolExecutor
from threading import Thread
from typing import Any

__all__ = ["at_most", "beside", "submitted"]


def at_most(seconds: float, call: Callable[..., Any], *arguments: Any, **options: Any) -> None:
    """Make a call of which neither the outcome nor its failing matters, and wait no longer for its end."""
    wait([beside(call, *arguments, **options)], seconds)


def submitted(executor: Any, *work: Any) -> Future[Any]:
    """What `submit` returns or raises; a `submit` that never returns holds up nobody.

    That of a process pool returns at once. It may fork, beside which there should be no further thread.
    """
    return beside(executor.submit, *work, here=type(executor) is ProcessPoolExecutor)


def beside(call: Callable[..., Any], *arguments: Any, here: bool = False, **options: Any) -> Future[Any]:
    """What a call returns or raises, from a thread that ends with the process, or at once from this one."""
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
    except RuntimeError as error:  # there are too many
        outcome.set_exception(error)
    return outcome

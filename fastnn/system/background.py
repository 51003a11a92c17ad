"""Work that nobody waits for, in a thread of its own: compiling what may be faster later.

One thread does one piece after the other, so that no two disturb each other's times. It is a daemon, and
Python's exit cuts its work short: LLVM must not be at work while the process is taken down.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import sys
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread

from fastnn.system.telling import log

__all__ = ["ask", "finish"]

Work = Callable[[], None]

LOOK_SECONDS = 0.02  # between two tries to end the thread at exit
MOST_SECONDS = 5.0  # for these tries; compiling in LLVM, which cannot be cut short, takes less at a time


class _Worker:
    """The thread, begun with its first work, and the work that waits for it."""

    def __init__(self) -> None:
        self.waiting: SimpleQueue[Work] = SimpleQueue()
        self.thread: Thread | None = None
        self.beginning = Lock()

    def ask(self, work: Work) -> None:
        self.waiting.put(work)
        with self.beginning:
            if self.thread is None:
                self.thread = Thread(target=self._run, name="fastnn background", daemon=True)
                self.thread.start()

    def _run(self) -> None:
        while True:
            work = self.waiting.get()
            try:
                work()
            except Exception as error:  # what runs in the foreground goes on with what it has
                log(logging.WARNING, "fastnn: work in the background failed: %r", error)
            del work  # or it were kept until the next one comes

    def end(self) -> None:
        """Have the thread raise SystemExit, whatever it is at, and wait for its end."""
        thread = self.thread
        if thread is None:
            return
        raised, end = ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
        self.waiting.put(_leave)
        sys.unraisablehook = _without_exits(sys.unraisablehook)  # it may be raised where LLVM calls Python
        for _ in range(int(MOST_SECONDS / LOOK_SECONDS)):
            if not thread.is_alive():
                return
            ctypes.pythonapi.PyThreadState_SetAsyncExc(raised, end)
            thread.join(LOOK_SECONDS)


def _without_exits(told: Callable[[sys.UnraisableHookArgs], object]) -> Callable[..., object]:
    """What tells of exceptions that nobody can catch, but for SystemExit."""
    return lambda raised: None if raised.exc_type is SystemExit else told(raised)


def _leave() -> None:
    raise SystemExit


_WORKER = _Worker()


def ask(work: Work) -> None:
    """Have some work done after all that was asked for before. What it raises is logged.

    In a process that forked, only the parent does what was asked for before the fork.
    """
    _WORKER.ask(work)


def finish() -> None:
    """Wait until all work that was asked for is done."""
    done = Lock()
    done.acquire()
    ask(done.release)
    done.acquire()


def _anew() -> None:
    global _WORKER
    _WORKER = _Worker()


atexit.register(lambda: _WORKER.end())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anew)

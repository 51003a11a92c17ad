"""Executors that may be given to a sweep, and pools of processes made here."""

from __future__ import annotations

import atexit
import inspect
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from multiprocessing.context import SpawnContext, SpawnProcess
from numbers import Real
from pathlib import Path
from tempfile import gettempdir
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np

from fastnn.checking import InputError, shown, whole_number
from fastnn.system.calling import beside

__all__ = [
    "Width",
    "executor_of",
    "maker_of",
    "processes",
    "refuse_a_script_read_again",
    "refuse_what_cannot_be_read_again",
    "submits",
]

MOST = 1024  # processes
MOST_ON_WINDOWS = 61  # processes of a ProcessPoolExecutor: one call of Windows waits for no more

# Advice for objects of other libraries that are no executors.
REMEDIES = {
    "joblib": "Give a number, or loky.get_reusable_executor().",
    "multiprocessing": "Give a number, or a concurrent.futures.ProcessPoolExecutor.",
    "ipyparallel": "Give its client.executor().",
    "mpi4py": "Give an mpi4py.futures.MPIPoolExecutor.",
    "ray": "Give a number, or a cluster of Dask.",
}
ONE_OF_THESE = "Give one of these."
ASK_SECONDS, ANSWER_SECONDS = 5.0, 0.1  # how often a cluster is asked for its size, and the wait for it


def maker_of(given: Any) -> Callable[[], Any] | None:
    """Return a function that makes executors if one, or a number, was given; None if an executor was.

    Raises
    ------
    InputError
        If it is none of these, or the number is out of range.
    """
    if isinstance(given, Real | np.bool_):
        on_windows = sys.platform == "win32"
        name = "executor on Windows" if on_windows else "executor"
        count = whole_number(given, name, 1, MOST_ON_WINDOWS if on_windows else MOST)
        return lambda: processes(count)
    if submits(given):
        _refuse_subinterpreters(given)
        return None
    if not callable(given) or not _takes_nothing(given):
        raise InputError(
            "executor must be None, a number of processes, a concurrent.futures.Executor, a "
            "distributed.Client or a function without arguments that makes one; "
            f"got {shown(given)}. {REMEDIES.get(_library(given), ONE_OF_THESE)}"
        )
    return lambda: _made(given)


def submits(thing: Any) -> bool:
    """Whether a thing has the ``submit`` of `concurrent.futures`."""
    return callable(getattr(thing, "submit", None)) and not isinstance(thing, type)


def executor_of(given: Any) -> Any:
    """Return the given executor, or the executor of a given distributed.Client."""
    # pure=False: a lost shard is computed again, not looked up.
    return given.get_executor(pure=False) if hasattr(given, "get_executor") else given


class Width:
    """The number of shards that an executor works on at a time: `workers`, or else as the executor tells."""

    def __init__(self, given: Any, workers: int | None) -> None:
        self.given, self.workers = given, workers
        self.threads, self.asked = 1, -ASK_SECONDS  # a cluster's
        self.answer: Future[Any] | None = None

    @property
    def now(self) -> int:
        """The number now. A cluster is asked repeatedly, as it may grow; if silent it keeps its size."""
        if self.workers is not None:
            return self.workers
        if not hasattr(self.given, "nthreads"):
            known = getattr(self.given, "_max_workers", None)
            return known if isinstance(known, int) and known > 0 else os.cpu_count() or 1
        if self.answer is None and monotonic() - self.asked > ASK_SECONDS and self.given.status == "running":
            self.answer, self.asked = beside(self.given.nthreads), monotonic()
        if self.answer is not None:
            with suppress(Exception):
                self.threads = max(1, sum(self.answer.result(ANSWER_SECONDS).values()))
            if self.answer.done():
                self.answer = None
        return self.threads


def refuse_what_cannot_be_read_again(executor: Any) -> None:
    """Refuse a pool whose processes cannot read the script that made it. In such a process, end at once.

    Without a guard in the script, a worker that reads the script comes to the sweep and calls this function.
    Its own pool would fail and the script would go on. So it leaves word and ends silently, and
    `refuse_a_script_read_again` tells why.
    """
    context = getattr(executor, "_mp_context", None)
    if context is None or context.get_start_method() == "fork":
        return
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        with suppress(OSError):
            _word().touch()
        atexit._run_exitfuncs()
        os._exit(1)  # a SystemExit could be caught by the script
    if isinstance(context, _Context):
        return
    _forgotten_at_exit(_word())
    main = sys.modules["__main__"]
    script = getattr(main, "__file__", None)
    if script and getattr(main, "__spec__", None) is None and not Path(script).exists():
        raise InputError(
            f"processes of a pool must be able to read the script that made it; got {script}. "
            "Run the script from a file, or give executor=N, a number: its processes read no script."
        )


def refuse_a_script_read_again(executor: Any) -> None:
    """Raise InputError if a pool broke because its processes read the script and came to the sweep."""
    try:
        _word().unlink()
    except OSError:
        return
    raise InputError(
        'a script must start processes under `if __name__ == "__main__":`, since each of them reads the '
        f"script; got {shown(executor)} without that line. Put the pool and the sweep under it, or give "
        "executor=N, a number: its processes read no script."
    )


def _word() -> Path:
    """The file by which a worker says that it came to the sweep, named by what its pool's processes share.

    Not by its exit code: a fork server tells that once, and the pool's own thread may be the one to hear it.
    """
    key = sha256(bytes(multiprocessing.current_process().authkey)).hexdigest()
    return Path(gettempdir(), f"fastnn-{key[:32]}")


@cache
def _forgotten_at_exit(word: Path) -> None:
    atexit.register(word.unlink, missing_ok=True)  # a second worker may say it after the first was heard


def _made(make: Callable[[], Any]) -> Any:
    made = make()
    if not submits(made):
        raise InputError(
            "a function given as executor must make a concurrent.futures.Executor or a "
            f"distributed.Client; got {shown(made)}. {REMEDIES.get(_library(made), 'Return one of these.')}"
        )
    _refuse_subinterpreters(made)
    return made


def _takes_nothing(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    except ValueError:  # some functions written in C have no signature
        return True
    return True


def _refuse_subinterpreters(executor: Any) -> None:
    if type(executor).__name__ == "InterpreterPoolExecutor":
        raise InputError(
            "executor must run where NumPy and Numba can be loaded; got an InterpreterPoolExecutor, whose "
            "interpreters cannot load them. Give a number of processes, or no executor, to use threads."
        )


def _library(thing: Any) -> str:
    kind = thing if isinstance(thing, type) else type(thing)
    return str(kind.__module__).partition(".")[0]


def processes(count: int) -> ProcessPoolExecutor:
    """A pool of new processes (a fork would copy locked locks of our threads) that ignore Ctrl-C."""
    return ProcessPoolExecutor(count, _Context(), signal.signal, (signal.SIGINT, signal.SIG_IGN))


class _Process(SpawnProcess):
    """A process that does not read the script: everything it needs is in fastnn.

    So a script needs no `if __name__ == "__main__"`. There may even be no script: standard input, ``-c``.
    """

    def start(self) -> None:
        with _without_script():
            super().start()


class _Context(SpawnContext):
    Process = _Process


ONE_AT_A_TIME = Lock()


@contextmanager
def _without_script() -> Iterator[None]:
    """Hide the script from processes that start within this context."""
    main: dict[str, Any] = vars(sys.modules["__main__"])
    with ONE_AT_A_TIME:
        kept = {name: value for name, value in main.items() if name in ("__file__", "__spec__")}
        main.update(__file__=None, __spec__=None)
        try:
            yield
        finally:
            del main["__file__"], main["__spec__"]
            main.update(kept)

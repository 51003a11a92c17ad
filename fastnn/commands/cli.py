"""The command line: ``fastnn`` and ``python -m fastnn``.

Exit codes: 0 done; 1 could not be done (a file, memory), or all networks diverged; 2 the request was refused;
130 Ctrl-C; 143 SIGTERM, which is handled like Ctrl-C.

An error is one line on standard error. Standard output holds only results. If it cannot be written, that is
an error when it was the only result, and a note when the results are also in files. A reader that leaves
early, such as ``head``, is no error.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import NoReturn

from fastnn.checking import InputError, OneSentenceError
from fastnn.commands import DONE, FAILED, INTERRUPTED, REFUSED, TERMINATED, command
from fastnn.commands.command_line import command_line
from fastnn.commands.refusing import in_options
from fastnn.system.telling import drop_notes, note, settle, tell, tell_notes

__all__ = ["main"]

SELDOM = 50_000  # new objects between two garbage collections: importing libraries makes 200 000 that stay


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. `arguments` is None if the process runs only this."""
    if arguments is None:
        _look_for_garbage_seldom()
    with _termination() as terminated:
        code = _run(arguments)
    if not settle() and code == DONE:
        code = _fail(FAILED, "standard output could not be written")
    if code == INTERRUPTED:
        # If a KeyboardInterrupt comes while CPython runs source text, as it does to make a dataclass, CPython
        # remembers that and ends by a signal instead of with this code. Running another text clears it.
        eval("0")  # noqa: S307
    return TERMINATED if terminated and code == INTERRUPTED else code


def _look_for_garbage_seldom() -> None:
    """Collect garbage seldom, and not at all at the end: that saves a fifth of a short command's time."""
    gc.set_threshold(SELDOM)
    atexit.register(gc.freeze)


@contextlib.contextmanager
def _termination() -> Iterator[list[int]]:
    """Handle SIGTERM like Ctrl-C, and yield a list that holds it once it has come."""
    came: list[int] = []

    def interrupt(number: int, frame: object) -> NoReturn:
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(arguments: Sequence[str] | None) -> int:
    drop_notes()
    options = argparse.Namespace(command=None)
    try:
        with _warnings_as_notes():
            options = command_line().parse_args(
                _asked(sys.argv[1:] if arguments is None else list(arguments))
            )
            return command(options.command)(options)
    except InputError as error:
        drop_notes()
        return _fail(REFUSED, in_options(str(error), options))
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "interrupted")
    except SystemExit as stop:  # raised by argparse after --help or an error
        return int(stop.code or DONE)
    except (OneSentenceError, OSError, MemoryError, ArithmeticError) as error:
        return _fail(FAILED, in_options(str(error), options) or type(error).__name__)
    except Exception as error:
        if os.environ.get("FASTNN_DEBUG"):
            raise
        where = "a fault in fastnn (FASTNN_DEBUG=1 shows where)"
        return _fail(FAILED, f"{where}: {type(error).__name__}: {error}")


@contextlib.contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Tell warnings as short notes, without the line of code that warned."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *where: note(str(message))
        yield
    tell_notes()


def _fail(code: int, reason: object) -> int:
    tell(f"fastnn: {' '.join(str(reason).split())}")
    return code


def _asked(words: list[str]) -> list[str]:
    """The words for argparse: ``help``, no command and ``store`` alone all become ``--help``."""
    if words[:1] == ["help"]:
        return [*words[1:], "--help"]
    if words in ([], ["store"]):
        return [*words, "--help"]
    if words[0].startswith("-") and words[0] not in ("-h", "--help", "-V", "--version"):
        raise InputError(
            f"fastnn must be given a command first; got {words[0]}. Write fastnn COMMAND {words[0]}."
        )
    return words

"""Files that appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from fastnn.checking import InputError, shown
from fastnn.system.paths import file_given

__all__ = ["file_to_write", "flush_folder", "published", "undisturbed", "where_known"]

# How disks say that they have not what a call asks for.
UNKNOWN = {
    errno.EINVAL,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.ENOTTY,
    errno.EBADF,
    errno.EISDIR,
}


def file_to_write(path: Any, name: str) -> Path:
    """Return `path` as that of a file that could be written, new or in another's place; else refuse it."""
    required = "a file in an existing folder"
    given = file_given(path, name, required)
    try:
        file = Path(os.path.realpath(given))  # through a link, into what it points at
        kind = _kind(file)  # looked at once: another process may put a file there at any moment
        if kind == stat.S_IFREG or (kind is None and file.parent.is_dir()):
            with TemporaryFile(dir=file.parent):  # it has no name, or none for long
                return file
        problem = "there is no such folder" if kind is None else "it is no ordinary file"
    except OSError as error:
        problem = error.strerror or str(error)
    raise InputError(f"{name} must be {required}; got {shown(str(path))}: {problem}. Check the path.")


def _kind(path: Path) -> int | None:
    """Return the kind of what is at `path`, as `stat.S_IFMT` gives it, or None where nothing is."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None


@contextmanager
def published(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to write that takes its place at `path`, and any older file's, once it is complete.

    It is written beside its place, flushed to the disk, and renamed; on any failure it is removed and what
    was at `path` is untouched.
    """
    beside = path.with_name(f".fastnn-{secrets.token_hex(8)}.tmp")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            with where_known():
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(beside):
            error.filename = str(path)  # the one that somebody gave
        raise
    flush_folder(path.parent)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM wait until the block has ended: what is short and must not be cut short."""
    if threading.current_thread() is not threading.main_thread():  # where they do not arrive
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


def flush_folder(folder: Path) -> None:
    """Make a renaming last; only POSIX systems can, and need to."""
    if os.name == "posix":
        with where_known():
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


@contextmanager
def where_known() -> Iterator[None]:
    """Let be what a disk has not: flushing, say, of folders on some network shares."""
    try:
        yield
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise

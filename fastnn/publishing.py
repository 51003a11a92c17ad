"""Files that appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fastnn.checking import InputError, shown

__all__ = ["file_to_write", "published"]


def file_to_write(path: Any, name: str) -> Path:
    """Return `path` as that of a file that could be written, new or in another's place; else refuse it."""
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"{name} must be the path of a file; got {shown(path)}. Give a str or a Path.")
    given = os.fspath(path)
    try:
        file = Path(os.path.realpath(Path(given).expanduser()))  # through a link, into what it points at
        if file.is_file() or (file.parent.is_dir() and not file.exists() and given[-1:] not in ("/", os.sep)):
            return file
        problem = "it is no ordinary file" if file.exists() else "there is no such folder"
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        problem = str(error)
    raise InputError(f"{name} must be a file in an existing folder; got {shown(given)}: {problem}. Check it.")


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
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make a renaming last; only POSIX systems can, and need to."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

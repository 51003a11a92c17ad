"""The moving aside of files that lie in a store's place; nothing is deleted."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from fastnn.sweeping.store import StoreError
from fastnn.system.regular_files import bytes_of

__all__ = ["make_room", "set_aside", "told"]


def make_room(folder: Path) -> None:
    """Make a folder, unless it exists; if something else has its name, rename that."""
    if os.path.lexists(folder) and not folder.is_dir():
        folder.rename(_free(folder.with_name(f".{folder.name}.aside")))
    folder.mkdir(exist_ok=True)


def set_aside(path: Path, folder: Path) -> bool:
    """Move a file or folder into another folder; return whether it still existed."""
    make_room(folder)
    with contextlib.suppress(FileNotFoundError):  # another process was first
        path.rename(_free(folder / path.name))
        return True
    return False


def told(path: Path, most: int) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    StoreError
        If it is not a file, is larger than `most` bytes, or cannot be read.
    """
    try:
        return bytes_of(path, most)
    except OSError as error:
        raise StoreError(
            f"{path.name} must be a file of at most {most} bytes that can be read; it is not: "
            f"{error.strerror}. Restore it from a copy."
        ) from None


def _free(path: Path) -> Path:
    """Return the path, or the path with a number after it, that does not exist yet."""
    count, place = 0, path
    while os.path.lexists(place):
        count += 1
        place = path.with_name(f"{path.name}.{count}")
    return place

"""Room in a store: what lies where something of the store belongs makes way, and nothing is lost by it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from fastnn.sweeping.store import StoreError
from fastnn.system.regular_files import bytes_of

__all__ = ["make_room", "set_aside", "told"]


def make_room(folder: Path) -> None:
    """Make a folder, unless it is there; what is there and is none makes way."""
    if os.path.lexists(folder) and not folder.is_dir():
        folder.rename(_free(folder.with_name(f".{folder.name}.aside")))
    folder.mkdir(exist_ok=True)


def set_aside(path: Path, folder: Path) -> bool:
    """Move what lies there into a folder; return whether it was still there."""
    make_room(folder)
    with contextlib.suppress(FileNotFoundError):  # another process was first
        path.rename(_free(folder / path.name))
        return True
    return False


def told(path: Path, most: int) -> bytes:
    """What a file says, if it is one, and no larger than such a file may be.

    Raises
    ------
    StoreError
        If it is not.
    """
    try:
        return bytes_of(path, most)
    except OSError as error:
        raise StoreError(
            f"{path.name} must be a file of at most {most} bytes that can be read; it is not: "
            f"{error.strerror}. Restore it from a copy."
        ) from None


def _free(path: Path) -> Path:
    """The path, or one with a number after it, where nothing is yet."""
    count, place = 0, path
    while os.path.lexists(place):
        count += 1
        place = path.with_name(f"{path.name}.{count}")
    return place

"""Regular files of a bounded length: fastnn opens all files that it reads here, and refuses anything else.

In place of a file, a pipe, a device or a socket could block the reader or never end. A sparse file of
terabytes could take all memory, and a file that grows could never end.
"""

from __future__ import annotations

import errno
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from io import BufferedReader
from operator import or_
from pathlib import Path

__all__ = ["bytes_of", "opened", "pieces_of"]

# The flags that the system knows. With them a pipe does not block and a terminal does not take us over.
FLAGS = reduce(or_, (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC", "O_NOCTTY")))

PIECE = 1 << 16  # bytes


@contextmanager
def opened(path: Path, most: float = math.inf) -> Iterator[BufferedReader]:
    """Open a regular file of at most `most` bytes for reading.

    Raises
    ------
    OSError
        If it cannot be opened, is no regular file, or is too long; `strerror` says which.
    """
    # Check before opening, since opening some devices makes them act; check again after, since another file
    # may have taken its place.
    _refuse_others(Path(path).stat(), path)
    with os.fdopen(os.open(path, os.O_RDONLY | FLAGS), "rb") as file:
        found = os.fstat(file.fileno())
        _refuse_others(found, path)
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"{found.st_size} bytes, more than {most}", str(path))
        yield file


def bytes_of(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file of at most `most` bytes; raises OSError as `opened` does."""
    with opened(path, most) as file:
        return file.read(min(os.fstat(file.fileno()).st_size, most))


def pieces_of(path: Path, most: int) -> Iterator[bytes]:
    """Yield the bytes of a regular file piece by piece, in memory that does not grow with the file."""
    with opened(path, most) as file:
        left = min(os.fstat(file.fileno()).st_size, most)
        while piece := file.read(min(left, PIECE)):
            left -= len(piece)
            yield piece


def _refuse_others(found: os.stat_result, path: Path) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, f"{KINDS.get(kind, 'something else')}, not a file", str(path))


KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

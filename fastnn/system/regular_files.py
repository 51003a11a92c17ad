"""Regular files of a bounded length: what is read is opened here, and nothing else is waited for or obeyed.

A pipe, a device or a socket in a file's place would hang its reader or never end, a sparse file of terabytes
take all memory, and one that grows might never end.
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

# Of those that a system has: a pipe does not block, a terminal is not taken over.
FLAGS = reduce(or_, (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_BINARY", "O_CLOEXEC", "O_NOCTTY")))

PIECE = 1 << 16  # bytes


@contextmanager
def opened(path: Path, most: float = math.inf) -> Iterator[BufferedReader]:
    """Open a regular file, of at most so many bytes, to read.

    Raises
    ------
    OSError
        It cannot be opened, is no regular file, or is too long; `strerror` says which.
    """
    # Before it is opened, as that alone makes some devices act; and after, as another may be there.
    _refuse_others(Path(path).stat(), path)
    with os.fdopen(os.open(path, os.O_RDONLY | FLAGS), "rb") as file:
        found = os.fstat(file.fileno())
        _refuse_others(found, path)
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"{found.st_size} bytes, more than {most}", str(path))
        yield file


def bytes_of(path: Path, most: int) -> bytes:
    """Return what a regular file of at most so many bytes holds; raises OSError as `opened` does."""
    with opened(path, most) as file:
        return file.read(min(os.fstat(file.fileno()).st_size, most))


def pieces_of(path: Path, most: int) -> Iterator[bytes]:
    """Yield the same piece by piece, in memory that does not grow with the file."""
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

"""Compiled kernels on disk: a private folder of files that are checked before they are used.

A file is named by a hash of everything its content depends on, and begins with a checksum over that name and
the content. It is written beside its place and renamed into it, so that none is seen half-written; one that
is torn, altered, another's, or under a wrong name is as good as none. Whatever goes wrong here only means
that a kernel is compiled again.

``FASTNN_CACHE=0`` switches it off; ``FASTNN_CACHE=folder`` keeps the files there, in ``folder/kernels``.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from functools import reduce
from hashlib import sha256
from operator import or_
from pathlib import Path

from fastnn.folders import cache_folder

__all__ = ["VARIABLE", "clear", "folder", "held", "read", "write"]

VARIABLE = "FASTNN_CACHE"
SUFFIX = ".kernel"
UNFINISHED = ".unfinished"
MAGIC = b"fastnn kernel 1\n"
LARGEST = 64 << 20  # bytes; a kernel takes 50 to 500 kB


def folder() -> Path | None:
    """Where the kernels are kept, whether or not it exists; None where they are not to be kept."""
    named = os.environ.get(VARIABLE, "").strip()
    if named == "0":
        return None
    try:
        return (Path(named) if named else cache_folder()) / "kernels"
    except RuntimeError:  # no home folder
        return None


def read(name: str) -> bytes | None:
    """The content kept under `name`, a hash in hexadecimal; None where there is none beyond doubt."""
    place = folder()
    if place is None or not _is_private(place):
        return None
    try:
        found = _bytes_of(place / (name + SUFFIX))
    except OSError:
        return None
    head, content = found[: len(MAGIC) + 32], found[len(MAGIC) + 32 :]
    return content if head == MAGIC + _checksum(name, content) else None


def write(name: str, content: bytes) -> None:
    """Keep `content` under `name`, or do nothing where that cannot be done."""
    place = folder()
    if place is None:
        return
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _is_private(place):
            _publish(place / (name + SUFFIX), MAGIC + _checksum(name, content) + content)


def held() -> dict[Path, int]:
    """The kernels that are kept, and their sizes in bytes."""
    return {path: size for path, size in _files().items() if path.suffix == SUFFIX}


def clear() -> int:
    """Remove all that is kept, unfinished files too; return how many kernels there were."""
    removed = 0
    for path in _files():
        with suppress(OSError):
            path.unlink()
            removed += path.suffix == SUFFIX
    return removed


def _files() -> dict[Path, int]:
    place = folder()
    if place is None or not _is_private(place):
        return {}
    found = {}
    for path in sorted(place.iterdir()):
        with suppress(OSError):
            if path.suffix in (SUFFIX, UNFINISHED):
                found[path] = path.lstat().st_size
    return found


def _is_private(place: Path) -> bool:
    """Whether a folder is there, is the user's own, and nobody else can write to it or read it."""
    try:
        found = place.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and _is_own(found) and (os.name == "nt" or not found.st_mode & 0o077)


def _is_own(found: os.stat_result) -> bool:
    return os.name == "nt" or found.st_uid == os.geteuid()


def _bytes_of(path: Path) -> bytes:
    """The content of a regular file of the user's own; b"" for anything else. Links are not followed."""
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))  # a pipe may block
    descriptor = os.open(path, os.O_RDONLY | reduce(or_, flags))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or not _is_own(found) or found.st_size > LARGEST:
            return b""
        return file.read(LARGEST)


def _checksum(name: str, content: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + content).digest()


def _publish(path: Path, content: bytes) -> None:
    descriptor, unfinished = tempfile.mkstemp(suffix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(unfinished).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(unfinished).unlink()
        raise

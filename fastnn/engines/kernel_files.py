"""Compiled kernels on disk, and trials of forms: a private folder of files, checked before they are used.

A file is named by a hash of everything its content depends on, and begins with a checksum over that name and
the content. It is written beside its place and renamed into it, so that none is seen half-written; one that
is torn, altered, another's, or under a wrong name is as good as none. Whatever goes wrong here only means
that a kernel is compiled again.

``FASTNN_CACHE=0`` switches it off; ``FASTNN_CACHE=folder`` keeps the files there, in ``folder/kernels``.
"""

from __future__ import annotations

import logging
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, reduce
from hashlib import sha256
from operator import or_
from pathlib import Path

from fastnn.system.folders import cache_folder
from fastnn.system.telling import log

__all__ = [
    "SUFFIX",
    "TRIALS",
    "VARIABLE",
    "claimed",
    "clear",
    "folder",
    "held",
    "is_there",
    "problem",
    "read",
    "remove",
    "write",
]

VARIABLE = "FASTNN_CACHE"
SUFFIX, TRIALS = ".kernel", ".trials"  # of what is kept: compiled kernels, and how long their forms took
UNFINISHED, CLAIM = ".unfinished", ".claim"
MAGIC = b"fastnn kernel 1\n"
LARGEST = 64 << 20  # bytes; a kernel takes 50 to 500 kB
CLAIM_SECONDS = 300.0  # after which whoever claimed something is taken to have ended


def folder() -> Path | None:
    """Where the kernels are kept, whether or not it exists; None where they are not to be kept."""
    named = os.environ.get(VARIABLE, "").strip()
    if named == "0":
        return None
    try:
        return (Path(named).expanduser() if named else cache_folder()) / "kernels"
    except RuntimeError as error:  # no home folder
        _log("the user's cache folder", str(error))
        return None


def problem() -> str | None:
    """Why kernels cannot be kept where they are to be kept; None where nothing stands in the way."""
    place = folder()
    if place is None:
        return None
    found = _problem(place)
    if found is None:
        nearest = next(path for path in (place, *place.parents) if path.exists())
        if not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
            return f"{nearest} cannot be written"
    return found


def read(name: str, suffix: str = SUFFIX) -> bytes | None:
    """The content kept under `name`, a hash in hexadecimal; None where there is none beyond doubt."""
    place = folder()
    if place is None or not _is_usable(place):
        return None
    path = place / (name + suffix)
    try:
        found = _bytes_of(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        _log(place, error.strerror)
        return None
    head, content = found[: len(MAGIC) + 32], found[len(MAGIC) + 32 :]
    if head == MAGIC + _checksum(name, content):
        return content
    log(logging.INFO, "compiled kernels: %s is damaged, or not the user's own; it is compiled again", path)
    return None


def is_there(name: str) -> bool:
    """Whether something is kept under `name`; what it is worth, only `read` tells."""
    place = folder()
    return place is not None and _is_usable(place) and (place / (name + SUFFIX)).exists()


def write(name: str, content: bytes, suffix: str = SUFFIX) -> None:
    """Keep `content` under `name`, or do nothing where that cannot be done."""
    place = folder()
    if place is None or not _is_usable(place):
        return
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _publish(place / (name + suffix), MAGIC + _checksum(name, content) + content)
    except OSError as error:
        _log(place, error.strerror)


def remove(name: str) -> None:
    """Remove what is kept under `name`, if anything is and can be."""
    place = folder()
    if place is not None and _is_usable(place):
        with suppress(OSError):
            (place / (name + SUFFIX)).unlink()


@contextmanager
def claimed(name: str) -> Iterator[bool]:
    """Claim some work for this process while the context lasts; False where another has claimed it.

    Where nothing can be kept, nobody can be told, and each process does the work for itself.
    """
    place = folder()
    if place is None or not _is_usable(place):
        yield True
        return
    path = place / (name + CLAIM)
    try:
        ours = _claim(path)
    except OSError:
        yield True
        return
    try:
        yield ours
    finally:
        if ours:
            with suppress(OSError):
                path.unlink()


def _claim(path: Path) -> bool:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        if time.time() - path.lstat().st_mtime > CLAIM_SECONDS:
            path.unlink()
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def held(suffix: str = SUFFIX) -> dict[Path, int]:
    """The kernels that are kept, or else the trials, and their sizes in bytes."""
    return {path: size for path, size in _files().items() if path.suffix == suffix}


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
    found: dict[Path, int] = {}
    if place is not None and _is_usable(place):
        with suppress(OSError):
            for path in sorted(place.iterdir()):
                if path.suffix in (SUFFIX, TRIALS, UNFINISHED, CLAIM):
                    found[path] = path.lstat().st_size
    return found


def _is_usable(place: Path) -> bool:
    """Whether nothing is wrong with a folder, there or not; what is wrong is logged."""
    found = _problem(place)
    if found is not None:
        _log(place, found)
    return found is None


def _problem(place: Path) -> str | None:
    """What is wrong with a folder that is to be the user's own, which nobody else can read or write."""
    try:
        found = place.lstat()
    except FileNotFoundError:
        return None  # it will be made
    except OSError as error:
        return str(error)
    if not stat.S_ISDIR(found.st_mode):
        return "it is no folder (links are not followed)"
    if not _is_own(found):
        return "it is another user's"
    if os.name != "nt" and found.st_mode & 0o077:
        return f"others can enter it (mode {stat.S_IMODE(found.st_mode):o}, must be 700)"
    return None


@cache
def _log(place: Path | str, problem: str) -> None:
    """Log, once in a process, why a folder is not used, and what is done instead."""
    log(
        logging.INFO,
        "compiled kernels: %s cannot be used: %s; they are compiled in every process",
        place,
        problem,
    )


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

"""Files and folders that appear whole or not at all, even if writing them is cut short.

A file is written beside its place, flushed to the disk and renamed, and its folder is flushed: once `publish`
has returned, the file outlasts a power cut. The unfinished file is locked while its writer lives; however the
process ends, the lock ends with it. So an unfinished file without a lock is stale, and the next process that
finds it removes it.

Some disks lack such functions (exFAT, network shares). Without flushing, it is left out. Without hard links,
writers take turns and rename. Without locks, no file counts as stale.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from time import time
from typing import Any

from fastnn.checking import InputError, shown
from fastnn.system.paths import file_given

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "alone",
    "file_to_write",
    "is_temporary",
    "publish",
    "publish_together",
    "remove_stale",
    "unfinished_folder",
]

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
ENDING = ".part"
LONGEST_ENDING = 20  # letters: an ending that names a format is shorter
ATTEMPTS = 5
UNFINISHED = ".unfinished-"
ABANDONED_SECONDS = 24 * 3600  # an unfinished folder that nobody has touched for this time is removed

# The errors of a call whose function the disk lacks.
LACKING = {
    *(errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS),
    *(errno.ENOTTY, errno.EBADF, errno.EISDIR),
}
# The errors of `link` on a disk without hard links, or without room for another one.
WITHOUT_LINKS = {
    *(errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS),
    *(errno.EMLINK, errno.EXDEV, errno.EINVAL),
}


def file_to_write(path: Any, name: str) -> Path:
    """Return the path of a file that can be written, new or in place of an old one; refuse any other path."""
    required = "a file in an existing folder"
    given = file_given(path, name, required)
    try:
        file = Path(os.path.realpath(given))  # a link is written through, into its target
        kind = _kind(file)  # asked only once: another process may put a file there at any moment
        if kind == stat.S_IFREG or (kind is None and file.parent.is_dir()):
            with TemporaryFile(dir=file.parent):  # this file has no name, or has one only briefly
                return file
        problem = "there is no such folder" if kind is None else "it is no ordinary file"
    except OSError as error:
        problem = error.strerror or str(error)
    raise InputError(f"{name} must be {required}; got {shown(str(path))}: {problem}. Check the path.")


def publish(path: Path, *pieces: bytes | memoryview, replace: bool = True) -> None:
    """Write the pieces of a file, whole or not at all; return once the file will outlast a power cut.

    Without `replace` an existing file stays as it is.

    Raises
    ------
    OSError
        If the file cannot be written; then no part of it is left behind.
    """
    for attempt in range(ATTEMPTS):
        temporary = _beside(path, ENDING)
        try:
            with _errors_naming(path, temporary):
                _write_and_rename(temporary, path, pieces, replace)
            break
        except FileNotFoundError:
            # Another process took the file for stale between its creation and its locking.
            if attempt == ATTEMPTS - 1 or not path.parent.is_dir():
                raise
        finally:
            with suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - like os.open: tests put faults into these functions
    _flush_folder(path.parent)


def publish_together(writers: Mapping[Path, Callable[[Path], object]]) -> None:
    """Write files, all of them whole or none at all; each writer is called with the path to write to.

    Once it has returned, they outlast a power cut.
    """
    beside = {
        path: _beside(path, path.suffix if len(path.suffix) < LONGEST_ENDING else "") for path in writers
    }
    try:
        for path, write in writers.items():
            with _errors_naming(path, beside[path]):
                write(beside[path])
                _flush(beside[path])
        for path, written in beside.items():
            written.replace(path)
    finally:
        for written in beside.values():
            written.unlink(missing_ok=True)
    for folder in {path.parent for path in writers}:
        _flush_folder(folder)


def remove_stale(folder: Path) -> list[str]:
    """Remove the unfinished files of `publish` whose writers are gone; return their names."""
    removed = []
    for path in sorted(folder.iterdir()):
        if is_temporary(path.name):
            with suppress(OSError):
                descriptor = os.open(path, os.O_RDWR)
                try:
                    _lock(descriptor)
                    path.unlink()
                    removed.append(path.name)
                finally:
                    os.close(descriptor)
    return removed


def is_temporary(name: str) -> bool:
    """Whether a name belongs to an unfinished file of `publish`."""
    return name.startswith(".") and name.endswith(ENDING)


@contextmanager
def unfinished_folder(folder: Path, name: str) -> Iterator[Path]:
    """Yield a new folder to write into, hidden inside `folder`; at the end remove it with its contents.

    `folder` is made with its parents; at the end those that are new and empty are removed. Unfinished folders
    that killed processes left in it a day ago are removed, too. The path that is yielded is absolute, since
    the user's program may change its working folder meanwhile.

    Raises
    ------
    InputError
        If the folder cannot be made or written; the message calls it `name`.
    """
    parent = folder.absolute()
    made = [path for path in (parent, *parent.parents) if not path.exists()]
    unfinished = parent / f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        try:
            unfinished.mkdir(parents=True)
        except OSError as error:
            raise InputError(
                f"{name} must be one that can be made and written; "
                f"got {folder}: {error.strerror}. Name another folder."
            ) from None
        _remove_abandoned(parent)
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
        for new in made:
            with suppress(OSError):  # it is no longer empty
                new.rmdir()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of the same folder, if the system can lock folders: they wait."""
    if fcntl is None or not folder.is_dir():
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a disk without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _kind(path: Path) -> int | None:
    """Return the kind of file at `path`, as `stat.S_IFMT` gives it, or None if there is no file."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _beside(path: Path, ending: str) -> Path:
    """A new name in the folder of `path`; it is short, since the name of `path` may be as long as allowed."""
    return path.with_name(f".fastnn-{secrets.token_hex(8)}{ending}")


@contextmanager
def _errors_naming(path: Path, beside: Path) -> Iterator[None]:
    """Let errors about the file `beside` name `path`, the path that the caller gave."""
    try:
        yield
    except OSError as error:
        if error.filename is not None and Path(error.filename) == beside:
            error.filename = str(path)
        raise


def _write_and_rename(
    temporary: Path, path: Path, pieces: tuple[bytes | memoryview, ...], replace: bool
) -> None:
    descriptor = os.open(temporary, NEW, 0o666)
    try:
        with suppress(OSError):  # a disk without locks, or it was taken for stale
            _lock(descriptor)
        for piece in pieces:
            _write(descriptor, piece)
        with _where_known():
            os.fsync(descriptor)
        # Rename the file while it is open and locked. Windows cannot, and renames it after closing.
        if fcntl is not None:
            _rename(temporary, path, pieces, replace)
    finally:
        os.close(descriptor)
    if fcntl is None:
        _rename(temporary, path, pieces, replace)


def _lock(descriptor: int) -> None:
    """Take the lock of an unfinished file, or raise BlockingIOError if another process has it."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write(descriptor: int, piece: bytes | memoryview) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _rename(temporary: Path, path: Path, pieces: tuple[bytes | memoryview, ...], replace: bool) -> None:
    if replace:
        try:
            os.replace(temporary, path)  # noqa: PTH105
        except (FileExistsError, PermissionError):  # the system replaces no file, or none that is being read
            if not path.is_file() or path.read_bytes() != b"".join(pieces):
                raise
    elif os.name == "nt":
        with suppress(FileExistsError):
            os.rename(temporary, path)  # noqa: PTH104
    else:
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in WITHOUT_LINKS:
                raise
            # Even without locks, two writers collide only within microseconds, between check and renaming.
            with alone(path.parent):
                if not path.exists():
                    os.replace(temporary, path)  # noqa: PTH105


def _flush_folder(folder: Path) -> None:
    """Flush a folder, so that a renaming in it lasts; only POSIX systems can do it, and need it."""
    if os.name == "posix":
        _flush(folder)


def _flush(path: Path) -> None:
    with _where_known():
        handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _where_known() -> Iterator[None]:
    """Ignore errors for a function that the disk lacks, such as flushing folders on some network shares."""
    try:
        yield
    except OSError as error:
        if error.errno not in LACKING:
            raise


def _remove_abandoned(folder: Path) -> None:
    """Remove what killed processes left unfinished."""
    for left in folder.glob(f"{UNFINISHED}*"):
        with suppress(FileNotFoundError):  # another process was finished in this moment
            if time() - left.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)

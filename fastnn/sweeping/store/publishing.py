"""Publishing: a file appears under its name whole, and stays through a power cut, or does not appear.

Written to a temporary file in the same folder, flushed to the disk, renamed, and the folder flushed. A
temporary file is locked while its writer lives; the lock goes with the process, whatever ends it. So an
unlocked one is stale, and who finds it removes it.

Of what some disks lack (exFAT, network shares), flushing is left out, a missing hard link is replaced by a
renaming for which writers take turns, and without locks nothing is taken for stale.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path

from fastnn.files import flush_folder, where_known

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["is_temporary", "publish", "remove_stale"]

ENDING = ".part"
ATTEMPTS = 5
# What `link` raises on a disk without hard links, or on one that has no room for another.
WITHOUT_LINKS = {
    *(errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS),
    *(errno.EMLINK, errno.EXDEV, errno.EINVAL),
}


def publish(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file whole or not at all; return once it will outlast a power cut.

    Without `replace` a file that is there already stays as it is.

    Raises
    ------
    OSError
        If it cannot be written; nothing of it is left behind then.
    """
    for attempt in range(ATTEMPTS):
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{ENDING}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                with contextlib.suppress(OSError):  # a disk without locks, or it was taken for stale
                    _lock(descriptor)
                _write(descriptor, content)
                with where_known():
                    os.fsync(descriptor)
                # Renamed while it is open and locked; Windows cannot.
                if fcntl is not None:
                    _rename(temporary, path, content, replace)
            finally:
                os.close(descriptor)
            if fcntl is None:
                _rename(temporary, path, content, replace)
            break
        except FileNotFoundError:
            # Another process took it for stale in the moment between its making and its locking.
            if attempt == ATTEMPTS - 1 or not path.parent.is_dir():
                raise
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - as os.open: what tests of faults take hold of
    flush_folder(path.parent)


def remove_stale(folder: Path) -> list[str]:
    """Remove temporary files whose writers are gone; return their names."""
    removed = []
    for path in sorted(folder.iterdir()):
        if is_temporary(path.name):
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_RDWR)
                try:
                    _lock(descriptor)
                    path.unlink()
                    removed.append(path.name)
                finally:
                    os.close(descriptor)
    return removed


def is_temporary(name: str) -> bool:
    """Whether a file of this name is one that `publish` has not finished."""
    return name.startswith(".") and name.endswith(ENDING)


def _lock(descriptor: int) -> None:
    """Take the lock of a temporary file, or raise BlockingIOError where another process has it."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _rename(temporary: Path, path: Path, content: bytes, replace: bool) -> None:
    if replace:
        try:
            os.replace(temporary, path)  # noqa: PTH105
        except (FileExistsError, PermissionError):  # not over a file, or not over one that is being read
            if not path.is_file() or path.read_bytes() != content:
                raise
    elif os.name == "nt":
        with contextlib.suppress(FileExistsError):
            os.rename(temporary, path)  # noqa: PTH104
    else:
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno not in WITHOUT_LINKS:
                raise
            _rename_in_turn(temporary, path)


def _rename_in_turn(temporary: Path, path: Path) -> None:
    """Rename unless there is a file already; while one looks and renames, the others wait."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        # Without locks too, two writers would have to meet in the microseconds between look and renaming.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if not path.exists():
            os.replace(temporary, path)  # noqa: PTH105
    finally:
        os.close(descriptor)

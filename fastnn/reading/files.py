"""Files to read: only regular ones, of a bounded size, in one piece."""

import os
import stat
from os import PathLike
from pathlib import Path

from fastnn.checking import InputError, shown

__all__ = ["MOST_BYTES", "content_of", "existing_file"]

MOST_BYTES = 2**31
"""Of a file, and of what an archive holds: far beyond what its rows may take as a table."""


def existing_file(path: str | PathLike[str], name: str, inside: str | None = None) -> Path:
    """Return `path`, or the file `inside` it where it is a folder, as an ordinary file; else refuse it."""
    if not isinstance(path, str | PathLike):
        raise InputError(f"{name} must be the path of a file; got {shown(path)}. Give a str or a Path.")
    file = Path(path)
    try:
        file = file.expanduser()
        if inside is not None and file.is_dir():
            file /= inside
        if file.is_file():
            return file
        if "://" in str(path):
            raise InputError(
                f"{name} must be the path of a file; got {shown(path)}, an address. Fetch it first."
            )
        problem = "a folder" if file.is_dir() else "something else" if file.exists() else "nothing there"
    except (OSError, RuntimeError, ValueError) as error:
        problem = str(error)
    raise InputError(f"{name} must be an existing file; got {str(file)!r}: {problem}. Check the path.")


def content_of(file: Path) -> bytes:
    """Return a file's bytes, or refuse a file that cannot be read or is too large."""
    try:
        with file.open("rb") as opened:
            about = os.fstat(opened.fileno())
            if not stat.S_ISREG(about.st_mode):  # it has changed since it was looked at
                raise InputError(f"{file.name} must be a regular file; got something else. Check the path.")
            if about.st_size > MOST_BYTES:
                raise InputError(
                    f"{file.name} must have at most {MOST_BYTES / 2**30:.0f} GiB; "
                    f"got {about.st_size / 2**30:.1f} GiB. Take fewer rows or columns of it."
                )
            return opened.read(MOST_BYTES)
    except OSError as error:
        raise InputError(
            f"{file.name} must be readable; got {error.strerror}. Check its permissions and its disk."
        ) from None

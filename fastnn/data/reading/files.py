"""Files to read: regular files of bounded size, each read in one piece."""

from errno import EFBIG
from os import PathLike
from pathlib import Path

from fastnn.checking import InputError
from fastnn.system.paths import file_given
from fastnn.system.regular_files import bytes_of

__all__ = ["MOST_BYTES", "content_of", "existing_file"]

MOST_BYTES = 2**31
"""The largest size of a file, and of the content of an archive: far beyond any usable table."""


def existing_file(path: str | PathLike[str], name: str, inside: str | None = None) -> Path:
    """Return `path`, or the file `inside` it if it is a folder; refuse it unless it is an existing file."""
    file = file_given(path, name, "an existing file")
    if inside is not None and file.is_dir():
        file /= inside
    if file.is_file():
        return file
    problem = "a folder" if file.is_dir() else "something else" if file.exists() else "nothing there"
    raise InputError(f"{name} must be an existing file; got {str(file)!r}: {problem}. Check the path.")


def content_of(file: Path) -> bytes:
    """Return a file's bytes; refuse a file that cannot be read or is too large."""
    try:
        return bytes_of(file, MOST_BYTES)
    except OSError as error:
        large = error.errno == EFBIG
        remedy = "Take fewer rows or columns of it" if large else "Check its permissions and its disk"
        raise InputError(f"{file.name} must be readable; got {error.strerror}. {remedy}.") from None

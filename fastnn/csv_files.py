"""The text cells of a CSV file as a DataFrame; each refusal names the place."""

import csv
import io
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from fastnn.checking import InputError, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["content_of", "existing_file", "frame_of_csv"]


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
        problem = "a folder" if file.is_dir() else "something else" if file.exists() else "nothing there"
    except (OSError, RuntimeError, ValueError) as error:
        problem = str(error)
    raise InputError(f"{name} must be an existing file; got {str(file)!r}: {problem}. Check the path.")


def content_of(file: Path) -> bytes:
    """Return a file's bytes, or refuse a file that cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(
            f"{file.name} must be readable; got {error.strerror}. Check its permissions and its disk."
        ) from None


def frame_of_csv(content: bytes, file: str) -> "tuple[pd.DataFrame, list[int]]":
    """Return a CSV file's bytes as a DataFrame of text cells, and the line of each row.

    `file` names it in refusals.
    """
    import pandas as pd

    rows = _rows(_decoded(content, file), file)
    header = [name.strip() for name in next(rows, (0, []))[1]]
    if not header:
        raise InputError(f"{file} must have a line of column names; got an empty file. Check what wrote it.")
    lines, cells = _checked(rows, header, file)
    return pd.DataFrame(cells, columns=header, dtype=object), lines


def _decoded(content: bytes, file: str) -> str:
    """Return the text of UTF-8 bytes (with or without byte order mark), or name the first bad byte."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]  # the codec may have dropped the byte order mark
        line = before.count(b"\n") + 1
        column = before.rpartition(b"\n")[2].count(b",") + 1
        raise InputError(
            f"{file}, line {line}, column {column}: the file must be UTF-8 text; "
            f"got the byte 0x{error.object[error.start]:02x}. Save it again as UTF-8."
        ) from None


def _rows(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, cells) for each row that is not an empty line; a row over several lines has its last."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(
            f"{file}, line {reader.line_num}: must be well-formed CSV; got {error}. Check the quotes."
        ) from None


def _checked(
    rows: Iterator[tuple[int, list[str]]], header: Sequence[str], file: str
) -> tuple[list[int], list[list[str]]]:
    """Return line numbers and cells of each row, or refuse a row unlike the header."""
    width = len(header)
    lines, cells = [], []
    for line, row in rows:
        if len(row) != width:
            where = f"{'ending at' if len(row) < width else 'going on after'} column"
            raise InputError(
                f"{file}, line {line}: must have {width} cells, as the first line has; got {len(row)}, "
                f"{where} {header[min(len(row), width) - 1]!r}. Mend or drop this row."
            )
        lines.append(line)
        cells.append(row)
    if not lines:
        raise InputError(f"{file} must have at least one row; got only column names. Check what wrote it.")
    return lines, cells

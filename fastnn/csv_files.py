"""Columns of a CSV file, checked cell by cell and turned into numbers; each refusal names the place."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.columns import ChosenColumns, Column, chosen_names, coded

__all__ = ["columns_of_csv", "content_of", "existing_file"]

PLAIN_NUMBER = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE
)
OTHER_NOTATION = re.compile(r"[-+(]?[$€£¥]?\s?[-+]?\d[\d.,'_\s]*(e[+-]?\d+)?\s?[%$€£¥]?\)?", re.IGNORECASE)
"""Numbers as people write them (27,9 or 1_000 or $ 16,884.92 or 12 %), which must not pass for categories."""


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


def columns_of_csv(
    content: bytes, file: str, inputs: str | Iterable[str], target: str | Iterable[str] | None = None
) -> ChosenColumns:
    """Return the chosen columns of a CSV file's bytes as numbers; `file` names it in refusals."""
    rows = _rows(_decoded(content, file), file)
    header = [name.strip() for name in next(rows, (0, []))[1]]
    if not header:
        raise InputError(f"{file} must have a line of column names; got an empty file. Check what wrote it.")
    names, targets = chosen_names(inputs, target, header, file)
    chosen = [str(name) for name in (*names, *targets)]
    lines, cells = _picked(rows, header, chosen, file)
    columns = {
        name: _column([cell.strip() for cell in column], lines, name, file)
        for name, column in zip(chosen, zip(*cells, strict=True), strict=True)
    }
    return ChosenColumns(columns, tuple(chosen[: len(names)]), tuple(chosen[len(names) :]))


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


def _picked(
    rows: Iterator[tuple[int, list[str]]], header: Sequence[str], chosen: Sequence[str], file: str
) -> tuple[list[int], list[tuple[str, ...]]]:
    """Return line numbers and the chosen cells of each row, or refuse a row unlike the header."""
    width, pick = len(header), _picker([header.index(name) for name in chosen])
    lines, cells = [], []
    for line, row in rows:
        if len(row) != width:
            where = f"{'ending at' if len(row) < width else 'going on after'} column"
            raise InputError(
                f"{file}, line {line}: must have {width} cells, as the first line has; got {len(row)}, "
                f"{where} {header[min(len(row), width) - 1]!r}. Mend or drop this row."
            )
        lines.append(line)
        cells.append(pick(row))
    if not lines:
        raise InputError(f"{file} must have at least one row; got only column names. Check what wrote it.")
    return lines, cells


def _picker(places: Sequence[int]) -> Callable[[list[str]], tuple[str, ...]]:
    """Return what picks the cells at some places of a row."""
    if len(places) == 1:
        return lambda row: (row[places[0]],)  # itemgetter would give the cell itself
    return itemgetter(*places)


def _column(cells: Sequence[str], lines: Sequence[int], name: str, file: str) -> Column:
    """Return one column's cells, free of blanks around them, as numbers or as codes of categories."""
    numbers = _as_numbers(cells)
    if numbers is None:
        _refuse_unclear(cells, lines, name, file)
        return coded(cells, sorted(set(cells)))
    bad = ~np.isfinite(numbers)
    if bad.any():
        first = int(bad.argmax())
        raise _refusal(file, lines[first], name, "the cell must be a finite number", cells[first])
    return Column(numbers)


def _as_numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Return the cells as numbers (N,), or None unless each of them is one."""
    together = "".join(cells)
    if "_" in together or not together.isascii():  # float() takes 1_000, and the digits of any script
        return None
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None


def _refuse_unclear(cells: Sequence[str], lines: Sequence[int], name: str, file: str) -> None:
    """Refuse a column that is neither all numbers nor all text, at its first cell that does not fit."""
    if "" in cells:
        raise _refusal(file, lines[cells.index("")], name, "the cell must not be empty", "")
    numeric = [PLAIN_NUMBER.fullmatch(cell) is not None for cell in cells]
    if any(numeric):
        mostly = 2 * sum(numeric) >= len(cells)
        first, kind = numeric.index(not mostly), "a number" if mostly else "text"
        raise _refusal(
            file, lines[first], name, f"the cell must be {kind}, as most of its column", cells[first]
        )
    if all(OTHER_NOTATION.fullmatch(cell) for cell in cells):
        raise _refusal(file, lines[0], name, "numbers must be written like 16884.92", cells[0])


def _refusal(file: str, line: int, name: str, required: str, cell: str) -> InputError:
    shown = cell if len(cell) <= 40 else f"{cell[:40]}..."
    return InputError(
        f"{file}, line {line}, column {name!r}: {required}; got {shown!r}. Correct the cell or drop its row."
    )

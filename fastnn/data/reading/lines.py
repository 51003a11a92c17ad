"""The lines of a text file: its rows, and the number of cells in each row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.data.reading.dialect import WHITESPACE

__all__ = ["COMMENT", "Rows", "cells_in", "lines_of", "rows_of", "widest_habit"]

WORD = re.compile(r"[^ \t\r\n]+")
COMMENT = "#"
ONE_AT_A_TIME = Lock()

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """The rows of a text: all lines except blank ones, up to the last with a filled cell.

    Attributes
    ----------
    lines : list of str
        All lines of the text, with their ends.
    sep : str
    begins, ends : int64 arrays
        The first and the last line of each row, counted from 1; they differ if a quoted cell spans lines.
    widths : int64 array
        The number of cells in each row.
    """

    lines: list[str]
    sep: str
    begins: Integers
    ends: Integers
    widths: Integers

    def __len__(self) -> int:
        return len(self.begins)

    def text(self, row: int) -> str:
        """The text of a row as it is written."""
        return "".join(self.lines[self.begins[row] - 1 : self.ends[row]])

    def cells(self, row: int) -> list[str]:
        """The cells of a row, without the blanks around them."""
        return next(cells_in([self.text(row)], self.sep), [])

    @cached_property
    def comments(self) -> NDArray[np.bool_]:
        """Whether each row begins with the sign of comments."""
        begun = {number for number, line in enumerate(self.lines, 1) if line.startswith(COMMENT)}
        return np.isin(self.begins, list(begun))

    def picked(self, rows: slice | NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return Rows(self.lines, self.sep, self.begins[rows], self.ends[rows], self.widths[rows])

    def body(self) -> str:
        """The text of only these rows."""
        if self.ends[-1] - self.begins[0] + 1 == len(self):  # one line each, no other line between
            return "".join(self.lines[self.begins[0] - 1 : self.ends[-1]])
        return "".join(map(self.text, range(len(self))))


def rows_of(lines: list[str], sep: str, file: str) -> Rows:
    """Find the rows of a text; refuse a broken quotation, naming its line."""
    if any('"' in line for line in lines):
        return _quoted_rows(lines, sep, file)
    nothing = " \t\r\n".replace(sep, "")
    begins = [number for number, line in enumerate(lines, 1) if line.strip(nothing)]
    if sep == WHITESPACE:
        widths = [len(WORD.findall(lines[number - 1])) for number in begins]
    else:
        widths = [lines[number - 1].count(sep) + 1 for number in begins]
    return _without_empty_ones_at_the_end(lines, sep, begins, begins, widths)


def _quoted_rows(lines: list[str], sep: str, file: str) -> Rows:
    begins, ends, widths = [], [], []
    reader = _reader(lines, sep, strict=True)
    before = 0
    try:
        with _cells_of_any_length():
            for cells in reader:
                if len(cells) > 1 or any(map(str.strip, cells)):
                    begins.append(before + 1)
                    ends.append(reader.line_num)
                    widths.append(len(cells))
                before = reader.line_num
    except csv.Error as error:
        where = f"{file}, line {before + 1}"
        if "unexpected end" in str(error):
            raise InputError(
                f"{where}: must close its quotes; got none that ends. Check the quotes."
            ) from None
        raise InputError(f"{where}: must be well-formed CSV; got {error}. Check the quotes.") from None
    return _without_empty_ones_at_the_end(lines, sep, begins, ends, widths)


def _without_empty_ones_at_the_end(
    lines: list[str], sep: str, begins: list[int], ends: list[int], widths: list[int]
) -> Rows:
    """The rows up to the last one with a filled cell: spreadsheets write empty rows below their tables."""
    rows = Rows(lines, sep, *(np.array(numbers, np.int64) for numbers in (begins, ends, widths)))
    count = len(rows)
    while count and not any(rows.cells(count - 1)):
        count -= 1
    return rows.picked(slice(count))


def cells_in(lines: Iterable[str], sep: str) -> Iterator[list[str]]:
    """Yield the cells of each non-blank row, without blanks around them; quotes may be broken."""
    reader = _reader(lines, sep, strict=False)
    while True:
        try:
            with _cells_of_any_length():
                cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        if any(cells):
            yield cells


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    """Lift Python's limit on a cell's length, which is one for the whole process, within this context."""
    with ONE_AT_A_TIME:
        limit = csv.field_size_limit(2**31 - 1)
        try:
            yield
        finally:
            csv.field_size_limit(limit)


def _reader(lines: Iterable[str], sep: str, strict: bool) -> Any:
    if sep != WHITESPACE:
        return csv.reader(lines, delimiter=sep, skipinitialspace=True, strict=strict)
    spaced = (line.replace("\t", " ").strip(" \r\n") + "\n" for line in lines)
    return csv.reader(spaced, delimiter=" ", skipinitialspace=True, strict=strict)


def widest_habit(widths: Integers) -> int:
    """The most common width; of equally common ones the widest; 0 if there are no rows."""
    return int(widths.max() - np.bincount(widths)[::-1].argmax()) if widths.size else 0


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, LF, CRLF or CR; a final Ctrl-Z, an end mark, is no line."""
    return list(io.StringIO(text.rstrip("\x1a\r\n"), newline=""))

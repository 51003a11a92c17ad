"""Lines of a text file: which of them hold rows, and how many cells each row has."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fastnn.checking import InputError
from fastnn.reading.dialect import WHITESPACE

__all__ = ["COMMENT", "Rows", "cells_in", "lines_of", "rows_of", "widest_habit"]

WORD = re.compile(r"[^ \t\r\n]+")
COMMENT = "#"


@dataclass(frozen=True)
class Rows:
    """The rows of a text: all lines but blank ones, up to the last with a filled cell.

    Attributes
    ----------
    lines : list of str
        All lines of the text, with their ends.
    sep : str
    begins, ends : list of int
        Of each row the first and the last line, counted from 1; they differ where a quoted cell spans lines.
    widths : list of int
        How many cells each row has.
    """

    lines: list[str]
    sep: str
    begins: list[int]
    ends: list[int]
    widths: list[int]

    def __len__(self) -> int:
        return len(self.begins)

    def text(self, row: int) -> str:
        """The row as it is written."""
        return "".join(self.lines[self.begins[row] - 1 : self.ends[row]])

    def cells(self, row: int) -> list[str]:
        """The cells of a row, without the blanks around them."""
        return next(cells_in([self.text(row)], self.sep), [])

    def is_comment(self, row: int) -> bool:
        """Whether the row begins with the sign of comments."""
        return self.lines[self.begins[row] - 1].startswith(COMMENT)

    def picked(self, rows: Iterable[int]) -> Rows:
        """Some of the rows, by their places."""
        chosen = list(rows)
        begins, ends, widths = ([of[row] for row in chosen] for of in (self.begins, self.ends, self.widths))
        return Rows(self.lines, self.sep, begins, ends, widths)

    def body(self) -> str:
        """The text of these rows alone."""
        if self.begins and self.ends[-1] - self.begins[0] + 1 == len(self):  # one line each, none between
            return "".join(self.lines[self.begins[0] - 1 : self.ends[-1]])
        return "".join(map(self.text, range(len(self))))


def rows_of(lines: list[str], sep: str, file: str) -> Rows:
    """Find the rows of a text, or refuse a quotation that is broken, naming its line."""
    if any('"' in line for line in lines):
        return _quoted_rows(lines, sep, file)
    begins, widths = [], []
    nothing = " \t\r\n".replace(sep, "")
    for number, line in enumerate(lines, 1):
        if line.strip(nothing):
            begins.append(number)
            widths.append(len(WORD.findall(line)) if sep == WHITESPACE else line.count(sep) + 1)
    return _without_empty_ones_at_the_end(Rows(lines, sep, begins, begins, widths))


def _quoted_rows(lines: list[str], sep: str, file: str) -> Rows:
    begins, ends, widths = [], [], []
    reader = _reader(lines, sep, strict=True)
    before = 0
    try:
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
    return _without_empty_ones_at_the_end(Rows(lines, sep, begins, ends, widths))


def _without_empty_ones_at_the_end(rows: Rows) -> Rows:
    """The rows up to the last one with a filled cell: spreadsheets write empty ones below their tables."""
    count = len(rows)
    while count and not any(rows.cells(count - 1)):
        count -= 1
    return rows if count == len(rows) else rows.picked(range(count))


def cells_in(lines: Iterable[str], sep: str) -> Iterator[list[str]]:
    """Yield the cells of each row that is not blank, without blanks around them; quotes need not be right."""
    reader = _reader(lines, sep, strict=False)
    while True:
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error:  # a cell beyond the reader's limit: told where all rows are looked at
            return
        if any(cells):
            yield cells


def _reader(lines: Iterable[str], sep: str, strict: bool) -> Any:
    if sep != WHITESPACE:
        return csv.reader(lines, delimiter=sep, skipinitialspace=True, strict=strict)
    spaced = (line.replace("\t", " ").strip(" \r\n") + "\n" for line in lines)
    return csv.reader(spaced, delimiter=" ", skipinitialspace=True, strict=strict)


def widest_habit(widths: Iterable[int]) -> int:
    """The most common width, the wider of two; 0 of no rows."""
    counts = Counter(widths)
    return max(counts, key=lambda width: (counts[width], width), default=0)


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, LF, CRLF or CR; a mark of its end (Ctrl-Z) is no line."""
    return list(io.StringIO(text.rstrip("\x1a\r\n"), newline=""))

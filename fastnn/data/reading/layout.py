"""The layout of a text file: separator, names and rows, found from its lines or given by options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from fastnn.checking import InputError
from fastnn.data.cells import is_missing_among_numbers
from fastnn.data.columns import listed
from fastnn.data.reading.dialect import NAMED_SEPARATORS, WHITESPACE, Dialect
from fastnn.data.reading.lines import COMMENT, Rows, cells_in, lines_of, rows_of, widest_habit
from fastnn.showing.lettering import counted

__all__ = ["Chosen", "Layout", "layout_of", "layout_with"]

Chosen = Callable[[Sequence[str]], Sequence[str]]
"""A function that gets the names of all columns and returns those to read, or raises InputError."""

SEPARATORS = (",", ";", "\t", "|")
LOOKED_AT = 100  # rows that decide the layout of a file
SAID_FIRST = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # as Excel writes and reads it
NUMBERLIKE = re.compile(r"[-+−(]?[.,]?\d+([.,]\d+)*\.?([eE][-+]?\d+)?%?")
FRACTION = re.compile(r"[-+]?\d*[.,]\d+([eE][-+]?\d+)?|-\d+")


@dataclass(frozen=True)
class Layout:
    """The layout found in a text file: its separator, the names of its columns and its rows.

    `seen` describes unusual findings in words; it is empty for an ordinary CSV file.
    """

    sep: str
    names: tuple[str, ...]
    rows: Rows
    seen: tuple[str, ...]


def layout_with(text: str, dialect: Dialect, file: str, chosen: Chosen) -> tuple[Layout, Sequence[str]]:
    """Find the layout of a text and its chosen columns, or refuse it.

    If the separator that its lines suggest does not give the chosen names, another one that does is taken.
    """
    layout = layout_of(text, dialect, file)
    try:
        return layout, chosen(layout.names)
    except InputError:
        if dialect.sep is not None or dialect.header is None:
            raise
        for sep in (*SEPARATORS, WHITESPACE):
            with suppress(InputError):
                layout = layout_of(text, dialect, file, sep)
                return layout, chosen(layout.names)
        raise


def layout_of(text: str, dialect: Dialect, file: str, sep: str | None = None) -> Layout:
    """Find the layout of a text, or refuse it; the error names the line and the option to give."""
    lines = lines_of(text)
    said = SAID_FIRST.fullmatch(lines[0]) if lines else None
    if said:
        lines[0] = "\n"
    sep = sep or dialect.sep or (said[1] if said else _separator_in(lines, file))
    rows = rows_of(lines, sep, file)
    if rows.comments.all():
        found = "only comments" if len(rows) else "an empty file"
        raise InputError(f"{file} must have a line of column names; got {found}. Check what wrote it.")
    width = widest_habit(rows.widths[(rows.widths > 1) | ~rows.comments])
    names, body = _names_and_body(rows, width, dialect, file)
    if not len(body):
        raise InputError(f"{file} must have at least one row; got only column names. Check what wrote it.")
    _refuse_other_widths(body, names, file)
    usual = dialect.sep is not None or sep == ","
    return Layout(sep, names, body, () if usual else (f"separated by {_said(sep)}",))


# --- the separator ---


def _separator_in(lines: list[str], file: str) -> str:
    """The separator for which the first rows look most like a table of numbers."""
    scores = {sep: _score(lines, sep) for sep in SEPARATORS}
    blanks = _score(lines, WHITESPACE)
    # Blanks between words of a sentence separate no cells; nor do blanks in cells if another separator gives
    # all rows one width.
    if blanks >= 1.2 and (_is_even(lines, WHITESPACE) or not any(_is_even(lines, sep) for sep in SEPARATORS)):
        scores[WHITESPACE] = 0.99 * blanks
    # Cells often hold the other separators, but hardly ever a tab.
    best, second = sorted(scores, key=lambda sep: (-scores[sep], sep != "\t"))[:2]
    if scores[best] == 0:
        return ","
    if scores[best] == scores[second] and best != "\t":
        raise InputError(
            f"{file} must show how its cells are separated; got {_said(best)} and {_said(second)} alike in "
            f"its first rows. Name it: sep={best!r} (--sep {_option(best)}), say."
        )
    return best


def _score(lines: list[str], sep: str) -> float:
    """How much the first rows look like a table: 0 not at all, 1 equal widths, 2 numbers only."""
    rows = _first_rows(lines, sep)
    width = widest_habit(np.array([len(cells) for cells in rows], np.int64))
    if width < 2:
        return 0
    alike = [cells for cells in rows if len(cells) == width]
    cells = [cell for row in alike[1:] for cell in row] or alike[0]
    numbers = sum(NUMBERLIKE.fullmatch(cell) is not None for cell in cells)
    return len(alike) / len(rows) * (1 + numbers / len(cells))


def _is_even(lines: list[str], sep: str) -> bool:
    """Whether all first rows have the same number of cells, at least two."""
    widths = {len(cells) for cells in _first_rows(lines, sep)}
    return len(widths) == 1 and widths != {1}


def _first_rows(lines: list[str], sep: str) -> list[list[str]]:
    written = (line for line in lines if not line.startswith(COMMENT))
    return list(islice(cells_in(written, sep), LOOKED_AT))


def _said(sep: str) -> str:
    named = {"\t": "tabs", WHITESPACE: "blanks"}
    return named.get(sep, f"'{sep}'")


def _option(sep: str) -> str:
    """A separator as the command line takes it; signs that a shell would interpret get names."""
    return next((name for name, sign in NAMED_SEPARATORS.items() if sign == sep), sep)


# --- the names ---


def _names_and_body(rows: Rows, width: int, dialect: Dialect, file: str) -> tuple[tuple[str, ...], Rows]:
    first = _first_row(rows, width, dialect.header is not None)
    rest = rows.picked((np.arange(len(rows)) >= first) & ((rows.widths == width) | ~rows.comments))
    if dialect.header is None:
        return tuple(f"x{number}" for number in range(1, width + 1)), rest
    commented = _commented_names(rows, first, width)
    if commented and (commented[0] == COMMENT or _row_like(rest, 0)):
        return tuple(name.lstrip(COMMENT).strip() or COMMENT for name in commented), rest
    names, body = tuple(rest.cells(0)), rest.picked(slice(1, None))
    if width > len(names) and len(body) and (body.widths == width).all():
        if len(names) == width - 1:
            return _one_name_fewer(names, body, file), body
    elif dialect.header == "infer":
        _refuse_rows_for_names(rest, file)
    if names[-1] == "" and len(names) > 1 and (body.widths == len(names) - 1).all():
        names = names[:-1]  # only the line of names ends in a separator
    _refuse_units(body, names, file)
    return names, body


def _first_row(rows: Rows, width: int, named: bool) -> int:
    """The place of the first row that is neither a comment nor a title above the table."""
    written = np.flatnonzero(~rows.comments).tolist()
    for row, below in zip(written, [*written[1:], None], strict=True):
        if width < 2 or not (_is_title(rows, row, below, width) if named else rows.widths[row] == 1):
            return row
    return 0


def _is_title(rows: Rows, row: int, below: int | None, width: int) -> bool:
    """Whether a row is a title above the names: it has too few cells, and wider rows follow."""
    cells, lacking = rows.cells(row), int(width - rows.widths[row])
    if sum(cell != "" for cell in cells) < 2:
        return lacking > 0 or cells[0] != "" or width > 2  # else the names of numbered rows, such as ,price
    if below is None or lacking <= 0:
        return False
    numbers = [NUMBERLIKE.fullmatch(cell) is not None for cell in rows.cells(below)]
    if lacking == 1:  # the rows may have names of their own
        return bool(rows.widths[below] == width) and not any(numbers)
    return not all(numbers)


def _commented_names(rows: Rows, first: int, width: int) -> list[str]:
    """The names in a comment right above the first row, as NumPy writes them; [] if their number differs."""
    if not first or width < 2 or not rows.comments[first - 1]:
        return []
    text = rows.text(first - 1)
    bare = next(cells_in([text.lstrip(COMMENT)], rows.sep), [])
    whole = next(cells_in([text], rows.sep), [])
    return whole if len(whole) == width else bare if len(bare) == width else []


def _one_name_fewer(names: tuple[str, ...], body: Rows, file: str) -> tuple[str, ...]:
    """The names with one "" added: last if rows end in a separator, first if rows have names as in R."""
    texts = (body.text(row).rstrip("\r\n ") for row in range(len(body)))
    if body.sep != WHITESPACE and all(text.endswith(body.sep) for text in texts):
        return (*names, "")
    firsts = [body.cells(row)[0] for row in range(min(LOOKED_AT, len(body)))]
    numbered = all(map(str.isdecimal, firsts)) and all(int(a) < int(b) for a, b in pairwise(firsts))
    named = len(set(firsts)) == len(firsts) and not any(map(NUMBERLIKE.fullmatch, firsts))
    if numbered or named:
        return ("", *names)
    raise InputError(
        f"{file}, line {body.begins[0]}: must have a name for each of its {counted(len(names) + 1, 'cell')}; "
        f"got {counted(len(names), 'name')}, {listed(names, 5)}. Add the missing name to the first line."
    )


def _refuse_rows_for_names(rows: Rows, file: str) -> None:
    """Refuse a file whose first line looks like a row: its numbers would become names and be lost."""
    if not _row_like(rows, 0):
        return
    raise InputError(
        f"{file}, line {rows.begins[0]}: must hold the names of the columns; got what looks like a row, "
        f"{listed(rows.cells(0), 4)}. Write the names above it, or give header=None (--no-header), which "
        "names the columns x1, x2, ...; header=0 (--header) takes this line for names all the same."
    )


def _row_like(rows: Rows, place: int) -> bool:
    """Whether a row looks like the rows below it rather than like their names."""
    first, *below = (rows.cells(row) for row in range(place, min(place + LOOKED_AT, len(rows))))
    below = [cells for cells in below if len(cells) == len(first)]
    filled = [cell for cell in first if not is_missing_among_numbers(cell)]
    if filled and all(NUMBERLIKE.fullmatch(cell) for cell in filled):
        return True
    columns = list(zip(first, *below, strict=True))
    numbers = [
        cell for cell, *others in columns if NUMBERLIKE.fullmatch(cell) and others and _all_numbers(others)
    ]
    again = first not in below and any(
        cell in others
        for cell, *others in columns
        if not is_missing_among_numbers(cell) and not NUMBERLIKE.fullmatch(cell)
    )
    return bool(numbers) and (again or any(FRACTION.fullmatch(cell) for cell in numbers))


def _all_numbers(cells: Iterable[str]) -> bool:
    """Whether some cells are not missing, and all of these are numbers in any notation."""
    filled = [cell for cell in cells if not is_missing_among_numbers(cell)]
    return bool(filled) and all(NUMBERLIKE.fullmatch(cell) for cell in filled)


def _refuse_units(body: Rows, names: tuple[str, ...], file: str) -> None:
    """Refuse a line of units below the names: a line with a word above every column of numbers."""
    rows = [body.cells(row) for row in range(min(LOOKED_AT, len(body)))]
    if len(rows) < 3 or any(len(cells) != len(names) for cells in rows):
        return
    above = [first for first, *others in zip(*rows, strict=True) if _all_numbers(others)]
    words = [cell for cell in above if cell and not NUMBERLIKE.fullmatch(cell)]
    if (
        len(words) > 1
        and len(words) == len([cell for cell in above if cell])
        and not any(map(is_missing_among_numbers, words))
    ):
        raise InputError(
            f"{file}, line {body.begins[0]}: must hold numbers, as the rows below; got {listed(words, 4)}, "
            "which looks like a line of units. Remove this line."
        )


def _refuse_other_widths(body: Rows, names: tuple[str, ...], file: str) -> None:
    """Refuse the first row with more or fewer cells than names."""
    width = len(names)
    other = body.widths != width
    if not other.any():
        return
    row = int(other.argmax())
    cells = int(body.widths[row])
    where = f"{'ending at' if cells < width else 'going on after'} column"
    raise InputError(
        f"{file}, line {body.begins[row]}: must have {counted(width, 'cell')}, as there are names; got "
        f"{cells}, "
        f"{where} {names[min(cells, width) - 1]!r}. Mend or drop this row, "
        f"or name the separator: sep=';' (--sep), if it is not {_said(body.sep)}."
    )

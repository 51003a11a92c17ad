"""Numbers as people write them: decimal commas and grouped digits, rewritten where they are clear."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from fastnn.cells import is_missing_among_numbers
from fastnn.checking import InputError
from fastnn.reading.dialect import Dialect

__all__ = ["rewritten"]

BLANKS = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"
APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"
GROUPINGS = (",", ".", BLANKS, APOSTROPHES)
PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
TWO_POINTS = re.compile(r"\.\d\d\d\.")
IN_GROUPS = re.compile(r"[-+]?([1-9]\d{0,2}(\.\d{3})+|\d+)", re.ASCII)
POINTED = re.compile(r"[^\d+-]")

Columns = Mapping[str, Sequence[str]]


class Notation(NamedTuple):
    """The decimal sign, and the signs that may stand between groups of three digits, or ""."""

    decimal: str
    thousands: str

    @property
    def signs(self) -> str:
        """The signs that Python does not write in numbers, or writes for something else."""
        return self.thousands + self.decimal.replace(".", "")

    def is_of(self, cells: Collection[str]) -> bool:
        """Whether all cells, at least one, are numbers in this notation."""
        grouped = rf"|\d{{1,3}}([{re.escape(self.thousands)}]\d{{3}})+" if self.thousands else ""
        point = re.escape(self.decimal)
        pattern = rf"[-+]?((\d+{grouped})({point}\d*)?|{point}\d+)([eE][-+]?\d+)?"
        number = re.compile(pattern, re.ASCII)
        return bool(cells) and all(map(number.fullmatch, cells))

    def plain(self, cell: str) -> str:
        """The number as Python writes it."""
        return cell.translate({ord(sign): None for sign in self.thousands}).replace(self.decimal, ".")


def rewritten(
    columns: Columns, dialect: Dialect, sep: str, file: str, lines: Sequence[int]
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Return the columns whose numbers are written in another notation, rewritten; and that, in words.

    Parameters
    ----------
    columns : dict of str to cells
        Text. Marks of what is missing may be among numbers; they are left as they are.
    sep : str
        The separator: where it is a semicolon, commas may be decimal signs, and points group digits.
    lines : sequence of int
        Of each row, for refusals.

    Raises
    ------
    InputError
        A column could be read in two notations, such as 1,234 (a thousand, or a little more than one), or
        two columns in different ones, or one is not written in the notation that the dialect names.
    """
    if dialect.decimal is None and dialect.thousands is None:
        notations = _as_seen(columns, sep, file, lines)
    else:
        notations = _as_told(columns, dialect, file, lines)
    changed = {
        name: [cell if is_missing_among_numbers(cell) else notation.plain(cell) for cell in columns[name]]
        for name, notation in notations.items()
    }
    return changed, _said(notations)


def _as_told(columns: Columns, dialect: Dialect, file: str, lines: Sequence[int]) -> dict[str, Notation]:
    """The columns that have numbers in the notation that the dialect names."""
    told = dialect.thousands or ""
    thousands = next((signs for signs in (BLANKS, APOSTROPHES) if told and told in signs), told)
    notation = Notation(dialect.decimal or ("," if thousands == "." else "."), thousands)
    found = {
        name: notation
        for name, cells in columns.items()
        if _have(cells, notation.signs) and notation.is_of(_filled(cells))
    }
    if notation.decimal == ",":
        _refuse_points({name: cells for name, cells in columns.items() if name not in found}, file, lines)
    return found


def _as_seen(columns: Columns, sep: str, file: str, lines: Sequence[int]) -> dict[str, Notation]:
    """The columns that are clearly written in another notation than Python's, each with its own."""
    signs = f",{BLANKS}{APOSTROPHES}"
    suspects = {
        name: cells
        for name, cells in columns.items()
        if _have(cells, signs) or TWO_POINTS.search("\n".join(cells))
    }
    possible = {name: found for name, cells in suspects.items() if (found := _notations(_filled(cells)))}
    if not possible:
        if sep == ";":
            _refuse_only_groups(columns, file, lines)
        return {}
    others = {name: cells for name, cells in columns.items() if name not in possible}
    decimals = set.intersection(*({notation.decimal for notation in found} for found in possible.values()))
    if len(decimals) == 2 and (_pointed(others) or not any(_have(columns[name], ",.") for name in possible)):
        decimals = {"."}
    if len(decimals) != 1:
        name = max(possible, key=lambda name: len(possible[name]))
        raise _unclear(file, name, columns[name], lines)
    (decimal,) = decimals
    if decimal == ",":
        _refuse_points(others, file, lines)
    return {
        name: next(notation for notation in found if notation.decimal == decimal)
        for name, found in possible.items()
    }


def _notations(filled: Collection[str]) -> list[Notation]:
    """The notations in which all cells are numbers; none, for what is no column of numbers."""
    if not any(map(str.isdecimal, next(iter(filled), ""))):
        return []
    # Only with signs that occur: without a group in it, every number is one of every grouping.
    groupings = ["", *(grouping for grouping in GROUPINGS if _have(filled, grouping))]
    pairs = ((decimal, grouping) for decimal in ",." for grouping in groupings if grouping != decimal)
    return [notation for pair in pairs if (notation := Notation(*pair)).is_of(filled)]


def _have(cells: Collection[str], signs: str) -> bool:
    together = "\n".join(cells)
    return any(sign in together for sign in signs)


def _filled(cells: Sequence[str]) -> set[str]:
    """The different cells, without marks of what is missing."""
    return {cell for cell in set(cells) if not is_missing_among_numbers(cell)}


def _pointed(columns: Columns) -> list[str]:
    """The columns of numbers with decimal points."""
    return [
        name
        for name, cells in columns.items()
        if _have(cells, ".") and (filled := _filled(cells)) and all(map(PLAIN.fullmatch, filled))
    ]


def _refuse_points(columns: Columns, file: str, lines: Sequence[int]) -> None:
    """Where commas are the decimal sign, refuse a column of numbers with points."""
    for name in _pointed(columns):
        row = next(row for row, cell in enumerate(columns[name]) if "." in cell)
        raise InputError(
            f"{_place(file, lines[row], name)}: numbers must be written with decimal commas, as others are; "
            f"got {columns[name][row]!r}. Say what its point is: decimal=',' with thousands='.' "
            "(--decimal , --thousands .), or write all numbers alike."
        )


def _refuse_only_groups(columns: Columns, file: str, lines: Sequence[int]) -> None:
    """Where decimal commas may be expected, refuse points that could all stand between groups of digits."""
    pointed = _pointed(columns)
    if pointed and all(all(map(IN_GROUPS.fullmatch, _filled(columns[name]))) for name in pointed):
        raise _unclear(file, pointed[0], columns[pointed[0]], lines, ".")


def _unclear(file: str, name: str, cells: Sequence[str], lines: Sequence[int], sign: str = ",") -> InputError:
    row = next(row for row, cell in enumerate(cells) if cell[:1].isdigit() and POINTED.search(cell))
    return InputError(
        f"{_place(file, lines[row], name)}: numbers must be written like 16884.92; got {cells[row]!r}, whose "
        f"sign can be read in two ways. Say which: decimal='{sign}' (--decimal {sign}) or thousands='{sign}' "
        f"(--thousands {sign})."
    )


def _place(file: str, line: int, name: str) -> str:
    return f"{file}, line {line}, column {name!r}"


def _said(notations: Mapping[str, Notation]) -> tuple[str, ...]:
    commas = ("decimal commas",) if any(notation.decimal == "," for notation in notations.values()) else ()
    signs = dict.fromkeys(notation.thousands[0] for notation in notations.values() if notation.thousands)
    return commas + tuple(f"digits grouped by {sign!r}" for sign in signs)

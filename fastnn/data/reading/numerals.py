"""The notation of numbers as people write them: decimal commas and grouped digits are rewritten if clear."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from fastnn.checking import InputError
from fastnn.data.cells import is_missing_among_numbers
from fastnn.data.reading.dialect import Dialect

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
        """The signs that Python's numbers lack, or use for something else."""
        return self.thousands + self.decimal.replace(".", "")

    def numbers_in(self, cells: Iterable[str]) -> set[str]:
        """The cells that are numbers in this notation. In India, only the last group has three digits."""
        sign = re.escape(self.thousands)
        grouped = rf"|\d{{1,3}}([{sign}]\d{{3}})+|\d{{1,2}}([{sign}]\d\d)+[{sign}]\d{{3}}" if sign else ""
        point = re.escape(self.decimal)
        pattern = rf"[-+]?((\d+{grouped})({point}\d*)?|{point}\d+)([eE][-+]?\d+)?"
        return set(filter(re.compile(pattern, re.ASCII).fullmatch, cells))

    def plain(self, cell: str) -> str:
        """The number in Python's notation."""
        return cell.translate({ord(sign): None for sign in self.thousands}).replace(self.decimal, ".")


def rewritten(
    columns: Columns, dialect: Dialect, sep: str, file: str, lines: Sequence[int]
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Rewrite the columns in another notation; return these columns, and the notations found, in words.

    Parameters
    ----------
    columns : dict of str to cells
        Texts. Missing marks may be among numbers; they are kept unchanged.
    sep : str
        The separator. If it is a semicolon, commas may be decimal signs, and points may group digits.
    lines : sequence of int
        The line of each row, for errors.

    Raises
    ------
    InputError
        If a column can be read in two notations, such as 1,234 (a thousand, or a little more than one), if
        two columns are in different notations, or if one is not in the notation that the dialect names.
    """
    if dialect.decimal is None and dialect.thousands is None:
        notations = _as_seen(columns, sep, file, lines)
    else:
        notations = _as_told(columns, dialect, file, lines)
    changed = {name: _plain(columns[name], notation) for name, notation in notations.items()}
    return changed, _said(notations)


def _plain(cells: Sequence[str], notation: Notation) -> list[str]:
    """The cells, with numbers in Python's notation and everything else unchanged."""
    plain = {cell: notation.plain(cell) for cell in notation.numbers_in(set(cells))}
    return [plain.get(cell, cell) for cell in cells]


def _as_told(columns: Columns, dialect: Dialect, file: str, lines: Sequence[int]) -> dict[str, Notation]:
    """The columns with numbers in the notation that the dialect names."""
    told = dialect.thousands or ""
    thousands = next((signs for signs in (BLANKS, APOSTROPHES) if told and told in signs), told)
    notation = Notation(dialect.decimal or ("," if thousands == "." else "."), thousands)
    found = {
        name: notation
        for name, cells in columns.items()
        if _have(cells, notation.signs) and _notations(_filled(cells), [notation])
    }
    if notation.decimal == ",":
        _refuse_points({name: cells for name, cells in columns.items() if name not in found}, file, lines)
    return found


def _as_seen(columns: Columns, sep: str, file: str, lines: Sequence[int]) -> dict[str, Notation]:
    """The columns that are clearly in another notation than Python's, each with its notation."""
    signs = f",{BLANKS}{APOSTROPHES}"
    suspects = {
        name: cells
        for name, cells in columns.items()
        if _have(cells, signs) or TWO_POINTS.search("\n".join(cells))
    }
    possible = {name: found for name, cells in suspects.items() if (found := _notations(_filled(cells)))}
    whole = {
        name: found
        for name, found in possible.items()
        if found[0].numbers_in(columns[name]) >= _filled(columns[name])
    }
    if not possible:
        if sep == ";":
            _refuse_only_groups(columns, file, lines)
        return {}
    decimal = _decimal(columns, whole or possible, file, lines)
    if decimal == ",":
        _refuse_points({name: cells for name, cells in columns.items() if name not in possible}, file, lines)
    return {
        name: notation
        for name, found in possible.items()
        if (notation := next((each for each in found if each.decimal == decimal), None))
    }


def _decimal(
    columns: Columns, possible: Mapping[str, list[Notation]], file: str, lines: Sequence[int]
) -> str:
    """The one decimal sign that fits all these columns; refuse them if none or both do."""
    others = {name: cells for name, cells in columns.items() if name not in possible}
    decimals = set.intersection(*({notation.decimal for notation in found} for found in possible.values()))
    if len(decimals) == 2 and (_pointed(others) or not any(_have(columns[name], ",.") for name in possible)):
        decimals = {"."}
    if not decimals:
        (one, other) = (
            next(name for name, found in possible.items() if {each.decimal for each in found} == {sign})
            for sign in ",."
        )
        raise _unlike(file, columns, (one, other), lines)
    if len(decimals) == 2:
        name = max(possible, key=lambda name: len(possible[name]))
        raise _unclear(file, name, columns[name], lines)
    return decimals.pop()


def _notations(filled: Collection[str], known: Iterable[Notation] | None = None) -> list[Notation]:
    """The notations in which the most cells, and at least half of them, are numbers; perhaps none."""
    if 2 * sum(any(map(str.isdecimal, cell[:2])) for cell in filled) < max(1, len(filled)):
        return []
    if known is None:
        # Only groupings whose sign occurs: a number without groups would fit every grouping.
        groupings = ["", *(grouping for grouping in GROUPINGS if _have(filled, grouping))]
        known = [Notation(*pair) for pair in product(",.", groupings) if pair[0] != pair[1]]
    fitting = {notation: len(notation.numbers_in(filled)) for notation in known}
    most = max(fitting.values())
    return [notation for notation, fit in fitting.items() if fit == most and 2 * fit >= len(filled)]


def _have(cells: Collection[str], signs: str) -> bool:
    together = "\n".join(cells)
    return any(sign in together for sign in signs)


def _filled(cells: Sequence[str]) -> set[str]:
    """The different cells, without missing marks."""
    return {cell for cell in set(cells) if not is_missing_among_numbers(cell)}


def _pointed(columns: Columns) -> list[str]:
    """The columns of numbers with decimal points."""
    return [
        name
        for name, cells in columns.items()
        if _have(cells, ".") and (filled := _filled(cells)) and all(map(PLAIN.fullmatch, filled))
    ]


def _refuse_points(columns: Columns, file: str, lines: Sequence[int]) -> None:
    """Refuse a column of numbers with points, as commas are the decimal sign."""
    for name in _pointed(columns):
        row = next(row for row, cell in enumerate(columns[name]) if "." in cell)
        groups = all(map(IN_GROUPS.fullmatch, _filled(columns[name])))
        remedy = "Name its point: decimal=',' with thousands='.' (--decimal , --thousands .), or write"
        raise InputError(
            f"{_place(file, lines[row], name)}: numbers must be written with decimal commas, as others are; "
            f"got {columns[name][row]!r}. {remedy if groups else 'Write'} all numbers alike."
        )


def _refuse_only_groups(columns: Columns, file: str, lines: Sequence[int]) -> None:
    """Refuse points that could all group digits, as decimal commas may be expected."""
    pointed = _pointed(columns)
    if pointed and all(all(map(IN_GROUPS.fullmatch, _filled(columns[name]))) for name in pointed):
        raise _unclear(file, pointed[0], columns[pointed[0]], lines, ".")


def _unclear(file: str, name: str, cells: Sequence[str], lines: Sequence[int], sign: str = ",") -> InputError:
    row = _first_sign(cells)
    return InputError(
        f"{_place(file, lines[row], name)}: numbers must be written like 16884.92; got {cells[row]!r}, whose "
        f"sign can be read in two ways. Say which: decimal='{sign}' (--decimal {sign}) or thousands='{sign}' "
        f"(--thousands {sign})."
    )


def _unlike(file: str, columns: Columns, names: tuple[str, str], lines: Sequence[int]) -> InputError:
    """The error for two columns, one with decimal commas and one with points."""
    one, other = names
    row, place = (_first_sign(columns[name]) for name in names)
    return InputError(
        f"{file}: numbers must all be written alike; got {columns[one][row]!r} in line {lines[row]}, column "
        f"{one!r}, and {columns[other][place]!r} in line {lines[place]}, column {other!r}. Write them alike."
    )


def _first_sign(cells: Sequence[str]) -> int:
    """The first row whose number has other signs than digits, + and -."""
    return next(
        row for row, cell in enumerate(cells) if any(map(str.isdigit, cell[:2])) and POINTED.search(cell)
    )


def _place(file: str, line: int, name: str) -> str:
    return f"{file}, line {line}, column {name!r}"


def _said(notations: Mapping[str, Notation]) -> tuple[str, ...]:
    commas = ("decimal commas",) if any(notation.decimal == "," for notation in notations.values()) else ()
    signs = dict.fromkeys(notation.thousands[0] for notation in notations.values() if notation.thousands)
    return commas + tuple(f"digits grouped by {sign!r}" for sign in signs)

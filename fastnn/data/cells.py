"""Text cells and their meaning: numbers, missing marks or words, and numbers that must not count as words.

A column of words becomes categories, and a category has no size. So a column of dates, or of numbers with
something written around them, must not count as words. Such a column is recognised by its cells:

- In at least half of the cells, or of the different cells, a number stands apart, with no letter directly
  before it: ``1248 CC``, ``€565K``, ``<18``, ``10-20``, ``CHF 900``, ``No. 5``, ``12.03.2024``, ``10:01``;
  digits of any script count.
- Or more than half of the different cells differ only in their numbers: ``Q1 Q2 Q3``, ``CHF900 CHF850``.
- Or at least half are dates with the month's name glued on (``Jan20 Feb20``) or lengths of time
  (``PT1H30M``).

Codes such as ``A1 B2 C3`` or ``x86 arm64`` are words, because their letters differ.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import LARGEST_INTEGER

__all__ = [
    "is_missing",
    "is_missing_among_numbers",
    "is_number",
    "looks_like_date",
    "lost_integer",
    "number_within",
    "numbers_of",
    "only_notation",
    "spelled_alike",
]

PLAIN_NUMBER = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE
)
INTEGER = re.compile(r"[+-]?\d+", re.ASCII)

_MARKS = "NA N/A n/a NaN nan -NaN -nan NULL null None <NA> #NA #N/A 1.#IND -1.#IND 1.#QNAN -1.#QNAN"
_NO_WORDS = "? \\N NaT #DIV/0! #NAME? #NULL! #NUM! #REF! #VALUE!"
MISSING = frozenset({"", "#N/A N/A", *_MARKS.split(), *_NO_WORDS.split()})
"""The marks that pandas reads as missing, and those of databases and spreadsheets that are no words."""
_MORE_MARKS = (
    "- -- --- \u2013 \u2014 \u2212 . .. ... \u2026 * ** : / \\n na n.a. n/a #n/a n.d. n/d nd nr none "
    "nil null nan nat missing unknown undefined (null) #div/0! #name? #null! #num! #ref! #value!"
)
MISSING_AMONG_NUMBERS = frozenset(_MORE_MARKS.split())
"""More marks, in small letters. Among numbers they mean missing; among words they could be words."""

APART = re.compile(r"(?<![^\W_])\d")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SIGN = r"[.,' \u2019\u00a0\u2009\u202f]"
NOTATION = re.compile(rf"[-+]?(\d+|\d{{1,3}}({_SIGN}\d{{2,3}})*{_SIGN}\d{{3}})([.,]\d*)?", re.ASCII)
DURATION = re.compile(r"[-+]?P(?=T?\d)(\d+[YMWD])*(T(\d+([.,]\d+)?[HMS])*)?", re.ASCII | re.IGNORECASE)
_MONTH = (
    r"(?<![a-z])(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|"
    r"oct(ober)?|nov(ember)?|dec(ember)?)(?![a-z])"
)
DATE = re.compile(
    r"(?<![\d.])\d{1,4}([-/.])\s?\d{1,2}\1\s?\d{1,4}(?!\.?\d)|\d{1,2}:\d\d|"
    rf"{_MONTH}\W{{0,3}}\d|\d\W{{0,2}}{_MONTH}",
    re.IGNORECASE,
)
PART_OF_A_YEAR = re.compile(
    r"(?<![\d.,])(19|20)\d\d([-/]\d{1,2}|[-/ ]?[QW]\d{1,2})(?![\d.,])|"
    r"(?<![\d.,/])(\d{1,2}/|Q\d[-/ ]?)(19|20)\d\d(?!\d)|\d\s?[ap]\.?m\b",
    re.IGNORECASE,
)


def is_number(cell: str) -> bool:
    """Whether the cell is a number as Python and C write numbers: 12, -2.5, 1e-3, inf."""
    return PLAIN_NUMBER.fullmatch(cell) is not None


def is_missing(cell: str) -> bool:
    """Whether the cell is empty, or one of the marks that pandas reads as missing."""
    return cell in MISSING


def is_missing_among_numbers(cell: str) -> bool:
    """Whether the cell is a missing mark if the other cells are numbers."""
    return cell in MISSING or cell.casefold() in MISSING_AMONG_NUMBERS


def numbers_of(cells: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return text cells as float64 (N,), each correctly rounded; None if a cell needs a closer look.

    All cells must be texts of finite numbers, below the largest whole number that float64 keeps.
    """
    try:
        together = "".join(cells)
        if "_" in together or not together.isascii():  # float() accepts 1_000, and digits of any script
            return None
        numbers = np.fromiter(map(float, cells), np.float64, len(cells))
    except (TypeError, ValueError):
        return None
    return numbers if (np.abs(numbers) < LARGEST_INTEGER).all() else None


def lost_integer(cell: str) -> bool:
    """Whether the cell is a whole number, written out, that float64 does not keep exactly."""
    if len(cell) < 16 or INTEGER.fullmatch(cell) is None:
        return False
    return len(cell.lstrip("+-0")) > 16 or abs(int(cell)) > LARGEST_INTEGER


def number_within(times: Mapping[str, int]) -> str | None:
    """Return a cell that shows that a column holds numbers with something around them; None for words.

    `times` has the number of occurrences of each different cell. The module's docstring has the rules.
    """
    texts = {cell: normalize("NFKC", cell) for cell in times}
    rows = sum(times.values())
    for counts in (APART.search, DATE.search, DURATION.fullmatch):
        found = [cell for cell, text in texts.items() if counts(text)]
        if found and (2 * len(found) >= len(texts) or 2 * sum(times[cell] for cell in found) >= rows):
            return found[0]
    shapes = {cell: NUMBER.sub("#", text) for cell, text in texts.items() if NUMBER.search(text)}
    for shape, number in Counter(shapes.values()).most_common(1):
        if number > 1 and 2 * number > len(texts):
            return next(cell for cell, its in shapes.items() if its == shape)
    return None


def spelled_alike(words: Iterable[str]) -> tuple[str, str] | None:
    """Return two words that differ only in capitals, inner blanks or coding of accents; None if none do."""
    first: dict[str, str] = {}
    for word in sorted(words):
        alike = first.setdefault(" ".join(normalize("NFKC", word).casefold().split()), word)
        if alike != word:
            return alike, word
    return None


def looks_like_date(cell: str) -> bool:
    """Whether the cell contains a date, a part of a year, a time of day or a length of time."""
    text = normalize("NFKC", cell)
    return any((DATE.search(text), PART_OF_A_YEAR.search(text), DURATION.fullmatch(text)))


def only_notation(cell: str) -> bool:
    """Whether the cell is a number except for its decimal or thousands separators."""
    return NOTATION.fullmatch(cell) is not None

"""The conversion of one column of a DataFrame to numbers or codes; everything unclear is refused.

Files and DataFrames are converted in the same way: a cell of text means the same in both.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fastnn.checking import LARGEST_INTEGER, InputError
from fastnn.data import cells
from fastnn.data.cell_types import float_of, is_lost, kind_of
from fastnn.data.columns import MOST_CATEGORIES, MOST_CLASSES, Column, joined, listed
from fastnn.showing.lettering import counted

__all__ = ["BOOLS", "Cells", "Place", "short_of", "text_of"]

BOOLS = ("False", "True")
NEARLY_ALL = 0.9  # with more different words than this share of its rows, a column holds names


class Place(NamedTuple):
    """The source of cells, for errors: a DataFrame with its index, or a file with the lines of its rows."""

    labels: Any  # the DataFrame's index
    file: str | None = None
    lines: Sequence[int] | None = None

    def column(self, name: str) -> str:
        """A column in words."""
        return f"column {name!r}" if self.file is None else f"{self.file}: column {name!r}"

    def row(self, row: int) -> str:
        """A row in words; rows of a DataFrame are counted from 0."""
        return f"row {row} (index {self.labels[row]!r})" if self.lines is None else f"line {self.lines[row]}"


@dataclass(frozen=True)
class Cells:
    """The N cells of one column, and their kind.

    Attributes
    ----------
    kind : str
        "numbers", "bools", "categories" (by dtype, or by the user's word), or "text": words or numbers.
    values : array (N,)
        Numbers of any dtype, bools, or objects; texts of categories and text have no blanks around them.
    missing : bool array (N,)
    order : tuple of str, or None
        The order of the categories, if they have one; some of them may be in no row.
    declared : tuple of str
        The categories that the column's dtype lists, in its order; some of them may be in no row.
    classes : bool
        Whether the categories, if that is what they are, are the classes to predict.
    """

    name: str
    kind: str
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    place: Place
    order: tuple[str, ...] | None = None
    declared: tuple[str, ...] = ()
    classes: bool = False

    def converted(self, rows: NDArray[np.int64]) -> tuple[Column, NDArray[np.float64]]:
        """Return the converted column, and its numbers or codes in the given rows, none of them missing."""
        if self.kind == "bools":
            held = self.values[rows].astype(bool)
            if self.classes:
                return self._coded([BOOLS[value] for value in held.astype(int)], BOOLS, ordered=True)
            return Column(self.name, BOOLS), held.astype(np.float64)
        if self.kind == "categories":
            return self._as_categories(rows)
        if self.kind == "text":
            return self._as_text(rows)
        return Column(self.name), self._as_numbers(rows)

    def first_word(self, rows: NDArray[np.int64]) -> str:
        """In words, the first of some rows whose cell is no number, or a category; "" if there is none."""
        for row in rows if self.kind in ("text", "categories") else ():
            cell = self.values[row]
            if self.kind == "categories" or (isinstance(cell, str) and not cells.is_number(cell)):
                what = "the category " if self.kind == "categories" else ""
                return f"{what}{short_of(cell)} in {self.place.row(row)}"
        return ""

    def coded_as(self, column: Column, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the numbers or codes of the cells, coded as the `column` was in training."""
        if not column.categories:
            return self._as_trained_numbers(rows)
        code = {category: place for place, category in enumerate(column.categories)}
        texts = [text_of(value) for value in self.values[rows]]
        if column.categories == BOOLS:
            texts = [text.capitalize() for text in texts]  # some write TRUE
        unknown = next((place for place, text in enumerate(texts) if text not in code), None)
        if unknown is not None:
            self._refuse(
                f"hold the categories of training, {listed(column.categories)}",
                f"{self.values[rows[unknown]]!r} in {self.place.row(rows[unknown])}",
                "Drop its rows, or train on a table that has it.",
            )
        return np.array([code[text] for text in texts], np.float64)

    # --- numbers ---

    def _as_trained_numbers(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        if self.kind == "numbers":
            return self._as_numbers(rows)
        for row in rows:
            value = self.values[row]
            if self.kind == "bools" or (isinstance(value, str) and not cells.is_number(value)):
                self._refuse(
                    "hold numbers, as in training",
                    f"{short_of(value)} in {self.place.row(row)}",
                    "Convert it to numbers first.",
                )
        return self._as_text(rows)[1]

    def _as_numbers(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        given = self.values[rows]
        lost: Any = []
        if given.dtype == object:
            lost = [isinstance(value, Integral | Decimal) and is_lost(value) for value in given.tolist()]
        elif given.dtype.kind in "iu" and given.dtype.itemsize == 8:
            lost = (given > LARGEST_INTEGER) | (given < -LARGEST_INTEGER)
        self._refuse_lost(lost, rows)
        with np.errstate(over="ignore"):
            plain = [float_of(value) for value in given.tolist()] if given.dtype == object else given
            numbers = np.asarray(plain, np.float64)
        self._refuse_infinite(numbers, rows)
        return numbers

    def _refuse_lost(self, lost: Any, rows: NDArray[np.int64]) -> None:
        if np.any(lost):
            first = rows[int(np.argmax(lost))]
            self._refuse(
                "hold whole numbers that float64 keeps exactly, up to 2**53",
                f"{short_of(self.values[first])} in {self.place.row(first)}",
                "Subtract an offset or rescale it first; leave it out if it numbers the rows.",
            )

    def _refuse_infinite(self, numbers: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        bad = ~np.isfinite(numbers)
        if bad.any():
            first = rows[int(bad.argmax())]
            self._refuse(
                "be finite",
                f"{int(bad.sum())} infinite cell(s), the first in {self.place.row(first)}: "
                f"{short_of(self.values[first])}",
                "Correct them or drop their rows.",
            )

    # --- text ---

    def _as_text(self, rows: NDArray[np.int64]) -> tuple[Column, NDArray[np.float64]]:
        given = self.values[rows].tolist()
        texts = [value for value in given if isinstance(value, str)]
        times = Counter(texts)
        words = {text: count for text, count in times.items() if not cells.is_number(text)}
        if 2 * sum(words.values()) >= len(given):
            self._refuse_numbers_in_disguise(words, given, rows)
        if len(texts) < len(given) or len(words) < len(times):
            if words:
                self._refuse_mixture(given, rows)
            self._refuse_lost([is_lost(value) for value in given], rows)
            numbers = np.fromiter(map(float_of, given), np.float64, len(given))
            self._refuse_infinite(numbers, rows)
            return Column(self.name), numbers
        self._refuse_names(words, given)
        self._refuse_spellings(words)
        return self._coded(texts, sorted(words), ordered=False)

    def _refuse_mixture(self, given: list[Any], rows: NDArray[np.int64]) -> NoReturn:
        numeric = [not isinstance(value, str) or cells.is_number(value) for value in given]
        mostly = 2 * sum(numeric) >= len(given)
        first = numeric.index(not mostly)
        self._refuse(
            "hold either numbers or words",
            f"{short_of(given[first])} in {self.place.row(rows[first])} "
            f"where most cells are {'numbers' if mostly else 'words'}",
            f"Correct the cell or drop its row, or give {self._as_asked()}.",
        )

    def _refuse_numbers_in_disguise(
        self, words: dict[str, int], given: list[Any], rows: NDArray[np.int64]
    ) -> None:
        """Refuse numbers with something around them, numbers in another notation, and dates."""
        cell = cells.number_within(words)
        if cell is None:
            return
        first = f"{short_of(cell)} in {self.place.row(rows[given.index(cell)])}"
        if cells.looks_like_date(cell):
            self._refuse(
                "hold numbers or words",
                f"{first}, a date or a time",
                f"Count the days or seconds from a first one, or give {self._as_asked()}.",
            )
        what, remedy = "a number with something around it", "Keep only the number in its cells"
        if cells.only_notation(cell):
            what = "a number in another notation"
            remedy = "Read the file with decimal= and thousands= (--decimal, --thousands)"
        self._refuse(
            "hold plain numbers, such as 16884.92, or words",
            f"{first}, {what}",
            f"{remedy}, or give {self._as_asked()}.",
        )

    def _refuse_names(self, words: dict[str, int], given: list[Any]) -> None:
        """Refuse words that hardly ever repeat."""
        if len(words) > 2 and len(words) > NEARLY_ALL * len(given):
            self._refuse(
                "hold words that repeat",
                f"{len(words)} different ones in {counted(len(given), 'row')}, such as {short_of(given[0])}",
                "Leave it out, as names and numbers of rows tell nothing about other rows; "
                f"or give {self._as_asked()}.",
            )

    def _refuse_spellings(self, words: Iterable[str]) -> None:
        """Refuse words that differ only in capitals, inner blanks or the coding of accents."""
        alike = cells.spelled_alike(words)
        if alike is not None:
            self._refuse(
                "hold words that differ by more than their spelling",
                " and ".join(map(short_of, alike)),
                f"Write them alike, or give {self._as_asked()}.",
            )

    def _as_asked(self) -> str:
        return f"categories=[{self.name!r}] (--categories) to use its cells as categories"

    # --- categories ---

    def _as_categories(self, rows: NDArray[np.int64]) -> tuple[Column, NDArray[np.float64]]:
        values = self.values[rows].tolist()
        kinds = sorted({kind_of(type(value)) for value in values})
        if len(kinds) > 1:
            self._refuse("hold categories of one kind", " and ".join(kinds), "Convert it with .astype(str).")
        texts = [text_of(value) for value in values]
        distinct = dict(zip(texts, values, strict=True))
        self._refuse_alike(zip(values, map(distinct.get, texts), strict=True))
        if self.classes and self.declared:
            return self._coded(texts, self.declared, ordered=True)
        if self.order is None:
            numeric = all(map(cells.is_number, distinct))
            ordered = sorted(distinct, key=lambda text: (float(text), text) if numeric else (0.0, text))
            return self._coded(texts, ordered, ordered=False)
        unlisted = next((text for text in distinct if text not in self.order), None)
        if unlisted is not None:
            self._refuse(
                f"hold the values that ordered gives, {listed(self.order)}",
                f"{unlisted!r} in {self.place.row(rows[texts.index(unlisted)])}",
                "Give it its place in the order.",
            )
        return self._coded(texts, [text for text in self.order if text in distinct], ordered=True)

    def refuse_blanks(self, given: pd.Series) -> None:
        """Refuse categories that differ only in the blanks around them."""
        texts = sorted({value for value in given.tolist() if isinstance(value, str) and value.strip()})
        first: dict[str, str] = {}
        for text in texts:
            if first.setdefault(text.strip(), text) != text:
                self._refuse(
                    "hold categories that differ by more than blanks",
                    f"{short_of(first[text.strip()])} and {short_of(text)}",
                    "Strip them first: .str.strip().",
                )

    def _refuse_alike(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Refuse different categories that have the same text."""
        for one, other in pairs:
            if one is not other and not _equal(one, other):
                self._refuse(
                    "hold categories that differ as texts",
                    f"two that read {short_of(text_of(one))}",
                    "Give each a name of its own.",
                )

    def _coded(
        self, texts: list[str], distinct: Sequence[str], ordered: bool
    ) -> tuple[Column, NDArray[np.float64]]:
        if self.classes:
            self._refuse_unfit_classes(texts, distinct)
        elif len(distinct) == 1:
            self._refuse(
                "hold at least two different values",
                f"{short_of(distinct[0])} in every row",
                "Leave it out: a constant column tells nothing.",
            )
        one_hot = self.classes or (len(distinct) > 2 and not ordered)
        if one_hot and not self.classes and len(distinct) > MOST_CATEGORIES:
            self._refuse(
                f"hold at most {MOST_CATEGORIES} categories, as each becomes an input",
                f"{len(distinct)}, such as {joined([short_of(text) for text in distinct], 3)}",
                "Group them, leave it out, or give an order: ordered={...} (--ordered).",
            )
        code = {text: place for place, text in enumerate(distinct)}
        codes = np.fromiter((code[text] for text in texts), np.float64, len(texts))
        return Column(self.name, tuple(distinct), one_hot), codes

    def _refuse_unfit_classes(self, texts: Sequence[str], distinct: Sequence[str]) -> None:
        """Refuse a single class, a class without a row, and too many classes."""
        met = set(texts)
        if len(met) == 1:
            self._refuse(
                "hold at least two classes to be a target",
                f"{short_of(texts[0])} in every row",
                "Take rows of other classes, too: with one class there is nothing to tell apart.",
            )
        unmet = next((text for text in distinct if text not in met), None)
        if unmet is not None:
            self._refuse(
                "hold a row of each of its categories to be a target",
                f"none of {short_of(unmet)}",
                "Call .cat.remove_unused_categories() on it, or add rows of that class.",
            )
        if len(distinct) > MOST_CLASSES:
            self._refuse(
                f"hold at most {MOST_CLASSES} classes, as each becomes an output",
                f"{len(distinct)}, such as {joined([short_of(text) for text in distinct], 3)}",
                "Group them.",
            )

    def _refuse(self, required: str, given: str, remedy: str) -> NoReturn:
        raise InputError(f"{self.place.column(self.name)} must {required}; got {given}. {remedy}")


def text_of(value: Any) -> str:
    """A category as a text, as in a CSV file: whole numbers have no decimal point."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        return str(value)
    if isinstance(value, Integral):
        return str(int(value))
    try:
        number = float(value)
    except OverflowError:
        return str(value)
    if number != value:  # of more digits than a float has
        return str(value)
    return str(int(number)) if number.is_integer() else repr(number)


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except Exception:  # a cell can be anything, such as an array
        return False


def short_of(value: Any) -> str:
    """A cell as errors show it."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 42 else f"{text[:40]}..."

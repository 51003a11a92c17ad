"""The conversion of one column of a DataFrame to numbers or codes; everything unclear is refused.

Files and DataFrames are converted in the same way: a cell of text means the same in both.
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from numbers import Integral, Real
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fastnn.checking import LARGEST_INTEGER, InputError
from fastnn.data import cells
from fastnn.data.cell_types import REMEDIES, float_of, is_lost, kind_of
from fastnn.data.columns import MOST_CATEGORIES, Column, joined, listed
from fastnn.showing.lettering import counted

__all__ = ["Cells", "Place", "cells_of", "text_of"]

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
    """

    name: str
    kind: str
    values: NDArray[Any]
    missing: NDArray[np.bool_]
    place: Place
    order: tuple[str, ...] | None = None

    def converted(self, rows: NDArray[np.int64]) -> tuple[Column, NDArray[np.float64]]:
        """Return the converted column, and its numbers or codes in the given rows, none of them missing."""
        if self.kind == "bools":
            return Column(self.name, BOOLS), self.values[rows].astype(bool).astype(np.float64)
        if self.kind == "categories":
            return self._as_categories(rows)
        if self.kind == "text":
            return self._as_text(rows)
        return Column(self.name), self._as_numbers(rows)

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
                    f"{_short(value)} in {self.place.row(row)}",
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
                f"{_short(self.values[first])} in {self.place.row(first)}",
                "Subtract an offset or rescale it first; leave it out if it numbers the rows.",
            )

    def _refuse_infinite(self, numbers: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        bad = ~np.isfinite(numbers)
        if bad.any():
            first = rows[int(bad.argmax())]
            self._refuse(
                "be finite",
                f"{int(bad.sum())} infinite cell(s), the first in {self.place.row(first)}: "
                f"{_short(self.values[first])}",
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
            f"{_short(given[first])} in {self.place.row(rows[first])} "
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
        first = f"{_short(cell)} in {self.place.row(rows[given.index(cell)])}"
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
                f"{len(words)} different ones in {counted(len(given), 'row')}, such as {_short(given[0])}",
                "Leave it out, as names and numbers of rows tell nothing about other rows; "
                f"or give {self._as_asked()}.",
            )

    def _refuse_spellings(self, words: Iterable[str]) -> None:
        """Refuse words that differ only in capitals, inner blanks or the coding of accents."""
        alike = cells.spelled_alike(words)
        if alike is not None:
            self._refuse(
                "hold words that differ by more than their spelling",
                " and ".join(map(_short, alike)),
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
                    f"{_short(first[text.strip()])} and {_short(text)}",
                    "Strip them first: .str.strip().",
                )

    def _refuse_alike(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Refuse different categories that have the same text."""
        for one, other in pairs:
            if one is not other and not _equal(one, other):
                self._refuse(
                    "hold categories that differ as texts",
                    f"two that read {_short(text_of(one))}",
                    "Give each a name of its own.",
                )

    def _coded(
        self, texts: list[str], distinct: Sequence[str], ordered: bool
    ) -> tuple[Column, NDArray[np.float64]]:
        if len(distinct) == 1:
            self._refuse(
                "hold at least two different values",
                f"{_short(distinct[0])} in every row",
                "Leave it out: a constant column tells nothing.",
            )
        one_hot = len(distinct) > 2 and not ordered
        if one_hot and len(distinct) > MOST_CATEGORIES:
            self._refuse(
                f"hold at most {MOST_CATEGORIES} categories, as each becomes an input",
                f"{len(distinct)}, such as {joined([_short(text) for text in distinct], 3)}",
                "Group them, leave it out, or give an order: ordered={...} (--ordered).",
            )
        code = {text: place for place, text in enumerate(distinct)}
        codes = np.fromiter((code[text] for text in texts), np.float64, len(texts))
        return Column(self.name, tuple(distinct), one_hot), codes

    def _refuse(self, required: str, given: str, remedy: str) -> NoReturn:
        raise InputError(f"{self.place.column(self.name)} must {required}; got {given}. {remedy}")


def cells_of(
    series: pd.Series, name: str, place: Place, order: tuple[str, ...] | None = None, told: bool = False
) -> Cells:
    """Find out the kind of a column's cells, and which are missing.

    `told` or an `order` makes them categories, whatever they look like. Then only empty cells are missing.
    Else the marks that pandas reads as missing, ? and \\N are missing, too, and among numbers further marks
    such as - and :.
    """
    series = _without_signals(series)
    missing = series.isna().to_numpy(dtype=bool, copy=True)
    categorical = isinstance(series.dtype, pd.CategoricalDtype)
    if told or order is not None or categorical or str(series.dtype).startswith("dictionary<"):
        if order is None and isinstance(series.dtype, pd.CategoricalDtype) and series.dtype.ordered:
            order = tuple(text_of(value) for value in series.dtype.categories)
        values = _stripped(series)
        found = Cells(name, "categories", values, missing | _among(values, {""}), place, order)
        found.refuse_blanks(series)
        return found
    kind = series.dtype.kind
    if kind in "iufb":
        filled = series.fillna(False if kind == "b" else 0) if missing.any() else series
        numbers = filled.to_numpy(dtype=bool) if kind == "b" else filled.to_numpy()
        missing |= np.isnan(numbers) if kind == "f" else False
        return Cells(name, "bools" if kind == "b" else "numbers", numbers, missing, place)
    if (plain := cells.numbers_of(series.tolist())) is not None:
        return Cells(name, "numbers", plain, missing, place)
    return _of_objects(_stripped(series), missing, name, place)


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


def _without_signals(series: pd.Series) -> pd.Series:
    """The cells, with a quiet NaN in place of each signaling NaN, which cannot even be compared."""
    try:
        series.isna()
    except InvalidOperation:
        given = series.tolist()
        quiet = [Decimal("NaN") if isinstance(cell, Decimal) and cell.is_snan() else cell for cell in given]
        return pd.Series(quiet, series.index, object, series.name)
    return series


def _stripped(series: pd.Series) -> NDArray[np.object_]:
    values = np.empty(len(series), object)
    values[:] = [value.strip() if isinstance(value, str) else value for value in series.tolist()]
    return values


def _of_objects(values: NDArray[np.object_], missing: NDArray[np.bool_], name: str, place: Place) -> Cells:
    kinds = {kind_of(each) for each in set(map(type, values[~missing].tolist()))}
    if "text" in kinds and kinds <= {"text", "number"}:
        texts = {value for value in values[~missing].tolist() if isinstance(value, str)}
        if kinds == {"text"} and {text.capitalize() for text in texts - cells.MISSING} <= set(BOOLS):
            held = _among(values, {text for text in texts if text.capitalize() == "True"})
            return Cells(name, "bools", held, missing | _among(values, cells.MISSING), place)
        numeric = "number" in kinds or any(map(cells.is_number, texts - cells.MISSING))
        is_missing = cells.is_missing_among_numbers if numeric else cells.is_missing
        return Cells(name, "text", values, missing | _among(values, set(filter(is_missing, texts))), place)
    if kinds <= {"number"}:
        values[missing] = 0
        return Cells(name, "numbers", values, missing, place)
    if kinds == {"bool"}:
        values[missing] = False
        return Cells(name, "bools", values, missing, place)
    remedy = REMEDIES.get(next(iter(kinds)), "Convert it") if len(kinds) == 1 else "Convert it"
    first = int((~missing).argmax())
    raise InputError(
        f"{place.column(name)} must hold numbers, text, bools or categories; "
        f"got {' and '.join(sorted(kinds))}, such as {_short(values[first])} "
        f"in {place.row(first)}. {remedy} to numbers first."
    )


def _among(values: NDArray[np.object_], texts: Set[str]) -> NDArray[np.bool_]:
    """Whether each cell is one of the texts: (N,)."""
    if not texts:
        return np.zeros(len(values), bool)
    return np.array([isinstance(value, str) and value in texts for value in values.tolist()], bool)


def _short(value: Any) -> str:
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return text if len(text) <= 42 else f"{text[:40]}..."

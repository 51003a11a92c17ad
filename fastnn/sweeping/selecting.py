"""The selection of columns and rows from a sweep's table, and the frame made of them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, all_of, one_of, shown
from fastnn.data.arrays import MOST_NUMBERS
from fastnn.sweeping.design import Design
from fastnn.sweeping.tables import Columns, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Filters",
    "as_frame",
    "checked_columns",
    "checked_levels",
    "columns_of",
    "selected",
]

Array = NDArray[Any]

FLOAT_MAX = int(np.finfo(np.float64).max)
MOST_LEVELS = 1000  # of quantiles
Comparison = Callable[[Array, Any], Any]
Filters = Sequence[tuple[str, str, Any]]

COMPARISONS: dict[str, Comparison] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda column, values: np.isin(column, list(values)),
}


def checked_columns(design: Design, columns: Sequence[str] | None = None) -> list[str]:
    """Return the names of columns, checked; by default the columns of a frame."""
    schema = design.schema()
    if columns is None:
        return ["network", *design.grid.shown, *schema.shown]
    known = ["network", *design.grid.columns, *schema.framed]
    return [one_of(name, "each of columns", known) for name in columns]


def checked_filter(design: Design, each: Any) -> tuple[str, Comparison, Any]:
    """Return a filter's column, its comparison as a function, and the value to compare with."""
    if not isinstance(each, tuple | list) or len(each) != 3:
        raise InputError(
            f"each of filters must be (column, comparison, value); got {shown(each)}. "
            'Write it like ("loss", "<", 0.01).'
        )
    name, comparison, value = each
    (name,) = checked_columns(design, [name])
    compare = COMPARISONS[one_of(comparison, "a filter's comparison", COMPARISONS)]
    words = words_in(design).get(name, ())
    if comparison != "in":
        return name, compare, _compared(name, words, value)
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        raise InputError(
            f"a filter's value must be a list if its comparison is in; got {shown(value)}. "
            'Write it like ("network", "in", [3, 70]).'
        )
    values = all_of(value, "a filter's value", MOST_NUMBERS)
    return name, compare, [_compared(name, words, each) for each in values]


def _compared(name: str, words: Sequence[str], value: Any) -> Any:
    """Return the checked value of a filter: a word for a column of words, a number for all others."""
    if not isinstance(value, str if words else Real):
        kind, example = ("a word", f'"{words[0]}"') if words else ("a number", "0.01")
        raise InputError(
            f"a filter's value must be {kind} for {name}; got {shown(value)}. Write one such as {example}."
        )
    if isinstance(value, Integral) and abs(int(value)) > FLOAT_MAX:
        return np.inf if int(value) > 0 else -np.inf  # NumPy cannot compare with an int beyond float64
    return value


def checked_levels(levels: Any) -> list[float]:
    """Return the levels of quantiles, checked."""
    if not isinstance(levels, Iterable) or isinstance(levels, str | bytes):
        raise InputError(f"levels must be a list of numbers from 0 to 1; got {shown(levels)}. Write [0.5].")
    found = all_of((_checked_level(level) for level in levels), "levels", MOST_LEVELS)
    if not found:
        raise InputError("levels must name at least one number from 0 to 1; got none. Write [0.5].")
    return found


def _checked_level(level: Any) -> float:
    number = float(level) if isinstance(level, Real) and not isinstance(level, bool) else np.nan
    if not 0 <= number <= 1:
        raise InputError(
            f"each of levels must be a number from 0 to 1; got {shown(level)}. Write 0.5 for the median."
        )
    return number


def words_in(design: Design) -> dict[str, tuple[str, ...]]:
    """The different words of the columns that hold words."""
    return design.grid.words | design.schema().words


def stored_columns(design: Design, names: Iterable[str]) -> list[str]:
    """The columns to read from a table for the columns `names` of a frame."""
    sources = dict.fromkeys(design.grid.columns, "network")
    sources |= {name: column.source for name, column in design.schema().derived.items()}
    return list(dict.fromkeys(sources.get(name, name) for name in names))


def with_derived(design: Design, read: Columns, names: Iterable[str]) -> Columns:
    """Columns of a frame, from the columns read."""
    grid, columns = design.grid, design.schema().tabled

    def made(name: str) -> Array:
        if name in grid.columns:
            return np.asarray(grid.column(name, read["network"]))
        column = columns.get(name)
        if column is None or column.per == "parameter":
            return read[name]
        codes = column.codes(read)
        # Few shared objects: 8 bytes a network, against 32 for a text each.
        return np.array(column.words, object)[codes.astype(np.intp)] if column.words else codes

    return {name: made(name) for name in names}


def selected(
    design: Design, table: Table, columns: Sequence[str] | None, filters: Filters
) -> Iterator[pd.DataFrame]:
    """Yield columns of the networks for which all filters hold, piece by piece; see `fastnn.Sweep.frame`."""
    wanted = checked_columns(design, columns)
    checked = [checked_filter(design, each) for each in filters]
    needed = dict.fromkeys([*wanted, *(name for name, _, _ in checked)])
    some, stored = False, stored_columns(design, needed)
    for read in table.read(stored):
        found = with_derived(design, read, needed)
        if checked:
            with np.errstate(over="ignore"):  # a value beyond float32 is compared as infinite
                tests = [compare(found[name], value) for name, compare, value in checked]
            kept = np.logical_and.reduce(tests)
            found = {name: column[kept] for name, column in found.items()}
            if some and not kept.any():
                continue
        some = True
        yield as_frame(design, {name: found[name] for name in wanted})
    if not some:
        yield as_frame(design, with_derived(design, design.schema().nothing(stored), wanted))


def columns_of(design: Design, table: Table, wanted: NDArray[np.int64], names: Sequence[str]) -> Columns:
    """Columns of the networks `wanted`, in the given order."""
    needed = stored_columns(design, dict.fromkeys(["network", *names]))
    pieces = [design.schema().nothing(needed)]
    pieces += table.take(needed, np.unique(wanted))
    found = {name: np.concatenate([piece[name] for piece in pieces]) for name in needed}
    missing = wanted[~np.isin(wanted, found["network"])]
    if len(missing):
        raise InputError(
            f"numbers must name networks that were finished; got {missing[0]}, which the interrupted "
            "sweep did not reach. Replay it instead."
        )
    order = np.searchsorted(found["network"], wanted)
    derived = with_derived(design, {name: column[order] for name, column in found.items()}, names)
    return {name: derived[name] for name in names}


def as_frame(design: Design, columns: Columns) -> pd.DataFrame:
    """Columns as a frame, those of words as categoricals."""
    import pandas as pd

    plain: dict[str, Any] = dict(columns)
    for name, words in words_in(design).items():
        if name in plain:
            places = {word: place for place, word in enumerate(words)}
            codes = np.fromiter(map(places.__getitem__, plain[name]), np.intp, len(plain[name]))
            plain[name] = pd.Categorical.from_codes(codes, pd.Index(words))
    return pd.DataFrame(plain)

"""Columns of a pandas DataFrame, checked and turned into numbers. The only reader that needs pandas."""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from fastnn.checking import InputError, finite_array, shown
from fastnn.columns import ChosenColumns, Column, chosen_names, coded

__all__ = ["columns_of_frame"]

NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}
CATEGORIES = {"string", "boolean", "categorical"}


def columns_of_frame(
    frame: pd.DataFrame,
    inputs: Hashable | Iterable[Hashable],
    target: Hashable | Iterable[Hashable] | None = None,
) -> ChosenColumns:
    """Return the chosen columns of `frame` as numbers, or refuse, naming column and row."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            f"frame must be a pandas DataFrame; got {shown(frame)}. Wrap it: pandas.DataFrame(...)."
        )
    names, targets = chosen_names(inputs, target, list(frame.columns), "the DataFrame")
    if len(frame) == 0:
        raise InputError("frame must have at least one row; got none. Check what filled or filtered it.")
    columns = {str(label): _column(frame[label], str(label)) for label in (*names, *targets)}
    return ChosenColumns(columns, tuple(map(str, names)), tuple(map(str, targets)))


def _column(series: pd.Series, name: str) -> Column:
    _refuse_cells(series, series.isna().to_numpy(dtype=bool), name, "hold no missing cells", "is missing")
    kind = pd.api.types.infer_dtype(series, skipna=False)
    if kind in CATEGORIES:
        return coded(series.tolist(), _distinct(series, name))
    if kind not in NUMBERS:
        raise InputError(
            f"column {name!r} must hold numbers, text, bools or categories; "
            f"got {kind} (dtype {series.dtype}). Convert it to numbers first."
        )
    numbers = _numbers(series, kind, name)
    _refuse_cells(series, ~np.isfinite(numbers), name, "be finite", "is infinite")
    return Column(finite_array(numbers, f"column {name!r}", (1,)))


def _numbers(series: pd.Series, kind: str, name: str) -> np.ndarray[Any, Any]:
    """Return the cells as a NumPy array of numbers; Python objects become int64 or float64."""
    values = series.to_numpy()
    if values.dtype != object:
        return values
    try:
        return values.astype(np.int64 if kind == "integer" else np.float64)
    except (OverflowError, ValueError, TypeError) as error:
        raise InputError(
            f"column {name!r} must hold numbers of at most 64 bits; got {error}. Rescale it first."
        ) from None


def _distinct(series: pd.Series, name: str) -> list[Any]:
    """Return the distinct values in the order of their codes."""
    present = set(series.tolist())
    if isinstance(series.dtype, pd.CategoricalDtype) and series.dtype.ordered:
        return [value for value in series.dtype.categories.tolist() if value in present]
    try:
        return sorted(present)
    except TypeError:
        raise InputError(
            f"column {name!r} must hold categories of one kind, so that they can be sorted and coded; "
            f"got {_kinds(present)}. Convert it with .astype(str)."
        ) from None


def _kinds(values: Iterable[Any]) -> str:
    return " and ".join(sorted({type(value).__name__ for value in values}))


def _refuse_cells(series: pd.Series, bad: Any, name: str, required: str, problem: str) -> None:
    """Refuse the column if a cell is bad, naming the first: its row counted from 0, and its index label."""
    if bad.any():
        first = int(bad.argmax())
        raise InputError(
            f"column {name!r} must {required}; got {int(bad.sum())} of {len(bad)}: the first, in row {first} "
            f"(index {series.index[first]!r}), {problem}. Drop or fill these rows."
        )

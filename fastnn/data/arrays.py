"""Checks of the arrays of numbers that users give."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import LARGEST_INTEGER, InputError, shown
from fastnn.data.array_likes import NamedColumn, columns_in, holds_categories, missing_cells, remedy_for

__all__ = ["MOST_NUMBERS", "finite_array", "in_dtype", "numeric_array"]

Array = NDArray[Any]

MOST_NUMBERS = 2**28
"""The most numbers of an array, 2 GiB; larger requests are refused before memory is taken."""


def in_dtype(values: Array, dtype: str, name: str) -> Array:
    """Return `values` in `dtype`; refuse them if a finite number would become infinite."""
    with np.errstate(over="ignore"):
        converted = values.astype(dtype)
    if not np.isfinite(converted).all():
        largest = float(np.abs(values).max())
        raise InputError(
            f"{name} must fit {dtype}; got a number of magnitude {largest:.3g}. "
            'Rescale it, or use dtype="float64".'
        )
    return converted


def finite_array(values: Any, name: str, dimensions: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a C-ordered float64 copy of real, finite numbers with one of the given numbers of dimensions.

    Accepted: arrays of any layout and real dtype, lists, tensors that NumPy can read, and tables and columns
    (pandas, polars, pyarrow, structured arrays) of numbers and bools.
    Refused: ragged lists, text, objects, categories, dates, complex, sparse and masked arrays, integers that
    float64 cannot hold, missing cells, NaN and infinity.
    """
    array = numeric_array(values, name)
    if array.ndim not in dimensions:
        wanted = " or ".join(str(d) for d in dimensions)
        raise InputError(
            f"{name} must have {wanted} dimension{'' if dimensions == (1,) else 's'}; "
            f"got {array.ndim}, of shape {array.shape}. {_reshaping(array.ndim, dimensions)}"
        )
    if array.size == 0:
        raise InputError(f"{name} must hold at least one number; got shape {array.shape}. Check its source.")
    with np.errstate(over="ignore"):  # a long double beyond float64 is refused below, as infinite
        numbers = array.astype(np.float64, order="C")
    _refuse_lost_integers(array, name)
    bad = ~np.isfinite(numbers)
    if bad.any():
        first = f", the first at {_position(values, bad)}" if array.ndim else ""
        raise InputError(
            f"{name} must be finite; got {int(bad.sum())} NaN or infinite value(s){first}. "
            "Drop or replace these values."
        )
    return numbers


def numeric_array(values: Any, name: str) -> NDArray[Any]:
    """Return `values` as an array of real numbers in its own dtype, or refuse it; it may share memory.

    The columns of a table are put side by side, in float64 unless all have one dtype.
    """
    if np.ma.isMaskedArray(values):
        raise InputError(
            f"{name} must be a plain array; got a masked array. Fill it or drop the masked rows."
        )
    columns = columns_in(values)
    if columns is not None:
        return _side_by_side(columns, name)
    _refuse_too_many(values, name)
    if hasattr(values, "tocsr") or hasattr(values, "todense"):
        raise InputError(f"{name} must be a dense array; got {shown(values)}. Call .toarray() on it.")
    if hasattr(values, "to_numpy") and getattr(values, "ndim", 1) == 1:
        return _column(values, name)
    array = _as_array(values, name)
    if array.dtype.kind == "c":
        raise InputError(f"{name} must hold real numbers; got dtype {array.dtype}. Take its real part.")
    if array.ndim == 0 and array.dtype.kind not in "fiub":
        table = hasattr(values, "X") and hasattr(values, "y")
        lazy = hasattr(values, "collect")
        advice = "Give an array, a list or a DataFrame of numbers"
        advice = "Give its X and its y" if table else "Call .collect() on it" if lazy else advice
        raise InputError(f"{name} must hold real numbers; got {shown(values)}. {advice}.")
    if array.dtype.kind not in "fiub":
        raise InputError(
            f"{name} must hold real numbers; got dtype {array.dtype}. "
            "Convert it with .astype(float), or make a Dataset of the table: it codes categories."
        )
    return array


def _refuse_too_many(values: Any, name: str) -> None:
    """Refuse more numbers than 2 GiB hold, before they are copied."""
    size = getattr(values, "size", None)  # a number for arrays; a method in some libraries
    count = size if isinstance(size, int) else len(values) if isinstance(values, Sequence) else 0
    if count > MOST_NUMBERS:
        raise InputError(
            f"{name} must hold at most {MOST_NUMBERS} numbers, which take 2 GiB; got {count}. "
            "Take fewer at a time."
        )


def _side_by_side(columns: list[NamedColumn], name: str) -> NDArray[Any]:
    """The columns of a table as one array (N, D)."""
    if not columns:
        return np.empty((0, 0))
    titles = [f"column {column.label!r} of {name}" for column in columns]
    arrays = [_column(column.cells, title) for column, title in zip(columns, titles, strict=True)]
    for array, title in zip(arrays, titles, strict=True):
        _refuse_lost_integers(array, title)
    if len({array.dtype for array in arrays}) > 1:
        arrays = [array.astype(np.float64) for array in arrays]
    return np.column_stack(arrays)


def _column(column: Any, title: str) -> NDArray[Any]:
    """Return a table's column as an array of real numbers (N,) in its own dtype."""
    missing = missing_cells(column)
    if missing:
        raise InputError(
            f"{title} must hold a number in each cell; got {missing} missing. Fill them or drop their rows."
        )
    array = _as_array(column, title)
    if array.ndim != 1:
        raise InputError(
            f"{title} must hold one number in each cell; got cells of shape {array.shape[1:]}. Split it."
        )
    if array.dtype.kind == "O" and len(array):
        array = _of_objects(array, title)
    if array.dtype.kind not in "fiub" or holds_categories(column):
        kind = getattr(column, "dtype", getattr(column, "type", array.dtype))
        raise InputError(
            f"{title} must hold real numbers; got dtype {kind}. Convert it to numbers, or make a Dataset of "
            "the table with Dataset.from_frame: it codes categories."
        )
    return array


def _of_objects(array: NDArray[Any], title: str) -> NDArray[Any]:
    """Return an array of Python's numbers as float64; return any other array unchanged."""
    values = array.tolist()
    if not all(isinstance(value, Real | Decimal | np.bool_) for value in values):
        return array
    whole = (value for value in values if _is_whole(value))
    lost = [value for value in whole if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER]
    if lost:
        raise _lost(title, lost[0])
    return np.array([_as_float(value) for value in values])


def _is_whole(value: Any) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, Integral)


def _as_float(value: Any) -> float:
    """Return a number as a float: infinity for a fraction too large for one, NaN for a signaling NaN."""
    try:
        return float(value)
    except OverflowError:
        return np.inf
    except ValueError:
        return np.nan


def _as_array(values: Any, name: str) -> NDArray[Any]:
    """Return `values` as NumPy's array; refuse them if NumPy cannot convert them."""
    try:
        return np.asarray(values)
    except Exception as error:  # each library raises its own
        reason = "" if "inhomogeneous" in str(error) else f": {str(error).partition('. ')[0]}"
        raise InputError(
            f"{name} must be a rectangular array of numbers; got {shown(values)}{reason}. "
            f"{remedy_for(values, str(error))}"
        ) from None


def _position(values: Any, bad: NDArray[np.bool_]) -> str:
    """The place of the first bad number: [row, column], or for a table the row and the column's name."""
    place: list[int] = np.argwhere(bad)[0].tolist()
    columns = columns_in(values)
    return f"row {place[0]} of column {columns[place[1]].label!r}" if columns else str(place)


def _reshaping(given: int, wanted: tuple[int, ...]) -> str:
    """The advice for an array with a wrong number of dimensions."""
    if given == 1 and 2 in wanted:
        return "Reshape it: [[1, 2]] is one row of two columns, reshape(-1, 1) makes one column of all."
    return "Reshape it."


def _refuse_lost_integers(array: NDArray[Any], name: str) -> None:
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        beyond = array > LARGEST_INTEGER
        if array.dtype.kind == "i":
            beyond |= array < -LARGEST_INTEGER
        if beyond.any():
            raise _lost(name, int(array[beyond].flat[0]))


def _lost(name: str, value: Any) -> InputError:
    return InputError(
        f"{name} must hold integers that float64 keeps exactly (up to 2**53); "
        f"got {shown(value)}. Subtract an offset or rescale it first."
    )

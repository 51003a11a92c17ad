"""The checks at the public door: each argument once, each refusal in three parts.

A refusal says what is required, what was given and what to do. What passes comes back as plain
Python numbers or C-ordered native arrays that share nothing with the caller's data.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from itertools import islice
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.system.array_likes import NamedColumn, columns_in, holds_categories, missing_cells, remedy_for

__all__ = [
    "LARGEST_INTEGER",
    "MOST_NUMBERS",
    "InputError",
    "ModelFileError",
    "OneSentenceError",
    "ScaleWarning",
    "all_of",
    "finite_array",
    "finite_number",
    "flag",
    "meant",
    "numeric_array",
    "one_of",
    "seed_number",
    "shown",
    "whole_number",
    "whole_numbers",
]

MOST_NUMBERS = 2**28
"""Of an array, which take 2 GiB: what is asked for is refused before memory is taken for it."""
MOST_VALUES = 1_000_000
"""Of what is given one by one; some iterators never end."""

LARGEST_INTEGER = 2**53
"""Up to here float64 keeps all whole numbers exactly."""


class OneSentenceError(Exception):
    """An error whose message is all that its reader needs; a notebook shows that instead of a traceback.

    With the environment variable FASTNN_DEBUG set a notebook shows the traceback, too. Nothing changes
    outside of notebooks and IPython, which ask an error how it wants to be shown.
    """

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        if os.environ.get("FASTNN_DEBUG"):
            raise AttributeError("IPython shows a traceback of its own where this is missing")
        return lambda: f"{type(self).__name__}: {self}".splitlines()


class InputError(OneSentenceError, ValueError):
    """Something handed to fastnn was refused before any work began."""


class ModelFileError(InputError):
    """A file is no model file of fastnn's, or is damaged: nothing of it was taken."""


class ScaleWarning(UserWarning):
    """Inputs or targets are far from 1, where networks die, diverge or learn nothing: scale them first.

    `fastnn.Dataset.from_frame` and `fastnn.load_csv` scale. Where the numbers are meant as they are,
    ``warnings.simplefilter("ignore", fastnn.ScaleWarning)`` silences it.
    """


def whole_number(value: Any, name: str, minimum: int = 0, maximum: int | None = None) -> int:
    """Return `value` as an int, or refuse it unless minimum <= value <= maximum."""
    bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        most = np.inf if maximum is None else maximum
        whole = isinstance(value, float) and value.is_integer() and minimum <= value <= most
        advice = f"Write {int(value)}" if whole else f"Give an int such as {minimum}"
        raise InputError(f"{name} must be a whole number {bounds}; got {shown(value)}. {advice}.")
    number = int(value)
    if number < minimum or (maximum is not None and number > maximum):
        raise InputError(
            f"{name} must be a whole number {bounds}; got {shown(number)}. Choose one in that range."
        )
    return number


def whole_numbers(values: Any, name: str, minimum: int = 0, maximum: int | None = None) -> list[int]:
    """Return one whole number, or some, as a list; refuse them unless each is from minimum to maximum."""
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    several = isinstance(plain, Iterable) and not isinstance(plain, str | bytes)
    checked = (whole_number(value, name, minimum, maximum) for value in (plain if several else [plain]))
    return all_of(checked, name)


def all_of(values: Iterable[Any], name: str, most: int = MOST_VALUES) -> list[Any]:
    """Return the values as a list, or refuse more than so many."""
    found = list(islice(values, most + 1))
    if len(found) > most:
        raise InputError(f"{name} must be at most {most} values; got more than that. Give fewer.")
    return found


def seed_number(value: Any, bits: int = 64) -> int:
    """Return a seed as an int, or refuse it unless 0 <= seed < 2**bits, with the one to take instead."""
    if isinstance(value, Integral) and not isinstance(value, bool | np.bool_):
        seed, seeds = int(value), 2**bits
        if not 0 <= seed < seeds:
            raise InputError(
                f"seed must be a whole number from 0 to {seeds - 1}; got {shown(seed)}. "
                f"Take seed % 2**{bits}, which is {seed % seeds}."
            )
    return whole_number(value, "seed", 0, 2**bits - 1)


def finite_number(value: Any, name: str, *, positive: bool = False) -> float:
    """Return `value` as a float, or refuse it unless it is a finite real number (above 0 if `positive`)."""
    kind = "a positive finite number" if positive else "a finite number"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise InputError(f"{name} must be {kind}; got {shown(value)}. Give a number such as 0.005.")
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number) or (positive and number <= 0):
        raise InputError(f"{name} must be {kind}; got {number!r}. Give a number such as 0.005.")
    return number


def one_of(value: Any, name: str, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the names in `choices`, else refuse it and list them."""
    known = tuple(choices)
    if not isinstance(value, str) or value not in known:
        listed = ", ".join(repr(choice) for choice in known)
        hint = meant(value, known) if isinstance(value, str) else ""
        raise InputError(
            f"{name} must be one of {listed}; got {shown(value)}{hint}. Choose one of these names."
        )
    return value


def meant(text: str, known: Iterable[str]) -> str:
    """Name what was probably meant by a text that is none of the known ones, in brackets; or nothing."""
    from difflib import get_close_matches  # only where something is refused

    names = list(known)
    longer = [name for name in names if text and name.startswith(text)]
    close = longer or get_close_matches(text, names, 1) or get_close_matches(text.lower(), names, 1)
    return f" (did you mean {close[0]}?)" if close else ""


def flag(value: Any, name: str) -> bool:
    """Return `value` if it is True or False, else refuse it."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be True or False; got {shown(value)}. Give one of the two.")
    return bool(value)


def finite_array(values: Any, name: str, dimensions: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a C-ordered float64 copy of real, finite numbers with one of the given numbers of dimensions.

    Taken are arrays of any layout and of any real dtype, lists, tensors that NumPy can read, and tables and
    columns (pandas, polars, pyarrow, structured arrays) of numbers and bools.
    Refused: ragged lists, text, objects, categories, dates, complex, sparse and masked arrays,
    integers that float64 cannot hold, missing cells, NaN and infinity.
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
            "Drop or replace what is not a number."
        )
    return numbers


def numeric_array(values: Any, name: str) -> NDArray[Any]:
    """Return `values` as an array of real numbers of its own dtype, or refuse it; it may share memory.

    The columns of a table are put side by side, in float64 unless they are of one dtype.
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
    """Refuse, before they are copied, more numbers than 2 GiB hold."""
    size = getattr(values, "size", None)  # of an array; some libraries have a method of that name
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
    """A table's column as an array of real numbers (N,) of its own dtype."""
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
    """Python's own numbers as float64; what holds anything else as it is."""
    values = array.tolist()
    if not all(isinstance(value, Real | Decimal | np.bool_) for value in values):
        return array
    whole = (value for value in values if isinstance(value, Integral | Decimal) and value % 1 == 0)
    lost = [value for value in whole if abs(int(value)) > LARGEST_INTEGER]
    if lost:
        raise _lost(title, lost[0])
    return np.array([float(value) for value in values])


def _as_array(values: Any, name: str) -> NDArray[Any]:
    """What NumPy makes of `values`, whatever it is; a refusal for whatever it cannot."""
    try:
        return np.asarray(values)
    except Exception as error:  # each library raises its own
        reason = "" if "inhomogeneous" in str(error) else f": {str(error).partition('. ')[0]}"
        raise InputError(
            f"{name} must be a rectangular array of numbers; got {shown(values)}{reason}. "
            f"{remedy_for(values, str(error))}"
        ) from None


def _position(values: Any, bad: NDArray[np.bool_]) -> str:
    """Where the first bad number stands: [row, column], or the row and the name of a table's column."""
    place: list[int] = np.argwhere(bad)[0].tolist()
    columns = columns_in(values)
    return f"row {place[0]} of column {columns[place[1]].label!r}" if columns else str(place)


def _reshaping(given: int, wanted: tuple[int, ...]) -> str:
    """What to do about an array with another number of dimensions than wanted."""
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


def shown(value: Any) -> str:
    """A short description of a refused value: its repr, or its type where that is long or fails."""
    try:
        text = repr(value)
    except Exception:  # whatever it is, it was to be refused; an int of 5000 digits has no repr
        text = ""
    return text if 0 < len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"

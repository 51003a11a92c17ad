"""The checks at the public door: each argument once, each refusal in three parts.

A refusal says what is required, what was given and what to do. What passes comes back as plain
Python numbers or C-ordered native arrays that share nothing with the caller's data.
"""

import os
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "InputError",
    "ModelFileError",
    "OneSentenceError",
    "finite_array",
    "finite_number",
    "flag",
    "numeric_array",
    "one_of",
    "shown",
    "whole_number",
    "whole_numbers",
]


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


def whole_number(value: Any, name: str, minimum: int = 0, maximum: int | None = None) -> int:
    """Return `value` as an int, or refuse it unless minimum <= value <= maximum."""
    bounds = f"of at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        whole = isinstance(value, float) and value.is_integer() and value >= minimum
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
    return [whole_number(value, name, minimum, maximum) for value in (plain if several else [plain])]


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
        raise InputError(f"{name} must be one of {listed}; got {shown(value)}. Choose one of these names.")
    return value


def flag(value: Any, name: str) -> bool:
    """Return `value` if it is True or False, else refuse it."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be True or False; got {shown(value)}. Give one of the two.")
    return bool(value)


def finite_array(values: Any, name: str, dimensions: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a C-ordered float64 copy of real, finite numbers with one of the given numbers of dimensions.

    Strided, read-only, big-endian, integer and float32 arrays, lists, DataFrames and Series are taken.
    Refused: ragged lists, text, objects, complex, sparse and masked arrays,
    integers that float64 cannot hold, NaN and infinity.
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
        first = f", the first at {np.argwhere(bad)[0].tolist()}" if array.ndim else ""
        raise InputError(
            f"{name} must be finite; got {int(bad.sum())} NaN or infinite value(s){first}. "
            "Drop or replace what is not a number."
        )
    return numbers


def numeric_array(values: Any, name: str) -> NDArray[Any]:
    """Return `values` as an array of real numbers of its own dtype, or refuse it; it may share memory."""
    if np.ma.isMaskedArray(values):
        raise InputError(
            f"{name} must be a plain array; got a masked array. Fill it or drop the masked rows."
        )
    if hasattr(values, "tocsr") or hasattr(values, "todense"):
        raise InputError(f"{name} must be a dense array; got {shown(values)}. Call .toarray() on it.")
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        reason = "" if "inhomogeneous" in str(error) else f": {error}"
        raise InputError(
            f"{name} must be a rectangular array of numbers; got {shown(values)}{reason}. "
            "Give rows of equal length."
        ) from None
    if array.dtype.kind == "c":
        raise InputError(f"{name} must hold real numbers; got dtype {array.dtype}. Take its real part.")
    if array.ndim == 0 and array.dtype.kind not in "fiub":
        table = hasattr(values, "X") and hasattr(values, "y")
        advice = "Give its X and its y" if table else "Give an array, a list or a DataFrame of numbers"
        raise InputError(f"{name} must hold real numbers; got {shown(values)}. {advice}.")
    if array.dtype.kind not in "fiub":
        raise InputError(
            f"{name} must hold real numbers; got dtype {array.dtype}{_text_columns(values)}. "
            "Convert it with .astype(float), or code its categories as numbers."
        )
    return array


def _reshaping(given: int, wanted: tuple[int, ...]) -> str:
    """What to do about an array with another number of dimensions than wanted."""
    if given == 1 and 2 in wanted:
        return "Reshape it: [[1, 2]] is one row of two columns, reshape(-1, 1) makes one column of all."
    return "Reshape it."


def _text_columns(values: Any) -> str:
    """Name a DataFrame's columns that hold no numbers, for the refusal."""
    dtypes: Any = getattr(values, "dtypes", None)
    if not hasattr(dtypes, "items"):
        return ""
    named = [str(column) for column, dtype in dtypes.items() if getattr(dtype, "kind", "O") not in "fiub"]
    return f" (columns {', '.join(named)})" if named else ""


def _refuse_lost_integers(array: NDArray[Any], name: str) -> None:
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        limit = 2**53
        beyond = (array > limit) | (array < -limit) if array.dtype.kind == "i" else array > limit
        if beyond.any():
            raise InputError(
                f"{name} must hold integers that float64 keeps exactly (up to 2**53); "
                f"got {array[beyond].flat[0]}. Subtract an offset or rescale it first."
            )


def shown(value: Any) -> str:
    """A short description of a refused value: its repr, or its type where that is long or fails."""
    try:
        text = repr(value)
    except Exception:  # whatever it is, it was to be refused; an int of 5000 digits has no repr
        text = ""
    return text if 0 < len(text) <= 60 and "\n" not in text else f"a {type(value).__name__}"

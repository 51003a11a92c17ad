"""Types of cells that are Python's objects: the kind of a type, and the numbers that float64 can hold."""

import math
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from fastnn.checking import LARGEST_INTEGER
from fastnn.data.cells import lost_integer

__all__ = ["REMEDIES", "float_of", "is_lost", "kind_of"]

REMEDIES = {
    "date or time": "Count the days or seconds from a first one, and so convert it",
    "length of time": "Call .dt.total_seconds() on it, and so convert it",
    "complex": "Take its real part, and so convert it",
    "bytes": "Decode it to text, or convert it",
}


def kind_of(cell: type) -> str:
    """The kind of cells of a type, in one or a few words."""
    if issubclass(cell, str):
        return "text"
    if issubclass(cell, bool | np.bool_):
        return "bool"
    if issubclass(cell, Real | Decimal):
        return "number"
    if issubclass(cell, date | time | np.datetime64 | pd.Period):
        return "date or time"
    return "length of time" if issubclass(cell, timedelta | np.timedelta64) else cell.__name__


def is_lost(value: Any) -> bool:
    """Whether a value is a whole number beyond those that float64 holds exactly."""
    if isinstance(value, str):
        return lost_integer(value)
    if isinstance(value, Decimal):  # abs() of a Decimal rounds, and may signal
        whole = value.is_finite() and value == value.to_integral_value()
        return bool(whole and value.copy_abs() > LARGEST_INTEGER)
    return isinstance(value, Integral) and abs(int(value)) > LARGEST_INTEGER


def float_of(value: Any) -> float:
    """Return a number as a float; infinity, which is refused later, if no float can hold it."""
    try:
        return float(value)
    except (OverflowError, ValueError):  # 10**400 / 3, a signaling NaN
        return math.inf

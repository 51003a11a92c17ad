"""Tables, columns and tensors of other libraries, told by what they offer, so that none need be installed."""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["NamedColumn", "columns_in", "holds_categories", "missing_cells", "remedy_for"]


class NamedColumn(NamedTuple):
    """A column under its label; None for one that has none."""

    label: Any
    cells: Any


def columns_in(values: Any) -> list[NamedColumn] | None:
    """Return the columns of a table (pandas, polars, pyarrow, a structured array); None for what is none."""
    if isinstance(values, np.ndarray):
        names = values.dtype.names
        return None if names is None else [NamedColumn(name, values[name]) for name in names]
    if hasattr(values, "get_columns"):  # polars
        return [NamedColumn(column.name, column) for column in values.get_columns()]
    if hasattr(values, "column_names") and hasattr(values, "columns"):  # pyarrow
        return [NamedColumn(*pair) for pair in zip(values.column_names, values.columns, strict=True)]
    if hasattr(values, "items") and hasattr(values, "columns"):  # pandas
        return [NamedColumn(*pair) for pair in values.items()]
    return None


def holds_categories(column: Any) -> bool:
    """Whether a column is of a type of categories: their numbers are names and no quantities."""
    kind = str(getattr(column, "dtype", getattr(column, "type", ""))).lower()
    return kind.startswith(("category", "categorical", "dictionary", "enum"))


def missing_cells(column: Any) -> int:
    """How many cells of a column are marked as missing, NaN apart."""
    if hasattr(column, "null_count"):  # a number in pyarrow, a method in polars
        return int(column.null_count() if callable(column.null_count) else column.null_count)
    marks = hasattr(column, "isna") and not isinstance(column.dtype, np.dtype)
    return int(column.isna().sum()) if marks else 0


def remedy_for(values: Any, reason: str) -> str:
    """What to do with something that NumPy cannot make an array of, for this reason."""
    if getattr(values, "requires_grad", False) is True:
        return "Call .detach() on it."
    if "cpu()" in reason:
        return "Call .cpu() on it."
    if ".get()" in reason:
        return "Call .get() on it."
    if "BFloat16" in reason:
        return "Call .float() on it."
    if hasattr(values, "collect"):
        return "Call .collect() on it."
    return "Give rows of equal length." if isinstance(values, list | tuple) else "Give a NumPy array of it."

"""Tables, columns and tensors of other libraries, recognised by their attributes: none need be installed."""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["NamedColumn", "columns_in", "holds_categories", "missing_cells", "remedy_for"]


class NamedColumn(NamedTuple):
    """A column and its label, None if it has no label."""

    label: Any
    cells: Any


def columns_in(values: Any) -> list[NamedColumn] | None:
    """Return the columns of a table (pandas, polars, pyarrow, a structured array); None if it is no table."""
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
    """Whether a column's type is one of categories, whose numbers are names, not quantities."""
    kind = str(getattr(column, "dtype", getattr(column, "type", ""))).lower()
    return kind.startswith(("category", "categorical", "dictionary", "enum"))


def missing_cells(column: Any) -> int:
    """The number of cells in a column that are marked as missing; NaN does not count."""
    if hasattr(column, "null_count"):  # a number in pyarrow, a method in polars
        return int(column.null_count() if callable(column.null_count) else column.null_count)
    marks = hasattr(column, "isna") and not isinstance(column.dtype, np.dtype)
    return int(column.isna().sum()) if marks else 0


def remedy_for(values: Any, reason: str) -> str:
    """The advice for values that NumPy cannot turn into an array; `reason` is NumPy's error."""
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

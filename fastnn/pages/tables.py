"""Tables, and how their cells are written: whole numbers, fractions, shares, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cell", "Format", "Table", "per_cent", "written"]

Format = str | Callable[[Any], str]
Cell = tuple[str, bool]  # a text, and whether it is a number


@dataclass(frozen=True, eq=False)
class Table:
    """A table: its columns' names above, numbers to the right, the first column as the rows' names.

    Attributes
    ----------
    rows : DataFrame, or iterable of mappings
        A DataFrame's index is not shown. Every mapping has the keys of the first.
    caption : str
        What the table tells; read out first by screen readers. May be empty.
    headings : mapping of column to str
        What to write above a column instead of its name.
    formats : mapping of column to str or function
        How to write a column's cells: ``"{:.3f}"``, or a function of one cell such as `per_cent`. Without:
        whole numbers in groups of three digits, other numbers with four digits, NaN and None as a dash,
        anything else as text.
    """

    rows: pd.DataFrame | Iterable[Mapping[str, Any]]
    caption: str = ""
    headings: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, Format] = field(default_factory=dict)

    def cells(self) -> tuple[list[Cell], list[list[Cell]]]:
        """The headings, and each row's cells, as (text, whether it is a number)."""
        found = self._columns()
        columns = [
            [(self._written(name, cell), isinstance(cell, Real)) for cell in cells]
            for name, cells in found.items()
        ]
        numbers = [all(is_number for _, is_number in column) for column in columns]
        names = [self.headings.get(name, str(name)) for name in found]
        return list(zip(names, numbers, strict=True)), [list(row) for row in zip(*columns, strict=True)]

    def _columns(self) -> dict[str, list[Any]]:
        """The cells of each column: a row of a frame would turn whole numbers into floats."""
        rows: Any = self.rows
        if hasattr(rows, "columns"):
            return {name: rows[name].tolist() for name in rows.columns}
        rows = list(rows)
        return {name: [_of_python(row[name]) for row in rows] for name in (rows[0] if rows else ())}

    def _written(self, name: str, cell: Any) -> str:
        if cell is None or (isinstance(cell, Real) and cell != cell):
            return "–"
        form = self.formats.get(name, written)
        return form.format(cell) if isinstance(form, str) else form(cell)


def _of_python(value: Any) -> Any:
    """A number of NumPy's as one of Python's, whose formats warn of nothing."""
    return value.item() if isinstance(value, np.generic) else value


def written(value: Any) -> str:
    """A value as a person would write it: 10 000, 0.03349, 1.2e-05, diverged."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    if isinstance(value, Integral):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def per_cent(value: float) -> str:
    """A fraction in per cent: 12.3 %; a dash for NaN."""
    if value != value:
        return "–"
    return f"{100 * value:.1f}\N{NARROW NO-BREAK SPACE}%"

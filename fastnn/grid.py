"""How the networks of a sweep are numbered across its grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.lettering import told_apart

__all__ = ["Cell", "Grid"]


@dataclass(frozen=True)
class Cell:
    """One learning rate and one number of rows; its networks are first, first + 1, ..."""

    learning_rate: Any
    rows: int
    first: int


@dataclass(frozen=True, eq=False)
class Grid:
    """The full grid of learning rates, numbers of rows and starts, the starts running fastest.

    Network n has start ``n % starts``; so the same start number has the same starting parameters in
    every cell, and cells compare like with like.
    """

    learning_rates: NDArray[Any]
    rows: tuple[int, ...]
    starts: int

    @property
    def total(self) -> int:
        """How many networks there are."""
        return len(self.learning_rates) * len(self.rows) * self.starts

    def cells(self) -> Iterator[Cell]:
        """The cells in the order of their networks' numbers."""
        first = 0
        for learning_rate in self.learning_rates:
            for rows in self.rows:
                yield Cell(learning_rate, rows, first)
                first += self.starts

    def name_of(self, cell: Cell) -> str:
        """What a cell is called: its learning rate, and its rows where they vary."""
        rows = f", {cell.rows} rows" if len(self.rows) > 1 else ""
        return f"learning rate {self._rates[float(cell.learning_rate)]}{rows}"

    @cached_property
    def _rates(self) -> dict[float, str]:
        """The learning rates as texts, no two alike."""
        rates = self.learning_rates.tolist()
        return dict(zip(rates, told_apart(rates), strict=True))

    def start_of(self, numbers: Any) -> Any:
        """The start number of networks."""
        return numbers % self.starts

    def learning_rate_of(self, numbers: Any) -> Any:
        """The learning rate of networks."""
        return self.learning_rates[numbers // (self.starts * len(self.rows))]

    def rows_of(self, numbers: Any) -> Any:
        """On how many rows networks are trained."""
        return np.asarray(self.rows)[numbers // self.starts % len(self.rows)]

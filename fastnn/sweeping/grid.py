"""The numbering of a sweep's networks across its grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.showing.lettering import counted, told_apart

__all__ = ["Cell", "Grid", "Numbers"]


@dataclass(frozen=True)
class Cell:
    """One learning rate and one number of rows; its networks are first, first + 1, ..."""

    learning_rate: Any
    rows: int
    first: int


@dataclass(frozen=True)
class Numbers:
    """The numbers of some networks: ascending ranges that do not overlap."""

    ranges: tuple[range, ...]

    @classmethod
    def of(cls, first: int, stop: int) -> Numbers:
        """The numbers from `first` up to, not including, `stop`."""
        return cls((range(first, stop),))

    @property
    def first(self) -> int:
        """The smallest number."""
        return self.ranges[0].start

    def __len__(self) -> int:
        return sum(map(len, self.ranges))

    def __str__(self) -> str:
        return " and ".join(f"{some.start} to {some.stop - 1}" for some in self.ranges)

    def array(self) -> NDArray[np.int64]:
        """All numbers as an array (m,)."""
        return np.concatenate([np.arange(some.start, some.stop) for some in self.ranges])


@dataclass(frozen=True, eq=False)
class Grid:
    """The full grid of learning rates, numbers of rows and starts; the starts vary fastest.

    Network n has start ``n % starts``. So a start number means the same starting parameters in every cell,
    and comparing cells compares like with like.
    """

    learning_rates: NDArray[Any]
    rows: tuple[int, ...]
    starts: int

    @property
    def total(self) -> int:
        """The number of networks."""
        return len(self.learning_rates) * len(self.rows) * self.starts

    def cells(self, within: range | None = None) -> Iterator[Cell]:
        """The cells, by ascending numbers of their networks; if given, only those that meet `within`."""
        numbers = range(self.total) if within is None else within
        for cell in range(numbers.start // self.starts, -(-numbers.stop // self.starts)):
            rate, rows = divmod(cell, len(self.rows))
            yield Cell(self.learning_rates[rate], self.rows[rows], cell * self.starts)

    def parts(self, numbers: Numbers) -> Iterator[tuple[range, Cell]]:
        """Pairs of a range of numbers and a cell that contains some of it."""
        return ((some, cell) for some in numbers.ranges for cell in self.cells(some))

    def name_of(self, cell: Cell) -> str:
        """The name of a cell for people: its learning rate, and its rows if they vary."""
        rows = f", {counted(cell.rows, 'row')}" if len(self.rows) > 1 else ""
        return f"learning rate {self._rates[float(cell.learning_rate)]}{rows}"

    @cached_property
    def _rates(self) -> dict[float, str]:
        """The learning rates as texts, all different."""
        rates = self.learning_rates.tolist()
        return dict(zip(rates, told_apart(rates), strict=True))

    def start_of(self, numbers: Any) -> Any:
        """The start numbers of networks."""
        return numbers % self.starts

    def learning_rate_of(self, numbers: Any) -> Any:
        """The learning rates of networks."""
        return self.learning_rates[numbers // (self.starts * len(self.rows))]

    def rows_of(self, numbers: Any) -> Any:
        """The numbers of rows that networks are trained on."""
        return np.asarray(self.rows)[numbers // self.starts % len(self.rows)]

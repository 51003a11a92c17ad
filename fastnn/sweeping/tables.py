"""Where a sweep's rows lie: in memory here, in a store elsewhere. A `Sweep` asks both in the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastnn.sweeping.design import Design

__all__ = ["Columns", "MemoryTable", "Table", "table_digest"]

Array = NDArray[Any]
Columns = dict[str, Array]

DIGEST_ROWS = 1 << 13


class Table(Protocol):
    """Rows in the order of their networks' numbers."""

    def __len__(self) -> int: ...

    def read(self, names: Sequence[str], within: range | None = None) -> Iterator[Columns]:
        """Some columns, piece by piece: network, losses, diverged, curve (m, n) and parameters by name.

        `within` leaves out networks of other numbers.
        """

    def take(self, names: Sequence[str], numbers: NDArray[np.int64]) -> Iterator[Columns]:
        """The same of networks of some sorted numbers, those left out that are not there."""

    def parameters(self, names: Sequence[str] = ()) -> Iterator[tuple[Columns, Array]]:
        """Some columns and all parameters (m, P), piece by piece."""

    def kept_digest(self) -> str | None:
        """The digest over all rows, if it has been kept beside them."""


@dataclass(frozen=True, eq=False)
class MemoryTable:
    """All rows in arrays: one piece. `matrix` (m, P) has the parameters by `names`, `columns` the rest."""

    names: tuple[str, ...]
    matrix: Array
    columns: Columns

    def __len__(self) -> int:
        return len(self.matrix)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the networks, ascending."""
        return self.columns["network"]

    def read(self, names: Sequence[str], within: range | None = None) -> Iterator[Columns]:
        rows = slice(None)
        if within is not None:
            first, stop = np.searchsorted(self.numbers, [within.start, within.stop])
            rows = slice(int(first), int(stop))
        yield {name: self._column(name)[rows] for name in names}

    def take(self, names: Sequence[str], numbers: NDArray[np.int64]) -> Iterator[Columns]:
        rows = np.searchsorted(self.numbers, numbers)
        numbers, rows = numbers[rows < len(self)], rows[rows < len(self)]
        rows = rows[self.numbers[rows] == numbers]
        yield {name: self._column(name)[rows] for name in names}

    def parameters(self, names: Sequence[str] = ()) -> Iterator[tuple[Columns, Array]]:
        yield next(self.read(names)), self.matrix

    def kept_digest(self) -> str | None:
        return None

    def _column(self, name: str) -> Array:
        found = self.columns.get(name)
        return self.matrix[:, self.names.index(name)] if found is None else found


def table_digest(design: Design, table: Table) -> str:
    """One digest over all rows in their order: the same for the same bits, wherever they lie.

    SHA-256 over the names of the columns, and then over every row: network (int64), rows (int64), diverged
    (int32), learning rate, losses and parameters in the sweep's dtype, little-endian, without gaps. All NaNs
    are alike.
    """
    number = np.dtype(design.plan.dtype).newbyteorder("<")
    names, losses = design.plan.network.parameter_names, design.losses
    row = np.dtype(
        [
            *(("network", "<i8"), ("rows", "<i8"), ("diverged", "<i4"), ("learning_rate", number)),
            *((name, number) for name in losses),
            ("parameters", number, (len(names),)),
        ]
    )
    digest = sha256(f"{design.plan.dtype} {' '.join([*losses[1:], *names])}\n".encode())
    for columns, parameters in table.parameters(("network", *losses, "diverged")):
        for first in range(0, len(parameters), DIGEST_ROWS):
            some = slice(first, first + DIGEST_ROWS)
            numbers = columns["network"][some]
            records = np.zeros(len(numbers), row)
            records["network"], records["diverged"] = numbers, columns["diverged"][some]
            records["rows"] = design.grid.rows_of(numbers)
            records["learning_rate"] = design.grid.learning_rate_of(numbers)
            records["parameters"] = parameters[some]
            records["parameters"][records["diverged"] > 0] = np.nan
            for name in losses:
                records[name] = columns[name][some]
                records[name][np.isnan(records[name])] = np.nan
            digest.update(records.tobytes())
    return digest.hexdigest()

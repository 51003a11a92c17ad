"""The tables of sweeps: what a `Sweep` asks of its rows, and the table in memory. A store has another."""

from __future__ import annotations

import json
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
        """Yield some columns piece by piece: network, and those that a `Schema` keeps: parameters by
        their names, those of epochs as (m, n).

        If `within` is given, only networks with these numbers are read.
        """

    def take(self, names: Sequence[str], numbers: NDArray[np.int64]) -> Iterator[Columns]:
        """Yield the same for networks given by sorted numbers; missing networks are left out."""

    def parameters(self, names: Sequence[str] = ()) -> Iterator[tuple[Columns, Array]]:
        """Yield some columns and all parameters (m, P), piece by piece."""

    def kept_digest(self) -> str | None:
        """The digest over all rows, if one is stored beside them; else None."""


@dataclass(frozen=True, eq=False)
class MemoryTable:
    """A table in arrays: one piece. `matrix` (m, P) holds the parameters `names`, `columns` the rest."""

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
    """Return one digest over all rows, in order: the same bits give the same digest, wherever they lie.

    It is the SHA-256 over the names of the columns that not every sweep has, then over every row: network
    (int64), rows (int64), diverged (int32) and other whole numbers, learning rate, losses and parameters in
    the sweep's dtype, little-endian, without gaps. Every NaN counts as the same NaN. Curves are left out.
    Where the grid varies anything else, its values, as a store's manifest has them, follow the names, and a
    row begins with the place of its value (int64).
    """
    others = [axis for axis in design.grid.axes if axis.shown and not axis.always]
    schema = design.schema()
    number = np.dtype(design.plan.dtype).newbyteorder("<")
    kept = [column for column in schema.ordered if column.per == "network" and not column.source]
    whole = [column.name for column in kept if column.whole]
    losses = [column.name for column in kept if not column.whole]
    dtypes = {column.name: np.dtype(schema.dtype_of(column)).newbyteorder("<") for column in kept}
    row = np.dtype(
        [
            *((f"place of {axis.name}", "<i8") for axis in others),
            *(("network", "<i8"), ("rows", "<i8"), *((name, dtypes[name]) for name in whole)),
            *(("learning_rate", number), *((name, dtypes[name]) for name in losses)),
            ("parameters", number, (len(schema.names),)),
        ]
    )
    of_some = [column.name for column in kept if column.needs]
    digest = sha256(f"{design.plan.dtype} {' '.join([*of_some, *schema.names])}\n".encode())
    for axis in others:
        digest.update(f"{axis.name} {json.dumps(axis.plain, sort_keys=True)}\n".encode())
    for columns, parameters in table.parameters(("network", *dtypes)):
        for first in range(0, len(parameters), DIGEST_ROWS):
            some = slice(first, first + DIGEST_ROWS)
            numbers = columns["network"][some]
            records = np.zeros(len(numbers), row)
            records["network"] = numbers
            for name in dtypes:
                records[name] = columns[name][some]
            records["rows"] = design.grid.column("rows", numbers)
            records["learning_rate"] = design.grid.column("learning_rate", numbers)
            for axis in others:
                records[f"place of {axis.name}"] = design.grid.place_of(axis.name, numbers)
            records["parameters"] = parameters[some]
            records["parameters"][records["diverged"] > 0] = np.nan
            for name in ("parameters", *losses):
                records[name][np.isnan(records[name])] = np.nan
            digest.update(records.tobytes())
    return digest.hexdigest()

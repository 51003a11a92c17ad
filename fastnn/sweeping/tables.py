"""Where a sweep's rows lie: in memory here, in a store elsewhere. A `Sweep` asks both in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastnn.sweeping.design import Design
from fastnn.system.floating_point import ieee

__all__ = ["Columns", "MemoryTable", "Table", "quantiles", "table_digest"]

Array = NDArray[Any]
Columns = dict[str, Array]

AT_ONCE = 1 << 22  # numbers that quantiles sort in memory, 32 MB; more they count
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


@ieee
def quantiles(read: Callable[[], Iterator[Array]], levels: Sequence[float]) -> NDArray[np.float64]:
    """Quantiles of numbers that come in pieces, by linear interpolation, as `np.quantile` has them.

    Exact, and in memory that does not grow with how many there are: beyond `AT_ONCE` the numbers at the
    ranks in question are found by counting, in four passes of 16 bits. NaN if there are none.

    Parameters
    ----------
    read : callable
        Begins a pass: yields arrays of finite numbers.
    levels : sequence of float
        From 0 to 1.
    """
    count = sum(len(piece) for piece in read())
    if count == 0:
        return np.full(len(levels), np.nan)
    if count <= AT_ONCE:
        return np.quantile(np.concatenate(list(read())).astype(np.float64), levels)
    places = np.asarray(levels, np.float64) * (count - 1)
    below = np.floor(places).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    values = _at_ranks(read, {int(rank) for rank in (*below, *above)})
    pairs = [[values[int(low)], values[int(high)]] for low, high in zip(below, above, strict=True)]
    return np.array([np.quantile(pair, place % 1) for pair, place in zip(pairs, places, strict=True)])


def _at_ranks(read: Callable[[], Iterator[Array]], ranks: set[int]) -> dict[int, float]:
    """The numbers that would stand at some places if all were sorted."""
    found = dict.fromkeys(ranks, 0)  # the leading bits known so far
    left = {rank: rank for rank in ranks}  # the place among the numbers that share those bits
    for shift in (48, 32, 16, 0):
        counts = {bits: np.zeros(1 << 16, np.int64) for bits in found.values()}
        for piece in read():
            keys = _sortable(piece)
            for bits, counted in counts.items():
                some = keys if shift == 48 else keys[keys >> np.uint64(shift + 16) == bits]
                digits = (some >> np.uint64(shift)).astype(np.int64) & 0xFFFF
                counted += np.bincount(digits, minlength=1 << 16)
        for rank, bits in found.items():
            running = counts[bits].cumsum()
            digit = int(np.searchsorted(running, left[rank], side="right"))
            left[rank] -= int(running[digit - 1]) if digit else 0
            found[rank] = bits << 16 | digit
    return {rank: _number(bits) for rank, bits in found.items()}


def _sortable(numbers: Array) -> NDArray[np.uint64]:
    """Keys that are ordered as float64 numbers are."""
    keys = numbers.astype(np.float64).view(np.uint64)
    top = np.uint64(1 << 63)
    return np.where(keys >= top, ~keys, keys | top)


def _number(key: int) -> float:
    top = 1 << 63
    bits = key ^ top if key >= top else key ^ ((1 << 64) - 1)
    return float(np.array(bits, np.uint64).view(np.float64))


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

"""The opening of a store as a `Sweep`, which reads shard by shard when something is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.sweeping.design import Design
from fastnn.sweeping.results import Sweep
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.store.layout import RESULTS
from fastnn.sweeping.tables import Columns
from fastnn.system.paths import folder_given

__all__ = ["StoredTable", "open", "stored_sweep"]

Array = NDArray[Any]


class StoredTable:
    """The rows of the shards that were done when this table was made."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.names = store.manifest.schema.names
        self.layout = store.manifest.shards
        self.there = np.zeros(self.layout.count, bool)
        self.there[store.done()] = True
        self.rows = sum(map(self.layout.rows, np.flatnonzero(self.there).tolist()))

    def __len__(self) -> int:
        return self.rows

    def read(self, names: Sequence[str], within: range | None = None) -> Iterator[Columns]:
        wanted = range(self.layout.total) if within is None else within
        listed = self._listed()
        for some in self.layout.stretches(wanted):
            yield from self._pieces(names, np.arange(some.start, some.stop), listed)

    def take(self, names: Sequence[str], numbers: NDArray[np.int64]) -> Iterator[Columns]:
        listed = self._listed()
        for first in range(0, len(numbers), self.layout.size):
            yield from self._pieces(names, numbers[first : first + self.layout.size], listed)

    def parameters(self, names: Sequence[str] = ()) -> Iterator[tuple[Columns, Array]]:
        for columns in self.read([*names, *self.names]):
            matrix = np.column_stack([columns[name] for name in self.names])
            yield {name: columns[name] for name in names}, matrix

    def kept_digest(self) -> str | None:
        whole = self.rows == self.layout.total
        return self.store.kept_digest() if whole else None

    def _listed(self) -> dict[str, Any]:
        return {kind: self.store.files(kind) for kind in RESULTS}

    def _pieces(
        self, names: Sequence[str], numbers: NDArray[np.int64], listed: dict[str, Any]
    ) -> Iterator[Columns]:
        """Yield columns of networks given by sorted numbers, in one piece; nothing if all are missing."""
        shards, rows = self.layout.places(numbers)
        there = self.there[shards]
        numbers, shards, rows = numbers[there], shards[there], rows[there]
        found: Columns = {}
        for shard in np.unique(shards).tolist():
            inside = np.flatnonzero(shards == shard)
            for name, column in self._read(listed, shard, names).items():
                if len(inside) == len(numbers) == len(column):  # a whole shard needs no copy
                    found[name] = column
                    continue
                room = found.setdefault(name, np.empty((len(numbers), *column.shape[1:]), column.dtype))
                room[inside] = column[rows[inside]]
        if len(numbers):
            found["network"] = numbers
            yield {name: found[name] for name in names}

    def _read(self, listed: dict[str, Any], shard: int, names: Sequence[str]) -> Columns:
        """Columns of a whole shard, without the networks' numbers, which follow from the shard's number."""
        tabled = self.store.manifest.schema.tabled
        found: Columns = {}
        for kind, per in RESULTS.items():
            own = [name for name in names if name != "network" and tabled[name].per in per]
            found |= self.store.read(kind, shard, own, listed[kind]) if own else {}
        return found


def open(store: str | PathLike[str], *, engine: str = "auto") -> Sweep:
    """Open a stored sweep, finished or not, without loading it.

    Parameters
    ----------
    store : str or path
        The folder that was given to ``fastnn.sweep(store=...)``.
    engine : str
        The engine for `Sweep.replay`: one of `fastnn.ENGINES`, or "auto".

    Returns
    -------
    Sweep
        It has the shards that are done now, and reads them when something is asked for. Before a shard is
        read, its bytes and its content are checked. If another arithmetic than this version's computed the
        shards, ``foreign`` says so, and they can only be read.

    Raises
    ------
    InputError
        If the folder is not a store.
    StoreError
        If the manifest or the kept inputs are damaged. Later, when a damaged shard is read.

    Examples
    --------
    >>> fastnn.open("night").frame(["network", "loss"], [("loss", "<", 0.01)])  # doctest: +SKIP
    """
    found = Store.at(folder_given(store, "store").absolute())
    return stored_sweep(found, found.design(engine))


def stored_sweep(store: Store, design: Design, **outcome: Any) -> Sweep:
    """The `Sweep` of a store; `outcome` are attributes of the `Sweep` that tell how its last run ended."""
    every = int(store.manifest.plan["curves"])
    foreign = store.manifest.foreign
    return Sweep(
        design, StoredTable(store), store=store.folder, curves_every=every, foreign=foreign, **outcome
    )

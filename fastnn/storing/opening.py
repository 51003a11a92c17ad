"""A store as a `Sweep`: read shard by shard, when something is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.designing import Design
from fastnn.paths import folder_given
from fastnn.storing.folder import Store
from fastnn.sweep_results import Sweep
from fastnn.sweep_tables import Columns

__all__ = ["StoredTable", "open", "stored_sweep"]

Array = NDArray[Any]


class StoredTable:
    """The rows of the shards that were done when it was made."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.network = store.manifest.network
        self.shards = store.done()
        self.rows = sum(len(store.manifest.numbers(shard)) for shard in self.shards)

    def __len__(self) -> int:
        return self.rows

    def read(self, names: Sequence[str], within: range | None = None) -> Iterator[Columns]:
        listed = {kind: self.store.files(kind) for kind in ("shard", "curves")}
        for shard in self.shards:
            numbers = self.store.manifest.numbers(shard)
            if within is not None and (numbers.stop <= within.start or within.stop <= numbers.start):
                continue
            yield self._cut(self._read(listed, shard, names), numbers, within)

    def take(self, names: Sequence[str], numbers: NDArray[np.int64]) -> Iterator[Columns]:
        listed = {kind: self.store.files(kind) for kind in ("shard", "curves")}
        size = self.store.manifest.shard_size
        for shard in np.intersect1d(numbers // size, self.shards).tolist():
            inside = numbers[numbers // size == shard] - shard * size
            columns = self._read(listed, shard, names)
            yield {name: column[inside] for name, column in columns.items()}

    def parameters(self, names: Sequence[str] = ()) -> Iterator[tuple[Columns, Array]]:
        for columns in self.read([*names, *self.network.parameter_names]):
            matrix = np.column_stack([columns[name] for name in self.network.parameter_names])
            yield {name: columns[name] for name in names}, matrix

    def kept_digest(self) -> str | None:
        whole = self.rows == self.store.manifest.total
        return self.store.kept_digest() if whole else None

    def _read(self, listed: dict[str, Any], shard: int, names: Sequence[str]) -> Columns:
        own = [name for name in names if name != "curve"]
        found = self.store.read("shard", shard, own, listed["shard"]) if own else {}
        if "curve" in names:
            found |= self.store.read("curves", shard, ["curve"], listed["curves"])
        return found

    def _cut(self, columns: Columns, numbers: range, within: range | None) -> Columns:
        if within is None:
            return columns
        some = slice(max(0, within.start - numbers.start), max(0, within.stop - numbers.start))
        return {name: column[some] for name, column in columns.items()}


def open(store: str | PathLike[str], *, engine: str = "auto") -> Sweep:
    """Open a stored sweep, finished or not, without loading it.

    Parameters
    ----------
    store : str or path
        The folder that was given to ``fastnn.sweep(store=...)``.
    engine : str
        What `Sweep.replay` runs: one of `fastnn.ENGINES`, or "auto".

    Returns
    -------
    Sweep
        Of the shards that are done now. It reads them when something is asked for, each after its bytes
        were found to be those that were written.

    Raises
    ------
    InputError
        If the folder is no store.
    StoreError
        If the manifest or the kept inputs are damaged; later, when a damaged shard is read.

    Examples
    --------
    >>> fastnn.open("night").frame(["network", "loss"], [("loss", "<", 0.01)])  # doctest: +SKIP
    """
    found = Store.at(folder_given(store, "store"))
    return stored_sweep(found, found.design(engine))


def stored_sweep(store: Store, design: Design, **outcome: Any) -> Sweep:
    """The `Sweep` of a store; `outcome` says how the run that filled it ended."""
    every = int(store.manifest.plan["curves"])
    return Sweep(design, StoredTable(store), store=store.folder, curves_every=every, **outcome)

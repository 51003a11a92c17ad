"""The places for the results of a sweep: memory, or a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import randrange
from threading import Lock
from typing import Any, Protocol

import numpy as np

from fastnn.checking import InputError
from fastnn.showing.lettering import counted
from fastnn.sweeping.columns import Schema
from fastnn.sweeping.design import Design, Part, Results, refuse_divergence
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.results import Sweep
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.tables import MemoryTable
from fastnn.system.progress import size
from fastnn.training.evaluating import within_memory
from fastnn.training.sharing import shared_out, total_seconds

__all__ = ["Memory", "Place", "Stored"]

# The largest number of networks that an executor is handed at a time, if the results stay in memory.
SHARD = 1 << 12


class Place(Protocol):
    """A place, as threads and executors use it."""

    design: Design
    every: int  # the loss of every `every`-th epoch is kept; 0: none
    curve_dtype: str

    @property
    def done(self) -> int:
        """The number of finished networks."""

    def parts(self, workers: int) -> Iterator[Part]:
        """Yield the missing networks in parts, each with arrays of its own, made on demand."""

    def shards(self, workers: int) -> Iterator[Numbers]:
        """Yield the numbers of the missing networks, shard by shard, for a number of workers."""

    def keep(self, results: Results) -> None:
        """Keep the results of a part or a shard."""

    def recount(self) -> int:
        """Count the finished networks again; return how many are missing, which `shards` yields again."""

    def lacks(self, numbers: Numbers) -> bool:
        """Whether a shard is missing."""

    def cost(self) -> tuple[int, str]:
        """The number of bytes that the missing results will take, and where."""

    def sweep(self, **outcome: Any) -> Sweep:
        """The results so far."""


class Memory:
    """All results in one set of arrays."""

    def __init__(self, design: Design, every: int) -> None:
        self.design, self.every, self.curve_dtype = design, every, design.plan.dtype
        self.schema = design.schema(every, self.curve_dtype)
        if every:
            remedy = "Sweep fewer networks, keep fewer epochs, use a store, or replay single networks."
            itemsize = np.dtype(self.curve_dtype).itemsize
            shape = (design.grid.total, self.schema.bytes_per_network("epoch") // itemsize)
            within_memory("loss curves", shape, itemsize, remedy)
        try:
            self.results = design.room(Numbers.of(0, design.grid.total), every)
            self.finished = np.zeros(design.grid.total, bool)
        except (MemoryError, OverflowError, ValueError):  # too large for memory, an integer, or NumPy
            raise InputError(_too_large(self.schema, design.grid.total)) from None

    @property
    def done(self) -> int:
        return int(self.finished.sum())

    def parts(self, workers: int) -> Iterator[Part]:
        part = Part(self.design, self.results, workers)
        self.finished = part.finished
        yield part

    def shards(self, workers: int) -> Iterator[Numbers]:
        shares = shared_out([*self.design.stretches(Numbers.of(0, self.design.grid.total))], workers)
        stretches = (stretch for share in shares for stretch in share)
        pieces = (piece for one in stretches for piece in one.pieces(SHARD, min(SHARD, one.sizes.width)))
        # The long ones first, so that workers end at nearly the same time.
        every = (
            Numbers((piece.numbers,)) for piece in sorted(pieces, key=lambda piece: -total_seconds([piece]))
        )
        return (numbers for numbers in every if self.lacks(numbers))

    def keep(self, results: Results) -> None:
        if results is self.results:
            return
        places = results.numbers.array()
        for name, room in self.results.arrays.items():
            room[places] = results[name]
        self.finished[places] = True

    def recount(self) -> int:
        return int((~self.finished).sum())

    def lacks(self, numbers: Numbers) -> bool:
        return not self.finished[numbers.array()].all()

    def cost(self) -> tuple[int, str]:
        return sum(array.nbytes for array in self.results.arrays.values()), "of memory"

    def sweep(self, **outcome: Any) -> Sweep:
        kept: Any = slice(None) if self.finished.all() else self.finished
        columns = {column.name: self.results[column.array][kept] for column in self.schema.kept}
        matrix = columns.pop("parameters")
        columns["network"] = np.flatnonzero(self.finished)
        table = MemoryTable(self.schema.names, matrix, columns)
        return Sweep(self.design, table, curves_every=self.every, **outcome)


def _too_large(schema: Schema, networks: int) -> str:
    return (
        "the results of a sweep without a store must fit into memory; got "
        f"{counted(networks, 'network')}, whose results take {size(networks * schema.bytes_per_network())}. "
        "Sweep fewer networks, or name a folder that keeps them: store=FOLDER."
    )


class Stored:
    """A store, with its missing shards."""

    def __init__(
        self, design: Design, every: int, folder: Path, refuse: bool, names: dict[str, Any] | None
    ) -> None:
        # Imports pyarrow, which a sweep in memory does not need.
        from fastnn.sweeping.store.folder import Store

        self.design, self.every, self.curve_dtype = design, every, "float32"
        self.store = Store.begin(folder, design, every, names)
        self.set_aside = self.store.set_aside_damaged()
        self.store.keep_inputs(design)
        self.found = self.store.done()
        if refuse:
            self._refuse_divergence()
        self.lock = Lock()
        self._find_missing(self.found)

    @property
    def done(self) -> int:
        return self._done

    def _refuse_divergence(self) -> None:
        for shard in self.found:
            columns = self.store.read("shard", shard, ["diverged"])
            refuse_divergence(self.design, Results(self.store.manifest.numbers(shard), columns))

    def parts(self, workers: int) -> Iterator[Part]:
        for numbers in self.shards(workers):
            yield Part(self.design, self.design.room(numbers, self.every, self.curve_dtype), workers)

    def shards(self, workers: int) -> Iterator[Numbers]:
        # A random first shard: two processes on one store then share the work. Shards that the other has
        # finished meanwhile are left out.
        begin = randrange(max(1, len(self.missing)))  # noqa: S311 - no secret
        for shard in map(int, np.roll(self.missing, -begin)):
            if shard not in self.store.done():
                yield self.store.manifest.numbers(shard)
            else:
                self._count(self.store.manifest.shards.rows(shard))

    def _find_missing(self, found: Sequence[int]) -> None:
        self.missing = self.store.missing(found)
        self._done = sum(map(self.store.manifest.shards.rows, found))

    def recount(self) -> int:
        self._find_missing(self.store.done())
        return self.design.grid.total - self._done

    def lacks(self, numbers: Numbers) -> bool:
        return self.store.shard_of(numbers) not in self.store.done()

    def keep(self, results: Results) -> None:
        self.store.keep(results)
        self._count(len(results))

    def _count(self, networks: int) -> None:
        with self.lock:
            self._done += networks

    def cost(self) -> tuple[int, str]:
        each = self.store.manifest.schema.bytes_per_network()
        shards = counted(len(self.missing), "shard")
        where = f"in {shards} in {self.store.folder}"
        aside = "".join(f"; set aside: {fault}" for fault in self.set_aside)
        return each * (self.design.grid.total - self.done), where + aside

    def sweep(self, **outcome: Any) -> Sweep:
        from fastnn.sweeping.store.opening import stored_sweep

        found = stored_sweep(self.store, self.design, **outcome)
        if len(found) == self.design.grid.total and not outcome["interrupted"]:
            self._keep_digest(found)
        return found

    def _keep_digest(self, found: Sweep) -> None:
        """Keep the digest of a finished table; an earlier digest must be the same."""
        before = self.store.kept_digest()
        if before is not None and not found.ran:
            return
        digest = found.table_digest()
        if before is not None and before != digest:
            raise StoreError(
                f"the finished table must have the digest kept in {self.store.folder}, {before}; it has "
                f"{digest}. A shard got other bits than before: compare the machines and versions."
            )
        self.store.keep_digest(digest)

"""The shards of a store, cut so that the store can grow without changing a shard.

A store begins with some starts in every cell of the grid, and may grow by further starts. Starts that are
added together are cut into shards of their own, cell after cell; these shards get the next free numbers. No
shard has networks of two cells. The sweep numbers its networks cell by cell, so the networks' numbers change
when the store grows. Therefore a shard holds starts, and the networks' numbers are computed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fastnn.sweeping.grid import Numbers

__all__ = ["Shards"]

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Shards:
    """The shards of a store with `cells` cells, each of at most `size` networks.

    `starts` holds the number of starts of each cell: at first, after the store has grown once, and so on.
    """

    cells: int
    starts: tuple[int, ...]
    size: int

    @property
    def total(self) -> int:
        """The number of networks."""
        return self.cells * self.starts[-1]

    @property
    def count(self) -> int:
        """The number of shards."""
        return int(self._firsts[-1])

    @cached_property
    def _edges(self) -> Whole:
        """The first start of each addition, then the end of the last addition."""
        return np.array([0, *self.starts], np.int64)

    @cached_property
    def _each(self) -> Whole:
        """The number of shards of a cell, for each addition."""
        return -(-np.diff(self._edges) // self.size)

    @cached_property
    def _firsts(self) -> Whole:
        """The first shard of each addition, then the number of all shards."""
        return np.cumsum([0, *(self.cells * self._each)])

    @cached_property
    def _cuts(self) -> Whole:
        """The first start of each shard of a cell, ascending."""
        return np.concatenate(
            [np.arange(first, stop, self.size) for first, stop in pairwise((0, *self.starts))]
        )

    def came_with(self, shard: int) -> range:
        """All starts of the addition to which a shard belongs."""
        place = self._place(shard)
        return range(int(self._edges[place]), int(self._edges[place + 1]))

    def rows(self, shard: int) -> int:
        """The number of networks in a shard."""
        return len(self._starts_of(shard)[1])

    def numbers(self, shard: int) -> Numbers:
        """The numbers of a shard's networks, in the order of its rows."""
        cell, starts = self._starts_of(shard)
        before = cell * self.starts[-1]
        return Numbers.of(before + starts.start, before + starts.stop)

    def _starts_of(self, shard: int) -> tuple[int, range]:
        """The cell of a shard, and its starts."""
        place = self._place(shard)
        cell, part = divmod(shard - int(self._firsts[place]), int(self._each[place]))
        return cell, self.came_with(shard)[part * self.size : (part + 1) * self.size]

    def stretches(self, within: range) -> Iterator[range]:
        """Cut numbers into ranges of at most `size`, where shards end: no two ranges meet the same shard."""
        first = within.start
        while first < within.stop:
            cell, start = divmod(first + self.size, self.starts[-1])
            cut = int(self._cuts[np.searchsorted(self._cuts, start, side="right") - 1])
            stop = min(cell * self.starts[-1] + cut, within.stop)
            yield range(first, stop)
            first = stop

    def _place(self, shard: int) -> int:
        """The addition to which a shard belongs: 0 for the first starts, 1, 2, ... for later ones."""
        return int(np.searchsorted(self._firsts, shard, side="right")) - 1

    def places(self, numbers: Whole) -> tuple[Whole, Whole]:
        """The shards that hold some networks, and their rows in these shards."""
        cell, start = numbers // self.starts[-1], numbers % self.starts[-1]
        group = np.searchsorted(self._edges, start, side="right") - 1
        before = start - self._edges[group]
        shard = self._firsts[group] + cell * self._each[group] + before // self.size
        return shard, before % self.size

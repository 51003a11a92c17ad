"""The shards of a store, cut so that the store can grow without changing a shard.

A store begins with some starts in every cell of the grid, and may grow by further starts. Starts that are
added together are cut into shards of their own, cell after cell; these shards get the next free numbers. The
sweep numbers its networks cell by cell, so the networks' numbers change when the store grows. Therefore a
shard holds starts, and the networks' numbers are computed here.
"""

from __future__ import annotations

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
    def _firsts(self) -> Whole:
        """The first shard of each addition, then the number of all shards."""
        counts = [-(-self.cells * (stop - first) // self.size) for first, stop in pairwise((0, *self.starts))]
        return np.cumsum([0, *counts])

    def came_with(self, shard: int) -> range:
        """All starts of the addition to which a shard belongs."""
        place = self._place(shard)
        return range(int(self._edges[place]), int(self._edges[place + 1]))

    def rows(self, shard: int) -> int:
        """The number of networks in a shard."""
        before = (shard - int(self._firsts[self._place(shard)])) * self.size
        return min(self.size, self.cells * len(self.came_with(shard)) - before)

    def numbers(self, shard: int) -> Numbers:
        """The numbers of a shard's networks, in the order of its rows."""
        starts = self.came_with(shard)
        row = (shard - int(self._firsts[self._place(shard)])) * self.size
        end = row + self.rows(shard)
        found: list[range] = []
        while row < end:
            cell, start = divmod(row, len(starts))
            some = min(len(starts) - start, end - row)
            first = cell * self.starts[-1] + starts.start + start
            if found and found[-1].stop == first:  # in a store that never grew, cell joins cell
                found[-1] = range(found[-1].start, first + some)
            else:
                found.append(range(first, first + some))
            row += some
        return Numbers(tuple(found))

    def _place(self, shard: int) -> int:
        """The addition to which a shard belongs: 0 for the first starts, 1, 2, ... for later ones."""
        return int(np.searchsorted(self._firsts, shard, side="right")) - 1

    def places(self, numbers: Whole) -> tuple[Whole, Whole]:
        """The shards that hold some networks, and their rows in these shards."""
        cell, start = np.divmod(numbers, self.starts[-1])
        group = np.searchsorted(self._edges, start, side="right") - 1
        width = np.diff(self._edges)[group]
        row = cell * width + start - self._edges[group]
        return self._firsts[group] + row // self.size, row % self.size

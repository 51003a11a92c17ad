"""How the networks of a store are cut into shards, so that it can grow and no shard has to change.

A store begins with some starts in every cell of the grid, and may grow by more. Those that came together are
cut into shards of their own, cell after cell; the shards are numbered on from those that were there. What the
networks are numbered in the sweep does change when it grows, since its numbers run cell by cell: so a shard
holds starts, and which networks of the sweep these are is computed here.
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
    """The shards of a store of so many `cells`, of at most `size` networks each.

    `starts` says how many starts each cell had at first, how many after the store had grown once, and so on.
    """

    cells: int
    starts: tuple[int, ...]
    size: int

    @property
    def total(self) -> int:
        """How many networks there are."""
        return self.cells * self.starts[-1]

    @property
    def count(self) -> int:
        """How many shards there are."""
        return int(self._firsts[-1])

    @cached_property
    def _edges(self) -> Whole:
        """Where the starts begin that came together, and where the last of them end."""
        return np.array([0, *self.starts], np.int64)

    @cached_property
    def _firsts(self) -> Whole:
        """The first shard of those that came together, and how many there are in all."""
        counts = [-(-self.cells * (stop - first) // self.size) for first, stop in pairwise((0, *self.starts))]
        return np.cumsum([0, *counts])

    def came_with(self, shard: int) -> range:
        """The starts that came together with those of a shard."""
        place = self._place(shard)
        return range(int(self._edges[place]), int(self._edges[place + 1]))

    def rows(self, shard: int) -> int:
        """How many networks a shard has."""
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
        """Whether a shard's starts came first, or second, or later: 0, 1, ..."""
        return int(np.searchsorted(self._firsts, shard, side="right")) - 1

    def places(self, numbers: Whole) -> tuple[Whole, Whole]:
        """In which shards some networks are, and in which rows of these."""
        cell, start = np.divmod(numbers, self.starts[-1])
        group = np.searchsorted(self._edges, start, side="right") - 1
        width = np.diff(self._edges)[group]
        row = cell * width + start - self._edges[group]
        return self._firsts[group] + row // self.size, row % self.size

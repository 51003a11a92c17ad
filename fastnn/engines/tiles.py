"""Tiles of networks in the cache: their shape, and the loops of a kernel around the rows of an epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from fastnn.core.equations import Derivation
from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.core.values import TOTAL
from fastnn.engines import arguments
from fastnn.engines.form import Form
from fastnn.printing.infix import Lines

__all__ = [
    "Shape",
    "after_the_state",
    "batches",
    "places_in",
    "tile_of",
    "tiles_and_epochs",
    "vectors_line",
]


@dataclass(frozen=True)
class Shape:
    """A tile of networks: `groups` of them, each one vector of `registers` registers of `lanes` lanes.

    `rows` vectors hold a group: its state, its settings, and the total of the epoch. The state has `state`
    of them.
    """

    groups: int
    registers: int
    lanes: int
    state: int
    rows: int

    @property
    def vector(self) -> int:
        """How many networks a group has."""
        return self.registers * self.lanes

    @property
    def networks(self) -> int:
        """How many networks a tile holds."""
        return self.groups * self.vector


def tile_of(form: Form, network: Network, dtype: str, rule: Rule) -> Shape:
    """The tile of a form."""
    state = rule.state_size(network)
    rows = state + len(rule.given) + 1
    return Shape(form.groups, form.registers, form.size // np.dtype(dtype).itemsize, state, rows)


def after_the_state(derivation: Derivation) -> list[str]:
    """What follows the state of a group: its settings, then the total of the epoch."""
    return [derivation.name(symbol) for symbol in (*derivation.rule.given, TOTAL)]


def places_in(derivation: Derivation, group: str = "group") -> dict[str, str]:
    """Where all that is kept of a group lies in memory, by name."""
    names = [*map(derivation.name, derivation.state), *after_the_state(derivation)]
    return {name: f"flat[{group}, {place}]" for place, name in enumerate(names)}


def vectors_line(name: str, tile: Shape, first: int, inner: int) -> str:
    """The line that names the vectors of a tile, beginning with the one in row `first`."""
    return f"{name} = Vectors(memory, {tile.registers}, {tile.lanes}, {first}, {inner})"


@contextmanager
def tiles_and_epochs(
    rule: Rule, tile: Shape, vectors: int, dtype: str, lines: Lines, views: Iterable[str], start: str = ""
) -> Iterator[None]:
    """The loops over tiles and epochs around the loop over rows, and the copies into and out of a tile.

    `views` are written before the loops, `start` before the epochs of each tile.
    Each group has its state in the first rows of its memory, then its settings and the epoch's total.
    Lanes left over in the last group repeat the last network, bit for bit.
    """
    vector, size = tile.vector, tile.state
    whole_state = f"for p in range({size}):"
    with lines.block(f"def advance({arguments(rule)}):"):
        if rule.tiled:
            lines("rows = X.shape[0]")
            with _in_tiles(tile, vectors, dtype, lines, views, start):
                yield
            return
        lines("rows, networks = X.shape[0], state.shape[0]")
        lines(f"memory = aligned_zeros(({vectors}, {vector}), {dtype})")
        lines(*views)
        with _every_tile(tile, f"(networks + {vector - 1}) // {vector}", lines):
            with _every_lane(vector, lines):
                for column in range(tile.rows - size - 1):
                    lines(f"memory[group*{tile.rows} + {size + column}, lane] = settings[m, {column}]")
                with lines.block(whole_state):
                    lines(f"memory[group*{tile.rows} + p, lane] = state[m, p]")
            lines(*start.splitlines())
            with lines.block("for e in range(totals.shape[1]):"):
                with _every_lane(vector, lines):
                    lines(f"memory[group*{tile.rows} + {tile.rows - 1}, lane] = totals[m, e]")
                yield
                with _every_lane(vector, lines):
                    lines(f"totals[m, e] = memory[group*{tile.rows} + {tile.rows - 1}, lane]")
            if not rule.measuring:
                with _every_lane(vector, lines), lines.block(whole_state):
                    lines(f"state[m, p] = memory[group*{tile.rows} + p, lane]")


@contextmanager
def _in_tiles(
    tile: Shape, vectors: int, dtype: str, lines: Lines, views: Iterable[str], start: str
) -> Iterator[None]:
    """The loop over tiles that are given as they are to lie: one that needs no other memory is not copied."""
    numbers = tile.groups * tile.rows
    if vectors > numbers:
        lines(f"memory = aligned_zeros(({vectors}, {tile.vector}), {dtype})", *views)
    with _every_tile(tile, "tiles.shape[0]", lines):
        if vectors > numbers:
            with _every_number(tile, lines):
                lines(f"memory[group*{tile.rows} + p, lane] = tiles[first + group, p, lane]")
        else:
            lines(f"memory = tiles[first:first + groups].reshape(groups*{tile.rows}, {tile.vector})", *views)
        lines(*start.splitlines())
        yield
        if vectors > numbers:
            with _every_number(tile, lines):
                lines(f"tiles[first + group, p, lane] = memory[group*{tile.rows} + p, lane]")


@contextmanager
def _every_tile(tile: Shape, groups: str, lines: Lines) -> Iterator[None]:
    """The loop over tiles, which have nearly equal numbers of all `groups`, from the group `first` on.

    A tile of few groups takes longer for each. Measured in tiles of at most 64 networks of 2-2-1: 72 of them
    x0.88, 136 x0.91, 264 x0.96 (against full tiles, and one of what is left).
    """
    if tile.groups == 1:
        lines("groups = 1")
        with lines.block(f"for first in range({groups}):"):
            yield
        return
    lines(f"every = {groups}", f"tiled = (every + {tile.groups - 1}) // {tile.groups}")
    with lines.block("for number in range(tiled):"):
        lines("first = every*number // tiled", "groups = every*(number + 1) // tiled - first")
        yield


@contextmanager
def _every_number(tile: Shape, lines: Lines) -> Iterator[None]:
    """The loops over all numbers of a tile."""
    with (
        lines.block("for group in range(groups):"),
        lines.block(f"for p in range({tile.rows}):"),
        lines.block(f"for lane in range({tile.vector}):"),
    ):
        yield


@contextmanager
def _every_lane(vector: int, lines: Lines) -> Iterator[None]:
    """The loops over the lanes of a tile's groups, and the network `m` in each."""
    with lines.block("for group in range(groups):"), lines.block(f"for lane in range({vector}):"):
        lines(f"m = min((first + group)*{vector} + lane, networks - 1)")
        yield


@contextmanager
def batches(rule: Rule, dtype: str, lines: Lines) -> Iterator[None]:
    """The loop over the batches of an epoch, and how many rows each has; to measure, there are no batches."""
    if rule.measuring:
        lines("start, stop = 0, rows")
        yield
        return
    with lines.block("for start in range(0, rows, batch):"):
        lines("stop = min(start + batch, rows)", f"n = {dtype}(stop - start)")
        yield

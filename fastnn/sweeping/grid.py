"""The numbering of a sweep's networks across its grid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.loss import Loss
from fastnn.sweeping.axes import Axis
from fastnn.sweeping.network_axis import Networks

__all__ = ["Cell", "Grid", "Numbers"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Cell:
    """One value of every axis, by its name; the networks of the cell are first, first + 1, ..."""

    settings: Mapping[str, Any]
    first: int

    def __getitem__(self, name: str) -> Any:
        return self.settings[name]


@dataclass(frozen=True)
class Numbers:
    """The numbers of some networks: ascending ranges that do not overlap."""

    ranges: tuple[range, ...]

    @classmethod
    def of(cls, first: int, stop: int) -> Numbers:
        """The numbers from `first` up to, not including, `stop`."""
        return cls((range(first, stop),))

    @property
    def first(self) -> int:
        """The smallest number."""
        return self.ranges[0].start

    def __len__(self) -> int:
        return sum(map(len, self.ranges))

    def __str__(self) -> str:
        return " and ".join(f"{some.start} to {some.stop - 1}" for some in self.ranges)

    def array(self) -> NDArray[np.int64]:
        """All numbers as an array (m,)."""
        return np.concatenate([np.arange(some.start, some.stop) for some in self.ranges])


@dataclass(frozen=True, eq=False)
class Grid:
    """The full grid of the axes and of the starts; the first axis varies slowest, the starts vary fastest.

    Network n has start ``n % starts``. So a start number means the same starting parameters in every cell,
    and comparing cells compares like with like.
    """

    axes: tuple[Axis, ...]
    starts: int

    def __getitem__(self, name: str) -> Axis:
        return next(axis for axis in self.axes if axis.name == name)

    @cached_property
    def networks(self) -> Networks:
        """The axis of the networks."""
        return next(axis for axis in self.axes if isinstance(axis, Networks))

    @property
    def loss_kinds(self) -> list[type[Loss]]:
        """The losses by which networks are trained, without their settings."""
        return list(dict.fromkeys(type(loss) for loss in self["loss"].values))

    def has(self, numbers: Any) -> NDArray[np.bool_]:
        """Whether networks have each column of parameters: (m, P), or (P,) for one number."""
        found: NDArray[np.bool_] = self.networks.has[self.place_of(self.networks.name, numbers)]
        return found

    @property
    def total(self) -> int:
        """The number of networks."""
        return math.prod(self._lengths) * self.starts

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(map(len, self.axes))

    def cells(self, within: range | None = None) -> Iterator[Cell]:
        """The cells, by ascending numbers of their networks; if given, only those that meet `within`."""
        numbers = range(self.total) if within is None else within
        for cell in range(numbers.start // self.starts, -(-numbers.stop // self.starts)):
            yield self._cell(cell)

    def cell_of(self, number: int) -> Cell:
        """The cell of a network."""
        return self._cell(number // self.starts)

    def _cell(self, cell: int) -> Cell:
        places = self._places(cell)
        settings = {axis.name: axis.values[place] for axis, place in zip(self.axes, places, strict=True)}
        return Cell(settings, cell * self.starts)

    def _places(self, cell: int) -> list[int]:
        """The place of a cell's value on every axis."""
        places = []
        for length in reversed(self._lengths):
            cell, place = divmod(cell, length)
            places.append(place)
        return places[::-1]

    def parts(self, numbers: Numbers) -> Iterator[tuple[range, Cell]]:
        """Pairs of a range of numbers and a cell that contains some of it."""
        return ((some, cell) for some in numbers.ranges for cell in self.cells(some))

    def name_of(self, cell: Cell, but: str = "") -> str:
        """The name of a cell for people: its learning rate, and what else varies, without the axis `but`."""
        placed = zip(self.axes, self._places(cell.first // self.starts), strict=True)
        told = ((axis, place) for axis, place in placed if axis.named or len(axis) > 1)
        return ", ".join(axis.texts[place] for axis, place in told if axis.name != but)

    @property
    def nouns(self) -> str:
        """What tables tell of a cell, in words: learning rate and number of rows."""
        *most, last = (axis.noun for axis in self.axes if axis.shown)
        return f"{', '.join(most)} and {last}"

    @property
    def told(self) -> list[str]:
        """What sentences on the whole sweep tell of its settings."""
        return [axis.told for axis in self.axes if axis.told]

    @cached_property
    def columns(self) -> dict[str, Axis]:
        """All columns that tell of a cell, each with its axis."""
        return {name: axis for axis in self.axes for name in axis.columns}

    @property
    def shown(self) -> list[str]:
        """The columns that tables have unless others are named."""
        return [name for name, axis in self.columns.items() if axis.shown]

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """The different words of the columns that hold words."""
        texts = {name: axis.columns[name] for name, axis in self.columns.items()}
        return {name: tuple(dict.fromkeys(text)) for name, text in texts.items() if text.dtype.kind == "O"}

    def kind(self, name: str) -> str:
        """The kind of a column of `columns`: "text", or the dtype of its numbers."""
        dtype = self.columns[name].columns[name].dtype
        return "text" if dtype.kind == "O" else str(dtype)

    def column(self, name: str, numbers: Any) -> Any:
        """A column of `columns`, for networks."""
        axis = self.columns[name]
        return axis.columns[name][self.place_of(axis.name, numbers)]

    def described(self, cell: Cell) -> dict[str, Any]:
        """The columns of `shown`, for one cell."""
        found = {name: self.column(name, cell.first) for name in self.shown}
        return {name: getattr(value, "item", lambda value=value: value)() for name, value in found.items()}

    def place_of(self, name: str, numbers: Any) -> Any:
        """The places of networks on an axis: whose value is which of its values."""
        at = [axis.name for axis in self.axes].index(name)
        faster = math.prod(self._lengths[at + 1 :]) * self.starts
        return numbers // faster % self._lengths[at]

    def text_of(self, name: str, number: int) -> str:
        """The value of a network on an axis, in words."""
        axis = self[name]
        return axis.texts[int(self.place_of(name, number))]

    def start_of(self, numbers: Any) -> Any:
        """The start numbers of networks."""
        return numbers % self.starts

    def first_of(self, name: str) -> Grid:
        """The part of the grid with the first value of an axis."""
        axes = (replace(axis, values=axis.values[:1]) if axis.name == name else axis for axis in self.axes)
        return replace(self, axes=tuple(axes))

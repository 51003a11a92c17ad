"""The order in which the epochs visit their rows: that of the file, a shuffled one, or a given one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, flag, shown
from fastnn.core.rule import FILE, GIVEN, SHUFFLED
from fastnn.data.arrays import numeric_array
from fastnn.training.randomness import permutations

__all__ = ["FILE_ORDER", "Explicit", "Order", "Shuffled", "order_of"]

AT_ONCE = 1 << 18  # row numbers drawn, or checked, together: 2 MB


@dataclass(frozen=True)
class Order:
    """The order of the file, in every epoch; its subclasses have others."""

    name: ClassVar[str] = FILE

    @property
    def changes(self) -> bool:
        """Whether one epoch may visit the rows in another order than the epoch before."""
        return False

    def at(self, first: int) -> Order:
        """The same, where another epoch is the first to come."""
        return self

    def of(self, epoch: int, rows: int) -> NDArray[Any] | None:
        """The numbers of the rows (N,) as `epoch`, counted from 0, visits them; None for file order."""
        return None


FILE_ORDER = Order()


@dataclass(frozen=True)
class Shuffled(Order):
    """A new order in every epoch, drawn from a seed, the same for all networks."""

    name: ClassVar[str] = SHUFFLED
    seed: int

    @property
    def changes(self) -> bool:
        return True

    def of(self, epoch: int, rows: int) -> NDArray[Any]:
        at_once = max(1, AT_ONCE // rows)
        order: NDArray[np.int64] = _drawn(self.seed, rows, epoch // at_once, at_once)[epoch % at_once]
        return order


@dataclass(frozen=True, eq=False)
class Explicit(Order):
    """An order that the user gave for each epoch.

    Attributes
    ----------
    rows : (E, N) int32, read-only
        For each epoch 0 .. N-1, each once.
    first : int
        The epoch to which the first of them belongs.
    """

    name: ClassVar[str] = GIVEN
    rows: NDArray[np.int32]
    first: int = 0

    def at(self, first: int) -> Order:
        return replace(self, first=first)

    @cached_property
    def changes(self) -> bool:
        return bool((self.rows != self.rows[0]).any())

    def of(self, epoch: int, rows: int) -> NDArray[Any]:
        order: NDArray[np.int32] = self.rows[epoch - self.first if self.changes else 0]
        return order


def order_of(shuffle: Any, seed: int, row_order: Any, epochs: int, rows: int, first: int = 0) -> Order:
    """The order that `shuffle` and `row_order`, of which at most one is given, ask for.

    `first` is the first of the epochs; earlier ones are over.
    """
    shuffled = flag(shuffle, "shuffle")
    if row_order is None:
        return Shuffled(seed) if shuffled else FILE_ORDER
    if shuffled:
        raise InputError(
            "row_order must be the only order of the rows; got shuffle=True as well. Leave one of them out."
        )
    return Explicit(_checked(row_order, epochs, rows), first)


def _checked(row_order: Any, epochs: int, rows: int) -> NDArray[np.int32]:
    """Return a read-only copy of an order (E, N); refuse it unless each epoch has each row once."""
    given = numeric_array(row_order, "row_order")
    if given.shape != (epochs, rows):
        raise InputError(
            f"row_order must have a line for each of the epochs and a number for each of the rows, shape "
            f"({epochs}, {rows}); got shape {given.shape}. To repeat one order, give "
            f"numpy.tile(order, ({epochs}, 1))."
        )
    if given.dtype.kind not in "iu":
        raise InputError(
            f"row_order must hold whole numbers, those of the rows; got dtype {given.dtype}. "
            "Convert it with .astype(int)."
        )
    every = np.arange(rows)
    at_once = max(1, AT_ONCE // rows)
    for first in range(0, epochs, at_once):
        wrong = (np.sort(given[first : first + at_once], axis=1) != every).any(axis=1)
        if wrong.any():
            epoch = first + int(wrong.argmax())
            raise InputError(
                f"row_order must visit each of the rows 0 to {rows - 1} once in every epoch; got "
                f"{_fault(given[epoch])} in epoch {epoch + 1}, which is row_order[{epoch}]. "
                "Count rows from 0 and name each once."
            )
    order = given.astype(np.int32, order="C")
    order.flags.writeable = False
    return order


def _fault(order: NDArray[Any]) -> str:
    """In words, what is wrong with the order of one epoch."""
    beyond = order[(order < 0) | (order >= len(order))]
    if len(beyond):
        return f"row {shown(int(beyond[0]))}"
    visits = np.bincount(order.astype(np.intp), minlength=len(order))
    twice = int((visits > 1).argmax())
    return f"row {twice} {visits[twice]} times and row {int((visits == 0).argmax())} not at all"


@lru_cache(maxsize=4)
def _drawn(seed: int, rows: int, piece: int, at_once: int) -> NDArray[np.int64]:
    return permutations(seed, range(piece * at_once, (piece + 1) * at_once), rows)

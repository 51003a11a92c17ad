"""The orders of rows as scikit-learn draws them, by the generator of a NumPy RandomState."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Orders"]


class Orders:
    """The order of N rows, shuffled before each epoch; what a RandomState is left with is what it drew.

    Attributes
    ----------
    order : (N,) int64
        That of the last epoch.
    words : (625,) int64, or None
        Its Mersenne twister, for a loop that shuffles; None if it has another generator.
    """

    def __init__(self, random: Any, rows: int) -> None:
        self.random, self.order = random, np.arange(rows, dtype=np.int64)
        self.words: NDArray[np.int64] | None = None
        if random.get_state(legacy=False)["bit_generator"] == "MT19937":
            _, words, place, *self.rest = random.get_state()
            self.words = np.append(words.astype(np.int64), place)

    def shuffle(self) -> None:
        """Shuffle the order for one epoch, where no loop does it."""
        order = np.arange(len(self.order))
        self.random.shuffle(order)
        self.order = np.ascontiguousarray(self.order[order])

    def copied(self) -> Orders:
        """The same, to draw the same again."""
        other = copy(self)
        other.order = self.order.copy()
        other.words = None if self.words is None else self.words.copy()
        return other

    def go_on_from(self, other: Orders | None) -> None:
        """Take over what another has drawn."""
        if other is not None:
            self.order, self.words = other.order, other.words

    def leave(self) -> None:
        """Leave the RandomState as if it had drawn what the loop has."""
        if self.words is not None:
            self.random.set_state(
                ("MT19937", self.words[:624].astype(np.uint32), int(self.words[624]), *self.rest)
            )

"""Random numbers as scikit-learn draws them: those of NumPy's RandomState, and the orders of rows.

A RandomState is asked for its words by reading its memory: `get_state` and `set_state` take as long as ten
epochs of a small network (measured: 25 us each), and so does seeding a new one from the system.
"""

from __future__ import annotations

from copy import copy
from ctypes import c_uint32
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.random import MT19937, RandomState
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray
from sklearn.utils import check_random_state

__all__ = ["Orders", "give_back", "random_of"]

Words = NDArray[np.uint32]
WORDS = 624
FREE: list[_Twister] = []  # to be seeded anew: to make one takes as long as to check all that is given
MOST_FREE = 16


class _Placeholder(ISeedSequence):
    """What a Mersenne twister is made from that is seeded at once."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        return np.ones(n_words, dtype)


class _Twister(RandomState):
    """A Mersenne twister that is used again and again, so its memory is looked for once."""

    @cached_property
    def memory(self) -> Words | None:
        return _memory(self)


def random_of(seed: Any) -> RandomState:
    """The RandomState that a `random_state` of scikit-learn means."""
    if type(seed) is not int:
        known: RandomState = check_random_state(seed)
        return known
    placeholder: Any = _Placeholder()
    try:
        found = FREE.pop()
    except IndexError:
        found = _Twister(MT19937(placeholder))
    found.seed(seed)
    return found


def give_back(random: RandomState) -> None:
    """Take back one that `random_of` made of a number, and that nobody draws from any more."""
    if type(random) is _Twister and len(FREE) < MOST_FREE:
        FREE.append(random)


class Orders:
    """The order of N rows, shuffled before each epoch; what a RandomState is left with is what it drew.

    Attributes
    ----------
    order : (N,) int64
        That of the last epoch.
    words : (625,) uint32, or None
        The words of its Mersenne twister and the place of the next one, for a loop that shuffles; None if it
        has another generator.
    """

    def __init__(self, random: RandomState, rows: int) -> None:
        self.random, self.order = random, np.arange(rows, dtype=np.int64)
        self.memory = random.memory if type(random) is _Twister else _memory(random)
        self.words: Words | None = None if self.memory is None else self.memory.copy()

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
        if self.memory is not None and self.words is not None:
            self.memory[:] = self.words


def _memory(random: Any) -> Words | None:
    """The memory of a RandomState's Mersenne twister, its words and its place; None of another generator."""
    is_known = type(random._bit_generator) is MT19937 and _lies_as_known()
    return _view(random) if is_known else None


def _view(random: Any) -> Words:
    memory: Any = (c_uint32 * (WORDS + 1)).from_address(random._bit_generator.ctypes.state_address)
    return np.frombuffer(memory, np.uint32)


@cache
def _lies_as_known() -> bool:
    """Whether this NumPy keeps the words, then the place, in a row."""
    random = RandomState(0)
    random.random_sample(5)
    _, words, place, *_ = random.get_state()
    memory = _view(random)
    return bool((memory[:WORDS] == words).all() and memory[WORDS] == place)

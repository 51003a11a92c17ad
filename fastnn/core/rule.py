"""How a network is trained, as `Network` says what it is: the loss, the optimizer, the rows of a batch.

Here alone settings, such as the learning rate, become the numbers that kernels are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.core.expressions import Expression, Symbol

__all__ = ["DTYPES", "MOST_EPOCHS", "PLAIN", "Loss", "Rule", "rule_of"]

DTYPES = ("float64", "float32")
MOST_EPOCHS = 2**31 - 1  # the epoch in which a network diverged is an int32


@dataclass(frozen=True, slots=True)
class Loss:
    """What a row loses, summed over the outputs.

    Attributes
    ----------
    name : str
    words : str
        The same within a sentence.
    term : callable
        What one output adds, of its error d.
    factor : float
        The derivative of the term by the output is this times d.
    """

    name: str
    words: str
    term: Callable[[Expression], Expression]
    factor: float


SQUARED = Loss("squared", "squared error", lambda d: d * d, 2.0)


@dataclass(frozen=True)
class Rule:
    """A training rule. There is one: `PLAIN`, gradient descent on the squared error, one row at a time.

    The learning rate and the loss's factor are folded into the deltas: with ``step = -factor*learning_rate``
    a delta s is the change of its unit's bias.

    Attributes
    ----------
    loss : Loss
    optimizer : str
    batch_size : int
        Rows of a batch.
    """

    loss: Loss = SQUARED
    optimizer: str = "sgd"
    batch_size: int = 1

    @property
    def given(self) -> tuple[Symbol, ...]:
        """What a kernel is given for each network, in the order of the columns of its settings."""
        return (Symbol("step"),)

    def values(self, learning_rate: Any) -> dict[Expression, Any]:
        """The numbers that a kernel is given, worked out from the settings: floats, arrays or algebra."""
        (step,) = self.given
        return {step: -self.loss.factor * learning_rate}

    def settings(self, learning_rate: NDArray[Any]) -> NDArray[Any]:
        """The same for M networks of these learning rates (M,): an array (M, C) of their dtype."""
        columns = self.values(learning_rate).values()
        return np.stack([np.asarray(column, learning_rate.dtype) for column in columns], axis=1)

    def described(self) -> dict[str, Any]:
        """The rule as plain values, as files name it."""
        return {"loss": self.loss.name, "optimizer": self.optimizer, "batch_size": self.batch_size}


PLAIN = Rule()


def rule_of(plain: Any) -> Rule:
    """The rule that plain values describe, as `Rule.described` gives them; InputError for any other."""
    known = PLAIN.described()
    same = isinstance(plain, dict) and plain == known and all(type(plain[k]) is type(known[k]) for k in known)
    if not same:
        raise InputError(
            f"rule must be one that this version of fastnn has, {known}; got {shown(plain)}. "
            "Use the version that wrote it."
        )
    return PLAIN

"""The losses fused with the activation of the outputs: their derivative by an output's sum is its error.

The softmax and the logarithm of a probability would each lose what the other undoes. Fused, nothing is
clipped: no finite weighted sum makes a NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fastnn.core.activations import SOFTMAX
from fastnn.core.expressions import Call, Expression, Number, Select, Symbol
from fastnn.core.loss import Loss, Output, Targets
from fastnn.core.values import LOG_WHOLE, TOP

__all__ = ["CrossEntropy", "Poisson", "of_one_class"]

ZERO = Number(0.0)


@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Loss):
    """Minus the logarithm of the probability that the outputs give to what is so.

    With softmax outputs one of K classes is so: the target of its output is 1, the others are 0. With sigmoid
    outputs each is a yes, 1, or a no, 0, of its own, or a probability between them.
    """

    name: ClassVar[str] = "cross_entropy"
    words: ClassVar[str] = "cross-entropy"
    outputs: ClassVar[tuple[str, ...]] = (SOFTMAX.name, "sigmoid")
    classifies: ClassVar[bool] = True

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """From the weighted sums: the logarithm of the probability is a difference of these."""
        z, y = output.z, output.target
        if output.activation == SOFTMAX.name:
            # 0 times a difference that overflows would be NaN.
            return Select(y, ">", ZERO, y * ((TOP - z) + LOG_WHOLE), ZERO)
        below = Select(z, "<=", ZERO, z, -1.0 * z)
        return (Select(z, "<=", ZERO, ZERO, z) - y * z) + Call("log1p", Call("exp", below))

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The error."""
        return output.error

    @staticmethod
    def targets(output: str) -> Targets:
        """One class for each row with softmax; probabilities with sigmoid."""
        if output == SOFTMAX.name:
            return Targets(
                "one 1 in each row, for its class, and else 0",
                lambda Y: (np.count_nonzero(Y, axis=1) == 1) & (Y.max(axis=1) == 1),
            )
        return Targets("from 0 (no) to 1 (yes)", lambda Y: (Y >= 0) & (Y <= 1))


def of_one_class(loss: type[Loss], output: str) -> bool:
    """Whether a loss is the cross-entropy of softmax outputs whose targets are one class for each row.

    Or a function of it that is 0 where the cross-entropy is.
    """
    alike = issubclass(loss, CrossEntropy) and loss.targets is CrossEntropy.targets
    return alike and output == SOFTMAX.name


@dataclass(frozen=True, kw_only=True)
class Poisson(Loss):
    """Minus the logarithm of the probability of a count, but for what the outputs do not change."""

    name: ClassVar[str] = "poisson"
    words: ClassVar[str] = "Poisson loss"
    outputs: ClassVar[tuple[str, ...]] = ("exponential",)

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The expected count, less the target times its logarithm, which is the weighted sum."""
        return output.value - output.target * output.z

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The error."""
        return output.error

    @staticmethod
    def targets(output: str) -> Targets:
        """Counts, whole or not."""
        return Targets("0 or above", lambda Y: Y >= 0)

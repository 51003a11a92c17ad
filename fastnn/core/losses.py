"""The losses: what a row loses by its outputs.

Each is one class: its fields are its settings, `term` is what an output adds and `slope` its derivative.
Nothing else knows a loss by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.core.activations import SOFTMAX
from fastnn.core.choices import Table
from fastnn.core.expressions import Expression, Symbol
from fastnn.core.fused import CrossEntropy, Poisson
from fastnn.core.loss import Loss, Output

__all__ = ["LOSSES", "CrossEntropy", "Loss", "Poisson", "Squared", "goes_with", "need_pair", "usual_loss"]


@dataclass(frozen=True, kw_only=True)
class Squared(Loss):
    """The squared error, not halved."""

    name: ClassVar[str] = "squared"
    words: ClassVar[str] = "squared error"
    factor: ClassVar[float] = 2.0

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The square of the error."""
        return output.error * output.error

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The error."""
        return output.error


LOSSES: Table[Loss] = Table(
    "loss", (Squared, CrossEntropy, Poisson), example="fastnn.losses.Squared()", default="squared"
)


def usual_loss(output: str) -> type[Loss]:
    """The loss that is taken where none is given, for outputs of an activation."""
    return CrossEntropy if output == SOFTMAX.name else Squared


def goes_with(loss: type[Loss], output: str) -> bool:
    """Whether a loss goes with outputs of an activation."""
    return output in loss.outputs if loss.outputs else output != SOFTMAX.name


def need_pair(loss: type[Loss], output: str) -> None:
    """Refuse a loss that does not go with outputs of an activation, naming the pairs that exist."""
    if goes_with(loss, output):
        return
    fused = [each for each in LOSSES.values() if each.outputs]
    others = ", ".join(each.name for each in LOSSES.values() if not each.outputs)
    pairs = "; ".join(f"{each.name} with {' or '.join(each.outputs)}" for each in fused)
    fitting = next(each.name for each in (usual_loss(output), loss) if goes_with(each, output))
    outputs = loss.outputs or ("identity",)
    raise InputError(
        f"loss must go with the network's outputs; got {loss.name} with {output} outputs. "
        f"The pairs are: {pairs}; {others} with any but softmax. "
        f"Take loss={fitting!r}, or a Network with output={' or '.join(map(repr, outputs))}."
    )


def need_targets(loss: type[Loss], output: str, Y: NDArray[Any], prefix: str = "") -> None:
    """Refuse targets (N, K) that do not fit a loss with outputs of an activation, naming what does."""
    wanted = loss.targets(output)
    if wanted is None:
        return
    right = np.asarray(wanted.right(Y)).reshape(len(Y), -1).all(axis=1)
    if right.all():
        return
    row = int(np.argmin(right))
    raise InputError(
        f"{prefix}y must be {wanted.words}, for {loss.name} with {output} outputs; got "
        f"{shown(Y[row].tolist())} in row {row}. "
        "Give such targets, or take loss='squared' and a Network with output='identity'."
    )

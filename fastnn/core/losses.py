"""The losses: what a row loses by its outputs.

Each is one class: its fields are its settings, `term` is what an output adds and `slope` its derivative.
Nothing else knows a loss by its name.

======== ======================================== =========================
name     what an output adds, d = output - target its derivative
======== ======================================== =========================
squared  d*d                                      2*d
absolute abs(d)                                   sign(d), 0 at 0
huber    d*d; 2*delta*abs(d) - delta*delta beyond 2*d, at most 2*delta
log_cosh log(cosh(d))                             tanh(d)
quantile (1 - tau)*d; -tau*d below 0              1 - tau or -tau, 0 at 0
======== ======================================== =========================

Whatever is computed is finite for every error whose loss is; a NaN stays a NaN, so that divergence shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.core.activations import SOFTMAX
from fastnn.core.choices import Table, above_zero, setting, within_one
from fastnn.core.expressions import Call, Expression, Number, Select, Symbol
from fastnn.core.fused import CrossEntropy, Poisson
from fastnn.core.loss import Loss, Output

__all__ = [
    "LOSSES",
    "Absolute",
    "CrossEntropy",
    "Huber",
    "LogCosh",
    "Loss",
    "Poisson",
    "Quantile",
    "Squared",
    "goes_with",
    "need_pair",
    "usual_loss",
]

ZERO, ONE, LOG_2 = Number(0.0), Number(1.0), Number(math.log(2.0))


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


@dataclass(frozen=True, kw_only=True)
class Absolute(Loss):
    """The absolute error. It leads to the median of the targets; its derivative at 0 is taken to be 0."""

    name: ClassVar[str] = "absolute"
    words: ClassVar[str] = "absolute error"
    kink: ClassVar[str] = "The absolute error has no derivative where d is 0; fastnn takes 0 there."

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The size of the error."""
        return _size(output.error)

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The sign of the error."""
        return _by_sign(output.error, Number(-1.0), ONE)


@dataclass(frozen=True, kw_only=True)
class Huber(Loss):
    """The squared error up to `delta`, from there on a straight line with the same slope.

    That is twice the loss of PyTorch's ``HuberLoss`` and of Keras's ``Huber``, which halve the square:
    P. J. Huber, "Robust Estimation of a Location Parameter" (1964).

    Attributes
    ----------
    delta : float
        The error, above 0, up to which it is squared.
    """

    name: ClassVar[str] = "huber"
    words: ClassVar[str] = "Huber loss"
    factor: ClassVar[float] = 2.0

    delta: float = setting(1.0, above_zero)

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The square, or the line, which is 2*delta*size - delta*delta."""
        d, delta = output.error, given["delta"]
        size = _size(d)
        return Select(size, ">", delta, delta * size + delta * (size - delta), d * d)

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The error, at most `delta` either way."""
        d, delta = output.error, given["delta"]
        return Select(_size(d), ">", delta, Select(d, "<", ZERO, -1.0 * delta, delta), d)


@dataclass(frozen=True, kw_only=True)
class LogCosh(Loss):
    """The logarithm of cosh(error): half the square of small errors, the size of large ones less log 2."""

    name: ClassVar[str] = "log_cosh"
    words: ClassVar[str] = "log-cosh loss"

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """By exponentials of -size alone: cosh(d) - 1 is q*q/(2 + 2*q) with q = exp(-size) - 1."""
        size = _size(output.error)
        q = Call("expm1", -1.0 * size)
        near = Select(size, "<=", ONE, q * q / (2.0 + 2.0 * q), Call("exp", -2.0 * size))
        return Select(size, "<=", ONE, ZERO, size - LOG_2) + Call("log1p", near)

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The error's tanh."""
        return Call("tanh", output.error)


@dataclass(frozen=True, kw_only=True)
class Quantile(Loss):
    """The pinball loss, which leads to a quantile of the targets.

    A target above the output costs `tau` times the difference, one below it 1 - tau times: R. Koenker and
    G. Bassett, "Regression Quantiles" (1978). The derivative at 0 is taken to be 0.

    Attributes
    ----------
    tau : float
        Above 0 and below 1: the share of targets that are to lie below the outputs. 0.5 is half the absolute
        error.
    """

    name: ClassVar[str] = "quantile"
    words: ClassVar[str] = "quantile loss"
    kink: ClassVar[str] = "The quantile loss has no derivative where d is 0; fastnn takes 0 there."

    tau: float = setting(0.5, within_one)

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The error times its slope."""
        d, tau = output.error, given["tau"]
        return Select(d, "<", ZERO, -1.0 * tau * d, (1.0 - tau) * d)

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """1 - tau above 0, -tau below."""
        tau = given["tau"]
        return _by_sign(output.error, -1.0 * tau, 1.0 - tau)


def _size(d: Expression) -> Expression:
    """The absolute value of an error."""
    return Select(d, "<", ZERO, -1.0 * d, d)


def _by_sign(d: Expression, below: Expression, above: Expression) -> Expression:
    """One value below 0, another above; 0 at 0, and NaN for NaN."""
    return Select(d, ">", ZERO, above, Select(d, "<", ZERO, below, d))


LOSSES: Table[Loss] = Table(
    "loss",
    (Squared, Absolute, Huber, LogCosh, Quantile, CrossEntropy, Poisson),
    example="fastnn.losses.Huber(delta=0.5)",
    default="squared",
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

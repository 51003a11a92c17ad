"""The optimizers: what an update makes of a parameter's change, and what it remembers of former ones.

Each is one class: its fields are its settings, `states` are the letters of what it remembers for each
parameter, and `moves` are the equations of an update. Nothing else knows an optimizer by its name.

======== =============================== =========================================
name     state                           update, change = -learning_rate * gradient
======== =============================== =========================================
sgd                                      w + change
momentum v = momentum*v + change         w + v
nesterov v = momentum*v + change         w + (momentum*v + change), v as it is now
rmsprop  v = rho*v + (1 - rho)*g*g       w - rate*g/(sqrt(v) + eps)
adagrad  a = a + g*g                     w - rate*g/(sqrt(a) + eps)
adam     m = beta1*m + (1 - beta1)*g     w - alpha*m/(sqrt(v) + eps_t)
         v = beta2*v + (1 - beta2)*g*g
irprop-  e = e*up, e*down or e           w - sign(o)*e
         o = g, or 0 where g turned
======== =============================== =========================================

A state begins at 0, but for e. The velocity contains the learning rate, as in Keras and scikit-learn. PyTorch
multiplies by the rate afterwards, which is the same as long as the rate does not change. RMSProp, Adagrad and
Adam are PyTorch's (RMSprop with alpha 0.9), and Adam is optax's, too. iRprop- is PyTorch's Rprop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from fastnn.checking import InputError
from fastnn.core.choices import (
    Table,
    above_one,
    above_zero,
    below_one,
    from_zero,
    is_sequence,
    setting,
    within_one,
    yes_or_no,
)
from fastnn.core.expressions import Expression, Number, Select, Symbol, sign, sqrt
from fastnn.core.optimizer import Optimizer

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adagrad",
    "Adam",
    "IRpropMinus",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
]


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Plain gradient descent: a parameter moves by its change alone."""

    name: ClassVar[str] = "sgd"

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The parameter, plus its change."""
        return {"": p + change}


@dataclass(frozen=True, kw_only=True)
class Momentum(Optimizer):
    """Gradient descent with momentum: a parameter also moves by a part of its last move.

    Parameters
    ----------
    momentum : float, or sequence of them
        The part, from 0 up to but not including 1. A sequence is for `fastnn.sweep` alone.
    """

    name: ClassVar[str] = "momentum"
    states: ClassVar[tuple[str, ...]] = ("v",)
    momentum: float | Sequence[float] = setting(0.9, below_one)

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The velocity, then the parameter plus the velocity."""
        return {"v": given["momentum"] * state["v"] + change, "": p + state["v"]}


@dataclass(frozen=True, kw_only=True)
class Nesterov(Momentum):
    """Nesterov's momentum: the next move's part is added at once.

    Parameters
    ----------
    momentum : float, or sequence of them
        The part of the last move that is added, from 0 up to but not including 1. A sequence is for
        `fastnn.sweep` alone.
    """

    name: ClassVar[str] = "nesterov"

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The velocity, then the parameter plus what the velocity will be without a further gradient."""
        velocity = given["momentum"] * state["v"] + change
        return {"v": velocity, "": p + velocity}


@dataclass(frozen=True, kw_only=True)
class RMSProp(Optimizer):
    """Gradient descent with a rate for each parameter: divided by the root of its mean squared gradient.

    Parameters
    ----------
    rho : float, or sequence of them
        What the mean keeps of itself, from 0 up to but not including 1.
    eps : float, or sequence of them
        Added to the root; positive.
    """

    name: ClassVar[str] = "rmsprop"
    states: ClassVar[tuple[str, ...]] = ("v",)
    needs_gradient: ClassVar[bool] = True
    learning_rate: ClassVar[float | None] = 0.001
    rho: float | Sequence[float] = setting(0.9, below_one)
    eps: float | Sequence[float] = setting(1e-8, above_zero)

    @classmethod
    def columns(cls, step: Any, learning_rate: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The rate, and what is left of 1 beside rho."""
        return {"rate": learning_rate, **settings, **_rests(settings, rest="rho")}

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The mean square, then the parameter."""
        mean = given["rho"] * state["v"] + given["rest"] * (change * change)
        return {"v": mean, "": p - given["rate"] * change / (sqrt(state["v"]) + given["eps"])}


@dataclass(frozen=True, kw_only=True)
class Adagrad(Optimizer):
    """Gradient descent with a rate for each parameter: divided by the root of its summed squared gradients.

    Parameters
    ----------
    initial_sum : float, or sequence of them
        What the sum begins with, at least 0.
    eps : float, or sequence of them
        Added to the root; positive.
    """

    name: ClassVar[str] = "adagrad"
    states: ClassVar[tuple[str, ...]] = ("a",)
    needs_gradient: ClassVar[bool] = True
    learning_rate: ClassVar[float | None] = 0.01
    initial_sum: float | Sequence[float] = setting(0.0, from_zero)
    eps: float | Sequence[float] = setting(1e-10, above_zero)

    @classmethod
    def columns(cls, step: Any, learning_rate: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The rate and eps; `initial_sum` is in the state."""
        return {"rate": learning_rate} | {name: v for name, v in settings.items() if name != "initial_sum"}

    def firsts(self) -> dict[str, Any]:
        """What the sum begins with."""
        return {"a": self.initial_sum}

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The sum of squares, then the parameter."""
        total = state["a"] + change * change
        return {"a": total, "": p - given["rate"] * change / (sqrt(state["a"]) + given["eps"])}


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Gradient descent along a mean gradient, divided by the root of the mean squared gradient.

    Both means begin at 0, and are corrected for that: with two numbers for each update,
    ``alpha = rate*sqrt(1 - beta2**t)/(1 - beta1**t)`` and ``eps_t = eps*sqrt(1 - beta2**t)``. The powers are
    running products. Diederik P. Kingma and Jimmy Ba, "Adam: a method for stochastic optimization", 2015.

    Parameters
    ----------
    beta1, beta2 : float, or sequence of them
        What the mean gradient and the mean square keep of themselves, from 0 up to but not including 1.
    eps : float, or sequence of them
        Added to the corrected root; positive.
    eps_hat : bool, or sequence of them
        Add eps to the root that is not corrected, as Keras and scikit-learn do.
    """

    name: ClassVar[str] = "adam"
    states: ClassVar[tuple[str, ...]] = ("m", "v")
    shared: ClassVar[tuple[str, ...]] = ("power1", "power2")
    prepared: ClassVar[tuple[str, ...]] = ("root", "alpha", "eps_t")
    pushes: ClassVar[tuple[str, ...]] = ("m",)
    needs_gradient: ClassVar[bool] = True
    learning_rate: ClassVar[float | None] = 0.001
    beta1: float | Sequence[float] = setting(0.9, below_one)
    beta2: float | Sequence[float] = setting(0.999, below_one)
    eps: float | Sequence[float] = setting(1e-8, above_zero)
    eps_hat: float | Sequence[float] = setting(0.0, yes_or_no)

    @classmethod
    def columns(cls, step: Any, learning_rate: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The rate, the settings, and what is left of 1 beside each beta."""
        return {"rate": learning_rate, **settings, **_rests(settings, rest1="beta1", rest2="beta2")}

    def firsts(self) -> dict[str, Any]:
        """The powers of the betas before the first update."""
        return {"power1": 1.0, "power2": 1.0}

    @staticmethod
    def prepares(given: Mapping[str, Symbol]) -> dict[str, Expression]:
        """The powers of the betas, and the two corrections."""
        return {
            "power1": given["power1"] * given["beta1"],
            "power2": given["power2"] * given["beta2"],
            "root": sqrt(1.0 - given["power2"]),
            "alpha": given["rate"] * given["root"] / (1.0 - given["power1"]),
            "eps_t": given["eps"] * Select(given["eps_hat"], ">", Number(0.0), Number(1.0), given["root"]),
        }

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The mean gradient, the mean square, then the parameter."""
        return {
            "m": given["beta1"] * state["m"] + given["rest1"] * change,
            "v": given["beta2"] * state["v"] + given["rest2"] * (change * change),
            "": p - given["alpha"] * state["m"] / (sqrt(state["v"]) + given["eps_t"]),
        }


@dataclass(frozen=True, kw_only=True)
class IRpropMinus(Optimizer):
    """Steps of a size of their own for each parameter, by the sign of the gradient alone: no learning rate.

    A size grows while the sign stays, and shrinks when it turns; then there is no step, and the gradient
    counts as 0. Christian Igel and Michael Hüsken, "Improving the Rprop learning algorithm", 2000.

    Parameters
    ----------
    delta0 : float, or sequence of them
        The size of the first step, positive; within `least` and `most`.
    up, down : float, or sequence of them
        By what a size is multiplied: above 1, and above 0 but below 1.
    least, most : float, or sequence of them
        The smallest and the largest size: 0 or above it, and positive.
    """

    name: ClassVar[str] = "irprop-"
    states: ClassVar[tuple[str, ...]] = ("e", "o")
    needs_gradient: ClassVar[bool] = True
    learning_rate: ClassVar[float | None] = None
    all_rows: ClassVar[bool] = True
    delta0: float | Sequence[float] = setting(0.1, above_zero)
    up: float | Sequence[float] = setting(1.2, above_one)
    down: float | Sequence[float] = setting(0.5, within_one)
    least: float | Sequence[float] = setting(1e-6, from_zero)
    most: float | Sequence[float] = setting(50.0, above_zero)

    def __post_init__(self) -> None:
        super().__post_init__()
        least, delta0, most = self.least, self.delta0, self.most
        if any(map(is_sequence, (least, delta0, most))):
            return  # each of them alone is checked when it is made
        if not least <= delta0 <= most:  # type: ignore[operator]
            raise InputError(
                f"delta0 must be from least to most; got {delta0!r} with least={least!r} and most={most!r}. "
                "Choose another first size, or widen the two."
            )

    @classmethod
    def columns(cls, step: Any, learning_rate: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Its settings; `delta0` is in the state."""
        return {name: value for name, value in settings.items() if name != "delta0"}

    def firsts(self) -> dict[str, Any]:
        """The size of the first step."""
        return {"e": self.delta0}

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The size of the step, the gradient that counts, then the parameter."""
        e, o, zero = state["e"], state["o"], Number(0.0)
        turn = change * o
        up, down = e * given["up"], e * given["down"]
        larger = Select(up, ">", given["most"], given["most"], up)
        smaller = Select(down, "<", given["least"], given["least"], down)
        return {
            "e": Select(turn, ">", zero, larger, Select(turn, "<", zero, smaller, e)),
            "o": Select(turn, "<", zero, zero, change),
            "": p - sign(o) * e,
        }


def _rests(settings: Mapping[str, Any], **named: str) -> dict[str, Any]:
    """What is left of 1 beside settings, under new names, of those that are known."""
    return {rest: 1 - settings[name] for rest, name in named.items() if name in settings}


OPTIMIZERS: Table[Optimizer] = Table(
    "optimizer",
    (SGD, Momentum, Nesterov, RMSProp, Adagrad, Adam, IRpropMinus),
    example="fastnn.optimizers.Momentum(momentum=0.9)",
    default="sgd",
)

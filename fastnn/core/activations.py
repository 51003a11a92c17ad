"""The activations: what a unit makes of its weighted sum, and the derivative of that.

Each is one entry of `ACTIVATIONS`; nothing else knows an activation by its name. An entry is written in the
language of `fastnn.core.expressions`, so that every engine, explanation and proof is made from it. One that
has a setting is made by a function of it, listed in `SETTINGS`, and takes it in parentheses behind its name:
``leaky_relu(0.1)``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fastnn.checking import InputError, one_of, shown
from fastnn.core.expressions import Call, Expression, Number, Select, Symbol, operands

__all__ = [
    "ACTIVATIONS",
    "SETTINGS",
    "SOFTMAX",
    "Activation",
    "Setting",
    "activation",
    "checked_activation",
    "kind_of",
]

ZERO, ONE = Number(0.0), Number(1.0)

WITH_SETTING = re.compile(r"\s*(\w+)\s*\((.*)\)\s*", re.DOTALL)
SMALLEST, LARGEST = 1e-30, 1e30  # of a setting: what is above 0 and finite in float32, too


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation f, with z for a unit's weighted sum and h for its value f(z).

    Attributes
    ----------
    name : str
        With its setting, unless that is the default: "leaky_relu", "leaky_relu(0.1)".
    value : callable
        f(z), of z. The identity returns z itself: such a unit has no equation of its own.
    slope : callable
        f'(z) times what arrives, of (arriving, z, h). From h where that is possible, since h is kept anyway.
        Where z is only compared with 0, it must give the same with h in the place of z: see `keeps_sum`.
    dies : bool
        Whether value and slope are exactly 0 for z <= 0. A unit of the first hidden layer that is shut on
        every row then never changes: it can be left out.
    kink : str
        What to say of a point without a derivative; empty if there is none.
    saturates : str
        What the slope computes that loses digits where h comes close to a limit; empty if there is none.
    of_layer : bool
        Whether a unit's value depends on the weighted sums of its whole layer.
    """

    name: str
    value: Callable[[Expression], Expression]
    slope: Callable[[Expression, Expression, Expression], Expression]
    dies: bool = False
    kink: str = ""
    saturates: str = ""
    of_layer: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether it leaves the weighted sum as it is."""
        z = Symbol("z")
        return self.value(z) == z

    @property
    def keeps_sum(self) -> bool:
        """Whether the slope needs z itself, which then has to be kept until the row's deltas are known.

        Not where the slope only compares z with 0: h does as well.
        """
        z = Symbol("z")
        return self.of_layer or _needs(self.slope(Symbol("arriving"), z, Symbol("h")), z)


def _needs(node: Expression, z: Symbol) -> bool:
    match node:
        case Select(left, _, right, yes, no) if (left, right) == (z, ZERO):
            return _needs(yes, z) or _needs(no, z)
    return node == z or any(_needs(operand, z) for operand in operands(node))


@dataclass(frozen=True, slots=True)
class Setting:
    """The setting that an activation has: what it is called, its default, and the activation for a value."""

    name: str
    default: float
    made: Callable[[float], Activation]


def _written(setting: float) -> str:
    """A setting as people write it, with all its digits."""
    return repr(setting).removesuffix(".0")


def _leaky_relu(slope: float) -> Activation:
    leak = Number(slope)
    return Activation(
        "leaky_relu",
        value=lambda z: Select(z, "<=", ZERO, leak * z, z),
        slope=lambda arriving, z, h: arriving * Select(z, ">", ZERO, ONE, leak),
        kink=f"leaky_relu has no derivative at 0; fastnn takes {_written(slope)} there.",
    )


def _elu(alpha: float) -> Activation:
    limit = Number(alpha)
    return Activation(
        "elu",
        value=lambda z: Select(z, "<=", ZERO, limit * Call("expm1", z), z),
        slope=lambda arriving, z, h: arriving * Select(z, ">", ZERO, ONE, h + limit),
        kink=f"elu has no derivative at 0; fastnn takes {_written(alpha)} there." if alpha != 1.0 else "",
        saturates=f"h + {_written(alpha)}",
    )


SETTINGS = {"leaky_relu": Setting("slope", 0.01, _leaky_relu), "elu": Setting("alpha", 1.0, _elu)}

# selu is scale*elu(alpha), with numbers that keep mean 0 and variance 1: G. Klambauer and others,
# "Self-normalizing neural networks" (2017). `LIMIT` is scale*alpha.
SCALE, LIMIT = Number(1.0507009873554805), Number(1.7580993408473766)


def _softsign(z: Expression) -> Expression:
    return z / (1.0 + _size(z, z))


def _size(sign: Expression, value: Expression) -> Expression:
    """The absolute value of a value that has the sign of `sign`."""
    return Select(sign, "<", ZERO, -1.0 * value, value)


def _silu_slope(arriving: Expression, z: Expression, h: Expression) -> Expression:
    p = Call("sigmoid", z)
    return arriving * (p + h * (1.0 - p))


# gelu's tanh form is z/2*(1 + tanh(t)) with t = sqrt(2/pi)*(z + 0.044715*z**3). That is z*sigmoid(2*t), which
# keeps its digits where tanh is close to -1. `TWICE` is 2*sqrt(2/pi).
TWICE, CUBE = 1.5957691216057308, 0.044715


def _gelu_gate(z: Expression) -> Expression:
    return Call("sigmoid", TWICE * (z + CUBE * ((z * z) * z)))


def _gelu_slope(arriving: Expression, z: Expression, h: Expression) -> Expression:
    """The product rule; where z*z would overflow, h*(1 - p) is 0, so it is multiplied first."""
    p = _gelu_gate(z)
    q = h * (1.0 - p)
    return arriving * (p + TWICE * (q + 0.134145 * ((q * z) * z)))


ACTIVATIONS = {
    entry.name: entry
    for entry in (
        Activation(
            "relu",
            # NaN stays NaN: divergence has to show.
            value=lambda z: Select(z, "<=", ZERO, ZERO, z),
            slope=lambda arriving, z, h: Select(z, ">", ZERO, arriving, ZERO),
            dies=True,
            kink="relu has no derivative at 0; fastnn takes 0 there.",
        ),
        _leaky_relu(SETTINGS["leaky_relu"].default),
        Activation(
            "tanh",
            value=lambda z: Call("tanh", z),
            slope=lambda arriving, z, h: arriving * (1.0 - h * h),
            saturates="1 - h*h",
        ),
        Activation(
            "sigmoid",
            value=lambda z: Call("sigmoid", z),
            slope=lambda arriving, z, h: arriving * (h * (1.0 - h)),
            saturates="h*(1 - h)",
        ),
        _elu(SETTINGS["elu"].default),
        Activation(
            "selu",
            value=lambda z: Select(z, "<=", ZERO, LIMIT * Call("expm1", z), SCALE * z),
            slope=lambda arriving, z, h: arriving * Select(z, ">", ZERO, SCALE, h + LIMIT),
            kink=f"selu has no derivative at 0; fastnn takes {LIMIT.value!r} there.",
            saturates=f"h + {LIMIT.value!r}",
        ),
        Activation(
            "softplus",
            # log(1 + exp(z)), whose exp never overflows.
            value=lambda z: Select(z, "<=", ZERO, ZERO, z) + Call("log1p", Call("exp", -1.0 * _size(z, z))),
            # sigmoid(z), which is 1 - exp(-h).
            slope=lambda arriving, z, h: arriving * (-1.0 * Call("expm1", -1.0 * h)),
        ),
        Activation("silu", value=lambda z: z * Call("sigmoid", z), slope=_silu_slope),
        Activation("gelu_tanh", value=lambda z: z * _gelu_gate(z), slope=_gelu_slope),
        Activation(
            "softsign",
            value=_softsign,
            slope=lambda arriving, z, h: arriving * ((1.0 - _size(z, h)) * (1.0 - _size(z, h))),
            saturates="1 - |h|",
        ),
        Activation(
            "sine",
            value=lambda z: Call("sin", z),
            slope=lambda arriving, z, h: arriving * Call("cos", z),
        ),
        Activation(
            "gaussian",
            value=lambda z: Call("exp", -1.0 * (z * z)),
            # z*h first: h is 0 where 2*z would overflow.
            slope=lambda arriving, z, h: arriving * (-2.0 * (z * h)),
        ),
        Activation(
            "exponential",
            value=lambda z: Call("exp", z),
            slope=lambda arriving, z, h: arriving * h,
        ),
        Activation(
            "square",
            value=lambda z: z * z,
            slope=lambda arriving, z, h: arriving * (2.0 * z),
        ),
        Activation("identity", value=lambda z: z, slope=lambda arriving, z, h: arriving),
    )
}


def _no_slope(arriving: Expression, z: Expression, h: Expression) -> Expression:
    raise TypeError("softmax has no derivative of its own: each output depends on the sums of all")


SOFTMAX = Activation(
    "softmax",
    value=lambda z: Call("exp", z - Symbol("top")) * Symbol("inverse"),
    slope=_no_slope,
    of_layer=True,
)
"""For outputs alone. `fastnn.core.derivation` has its equations, its losses have its derivative."""


def activation(name: str) -> Activation:
    """The entry of a name that is known to be right, as `checked_activation` gives it."""
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if name == SOFTMAX.name:
        return SOFTMAX
    kind, value = kind_of(name)
    assert value is not None  # noqa: S101 - only those with a setting have parentheses
    return replace(SETTINGS[kind].made(value), name=name)


def kind_of(name: str) -> tuple[str, float | None]:
    """The kind of an activation of a right name, and the value of its setting; None if it has none."""
    kind, _, value = name.removesuffix(")").partition("(")
    if value:
        return kind, float(value)
    return kind, SETTINGS[kind].default if kind in SETTINGS else None


def checked_activation(given: Any, what: str, more: tuple[str, ...] = ()) -> str:
    """The name of an activation, with its setting if that is not the default; InputError for anything else.

    `more` are further names that are accepted.

    Every text for the same activation gives the same name: "leaky_relu(0.10)" gives "leaky_relu(0.1)", and
    "leaky_relu(0.01)" gives "leaky_relu".
    """
    found = WITH_SETTING.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        return one_of(given, what, (*ACTIVATIONS, *more))
    kind, text = found.groups()
    if kind not in SETTINGS:
        one_of(kind, what, (*ACTIVATIONS, *more))
        known = ", ".join(f"{name}({setting.name})" for name, setting in SETTINGS.items())
        raise InputError(
            f"{what} must be an activation, with a setting only where it has one ({known}); got "
            f"{shown(given)}. Write {kind}."
        )
    value = _number(text)
    if not SMALLEST <= value <= LARGEST:  # NaN is not, either
        setting = SETTINGS[kind].name
        raise InputError(
            f"{what} must be {kind}({setting}) with one {setting} from {SMALLEST} to {LARGEST}; got "
            f"{shown(given)}. Write {kind}(0.1), say."
        )
    return kind if value == SETTINGS[kind].default else f"{kind}({_written(value)})"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan

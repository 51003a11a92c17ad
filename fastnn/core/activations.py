"""The activations: what a unit makes of its weighted sum, and the derivative of that.

Each is one entry of `ACTIVATIONS`; nothing else knows an activation by its name. An entry is written in the
language of `fastnn.core.expressions`, so that every engine, explanation and proof is made from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastnn.core.expressions import Call, Expression, Number, Select, Symbol

__all__ = ["ACTIVATIONS", "Activation", "activation"]

ZERO, ONE = Number(0.0), Number(1.0)
LEAK = Number(0.01)


@dataclass(frozen=True, slots=True)
class Activation:
    """An activation f, with z for a unit's weighted sum and h for its value f(z).

    Attributes
    ----------
    name : str
    value : callable
        f(z), of z. The identity returns z itself: such a unit has no equation of its own.
    slope : callable
        f'(z) times what arrives, of (arriving, z, h). From h where that is possible, since h is kept anyway.
        Where it asks for z, it only compares z with 0 and must give the same with h in the place of z.
    dies : bool
        Whether value and slope are exactly 0 for z <= 0. A unit of the first hidden layer that is shut on
        every row then never changes: it can be left out.
    kink : str
        What to say of a point without a derivative; empty if there is none.
    saturates : bool
        Whether the slope loses digits where h comes close to a limit.
    """

    name: str
    value: Callable[[Expression], Expression]
    slope: Callable[[Expression, Expression, Expression], Expression]
    dies: bool = False
    kink: str = ""
    saturates: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether it leaves the weighted sum as it is."""
        z = Symbol("z")
        return self.value(z) == z


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
        Activation(
            "leaky_relu",
            value=lambda z: Select(z, "<=", ZERO, LEAK * z, z),
            slope=lambda arriving, z, h: arriving * Select(z, ">", ZERO, ONE, LEAK),
            kink="leaky_relu has no derivative at 0; fastnn takes 0.01 there.",
        ),
        Activation(
            "tanh",
            value=lambda z: Call("tanh", z),
            slope=lambda arriving, z, h: arriving * (1.0 - h * h),
            saturates=True,
        ),
        Activation(
            "sigmoid",
            value=lambda z: Call("sigmoid", z),
            slope=lambda arriving, z, h: arriving * (h * (1.0 - h)),
            saturates=True,
        ),
        Activation("identity", value=lambda z: z, slope=lambda arriving, z, h: arriving),
    )
}


def activation(name: str) -> Activation:
    """The entry of a name."""
    return ACTIVATIONS[name]

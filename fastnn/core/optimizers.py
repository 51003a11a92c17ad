"""The optimizers: what an update makes of a parameter's change, and what it remembers of former ones.

Each is one class: its fields are its settings, `states` are the letters of what it remembers for each
parameter, and `moves` are the equations of an update. Nothing else knows an optimizer by its name.

======== ============================== ==========================================
name     state                          update, change = -learning_rate * gradient
======== ============================== ==========================================
sgd                                     w + change
momentum v = momentum*v + change        w + v
nesterov v = momentum*v + change        w + (momentum*v + change), v as it is now
======== ============================== ==========================================

A state begins at 0. The velocity contains the learning rate, as in Keras and scikit-learn. PyTorch multiplies
by the rate afterwards, which is the same as long as the rate does not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from fastnn.checking import InputError, finite_number, meant, shown
from fastnn.core.expressions import Expression, Symbol

__all__ = ["OPTIMIZERS", "SGD", "Momentum", "Nesterov", "Optimizer", "optimizer_of"]


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """How parameters move. `SGD`, `Momentum` and `Nesterov` are the ones there are."""

    name: ClassVar[str] = ""
    states: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def settings(cls) -> tuple[str, ...]:
        """The names of its settings, beside the learning rate."""
        return tuple(field.name for field in fields(cls))

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The equations of an update, in their order: each state by its letter, p by "".

        Parameters
        ----------
        p : Expression
            The parameter before the update.
        change : Expression
            Minus the learning rate times the derivative of the loss by p.
        state : mapping of str to Symbol
            Each state by its letter; in an equation that comes after its own it has its new value.
        given : mapping of str to Symbol
            Each setting by its name.
        """
        raise NotImplementedError


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
    momentum : float
        The part, from 0 up to but not including 1.
    """

    name: ClassVar[str] = "momentum"
    states: ClassVar[tuple[str, ...]] = ("v",)
    momentum: float = 0.9

    def __post_init__(self) -> None:
        object.__setattr__(self, "momentum", _below_one(self.momentum, "momentum"))

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
    momentum : float
        The part of the last move that is added, from 0 up to but not including 1.
    """

    name: ClassVar[str] = "nesterov"

    @staticmethod
    def moves(
        p: Expression, change: Expression, state: Mapping[str, Symbol], given: Mapping[str, Symbol]
    ) -> dict[str, Expression]:
        """The velocity, then the parameter plus what the velocity will be without a further gradient."""
        velocity = given["momentum"] * state["v"] + change
        return {"v": velocity, "": p + velocity}


OPTIMIZERS = {kind.name: kind for kind in (SGD, Momentum, Nesterov)}


def optimizer_of(given: Any) -> Optimizer:
    """The optimizer that a name or an object means; InputError for anything else."""
    # Files and workers could not name one of another class.
    if isinstance(given, Optimizer) and type(given) in OPTIMIZERS.values():
        return given
    if isinstance(given, str) and given in OPTIMIZERS:
        return OPTIMIZERS[given]()
    names = ", ".join(map(repr, OPTIMIZERS))
    near = meant(given, OPTIMIZERS) if isinstance(given, str) else ""
    raise InputError(
        f"optimizer must be one of {names}, or an object such as fastnn.optimizers.Momentum(momentum=0.9); "
        f"got {shown(given)}. Choose one of these{near}."
    )


def _below_one(value: Any, name: str) -> float:
    number = finite_number(value, name)
    if not 0 <= number < 1:
        raise InputError(f"{name} must be from 0 up to but not including 1; got {number!r}. Give 0.9, say.")
    return number

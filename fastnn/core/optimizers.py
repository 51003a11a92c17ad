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

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any, ClassVar

from fastnn.checking import InputError, all_of, finite_number, meant, shown
from fastnn.core.expressions import Expression, Symbol

__all__ = [
    "MOST",
    "OPTIMIZERS",
    "SGD",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "described_optimizer",
    "optimizer_from",
    "optimizer_of",
    "optimizers_of",
]

MOST = 10_000  # optimizers of a sweep, values of a setting


def setting(default: float, check: Callable[[Any, str], float]) -> Any:
    """A setting of an optimizer: its default, and the check of each number that is given for it."""
    return field(default=default, metadata={"check": check})


def below_one(value: Any, name: str) -> float:
    """Return a number from 0 up to but not including 1, or refuse it."""
    number = finite_number(value, name)
    if not 0 <= number < 1:
        raise InputError(f"{name} must be from 0 up to but not including 1; got {number!r}. Give 0.9, say.")
    return number


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """How parameters move. `SGD`, `Momentum` and `Nesterov` are the ones there are.

    A setting may be a sequence of numbers, which becomes a tuple: that stands for one optimizer with each of
    them, in `fastnn.sweep`.
    """

    name: ClassVar[str] = ""
    states: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, _checked(getattr(self, each.name), each))

    @classmethod
    def settings(cls) -> tuple[str, ...]:
        """The names of its settings, beside the learning rate."""
        return tuple(field.name for field in fields(cls))

    def each(self) -> list[Optimizer]:
        """One optimizer for each combination of the values of its settings, those of the last one fastest."""
        values = {name: _several(getattr(self, name)) for name in self.settings()}
        if math.prod(map(len, values.values())) > MOST:
            raise InputError(
                f"the settings of {self.name} must have at most {MOST} combinations; got more. "
                "Give fewer values."
            )
        return [replace(self, **dict(zip(values, some, strict=True))) for some in product(*values.values())]

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


OPTIMIZERS = {kind.name: kind for kind in (SGD, Momentum, Nesterov)}


def optimizer_of(given: Any, name: str = "optimizer") -> Optimizer:
    """The one optimizer that a name or an object means; InputError for anything else."""
    found = _known(given, name)
    for setting, value in _settings(found).items():
        if isinstance(value, tuple):
            raise InputError(
                f"{name} must have one {setting} here; got {shown(found)}. "
                "Give one number; several are for fastnn.sweep."
            )
    return found


def optimizers_of(given: Any) -> list[Optimizer]:
    """The optimizers that a name, an object or a sequence of them means, each with one value of its settings.

    InputError for anything else; of a sequence it names the place.
    """
    if not _is_sequence(given):
        return _known(given, "optimizer").each()
    several = all_of(given, "optimizer", MOST)
    if not several:
        raise InputError("optimizer must name at least one optimizer; got none. Leave it out for plain sgd.")
    found = [one for n, each in enumerate(several) for one in _known(each, f"optimizer[{n}]").each()]
    return all_of(found, "optimizer", MOST)


def described_optimizer(optimizer: Optimizer) -> dict[str, Any]:
    """An optimizer as plain values that files hold."""
    return {"optimizer": optimizer.name, **_settings(optimizer)}


def optimizer_from(plain: Any) -> Optimizer:
    """The optimizer that plain values describe, as `described_optimizer` gives them; else InputError."""
    name = plain.get("optimizer") if isinstance(plain, dict) else None
    kind = OPTIMIZERS.get(name) if isinstance(name, str) else None
    if kind is not None:
        settings = {setting: value for setting, value in plain.items() if setting != "optimizer"}
        if {*settings} == {*kind.settings()} and all(type(value) is float for value in settings.values()):
            return kind(**settings)
    raise InputError(
        f"optimizer must be one that this version of fastnn has, such as {described_optimizer(Momentum())}; "
        f"got {shown(plain)}. Use the version that wrote it."
    )


def _known(given: Any, name: str) -> Optimizer:
    # Files and workers could not name one of another class.
    if isinstance(given, Optimizer) and type(given) in OPTIMIZERS.values():
        return given
    if isinstance(given, str) and given in OPTIMIZERS:
        return OPTIMIZERS[given]()
    names = ", ".join(map(repr, OPTIMIZERS))
    near = meant(given, OPTIMIZERS) if isinstance(given, str) else ""
    advice = "; several are for fastnn.sweep" if name == "optimizer" and _is_sequence(given) else near
    raise InputError(
        f"{name} must be one of {names}, or an object such as fastnn.optimizers.Momentum(momentum=0.9); "
        f"got {shown(given)}. Choose one of these{advice}."
    )


def _settings(optimizer: Optimizer) -> dict[str, Any]:
    return {name: getattr(optimizer, name) for name in optimizer.settings()}


def _is_sequence(given: Any) -> bool:
    """Whether something holds values in an order."""
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping | Set)


def _checked(value: Any, setting: Any) -> Any:
    """The checked number of a setting, or a tuple of them; of a sequence a refusal names the place."""
    name, check = setting.name, setting.metadata["check"]
    plain = value.tolist() if hasattr(value, "tolist") else value  # an array without dimensions is a number
    if not _is_sequence(plain):
        return check(plain, name)
    values = tuple(check(each, f"{name}[{n}]") for n, each in enumerate(all_of(plain, name, MOST)))
    if not values:
        raise InputError(
            f"{name} must name at least one number; got none. Leave it out for {setting.default}."
        )
    return values


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)

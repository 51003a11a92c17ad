"""What an optimizer is: its settings, what it remembers, and the equations of an update."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, fields, replace
from itertools import product
from typing import Any, ClassVar

from fastnn.checking import InputError, all_of, finite_number, shown
from fastnn.core.expressions import Expression, Symbol

__all__ = [
    "MOST",
    "Optimizer",
    "above_one",
    "above_zero",
    "below_one",
    "from_zero",
    "is_sequence",
    "setting",
    "settings_of",
    "size_of",
    "within_one",
    "yes_or_no",
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


def above_zero(value: Any, name: str) -> float:
    """Return a number above 0, or refuse it."""
    return finite_number(value, name, positive=True)


def above_one(value: Any, name: str) -> float:
    """Return a number above 1, or refuse it."""
    number = finite_number(value, name)
    if number <= 1:
        raise InputError(f"{name} must be above 1; got {number!r}. Give 1.2, say.")
    return number


def within_one(value: Any, name: str) -> float:
    """Return a number above 0 and below 1, or refuse it."""
    number = finite_number(value, name)
    if not 0 < number < 1:
        raise InputError(f"{name} must be above 0 and below 1; got {number!r}. Give 0.5, say.")
    return number


def from_zero(value: Any, name: str) -> float:
    """Return a number from 0 on, or refuse it."""
    number = finite_number(value, name)
    if number < 0:
        raise InputError(f"{name} must be 0 or above it; got {number!r}. Leave it out for 0.")
    return number


def yes_or_no(value: Any, name: str) -> float:
    """Return 1.0 for true and 0.0 for false, in any of these forms, or refuse it."""
    if isinstance(value, bool | int | float) and value in (0, 1):
        return float(value)
    raise InputError(f"{name} must be true or false; got {shown(value)}. Choose one of them.")


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """How parameters move. The ones there are stand in `OPTIMIZERS`.

    `states` are the letters of what is remembered for each parameter, `shared` the names of what is
    remembered once for the whole network, and `prepared` those of what `prepares` computes besides.
    `pushes` are the letters of states that move a parameter by a part that changes from update to update:
    only where they are 0 is a parameter without a gradient at rest. `learning_rate` is the one that is taken
    by default, None where there is none. `all_rows` tells that a batch has all rows by default, not one.

    A setting may be a sequence of numbers, which becomes a tuple: that stands for one optimizer with each of
    them, in `fastnn.sweep`.
    """

    name: ClassVar[str] = ""
    states: ClassVar[tuple[str, ...]] = ()
    shared: ClassVar[tuple[str, ...]] = ()
    prepared: ClassVar[tuple[str, ...]] = ()
    pushes: ClassVar[tuple[str, ...]] = ()
    needs_gradient: ClassVar[bool] = False
    learning_rate: ClassVar[float | None] = 0.005
    all_rows: ClassVar[bool] = False

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

    @classmethod
    def columns(cls, step: Any, learning_rate: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What kernels are given for each network, by name: numbers, arrays or algebra.

        Parameters
        ----------
        step : number, array or algebra
            Minus the learning rate times the factor of the loss: what folds both into the deltas.
        learning_rate : of the same kind
        settings : mapping of str to such a value
            Those of `settings` that are known.
        """
        return {"step": step, **settings}

    def firsts(self) -> dict[str, Any]:
        """The values with which `states` and `shared` begin, by their names; 0 where nothing else is said."""
        return {}

    @staticmethod
    def prepares(given: Mapping[str, Symbol]) -> dict[str, Expression]:
        """The equations at the begin of a batch, by the names of what they compute for the whole network.

        `given` holds the settings, the shared values and what these equations compute, by name.
        """
        return {}

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
            Minus the learning rate times the derivative of the loss by p; if `needs_gradient`, the
            derivative itself.
        state : mapping of str to Symbol
            Each state by its letter; in an equation that comes after its own it has its new value.
        given : mapping of str to Symbol
            Each setting by its name, and what `prepares` computes.
        """
        raise NotImplementedError


def settings_of(optimizer: Optimizer) -> dict[str, Any]:
    """The values of an optimizer's settings, by their names."""
    return {name: getattr(optimizer, name) for name in optimizer.settings()}


def size_of(batch_size: Any, optimizer: Optimizer, rows: int | None) -> Any:
    """The batch size that was given, or the one that an optimizer has by default: `rows` if it is all."""
    if batch_size is None:
        return rows if optimizer.all_rows else 1
    return batch_size


def is_sequence(given: Any) -> bool:
    """Whether something holds values in an order."""
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping | Set)


def _checked(value: Any, setting: Any) -> Any:
    """The checked number of a setting, or a tuple of them; of a sequence a refusal names the place."""
    name, check = setting.name, setting.metadata["check"]
    plain = value.tolist() if hasattr(value, "tolist") else value  # an array without dimensions is a number
    if not is_sequence(plain):
        return check(plain, name)
    values = tuple(check(each, f"{name}[{n}]") for n, each in enumerate(all_of(plain, name, MOST)))
    if not values:
        raise InputError(
            f"{name} must name at least one number; got none. Leave it out for {setting.default}."
        )
    return values


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)

"""What an optimizer is: its settings, what it remembers, and the equations of an update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from fastnn.core.choices import Choice
from fastnn.core.expressions import Expression, Symbol

__all__ = ["Optimizer"]


@dataclass(frozen=True, kw_only=True)
class Optimizer(Choice):
    """How parameters move. The ones there are stand in `OPTIMIZERS`.

    `states` are the letters of what is remembered for each parameter, `shared` the names of what is
    remembered once for the whole network, and `prepared` those of what `prepares` computes besides.
    `pushes` are the letters of states that move a parameter by a part that changes from update to update:
    only where they are 0 is a parameter without a gradient at rest. `learning_rate` is the one that is taken
    by default, None where there is none. `all_rows` tells that a batch has all rows by default, not one.
    """

    states: ClassVar[tuple[str, ...]] = ()
    shared: ClassVar[tuple[str, ...]] = ()
    prepared: ClassVar[tuple[str, ...]] = ()
    pushes: ClassVar[tuple[str, ...]] = ()
    needs_gradient: ClassVar[bool] = False
    learning_rate: ClassVar[float | None] = 0.005
    all_rows: ClassVar[bool] = False

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

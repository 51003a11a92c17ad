"""The beginnings of trainings: what networks begin with, and the settings that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.data.arrays import in_dtype
from fastnn.training.plan import Plan
from fastnn.training.rates import Rates
from fastnn.training.starts import starting_parameters

__all__ = ["Beginning", "Begun", "New"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Begun:
    """M networks before their next epoch.

    Attributes
    ----------
    start : (P,) or (M, P)
        The parameters before the first epoch of all.
    state : (M, S)
        The parameters and the optimizer's states now; to be changed in place.
    diverged : (M,) int32
        The epochs in which networks diverged, 0 for those that did not; to be changed in place.
    losses : (M, E)
        Those of the epochs that are over.
    validation : (M, E), or None
        Likewise, over validation rows.
    number : int, or (M,), or None
        The networks' numbers in a sweep.
    places : (M,), or None
        Their places among all networks of the training; None if they are all.
    """

    start: Array
    state: Array
    diverged: NDArray[np.int32]
    losses: Array
    validation: Array | None = None
    number: Any = None
    places: NDArray[np.intp] | None = None

    @property
    def first(self) -> int:
        """The number of epochs that are over."""
        return int(self.losses.shape[1])

    @classmethod
    def new(cls, plan: Plan, start: Array, number: Any = None) -> Begun:
        """Networks before their first epoch, with a start (P,) or (M, P) in the precision of training."""
        state = plan.recipe.begun(np.atleast_2d(start).copy())
        return cls(start, state, np.zeros(len(state), np.int32), state[:, :0], None, number)


class Beginning:
    """What a training begins with. It tells what is asked for by leaving a setting out."""

    def asked(self, network: Network, given: dict[str, Any]) -> dict[str, Any]:
        """What to ask of a plan, from the settings that were given."""
        return {"dtype": "float64"} | given

    def plan(self, plan: Plan, given: dict[str, Any]) -> Plan:
        """The plan of all epochs, from that of those to come and the settings that were given."""
        return plan

    def order(self, shuffle: Any, seed: Any, row_order: Any) -> tuple[Any, Any, Any]:
        """Whether to shuffle the rows, by which seed, or the order of the epochs to come."""
        return False if shuffle is None else shuffle, 0 if seed is None else seed, row_order

    def within(self, within: Any, *weights: Any) -> Any:
        """Within what the weights of rows count; `weights` are the given ones, None if left out."""
        return "epoch" if within is None else within

    def rates(self, plan: Plan, learning_rate: Any, given: Any, networks: int) -> Rates:
        """The learning rates of all epochs; `given` are those of every epoch to come, or None."""
        if given is None:
            return plan.rates(learning_rate, networks)
        return plan.given_rates(given, learning_rate, networks)

    def rates_of(self, begun: Sequence[Begun], plan: Plan, learning_rate: Any, given: Any) -> list[Rates]:
        """The same for each part of the networks, by the plan of one of them."""
        networks = sum(len(some.state) for some in begun)
        found = [self.rates(plan.at(some.first), learning_rate, given, networks) for some in begun]
        pairs = zip(begun, found, strict=True)
        return [rates if some.places is None else rates.only(some.places) for some, rates in pairs]

    def begun(self, plan: Plan, seed: int) -> list[Begun]:
        """The networks; those of which as many epochs are over are together."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class New(Beginning):
    """The start of new networks: numbers, or a rule."""

    start: Any

    def begun(self, plan: Plan, seed: int) -> list[Begun]:
        """Networks with their starting parameters."""
        start = starting_parameters(self.start, plan.network, seed)
        return [Begun.new(plan, in_dtype(start, plan.dtype, "start"))]

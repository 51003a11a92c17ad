"""The job of a run: what all its networks share, and the kernels that it calls."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.core.recipe import DEFAULT, Recipe
from fastnn.core.rule import Rule
from fastnn.engines import EngineModule, Kernel, choose, load
from fastnn.engines.self_check import checked_kernel
from fastnn.training.gates import Rows
from fastnn.training.measuring import Measuring
from fastnn.training.orders import FILE_ORDER, Order
from fastnn.training.reducing import reduced_networks
from fastnn.training.stopping import Stopping
from fastnn.training.weights import Weights

__all__ = ["Job"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Job:
    """The settings that all networks of a run share.

    Attributes
    ----------
    network : Network
    engine : str
        One of `fastnn.ENGINES`, or "auto": the fastest for each group of networks.
    X, Y : (N, D), (N, K)
        C-ordered, in the precision of training.
    epochs : int
    order : Order
        The order in which the epochs visit the rows, the same for all networks.
    recipe : Recipe
        How they are trained: the loss, the optimizer, the rows of a batch.
    reduced : tuple of int
        The numbers of units to which the first hidden layer may be reduced, ascending. A kernel is compiled
        for each.
    weights : Weights, or None
        Those of the rows.
    validation : Measuring, or None
        The rows on which the loss is measured after every epoch.
    stopping : Stopping, or None
        When a network stops; None for never.
    """

    network: Network
    engine: str
    X: Array
    Y: Array
    epochs: int
    order: Order = FILE_ORDER
    reduced: tuple[int, ...] = ()
    recipe: Recipe = DEFAULT
    weights: Weights | None = None
    validation: Measuring | None = None
    stopping: Stopping | None = None

    @cached_property
    def rule(self) -> Rule:
        """How they are trained, without the numbers of its settings."""
        return replace(
            self.recipe.rule,
            weighted=self.weights is not None,
            validated=self.validation is not None,
            watched="" if self.stopping is None else self.stopping.watched,
        )

    @property
    def looks(self) -> bool:
        """Whether networks are looked at after every epoch."""
        return self.validation is not None or self.stopping is not None

    @cached_property
    def rows(self) -> Rows:
        """All rows, with bounds that tell which units stay shut on all of them."""
        return Rows(self.X if self.validation is None else np.concatenate([self.X, self.validation.X]))

    def ordered(self, epoch: int) -> tuple[Array, ...]:
        """X and Y in the order in which `epoch`, from 0, visits its rows, and their coefficients, if any."""
        order = self.order.of(epoch, len(self.X))
        rows = (self.X, self.Y) if order is None else (self.X[order], self.Y[order])
        if self.weights is None:
            return rows
        return *rows, self._coefficients(order) if self.order.changes else self._unchanging

    @cached_property
    def _unchanging(self) -> Array:
        """The coefficients of all epochs, where one is like another."""
        return self._coefficients(self.order.of(0, len(self.X)))

    def _coefficients(self, order: Array | None) -> Array:
        assert self.weights is not None  # noqa: S101 - or nobody asks
        return self.weights.coefficients(order, self.recipe.size).astype(self.X.dtype)

    def engine_for(self, network: Network, networks: int) -> EngineModule:
        """The engine for a number of networks, of the job's network or of a reduced one."""
        return load(choose(self.engine, network, str(self.X.dtype), networks, self.rule))

    def kernel(self, network: Network, networks: int) -> Kernel:
        """That engine's kernel, compiled and checked on first use."""
        dtype = str(self.X.dtype)
        engine = choose(self.engine, network, dtype, networks, self.rule)
        return checked_kernel(engine, network, dtype, self.rule)

    def warm(self, networks: int) -> None:
        """Compile every kernel that training M networks may call as some end, die or diverge."""
        self.kernel(self.network, networks)
        if networks > 1:
            self.kernel(self.network, 1)
            for smaller in reduced_networks(self.network) if self.reduced else ():
                self.kernel(smaller, networks)

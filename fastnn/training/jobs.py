"""The job of a run: what all its networks share, and the kernels that it calls."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.core.recipe import DEFAULT, Recipe
from fastnn.core.rule import Rule
from fastnn.engines import CallSizes
from fastnn.engines.takeover import Takeover
from fastnn.training.gates import Rows
from fastnn.training.kernels import Kernels
from fastnn.training.measuring import Measuring
from fastnn.training.orders import FILE_ORDER, Order
from fastnn.training.reducing import with_units, worth_a_kernel
from fastnn.training.stopping import Stopping
from fastnn.training.weights import Weights

__all__ = ["Job"]

Array = NDArray[Any]

FEWEST_SECONDS = 0.05  # of calls, from which the time for all others is told


@dataclass(eq=False)
class Done:
    """What has been done of a job, and so how much is left."""

    visits: float
    met: float = 0.0
    spent: dict[Takeover, float] = field(default_factory=lambda: defaultdict(float))

    def took(self, takeover: Takeover, seconds: float, visits: float) -> None:
        """Count a call, of processor seconds, and let its successor be looked for if enough is left to do.

        Each network, reduced or not, is taken to need its part of what is left, as of what has been done.
        """
        self.met += visits
        self.spent[takeover] += seconds
        if self.spent[takeover] >= FEWEST_SECONDS:  # the first calls are short, and tell little
            takeover.see(self.spent[takeover] * (self.visits - self.met) / self.met)


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
    visits : float
        The rows that all networks are to meet in all epochs, at most; 0 if nobody counts them. Where many are
        left, faster kernels may take over.
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
    visits: float = 0.0
    _formerly = ""  # in which form other kernels trained its network, before it was pickled

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

    def takeover(self, network: Network, networks: int) -> Takeover:
        """The kernels for some networks, of the job's network or of a reduced one: see `Kernels`."""
        return self._kernels.takeover(network, networks)

    @property
    def form(self) -> str:
        """In which form the kernels that trained its network were printed, one after the other."""
        known = [*self._kernels.known.items()]
        own = (found for (_, network), found in known if network == self.network)
        called = [takeover for takeover in own if takeover in self.done.spent]
        forms = (form for takeover in called for form in takeover.forms)
        return ", then ".join(dict.fromkeys(form for form in (self._formerly, *forms) if form))

    def sizes(self, network: Network, networks: int) -> CallSizes:
        """How many networks a call of the present one should take."""
        return self.takeover(network, networks).now.sizes

    @cached_property
    def done(self) -> Done:
        """What its networks have been trained so far, in all threads."""
        return Done(self.visits)

    def __getstate__(self) -> dict[str, Any]:
        """What makes it again in another process, without its kernels."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"_formerly": self.form}

    def warm(self, networks: int) -> None:
        """Compile the kernel with which the training of M networks begins, and ask for the others.

        They may be called as networks end, die or diverge, and are compiled in the background; where little
        is to be done, none is.
        """
        self.takeover(self.network, networks)
        if networks > 1:
            smaller = ((with_units(self.network, size), networks) for size in self.reduced[-2::-1])
            worth = worth_a_kernel(self.network, self.visits)
            # In one call: what is asked for later waits for what is being compiled. And smaller ones are only
            # wanted where it is worth a kernel.
            self._kernels.ask(*smaller, (self.network, 1), compiles=worth)

    @property
    def ready(self) -> tuple[int, ...]:
        """Those of `reduced` whose kernels need not be waited for; the last one's never need."""
        *smaller, whole = self.reduced
        found = (size for size in smaller if not self._kernels.is_awaited(with_units(self.network, size)))
        return (*found, whole)

    @cached_property
    def _kernels(self) -> Kernels:
        return Kernels(self.engine, str(self.X.dtype), self.rule)

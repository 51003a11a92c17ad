"""Epochs whose orders and settings are planned by the caller, who also decides when they end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import choose
from fastnn.engines.passes import passes
from fastnn.engines.self_check import checked_kernel
from fastnn.system.floating_point import ieee

__all__ = ["Brought", "Passes"]

Array = NDArray[Any]


class Brought(NamedTuple):
    """What epochs brought M networks.

    `totals` (M, E) are what the rows lost, summed; `squares` (E, B, M) the sums of the squared weights before
    each batch, zeros where they were not asked for; `course` (E, M, S) the states after each epoch, or empty.
    """

    totals: Array
    squares: Array
    course: Array


@dataclass(frozen=True, eq=False)
class Passes:
    """Networks on rows X (N, D) and Y (N, K), C-ordered and in the precision of training.

    `batch` is the rows of a batch, from 1 to N. Where `squared`, the squares of the weights are summed before
    each batch.
    """

    network: Network
    rule: Rule
    X: Array
    Y: Array
    batch: int
    squared: bool = False

    @property
    def batches(self) -> int:
        """B, the batches of an epoch."""
        return -(-len(self.X) // self.batch)

    @ieee
    def advance(
        self,
        state: Array,
        epochs: int,
        settings: Array,
        orders: NDArray[np.intp] | None = None,
        coefficients: Array | None = None,
        *,
        followed: bool = False,
    ) -> Brought:
        """Advance the states (M, S) of networks in place by some epochs.

        Parameters
        ----------
        state : (M, S), C-ordered
        epochs : int
        settings : (E, B, M, C), or (E, 1, M, C)
            What kernels are given in each batch, or in all batches of an epoch: see `Rule.given`.
        orders : (E, N), optional
            The rows in the order of each epoch; None for their own order.
        coefficients : (E, N), optional
            Those of the rows, in the order of the epoch, where the rule is weighted.
        followed : bool
            Whether to keep the states after each epoch.
        """
        networks, dtype = len(state), state.dtype
        state += dtype.type(0)  # makes -0.0 0.0, as kernels want it
        by_batches = self.squared or settings.shape[1] > 1
        totals = np.zeros((networks, epochs), dtype)
        squares = np.zeros((epochs, self.batches if self.squared else 0, networks), dtype)
        course = np.empty((epochs if followed else 0, *state.shape), dtype)
        kernel = self._kernel(networks)
        advance = passes(kernel, str(dtype), weighted=self.rule.weighted, batched=self.rule.batched)
        advance(
            *(kernel, state, self.X, self.Y),
            np.empty((0, len(self.X)), np.intp) if orders is None else orders,
            np.empty((0, 0), dtype) if coefficients is None else coefficients,
            *(settings, totals, squares, course, self.network.n_weights if self.squared else 0),
            self.batch if by_batches or not self.rule.batched else len(self.X),
            *(self.batch, *((self.X, self.Y) if orders is None else self._room)),
        )
        return Brought(totals, squares, course)

    def _kernel(self, networks: int) -> Any:
        dtype = str(self.X.dtype)
        engine = choose("auto", self.network, dtype, networks, self.rule)
        return checked_kernel(engine, self.network, dtype, self.rule)

    @cached_property
    def _room(self) -> tuple[Array, Array]:
        """Room for the rows in the order of an epoch."""
        return np.empty_like(self.X), np.empty_like(self.Y)

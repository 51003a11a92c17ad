"""The measuring of losses on rows of their own, by kernels that run forward only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.choices import settings_of
from fastnn.core.loss import Loss
from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import Kernel, choose
from fastnn.engines.takeover import begun
from fastnn.system.floating_point import ieee
from fastnn.training.pace import Pace
from fastnn.training.weights import Weights

__all__ = ["Measuring", "measured"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Measuring:
    """Rows on which the loss of networks is measured, in file order.

    Attributes
    ----------
    network : Network
    engine : str
        One of `fastnn.ENGINES`, or "auto".
    X, Y : (N, D), (N, K)
        C-ordered, in the precision of training.
    loss : Loss
    weights : Weights, or None
        Those of the rows, which count within all of them.
    """

    network: Network
    engine: str
    X: Array
    Y: Array
    loss: Loss
    weights: Weights | None = None

    @property
    def rule(self) -> Rule:
        """What its kernels are compiled for."""
        return Rule(type(self.loss), weighted=self.weights is not None, measuring=True)

    @cached_property
    def rows(self) -> tuple[Array, ...]:
        """X and Y and, where they have weights, the coefficients of the rows."""
        if self.weights is None:
            return self.X, self.Y
        return self.X, self.Y, self.weights.coefficients(None, 1).astype(self.X.dtype)

    def settings(self, networks: int) -> Array:
        """What kernels are given for M networks: (M, C)."""
        return np.tile(np.array([*settings_of(self.loss).values()], self.X.dtype), (networks, 1))

    def kernel(self, networks: int) -> Kernel:
        """The kernel for M networks, compiled and checked on first use."""
        dtype = str(self.X.dtype)
        engine = choose(self.engine, self.network, dtype, networks, self.rule)
        return begun(engine, self.network, dtype, self.rule, waits=self.engine != "auto").now.kernel


@ieee
def measured(rows: Measuring, parameters: Array, pause: Callable[[float], None] | None = None) -> Array:
    """Return the loss (M,) of networks (M, P) on some rows; NaN where it is not finite.

    It is summed in row order and divided by N once: the same bits for any M and in any engine. Between calls
    of the kernel `pause` is called with 0, since measuring is no training; it may raise to stop.
    """
    state = parameters + parameters.dtype.type(0)  # turns -0.0 into 0.0, as kernels require
    kernel, settings, pace = rows.kernel(len(state)), rows.settings(len(state)), Pace()
    totals, row = np.zeros((len(state), 1), state.dtype), 0
    while row < len(rows.X):
        _, more = pace.next_call(state.size, 1, len(rows.X), row)
        began = perf_counter()
        kernel(state, *(array[row : row + more] for array in rows.rows), settings, totals)
        pace.took(perf_counter() - began, state.size * more)
        row += more
        if pause is not None:
            pause(0.0)
    found: Array = totals[:, 0] / state.dtype.type(len(rows.X))
    found[~np.isfinite(found)] = np.nan
    return found

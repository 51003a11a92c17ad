"""Kernels that serve networks of many sizes, each told the sizes of one network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.engines import Kernel
from fastnn.printing.layer_names import of_kind
from fastnn.printing.size_table import table

__all__ = ["Told", "function_of"]


@dataclass(frozen=True, eq=False)
class Told:
    """A kernel of the contract: a function that serves many networks, and the sizes of one of them.

    Attributes
    ----------
    function : callable
        Is given the arrays of the contract, then the sizes.
    network : Network
    shallow : bool
        Whether it serves networks with one hidden layer and one output alone.
    """

    function: Kernel
    network: Network
    shallow: bool = False

    def __call__(self, *arrays: Any) -> None:
        self.function(*arrays, self.table)

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """The sizes, as the function is told them."""
        return table(self.network)

    @property
    def example(self) -> Told:
        """The same function for a small network with layers of many sizes, on which it may be tried."""
        hidden_layers, sizes = (1, (3, 4, 1)) if self.shallow else (3, cycle((3, 4, 5)))
        return replace(self, network=of_kind(self.network, hidden_layers, sizes))


def function_of(kernel: Kernel) -> Kernel:
    """What was compiled for a kernel: one function may serve many."""
    return kernel.function if isinstance(kernel, Told) else kernel

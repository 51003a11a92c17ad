"""The engines: every way to run the equations of a training step, and the contract all of them keep.

An engine is a module with three functions:

``source(network, dtype) -> str``
    The Python source of its kernel, printed from ``derive(network)``: what runs is what is shown.
``kernel(network, dtype) -> Kernel``
    That source, ready to call.
``blocks(network, dtype) -> (fewest, most)``
    Between how many networks a call is efficient.

The contract of a kernel, ``advance(parameters, X, Y, steps, totals)``:

- It advances M networks by ``totals.shape[1]`` epochs over the rows of X and Y, in the order given.
- `parameters` (M, P), C-ordered, changes in place. To column e of `totals` (M, E), of any strides, it
  adds, row by row, the squared error that each row met before its own update, summed over the outputs.
  The caller clears `totals` where an epoch begins, divides by N where it ends, and may hand over the rows
  of one epoch in several calls. `X` (N, D) and `Y` (N, K), C-ordered, and `steps` (M,), which are
  -2*learning_rate, are never touched. All five are of the kernel's dtype and native.
- The bits of network m depend on its own parameters, its own step, X and Y alone: not on M, on its
  neighbours, on the block or the thread it ran in, nor on the engine. The operations are those of the
  equations, each rounded once, in their order.
- Nothing is raised. A network diverges in the first epoch whose total is not finite. From that epoch on
  the kernel may leave anything at all in its later totals and in its parameters; `fastnn.running` makes
  them NaN. Its neighbours are not disturbed.
- It holds no lock while it computes: threads may run the same kernel on disjoint blocks.

An engine imports NumPy, Numba, its neighbours here and what it is printed from (expressions,
elementary, network, derivation): nothing above.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from numpy.typing import NDArray

from fastnn.network import Network

__all__ = ["ENGINES", "EngineModule", "Kernel", "choose", "load"]

ENGINES = ("loop", "batched")

Kernel = Callable[[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]], None]


class EngineModule(Protocol):
    """What an engine's module offers; see the contract above."""

    def source(self, network: Network, dtype: str) -> str:
        """The source of the kernel."""

    def kernel(self, network: Network, dtype: str) -> Kernel:
        """The kernel, ready to call."""

    def blocks(self, network: Network, dtype: str) -> tuple[int, int]:
        """Between how many networks a call is efficient."""


def choose(name: str) -> str:
    """The engine meant by `name`; "auto" is the fastest one, which so far is `loop` for every network."""
    return "loop" if name == "auto" else name


def load(name: str) -> EngineModule:
    """The engine's module, imported when it is first asked for: only some engines need Numba."""
    module: Any = import_module(f"fastnn.engines.{name}")
    return module  # type: ignore[no-any-return]

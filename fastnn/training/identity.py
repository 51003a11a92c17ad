"""What results depend on beside their design, in words that are compared wherever they arrive.

A store, a worker's orders and answers and a model file say by what rule they were computed. Where it is not
the rule here, what they hold can be read, and nothing is computed from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import shown
from fastnn.core.network import Network
from fastnn.engines import batched
from fastnn.system.floating_point import ieee
from fastnn.training import starts
from fastnn.version import __version__

__all__ = ["ARITHMETIC", "COMPUTING", "RANDOM_NUMBERS", "content_hash", "difference", "identity"]

# To be changed with anything that changes a bit of the results, so that no store is finished by another rule.
ARITHMETIC = "fastnn 1: IEEE operations in the order of the equations, none fused"
RANDOM_NUMBERS = "fastnn 1: Philox4x32-10 by counter (network or epoch, purpose, block), key from the seed"
COMPUTING = ("arithmetic", "random_numbers")  # what a description names of how its results are computed


def content_hash(*arrays: NDArray[Any]) -> str:
    """A digest of arrays' shapes and numbers, the same on any machine."""
    digest = sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def identity() -> dict[str, str]:
    """Everything that is compared, by name."""
    return {name: tell() for name, tell in HERE.items()}


def difference(theirs: Any, where: str, names: Iterable[str] | None = None) -> str:
    """How another identity differs from the one here, in words; nothing where they are the same.

    `names` are the parts that are compared: all, unless given.
    """
    told = theirs if isinstance(theirs, dict) else {}
    ours = {name: HERE[name]() for name in (HERE if names is None else names)}
    return "; ".join(
        f"{name} is {shown(told.get(name))} {where} and {here!r} here"
        for name, here in ours.items()
        if told.get(name) != here
    )


@cache
@ieee
def _computed() -> str:
    """A digest of a small case, drawn and trained by the engine that needs no compiler: the same everywhere.

    So a machine, or a version of NumPy, that computes otherwise is told from this one before it is believed.
    A compiled kernel is compared with this engine before it is used: see `fastnn.engines.self_check`.
    """
    network = Network((2, 2, 2, 1), ("tanh", "relu"), "sigmoid")
    numbers = starts.normal(0.0, 1.5).draw(network, range(6), 0)
    parameters, rest = numbers[:4], numbers[4:].ravel()
    X, Y = rest[:8].reshape(4, 2), rest[8:12].reshape(4, 1)
    totals = np.zeros((4, 2))
    batched.kernel(network, "float64")(parameters, X, Y, np.full((4, 1), -0.5), totals)
    return content_hash(parameters, totals)


HERE: dict[str, Callable[[], str]] = {
    "fastnn": lambda: __version__,
    "arithmetic": lambda: ARITHMETIC,
    "random_numbers": lambda: RANDOM_NUMBERS,
    "computed": lambda: _computed(),
}

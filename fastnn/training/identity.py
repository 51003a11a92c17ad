"""The identity of a computation: everything that results depend on beside their design, in words.

A store, a worker's task, its answer and a model file name how their bits are computed. If that differs from
this version, their content can be read, but nothing is computed from it.
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

# Change these with anything that changes a bit of the results: then no store is finished by other arithmetic.
ARITHMETIC = "fastnn 1: IEEE operations in the order of the equations, none fused"
RANDOM_NUMBERS = "fastnn 1: Philox4x32-10 by counter (network or epoch, purpose, block), key from the seed"
COMPUTING = ("arithmetic", "random_numbers")  # the parts of the identity that a description names


def content_hash(*arrays: NDArray[Any]) -> str:
    """A digest of the shapes and numbers of arrays, the same on any machine."""
    digest = sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def identity() -> dict[str, str]:
    """All parts of the identity here, by name."""
    return {name: tell() for name, tell in HERE.items()}


def difference(theirs: Any, where: str, names: Iterable[str] | None = None) -> str:
    """In words, how another identity differs from the one here; empty if they are the same.

    `names` are the parts to compare; all, unless given.
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
    """A digest of a small case, drawn here and trained by engine `batched`, which needs no compiler.

    It must be the same everywhere. It exposes a machine or a NumPy version that computes otherwise, before
    its results are believed. Compiled kernels are compared with `batched`: see `fastnn.engines.self_check`.
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

"""A sweep's design as plain values, and back: what a store's manifest and a worker's orders say.

The description names everything that the bits of the results depend on, the data by their content. The
engine is not among it: all engines give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import initial
from fastnn.checking import shown
from fastnn.designing import Design
from fastnn.engines import batched
from fastnn.floating_point import ieee
from fastnn.initial import Start
from fastnn.network import Network
from fastnn.version import __version__

__all__ = ["arrays_of", "content_hash", "described", "design_of", "difference", "identity"]

Array = NDArray[Any]

# To be changed with anything that changes a bit of the results, so that no store is finished by another rule.
ARITHMETIC = "fastnn 1: IEEE operations in the order of the equations, none fused"
RANDOM_NUMBERS = "fastnn 1: Philox4x32-10 by counter (network or epoch, purpose, block), key from the seed"
COMPUTING = ("arithmetic", "random_numbers")  # what a description names of how its results are computed

STARTS = {
    maker.__name__: maker
    for maker in (initial.constant, initial.glorot, initial.he, initial.normal, initial.uniform)
}


def described(design: Design) -> dict[str, Any]:
    """The design as values that JSON can hold."""
    plan, grid, network = design.plan, design.grid, design.plan.network
    return {
        "network": {"layers": list(network.layers), "hidden": list(network.hidden), "output": network.output},
        "data": {"rows": len(plan.X), "sha256": content_hash(plan.X, plan.Y)},
        "networks": grid.starts,
        "initial": _described_start(design.initial),
        "seed": design.seed,
        "learning_rate": [float(rate) for rate in grid.learning_rates],
        "rows": list(grid.rows),
        "epochs": plan.epochs,
        "dtype": plan.dtype,
        "shuffle": plan.shuffle_seed is not None,
        "arithmetic": ARITHMETIC,
        "random_numbers": RANDOM_NUMBERS,
        **_described_losses(design),
    }


def design_of(description: dict[str, Any], arrays: Mapping[str, Array], engine: str = "auto") -> Design:
    """The design that a description and its arrays, as `arrays_of` has them, came from.

    Raises
    ------
    InputError, KeyError, TypeError
        If the description is not one.
    """
    network = description["network"]
    return Design.of(
        Network(network["layers"], network["hidden"], network["output"]),
        arrays["X"],
        arrays["Y"],
        networks=description["networks"],
        initial=_start_of(description["initial"], arrays.get("starts")),
        seed=description["seed"],
        learning_rate=description["learning_rate"],
        rows=description["rows"],
        epochs=description["epochs"],
        engine=engine,
        dtype=description["dtype"],
        shuffle=description["shuffle"],
        validation=(arrays["validation_X"], arrays["validation_Y"]) if "validation" in description else None,
    )


def arrays_of(design: Design) -> dict[str, Array]:
    """The arrays that a description is of: X and Y; where given, starts, validation_X and validation_Y."""
    arrays = {"X": design.plan.X, "Y": design.plan.Y}
    starts = getattr(design.initial, "parameters", None)  # that `fastnn.given` was given
    if starts is not None:
        arrays["starts"] = starts
    if design.validation is not None:
        arrays["validation_X"], arrays["validation_Y"] = design.validation
    return arrays


def content_hash(*arrays: Array) -> str:
    """A digest of arrays' shapes and numbers, the same on any machine."""
    digest = sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def identity() -> dict[str, str]:
    """What results depend on beside their design: compared wherever it arrives, as `difference` does."""
    return {
        "fastnn": __version__,
        "arithmetic": ARITHMETIC,
        "random_numbers": RANDOM_NUMBERS,
        "computed": _computed(),
    }


def difference(theirs: Any, where: str, names: Iterable[str] = ("fastnn", *COMPUTING, "computed")) -> str:
    """How another identity differs from the one here, in words; nothing where they are the same."""
    ours = identity()
    told = theirs if isinstance(theirs, dict) else {}
    return "; ".join(
        f"{name} is {shown(told.get(name))} {where} and {ours[name]!r} here"
        for name in names
        if told.get(name) != ours[name]
    )


@cache
@ieee
def _computed() -> str:
    """A digest of a small case, drawn and trained by the engine that needs no compiler: the same everywhere.

    So a machine, or a version of NumPy, that computes otherwise is told from this one before it is believed.
    """
    network = Network((2, 2, 2, 1), ("tanh", "relu"), "sigmoid")
    numbers = initial.normal(0.0, 1.5).draw(network, range(6), 0)
    parameters, rest = numbers[:4], numbers[4:].ravel()
    X, Y = rest[:8].reshape(4, 2), rest[8:12].reshape(4, 1)
    totals = np.zeros((4, 2))
    batched.kernel(network, "float64")(parameters, X, Y, np.full(4, -0.5), totals)
    return content_hash(parameters, totals)


def _described_losses(design: Design) -> dict[str, Any]:
    """The losses, where there are more than that of the last epoch."""
    described: dict[str, Any] = {} if len(design.losses) == 1 else {"losses": list(design.losses)}
    if design.validation is not None:
        X, Y = design.validation
        described["validation"] = {"rows": len(X), "sha256": content_hash(X, Y)}
    return described


def _described_start(start: Start) -> dict[str, Any]:
    kind = type(start).__name__.removeprefix("_").lower()
    settings = {field.name: getattr(start, field.name) for field in fields(start)}
    if kind == "given":
        parameters = settings["parameters"]
        settings = {"shape": list(parameters.shape), "sha256": content_hash(parameters)}
    return {"start": kind, **settings}


def _start_of(description: dict[str, Any], starts: Array | None) -> Start:
    settings = dict(description)
    kind = settings.pop("start")
    return initial.given(starts) if kind == "given" else STARTS[kind](**settings)

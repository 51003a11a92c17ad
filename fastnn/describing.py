"""A sweep's design as plain values, and back: what a store's manifest and a worker's orders say.

The description names everything that the bits of the results depend on, the data by their content. The
engine is not among it: all engines give the same bits.
"""

from __future__ import annotations

from dataclasses import fields
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import initial
from fastnn.designing import Design
from fastnn.initial import Start
from fastnn.network import Network

__all__ = ["content_hash", "described", "design_of", "given_starts"]

Array = NDArray[Any]

# To be changed with anything that changes a bit of the results, so that no store is finished by another rule.
ARITHMETIC = "fastnn 1: IEEE operations in the order of the equations, none fused"
RANDOM_NUMBERS = "fastnn 1: Philox4x32-10 by counter (network or epoch, purpose, block), key from the seed"

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
    }


def design_of(
    description: dict[str, Any], X: Array, Y: Array, starts: Array | None, engine: str = "auto"
) -> Design:
    """The design that a description and its arrays came from.

    Raises
    ------
    InputError, KeyError, TypeError
        If the description is not one.
    """
    network = description["network"]
    return Design.of(
        Network(network["layers"], network["hidden"], network["output"]),
        X,
        Y,
        networks=description["networks"],
        initial=_start_of(description["initial"], starts),
        seed=description["seed"],
        learning_rate=description["learning_rate"],
        rows=description["rows"],
        epochs=description["epochs"],
        engine=engine,
        dtype=description["dtype"],
        shuffle=description["shuffle"],
    )


def given_starts(design: Design) -> Array | None:
    """The parameters that `fastnn.given` was given, or None for any other start."""
    return getattr(design.initial, "parameters", None)


def content_hash(*arrays: Array) -> str:
    """A digest of arrays' shapes and numbers, the same on any machine."""
    digest = sha256()
    for array in arrays:
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


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

"""The evaluation of trained networks: checked rows in, predictions, losses and dead units out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.core.activations import activation
from fastnn.core.network import Network
from fastnn.data.classes import chosen_classes
from fastnn.data.datasets import Dataset
from fastnn.data.rows import checked_inputs
from fastnn.engines.batched import forward
from fastnn.system.floating_point import ieee
from fastnn.training.gates import Rows

__all__ = [
    "dead_gates",
    "dead_units",
    "least_and_most",
    "only_class",
    "outputs",
    "parts",
    "predictions",
    "within_memory",
]

Array = NDArray[Any]

MEMORY_LIMIT = 2 << 30
FIRST_ROWS = 32  # every unit is tried on these first; measured: 2-2-1 0.6 us a network against 9 (1338 rows)
EVALUATED_BYTES = 4 << 20  # for the arrays alive while a piece is evaluated, so that they stay in the cache


def within_memory(what: str, shape: tuple[int, ...], itemsize: int, remedy: str) -> None:
    """Refuse an array of more than 2 GiB, saying how much memory it would take."""
    size = float(np.prod([float(n) for n in shape])) * itemsize
    if size > MEMORY_LIMIT:
        raise InputError(
            f"{what} may take at most {MEMORY_LIMIT / 2**30:.0f} GiB; got shape {shape}, which is "
            f"{size / 2**30:.1f} GiB. {remedy}"
        )


@ieee
def outputs(network: Network, parameters: Array, X: Array) -> Array:
    """The outputs (M, N, K) of networks (M, P) for checked inputs (N, D), by the arithmetic of training."""
    found = np.empty((len(parameters), len(X), network.n_outputs), parameters.dtype)
    for networks, rows in _pieces(network, parameters, X):
        values = forward(network, str(parameters.dtype))(parameters[networks], X[rows])
        found[networks, rows] = np.moveaxis(values[-1], 0, -1)
    return found


def least_and_most(network: Network, parameters: Array, X: Array) -> tuple[Array, Array]:
    """The smallest and the largest output (M, K) of networks (M, P) over inputs (N, D); NaN stays NaN."""
    least = np.full((len(parameters), network.n_outputs), np.inf, parameters.dtype)
    most = -least
    for networks, rows in _pieces(network, parameters, X):
        answers = forward(network, str(parameters.dtype))(parameters[networks], X[rows])[-1]
        np.minimum(least[networks], answers.min(axis=2).T, out=least[networks])
        np.maximum(most[networks], answers.max(axis=2).T, out=most[networks])
    return least, most


@ieee
def only_class(network: Network, parameters: Array, X: Array) -> NDArray[np.int64]:
    """The class 0 .. K-1 that each network (M, P) predicts for all rows (N, D); -1 if they are several: (M,).

    It is -1 for a network that diverged.
    """
    least = np.full(len(parameters), network.n_outputs + 1)
    most = np.full(len(parameters), -1)
    for networks, rows in _pieces(network, parameters, X):
        answers = forward(network, str(parameters.dtype))(parameters[networks], X[rows])[-1]
        said = chosen_classes(network, np.moveaxis(answers, 0, -1), classes=True)
        np.minimum(least[networks], said.min(axis=1), out=least[networks])
        np.maximum(most[networks], said.max(axis=1), out=most[networks])
    return np.where(least == most, most, -1)


def predictions(network: Network, parameters: Array, X: Any, remedy: str) -> Array:
    """The outputs of networks (M, P) for some rows: (M, N), or (M, N, K) for K > 1 outputs.

    With a `Dataset` for X they are in the target's own unit. `remedy` is the advice in the error if they
    would take too much memory.
    """
    dtype = str(parameters.dtype)
    inputs = checked_inputs(network, X, dtype)
    shape = (len(parameters), len(inputs), network.n_outputs)
    within_memory("predictions", shape, parameters.itemsize, remedy)
    found = outputs(network, parameters, inputs)
    found = found[..., 0] if network.n_outputs == 1 else found
    return X.in_target_unit(found) if isinstance(X, Dataset) else found


def dead_units(network: Network, parameters: Array, X: Array) -> NDArray[np.int64]:
    """The number of hidden ReLU units of each network whose gate is shut on every row of X: (M,).

    It is 0 for a network that diverged: its parameters are NaN, and no gate is known to be shut.
    """
    return np.asarray(dead_gates(network, parameters, X).sum(axis=1), np.int64)


@ieee
def dead_gates(network: Network, parameters: Array, X: Array) -> NDArray[np.bool_]:
    """Whether each hidden unit, layer by layer, is a ReLU unit shut on every row of X: (M, units).

    False for all units of a network whose parameters are NaN.
    """
    gated = [layer for layer, name in enumerate(network.hidden) if activation(name).dies]
    dead = np.empty((len(parameters), sum(network.layers[1:-1])), bool)
    by_boxes = _summed_safely(network, parameters, X) if gated == [0] else np.zeros(len(parameters), bool)
    if by_boxes.any():
        dead[by_boxes] = _shut_in_the_first_layer(network, parameters[by_boxes], X)
    dead[~by_boxes] = _shut_row_by_row(network, parameters[~by_boxes], X, gated)
    dead[np.isnan(parameters).any(axis=1)] = False
    return dead


def _summed_safely(network: Network, parameters: Array, X: Array) -> NDArray[np.bool_]:
    """Whether no weighted sum of a network's first layer can overflow on rows of X, and so be NaN: (M,)."""
    (weights, biases), *_ = network.split(parameters)
    with np.errstate(over="ignore", invalid="ignore"):
        most = 2 * (np.abs(weights) @ np.abs(X).max(axis=0) + np.abs(biases))
    return np.asarray(np.isfinite(most).all(axis=1))


def _shut_in_the_first_layer(network: Network, parameters: Array, X: Array) -> NDArray[np.bool_]:
    """The same as `_shut_row_by_row` for the first layer; a few rows, tried first, open most units."""
    shut = _shut_row_by_row(network, parameters, X[:: 1 + len(X) // FIRST_ROWS], [0])
    (weights, biases), *_ = network.split(parameters)
    some = np.nonzero(shut[:, : network.layers[1]])
    if len(some[0]):
        shut[some] = Rows(X).all_shut(np.column_stack([weights[some], biases[some]]))
    return shut


def _shut_row_by_row(
    network: Network, parameters: Array, X: Array, gated: Sequence[int]
) -> NDArray[np.bool_]:
    """Whether each unit has its gate shut on every row; False for units outside the layers `gated`."""
    opened = [np.full((units, len(parameters)), True) for units in network.layers[1:-1]]
    for layer in gated:
        opened[layer][:] = False
    for networks, rows in _pieces(network, parameters, X):
        values = forward(network, str(parameters.dtype))(parameters[networks], X[rows])
        for layer in gated:
            opened[layer][:, networks] |= (values[layer] > 0).any(axis=2)
    return ~np.concatenate([*opened, np.empty((0, len(parameters)), bool)]).T


def parts(networks: int, numbers: int) -> list[slice]:
    """Cut networks into parts whose results stay in the cache, each network having `numbers` of them."""
    at_once = max(1, EVALUATED_BYTES // (8 * numbers))
    return [slice(first, first + at_once) for first in range(0, networks, at_once)]


def _pieces(network: Network, parameters: Array, X: Array) -> list[tuple[slice, slice]]:
    """Cut networks x rows into pieces whose intermediate arrays stay in the cache."""
    numbers = 2 * network.n_weights + 4 * sum(network.layers[1:])
    visits = max(1, EVALUATED_BYTES // (numbers * parameters.dtype.itemsize))
    rows = min(len(X), visits)
    networks = max(1, visits // rows)
    return [
        (slice(m, m + networks), slice(n, n + rows))
        for m in range(0, len(parameters), networks)
        for n in range(0, len(X), rows)
    ]

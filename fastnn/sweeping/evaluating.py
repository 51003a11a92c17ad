"""The evaluation of a sweep's networks, each by its own description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.data.classes import Names
from fastnn.data.rows import checked_inputs
from fastnn.sweeping.grid import Grid
from fastnn.training.evaluating import predictions, within_memory
from fastnn.training.scoring import scores

__all__ = ["evaluated", "predicted", "scored"]

Array = NDArray[Any]


def evaluated(
    grid: Grid, numbers: Array, columns: Array, evaluate: Callable[[Network, Array], Array]
) -> Array:
    """What `evaluate` makes of each network's parameters: an array with a line for each.

    Parameters
    ----------
    grid : Grid
    numbers : (m,)
        The networks' numbers.
    columns : (m, P)
        Their parameters, in the columns of the sweep.
    evaluate : callable
        It is given a network and the parameters (k, p) of some, and returns an array of k lines.
    """
    networks = grid.networks
    if len(networks) == 1:
        return evaluate(networks.values[0], columns)
    places = grid.place_of("network", numbers)
    found: Array | None = None
    for place in np.unique(places).tolist() or [0]:
        network, some = networks.values[place], np.flatnonzero(places == place)
        lines = evaluate(network, networks.parameters_of(network, columns[some]))
        if found is None:
            found = np.empty((len(columns), *lines.shape[1:]), lines.dtype)
        found[some] = lines
    assert found is not None  # noqa: S101 - at least one network was evaluated, if of no parameters
    return found


def predicted(grid: Grid, numbers: Array, columns: Array, X: Any) -> Array:
    """The outputs (m, N), or (m, N, K), of networks for some rows; see `fastnn.Sweep.predict`."""
    remedy = "Name fewer networks with numbers=[...]."
    first = grid.networks.values[0]
    inputs = checked_inputs(first, X, str(columns.dtype))
    within_memory("predictions", (len(columns), len(inputs), first.n_outputs), columns.itemsize, remedy)
    return evaluated(
        grid, numbers, columns, lambda network, parameters: predictions(network, parameters, X, remedy)
    )


def scored(
    grid: Grid, numbers: Array, columns: Array, X: Any, y: Any, names: Sequence[str], classes: Names | None
) -> dict[str, Array]:
    """The scores (m,) of networks on some rows, by name; see `fastnn.Sweep.score`."""

    def score(network: Network, parameters: Array) -> Array:
        return np.column_stack(list(scores(network, parameters, X, y, names, classes).values()))

    lines = evaluated(grid, numbers, columns, score)
    return dict(zip(names, lines.T, strict=True))

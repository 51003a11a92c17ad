"""What a kernel is told of the sizes of a network: a table that is the same for all rules."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network

__all__ = ["OF_ALL", "OF_A_LAYER", "table"]

# The columns of a layer: its units, where its weights and its biases lie among the parameters, and how many
# units the layers before it have.
OF_A_LAYER = ("units", "W", "B", "before")

# The columns of the first row: the inputs, the weights, the parameters, and all units.
OF_ALL = ("inputs", "weights", "parameters", "units")


def table(network: Network) -> NDArray[np.int64]:
    """What a kernel is told of a network: a row for all of it, and one for each layer after the inputs."""
    units = network.layers[1:]
    before = [0, *accumulate(units)]
    found = np.zeros((len(network.layers), len(OF_A_LAYER)), np.int64)
    found[0, : len(OF_ALL)] = network.n_inputs, network.n_weights, network.n_parameters, before[-1]
    for row, (w, b) in enumerate(network.slices, start=1):
        found[row] = units[row - 1], w.start, b.start, before[row - 1]
    return found

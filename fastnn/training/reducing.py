"""What need not be computed: units that are dead for ever, and the smaller networks that are left.

A ReLU unit of the first hidden layer sees the same rows in every epoch. If its weighted sum is at or below
0 on all of them, its gate is shut, its weights and its bias get no gradient, and so it stays shut. It passes
on 0 to every unit after it, whose weights for it get no gradient either. So it can be left out, and no bit
of the result changes:

- A product with its 0 is 0 of either sign, and adding that changes no number but -0.0. A sum of products is
  -0.0 at most until its bias is added, and no parameter is ever -0.0: `running` begins without, and adding
  makes -0.0 out of nothing but two of them.
- That holds as long as all numbers are finite, since infinity times 0 is NaN. A parameter that has become
  infinite or NaN stays so, and an infinite delta makes its bias so. Therefore `running` has every network
  that comes out with such a parameter trained again, unreduced, from where it last was whole.

In deeper layers a unit that is shut now may open again when the units before it move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.activations import activation
from fastnn.core.network import Network
from fastnn.training.gates import Rows

__all__ = ["Group", "Units", "reduced_networks", "reduced_sizes"]

Array = NDArray[Any]
Numbers = NDArray[np.intp]

# A tenth of a second in `lanes`; a kernel takes half a second to two, but is compiled once for a machine.
WORTH_A_KERNEL = 1e9


def reduced_sizes(network: Network, visits: float) -> tuple[int, ...]:
    """To how many units the first hidden layer may be reduced: ascending, the last is all; () for never.

    Parameters
    ----------
    network : Network
    visits : float
        How many rows all networks together are to meet. For few, a smaller network's kernel would take
        longer to compile than it saves.
    """
    if (
        len(network.layers) < 3
        or not activation(network.hidden[0]).dies
        or visits * network.n_parameters < WORTH_A_KERNEL
    ):
        return ()
    sizes = [network.layers[1]]
    while sizes[0] > 1:
        sizes.insert(0, -(-sizes[0] // 2))
    return tuple(sizes)


def reduced_networks(network: Network) -> tuple[Network, ...]:
    """The smaller networks that a network may be reduced to."""
    return tuple(_with_units(network, size) for size in reduced_sizes(network, np.inf)[:-1])


def _with_units(network: Network, size: int) -> Network:
    """The same network with so many units in its first hidden layer."""
    inputs, _, *after = network.layers
    return Network((inputs, size, *after), network.hidden, network.output)


@dataclass(frozen=True, eq=False)
class Group:
    """Networks that are trained together: `numbers` (m,) of M, as networks of a description of their own.

    `columns` (m, P') tells where each one's parameters lie among the P of the whole network.
    """

    network: Network
    numbers: Numbers
    columns: Numbers | None = None

    def take(self, parameters: Array) -> Array:
        """The group's parameters (m, P') out of all (M, P), as a new array."""
        whole: Array = parameters[self.numbers]
        return whole if self.columns is None else np.take_along_axis(whole, self.columns, axis=1)

    def put(self, parameters: Array, values: Array, chosen: NDArray[np.bool_] | slice) -> None:
        """Write those of the group's parameters that are `chosen`, of (m,), back into all (M, P)."""
        numbers = self.numbers[chosen]
        if self.columns is None:
            parameters[numbers] = values[chosen]
        else:
            parameters[numbers[:, None], self.columns[chosen]] = values[chosen]


@dataclass(eq=False)
class Units:
    """The units of the first hidden layer of M networks, and which of them live, (M, H).

    A unit lives until it was seen to be shut on every row.
    """

    network: Network
    rows: Rows
    living: NDArray[np.bool_]

    @classmethod
    def of(cls, network: Network, rows: Rows, networks: int) -> Units:
        """All units, taken to live."""
        return cls(network, rows, np.ones((networks, network.layers[1]), bool))

    def look(self, before: Array, after: Array, numbers: Numbers) -> bool:
        """Find out which units of the networks `numbers` have died; return whether any has.

        Parameters
        ----------
        before, after : (M, P)
            Parameters before and after an epoch; those of `numbers` are finite. Only a unit that it left as
            it was can have been shut throughout.
        numbers : (m,)
        """
        (weights, biases), *_ = self.network.split(after[numbers])
        (old_weights, old_biases), *_ = self.network.split(before[numbers])
        moved = (weights != old_weights).any(axis=2) | (biases != old_biases)
        places, units = np.nonzero(self.living[numbers] & ~moved)
        shut = self.rows.all_shut(np.column_stack([weights[places, units], biases[places, units]]))
        self.living[numbers[places], units] = ~shut
        return bool(shut.any())

    def groups(self, numbers: Numbers, vector: int, sizes: tuple[int, ...]) -> Iterator[Group]:
        """The networks `numbers` by how many units live in them.

        Parameters
        ----------
        numbers : (m,)
        vector : int
            So many networks take as long as one. A group takes a multiple of it; the rest moves up.
        sizes : tuple of int
            The numbers of units that a group may have, ascending; the last is all.
        """
        count = self.living[numbers].sum(axis=1)
        order = np.argsort(count, kind="stable")
        waiting, count = numbers[order], count[order]
        for size in sizes[:-1]:
            fitting = int(np.searchsorted(count, size, side="right")) // vector * vector
            if fitting:
                yield self._group(waiting[:fitting], size)
                waiting, count = waiting[fitting:], count[fitting:]
        if len(waiting):
            yield Group(self.network, waiting)

    def _group(self, numbers: Numbers, size: int) -> Group:
        """Networks reduced to `size` units each, in their order: the living, and dead ones to fill up."""
        dead_last = np.argsort(~self.living[numbers], axis=1, kind="stable")
        kept = np.sort(dead_last[:, :size], axis=1)
        return Group(_with_units(self.network, size), numbers, self._columns(kept))

    def _columns(self, kept: Numbers) -> Numbers:
        """Where the parameters lie that are left with the units `kept` (m, size)."""
        where = np.arange(self.network.n_parameters)
        (into, bias), (out_of, next_bias), *rest = self.network.split(where)
        networks = len(kept)

        def same(columns: Numbers) -> Numbers:
            return np.broadcast_to(columns.ravel(), (networks, columns.size))

        weights = [into[kept].reshape(networks, -1), out_of.T[kept].transpose(0, 2, 1).reshape(networks, -1)]
        weights += [same(W) for W, _ in rest]
        return np.concatenate([*weights, bias[kept], same(next_bias), *(same(b) for _, b in rest)], axis=1)

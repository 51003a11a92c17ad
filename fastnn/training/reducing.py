"""The leaving out of dead units: smaller networks are trained instead, and no bit of the result changes.

A ReLU unit of the first hidden layer sees the same rows in every epoch. If its weighted sum is at or below 0
on all rows, its gate is shut: its weights and its bias get no gradient, so it stays shut. It passes 0 to
every unit of the next layer, so the weights from it get no gradient either. It can be left out, for two
reasons:

- A product with its 0 is 0.0 or -0.0. Adding that changes no number except -0.0. A sum of products can be
  -0.0 only until its bias is added, because no parameter is ever -0.0: `running` removes it at the start, and
  only the sum of two -0.0 is -0.0.
- This holds only while all numbers are finite, since infinity times 0 is NaN. A parameter that becomes
  infinite or NaN stays so, and an infinite delta makes its bias so. So if a network ends with such a
  parameter, `running` trains it again, unreduced, from its last finite state.

A network without a living unit is trained as one without inputs: the layers after the first hidden one, whose
biases alone make its first sums.

In deeper layers a shut unit may open again when the units before it move.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.activations import activation
from fastnn.core.network import Network, without_first
from fastnn.core.rule import PLAIN, Rule
from fastnn.training.gates import Rows

__all__ = ["Group", "Units", "reduced_networks", "reduced_sizes", "with_units", "worth_a_kernel"]

Array = NDArray[Any]
Numbers = NDArray[np.intp]

# A tenth of a second in engine `lanes`. A kernel takes 0.5 to 2 s to compile, but only once on a machine.
WORTH_A_KERNEL = 1e9


def worth_a_kernel(network: Network, visits: float) -> bool:
    """Whether so much training is ahead that a further kernel may be compiled for it: see `reduced_sizes`."""
    return visits * network.n_parameters >= WORTH_A_KERNEL


def reduced_sizes(network: Network, visits: float, rule: Rule = PLAIN) -> tuple[int, ...]:
    """The numbers of units that the first hidden layer may be reduced to, from 0 on; () for never.

    The last number is all units.

    Parameters
    ----------
    network : Network
    visits : float
        The training ahead: networks times rows times epochs. If it is small, compiling a smaller kernel
        takes longer than it saves.
    rule : Rule
        With a penalty the weights of a dead unit are never at rest.
    """
    if (
        len(network.layers) < 3
        or rule.penalties
        or not activation(network.hidden[0]).dies
        or not worth_a_kernel(network, visits)
    ):
        return ()
    sizes = [network.layers[1]]
    while sizes[0] > 1:
        sizes.insert(0, -(-sizes[0] // 2))
    return (0, *sizes)


def reduced_networks(network: Network, rule: Rule = PLAIN) -> tuple[Network, ...]:
    """The smaller networks to which a network may be reduced."""
    return tuple(with_units(network, size) for size in reduced_sizes(network, np.inf, rule)[:-1])


@lru_cache(maxsize=256)
def with_units(network: Network, size: int) -> Network:
    """The same network with `size` units in its first hidden layer."""
    if size == 0:
        return without_first(network)
    inputs, _, *after = network.layers
    return Network((inputs, size, *after), network.hidden, network.output)


@dataclass(frozen=True, eq=False)
class Group:
    """Networks trained together: `numbers` (m,) out of M, all described by `network`.

    `columns` (m, S') tells where the state of each lies in the state (S,) of the whole network; None: all of
    it.
    """

    network: Network
    numbers: Numbers
    columns: Numbers | None = None

    def take(self, state: Array) -> Array:
        """The group's states (m, S') out of all (M, S), as a new C-ordered array, as kernels ask for it."""
        if self.columns is None:
            return state.take(self.numbers, axis=0)
        return np.ascontiguousarray(state[self.numbers[:, None], self.columns])

    def put(self, state: Array, values: Array) -> None:
        """Write the group's states (m, S') back into the states (M, S) of all."""
        if self.columns is None:
            state[self.numbers] = values
        else:
            state[self.numbers[:, None], self.columns] = values

    def only(self, chosen: NDArray[Any] | slice) -> Group:
        """Some of the group's networks."""
        columns = None if self.columns is None else self.columns[chosen]
        return Group(self.network, self.numbers[chosen], columns)


@dataclass(eq=False)
class Units:
    """The units of the first hidden layer of M networks; `living` (M, H) tells which are alive.

    A unit counts as living until it is found shut on every row.
    """

    network: Network
    rule: Rule
    rows: Rows
    living: NDArray[np.bool_]

    @classmethod
    def of(cls, network: Network, rule: Rule, rows: Rows, networks: int) -> Units:
        """All units, all living."""
        return cls(network, rule, rows, np.ones((networks, network.layers[1]), bool))

    def look(self, before: Array, after: Array, numbers: Numbers) -> bool:
        """Find out which units of the networks `numbers` have died; return whether any has.

        Parameters
        ----------
        before, after : (M, S)
            States before and after an epoch, finite for `numbers`. Only a unit that the epoch left unchanged
            can have been shut throughout.
        numbers : (m,)
        """
        into, unmoved, zero = self._columns_of_units
        bias = numbers[:, None], into[:, -1]  # most units that live have moved it, and need no further look
        places, units = np.nonzero(self.living[numbers] & (before[bias] == after[bias]))
        whose = numbers[places, None]
        still = (before[whose, unmoved[units]] == after[whose, unmoved[units]]).all(axis=1)
        still &= (after[whose, zero[units]] == 0).all(axis=1)
        whose, units = whose[still], units[still]
        shut = self.rows.all_shut(after[whose, into[units]])
        self.living[whose[:, 0], units] = ~shut
        return bool(shut.any())

    @cached_property
    def _columns_of_units(self) -> tuple[Numbers, Numbers, Numbers]:
        """Columns of the state for each unit (H, ...), in three arrays: see below.

        First what leads into the unit, its bias last. Then what no epoch moves once the unit is dead, and
        what is 0 by then. What leads out of a dead unit gets no gradient. Without a state it rests; an
        optimizer that remembers former changes goes on moving it for a while.
        """
        size, states = self.network.n_parameters, self.rule.states
        (weights, biases), (out_of, _), *_ = self.network.split(np.arange(size))
        into = np.column_stack([weights, biases])
        own = np.column_stack([into, out_of.T]) if states else into
        pushing = [1 + states.index(letter) for letter in self.rule.optimizer.pushes]
        unmoved, zero = (
            np.concatenate([own[:, :0], *(own + size * part for part in parts)], axis=1)
            for parts in (range(1 + len(states)), pushing)
        )
        return into, unmoved, zero

    def groups(self, numbers: Numbers, vector: int, sizes: tuple[int, ...]) -> Iterator[Group]:
        """Group the networks `numbers` by their numbers of living units.

        Parameters
        ----------
        numbers : (m,)
        vector : int
            The networks in a full vector, which costs the same as one network. Each group has a multiple of
            it; the rest moves to the next larger size.
        sizes : tuple of int
            The numbers of units that a group may have, ascending; the last is all units.
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
        """Reduce networks to `size` units each: the living, filled up with dead ones, their order kept."""
        dead_last = np.argsort(~self.living[numbers], axis=1, kind="stable")
        kept = np.sort(dead_last[:, :size], axis=1)
        return Group(with_units(self.network, size), numbers, self._columns(kept))

    def _columns(self, kept: Numbers) -> Numbers:
        """The columns of the state that remain if only the units `kept` (m, size) do."""
        where = np.arange(self.network.n_parameters)
        (into, bias), (out_of, next_bias), *rest = self.network.split(where)
        networks = len(kept)

        def same(columns: Numbers) -> Numbers:
            return np.broadcast_to(columns.ravel(), (networks, columns.size))

        weights = [into[kept].reshape(networks, -1), out_of.T[kept].transpose(0, 2, 1).reshape(networks, -1)]
        weights += [same(W) for W, _ in rest]
        biases = [bias[kept], same(next_bias), *(same(b) for _, b in rest)]
        parameters = np.concatenate([*weights, *biases], axis=1)
        parts = range(1 + len(self.rule.states))
        size, whole = self.network.n_parameters, self.rule.state_size(self.network)
        shared = same(np.arange(len(parts) * size, whole))
        return np.concatenate([*(parameters + part * size for part in parts), shared], axis=1)

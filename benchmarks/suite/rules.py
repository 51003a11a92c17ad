"""Optimizers and batches beside plain gradient descent, one row at a time; units that die under momentum."""

from dataclasses import replace
from functools import partial

import numpy as np

import fastnn
from fastnn.core.optimizers import Momentum, Nesterov
from fastnn.engines import load
from suite.common import CLASSROOM, PLAIN, START, Arrays, Way, checked_kernel
from suite.timing import in_turns, seconds

NETWORKS = {"2-2-1": CLASSROOM, "4-16-1": fastnn.Network((4, 16, 1))}
WAYS = {
    "momentum": Way(Momentum()),
    "nesterov": Way(Nesterov()),
    "batches of 32": Way(batch=32),
    "batches of 32 with momentum": Way(Momentum(), batch=32),
}
MANY = 10_000
# The velocities of a unit that is shut for good fall by a tenth a row: after 800 rows they are subnormal in
# float32. What that costs is measured by itself, in sweeps.
ROWS = 600
DYING = {"optimizer": Momentum(momentum=0.9), "learning_rate": 0.02, "epochs": 200}


def times(network, dtype, ways, data, rounds, networks=MANY, repeat=4):
    """Seconds per network and row of each way and of the "plain" one, on one thread, round by round."""

    def timed(way):
        kernel = checked_kernel("lanes", network, dtype, way)
        most = load("lanes").call_sizes(network, dtype, way.rule).most
        start = Arrays.fresh(network, dtype, networks, ROWS, 1, data, way)

        def once():
            arrays = replace(start, state=start.state.copy(), totals=start.totals.copy())
            return seconds(arrays.advance, kernel, most)

        once()
        return lambda: sum(once() for _ in range(repeat)) / repeat / networks / len(start.X)

    return in_turns(rounds, **{name: timed(way) for name, way in {"plain": PLAIN, **ways}.items()})


def times_of_dying(dtype, data, rounds, networks=2000):
    """Seconds per network and row of sweeps of networks with units that die in mid-run, and without.

    Both sweeps have as many networks, rows and epochs.
    """
    sweep = partial(fastnn.sweep, CLASSROOM, data.X, data.y, dtype=dtype, workers=1, progress=False)
    sweep = partial(sweep, engine="lanes", **DYING)
    starts = START.draw(CLASSROOM, range(networks), 0)
    groups = {name: np.resize(some, starts.shape) for name, some in groups_of(starts, sweep, data).items()}

    def timed(some):
        return seconds(partial(sweep, networks=networks, start=fastnn.given(some)))

    visits = networks * len(data.X) * DYING["epochs"]
    found = in_turns(rounds, **{name: partial(timed, some) for name, some in groups.items()})
    return {name: values / visits for name, values in found.items()}


def groups_of(starts, sweep, data):
    """The starts whose networks lose hidden units in mid-run, "dying", and those that keep both, "living".

    ValueError if there are none of one kind: nothing to compare.
    """
    ended = sweep(networks=len(starts), start=fastnn.given(starts)).dead_units()
    begun = shut_units(starts, data.X)
    groups = {"dying": starts[ended > begun], "living": starts[ended == 0]}
    for name, some in groups.items():
        if not len(some):
            raise ValueError(f"of {len(starts)} networks none is {name}; there is nothing to compare.")
    return groups


def shut_units(parameters, X):
    """How many hidden units of each network are shut on every row, (M,)."""
    weights, biases = (parameters[:, place] for place in CLASSROOM.slices[0])
    W = weights.reshape(len(parameters), -1, X.shape[1])
    z = np.einsum("nd,mjd->mjn", X, W) + biases[:, :, None]
    return (z <= 0).all(axis=2).sum(axis=1)

"""One network alone: the engine `units` against `loop`, in turns, both first compared with `batched`."""

from dataclasses import replace

import numpy as np

import fastnn
from fastnn.core.optimizers import Adam
from fastnn.core.recipe import DEFAULT, Recipe
from fastnn.engines import load
from suite.kernels import SMALLER, Job, refuse_other_kernel
from suite.timing import in_turns, seconds

NETWORKS = {
    name: fastnn.Network(tuple(map(int, name.split("-"))))
    for name in ("4-16-1", "10-32-1", "10-100-1", "10-32-32-1", "30-64-1")
}
WAYS = {"one row at a time": DEFAULT, "batches of 200, Adam": Recipe(optimizer=Adam(), batch_size=200)}

ROWS, EPOCHS = 600, 10


def times(network, dtype, recipe, data, rounds):
    """Seconds per row of each engine by name, round by round."""
    job = Job(network, recipe, "units")
    start, *given, _ = job.arrays(dtype, 1, ROWS, data)
    start[:, : network.n_parameters] *= start.dtype.type(SMALLER)

    def timed(engine):
        kernel = load(engine).kernel(network, dtype, recipe.rule)
        refuse_other_kernel(kernel, replace(job, engine=engine), dtype, data)

        def train():
            state, totals = start.copy(), np.zeros((1, EPOCHS), dtype)
            taken = seconds(kernel, state, *given, totals, *job.told)
            if not np.isfinite(totals).all():
                raise AssertionError(f"{network!r} diverged: what is timed must not")
            return taken / ROWS / EPOCHS

        return train

    return in_turns(rounds, loop=timed("loop"), units=timed("units"))

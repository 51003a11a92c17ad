"""Kernels of any engine by any rule, in turns: each is first compared, to the bit, with that of `batched`."""

from dataclasses import dataclass

import numpy as np

import fastnn
from fastnn.core.recipe import Recipe
from fastnn.engines import load
from suite.common import LEARNING_RATE, START, Arrays
from suite.timing import in_turns, seconds

MANY = 10_000
ROWS = 600
SMALLER = 0.2  # starts at which no network diverges


@dataclass(frozen=True)
class Job:
    """A network, and how it is trained by which engine."""

    network: fastnn.Network
    recipe: Recipe
    engine: str = "lanes"

    def arrays(self, dtype, networks, rows, data):
        """What a kernel is given before the size of its batches; for several outputs, classes."""
        few = Arrays.fresh(self.network, dtype, networks, rows, 1, data)
        outputs = self.network.n_outputs
        Y = few.Y if outputs == 1 else np.eye(outputs, dtype=dtype)[np.arange(rows) % outputs]
        state = self.recipe.begun(START.draw(self.network, range(networks), 0).astype(dtype))
        settings = self.recipe.settings(np.full(networks, LEARNING_RATE, dtype))
        return state, few.X, Y, settings, few.totals

    @property
    def told(self):
        """The size of its batches, if they have several rows."""
        return (self.recipe.batch_size,) if self.recipe.batch_size > 1 else ()


def times(jobs, dtype, data, rounds, networks=MANY, rows=ROWS):
    """Seconds per network and row of each job by name, on one thread, round by round."""
    return in_turns(rounds, **{name: timed(job, dtype, data, networks, rows) for name, job in jobs.items()})


def timed(job, dtype, data, networks, rows):
    """A function that trains all networks for an epoch and returns the seconds per network and row."""
    kernel = load(job.engine).kernel(job.network, dtype, job.recipe.rule)
    refuse_other_kernel(kernel, job, dtype, data)
    most = load(job.engine).call_sizes(job.network, dtype, job.recipe.rule).most
    start, X, Y, settings, totals = job.arrays(dtype, networks, rows, data)

    def advance(state):
        for first in range(0, networks, most):
            some = slice(first, first + most)
            kernel(state[some], X, Y, settings[some], totals[some], *job.told)

    return lambda: seconds(advance, start.copy()) / networks / rows


def refuse_other_kernel(kernel, job, dtype, data):
    """Raise if a kernel and that of `batched` differ in one bit, from starts at which no network diverges.

    What kernels leave of networks that diverged is not told by their contract.
    """
    ends = []
    for some in (kernel, load("batched").kernel(job.network, dtype, job.recipe.rule)):
        state, *given, totals = job.arrays(dtype, 5, 43, data)
        state = state.copy()
        state[:, : job.network.n_parameters] *= state.dtype.type(SMALLER)
        some(state, *given, totals, *job.told)
        ends.append((state.tobytes(), totals.tobytes()))
        if not np.isfinite(totals).all():
            raise AssertionError(f"{job.network!r} diverged: what is compared must not")
    if ends[0] != ends[1]:
        raise AssertionError(f"{job.engine} and batched differ for {job.network!r}")

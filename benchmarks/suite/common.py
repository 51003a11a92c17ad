"""The shared parts of the benchmarks: networks, data, jobs of a million visits, the check before each timing.

A *visit* is one network meeting one row. Benchmarks named so make a million visits for all of their
parameters, so that the milliseconds on the dashboard are nanoseconds per network and row.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

import fastnn
from fastnn.engines import load
from suite import reference

CLASSROOM = fastnn.Network((2, 2, 1))
CLASSROOM_START = (2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3)
SHAPES = {"2-2-1": CLASSROOM, "2-8-8-1": fastnn.Network((2, 8, 8, 1))}

START = fastnn.normal(0, 1.5)
LEARNING_RATE = 0.005
MILLION = 1_000_000

# fastnn has its own tanh and sigmoid, at most 2 ulp off; after the check's 14 steps the error is below this.
SMOOTH_EPS = 64


@cache
def insurance():
    """Age and bmi to charges, 1338 rows: the simulated stand-in, the same on every machine."""
    return fastnn.load_insurance(simulated=True)


@dataclass(frozen=True)
class Arrays:
    """The five arrays of a kernel's contract."""

    parameters: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    settings: np.ndarray
    totals: np.ndarray

    @classmethod
    def fresh(cls, network, dtype, networks, rows, epochs, data=None):
        """New arrays for networks 0, 1, ... of seed 0 on the first rows of the data."""
        data = data or insurance()
        return cls(
            START.draw(network, range(networks), 0).astype(dtype),
            np.ascontiguousarray(data.X[:rows, : network.n_inputs], dtype),
            data.y[:rows, None].astype(dtype),
            np.full((networks, 1), np.asarray(-2, dtype) * np.asarray(LEARNING_RATE, dtype)),
            np.zeros((networks, epochs), dtype),
        )

    def alone(self, m):
        """Views for network m alone."""
        one = slice(m, m + 1)
        return Arrays(self.parameters[one], self.X, self.Y, self.settings[one], self.totals[one])

    def advance(self, kernel, at_once):
        """Run a kernel over all networks, `at_once` together."""
        for first in range(0, len(self.parameters), at_once):
            some = slice(first, first + at_once)
            kernel(self.parameters[some], self.X, self.Y, self.settings[some], self.totals[some])


@cache
def checked_kernel(engine, network, dtype):
    """Return the compiled kernel of an engine for a network, after comparing it with the reference."""
    kernel = load(engine).kernel(network, dtype)
    found = Arrays.fresh(network, dtype, networks=5, rows=7, epochs=2)
    found.advance(kernel, at_once=3)
    refuse_disagreement(found, *expected(network, dtype, networks=5, rows=7, epochs=2), network)
    return kernel


def expected(network, dtype, networks, rows, epochs):
    """The parameters and totals after training with the plain reference."""
    start = Arrays.fresh(network, dtype, networks, rows, epochs)
    X, Y = ([list(row) for row in array] for array in (start.X, start.Y))
    trained = [
        reference.advance(network.layers, network.hidden[0], list(parameters), X, Y, step, epochs)
        for parameters, step in zip(start.parameters, start.settings[:, 0], strict=True)
    ]
    parameters, totals = zip(*trained, strict=True)
    return np.array(parameters, dtype), np.array(totals, dtype)


def refuse_disagreement(found, parameters, totals, network):
    """Raise if parameters or totals differ: by one bit if the arithmetic is equal, else beyond rounding."""
    exact = set(network.hidden) <= {"relu", "identity"}
    tolerance = 0 if exact else SMOOTH_EPS * np.finfo(totals.dtype).eps
    np.testing.assert_allclose(found.parameters, parameters, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(found.totals, totals, rtol=tolerance, atol=tolerance)

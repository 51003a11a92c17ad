"""The shared parts of the benchmarks: networks, data, jobs of a million visits, the check before each timing.

A *visit* is one network meeting one row. Benchmarks named so make a million visits for all of their
parameters, so that the milliseconds on the dashboard are nanoseconds per network and row.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

import fastnn
from fastnn.core.optimizers import Momentum, Nesterov, Optimizer
from fastnn.core.recipe import DEFAULT, Recipe
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
class Way:
    """How networks are trained: an optimizer with its settings, and how many rows a batch has."""

    optimizer: Optimizer = DEFAULT.optimizer
    batch: int = 1

    @property
    def recipe(self):
        """The rule with its numbers."""
        return Recipe(optimizer=self.optimizer, batch_size=self.batch)

    @property
    def rule(self):
        """What kernels are printed for."""
        return self.recipe.rule

    @property
    def told(self):
        """What a kernel is called with after its arrays."""
        return (self.batch,) if self.batch > 1 else ()


PLAIN = Way()


@dataclass(frozen=True)
class Arrays:
    """The five arrays of a kernel's contract, and how it trains."""

    state: np.ndarray
    X: np.ndarray
    Y: np.ndarray
    settings: np.ndarray
    totals: np.ndarray
    way: Way = PLAIN

    @classmethod
    def fresh(cls, network, dtype, networks, rows, epochs, data=None, way=PLAIN):
        """New arrays for networks 0, 1, ... of seed 0 on the first rows of the data.

        A network of more inputs than the data have gets the squares of these, too, and so on.
        """
        data = data or insurance()
        powers = range(1, 2 + network.n_inputs // data.X.shape[1])
        X = np.hstack([data.X[:rows] ** power for power in powers])[:, : network.n_inputs]
        return cls(
            way.recipe.begun(START.draw(network, range(networks), 0).astype(dtype)),
            np.ascontiguousarray(X, dtype),
            data.y[:rows, None].astype(dtype),
            way.recipe.settings(np.full(networks, LEARNING_RATE, dtype)),
            np.zeros((networks, epochs), dtype),
            way,
        )

    @property
    def parameters(self):
        """The parameters (M, P), with which the state begins."""
        rule, size = self.way.rule, self.state.shape[1]
        return self.state[:, : (size - len(rule.shared)) // (1 + len(rule.states))]

    def alone(self, m):
        """Views for network m alone."""
        one = slice(m, m + 1)
        return replace(self, state=self.state[one], settings=self.settings[one], totals=self.totals[one])

    def advance(self, kernel, at_once):
        """Run a kernel over all networks, `at_once` together."""
        for first in range(0, len(self.state), at_once):
            some = slice(first, first + at_once)
            arrays = (self.state[some], self.X, self.Y, self.settings[some], self.totals[some])
            kernel(*arrays, *self.way.told)


@cache
def checked_kernel(engine, network, dtype, way=PLAIN):
    """Return the compiled kernel of an engine for a network, after comparing it with the reference."""
    kernel = load(engine).kernel(network, dtype, way.rule)
    size = {"networks": 5, "rows": 7 if way.batch == 1 else way.batch + 11, "epochs": 2, "way": way}
    found = Arrays.fresh(network, dtype, **size)
    found.advance(kernel, at_once=3)
    refuse_disagreement(found, *expected(network, dtype, **size), network)
    return kernel


def expected(network, dtype, networks, rows, epochs, way=PLAIN):
    """The parameters and totals after training with the plain reference."""
    start = Arrays.fresh(network, dtype, networks, rows, epochs, way=way)
    X, Y = ([list(row) for row in array] for array in (start.X, start.Y))
    rule = {"nesterov": isinstance(way.optimizer, Nesterov), "batch": way.batch}
    if isinstance(way.optimizer, Momentum):
        rule["momentum"] = start.settings[0, 1]
    trained = [
        reference.advance(network.layers, network.hidden[0], list(parameters), X, Y, step, epochs, **rule)
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

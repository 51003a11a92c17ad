"""Every engine: the cost of one network on one row, alone and among others; and a test of the check."""

from dataclasses import replace

import numpy as np

import fastnn
from fastnn.core.activations import ACTIVATIONS
from fastnn.core.rule import DTYPES
from fastnn.engines import ENGINES, load
from suite.common import MILLION, SHAPES, Arrays, checked_kernel, expected, refuse_disagreement
from suite.timing import steady

ROWS = 100


class Visits:
    """A million visits on one thread, so that milliseconds are nanoseconds per network and row."""

    params = (ENGINES, tuple(SHAPES), (1, 100, 10_000), DTYPES)
    param_names = ("engine", "shape", "networks", "dtype")
    timer = steady
    number = 1
    repeat = (4, 15, 2.0)

    def setup(self, engine, shape, networks, dtype):
        sizes = load(engine).call_sizes(SHAPES[shape], dtype)
        self.most = sizes.most
        if networks == 1 < sizes.fewest:
            raise NotImplementedError(f"{engine} is not made for one network alone")
        self.kernel = checked_kernel(engine, SHAPES[shape], dtype)
        self.arrays = Arrays.fresh(SHAPES[shape], dtype, networks, ROWS, MILLION // ROWS // networks)

    def time_million_visits(self, engine, shape, networks, dtype):
        self.arrays.advance(self.kernel, self.most)


class Activation:
    """A million visits of one hidden unit: the time that an activation and its slope add to the identity."""

    params = (ENGINES, tuple(ACTIVATIONS))
    param_names = ("engine", "activation")
    timer = steady
    number = 1
    repeat = (4, 15, 2.0)

    def setup(self, engine, activation):
        network = fastnn.Network((1, 1, 1), hidden=activation)
        self.kernel = checked_kernel(engine, network, "float64")
        self.arrays = Arrays.fresh(
            network, "float64", networks=1000, rows=ROWS, epochs=MILLION // ROWS // 1000
        )

    def time_million_visits(self, engine, activation):
        self.arrays.advance(self.kernel, at_once=1000)


class Check:
    """Whether the comparison that precedes every timing refuses wrong answers."""

    params = (tuple(ACTIVATIONS), DTYPES)
    param_names = ("activation", "dtype")
    unit = "wrong answers refused"

    def track_refused(self, activation, dtype):
        """How many of three it refuses: zeros, one number a little off, two networks swapped."""
        network = fastnn.Network((2, 2, 1), hidden=activation)
        parameters, totals = expected(network, dtype, networks=5, rows=7, epochs=2)
        right = replace(Arrays.fresh(network, dtype, 5, 7, 2), state=parameters, totals=totals)
        refuse_disagreement(right, parameters, totals, network)
        off = parameters.copy()
        off[3, 1] *= 1 + 1000 * np.finfo(dtype).eps
        wrong = (np.zeros_like(parameters), off, parameters[[1, 0, 2, 3, 4]])
        refused = sum(_refused(replace(right, state=p), parameters, totals, network) for p in wrong)
        assert refused == len(wrong), f"only {refused} of {len(wrong)} wrong answers were refused"
        return refused


def _refused(found, parameters, totals, network):
    try:
        refuse_disagreement(found, parameters, totals, network)
    except AssertionError:
        return True
    return False

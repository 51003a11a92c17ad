"""The cost of a rule beside plain gradient descent, one row at a time: ratios of programs run in turns."""

import numpy as np

from fastnn.core.rule import DTYPES
from suite.common import insurance
from suite.rules import NETWORKS, WAYS, times, times_of_dying

ROUNDS = 9


class Ratio:
    """A rule against the plain one: 10 000 networks in the engine `lanes`, one thread."""

    params = (tuple(WAYS), tuple(NETWORKS), DTYPES)
    param_names = ("rule", "network", "dtype")
    unit = "times plain gradient descent, one row at a time"

    def track_ratio(self, rule, network, dtype):
        """The median over the rounds, each kernel first compared with plain Python."""
        timed = times(NETWORKS[network], dtype, {rule: WAYS[rule]}, insurance(), ROUNDS)
        return float(np.median(timed[rule] / timed["plain"]))


class Dying:
    """A sweep with momentum whose networks lose units in mid-run, against one whose networks lose none."""

    params = (DTYPES,)
    param_names = ("dtype",)
    unit = "times a sweep in which no unit dies"

    def track_ratio(self, dtype):
        """The median over the rounds."""
        timed = times_of_dying(dtype, insurance(), ROUNDS)
        return float(np.median(timed["dying"] / timed["living"]))

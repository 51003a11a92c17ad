"""The cost of one network alone, with a lane for each unit of a layer: ratios of programs run in turns."""

import numpy as np

from fastnn.core.rule import DTYPES
from suite.alone import NETWORKS, WAYS, times
from suite.common import insurance

ROUNDS = 9


class Ratio:
    """The engine `units` against `loop`, one thread."""

    params = (tuple(WAYS), tuple(NETWORKS), DTYPES)
    param_names = ("way", "network", "dtype")
    unit = "times the engine loop"

    def track_ratio(self, way, network, dtype):
        """The median over the rounds."""
        timed = times(NETWORKS[network], dtype, WAYS[way], insurance(), ROUNDS)
        return float(np.median(timed["units"] / timed["loop"]))

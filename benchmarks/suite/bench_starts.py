"""Random numbers: starting parameters and shuffled row orders."""

import fastnn
from fastnn.training.randomness import permutations
from suite.common import CLASSROOM
from suite.timing import steady

NETWORKS = 100_000
STARTS = {
    "normal": fastnn.normal(0, 1.5),
    "uniform": fastnn.uniform(-1, 1),
    "he": fastnn.he(),
    "glorot": fastnn.glorot(),
}


class Draw:
    """The starts of 100 000 networks of 2-2-1: 10 ms are 100 ns per network and 11 ns per number."""

    params = (tuple(STARTS), (1000, NETWORKS))
    param_names = ("start", "networks in a call")
    timer = steady
    repeat = (4, 15, 2.0)

    def setup(self, start, at_once):
        drawn = STARTS[start].draw(CLASSROOM, range(at_once), 0)
        alone = STARTS[start].draw(CLASSROOM, [at_once - 1], 0)
        assert (drawn[-1] == alone[0]).all()
        assert len(set(drawn[:, 0])) == at_once

    def time_draw(self, start, at_once):
        for first in range(0, NETWORKS, at_once):
            STARTS[start].draw(CLASSROOM, range(first, first + at_once), 0)


class Shuffle:
    """Shuffled row orders."""

    timer = steady

    def time_orders_of_1338_rows_for_100_epochs(self):
        permutations(0, range(100), 1338)

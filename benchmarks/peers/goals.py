"""What fastnn aims at beside its peers: so many times as fast as the best of them, on all processors."""

import re
from dataclasses import dataclass

from peers.problems import REFERENCE
from peers.rounds import MANY


@dataclass(frozen=True)
class Goal:
    """`times` the speed of the fastest of some rows, those whose name `pattern` matches, on a problem."""

    problem: str
    times: float
    than: str
    pattern: str

    def best(self, rows):
        """The fastest of these rows, as (name, its result with many networks), or None."""
        timed = [
            (row, kinds[MANY])
            for row, kinds in rows.items()
            if re.match(self.pattern, row) and "ratio" in kinds.get(MANY, {})
        ]
        return min(timed, key=lambda one: one[1]["ratio"], default=None)


GOALS = (
    Goal(REFERENCE, 15, "the best of JAX", r"JAX"),
    Goal(REFERENCE, 10_000, "the `fit` of Keras", r"Keras.*, fit"),
    Goal("4-16-1", 5, "the best of JAX", r"JAX"),
    Goal("10-32-32-1", 3, "the best of JAX", r"JAX"),
)

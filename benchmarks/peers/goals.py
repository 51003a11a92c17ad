"""The goals of fastnn: to be a given number of times as fast as its best peers, on all processors."""

import re
from dataclasses import dataclass

from peers.problems import ADAM, REFERENCE
from peers.rounds import MANY


@dataclass(frozen=True)
class Goal:
    """On a problem, fastnn is `times` as fast as the fastest peer whose name `pattern` matches."""

    problem: str
    times: float
    than: str
    pattern: str

    def best(self, results):
        """The fastest of these peers, as (name, its result with many networks), or None."""
        timed = [
            (name, kinds[MANY])
            for name, kinds in results.items()
            if re.match(self.pattern, name) and "ratio" in kinds.get(MANY, {})
        ]
        return min(timed, key=lambda one: one[1]["ratio"], default=None)


GOALS = (
    Goal(REFERENCE, 15, "the best of JAX", r"JAX"),
    Goal(REFERENCE, 10_000, "the `fit` of Keras", r"Keras.*, fit"),
    Goal("4-16-1", 5, "the best of JAX", r"JAX"),
    Goal("10-32-32-1", 3, "the best of JAX", r"JAX"),
    Goal(ADAM, 3, "JAX with optax", r"JAX with optax"),
)

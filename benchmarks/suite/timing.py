"""Timing in turns: programs that are compared run one after the other, round by round, by processor time."""

from collections.abc import Callable
from time import perf_counter, process_time

import numpy as np


def in_turns(rounds: int, **timed: Callable[[], float | tuple[float, ...]]) -> dict[str, np.ndarray]:
    """Call each function once a round, every other round in reverse; return their results by name."""
    found = {name: [] for name in timed}
    for number in range(rounds):
        for name in list(timed)[:: 1 if number % 2 else -1]:
            found[name].append(timed[name]())
    return {name: np.array(values) for name, values in found.items()}


def seconds(function, *arguments, clock=process_time):
    """The processor seconds of a call on one thread; time spent waiting for the processor does not count."""
    began = clock()
    function(*arguments)
    return clock() - began


def wall_seconds(function, *arguments):
    """The wall-clock seconds of a call, for calls on several threads."""
    return seconds(function, *arguments, clock=perf_counter)

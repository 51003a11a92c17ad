"""Times that hardly depend on how busy the machine is: programs in turns, and a clock kept by a reference."""

from collections.abc import Callable
from time import perf_counter, process_time

import numpy as np

REFERENCE_SECONDS = 1e-3  # what the reference is said to take, wherever it runs
NUMBERS, TIMES = 4096, 350


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


def spent():
    """The processor seconds of this process, of all its threads, and of the processes that it has waited for.

    Linux and macOS only.
    """
    import resource

    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def reference(memory):
    """The reference: as long in NumPy's vectors, in the second level of the cache, as in a chain of sums.

    Either alone is a worse measure of what the other is like. Measured on a busy machine, as the standard
    deviation of ten processes' medians: `loop` 0.4 % (chain alone 0.2 %, vectors alone 1.6 %), `batched`
    0.8 % (1.0 %, 1.0 %), `lanes` 1.6 % (1.8 %, 1.5 %); seconds as they are: 0.9 %, 1.7 %, 1.8 %.
    """
    left, right, out = memory
    for _ in range(TIMES):
        np.multiply(left, right, out=out)
        np.add(out, left, out=out)
    for _ in range(TIMES // 10):
        np.add.accumulate(left, out=out)


class SteadyClock:
    """A timer for asv: processor seconds, as if the reference took `REFERENCE_SECONDS` at all times.

    It is called in pairs, before and after what is timed, and runs the reference right before and right after
    it. So a machine that is slow for a while, for its clock or for what others do to its caches, is slow for
    both, and two commits measured an hour apart can be compared. Time spent waiting for a processor does not
    count. Threads and child processes do, added up.
    """

    def __init__(self, clock=spent):
        self.clock = clock
        self.memory = np.array([[1.5], [1.25], [0.0]]) * np.ones(NUMBERS)
        self.before = None

    def __call__(self):
        now = self.clock()
        of_reference = seconds(reference, self.memory, clock=self.clock)
        if self.before is None:
            self.before = of_reference, self.clock()
            return 0.0
        (earlier, began), self.before = self.before, None
        return (now - began) / ((earlier + of_reference) / 2) * REFERENCE_SECONDS


steady = SteadyClock()

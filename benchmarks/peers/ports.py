"""The speed of light: the least time in which this processor can do the arithmetic of a training step.

It counts the multiplications and additions of the equations, each rounded once and so not fused. It does not
count divisions, square roots, comparisons, selections, loads and the loop itself. No order of instructions
can be faster. Only leaving work out can be, as a sweep does for units that are shut for good.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np

import fastnn
from fastnn.core.expressions import Binary, nodes


@dataclass(frozen=True)
class Ports:
    """The vector operations that a core starts per cycle: multiplications, additions, or either."""

    vector_bits: int
    multiply: int
    add: int
    shared: bool  # whether the same ports do both

    def __str__(self):
        kinds = (
            f"{self.multiply} ports that multiply or add"
            if self.shared
            else f"{self.multiply} multiply and {self.add} add ports"
        )
        return f"{kinds} of {self.vector_bits} bits"

    def cycles(self, counts, bits):
        """Cycles per network and row."""
        lanes = self.vector_bits // bits
        if self.shared:
            return (counts["*"] + counts["+"]) / (self.multiply * lanes)
        return max(counts["*"] / self.multiply, counts["+"] / self.add) / lanes


def ports_of(vendor, family):
    """The ports of x86 cores, from their makers' optimisation guides.

    AMD from Zen 2 to Zen 4 (families 23 and 25): two pipes multiply, two others add, 256 bits each; Zen 4
    splits vectors of 512 bits. Zen 5 (26) has pipes of 512 bits. An unknown core is taken to have two shared
    pipes of 256 bits.
    """
    if vendor == "AuthenticAMD" and family in (23, 25, 26):
        return Ports(512 if family == 26 else 256, 2, 2, shared=False)
    return Ports(256, 2, 2, shared=True)


def operations(network, optimizer="sgd", batch_size=1):
    """The multiplications of a row, and its additions and subtractions: {"*": ..., "+": ...}.

    Each has its share of what a batch does once.
    """
    counts = Counter()
    for equation in fastnn.derive(network, optimizer=optimizer, batch_size=batch_size).scalar:
        share = 1 if equation.stage.when == "row" else 1 / batch_size
        for node in nodes(equation.expression):
            if isinstance(node, Binary):
                counts["+" if node.operator == "-" else node.operator] += share
    return counts


def this_core():
    """(vendor, family) as the system tells them, or (None, None)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None, None
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return told.get("vendor_id"), int(told.get("cpu family", 0))


def gigahertz(seconds=0.3, steps=5_000_000):
    """Measure the clock: each xorshift is a chain of six operations that take one cycle each."""
    import numba

    @numba.njit
    def chain(x, steps):
        for _ in range(steps):
            x ^= x << np.uint64(13)
            x ^= x >> np.uint64(7)
            x ^= x << np.uint64(17)
        return x

    chain(np.uint64(1), 1)
    best, end = 0.0, process_time() + seconds
    while process_time() < end:
        began = process_time()
        chain(np.uint64(1), steps)
        best = max(best, 6 * steps / (process_time() - began) / 1e9)
    return best


@dataclass(frozen=True)
class Light:
    """The limit of this machine."""

    ports: Ports
    gigahertz: float
    cores: int

    @classmethod
    def measured(cls, cores):
        return cls(ports_of(*this_core()), gigahertz(), cores)

    def nanoseconds(self, problem):
        """The least nanoseconds per network and row, with all cores at work."""
        counts = operations(problem.network, problem.optimizer, problem.batch_size)
        return self.ports.cycles(counts, 8 * problem.dtype.itemsize) / self.gigahertz / self.cores

    def __str__(self):
        return f"{self.cores} cores at {self.gigahertz:.2f} GHz (measured), {self.ports} each"

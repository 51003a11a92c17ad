"""The limit of this machine: the operations of the equations, and the measured ports."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from fastnn.core.rule import DTYPES
from limits.cores import Core, this_core
from limits.measured import costs, gigahertz, widths
from limits.operations import operations

WHAT = (
    "Limit: the least time for the multiplications, additions, divisions and square roots of the equations, "
    "each once for every network and row and rounded once, so none fused; no order of them is faster. "
    "Comparisons, choices, loads and the loop itself are not in it."
)


@dataclass(frozen=True)
class Light:
    """The limit of this machine.

    Attributes
    ----------
    costs : dict
        {(bits of a register, dtype): `Costs` in seconds}, as measured.
    cores : int
        How many are at work.
    gigahertz : float
        The measured clock, to tell cycles.
    published : Core or None
        What others have published of this core, to be told beside what was measured.
    """

    costs: dict
    cores: int
    gigahertz: float
    published: Core | None = None

    @classmethod
    @cache
    def measured(cls, cores):
        """Measure every width that this machine has; a few seconds."""
        found = {(bits, dtype): costs(bits, dtype) for bits in widths() for dtype in DTYPES}
        return cls(found, cores, gigahertz(), this_core())

    @property
    def widths(self):
        """The bits of the registers, narrowest first."""
        return tuple(dict.fromkeys(bits for bits, _ in self.costs))

    def nanoseconds(self, network, recipe, dtype, bits):
        """The least nanoseconds per network and row, with all cores at work on registers of that width."""
        lanes = bits // (8 * np.dtype(dtype).itemsize)
        least = self.costs[bits, dtype].least(operations(network, recipe, dtype))
        return least * 1e9 / lanes / self.cores

    def __str__(self):
        many = f"{self.cores} cores" if self.cores > 1 else "one core"
        said = (
            f"published of {self.published.name}" if self.published else "published: this core is not known"
        )
        return (
            f"{many} at {self.gigahertz:.2f} GHz (measured); cycles of a vector's multiplication, addition, "
            f"either in a mix, division, square root, measured ({said}): "
            + "; ".join(map(self.told, self.costs))
        )

    def told(self, key):
        """One width and dtype in cycles: what was measured, and in brackets what others have published."""
        bits, dtype = key
        found = in_words(self.costs[key].times(self.gigahertz * 1e9))
        known = self.published and self.published.costs.get(key)
        return f"{bits} bits, {dtype} {found}" + (f" ({in_words(known)})" if known else "")


def in_words(costs):
    """Costs with two digits, one after the other."""
    values = (costs.multiply, costs.add, costs.together, costs.divide, costs.root)
    return ", ".join("?" if value is None else f"{value:.2g}" for value in values)

"""The ports of known cores, by microarchitecture, as others have published them.

Sources: LLVM's scheduling models of its version 20 (X86ScheduleZnver3.td, X86ScheduleZnver4.td,
X86SchedIceLake.td; Skylake-X has the same numbers), which were mostly measured by llvm-exegesis; for the
pipes of Zen 2 and Zen 5 AMD's Software Optimization Guides for their families. A number that is not known
there is None, and limits nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from limits.operations import ADD, DIVIDE, MULTIPLY, ROOT


@dataclass(frozen=True)
class Costs:
    """The time that vector operations of one width and dtype take if many follow one another.

    Attributes
    ----------
    multiply, add : float
        For one of these, among others of its kind.
    together : float
        For either of the two, among as many of both kinds: half as long where each has ports of its own.
    divide, root : float or None
        For a division and a square root, which share one unit.
    """

    multiply: float
    add: float
    together: float
    divide: float | None = None
    root: float | None = None

    def least(self, counts):
        """The least time for numbers of operations, {kind: number}, of one vector each.

        No order of the operations takes less: each kind has its ports, multiplications and additions
        together have theirs, and so have divisions and roots.
        """
        products, sums = counts[MULTIPLY], counts[ADD]
        divider = counts[DIVIDE] * (self.divide or 0) + counts[ROOT] * (self.root or 0)
        return max(products * self.multiply, sums * self.add, (products + sums) * self.together, divider)

    def times(self, factor):
        """The same in another unit of time."""
        values = (self.multiply, self.add, self.together, self.divide, self.root)
        return Costs(*(None if value is None else value * factor for value in values))


@dataclass(frozen=True)
class Core:
    """A microarchitecture, and its costs in cycles: {(bits of a register, dtype): Costs}."""

    name: str
    costs: dict


def core(name, *rows):
    """A core from rows of (bits, dtypes, multiply, add, together, divide, root)."""
    return Core(name, {(bits, dtype): Costs(*costs) for bits, dtypes, *costs in rows for dtype in dtypes})


SINGLE, DOUBLE = ("float32",), ("float64",)
BOTH = SINGLE + DOUBLE

ZEN_2 = core("Zen 2", (256, BOTH, 0.5, 0.5, 0.25))
ZEN_3 = core("Zen 3", (256, SINGLE, 0.5, 0.5, 0.25, 3, 5), (256, DOUBLE, 0.5, 0.5, 0.25, 5, 9))
ZEN_4 = core(
    "Zen 4",
    (256, SINGLE, 0.5, 0.5, 0.25, 3, 5),
    (256, DOUBLE, 0.5, 0.5, 0.25, 5, 9),
    (512, SINGLE, 1, 1, 0.5, 6, 10),  # in two halves
    (512, DOUBLE, 1, 1, 0.5, 10, 18),
)
ZEN_5 = core("Zen 5", (256, BOTH, 0.5, 0.5, 0.25), (512, BOTH, 0.5, 0.5, 0.25))
# With two units for 512 bits, as most of them have: one of the two joins the ports 0 and 1.
SKYLAKE_X = core(
    "Skylake-X or Ice Lake",
    (256, SINGLE, 0.5, 0.5, 0.5, 5, 6),
    (256, DOUBLE, 0.5, 0.5, 0.5, 8, 12),
    (512, SINGLE, 0.5, 0.5, 0.5, 10, 12),
    (512, DOUBLE, 0.5, 0.5, 0.5, 16, 24),
)

# (vendor, family, models): by the numbers that cpuid tells.
CORES = (
    ("AuthenticAMD", 23, range(0x30, 0x100), ZEN_2),
    ("AuthenticAMD", 25, (*range(0x10), *range(0x20, 0x60)), ZEN_3),
    ("AuthenticAMD", 25, (*range(0x10, 0x20), *range(0x60, 0x80), *range(0xA0, 0xB0)), ZEN_4),
    ("AuthenticAMD", 26, range(0x100), ZEN_5),
    ("GenuineIntel", 6, (0x55, 0x6A, 0x6C, 0x7D, 0x7E), SKYLAKE_X),
)


def known(vendor, family, model):
    """The core that cpuid names so, or None."""
    return next(
        (core for *names, models, core in CORES if names == [vendor, family] and model in models), None
    )


def this_core():
    """The core of this machine, as far as the system tells it and it is known; else None."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    numbers = (int(told.get(name, -1)) for name in ("cpu family", "model"))
    return known(told.get("vendor_id"), *numbers)

"""The ports of this machine, measured: tiny loops of vector operations that wait for nothing but a port."""

from time import process_time

import numpy as np

from fastnn.engines.forms import registers
from limits.cores import Costs

STEPS = 20_000
CHAINS = {16: 14, 32: 28}  # of dependent operations, by the number of registers, two of which hold constants
LOOPS = {
    "multiply": ("a{0} = a{0} * one",),
    "add": ("a{0} = a{0} + little",),
    "together": ("a{0} = a{0} * one", "b{0} = b{0} + little"),
    "divide": ("a{0} = number / a{0}",),
    "root": ("a{0} = sqrt(a{0}) + number",),  # the sum keeps the root from coming to 1
}


def widths():
    """The bits of registers: 256, in pairs of narrower ones at need, and 512 if this machine has them."""
    return (256, 512) if registers().size == 64 else (256,)


def costs(bits, dtype, seconds=0.02):
    """The `Costs` of vectors of a number of bits, in seconds."""
    return Costs(**{name: cost(name, bits, dtype, seconds) for name in LOOPS})


def cost(name, bits, dtype, seconds):
    """The seconds of one operation of a loop."""
    import numba

    lines = LOOPS[name]
    chains = CHAINS[registers().number] // len(lines)
    run, memory = loop(lines, chains, bits // (8 * np.dtype(dtype).itemsize), dtype)
    run = numba.njit(error_model="numpy")(run)
    run(memory, 1)
    return usual(run, memory, STEPS, seconds=seconds) / (STEPS * chains * len(lines))


def usual(run, *arguments, seconds):
    """The seconds of a call: the lower quartile of as many as fit into some seconds.

    Most calls are disturbed by nothing; a few seem to take less time than they can, where the clock slips.
    """
    times, end = [], process_time() + seconds
    while not times or process_time() < end:
        began = process_time()
        run(*arguments)
        times.append(process_time() - began)
    return np.quantile(times, 0.25)


def gigahertz(seconds=0.3, steps=1_000_000):
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
    return 6 * steps / usual(chain, np.uint64(1), steps, seconds=seconds) / 1e9


def loop(lines, chains, lanes, dtype):
    """A loop of some lines, for so many chains of values that fill a register; and its memory."""
    from fastnn.engines.simd import Vectors, sqrt

    body = [line.format(chain) for chain in range(chains) for line in lines]
    values = [f"{letter}{chain}" for chain in range(chains) for letter in "ab"[: len(lines)]]
    source = "\n".join(
        [
            "def run(memory, steps):",
            f"    vectors = Vectors(memory, 1, {lanes}, 0, 1)",
            "    one, little, number = memory[-3, 0], memory[-2, 0], memory[-1, 0]",
            *(f"    {value} = vectors[{place}]" for place, value in enumerate(values)),
            "    for step in range(steps):",
            *(f"        {line}" for line in body),
            *(f"    vectors[{place}] = {value}" for place, value in enumerate(values)),
        ]
    )
    namespace = {"Vectors": Vectors, "sqrt": sqrt}
    exec(source, namespace)  # noqa: S102 - the number of lanes is part of the code
    memory = aligned(len(values) + 3, lanes, dtype)
    memory[:-3] = 1.7
    memory[-3:] = np.array([[1.0], [1e-9], [1.3]])
    return namespace["run"], memory


def aligned(rows, numbers, dtype):
    """An array that begins at a line of the cache."""
    raw = np.empty(rows * numbers + 16, dtype)
    first = -raw.ctypes.data % 64 // raw.itemsize
    return raw[first : first + rows * numbers].reshape(rows, numbers)

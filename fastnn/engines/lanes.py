"""The engine `lanes`: many networks side by side, one in each lane of the processor's vectors (Numba).

A block of networks lies transposed in the cache, in its first level as long as they are small: row p of a
group holds parameter p of its networks, one in each lane. The equations are those of one network, with a
vector in the place of every number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import llvmlite.binding
import numpy as np

from fastnn.core.derivation import DELTAS, ERROR, FORWARD, TOTAL, UPDATES, Derivation, derive
from fastnn.core.expressions import Symbol
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN
from fastnn.engines import Blocks, Kernel
from fastnn.engines.compiling import compile_kernel
from fastnn.printing.infix import Lines
from fastnn.printing.scalars import Written
from fastnn.printing.vectors import ALIGNMENT, LayerByLayer, PythonOfVectors, vector_module, way_back
from fastnn.system.forking import ONE_AT_A_TIME

__all__ = ["blocks", "kernel", "source"]

# Up to here straight-line code takes 0.9 to 1.0 of the time of loops (2-7-1, 2-8-1, 4-5-1), beyond 1.0 to
# 1.16 (2-10-1, 5-6-1, 3-4-4-1), and longer to compile.
STRAIGHT_LINE_PARAMETERS = 36

STRAIGHT_LINE_BLOCK = 512  # bytes of each parameter; half or twice as many take the same time

# Besides the parameters so many values are at work on a row.
AT_WORK = 12

MOST_REGISTERS = 4  # with five 2-1-1 takes 1.06 of the time, with six 1.25

FIRST_LEVEL_CACHE = 32 << 10  # bytes


class Registers(NamedTuple):
    """A processor's registers for vectors: how many, of how many bytes each."""

    number: int
    size: int


@cache
def registers() -> Registers:
    """Those of this processor; where they are smaller than AVX2's, pairs of them."""
    with ONE_AT_A_TIME:  # LLVM has a lock of its own
        features = llvmlite.binding.get_host_cpu_features()
    return Registers(32, 64) if features.get("avx512f") else Registers(16, 32)


@dataclass(frozen=True)
class Shape:
    """A block of networks: `groups` of them, each in a vector of so many registers and lanes.

    `rows` vectors hold a group: its parameters, its settings, and the total of the epoch.
    """

    groups: int
    registers: int
    lanes: int
    rows: int

    @property
    def vector(self) -> int:
        """How many networks a group has."""
        return self.registers * self.lanes

    @property
    def networks(self) -> int:
        """How many networks a block holds."""
        return self.groups * self.vector


def shape(network: Network, dtype: str) -> Shape:
    """The block that suits a network.

    Loops do better with two registers for every value than with one: that takes 1.25 of the time for 4-16-1.
    Where there are 32 of them, four took 0.83 of the time of two, measured before updates shared a loop with
    the following row's forward pass. Half as many do better where otherwise a block outgrows the first level
    of the cache: with one of AVX2's 4-20-20-1 takes 0.86 of the time, 10-32-32-1 0.92 to 0.97.
    """
    number, size = registers()
    lanes, rows = size // np.dtype(dtype).itemsize, network.n_parameters + len(PLAIN.given) + 1
    if _is_small(network):
        together = _registers_together(network)
        return Shape(STRAIGHT_LINE_BLOCK // (size * together), together, lanes, rows)
    several = number // 8
    outgrows = network.n_parameters * size * several > FIRST_LEVEL_CACHE
    return Shape(1, several // 2 if outgrows else several, lanes, rows)


def _registers_together(network: Network) -> int:
    """How many registers each value of straight-line code has.

    The code waits for its own results, so groups of networks take turns; where the parameters are read from
    memory, several registers may take turns within a group, as many as find room for what is kept from the
    way forward. Of 16 registers three for 2-2-1 take 0.84 of the time of one in a quiet hour, 0.88 in a
    loud one; two for 2-5-1 0.69 and 0.85.
    """
    number, _ = registers()
    if not _outgrows_registers(network):
        return 1
    inputs, *hidden, outputs = network.layers
    kept_of_each, shared = sum(hidden) + outputs + 1, inputs + 1
    return min(MOST_REGISTERS, max(2, (number - shared) // kept_of_each))


@cache
def blocks(network: Network, dtype: str) -> Blocks:
    """How many networks a call should have: full lanes.

    Two cost 0.9 to 1.1 of their time in `loop` with straight-line code, and with loops 0.4 to 0.97 where a
    value has no more than two registers; one costs up to 2.3.
    """
    block = shape(network, dtype)
    fewest = 2 if _is_small(network) else registers().number // 8
    return Blocks(fewest, 64 * block.networks, block.networks, block.vector, seconds=1e-10)


@cache
def kernel(network: Network, dtype: str) -> Kernel:
    """The compiled kernel; compiled once for each network and dtype in a process."""
    return compile_kernel(source(network, dtype), dtype)


def source(network: Network, dtype: str) -> str:
    """The source of the kernel: straight-line for a small network, loops for a larger one."""
    write = _straight_line if _is_small(network) else _loops
    derivation = derive(network)
    return vector_module(derivation, dtype, write(derivation, dtype))


def _is_small(network: Network) -> bool:
    return network.n_parameters <= STRAIGHT_LINE_PARAMETERS


def _straight_line(derivation: Derivation, dtype: str) -> str:
    block, lines = shape(derivation.network, dtype), Lines()
    names = [*derivation.network.parameter_names, *_after_the_parameters(derivation)]
    places = {name: f"flat[group, {place}]" for place, name in enumerate(names)}
    total = places["total"]

    def named(symbol: Symbol) -> str:
        return total if symbol == TOTAL else derivation.name(symbol)

    def in_memory(symbol: Symbol) -> str:
        name = derivation.name(symbol)
        return places.get(name, name)

    ahead = Written(derivation, PythonOfVectors(named, dtype))
    back = Written(derivation, PythonOfVectors(in_memory, dtype))
    flat = _vectors("flat", block, 0, block.rows)
    with (
        _blocks_and_epochs(block, block.groups * block.rows, dtype, lines, [flat]),
        lines.block("for i in range(rows):"),
    ):
        ahead.load_row(lines)
        with lines.block("for group in range(groups):"):
            lines(*(f"{name} = {place}" for name, place in places.items() if place != total))
            lines(f"# {FORWARD} and {ERROR}")
            ahead.write(lines, (e for e in derivation.scalar if e.stage in (FORWARD, ERROR)))
            lines(f"# {DELTAS} and {UPDATES}")
            if _outgrows_registers(derivation.network):
                lines("read_again()")
            back.write(lines, way_back(derivation))
    return str(lines)


def _outgrows_registers(network: Network) -> bool:
    """Whether parameters had better be read twice for a row than stay in registers.

    With 16 registers, one for each value, 2-1-1 to 2-8-1 take 0.81 to 0.96 of the time, most often 0.85; with
    32 the compiler has to put parameters aside from 21 of them on.
    """
    return network.n_parameters + AT_WORK > registers().number


def _loops(derivation: Derivation, dtype: str) -> str:
    network, block = derivation.network, shape(derivation.network, dtype)
    together = registers().number // 4 // block.registers
    printer = LayerByLayer(derivation, dtype, together)
    views = [_vectors("flat", block, network.n_parameters, 1)]
    for layer, (weights, biases) in enumerate(network.slices, start=1):
        views.append(_vectors(f"W{layer}", block, weights.start, network.layers[layer - 1]))
        views.append(_vectors(f"B{layer}", block, biases.start, 1))
    joined, first = replace(block, registers=together * block.registers), _up_to(block.rows, together)
    for name, (rows, inner) in printer.scratch().items():
        views.append(_vectors(name, block, first, inner))
        if name in printer.joined:
            views.append(_vectors(printer.joined[name], joined, first // together, inner // together))
        first += rows * inner
    start, lines = Lines(), Lines()
    printer.write_start(start)
    with _blocks_and_epochs(block, _up_to(first, together), dtype, lines, views, str(start)):
        names = _after_the_parameters(derivation)
        lines(f"{', '.join(names)} = {', '.join(f'flat[{place}]' for place in range(len(names)))}")
        with lines.block("for row in range(rows):"):
            printer.write_row(lines)
        lines(f"flat[{len(names) - 1}] = total")
    return str(lines)


def _after_the_parameters(derivation: Derivation) -> list[str]:
    """What follows the parameters of a group: its settings, then the total of the epoch."""
    return [derivation.name(symbol) for symbol in (*derivation.rule.given, TOTAL)]


def _up_to(number: int, multiple: int) -> int:
    """The next multiple of a number."""
    return -(-number // multiple) * multiple


def _vectors(name: str, block: Shape, first: int, inner: int) -> str:
    """The line that names the vectors of a block from the one in row `first` on."""
    return f"{name} = Vectors(memory, {block.registers}, {block.lanes}, {first}, {inner})"


@contextmanager
def _blocks_and_epochs(
    block: Shape, vectors: int, dtype: str, lines: Lines, views: Iterable[str], start: str = ""
) -> Iterator[None]:
    """The loops over blocks and epochs around the loop over rows, and the copies in and out of a block.

    `views` stand before them, `start` before the epochs of each block.
    Each group has its parameters in the first rows of its memory, then its settings and the epoch's total.
    Lanes that are left over in the last group repeat the last network, to the bit.
    """
    width, vector, settings = block.networks, block.vector, len(PLAIN.given)
    parameters = block.rows - settings - 1
    every_parameter = f"for p in range({parameters}):"
    with lines.block("def advance(parameters, X, Y, settings, totals):"):
        lines("rows, networks = X.shape[0], parameters.shape[0]")
        lines(*_aligned_memory(vectors, vector, dtype))
        lines(f"block = memory[:{block.groups * block.rows}].reshape({block.groups}, {block.rows}, {vector})")
        lines(*views)
        with lines.block(f"for first in range(0, networks, {width}):"):
            lines(f"groups = min({block.groups}, (networks - first + {vector - 1}) // {vector})")
            with _every_lane(vector, lines):
                for column in range(settings):
                    lines(f"block[group, {parameters + column}, lane] = settings[m, {column}]")
                with lines.block(every_parameter):
                    lines("block[group, p, lane] = parameters[m, p]")
            lines(*start.splitlines())
            with lines.block("for e in range(totals.shape[1]):"):
                with _every_lane(vector, lines):
                    lines(f"block[group, {block.rows - 1}, lane] = totals[m, e]")
                yield
                with _every_lane(vector, lines):
                    lines(f"totals[m, e] = block[group, {block.rows - 1}, lane]")
            with _every_lane(vector, lines), lines.block(every_parameter):
                lines("parameters[m, p] = block[group, p, lane]")


@contextmanager
def _every_lane(vector: int, lines: Lines) -> Iterator[None]:
    """The loops over the lanes of a block's groups, and the network `m` in each."""
    with lines.block("for group in range(groups):"), lines.block(f"for lane in range({vector}):"):
        lines(f"m = min(first + group*{vector} + lane, networks - 1)")
        yield


def _aligned_memory(vectors: int, vector: int, dtype: str) -> Iterator[str]:
    """Memory for so many vectors of so many numbers that begins where a line of the cache does.

    Zeros, since what fills a vector up is computed with, too, and subnormal numbers take long.
    """
    size, numbers = np.dtype(dtype).itemsize, vectors * vector
    yield f"raw = zeros({numbers + ALIGNMENT // size}, {dtype})"
    yield f"skipped = -raw.ctypes.data % {ALIGNMENT} // {size}"
    yield f"memory = raw[skipped:skipped + {numbers}].reshape({vectors}, {vector})"

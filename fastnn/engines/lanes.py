"""The engine `lanes`: many networks side by side, one in each lane of the processor's vectors (Numba).

A block of networks lies transposed in the cache, in its first level as long as they are small: row p of a
group holds parameter p of its networks, one in each lane. The equations are those of one network, with a
vector in the place of every number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import llvmlite.binding
import numpy as np

from fastnn.derivation import STAGES, Derivation, derive
from fastnn.engines import Blocks, Kernel
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.printing import Lines
from fastnn.engines.scalar_printing import Written
from fastnn.engines.vector_printing import ALIGNMENT, LayerByLayer, vector_choice, vector_module
from fastnn.expressions import Symbol
from fastnn.network import Network

__all__ = ["blocks", "kernel", "source"]

# Up to here straight-line code is faster than loops: it takes 0.6 to 0.7 of their time for 2-7-1, 2-4-4-1 and
# 2-10-1 (29, 37 and 41 parameters), the same for 2-12-1 (49).
STRAIGHT_LINE_PARAMETERS = 45

STRAIGHT_LINE_BLOCK = 512  # bytes of each parameter; 256 take 1.03 of the time, 1024 the same

# Besides the parameters so many values are at work on a row.
AT_WORK = 12

FOUR_REGISTERS_PARAMETERS = 128  # 256 bytes each: 32 KB

# A few networks cost as much as 1.2 to 1.6 of them in `loop`, in straight-line code up to a group; in loops,
# up to a block, as much as 3, or 6.7 of 4-10-1.
FEWEST_STRAIGHT_LINE, FEWEST_LOOPS = 2, 4


class Registers(NamedTuple):
    """A processor's registers for vectors: how many, of how many bytes each."""

    number: int
    size: int


@cache
def registers() -> Registers:
    """Those of this processor; where they are smaller than AVX2's, pairs of them."""
    features = llvmlite.binding.get_host_cpu_features()
    return Registers(32, 64) if features.get("avx512f") else Registers(16, 32)


@dataclass(frozen=True)
class Shape:
    """A block of networks: `groups` of them, in vectors of `lanes`, `rows` vectors for each group."""

    groups: int
    lanes: int
    rows: int

    @property
    def networks(self) -> int:
        """How many networks a block holds."""
        return self.groups * self.lanes


def shape(network: Network, dtype: str) -> Shape:
    """The block that suits a network.

    Straight-line code waits for its own results, so groups of one register, eight of AVX-512's or sixteen
    of AVX2's, take turns. Loops do better with two registers for every value, and where there are 32 of
    them with four, as long as the block stays in the first level of the cache: 0.055 ns for a parameter of
    4-16-1 with four of AVX-512's, 0.066 with two, 0.071 with one.
    """
    number, size = registers()
    groups = STRAIGHT_LINE_BLOCK // size
    if not _is_small(network):
        four = number == 32 and network.n_parameters <= FOUR_REGISTERS_PARAMETERS
        groups, size = 1, size * (4 if four else 2)
    return Shape(groups, size // np.dtype(dtype).itemsize, network.n_parameters + 2)


@cache
def blocks(network: Network, dtype: str) -> Blocks:
    """How many networks a call should have: full lanes."""
    fewest = FEWEST_STRAIGHT_LINE if _is_small(network) else FEWEST_LOOPS
    width = shape(network, dtype).networks
    return Blocks(fewest, most=64 * width, width=width, seconds=1e-10)


@cache
def kernel(network: Network, dtype: str) -> Kernel:
    """The compiled kernel; compiled once for each network and dtype in a process."""
    return compile_kernel(source(network, dtype), dtype)


def source(network: Network, dtype: str) -> str:
    """The source of the kernel: straight-line for a small network, loops for a larger one."""
    write = _straight_line if _is_small(network) else _loops
    return vector_module(network, dtype, write(derive(network), dtype))


def _is_small(network: Network) -> bool:
    return network.n_parameters <= STRAIGHT_LINE_PARAMETERS


def _straight_line(derivation: Derivation, dtype: str) -> str:
    block, lines = shape(derivation.network, dtype), Lines()
    names = [*derivation.network.parameter_names, "step", "total"]
    places = {name: f"flat[group, {place}]" for place, name in enumerate(names)}

    def in_memory(symbol: Symbol) -> str:
        name = derivation.name(symbol)
        return places.get(name, name)

    printer = Written(derivation, dtype, choice=vector_choice)
    updates = Written(derivation, dtype, spell=in_memory)
    flat = f"flat = Vectors(memory, {block.lanes}, 0, {block.rows})"
    with (
        _blocks_and_epochs(block, block.groups * block.rows, dtype, lines, flat),
        lines.block("for i in range(rows):"),
    ):
        printer.load_row(lines)
        with lines.block(f"for group in range((used + {block.lanes - 1}) // {block.lanes}):"):
            lines(*(f"{name} = {place}" for name, place in places.items()))
            printer.write_row(lines, STAGES[:-1])
            lines(f"{places['total']} = total")
            if _outgrows_registers(derivation):
                lines("read_again()")
            updates.write_row(lines, STAGES[-1:])
    return str(lines)


def _outgrows_registers(derivation: Derivation) -> bool:
    """Whether parameters had better be read twice for a row than stay in registers.

    With 16 registers 2-1-1 to 2-8-1 take 0.81 to 0.96 of the time, most often 0.85; with 32 the compiler has
    to put parameters aside from 21 of them on.
    """
    return derivation.network.n_parameters + AT_WORK > registers().number


def _loops(derivation: Derivation, dtype: str) -> str:
    printer, lines = LayerByLayer(derivation, dtype), Lines()
    network, block = derivation.network, shape(derivation.network, dtype)
    views, first = [f"flat = Vectors(memory, {block.lanes}, {network.n_parameters}, 1)"], block.rows
    for layer, (weights, biases) in enumerate(network.slices, start=1):
        views.append(
            f"W{layer} = Vectors(memory, {block.lanes}, {weights.start}, {network.layers[layer - 1]})"
        )
        views.append(f"B{layer} = Vectors(memory, {block.lanes}, {biases.start}, 1)")
    for name, count in printer.scratch().items():
        views.append(f"{name} = Vectors(memory, {block.lanes}, {first}, 1)")
        first += count
    with _blocks_and_epochs(block, first, dtype, lines, *views):
        lines("step, total = flat[0], flat[1]")
        with lines.block("for row in range(rows):"):
            printer.write_row(lines)
        lines("flat[1] = total")
    return str(lines)


@contextmanager
def _blocks_and_epochs(block: Shape, vectors: int, dtype: str, lines: Lines, *prepare: str) -> Iterator[None]:
    """The loops over blocks and epochs around the loop over rows, and the copies in and out of a block.

    Each group has its parameters in the first rows of its memory, then `step` and the total of the epoch.
    Lanes that are left over in the last block repeat its last network; what they compute is dropped.
    """
    width, lanes, parameters = block.networks, block.lanes, block.rows - 2
    every_parameter = f"for p in range({parameters}):"
    every_lane, used_lanes = f"for lane in range({width}):", "for lane in range(used):"
    place = f"group, at = lane // {lanes}, lane % {lanes}"
    with lines.block("def advance(parameters, X, Y, steps, totals):"):
        lines("rows, networks = X.shape[0], parameters.shape[0]")
        lines(*_aligned_memory(vectors, lanes, dtype))
        lines(f"block = memory[:{block.groups * block.rows}].reshape({block.groups}, {block.rows}, {lanes})")
        lines(*prepare)
        with lines.block(f"for first in range(0, networks, {width}):"):
            lines(f"used = min({width}, networks - first)")
            with lines.block(every_lane):
                lines(place, "m = first + min(lane, used - 1)", f"block[group, {parameters}, at] = steps[m]")
                with lines.block(every_parameter):
                    lines("block[group, p, at] = parameters[m, p]")
            with lines.block("for e in range(totals.shape[1]):"):
                with lines.block(every_lane):
                    lines(place)
                    lines(f"block[group, {parameters + 1}, at] = totals[first + min(lane, used - 1), e]")
                yield
                with lines.block(used_lanes):
                    lines(place, f"totals[first + lane, e] = block[group, {parameters + 1}, at]")
            with lines.block(used_lanes):
                lines(place)
                with lines.block(every_parameter):
                    lines("parameters[first + lane, p] = block[group, p, at]")


def _aligned_memory(vectors: int, lanes: int, dtype: str) -> Iterator[str]:
    """Memory for so many vectors that begins where a line of the cache does."""
    size, numbers = np.dtype(dtype).itemsize, vectors * lanes
    yield f"raw = empty({numbers + ALIGNMENT // size}, {dtype})"
    yield f"skipped = -raw.ctypes.data % {ALIGNMENT} // {size}"
    yield f"memory = raw[skipped:skipped + {numbers}].reshape({vectors}, {lanes})"

"""The engine `lanes`: many networks side by side, one in each lane of the processor's vectors (Numba).

A block of networks lies transposed in the cache, up to about 90 parameters of each in the first level of it,
the networks along the last axis. The innermost loop runs over the block with the equations of one row in its
body, so the compiler turns every operation into one on a whole vector. For a small network the body holds all
equations, and every value but the parameters stays in a register; for a larger one there is such a loop for
every assignment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

from fastnn.derivation import Derivation, derive
from fastnn.engines import Blocks, Kernel
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.loop import STRAIGHT_LINE_PARAMETERS
from fastnn.engines.printing import Lines
from fastnn.engines.scalar_printing import Looped, Written, module
from fastnn.expressions import Index
from fastnn.network import Network

__all__ = ["blocks", "kernel", "source"]

# 512 bytes of each value: 64 networks in float64. Blocks of 32, 64, 128 and 256 took 0.62, 0.54, 0.54 and
# 0.60 ns for a network and row of 2-2-1; loops over 32 and fewer are unrolled before they are vectorised.
LANE_BYTES = 512

# A block costs the same however many of its lanes are used: as much as 4 networks of 2-2-1 take in `loop`,
# and 25 of a network that is too large for straight-line code.
FEWEST_STRAIGHT_LINE, FEWEST_LOOPS = 4, 25


def blocks(network: Network, dtype: str) -> Blocks:
    """How many networks a call should have: full lanes."""
    fewest = FEWEST_STRAIGHT_LINE if _is_small(network) else FEWEST_LOOPS
    return Blocks(fewest, most=64 * lanes(dtype), width=lanes(dtype), seconds=1e-10)


def lanes(dtype: str) -> int:
    """How many networks a block holds."""
    return LANE_BYTES // np.dtype(dtype).itemsize


@cache
def kernel(network: Network, dtype: str) -> Kernel:
    """The compiled kernel; compiled once for each network and dtype in a process."""
    return compile_kernel(source(network, dtype), dtype)


def source(network: Network, dtype: str) -> str:
    """The source of the kernel: straight-line for a small network, loops for a larger one."""
    write = _straight_line if _is_small(network) else _loops
    return module(network, dtype, write(derive(network), dtype))


def _is_small(network: Network) -> bool:
    return network.n_parameters <= STRAIGHT_LINE_PARAMETERS


def _straight_line(derivation: Derivation, dtype: str) -> str:
    printer, lines = Written(derivation, dtype), Lines()
    names = derivation.network.parameter_names
    with _blocks_and_epochs(derivation.network, dtype, lines), lines.block("for i in range(rows):"):
        printer.load_row(lines)
        with lines.block(f"for lane in range({lanes(dtype)}):"):
            lines("step, total = step_of[lane], total_of[lane]")
            lines(*(f"{name} = flat[{place}, lane]" for place, name in enumerate(names)))
            printer.write_row(lines)
            lines(*(f"flat[{place}, lane] = {name}" for place, name in enumerate(names)))
            lines("total_of[lane] = total")
    return str(lines)


def _loops(derivation: Derivation, dtype: str) -> str:
    printer, lines = Looped(derivation, dtype, Index("lane", lanes(dtype))), Lines()
    names = "step, total = step_of, total_of"
    prepare = (names, *printer.scratch(), *printer.views("flat"))
    with (
        _blocks_and_epochs(derivation.network, dtype, lines, *prepare),
        lines.block("for row in range(rows):"),
    ):
        printer.write_row(lines)
    return str(lines)


@contextmanager
def _blocks_and_epochs(network: Network, dtype: str, lines: Lines, *prepare: str) -> Iterator[None]:
    """The loops over blocks and epochs around the loop over rows, and the copies in and out of a block.

    Lanes that are left over in the last block repeat its last network; what they compute is dropped.
    """
    width, every_parameter = lanes(dtype), f"for p in range({network.n_parameters}):"
    every_lane, used_lanes = f"for lane in range({width}):", "for lane in range(used):"
    with lines.block("def advance(parameters, X, Y, steps, totals):"):
        lines("rows, networks = X.shape[0], parameters.shape[0]")
        lines(f"flat = empty(({network.n_parameters}, {width}), {dtype})")
        lines(f"step_of = empty({width}, {dtype})", f"total_of = empty({width}, {dtype})", *prepare)
        with lines.block(f"for first in range(0, networks, {width}):"):
            lines(f"used = min({width}, networks - first)")
            with lines.block(every_lane):
                lines("m = first + min(lane, used - 1)", "step_of[lane] = steps[m]")
                with lines.block(every_parameter):
                    lines("flat[p, lane] = parameters[m, p]")
            with lines.block("for e in range(totals.shape[1]):"):
                with lines.block(every_lane):
                    lines("total_of[lane] = totals[first + min(lane, used - 1), e]")
                yield
                with lines.block(used_lanes):
                    lines("totals[first + lane, e] = total_of[lane]")
            with lines.block(used_lanes), lines.block(every_parameter):
                lines("parameters[first + lane, p] = flat[p, lane]")

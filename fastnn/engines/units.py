"""The engine `units`: one network after the other, with one unit of a layer in each lane of vectors (Numba)."""

from __future__ import annotations

from functools import cache

import numpy as np

from fastnn.core.derivation import derived
from fastnn.core.equations import Derivation
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import CallSizes, Kernel, arguments
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.lanes import registers
from fastnn.engines.watching import looks, watching
from fastnn.printing.infix import Lines
from fastnn.printing.unit_memory import spans_of
from fastnn.printing.units_in_batches import InBatches
from fastnn.printing.units_row_by_row import RowByRow
from fastnn.printing.vectors import vector_module
from fastnn.system.forking import ONE_AT_A_TIME

__all__ = ["call_sizes", "kernel", "source"]

MOST_REGISTERS = {16: 6, 32: 13}
IN_BATCHES = {16: 2, 32: 4}
ROWS = 4


def call_sizes(network: Network, dtype: str, rule: Rule = PLAIN) -> CallSizes:
    """How many networks a call should take: any number; with 1024 the cost of the call does not matter."""
    return CallSizes(fewest=1, most=1024, width=1, vector=1, seconds=1e-9)


def kernel(network: Network, dtype: str, rule: Rule = PLAIN) -> Kernel:
    """The compiled kernel; compiled once for each network, dtype and rule in a process."""
    return made(network, dtype, rule)


@cache
def made(network: Network, dtype: str, rule: Rule) -> Kernel:
    """The same, kept; the self-check clears it when it rejects a kernel."""
    return compile_kernel(source(network, dtype, rule), dtype)


def source(network: Network, dtype: str, rule: Rule = PLAIN) -> str:
    """The source of the kernel."""
    if looks(rule):
        return watching(source, network, dtype, rule)
    derivation = derived(network, rule)
    return vector_module(derivation, dtype, _advance(derivation, dtype))


def _advance(derivation: Derivation, dtype: str) -> str:
    network, rule = derivation.network, derivation.rule
    number, size = registers()
    lanes = size // np.dtype(dtype).itemsize
    apart = rule.batched or rule.measuring
    printer: RowByRow | InBatches
    if apart:
        printer = InBatches(derivation, dtype, spans_of(network, lanes, IN_BATCHES[number]), ROWS)
    else:
        printer = RowByRow(derivation, dtype, spans_of(network, lanes, MOST_REGISTERS[number]))
    lines, memory, states = Lines(), printer.memory, 1 + len(rule.states)
    with lines.block(f"def advance({arguments(rule)}):"):
        lines("rows = X.shape[0]")
        with lines.block("for m in range(state.shape[0]):"):
            lines(*memory.allocation(dtype), *printer.views())
            memory.write_in(lines, states)
            for column, symbol in enumerate(rule.given):
                lines(f"{derivation.name(symbol)} = settings[m, {column}]")
            for column, symbol in enumerate(rule.shared, start=states * network.n_parameters):
                lines(f"{symbol.family} = state[m, {column}]")
            printer.write_masks(lines)
            printer.write_start(lines)
            with lines.block("for e in range(totals.shape[1]):"):
                lines("total = totals[m, e]")
                if rule.measuring:
                    lines("start, stop = 0, rows")
                    printer.write_batch(lines)
                elif apart:
                    with lines.block("for start in range(0, rows, batch):"):
                        lines("stop = min(start + batch, rows)", f"n = {dtype}(stop - start)")
                        printer.write_batch(lines)
                else:
                    with lines.block("for row in range(rows):"):
                        printer.write_row(lines)
                lines("totals[m, e] = total")
            if not rule.measuring:
                memory.write_out(lines, states)
                for column, symbol in enumerate(rule.shared, start=states * network.n_parameters):
                    lines(f"state[m, {column}] = {symbol.family}")
    return str(lines)

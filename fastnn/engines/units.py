"""The engine `units`: one network after the other, one unit of a layer in each lane of vectors (Numba).

A layer's units are independent of each other, and the rows of a batch but for what they add up to. So a
network alone fills the processor's vectors, too, with the same operations in the same order.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from fastnn.core.derivation import derived
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import CallSizes, Kernel, arguments, forms
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.watching import looks, watching
from fastnn.printing.infix import Lines
from fastnn.printing.unit_memory import spans_of
from fastnn.printing.units_in_batches import InBatches
from fastnn.printing.units_row_by_row import RowByRow
from fastnn.printing.vectors import vector_module

__all__ = ["call_sizes", "kernel", "source"]

# The most registers of a vector, by the number of registers: a layer's sums, its deltas and a weight are in
# use at once. In batches those of several rows are.
MOST = {16: 6, 32: 13}
MOST_IN_BATCHES = {16: 2, 32: 4}
ROWS_TOGETHER = 4


def call_sizes(network: Network, dtype: str, rule: Rule = PLAIN) -> CallSizes:
    """How many networks a call should take: any number; with 1024 the cost of the call does not matter."""
    return CallSizes(fewest=1, most=1024, width=1, vector=1, seconds=2e-10)


def kernel(network: Network, dtype: str, rule: Rule = PLAIN) -> Kernel:
    """The compiled kernel; compiled once for each network, dtype and rule in a process."""
    return made(network, dtype, rule)


@cache
def made(network: Network, dtype: str, rule: Rule) -> Kernel:
    """The same, kept; the self-check clears it when it rejects a kernel."""
    return compile_kernel(source(network, dtype, rule), dtype)


def source(network: Network, dtype: str, rule: Rule = PLAIN) -> str:
    """The source of the kernel: row by row, or batch by batch."""
    if looks(rule):
        return watching(source, network, dtype, rule)
    derivation, lines = derived(network, rule), Lines()
    number, size, _ = forms.registers()
    in_register = size // np.dtype(dtype).itemsize
    if rule.batched or rule.measuring:
        spans = spans_of(network, in_register, MOST_IN_BATCHES[number])
        widest = max(span.registers for span in spans[1:])
        is_small = in_register == 2 * ROWS_TOGETHER and widest <= MOST_IN_BATCHES[number] // 2
        _write(InBatches(derivation, dtype, spans, ROWS_TOGETHER * (1 + is_small)), lines)
    else:
        _write(RowByRow(derivation, dtype, spans_of(network, in_register, MOST[number])), lines)
    return vector_module(derivation, dtype, str(lines))


def _write(printer: RowByRow | InBatches, lines: Lines) -> None:
    """Write the kernel: all networks use the same memory, one after the other."""
    memory, rule = printer.memory, printer.derivation.rule
    with lines.block(f"def advance({arguments(rule)}):"):
        lines("rows = X.shape[0]", *memory.allocation(printer.dtype), *printer.views())
        with lines.block("for m in range(state.shape[0]):"):
            _write_network(printer, lines)


def _write_network(printer: RowByRow | InBatches, lines: Lines) -> None:
    """Write all that a call does with network m."""
    derivation, memory, rule = printer.derivation, printer.memory, printer.derivation.rule
    states = 1 + len(rule.states)
    first = states * printer.network.n_parameters
    shared = {symbol.family: f"state[m, {first + n}]" for n, symbol in enumerate(rule.shared)}
    memory.write_in(lines, states)
    lines(*(f"{derivation.name(symbol)} = settings[m, {n}]" for n, symbol in enumerate(rule.given)))
    lines(*(f"{name} = {place}" for name, place in shared.items()))
    printer.write_masks(lines)
    printer.write_start(lines)
    with lines.block("for e in range(totals.shape[1]):"):
        lines("total = totals[m, e]")
        printer.write_epoch(lines)
        lines("totals[m, e] = total")
    if not rule.measuring:
        memory.write_out(lines, states)
        lines(*(f"{place} = {name}" for name, place in shared.items()))

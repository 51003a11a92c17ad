"""The engine `units`: one network after the other, one unit of a layer in each lane of vectors (Numba).

A layer's units are independent of each other, and the rows of a batch but for what they add up to. So a
network alone fills the processor's vectors, too, with the same operations in the same order.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from fastnn.core.derivation import derived
from fastnn.core.equations import Derivation
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import CallSizes, Kernel, arguments, forms
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.traits import calls_functions, has_functions
from fastnn.engines.watching import looks, watching
from fastnn.printing.infix import Lines
from fastnn.printing.softmax import narrowed
from fastnn.printing.unit_memory import Span, spans_of
from fastnn.printing.units_in_batches import InBatches
from fastnn.printing.units_in_phases import InPhases
from fastnn.printing.units_row_by_row import RowByRow
from fastnn.printing.vectors import vector_module

__all__ = ["call_sizes", "kernel", "source"]

# The most registers of a vector, by the number of registers: a layer's sums, its deltas and a weight are in
# use at once. In batches those of several rows are.
MOST = {16: 6, 32: 13}
MOST_IN_BATCHES = {16: 2, 32: 5}

# Where the terms of the only output are added up along with the layer before it, that one is worked on in
# small vectors, so that the first terms are there soon: of so many bytes, or fewer for few inputs. With many
# inputs each of the vectors waits for its own sums. Measured (plain, with 32 registers): 10-32-1 x0.71,
# 10-100-1 x0.69, 8-24-1 x0.62, 4-16-16-1 x0.69, 24-24-1 x0.88, but 50-50-1 x1.14; leaky ReLU the same,
# Adam x0.71 to 0.96, float32 x0.77 to 1.0; with functions 4-16-1 x1.12, with three outputs 10-32-3 x1.05.
# With 16 registers: 4-16-1 x0.86, 10-64-1 x0.79, but 16-16-1 x1.19. Half registers where whole ones have more
# lanes left over: 10-10-1 x0.86.
BYTES, FEW_BYTES, FEW_INPUTS = 64, 32, 6
MOST_INPUTS = {16: 10, 32: 24}
MOST_LEFT_OVER = 1.1  # times the lanes

# How many rows of a batch are worked on at once, and how many if what they have fits into registers with the
# weights. Measured with 32 registers: 4-10-3 x0.76 and 10-24-1 x0.94, with 3 of them for each row.
ROWS_TOGETHER, MORE_ROWS = 4, 8
MOST_OF_MORE_ROWS = {16: 0, 32: 3}


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
    derivation, lines = narrowed(derived(network, rule)), Lines()
    _write(_printer(derivation, dtype), lines)
    called = calls_functions(network, rule)
    return vector_module(derivation, dtype, str(lines), called=called)


def _printer(derivation: Derivation, dtype: str) -> RowByRow | InBatches:
    network, rule = derivation.network, derivation.rule
    if rule.batched or rule.measuring:
        spans = _spans(network, dtype, rule)
        together = _rows_together(spans)
        printer = InPhases if InPhases.suits(derivation, spans, together) else InBatches
        return printer(derivation, dtype, spans, together)
    along = _spans_along(network, dtype, rule)
    return RowByRow(derivation, dtype, along or _spans(network, dtype, rule), along=along is not None)


def _spans(network: Network, dtype: str, rule: Rule) -> list[Span]:
    """How the layers lie in vectors: in half registers where these cost no time and leave fewer lanes over.

    Measured where operations are carried out in halves (against whole registers): in batches 10-10-1 x0.78,
    30-10-1 x0.74, 10-100-1 x0.88, but with no lanes saved 10-24-1 x1.2; row by row 4-10-3 x0.88.
    """
    number, size, halves = forms.registers()
    most = (MOST_IN_BATCHES if rule.batched or rule.measuring else MOST)[number]
    whole = size // np.dtype(dtype).itemsize
    every = [spans_of(network, lanes, most) for lanes in (whole, whole // 2)[: 1 + halves]]
    return min(every, key=_lanes)


def _spans_along(network: Network, dtype: str, rule: Rule) -> list[Span] | None:
    """How they lie if the output's terms are added up along with the layer before it; None: better not."""
    if len(network.layers) < 3 or network.n_outputs > 1 or has_functions(network, rule):
        return None
    number, size, halves = forms.registers()
    whole, inputs, most = size // np.dtype(dtype).itemsize, network.layers[-3], MOST_INPUTS[number]
    at_once = max(1, (FEW_BYTES if inputs <= FEW_INPUTS else BYTES) // size)
    spans = spans_of(network, whole, MOST[number], at_once)
    if halves:
        short = spans_of(network, whole // 2, MOST[number], 1)
        if inputs <= FEW_INPUTS or _lanes(spans) > MOST_LEFT_OVER * _lanes(short):
            spans, most = short, MOST_INPUTS[16]
    return spans if inputs <= most else None


def _lanes(spans: list[Span]) -> int:
    """How many lanes the units of all hidden layers take."""
    return sum(span.numbers for span in spans[1:-1])


def _rows_together(spans: list[Span]) -> int:
    """How many rows of a batch are worked on at once."""
    most = MOST_OF_MORE_ROWS[forms.registers().number]
    are_few = all(span.vectors == 1 and span.registers <= most for span in spans[1:])
    return MORE_ROWS if are_few and spans[1].lanes <= MORE_ROWS else ROWS_TOGETHER


def _write(printer: RowByRow | InBatches, lines: Lines) -> None:
    """Write the kernel: all networks use the same memory, one after the other."""
    memory, rule = printer.memory, printer.derivation.rule
    with lines.block(f"def advance({arguments(rule)}):"):
        lines("rows = X.shape[0]", memory.allocation(printer.dtype), *printer.views())
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

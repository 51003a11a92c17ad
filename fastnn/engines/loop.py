"""The engine `loop`: one network after the other, one row at a time, compiled by Numba.

For a small network the source has one scalar for each parameter and reads like the classroom notebook;
for a larger one the same equations run in loops over units and inputs, so that compiling stays quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from fastnn.core.derivation import derived
from fastnn.core.equations import Derivation
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import CallSizes, Kernel, arguments
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.watching import looks, watching
from fastnn.printing.infix import Lines, Python
from fastnn.printing.scalars import Looped, Written, module

__all__ = ["call_sizes", "kernel", "source"]

# Straight-line code is faster, but its compile time grows with the network: 0.5 s for 17 parameters, 1.4 s
# for 49, 3.3 s for 97. Loops compile in 0.9 s, whatever the size. Measured (bench_engines): x0.6 to x0.7
# (against loops).
STRAIGHT_LINE_PARAMETERS = 64


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
    """The source of the kernel: straight-line for a small network, loops for a larger one."""
    if looks(rule):
        return watching(source, network, dtype, rule)
    write = _straight_line if network.n_parameters <= STRAIGHT_LINE_PARAMETERS else _loops
    derivation = derived(network, rule)
    return module(derivation, dtype, write(derivation, dtype))


def _straight_line(derivation: Derivation, dtype: str) -> str:
    # With branches the next row need not wait for a delta that changes nothing, and processors predict the
    # gates well. Measured (ratios.py): x0.96 to x1.02 with branches, x1.20 without (against C).
    printer, lines = Written(derivation, Python(derivation.name, dtype), branches=True), Lines()
    names = [derivation.name(symbol) for symbol in derivation.state]
    with lines.block(f"def advance({arguments(derivation.rule)}):"):
        lines("rows = X.shape[0]")
        with lines.block("for m in range(state.shape[0]):"):
            lines(*_settings(derivation))
            lines(*(f"{name} = state[m, {position}]" for position, name in enumerate(names)))
            with _epochs(lines):
                _write_rows(printer, "i", dtype, lines)
            if not derivation.rule.measuring:
                lines(*(f"state[m, {position}] = {name}" for position, name in enumerate(names)))
    return str(lines)


def _loops(derivation: Derivation, dtype: str) -> str:
    printer, lines = Looped(derivation, dtype), Lines()
    with lines.block(f"def advance({arguments(derivation.rule)}):"):
        lines("rows = X.shape[0]", *printer.scratch())
        with lines.block("for m in range(state.shape[0]):"):
            lines(*_settings(derivation), "flat = state[m]", *printer.views("flat"))
            first = derivation.rule.state_size(derivation.network) - len(derivation.rule.shared)
            shared = {symbol.family: f"flat[{first + n}]" for n, symbol in enumerate(derivation.rule.shared)}
            lines(*(f"{name} = {place}" for name, place in shared.items()))
            with _epochs(lines):
                _write_rows(printer, "row", dtype, lines)
            lines(*(f"{place} = {name}" for name, place in shared.items()))
    return str(lines)


def _write_rows(printer: Written | Looped, row: str, dtype: str, lines: Lines) -> None:
    """Write the loop over the rows of an epoch, batch by batch if a batch may have several."""
    if not printer.derivation.rule.batched:
        with lines.block(f"for {row} in range(rows):"):
            printer.write_part("row", lines)
        return
    with lines.block("for start in range(0, rows, batch):"):
        lines("stop = min(start + batch, rows)", f"n = {dtype}(stop - start)")
        printer.write_part("begin", lines)
        with lines.block(f"for {row} in range(start, stop):"):
            printer.write_part("row", lines)
        printer.write_part("end", lines)


def _settings(derivation: Derivation) -> Iterator[str]:
    """The lines that name the settings of network m."""
    for column, symbol in enumerate(derivation.rule.given):
        yield f"{derivation.name(symbol)} = settings[m, {column}]"


@contextmanager
def _epochs(lines: Lines) -> Iterator[None]:
    """The loop over epochs around the loop over rows; a network that has diverged leaves it."""
    with lines.block("for e in range(totals.shape[1]):"):
        lines("total = totals[m, e]")
        yield
        lines("totals[m, e] = total")
        with lines.block("if not isfinite(total):"):
            lines("totals[m, e:] = nan", "break")

"""The engine `general`: `lanes` for networks whose layers have any sizes, which its kernels are told (Numba).

One kernel serves all networks with the same activations, whatever their sizes, and where all hidden layers
have the same, whatever their number. So a network of a shape never met need not wait for the compiler. Those
with one hidden layer and one output may have a faster kernel for all of them.
Kernels that look at networks after every epoch call those that train and measure, and are not compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from fastnn.core.derivation import derived
from fastnn.core.equations import Derivation
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, Rule
from fastnn.core.values import TOTAL
from fastnn.engines import CallSizes, Kernel, arguments, batched
from fastnn.engines.compiling import compile_kernel, run_source
from fastnn.engines.forms import registers
from fastnn.engines.self_check import checked_kernel
from fastnn.engines.tiles import batches
from fastnn.engines.told import Told
from fastnn.engines.traits import calls_functions
from fastnn.engines.watching import called_by, looks, watching_in_arrays
from fastnn.printing.any_size import OneRow, OutputAlong, SomeRows
from fastnn.printing.infix import Lines
from fastnn.printing.layer_names import Form, LayerNames, stand_in
from fastnn.printing.size_table import OF_ALL
from fastnn.printing.softmax import narrowed
from fastnn.printing.vectors import vector_module

__all__ = ["call_sizes", "kernel", "source"]


# Registers a value, one row and one unit at a time. Measured on a processor that works in halves (4, 6 and 8
# registers, against `lanes`): 3-5-4-2 x1.22, x1.28, x1.37; 4-5-3 x1.18, x1.19, x1.27; 10-32-32-1 x1.25,
# x1.60, x1.63; 2-2-2-1 x1.58, x1.39, x1.46; with Adam 3-5-4-2 x1.04, x1.10 (4 and 8). Two units at a time
# are compiled in 3 to 5 s, one in 1.7 to 3 s: 3-5-4-2 x1.14, 10-32-32-1 x1.20. With 16 registers 3-5-4-2
# x1.25, x1.32 (4 and 8). Shallow networks with a kernel of their kind (and with that of all): with tanh 2-2-1
# x0.90 (x0.93), 4-16-1 x1.01 (x1.05), compiled in 1.2 s, not 1.9 s.
SEVERAL = 4

# The same for shallow networks without functions whose parameters have further states: the loop over hidden
# units works out the output. Measured (2 and 4 registers): with momentum 2-2-1 x1.42, x1.55, 4-16-1 x0.92,
# x1.04; with Adam 2-2-1 x0.95, x1.17; without states 2-2-1 x1.64, x1.11, 4-16-1 x1.13, x1.03, 10-50-1 x1.08,
# x0.91. Layer by layer: 2-2-1 x1.75, 4-16-1 x1.3. With 16 registers (4): 2-2-1 x1.41, 4-16-1 x1.24, and layer
# by layer x1.56, x1.32.
ALONG_WITH_STATES = 2

# Registers a value, and rows of a batch at once by the number of registers. Measured alike: 3-5-4-2 x1.27,
# compiled in 2.1 s. Shallow networks with a kernel of their kind (and with that of all): 2-2-1 x1.13 (x1.54),
# 4-16-1 x1.18 (x1.37), compiled in 1.1 s. With tanh two rows 2-2-1 x0.94, 4-16-1 x0.99, four x1.06, x1.16.
IN_BATCHES, ROWS_AT_ONCE, WITH_FUNCTIONS = 4, {16: 2, 32: 4}, 2


# Registers a value for a network that is trained alone in batches, while the other lanes train nothing.
# Measured for batches of 200 rows with Adam: 10-100-1 x0.25, 30-10-1 x0.24.
ALONE = 1


def form(network: Network, dtype: str, rule: Rule = PLAIN) -> Form:
    """The form that suits a network, of which many are trained."""
    number, size, _ = registers()
    lanes, calls = size // np.dtype(dtype).itemsize, _calls_functions(stand_in(network), rule)
    shallow = network.n_inputs > 0 and len(network.layers) == 3 and network.n_outputs == 1
    if rule.batched or rule.measuring:
        rows = WITH_FUNCTIONS if calls else ROWS_AT_ONCE[number]
        return Form(IN_BATCHES, lanes, rows, shallow=shallow and rule.batched)
    with_states = shallow and bool(rule.states) and not calls
    return Form(ALONG_WITH_STATES if with_states else SEVERAL, lanes, rows=2, shallow=shallow)


@cache
def _calls_functions(kind: Network, rule: Rule) -> bool:
    return bool(derived(kind, rule).functions)


def form_for(engine: str, network: Network, dtype: str, rule: Rule) -> Form | None:
    """The form in which a network is trained until an engine has a kernel for it; None for the usual one."""
    if engine == "lanes" or not rule.batched or looks(rule):
        return None
    return replace(form(network, dtype, rule), registers=ALONE)


def call_sizes(network: Network, dtype: str, rule: Rule = PLAIN, chosen: Form | None = None) -> CallSizes:
    """How many networks a call should take: full lanes."""
    vector = (chosen or form(network, dtype, rule)).vector
    return CallSizes(1, 64 * vector, vector, vector, seconds=2e-10)


def kernel(network: Network, dtype: str, rule: Rule = PLAIN, chosen: Form | None = None) -> Kernel:
    """The kernel, told the sizes of a network; compiled once for all networks of its kind in a process."""
    return made(network, dtype, rule, chosen)


@cache
def made(network: Network, dtype: str, rule: Rule, chosen: Form | None = None) -> Kernel:
    """The same, kept; the self-check clears it when it rejects a kernel."""
    if looks(rule):
        return _looking(network, dtype, rule)
    shallow = (chosen or form(network, dtype, rule)).shallow
    return Told(compile_kernel(source(network, dtype, rule, chosen), dtype), network, shallow)


def source(network: Network, dtype: str, rule: Rule = PLAIN, chosen: Form | None = None) -> str:
    """The source of the kernel: the same for all networks of its kind that have the same form."""
    if looks(rule):
        numbers = _of_all("weights"), _of_all("parameters")
        return watching_in_arrays(source, network, dtype, rule, numbers, told=", table")
    chosen = chosen or form(network, dtype, rule)
    return _printed(stand_in(network, shallow=chosen.shallow), dtype, rule, chosen)


def _looking(network: Network, dtype: str, rule: Rule) -> Kernel:
    """A kernel that looks after every epoch, with those that train and measure compiled."""
    called = {name: checked_kernel("general", network, dtype, of) for name, of in called_by(rule).items()}
    functions = {name: each.function for name, each in called.items() if isinstance(each, Told)}
    if len(functions) < len(called):  # one of them failed
        return batched.kernel(network, dtype, rule)
    advance = run_source(source(network, dtype, rule))["advance"]
    advance.__globals__.update(functions)

    def quiet(*arguments: Any) -> None:
        with np.errstate(all="ignore"):
            advance(*arguments)

    return Told(quiet, network)


def _of_all(name: str) -> str:
    """A number of all the network, as a kernel is told it."""
    return f"table[0, {OF_ALL.index(name)}]"


@cache
def _printed(kind: Network, dtype: str, rule: Rule, chosen: Form) -> str:
    derivation, lines = narrowed(derived(kind, rule)), Lines()
    names = LayerNames(kind, rule, chosen)
    with lines.block(f"def advance({arguments(rule)}, table):"):
        _write_memory(names, dtype, lines)
        start = len(lines)
        if rule.batched or rule.measuring:
            several = SomeRows(derivation, dtype, names)
            with _networks(names, lines), _epochs(derivation, names, lines), batches(rule, dtype, lines):
                several.write_batch(lines)
        else:
            language = OutputAlong if chosen.shallow and not derivation.functions else OneRow
            one = language(derivation, dtype, names)
            with _networks(names, lines):
                one.write_start(lines)
                with _epochs(derivation, names, lines), lines.block("for row in range(rows):"):
                    one.write_row(lines)
        text = lines.since(start)
        lines.insert(start, *names.lines(text), *names.of_all(text))
    called = calls_functions(kind, rule)
    return vector_module(derivation, dtype, str(lines), called=called)


def _write_memory(names: LayerNames, dtype: str, lines: Lines) -> None:
    """Write the memory of a group of networks, beginning at a line of the cache."""
    lines("rows, networks, last = X.shape[0], state.shape[0], table.shape[0] - 1", *names.memory())
    lines(f"memory = aligned_zeros((vectors, {names.form.vector}), {dtype})")


@contextmanager
def _networks(names: LayerNames, lines: Lines) -> Iterator[None]:
    """The loop over groups of networks, and the copies into and out of memory."""
    vector, rule = names.form.vector, names.rule
    shared = [(n, len(rule.given) + 1 + n) for n in range(len(rule.shared))]
    with lines.block(f"for group in range(0, networks, {vector}):"):
        with _every_lane(vector, lines):
            lines(*(f"memory[{column}, lane] = settings[m, {column}]" for column in range(len(rule.given))))
            lines(*(f"memory[{place}, lane] = state[m, kept + {n}]" for n, place in shared))
            with lines.block("for p in range(kept):"):
                lines(f"memory[{names.first} + p, lane] = state[m, p]")
        yield
        if not rule.measuring:
            with _every_lane(vector, lines):
                lines(*(f"state[m, kept + {n}] = memory[{place}, lane]" for n, place in shared))
                with lines.block("for p in range(kept):"):
                    lines(f"state[m, p] = memory[{names.first} + p, lane]")


@contextmanager
def _epochs(derivation: Derivation, names: LayerNames, lines: Lines) -> Iterator[None]:
    """The loop over epochs, with variables for what all parameters of a network share."""
    rule, vector = derivation.rule, names.form.vector
    kept = [derivation.name(symbol) for symbol in (*rule.given, TOTAL, *rule.shared)]
    total = kept.index(TOTAL.family)
    with lines.block("for e in range(totals.shape[1]):"):
        with _every_lane(vector, lines):
            lines(f"memory[{total}, lane] = totals[m, e]")
        lines(*(f"{name} = flat[{place}]" for place, name in enumerate(kept)))
        yield
        lines(*(f"flat[{place}] = {name}" for place, name in enumerate(kept) if place >= total))
        with _every_lane(vector, lines):
            lines(f"totals[m, e] = memory[{total}, lane]")


@contextmanager
def _every_lane(vector: int, lines: Lines) -> Iterator[None]:
    """The loop over the lanes of a group and the network `m` in each; lanes left over repeat the last one."""
    with lines.block(f"for lane in range({vector}):"):
        lines("m = min(group + lane, networks - 1)")
        yield

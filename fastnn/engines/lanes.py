"""The engine `lanes`: many networks side by side, one in each lane of the processor's vectors (Numba).

A tile of networks lies transposed in the cache, in the first level if the networks are small: row p of a
group holds parameter p of its networks, one in each lane. The equations are the same as for one network,
with a vector in place of every number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import llvmlite.binding
import numpy as np

from fastnn.core.activations import activation
from fastnn.core.derivation import derived
from fastnn.core.equations import BEGIN, DELTAS, ERROR, FORWARD, UPDATES, Derivation
from fastnn.core.expressions import Symbol
from fastnn.core.network import Network
from fastnn.core.rule import PLAIN, Rule
from fastnn.core.values import TOTAL
from fastnn.engines import CallSizes, Kernel
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.tiles import Shape, batches, tiles_and_epochs, vectors_line
from fastnn.engines.watching import looks, watching
from fastnn.printing.infix import Lines
from fastnn.printing.layer_by_layer import LayerByLayer
from fastnn.printing.rows_together import RowsTogether, write_rows
from fastnn.printing.scalars import Written, layer_parts, state_parts
from fastnn.printing.softmax import lost_last, narrowed, write_ahead
from fastnn.printing.vectors import PythonOfVectors, vector_module, way_back
from fastnn.system.forking import ONE_AT_A_TIME

__all__ = ["call_sizes", "kernel", "source"]

# Beyond this number straight-line code is slower than loops, and takes longer to compile. Measured: 2-7-1,
# 2-8-1 and 4-5-1 x0.9 to x1.0; 2-10-1, 5-6-1 and 3-4-4-1 x1.0 to x1.16 (against loops).
STRAIGHT_LINE_PARAMETERS = 36

# In batches straight-line code has the parameters and what the rows add up to in registers. Measured (against
# one row at a time): 2-2-1 x0.79 with four rows side by side, x0.89 with one; loops x0.82.
STRAIGHT_LINE_IN_BATCHES = 10

# How many rows are written side by side, by the number of registers. Measured with 32: 2-2-1 with Adam x0.98
# (two rows against four), without and with momentum x1.0.
WRITTEN_ROWS = {16: 4, 32: 2}

STRAIGHT_LINE_TILE = 512  # bytes of each parameter; half or twice this number take the same time

# How many values besides the parameters are in use while a row is worked on.
AT_WORK = 12

MOST_REGISTERS = 4  # measured: 2-1-1 x1.06 with five, x1.25 with six

FIRST_LEVEL_CACHE = 32 << 10  # bytes


class Registers(NamedTuple):
    """A processor's registers for vectors: how many, of how many bytes each."""

    number: int
    size: int


@cache
def registers() -> Registers:
    """The registers of this processor; where they are smaller than AVX2's, pairs of registers."""
    with ONE_AT_A_TIME:  # LLVM has a lock of its own
        features = llvmlite.binding.get_host_cpu_features()
    return Registers(32, 64) if features.get("avx512f") else Registers(16, 32)


def shape(network: Network, dtype: str, rule: Rule = PLAIN) -> Shape:
    """The tile that suits a network.

    Loops are faster with two registers for every value than with one. Measured: 4-16-1 x1.25 (one against
    two). With 32 registers, four for every value are faster still: x0.83 (four against two; measured before
    updates shared a loop with the following row's forward pass). Half as many are faster if the tile would
    otherwise outgrow the first level of the cache. Measured: 4-20-20-1 x0.86, 10-32-32-1 x0.92 to x0.97 (one
    of AVX2's registers against two).
    """
    number, size = registers()
    lanes, state = size // np.dtype(dtype).itemsize, rule.state_size(network)
    rows = state + len(rule.given) + 1
    if rule.batched or rule.measuring:
        if _is_small(network, rule):
            return Shape(STRAIGHT_LINE_TILE // size, 1, lanes, state, rows)
        return Shape(1, _rows_together().registers, lanes, state, rows)
    if _is_small(network, rule):
        together = _registers_together(network)
        return Shape(STRAIGHT_LINE_TILE // (size * together), together, lanes, state, rows)
    several = number // 8
    outgrows = state * size * several > FIRST_LEVEL_CACHE
    return Shape(1, several // 2 if outgrows else several, lanes, state, rows)


def _together(tile: Shape) -> int:
    """How many values take turns, so that none waits for its own result."""
    return max(1, registers().number // 4 // tile.registers)


class Block(NamedTuple):
    """How many rows of a batch loops work on at once, and how many registers each value has."""

    rows: int
    registers: int


def _rows_together() -> Block:
    """What suits the processor.

    Measured with 32 registers: 4-16-1 x0.89, 2-24-2 x0.88, 4-12-8-1 x0.86 (8 rows, against one row at a
    time; 4 rows of two registers x0.89, x0.89, x0.95). With 16: 2-5-1 x0.92, 4-16-1 x0.88 (2 rows of two;
    8 rows of one x0.98, x0.97).
    """
    return Block(8, 1) if registers().number == 32 else Block(2, 2)


def _registers_together(network: Network) -> int:
    """How many registers each value of straight-line code has.

    The code waits for its own results, so groups of networks take turns. If the parameters are read from
    memory, several registers can take turns within a group; what the forward pass keeps must still find room.
    Measured with 16 registers: 2-2-1 x0.84 to x0.88 (3 registers against 1), 2-5-1 x0.69 to x0.85 (2 against
    1). Softmax has most to wait for. Measured with 32: 2-2-2 x0.52 (4 against 1), 2-4-3 x0.79 (4 against 2).
    """
    number, _ = registers()
    if activation(network.output).of_layer:
        return MOST_REGISTERS
    if not _outgrows_registers(network):
        return 1
    inputs, *hidden, outputs = network.layers
    kept_of_each, shared = sum(hidden) + outputs + 1, inputs + 1
    return min(MOST_REGISTERS, max(2, (number - shared) // kept_of_each))


@cache
def call_sizes(network: Network, dtype: str, rule: Rule = PLAIN) -> CallSizes:
    """How many networks a call should take: full lanes.

    Measured (against `loop`): two networks x0.9 to x1.1 with straight-line code, and x0.4 to x0.97 with loops
    of at most two registers a value; one network up to x2.3.
    """
    tile = shape(network, dtype, rule)
    fewest = 2 if _is_small(network, rule) else registers().number // 8
    return CallSizes(fewest, 64 * tile.networks, tile.networks, tile.vector, seconds=1e-10)


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
        tile, further = (shape(network, dtype, each) for each in (rule.unwatched, rule.measurer))
        return watching(source, network, dtype, rule, tile=tile, further=further)
    side_by_side = rule.batched or rule.measuring
    forms = (_batches_in_loops, _straight_batches) if side_by_side else (_loops, _straight_line)
    derivation = narrowed(derived(network, rule))
    return vector_module(derivation, dtype, forms[_is_small(network, rule)](derivation, dtype))


def _is_small(network: Network, rule: Rule) -> bool:
    return network.n_parameters <= (STRAIGHT_LINE_IN_BATCHES if rule.batched else STRAIGHT_LINE_PARAMETERS)


def _straight_line(derivation: Derivation, dtype: str) -> str:
    tile, lines = shape(derivation.network, dtype, derivation.rule), Lines()
    places = _places(derivation)
    parameters, settings = derivation.network.parameter_names, map(derivation.name, derivation.rule.given)
    moved = {symbol: places[symbol.family] for symbol in (TOTAL, *derivation.rule.shared)}

    def named(symbol: Symbol) -> str:
        return moved.get(symbol) or derivation.name(symbol)

    def in_memory(symbol: Symbol) -> str:
        name = derivation.name(symbol)
        return places.get(name, name)

    ahead = Written(derivation, PythonOfVectors(named, dtype))
    back = Written(derivation, PythonOfVectors(in_memory, dtype))
    flat = vectors_line("flat", tile, 0, tile.rows)
    with (
        tiles_and_epochs(derivation.rule, tile, tile.groups * tile.rows, dtype, lines, [flat]),
        lines.block("for i in range(rows):"),
    ):
        ahead.load_row(lines)
        with lines.block("for group in range(groups):"):
            lines(*(f"{name} = {places[name]}" for name in (*parameters, *settings)))
            if derivation.of("factor"):
                lines(f"# {BEGIN}")
                ahead.write(lines, derivation.of("factor"))
            lines(f"# {FORWARD} and {ERROR}")
            write_ahead(ahead, _together(tile), lines)
            lines(f"# {DELTAS} and {UPDATES}")
            if _outgrows_registers(derivation.network):
                lines("read_again()")
            back.write(lines, (*way_back(derivation), *lost_last(derivation.scalar)))
    return str(lines)


def _outgrows_registers(network: Network) -> bool:
    """Whether it is faster to read the parameters twice for each row than to keep them in registers.

    Measured with 16 registers, one for each value: 2-1-1 to 2-8-1 x0.81 to x0.96, mostly x0.85 (read twice
    against kept). With 32 registers the compiler has to spill parameters from 21 of them on.
    """
    return network.n_parameters + AT_WORK > registers().number


def _loops(derivation: Derivation, dtype: str) -> str:
    network, tile = derivation.network, shape(derivation.network, dtype, derivation.rule)
    # An optimizer's states take registers, too. Measured: momentum in 4-16-1 x0.91 (2 against 4 units).
    together = max(1, _together(tile) // (1 + len(derivation.rule.states)))
    printer = LayerByLayer(derivation, dtype, together, _together(tile))
    views = [vectors_line("flat", tile, derivation.rule.state_size(network) - len(derivation.rule.shared), 1)]
    for layer, w, b, weights, biases in state_parts(derivation):
        views.append(vectors_line(w, tile, weights.start, network.layers[layer - 1]))
        views.append(vectors_line(b, tile, biases.start, 1))
    joined, first = replace(tile, registers=together * tile.registers), _up_to(tile.rows, together)
    for name, (rows, inner) in printer.scratch().items():
        views.append(vectors_line(name, tile, first, inner))
        if name in printer.joined:
            views.append(vectors_line(printer.joined[name], joined, first // together, inner // together))
        first += rows * inner
    start, lines = Lines(), Lines()
    printer.write_start(start)
    with (
        tiles_and_epochs(derivation.rule, tile, _up_to(first, together), dtype, lines, views, str(start)),
        _of_the_network(derivation, lines),
        lines.block("for row in range(rows):"),
    ):
        printer.write_row(lines)
    return str(lines)


def _straight_batches(derivation: Derivation, dtype: str) -> str:
    tile, lines = shape(derivation.network, dtype, derivation.rule), Lines()
    places = _places(derivation)
    kept = {*derivation.network.parameter_names, *_after_the_state(derivation)}

    def named(symbol: Symbol) -> str:
        """States are used once a batch, and stay in memory."""
        name = derivation.name(symbol)
        return name if name in kept else places.get(name, name)

    printer = Written(derivation, PythonOfVectors(named, dtype))
    flat = vectors_line("flat", tile, 0, tile.rows)
    with (
        tiles_and_epochs(derivation.rule, tile, tile.groups * tile.rows, dtype, lines, [flat]),
        batches(derivation.rule, dtype, lines),
        lines.block("for group in range(groups):"),
    ):
        lines(*(f"{name} = {places[name]}" for name in places if name in kept))
        printer.write_part("begin", lines)
        small = derivation.network.n_parameters <= STRAIGHT_LINE_IN_BATCHES
        rows = WRITTEN_ROWS[registers().number] if small else 1
        write_rows(derivation, dtype, named, rows, lines)
        printer.write_part("end", lines)
        moved = [*([] if derivation.rule.measuring else derivation.network.parameter_names), TOTAL.family]
        lines(*(f"{places[name]} = {name}" for name in moved))
    return str(lines)


def _batches_in_loops(derivation: Derivation, dtype: str) -> str:
    network, tile = derivation.network, shape(derivation.network, dtype, derivation.rule)
    together, state = _rows_together().rows, derivation.rule.state_size(network)
    printer, gradients = RowsTogether(derivation, dtype, together), _up_to(tile.rows, together)
    views = [vectors_line("flat", tile, state - len(derivation.rule.shared), 1)]
    parts, added_up = [*state_parts(derivation)], 0
    if not derivation.rule.measuring:
        views.append(vectors_line("State", tile, 0, network.n_parameters))
        views.append(vectors_line("G", tile, gradients, 1))
        parts += layer_parts(network, "g", gradients)
        added_up = network.n_parameters
    for layer, w, b, weights, biases in parts:
        views.append(vectors_line(w, tile, weights.start, network.layers[layer - 1]))
        views.append(vectors_line(b, tile, biases.start, 1))
    joined = replace(tile, registers=together * tile.registers)
    first = _up_to(gradients + added_up, together)
    for name, (rows, inner) in printer.scratch().items():
        views.append(vectors_line(name, tile, first, inner))
        if name in printer.joined:
            views.append(vectors_line(printer.joined[name], joined, first // together, 1))
        first += rows * inner
    lines = Lines()
    with (
        tiles_and_epochs(derivation.rule, tile, _up_to(first, together), dtype, lines, views),
        _of_the_network(derivation, lines),
        batches(derivation.rule, dtype, lines),
    ):
        printer.write_batch(lines)
    return str(lines)


@contextmanager
def _of_the_network(derivation: Derivation, lines: Lines) -> Iterator[None]:
    """Variables for what is the same for all parameters of a network, around the loop over its rows."""
    names = [*map(derivation.name, derivation.rule.shared), *_after_the_state(derivation)]
    lines(f"{', '.join(names)} = {', '.join(f'flat[{place}]' for place in range(len(names)))}")
    yield
    moved = [*map(derivation.name, derivation.rule.shared), TOTAL.family]
    lines(*(f"flat[{names.index(name)}] = {name}" for name in moved))


def _places(derivation: Derivation) -> dict[str, str]:
    """Where all that is kept of a group lies, by name."""
    names = [*map(derivation.name, derivation.state), *_after_the_state(derivation)]
    return {name: f"flat[group, {place}]" for place, name in enumerate(names)}


def _after_the_state(derivation: Derivation) -> list[str]:
    """What follows the state of a group: its settings, then the total of the epoch."""
    return [derivation.name(symbol) for symbol in (*derivation.rule.given, TOTAL)]


def _up_to(number: int, multiple: int) -> int:
    """The next multiple of a number."""
    return -(-number // multiple) * multiple

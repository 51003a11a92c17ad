"""Kernels of `lanes` in loops over the units of layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from fastnn.core.equations import Derivation
from fastnn.core.values import TOTAL
from fastnn.engines.form import Form
from fastnn.engines.tiles import after_the_state, batches, tile_of, tiles_and_epochs, vectors_line
from fastnn.printing.infix import Lines
from fastnn.printing.layer_by_layer import LayerByLayer
from fastnn.printing.outputs_along import OutputsAlong
from fastnn.printing.rows_together import RowsTogether, rows_views
from fastnn.printing.scalars import layer_parts, state_parts
from fastnn.printing.updates_with_rows import UpdatesWithRows

__all__ = ["row_by_row", "rows_of_batches"]


def row_by_row(derivation: Derivation, dtype: str, form: Form) -> str:
    """The function for one row at a time."""
    network, tile = derivation.network, tile_of(form, derivation.network, dtype, derivation.rule)
    # An optimizer's states take registers, too. Measured: momentum in 4-16-1 x0.91 (2 against 4 units).
    together = max(1, form.together // (1 + len(derivation.rule.states)))
    language = OutputsAlong if form.outputs_along else LayerByLayer
    printer = language(derivation, dtype, together, form.together, updates_back=form.updates_back)
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


def rows_of_batches(derivation: Derivation, dtype: str, form: Form) -> str:
    """The function for batches."""
    network, tile = derivation.network, tile_of(form, derivation.network, dtype, derivation.rule)
    together, state = form.rows, derivation.rule.state_size(network)
    rule = derivation.rule
    language = RowsTogether if rule.measuring or rule.clipped else UpdatesWithRows
    printer, gradients = language(derivation, dtype, together), tile.rows
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
    first = gradients + added_up
    for name, size in printer.scratch().items():
        views.append(f"{name} = Blocks(memory, {together}, {tile.registers}, {tile.lanes}, {first})")
        first += together * size
    given = rows_views(derivation.rule, together, tile.registers, tile.lanes)
    views += [f"{name} = {view}" for name, view in given.items()]
    lines = Lines()
    with (
        tiles_and_epochs(derivation.rule, tile, first, dtype, lines, views),
        _of_the_network(derivation, lines),
        batches(derivation.rule, dtype, lines),
    ):
        printer.write_batch(lines)
    return str(lines)


@contextmanager
def _of_the_network(derivation: Derivation, lines: Lines) -> Iterator[None]:
    """Variables for what is the same for all parameters of a network, around the loop over its rows."""
    names = [*map(derivation.name, derivation.rule.shared), *after_the_state(derivation)]
    lines(f"{', '.join(names)} = {', '.join(f'flat[{place}]' for place in range(len(names)))}")
    yield
    moved = [*map(derivation.name, derivation.rule.shared), TOTAL.family]
    lines(*(f"flat[{names.index(name)}] = {name}" for name in moved))


def _up_to(number: int, multiple: int) -> int:
    """The next multiple of a number."""
    return -(-number // multiple) * multiple

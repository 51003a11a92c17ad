"""Kernels of `lanes` in straight lines: every equation has a line of its own."""

from __future__ import annotations

from fastnn.core.equations import BEGIN, DELTAS, ERROR, FORWARD, UPDATES, Derivation, Equation
from fastnn.core.expressions import Symbol, nodes
from fastnn.core.values import TOTAL
from fastnn.engines import kept_groups
from fastnn.engines.form import Form
from fastnn.engines.tiles import (
    after_the_state,
    batches,
    places_in,
    tile_of,
    tiles_and_epochs,
    vectors_line,
)
from fastnn.printing.infix import Lines
from fastnn.printing.rows_together import write_rows
from fastnn.printing.scalars import Written
from fastnn.printing.softmax import lost_last, write_ahead
from fastnn.printing.vectors import PythonOfVectors, way_back

__all__ = ["row_by_row", "rows_of_batches"]


def row_by_row(derivation: Derivation, dtype: str, form: Form) -> str:
    """The function for one row at a time."""
    if form.kept:
        return kept_groups.row_by_row(derivation, dtype, form)
    written = _in_registers if form.stores_last else _in_memory
    return written(derivation, dtype, form)


def _in_memory(derivation: Derivation, dtype: str, form: Form) -> str:
    """Every number is stored where it has been computed."""
    tile, lines = tile_of(form, derivation.network, dtype, derivation.rule), Lines()
    row, flat = _InMemory(derivation, dtype, form), vectors_line("flat", tile, 0, tile.rows)
    with (
        tiles_and_epochs(derivation.rule, tile, tile.groups * tile.rows, dtype, lines, [flat]),
        lines.block("for i in range(rows):"),
    ):
        row.load(lines)
        if form.ahead:
            row.write_one_ahead(lines)
        else:
            row.write(lines)
    return str(lines)


class _InMemory:
    """What a row does to all groups, the numbers of which stay in memory."""

    def __init__(self, derivation: Derivation, dtype: str, form: Form) -> None:
        self.derivation, self.dtype, self.form = derivation, dtype, form
        self.back = Written(derivation, PythonOfVectors(self._in_memory, dtype))
        self.on_the_way_back = (*way_back(derivation), *lost_last(derivation.scalar))

    def load(self, lines: Lines) -> None:
        self.back.load_row(lines)

    def write(self, lines: Lines) -> None:
        """Write the loop over groups, each with its forward pass and its way back."""
        derivation = self.derivation
        ahead, places = self._ahead("group"), places_in(derivation)
        with lines.block("for group in range(groups):"):
            names = (*derivation.network.parameter_names, *map(derivation.name, derivation.rule.given))
            lines(*(f"{name} = {places[name]}" for name in names))
            if derivation.of("factor"):
                lines(f"# {BEGIN}")
                ahead.write(lines, derivation.of("factor"))
            lines(f"# {FORWARD} and {ERROR}")
            write_ahead(ahead, self.form.together, lines)
            lines(f"# {DELTAS} and {UPDATES}")
            if self.form.reads > 1:
                lines("read_again()")
            self.back.write(lines, self.on_the_way_back)

    def write_one_ahead(self, lines: Lines) -> None:
        """Write the loop in which the following group's forward pass comes before a group's way back.

        A processor looks only so far ahead. What it meets here waits for the step before, not for the whole
        row. Measured with 32 registers: 2-2-1 x0.75 (2 registers a value, against known one).
        """
        kept = self._needed_on_the_way_back()
        self._write_forward("0", lines)
        with lines.block("for group in range(groups - 1):"):
            lines(*(f"{name}_now = {name}" for name in kept))
            self._write_forward("group + 1", lines)
            self._write_back(kept, lines)
        lines("group = groups - 1", *(f"{name}_now = {name}" for name in kept))
        self._write_back(kept, lines)

    def _write_forward(self, group: str, lines: Lines) -> None:
        lines(f"# {FORWARD} and {ERROR}")
        places, derivation = places_in(self.derivation, group), self.derivation
        read = {node for equation in self._forward() for node in nodes(equation.expression)}
        given = (derivation.name(symbol) for symbol in derivation.rule.given if symbol in read)
        lines(*(f"{name} = {places[name]}" for name in (*derivation.network.parameter_names, *given)))
        write_ahead(self._ahead(group), self.form.together, lines)

    def _write_back(self, kept: list[str], lines: Lines) -> None:
        def named(symbol: Symbol) -> str:
            name = self._in_memory(symbol)
            return f"{name}_now" if name in kept else name

        back = Written(self.derivation, PythonOfVectors(named, self.dtype))
        lines(f"# {DELTAS} and {UPDATES}")
        back.write(lines, (*self.derivation.of("factor"), *self.on_the_way_back))

    def _needed_on_the_way_back(self) -> list[str]:
        """The names of what the forward pass and the errors leave for the way back."""
        needed = {node for equation in self.on_the_way_back for node in nodes(equation.expression)}
        targets = [e.target for e in self._forward() if e.target in needed and e.target != TOTAL]
        return [self.derivation.name(target) for target in targets]

    def _forward(self) -> list[Equation]:
        """The equations of the forward pass and of the errors, without what may come last."""
        late = lost_last(self.derivation.scalar)
        return [e for e in self.derivation.scalar if e.stage in (FORWARD, ERROR) and e not in late]

    def _ahead(self, group: str) -> Written:
        """The language of the forward pass, for which the parameters have been read from memory."""
        places = places_in(self.derivation, group)
        in_memory = (TOTAL, *self.derivation.rule.shared)

        def named(symbol: Symbol) -> str:
            return places[symbol.family] if symbol in in_memory else self.derivation.name(symbol)

        return Written(self.derivation, PythonOfVectors(named, self.dtype))

    def _in_memory(self, symbol: Symbol) -> str:
        name = self.derivation.name(symbol)
        return places_in(self.derivation).get(name, name)


def _in_registers(derivation: Derivation, dtype: str, form: Form) -> str:
    """All that a group has is read before a row, and stored after it."""
    rule = derivation.rule
    tile, lines = tile_of(form, derivation.network, dtype, rule), Lines()
    places, given = places_in(derivation), {*map(derivation.name, rule.given)}
    row = Written(derivation, PythonOfVectors(derivation.name, dtype))
    flat = vectors_line("flat", tile, 0, tile.rows)
    with (
        tiles_and_epochs(rule, tile, tile.groups * tile.rows, dtype, lines, [flat]),
        lines.block("for i in range(rows):"),
    ):
        row.load_row(lines)
        with lines.block("for group in range(groups):"):
            lines(*(f"{name} = {place}" for name, place in places.items()))
            if derivation.of("factor"):
                lines(f"# {BEGIN}")
                row.write(lines, derivation.of("factor"))
            lines(f"# {FORWARD} and {ERROR}")
            write_ahead(row, form.together, lines)
            lines(f"# {DELTAS} and {UPDATES}")
            row.write(lines, (*way_back(derivation), *lost_last(derivation.scalar)))
            lines(*(f"{place} = {name}" for name, place in places.items() if name not in given))
    return str(lines)


def rows_of_batches(derivation: Derivation, dtype: str, form: Form) -> str:
    """The function for batches."""
    tile, lines = tile_of(form, derivation.network, dtype, derivation.rule), Lines()
    places = places_in(derivation)
    kept = {*derivation.network.parameter_names, *after_the_state(derivation)}

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
        write_rows(derivation, dtype, named, form.rows, lines)
        printer.write_part("end", lines)
        moved = [*([] if derivation.rule.measuring else derivation.network.parameter_names), TOTAL.family]
        lines(*(f"{places[name]} = {name}" for name in moved))
    return str(lines)

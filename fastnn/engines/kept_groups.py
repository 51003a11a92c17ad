"""Kernels of `lanes` whose few groups keep their state in registers for all rows of an epoch.

Where every parameter has states, too, that spares most of what is read and written. A row waits for the row
before it, so each group's way back comes after another group's forward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from fastnn.core.equations import DELTAS, ERROR, FORWARD, UPDATES, Derivation
from fastnn.core.expressions import Expression, Symbol, nodes
from fastnn.core.rule import COEFFICIENT
from fastnn.engines.form import Form
from fastnn.engines.tiles import places_in, tile_of, tiles_and_epochs, vectors_line
from fastnn.printing.infix import Lines
from fastnn.printing.scalars import Written
from fastnn.printing.softmax import lost_last, write_ahead
from fastnn.printing.vectors import PythonOfVectors, way_back

__all__ = ["row_by_row"]

# A tile has a vector more than it needs: so it is always copied, and groups that are left over do no harm.
TO_BE_COPIED = 1


def row_by_row(derivation: Derivation, dtype: str, form: Form) -> str:
    """The function for one row at a time, in straight lines."""
    tile, lines = tile_of(form, derivation.network, dtype, derivation.rule), Lines()
    flat, vectors = vectors_line("flat", tile, 0, tile.rows), tile.groups * tile.rows + TO_BE_COPIED
    with tiles_and_epochs(derivation.rule, tile, vectors, dtype, lines, [flat]):
        _Kept(derivation, dtype, form).write(lines)
    return str(lines)


class _Kept:
    """An epoch of a tile: w1_0 is the first group's, w1_1 the second's; x1_before is of the row before."""

    def __init__(self, derivation: Derivation, dtype: str, form: Form) -> None:
        self.derivation, self.dtype, self.form = derivation, dtype, form
        late = lost_last(derivation.scalar)
        self.on_the_way_back = (*derivation.of("factor"), *way_back(derivation), *late)
        read = (node for equation in self.on_the_way_back for node in nodes(equation.expression))
        self.before = sorted({derivation.name(node) for node in read if _is_of_row(node)})

    def write(self, lines: Lines) -> None:
        """Write the loop over rows; the last group's way back comes with the following row."""
        last = self.form.groups - 1
        lines(*(f"{name} = {place}" for name, place in self._state()))
        self._write_row("0", lines)
        with lines.block("for i in range(1, rows):"):
            lines(*(f"{name}_before = {name}" for name in self.before))
            self._write_row("i", lines, left_behind=last)
        lines(*(f"{name}_before = {name}" for name in self.before))
        self._write_back(last, lines, before=True)
        lines(*(f"{place} = {name}" for name, place in self._state()))

    def _write_row(self, row: str, lines: Lines, left_behind: int | None = None) -> None:
        """Write what a row does but for the last group's way back, and that of the group left behind."""
        self._written(0).load_row(lines, row)
        self._write_forward(0, lines)
        if left_behind is not None:
            self._write_back(left_behind, lines, before=True)
        for group in range(1, self.form.groups):
            self._write_forward(group, lines)
            self._write_back(group - 1, lines)

    def _write_forward(self, group: int, lines: Lines) -> None:
        lines(f"# {FORWARD} and {ERROR}")
        write_ahead(self._written(group), self.form.together, lines)

    def _write_back(self, group: int, lines: Lines, *, before: bool = False) -> None:
        lines(f"# {DELTAS} and {UPDATES}")
        self._written(group, before=before).write(lines, self.on_the_way_back)

    def _state(self) -> Iterator[tuple[str, str]]:
        """What the groups keep in registers: the name of each number, and its place in memory."""
        for group in range(self.form.groups):
            places = places_in(self.derivation, str(group))
            for name in map(self.derivation.name, self.derivation.state):
                yield f"{name}_{group}", places[name]

    def _written(self, group: int, *, before: bool = False) -> Written:
        """The language of a group; its settings and the total, which no row waits for, stay in memory."""
        derivation, places = self.derivation, places_in(self.derivation, str(group))
        kept = {*map(derivation.name, derivation.state)}

        def named(symbol: Symbol) -> str:
            name = derivation.name(symbol)
            if _is_of_row(symbol):
                return f"{name}_before" if before else name
            return places[name] if name in places and name not in kept else f"{name}_{group}"

        return Written(derivation, PythonOfVectors(named, self.dtype))


def _is_of_row(node: Expression) -> TypeGuard[Symbol]:
    """Whether a value is the row's, and so the same for all networks."""
    return isinstance(node, Symbol) and (node.family in ("x", "y") or node == COEFFICIENT)

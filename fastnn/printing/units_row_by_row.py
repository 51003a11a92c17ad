"""The equations of one row at a time, with one unit of a layer in each lane: see `fastnn.printing.units`."""

from __future__ import annotations

from collections.abc import Iterator

from fastnn.core.equations import BEGIN, DELTAS, ERROR, FORWARD, UPDATES, Derivation
from fastnn.core.expressions import Index, bind
from fastnn.printing.infix import Lines
from fastnn.printing.unit_memory import Span
from fastnn.printing.units import LANES, AcrossUnits, Place, Row

__all__ = ["RowByRow"]


class RowByRow(AcrossUnits):
    """Each weight is updated and at once used for the following row; where it is used twice, both ways round.

    `now` and `then` are the halves of what is kept of the row and of the following one.

    Parameters
    ----------
    derivation : Derivation
    dtype : str
    spans : list of Span
    along : bool
        Whether the terms of the only output are added up along with the layer before it: those of a vector
        while the processor works on the following ones. Each has to wait for the sum of those before it,
        which takes longer than anything else that one network does.
    """

    def __init__(self, derivation: Derivation, dtype: str, spans: list[Span], *, along: bool = False) -> None:
        self.along = along
        super().__init__(derivation, dtype, spans, rows=2, at_once=1)
        self.row, self.following = Row(), Row("following", "then")

    def _keeps(self, rows: int, at_once: int) -> Iterator[tuple[str, Span, int]]:
        yield from (kept for kept in super()._keeps(rows, at_once) if not self.along or kept[0] != "Products")

    def write_start(self, lines: Lines) -> None:
        """Write the forward pass of the first row."""
        lines("following = then = 0")
        for layer in range(1, self.last + 1):
            lines(f"# {FORWARD}, layer {layer}")
            self._write_forward(layer, lines, updating=None)

    def write_epoch(self, lines: Lines) -> None:
        """Write the loop over the rows of an epoch."""
        with lines.block("for row in range(rows):"):
            self._write_row(lines)

    def _write_row(self, lines: Lines) -> None:
        """Write the remaining equations of a row, and the forward pass of the following row."""
        lines("now, then = then, 1 - then", "following = row + 1 if row + 1 < rows else 0")
        of, numbers = self.derivation.of, self.numbers(self.row)
        if of("factor"):
            lines(f"# {BEGIN}")
            for equation in of("factor"):
                self._assign(equation.target, equation.expression, numbers, lines)
        lines(f"# {ERROR}")
        ends = [e for e in of("softmax") if e.stage == ERROR]
        self._write_outputs([*of("error"), *ends, *of("loss", "share")], [self.row], lines)
        lines(f"# {DELTAS} and {UPDATES}, layer {self.last}")
        self._write_outputs(of("delta", layer=self.last), [self.row], lines)
        for layer in range(self.last, 1, -1):
            if layer < self.last:
                lines(f"# {DELTAS} and {UPDATES}, layer {layer}")
            self._write_back(layer, [self.row], lines)
        if self.few:
            for k in range(self.network.n_outputs):
                here: Place = {Index("j", self.network.n_outputs): k}
                self._update(self.last, here, self.row, lines, number=True)
        for layer in range(1, self.last + 1):
            lines(f"# {UPDATES}, and {FORWARD} with the following row, layer {layer}")
            self._write_forward(layer, lines, updating=self.row)

    def _write_forward(self, layer: int, lines: Lines, updating: Row | None) -> None:
        if layer == self.last - 1 and self.along:
            self._write_with_output(lines, updating)
        elif layer == self.last and self.few:
            (self._write_sums if self.along else self._write_lane_by_lane)([self.following], lines)
        else:
            self._write_across(layer, [self.following], lines, updating=updating)
        if layer == self.last:
            ends = [e for e in self.derivation.of("softmax") if e.stage == FORWARD]
            self._write_outputs(
                [*self.derivation.of("activation", layer=layer), *ends], [self.following], lines
            )

    def _write_with_output(self, lines: Lines, updating: Row | None) -> None:
        """The forward pass of the layer before the only output, whose terms are added up along with it."""
        weighted = self._only("sum", self.last)
        (j,), (total,) = weighted.over, self._sums(self.last)
        numbers, vectors = self.numbers(self.following), self.vectors(self.following)
        name = numbers(bind(weighted.target, {j: 0}))
        term = vectors(bind(total.term, {j: 0, total.index: LANES}))
        lines(f"{name} = {numbers.number(-0.0)}")  # which changes nothing that is added to it
        for units in self._each_full_vector(self.last - 1, lines):
            self._write_vector(self.last - 1, [self.following], lines, updating=updating)
            lines(f"{name} = plus_lanes({name}, {term}, {units})")

    def _each_full_vector(self, layer: int, lines: Lines) -> Iterator[int]:
        """The loop over the full vectors of a layer, then the one that is not full: yields their units."""
        span = self.spans[layer]
        if span.vectors == 1:
            yield span.units
            return
        full, left = divmod(span.units, span.vector)
        with lines.block(f"for v in range({full}):"):
            yield span.vector
        if left:
            lines(f"v = {full}")
            yield left

    def _write_changes(self, layer: int, unit: Index | int, rows: list[Row], lines: Lines) -> None:
        j, i = Index("j", self.network.layers[layer]), Index("i", self.network.layers[layer - 1])
        self._update(layer, {j: unit, i: LANES}, self.row, lines)

"""The equations of a batch with one unit of a layer in each lane, and few outputs with one row in each: see
`fastnn.printing.units_in_batches`.

Vectors of rows hold what the outputs are worked out from: their weighted sums are made fast that way, or a
function is saved. Some rows at a time, a tile, go forward, then come the outputs of all of them, then the way
back of all: a function waits for its own results most of the time, so those of several vectors wait at once.
Measured with 32 registers (against block by block): 4-10-3 with softmax x0.95, with two blocks in lanes x0.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from fastnn.core.equations import ERROR, Derivation, Kind
from fastnn.core.expressions import Binary, Call, Expression, Sum, Symbol, bind, nodes, substitute
from fastnn.core.rule import COEFFICIENT
from fastnn.printing.infix import Infix, Lines
from fastnn.printing.softmax import few_outputs, lost_last, write_softmax
from fastnn.printing.unit_memory import Memory, Span, Table
from fastnn.printing.units import Row
from fastnn.printing.units_in_batches import InBatches

__all__ = ["InPhases"]

ALL = Row("", "", "_rows")  # the rows of two blocks, one in each lane

# The most blocks of rows in a tile, and the most bytes of what hidden layers keep of it. Measured: 4-10-3
# with softmax x0.96 with 8 blocks against 2; 10-100-1 takes the same time with 16 and 64 KiB.
MOST_BLOCKS, MOST_BYTES = 8, 16 << 10


class InPhases(InBatches):
    """The same, with the values of outputs in vectors of rows.

    Attributes
    ----------
    blocks : int
        The blocks of a tile, an even number: the outputs of two blocks share vectors.
    transposes : bool
        Whether the values of the last hidden layer fill squares, a lane for each unit and for each row.
    """

    def __init__(self, derivation: Derivation, dtype: str, spans: list[Span], together: int) -> None:
        of_row = sum(span.numbers for span in spans[1:-1]) * np.dtype(dtype).itemsize
        self.blocks = 2 * max(1, min(MOST_BLOCKS, MOST_BYTES // (of_row * together)) // 2)
        self.transposes = _fill_squares(spans[-2], together)
        super().__init__(derivation, dtype, spans, together)
        outputs, pairs = self.network.n_outputs, self.blocks // 2
        of_pair = Span(2 * together, 1, 1, 2 * together)
        self.sums, self.ends = (self.memory.place(of_pair, n * pairs) for n in (outputs, outputs + 1))

    @staticmethod
    def suits(derivation: Derivation, spans: list[Span], together: int) -> bool:
        """Whether there are few outputs, and rows in lanes make their sums fast, or save functions.

        Measured: 4-10-3 with softmax x0.5, 30-10-1 with sigmoid x0.6.
        """
        memory = Memory(derivation.network, derivation.rule, spans)
        of_outputs = derivation.of("activation", "softmax", "error", "loss", "delta", layer=memory.last)
        has_functions = any(isinstance(node, Call) for each in of_outputs for node in nodes(each.expression))
        return memory.few and (has_functions or _fill_squares(spans[-2], together))

    # -- what is kept of a tile ------------------------------------------------------------------------

    def _keeps(self, rows: int, at_once: int) -> Iterator[tuple[str, Span, int]]:
        tile = rows * self.blocks
        kept = {name: (span, number) for name, span, number in super()._keeps(tile, at_once)}
        for layer in range(1, self.last):
            for family in "HZ" if self.derivation.keeps_sums(layer) else "H":
                kept[f"{family}{layer}"] = self.spans[layer], tile
        for name, (span, number) in kept.items():
            yield name, span, tile if name[0] == "S" else number

    def views(self) -> Iterator[str]:
        """The lines that name what is in memory.

        Of each output the sums of a tile's rows, by pairs of blocks and by blocks; and what comes of them, by
        pairs and by rows, with what each row loses behind the outputs' own.
        """
        yield from super().views()
        rows, tile = self.together, self.together * self.blocks
        yield self.sums.vectors("Sums")
        yield Table(Span(rows, 1, 1, rows), 2 * self.sums.rows, self.sums.first).vectors("BlockSums")
        yield self.ends.vectors("Ends")
        yield Table(Span(tile, 1, 1, tile), self.network.n_outputs + 1, self.ends.first).numbers("ends")
        if self.transposes:
            yield self.memory.parameters[f"W{self.last}"].numbers(f"w{self.last}")

    def _load(self, family: str, layer: int, row: Row, lines: Lines, *, always: bool = False) -> None:
        super()._load(family, layer, row, lines, always=always or family != "S")

    def write_start(self, lines: Lines) -> None:
        """Write what comes before the first epoch."""
        super().write_start(lines)
        numbers = [self.vectors(ALL).number(float(n)) for n in range(self.together)]
        lines(f"lanes = in_lanes(({', '.join(2 * numbers)}))")

    # -- tiles and phases ------------------------------------------------------------------------------

    def _write_rows(self, lines: Lines) -> None:
        """Write what the rows of a batch do, tile by tile, then those left over one by one.

        More than a few left over take lanes, behind rows that have been worked on before, of which nothing is
        added up again. Measured: 4-10-3 with softmax, 150 rows, x0.93.
        """
        together = self.together
        rows = [Row(f"row + {n}" if n else "row", f"at + {n}", f"_{n + 1}") for n in range(together)]
        lines(f"whole = stop - (stop - start) % {together}")
        with lines.block(f"if whole > start and stop - whole > {together // 4}:"):
            lines("whole = stop")
        with lines.block(f"for tile in range(start, whole, {together * self.blocks}):"):
            lines(f"blocks = min({self.blocks}, (whole - tile + {together - 1})//{together})")
            self._write_phase(self._write_forward, "now", rows, lines)
            self._write_phase(self._write_pair, "pair", rows, lines)
            if not self.measuring:
                self._write_phase(self._write_backward, "now", rows, lines)
        with lines.block("for row in range(whole, stop):"):
            self._write_block(1, lines)

    def _write_phase(
        self, write: Callable[[list[Row], Lines], None], name: str, rows: list[Row], lines: Lines
    ) -> None:
        """Write what the blocks of a tile do in a phase, or its pairs of blocks."""
        several = "blocks" if name == "now" else "(blocks + 1)//2"
        step = self.together * (1 if name == "now" else 2)
        with lines.block(f"for {name} in range({several}):"):
            lines(f"at = {step}*{name}", f"row = min(tile + at, whole - {self.together})")
            write(rows, lines)

    # -- forward ---------------------------------------------------------------------------------------

    def _write_sums_of_outputs(self, rows: list[Row], lines: Lines) -> None:
        if len(rows) == 1:
            super()._write_sums_of_outputs(rows, lines)
            return
        if self.transposes:
            self._write_in_columns(rows, lines)
        else:
            self._write_lane_by_lane(rows, lines)
            self._write_into_lanes(self._by_output("sum"), rows, lines)
        for k, z in enumerate(self._by_output("sum")):
            lines(f"BlockSums[{_place(k, self.blocks, 'now')}] = {self.vectors(ALL)(z)}")

    def _write_in_columns(self, rows: list[Row], lines: Lines) -> None:
        """The weighted sums of few outputs of some rows, in vectors of rows."""
        (weighted,) = self.derivation.of("sum", layer=self.last)
        (k,) = weighted.over
        values = ", ".join(f"H{self.last - 1}{row.mark}" for row in rows)
        lines(f"columns = transposed(({values}))")
        total = next(node for node in nodes(weighted.expression) if isinstance(node, Sum))
        language = self.vectors(ALL)
        for output, z in enumerate(self._by_output("sum")):
            for i in range(total.index.size):
                term = bind(total.term, {k: output, total.index: i})
                self._assign(z, term if i == 0 else z + term, language, lines)
            self._assign(z, bind(substitute(weighted.expression, total, z), {k: output}), language, lines)

    def _by_output(self, kind: Kind) -> list[Symbol]:
        """The values of a kind of the outputs: their weighted sums, or their deltas."""
        (equation,) = self.derivation.of(kind, layer=self.last)
        (k,) = equation.over
        found = [bind(equation.target, {k: output}) for output in range(k.size)]
        return [symbol for symbol in found if isinstance(symbol, Symbol)]

    def _write_into_lanes(self, symbols: list[Symbol], rows: list[Row], lines: Lines) -> None:
        """Put numbers of some rows into vectors, one row in each lane."""
        for symbol in symbols:
            numbers = ", ".join(self.numbers(row)(symbol) for row in rows)
            lines(f"{self.vectors(ALL)(symbol)} = in_lanes(({numbers}))")

    # -- outputs ---------------------------------------------------------------------------------------

    def _write_pair(self, rows: list[Row], lines: Lines) -> None:
        """Write the outputs of two blocks, their errors and deltas, and what is lost.

        A second block that the tile does not have has rows that have been worked on before.
        """
        together, pairs = self.together, self.blocks // 2
        lines(f"other = min(tile + at + {together}, whole - {together})")
        numbers = [f"{self.dtype}(tile + at - row)", f"{self.dtype}(tile + at + {together} - other)"]
        lines(f"repeated, again = {', '.join(numbers)}")
        edges = ", ".join(["repeated"] * together + ["again"] * together)
        lines(f"new = lanes >= in_lanes(({edges}))")
        both = [*rows, *(replace(row, place=row.place.replace("row", "other")) for row in rows)]
        for k, z in enumerate(self._by_output("sum")):
            lines(f"{self.vectors(ALL)(z)} = Sums[{_place(k, pairs, 'pair')}]")
        given = [Symbol("y", indices=(k,)) for k in range(self.network.n_outputs)]
        self._write_into_lanes([*given, *[COEFFICIENT] * self.derivation.rule.weighted], both, lines)
        self._write_ends(lines)
        self._write_losses(lines)
        if not self.measuring:
            of = self.derivation.of
            self._write_outputs([*of("share"), *of("delta", layer=self.last)], [ALL], lines)
            for k, s in enumerate(self._by_output("delta")):
                lines(f"Ends[{_place(k, pairs, 'pair')}] = {self._of_new_rows(s)}")

    def _write_ends(self, lines: Lines) -> None:
        """Write the outputs and their errors."""
        of, derivation = self.derivation.of, self.derivation
        if few_outputs(derivation):
            write_softmax(derivation, self.vectors(ALL), self.network.n_outputs - 1, lines)
            lines(f"# {ERROR}")
            late = [each for each in lost_last(derivation.equations) if each.kind == "softmax"]
            self._write_outputs(late, [ALL], lines)
            return
        self._write_outputs([*of("activation", layer=self.last), *of("error")], [ALL], lines)

    def _write_losses(self, lines: Lines) -> None:
        """Write what the rows lose, which is added up one after the other."""
        (loss,) = self.derivation.of("loss")
        total, lost = loss.target, loss.expression
        assert isinstance(lost, Binary)  # noqa: S101 - the sum of the total and of what is lost
        K = self.network.n_outputs
        at = _place(K, self.blocks // 2, "pair")
        lines(f"Ends[{at}] = {self._of_new_rows(bind(lost.right, {}))}")
        lines(*(f"{total.family} += ends[{K}, at + {n}]" for n in range(2 * self.together)))

    def _of_new_rows(self, value: Expression) -> str:
        """A value of each row, and zero for rows that have been worked on before."""
        language = self.vectors(ALL)
        return f"choose(new, {language(value)}, {language.zero()})"

    # -- the way back ----------------------------------------------------------------------------------

    def _write_backward(self, rows: list[Row], lines: Lines) -> None:
        if len(rows) > 1:
            for k, s in enumerate(self._by_output("delta")):
                for n, row in enumerate(rows):
                    lines(f"{self.numbers(row)(s)} = ends[{k}, at + {n}]")
        super()._write_backward(rows, lines)

    # -- how values of many rows are spelled -----------------------------------------------------------

    def _spell(self, symbol: Symbol, row: Row) -> str:
        if row is ALL and symbol == COEFFICIENT:
            return f"coefficient{row.mark}"
        if row is ALL and symbol.family == "y":
            return self._spell_output("y", str(symbol.indices[0]), row)
        if row is ALL and symbol.layer == self.last - 1:
            return f"columns[{symbol.indices[0]}]"
        if row is ALL and symbol.family == "w":
            k, i = symbol.indices
            return f"w{self.last}[{i}]" if self.network.n_outputs == 1 else f"w{self.last}[{k}, {i}]"
        return super()._spell(symbol, row)

    def _of_outputs(self, row: Row) -> Infix:
        return self.vectors(row) if row is ALL else super()._of_outputs(row)


def _fill_squares(span: Span, together: int) -> bool:
    """Whether the values of a layer of some rows fill squares, a lane for each unit and for each row."""
    return span.vectors == 1 and together % span.lanes == 0


def _place(k: int, several: int, at: str) -> str:
    """The place of an output's vector of rows, of which each output has several."""
    return f"{k * several} + {at}" if k else at

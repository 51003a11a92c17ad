"""The equations of a batch with one unit of a layer in each lane, several rows at once: see
`fastnn.printing.units`.

The rows share one read of each weight, and one read and one write of what they add up to. They are added one
after the other, so no bit depends on how many rows are worked on at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial

from fastnn.core.equations import (
    BEGIN,
    DELTAS,
    ERROR,
    FORWARD,
    GRADIENTS,
    UPDATES,
    Derivation,
    Equation,
    Kind,
)
from fastnn.core.expressions import Binary, Call, Expression, Index, Sum, Symbol, bind, nodes, substitute
from fastnn.core.rule import COEFFICIENT
from fastnn.printing.infix import Infix, Lines, Python, assignment
from fastnn.printing.unit_memory import Span
from fastnn.printing.units import LANES, AcrossUnits, Place, PythonOfUnits, Row

__all__ = ["InBatches"]

SUM = Symbol("g")
ALL = Row("", "", "_rows")  # the rows that are worked on at once, one in each lane


class InBatches(AcrossUnits):
    """Weights stay as they are while the rows of a batch add up their changes.

    Of weights that are kept both ways round one takes part in updates, and is copied to the other.
    State[0, p], State[1, p], ... are registers of all parameters, of their states, and of what rows add up
    to.
    """

    def __init__(self, derivation: Derivation, dtype: str, spans: list[Span], together: int) -> None:
        super().__init__(derivation, dtype, spans, rows=together, at_once=together)
        self.together, self.measuring = together, derivation.rule.measuring
        self.lanes = spans[-1].lanes
        self.flat = PythonOfUnits(partial(_spell_flat, letters=self.memory.letters), dtype)

    @property
    def has_rows_in_lanes(self) -> bool:
        """Whether the values of outputs lie in vectors of rows: where these are made fast, or save functions.

        Measured: 4-10-3 with softmax x0.5, 30-10-1 with sigmoid x0.6.
        """
        equations = self.derivation.of("activation", "softmax", "error", "loss", "delta", layer=self.last)
        every = (node for equation in equations for node in nodes(equation.expression))
        return self.few and (self.transposes or any(isinstance(node, Call) for node in every))

    @property
    def transposes(self) -> bool:
        """Whether the values of the last hidden layer fill a square, a lane for each unit or for each row."""
        span = self.spans[self.last - 1]
        return self.few and span.vectors == 1 and span.lanes == self.at_once

    def _keeps(self, rows: int, at_once: int) -> Iterator[tuple[str, Span, int]]:
        yield from super()._keeps(rows, at_once)
        self.at_once = at_once
        if self.has_rows_in_lanes:
            yield "Outputs", Span(at_once, 1, 1, at_once), self.network.n_outputs + 1

    def views(self) -> Iterator[str]:
        """The lines that name what is in memory, and all that updates run over as registers."""
        yield from super().views()
        if self.transposes:
            yield self.memory.parameters[f"W{self.last}"].numbers(f"w{self.last}")
        if not self.measuring:
            yield f"State = Vectors(memory, 1, {self.lanes}, 0, {self.memory.stride // self.lanes})"

    def write_start(self, lines: Lines) -> None:
        """Write what comes before the first epoch."""
        self.memory.write_copies(lines)
        if self.has_rows_in_lanes:
            numbers = ", ".join(self.vectors(ALL).number(float(n)) for n in range(self.together))
            lines(f"lanes = in_lanes(({numbers}))")

    def write_epoch(self, lines: Lines) -> None:
        """Write the loop over the batches of an epoch; to measure, there are none."""
        if self.measuring:
            lines("start, stop = 0, rows")
            self._write_rows(lines)
            return
        with lines.block("for start in range(0, rows, batch):"):
            lines("stop = min(start + batch, rows)", f"n = {self.dtype}(stop - start)", f"# {BEGIN}")
            for equation in self.derivation.of("factor"):
                self._assign(equation.target, equation.expression, self.numbers(Row()), lines)
            with lines.block(f"for p in range({-(-self.memory.biases.stop // self.lanes)}):"):
                lines(f"State[{len(self.memory.letters) - 1}, p] = 0.0")
            self._write_rows(lines)
            self._write_updates(lines)

    def _write_rows(self, lines: Lines) -> None:
        """Write what the rows of a batch do, some at a time, then those left over one by one.

        Where rows have lanes, more than a few left over take the last ones, behind rows that have been worked
        on before, of which nothing is added up again. Measured: 4-10-3 with softmax, 150 rows, x0.93.
        """
        together = self.together
        lines(f"whole = stop - (stop - start) % {together}")
        if self.has_rows_in_lanes:
            with lines.block(f"if whole > start and stop - whole > {together // 4}:"):
                lines("whole = stop")
            with lines.block(f"for first in range(start, whole, {together}):"):
                lines(f"row = min(first, stop - {together})", f"new = lanes >= {self.dtype}(first - row)")
                self._write_block(together, lines)
        else:
            with lines.block(f"for row in range(start, whole, {together}):"):
                self._write_block(together, lines)
        with lines.block("for row in range(whole, stop):"):
            self._write_block(1, lines)

    def _write_block(self, number: int, lines: Lines) -> None:
        """Write all that some rows do: forward layer by layer, and back."""
        rows = [Row(f"row + {n}" if n else "row", str(n), f"_{n + 1}") for n in range(number)]
        of = self.derivation.of
        several = [ALL] if number > 1 and self.has_rows_in_lanes else rows
        for layer in range(1, self.last + 1):
            lines(f"# {FORWARD}, layer {layer}")
            if layer == self.last and self.few:
                if ALL in several and self.transposes:
                    self._write_in_columns(rows, lines)
                else:
                    self._write_lane_by_lane(rows, lines)
            else:
                self._write_across(layer, rows, lines)
        if ALL in several:
            self._write_into_lanes(rows, lines)
        ends = [e for e in of("softmax") if e.stage == FORWARD]
        self._write_outputs([*of("activation", layer=self.last), *ends], several, lines)
        lines(f"# {ERROR}")
        ends = [e for e in of("softmax") if e.stage == ERROR]
        self._write_outputs([*of("error"), *ends], several, lines)
        if ALL in several:
            self._write_losses(rows, lines)
            self._write_outputs(of("share"), several, lines)
        else:
            self._write_outputs(of("loss", "share"), rows, lines)
        if self.measuring:
            return
        for layer in range(self.last, 0, -1):
            lines(f"# {DELTAS} and {GRADIENTS}, layer {layer}")
            if layer == self.last:
                self._write_outputs(of("delta", layer=layer), several, lines)
                if ALL in several:
                    self._write_from_lanes(rows, lines)
            if layer > 1:
                self._write_back(layer, rows, lines)
            self._write_gradients(layer, rows, lines)

    def _write_in_columns(self, rows: list[Row], lines: Lines) -> None:
        """The weighted sums of few outputs of some rows, in vectors of rows."""
        (weighted,) = self.derivation.of("sum", layer=self.last)
        (k,) = weighted.over
        values = ", ".join(f"H{self.last - 1}{row.mark}" for row in rows)
        lines(f"columns = transposed(({values}))")
        total = next(node for node in nodes(weighted.expression) if isinstance(node, Sum))
        language = self.vectors(ALL)
        for output in range(k.size):
            z = bind(weighted.target, {k: output})
            for i in range(total.index.size):
                term = bind(total.term, {k: output, total.index: i})
                self._assign(z, term if i == 0 else z + term, language, lines)
            self._assign(z, bind(substitute(weighted.expression, total, z), {k: output}), language, lines)

    def _write_into_lanes(self, rows: list[Row], lines: Lines) -> None:
        """Put what the outputs of some rows are worked out from into vectors, one row in each lane."""
        (weighted,) = self.derivation.of("sum", layer=self.last)
        (k,) = weighted.over
        own: list[Expression] = [Symbol("y", indices=(output,)) for output in range(k.size)]
        if not self.transposes:
            own += [bind(weighted.target, {k: output}) for output in range(k.size)]
        own += [COEFFICIENT] * self.derivation.rule.weighted
        for symbol in own:
            numbers = ", ".join(self.numbers(row)(symbol) for row in rows)
            lines(f"{self.vectors(ALL)(symbol)} = in_lanes(({numbers}))")

    def _write_losses(self, rows: list[Row], lines: Lines) -> None:
        """Write what the rows lose, which is added up one after the other."""
        (loss,) = self.derivation.of("loss")
        total, lost = loss.target, loss.expression
        assert isinstance(lost, Binary)  # noqa: S101 - the sum of the total and of what is lost
        lines(f"KeptOutputs[{self.network.n_outputs}] = {self._of_new_rows(bind(lost.right, {}))}")
        for n in range(len(rows)):
            lines(f"{total.family} += outputs[{self.network.n_outputs}, {n}]")

    def _write_from_lanes(self, rows: list[Row], lines: Lines) -> None:
        """Read the deltas of outputs, row by row."""
        (delta,) = self.derivation.of("delta", layer=self.last)
        (k,) = delta.over
        own = [bind(delta.target, {k: output}) for output in range(k.size)]
        for output, symbol in enumerate(own):
            lines(f"KeptOutputs[{output}] = {self._of_new_rows(symbol)}")
        for output, symbol in enumerate(own):
            for n, row in enumerate(rows):
                lines(f"{self.numbers(row)(symbol)} = outputs[{output}, {n}]")

    def _of_new_rows(self, value: Expression) -> str:
        """A value of each row, and zero for rows that have been worked on before."""
        language = self.vectors(ALL)
        return f"choose(new, {language(value)}, {language.zero()})"

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

    def _write_gradients(self, layer: int, rows: list[Row], lines: Lines) -> None:
        """What a layer's deltas add to its biases, and to the weights of the first layer."""
        *weights, biases = self.derivation.of("gradient", layer=layer)
        (j,) = biases.over
        if layer == self.last and self.few:
            for k in range(j.size):
                self._add_up(biases, {j: k}, rows, lines, number=True)
            return
        with self._each_vector(layer, lines):
            for row in rows:
                self._load("S", layer, row, lines, always=layer == self.last)
            self._add_up(biases, {j: LANES}, rows, lines)
            for equation in weights if layer == 1 else ():  # none without inputs
                (_, i) = equation.over
                with lines.block(f"for i in range({i.size}):") if i.size > 1 else nullcontext():
                    self._add_up(equation, {j: LANES, i: i if i.size > 1 else 0}, rows, lines)

    def _write_changes(self, layer: int, unit: Index | int, rows: list[Row], lines: Lines) -> None:
        weights, _ = self.derivation.of("gradient", layer=layer)
        (j, i) = weights.over
        self._add_up(weights, {j: unit, i: LANES}, rows, lines)

    def _add_up(
        self,
        equation: Equation,
        here: Place,
        rows: list[Row],
        lines: Lines,
        *,
        number: bool = False,
    ) -> None:
        """A gradient, and what some rows add to it, one after the other."""
        languages = [self.numbers(row) if number else self.vectors(row) for row in rows]
        target = bind(equation.target, here)
        if len(rows) == 1:
            self._assign(target, bind(equation.expression, here), languages[0], lines)
            return
        self._assign(SUM, target, languages[0], lines)
        for language in languages:
            value = bind(substitute(equation.expression, equation.target, SUM), here)
            self._assign(SUM, value, language, lines)
        self._assign(target, SUM, languages[0], lines)

    def _write_updates(self, lines: Lines) -> None:
        """The end of a batch: one loop over all weights, and one over all biases."""
        lines(f"# {UPDATES}")
        if self.derivation.rule.clipped:
            self._write_over_parameters(lines, "penalty")
            self._write_norm(lines)
            self._write_over_parameters(lines, "limit", "state", "update")
        else:
            self._write_over_parameters(lines, "penalty", "state", "update")
        self.memory.write_copies(lines)

    def _write_norm(self, lines: Lines) -> None:
        """The squares of all gradients, added up in the order of the parameters, and what comes of it."""
        language = Python(self._spell_gradient, self.dtype)
        for equation in self.derivation.of("norm"):
            with ExitStack() as loops:
                for index in equation.over:
                    loops.enter_context(lines.block(f"for {index.name} in range({index.size}):"))
                lines(assignment(equation.target, equation.expression, language))

    def _spell_gradient(self, symbol: Symbol) -> str:
        """What the rows of a batch add up to, as a number in memory."""
        if not symbol.indices:
            return symbol.family
        j, *i = (index.name for index in symbol.indices if isinstance(index, Index))
        way = "B" if not i else "W" if f"W{symbol.layer}" in self.memory.parameters else "T"
        table = self.memory.parameters[f"{way}{symbol.layer}"]
        row, unit = {"B": ("0", j), "W": (j, *i), "T": (*i, j)}[way]
        first = table.first + (len(self.memory.letters) - 1) * self.memory.stride
        return f"memory[{first} + {row}*{table.span.numbers} + {unit}]"

    def _write_over_parameters(self, lines: Lines, *kinds: Kind) -> None:
        for indices, places in ((2, self.memory.weights), (1, self.memory.biases)):
            equations = [e for e in self.derivation.of(*kinds, layer=self.last) if len(e.over) == indices]
            if equations:
                first, end = places.start // self.lanes, -(-places.stop // self.lanes)
                with lines.block(f"for p in range({first}, {end}):"):
                    for equation in equations:
                        lines(assignment(equation.target, equation.expression, self.flat))


def _spell_flat(symbol: Symbol, letters: Sequence[str]) -> str:
    """A parameter, a state of it, or what the rows of a batch add up to, as register p of all of them."""
    if not symbol.indices:
        return symbol.family
    return f"State[{letters.index(symbol.family[:-1])}, p]"

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
from fastnn.core.expressions import Index, Symbol, bind, substitute
from fastnn.printing.infix import Lines, Python, assignment
from fastnn.printing.unit_memory import Span
from fastnn.printing.units import LANES, AcrossUnits, Place, PythonOfUnits, Row

__all__ = ["InBatches"]

SUM = Symbol("g")


class InBatches(AcrossUnits):
    """Weights stay as they are while the rows of a batch add up their changes.

    Of weights that are kept both ways round one takes part in updates, and is copied to the other.
    State[0, p], State[1, p], ... are registers of all parameters, of their states, and of what rows add up
    to.
    """

    def __init__(self, derivation: Derivation, dtype: str, spans: list[Span], together: int) -> None:
        self.together, self.measuring = together, derivation.rule.measuring
        super().__init__(derivation, dtype, spans, rows=together, at_once=together)
        self.lanes = spans[-1].lanes
        self.flat = PythonOfUnits(partial(_spell_flat, letters=self.memory.letters), dtype)

    def views(self) -> Iterator[str]:
        """The lines that name what is in memory, and all that updates run over as registers."""
        yield from super().views()
        if not self.measuring:
            yield f"State = Vectors(memory, 1, {self.lanes}, 0, {self.memory.stride // self.lanes})"

    def write_start(self, lines: Lines) -> None:
        """Write what comes before the first epoch."""
        self.memory.write_copies(lines)

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
        """Write what the rows of a batch do, some at a time, then those left over one by one."""
        together = self.together
        lines(f"whole = stop - (stop - start) % {together}")
        with lines.block(f"for row in range(start, whole, {together}):"):
            self._write_block(together, lines)
        with lines.block("for row in range(whole, stop):"):
            self._write_block(1, lines)

    def _write_block(self, number: int, lines: Lines) -> None:
        """Write all that some rows do: forward layer by layer, and back."""
        rows = [Row(f"row + {n}" if n else "row", str(n), f"_{n + 1}") for n in range(number)]
        self._write_forward(rows, lines)
        self._write_errors(rows, lines)
        if not self.measuring:
            self._write_backward(rows, lines)

    def _write_forward(self, rows: list[Row], lines: Lines) -> None:
        """Write the weighted sums of all layers, and the activations of the hidden ones."""
        for layer in range(1, self.last + 1):
            lines(f"# {FORWARD}, layer {layer}")
            if layer == self.last and self.few:
                self._write_sums_of_outputs(rows, lines)
            else:
                self._write_across(layer, rows, lines)

    def _write_sums_of_outputs(self, rows: list[Row], lines: Lines) -> None:
        self._write_lane_by_lane(rows, lines)

    def _write_errors(self, rows: list[Row], lines: Lines) -> None:
        """Write the outputs, their errors, what is lost, and the deltas of outputs."""
        of = self.derivation.of
        forward, errors = ([e for e in of("softmax") if e.stage == stage] for stage in (FORWARD, ERROR))
        self._write_outputs([*of("activation", layer=self.last), *forward], rows, lines)
        lines(f"# {ERROR}")
        self._write_outputs([*of("error"), *errors], rows, lines)
        self._write_outputs(of("loss", "share"), rows, lines)
        if not self.measuring:
            self._write_outputs(of("delta", layer=self.last), rows, lines)

    def _write_backward(self, rows: list[Row], lines: Lines) -> None:
        """Write what the rows add up to, and the deltas of the hidden layers."""
        for layer in range(self.last, 0, -1):
            lines(f"# {DELTAS} and {GRADIENTS}, layer {layer}")
            if layer > 1:
                self._write_back(layer, rows, lines)
            self._write_gradients(layer, rows, lines)

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
        offset = (len(self.memory.letters) - 1) * self.memory.stride
        return f"memory[{table.place(row, unit, offset)}]"

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

"""The equations of a batch for vectors of networks, with the updates in the loops of the last rows' way back.

A gradient is not set to zero before the rows nor written after them, and what an optimizer divides waits
beside other work. Measured in batches of 32 with 32 registers (8 rows at once, against a loop of updates
behind the rows): 4-16-1 x0.95, with Adam x0.88; 2-24-2 x0.89, 4-12-8-1 x0.93, with Adam x0.98, 10-32-32-1
x0.96, with Adam x0.93; softmax 4-16-3 with Adam x0.91. With 2 rows of two registers of 32 bytes: 4-16-1
x1.03, with Adam x0.98, 4-12-8-1 x0.97.
"""

from __future__ import annotations

from fastnn.core.equations import Derivation, Equation
from fastnn.core.expressions import Symbol, bind, substitute
from fastnn.core.values import TOTAL
from fastnn.printing.infix import Lines
from fastnn.printing.rows_together import SUM, Place, RowsTogether
from fastnn.printing.vectors import PythonOfVectors

__all__ = ["UpdatesWithRows"]


class UpdatesWithRows(RowsTogether):
    """`RowsTogether` for rules whose updates need no other parameter's gradient.

    `goes_on` tells whether there were rows of the batch before, `ends` whether its last row is among these.
    """

    def __init__(self, derivation: Derivation, dtype: str, together: int) -> None:
        super().__init__(derivation, dtype, together)
        self.ends = False

    def _write_zeros(self, lines: Lines) -> None:
        """Gradients begin with the first rows."""

    def _write_updates(self, lines: Lines) -> None:
        """They are made with the last rows."""

    def _write_way_back(self, language: PythonOfVectors, lines: Lines) -> None:
        """Write it twice, with updates and without: in one loop with both, products are kept in memory."""
        rows, zero, one = self.together if language is self.block else 1, *map(language.number, (0.0, 1.0))
        lines(f"goes_on = filled({TOTAL.family}, choose(row > start, {one}, {zero})) > {zero}")
        for self.ends, condition in ((True, f"if row + {rows} == stop:"), (False, "else:")):
            with lines.block(condition):
                super()._write_way_back(language, lines)

    def _write_hidden(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        """The delta comes first: it is that of the weights before the update."""
        self._write_delta(layer, here, language, lines)
        self._write_leaving(layer, here, language, lines)
        self._write_arriving(layer, here, language, lines)

    def _add_up(
        self,
        equation: Equation,
        place: Place,
        variables: dict[Symbol, Symbol],
        language: PythonOfVectors,
        lines: Lines,
    ) -> None:
        """A gradient and what rows add to it; after the last of a batch, the update of its parameter."""
        gradient = bind(equation.target, place)
        lines(f"{SUM.family} = choose(goes_on, {language(gradient)}, {language.number(0.0)})")
        self._assign(SUM, self._added(equation, place, variables), language, lines)
        if not self.ends:
            self._assign(gradient, SUM, language, lines)
            return
        for update in self._updates(equation):
            here = {own: place[of] for own, of in zip(update.over, equation.over, strict=True)}
            both = (bind(each, here) for each in (update.target, update.expression))
            target, value = (substitute(each, gradient, SUM) for each in both)
            self._assign(target, value, self.one, lines)

    def _updates(self, gradient: Equation) -> list[Equation]:
        """What is done at the end of a batch to a layer's weights, or to its biases, with their gradient."""
        of_layer = self.derivation.of("penalty", "state", "update", layer=gradient.layer)
        return [equation for equation in of_layer if len(equation.over) == len(gradient.over)]

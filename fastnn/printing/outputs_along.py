"""The equations of one row in loops, with the outputs worked out in the loop over the hidden units.

A hidden unit's weight to each output is read once: it carries the delta back, is updated, and takes the
unit's new activation on to the output. Few inputs are read once for all units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastnn.core.equations import DELTAS, FORWARD, UPDATES, Derivation
from fastnn.core.expressions import Index, Symbol, bind
from fastnn.core.values import TOTAL
from fastnn.printing.infix import Lines
from fastnn.printing.layer_by_layer import LayerByLayer, Unit
from fastnn.printing.vectors import PythonOfVectors

__all__ = ["OutputsAlong"]

NOTHING = "-0.0"  # added to this, a number stays as it is, the sign of a zero too

FEW_INPUTS = 4  # for which there are registers, of this row and of the following one


class OutputsAlong(LayerByLayer):
    """`LayerByLayer` for one hidden layer without functions and a few outputs.

    What is used again and again has a variable: the inputs x1, ... and next_x1, ... of the row and of the
    following one; the sum and the delta of an output, out1 and back1; of a unit at work its activations, h1
    and next_h1, and its weights to the outputs, w1_1, w2_1, ...
    """

    def __init__(
        self, derivation: Derivation, dtype: str, units_together: int, exponentials: int, **how: bool
    ) -> None:
        self.variables: dict[str, str] = {}  # by what they stand for
        super().__init__(derivation, dtype, units_together, exponentials, **how)
        outputs = Index("j", self.network.n_outputs)
        self.outputs = [
            Unit({outputs: k}, Symbol(f"out{k + 1}"), Symbol(f"back{k + 1}")) for k in range(outputs.size)
        ]

    def scratch(self) -> dict[str, tuple[int, int]]:
        """The vectors besides the parameters: (rows, vectors in a row) by name."""
        return {name: shape for name, shape in super().scratch().items() if name != "S2"}

    def _write_deltas_and_forward(self, lines: Lines) -> None:
        self._write_inputs(lines)
        self._write_output_deltas(lines)
        lines(
            *(f"{self.row.symbol(output.z)} = filled({TOTAL.family}, {NOTHING})" for output in self.outputs)
        )
        lines(f"# {UPDATES}, and {FORWARD} with the following row")
        for units in self._some_units(1, lines):
            self._write_units(units, lines)
        self._finish_forward(2, self.outputs, lines, updating=True)

    def _write_output_deltas(self, lines: Lines) -> None:
        lines(f"# {DELTAS}, layer 2")
        self._write_deltas(2, self.outputs, lines)

    def _write_inputs(self, lines: Lines) -> None:
        """Name the inputs of this row and of the following one, if they are few."""
        self.variables = {f"S2[{k}]": f"back{k + 1}" for k in range(self.network.n_outputs)}
        if self.network.n_inputs <= FEW_INPUTS:
            inputs = {
                f"X[{row}, {i}]": f"{name}{i + 1}"
                for name, row in (("x", "row"), ("next_x", "following"))
                for i in range(self.network.n_inputs)
            }
            lines(*(f"{name} = {place}" for place, name in inputs.items()))
            self.variables |= inputs

    def _language(
        self, spell: Callable[[Symbol], str], language: type[PythonOfVectors] = PythonOfVectors
    ) -> PythonOfVectors:
        return super()._language(lambda symbol: self.variables.get(spell(symbol), spell(symbol)), language)

    def _positions(self, index: Index, lines: Lines) -> Iterator[Index | int]:
        inputs = self.network.n_inputs
        if self.variables and (index.name == "k" or index.size == inputs <= FEW_INPUTS):
            yield from range(index.size)
        else:
            yield from super()._positions(index, lines)

    def _write_units(self, units: list[Unit], lines: Lines) -> None:
        """Write all that a row does with some hidden units and with their weights to the outputs."""
        around = self.variables
        weights, now, then = self._at_work(units)
        lines(*(f"{name} = {place}" for place, name in (weights | now).items()))
        self.variables = around | weights | now | then
        self._write_deltas(1, units, lines)
        for output, here in self._between(units):
            updates = self.derivation.of("gradient", "state", "update", layer=2)
            self._update(updates, here, output, lines)
        lines(*(f"{place} = {name}" for place, name in weights.items()))
        self._write_forward(1, units, lines, updating=True)
        lines(*(f"{place} = {name}" for place, name in then.items()))
        (total,) = self._sums(2)
        for output, here in self._between(units):
            self._assign(output.z, output.z + bind(total.term, here), self.following, lines)
        self.variables = around

    def _between(self, units: list[Unit]) -> Iterator[tuple[Unit, dict[Index, Index | int]]]:
        """Each output with each of some hidden units, and where the weight between them is."""
        inputs = self._sums(2)[0].index
        for output in self.outputs:
            for unit in units:
                (place,) = unit.here.values()
                yield output, {**output.here, inputs: place}

    def _at_work(self, units: list[Unit]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        """The variables of some units: their weights to the outputs, and their activations now and then."""
        places = [
            place.name if isinstance(place, Index) else place for u in units for place in u.here.values()
        ]
        outputs = range(self.network.n_outputs)
        weights = {f"W2[{k}, {j}]": f"w{k + 1}_{n}" for k in outputs for n, j in enumerate(places, start=1)}
        now = {f"H1[now, {j}]": f"h{n}" for n, j in enumerate(places, start=1)}
        then = {f"H1[then, {j}]": f"next_h{n}" for n, j in enumerate(places, start=1)}
        return weights, now, then

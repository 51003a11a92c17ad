"""The equations for vectors of networks whose layers have any sizes: a kernel is told them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastnn.core.equations import Derivation
from fastnn.core.expressions import Index, Sum, Symbol, bind, nodes, substitute
from fastnn.printing.infix import Lines
from fastnn.printing.layer_by_layer import InLoops, LayerByLayer, Unit, from_j_on, units_at
from fastnn.printing.layer_names import LayerNames
from fastnn.printing.outputs_along import OutputsAlong
from fastnn.printing.rows_together import Place, PythonOfFirstRow, RowsTogether
from fastnn.printing.scalars import ACCUMULATOR
from fastnn.printing.vectors import PythonOfVectors, from_values

__all__ = ["OneRow", "OutputAlong", "SomeRows"]

ERROR_OF_ONE = Symbol("d")


class _AnySize(InLoops):
    """What both forms share: the names of layers."""

    names: LayerNames

    def _size(self, number: int) -> str:
        return self.names.size(number)

    def _language(
        self, spell: Callable[[Symbol], str], language: type[PythonOfVectors] = PythonOfVectors
    ) -> PythonOfVectors:
        return super()._language(lambda symbol: self.names.renamed(symbol, spell(symbol)), language)

    def _in_turn(self, layers: range, lines: Lines) -> Iterator[int]:
        for layer in super()._in_turn(layers, lines):
            with self.names.at(layer, lines, forward=layers.step > 0):
                yield layer


class OneRow(_AnySize, LayerByLayer):
    """`LayerByLayer` for any sizes. Where each output has a loss of its own, its error is a variable."""

    def __init__(self, derivation: Derivation, dtype: str, names: LayerNames) -> None:
        self.names = names
        super().__init__(derivation, dtype, units_together=1, exponentials=1)

    @property
    def _errors_at_once(self) -> bool:
        return len(self.layers) > 1 and not self.derivation.of("softmax")

    def _write_errors(self, lines: Lines) -> None:
        """Write the errors and the deltas of the outputs at once. Measured: 2-2-1 x0.85 (against vectors)."""
        self.names.come_to(self.layers[-1])
        if not self._errors_at_once:
            super()._write_errors(lines)
            return
        for equation in self.derivation.of("share"):
            self._assign(equation.target, equation.expression, self.row, lines)
        (error,), (loss,) = self.derivation.of("error"), self.derivation.of("loss")
        delta = from_values(self.derivation, self._only("delta", self.layers[-1]))
        (total,) = (node for node in nodes(loss.expression) if isinstance(node, Sum))
        for k in self._positions(total.index, lines):
            here, vector = {total.index: k}, bind(error.target, {total.index: k})
            self._assign(ERROR_OF_ONE, bind(error.expression, here), self.row, lines)
            term = substitute(bind(total.term, here), vector, ERROR_OF_ONE)
            self._assign(ACCUMULATOR, term if k == 0 else ACCUMULATOR + term, self.row, lines)
            change = substitute(bind(delta.expression, here), vector, ERROR_OF_ONE)
            self._assign(bind(delta.target, here), change, self.row, lines)
        self._assign(loss.target, substitute(loss.expression, total, ACCUMULATOR), self.row, lines)

    def _in_turn(self, layers: range, lines: Lines) -> Iterator[int]:
        back = layers.step < 0
        return super()._in_turn(layers[1:] if back and self._errors_at_once else layers, lines)

    def _some_units(self, layer: int, lines: Lines) -> Iterator[list[Unit]]:
        number = self.network.layers[layer]
        if number == 1:
            yield units_at(number, [0])
            return
        with lines.block(f"for j in range({self._size(number)}):"):
            yield units_at(number, from_j_on(1, number))

    def _joined_size(self, layer: int) -> str:
        return self._size(self.network.layers[layer])


class OutputAlong(OneRow, OutputsAlong):
    """`OutputsAlong` for any sizes, but for one output: its value, error and delta have variables."""

    def __init__(self, derivation: Derivation, dtype: str, names: LayerNames) -> None:
        super().__init__(derivation, dtype, names)
        self.variables = {"Yhat[0]": "yhat1", "S2[0]": "back1"}

    def _write_inputs(self, lines: Lines) -> None:
        """Inputs stay in memory, since nobody knows how many there are."""

    def _write_output_deltas(self, lines: Lines) -> None:
        """They are written with the errors."""


class SomeRows(_AnySize, RowsTogether):
    """`RowsTogether` for any sizes.

    Where a layer stands for several, the same lines serve the outputs on the way forward, and the first
    layer on the way back. Measured: compiled in x0.75. Functions are compiled for blocks alone. Measured:
    with tanh x0.95, with tanh and softmax x0.9.
    """

    def __init__(self, derivation: Derivation, dtype: str, names: LayerNames) -> None:
        self.names = names
        super().__init__(derivation, dtype, names.form.rows)
        self.one = PythonOfFirstRow(self.one.symbol, dtype, self.together)

    def write_batch(self, lines: Lines) -> None:
        """Write all that the rows of a batch do, from `start` up to `stop`."""
        self.names.come_to(self.last)
        super().write_batch(lines)

    def _in_turn(self, layers: range, lines: Lines) -> Iterator[int]:
        if self.names.repeats:
            layers = layers[:-1]
        return super()._in_turn(layers, lines)

    def _write_activation(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        if not self._stands_for_several(layer):
            super()._write_activation(layer, here, language, lines)
            return
        with lines.block("if layer < last:"):
            super()._write_activation(layer, here, language, lines)
        with lines.block("else:"), self.names.calling({self.last: "here"}):
            outputs = self._as_in(self.last, here)
            super()._write_activation(self.last, outputs, language, lines)

    def _write_arriving(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        super()._write_arriving(layer, here, language, lines)
        if self._stands_for_several(layer) and self.network.n_inputs:
            with lines.block("if layer == 1:"), self.names.calling({0: "inputs", 1: "first"}):
                self._write_from_inputs(self._as_in(1, here), language, lines)

    def _stands_for_several(self, layer: int) -> bool:
        return self.names.repeats and 1 < layer < self.last

    def _as_in(self, layer: int, here: Place) -> Place:
        """A place in the layer that stands for several, as one in another layer for which it stands."""
        (own,) = here.values()
        return {Index("j", self.network.layers[layer]): own}

    def _numbers(self) -> tuple[str, str]:
        return "weights", "parameters"

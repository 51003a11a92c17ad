"""The equations of one row as assignments of single numbers, written out or in loops over units.

`Written` has one variable for every value (w1, z2, yhat, s1, ...) and reads like the classroom notebook.
`Looped` has one array for every layer's values (W1[j, i], Z1[j], S1[j], ...); its length does not depend on
the sizes of the layers, so that compiling stays quick. With a `lane` every value has one more axis, the
network's place in a block, and every assignment stands in a loop over the block.
"""

from __future__ import annotations

from fastnn.derivation import STAGES, Derivation, Equation
from fastnn.elementary import functions_of
from fastnn.engines.printing import (
    Lines,
    Spelling,
    assignment,
    import_line,
    layer_array,
    number_speller,
    scalar_function,
    scalar_power_of_two,
)
from fastnn.expressions import Expression, Index, Sum, Symbol, bind, nodes, substitute
from fastnn.network import Network

__all__ = ["Looped", "Written", "module"]

NUMPY_NAMES = ("empty", "float32", "float64", "int32", "int64", "isfinite", "nan", "zeros")
ACCUMULATOR = Symbol("accumulated")


def module(network: Network, dtype: str, body: str) -> str:
    """The function `body` behind the imports and the functions it needs, so that it runs as it stands."""
    functions = functions_of(network.activations, dtype)
    parts = [scalar_power_of_two(dtype)] if functions else []
    parts += [scalar_function(function, dtype) for function in functions]
    text = "\n\n".join([*parts, body])
    return f"{import_line('numpy', NUMPY_NAMES, text)}\n\n\n{text}"


class Written:
    """One variable for every value: w1, z2, yhat, s1, ..."""

    def __init__(self, derivation: Derivation, dtype: str) -> None:
        self.derivation = derivation
        self.network = derivation.network
        self.spelling = Spelling(derivation.name, number_speller(dtype))

    def load_row(self, lines: Lines) -> None:
        """Name the values of row i."""
        for family, array, size in (("x", "X", self.network.n_inputs), ("y", "Y", self.network.n_outputs)):
            for position in range(size):
                lines(f"{self.derivation.name(Symbol(family, 0, (position,)))} = {array}[i, {position}]")

    def write_row(self, lines: Lines) -> None:
        """Write all equations, stage by stage."""
        for stage in STAGES:
            lines(f"# {stage}")
            for equation in self.derivation.scalar:
                if equation.stage == stage:
                    lines(assignment(equation.target, equation.expression, self.spelling))


class Looped:
    """An array for every layer's values: W1[j, i], Z1[j], S1[j], ...; or W1[j, i, l], ... with a lane."""

    def __init__(self, derivation: Derivation, dtype: str, lane: Index | None = None) -> None:
        self.derivation = derivation
        self.network = derivation.network
        self.dtype = dtype
        self.lane = lane
        self.spelling = Spelling(self._spell, number_speller(dtype))

    def scratch(self) -> list[str]:
        """The assignments that allocate the arrays, except those of the parameters."""
        sizes: dict[str, tuple[int, ...]] = {
            layer_array(e.target): (e.over[0].size,)
            for e in self.derivation
            if e.stage != "updates" and e.over
        }
        if self.lane:
            sizes = {name: (*size, self.lane.size) for name, size in sizes.items()}
            sizes[ACCUMULATOR.family] = (self.lane.size,)
        return [
            f"{name} = empty({size if len(size) > 1 else size[0]}, {self.dtype})"
            for name, size in sizes.items()
        ]

    def views(self, flat: str) -> list[str]:
        """The assignments that name each layer's parameters in `flat`, which holds them all."""
        lanes = f", {self.lane.size}" if self.lane else ""
        found = []
        for layer, (weights, biases) in enumerate(self.network.slices, start=1):
            units, inputs = self.network.layers[layer], self.network.layers[layer - 1]
            shape = f"{units}, {inputs}{lanes}"
            found.append(f"W{layer} = {flat}[{weights.start}:{weights.stop}].reshape({shape})")
            found.append(f"B{layer} = {flat}[{biases.start}:{biases.stop}]")
        return found

    def write_row(self, lines: Lines) -> None:
        """Write all equations, stage by stage, in loops over the units of each layer."""
        for stage in STAGES:
            lines(f"# {stage}")
            for group in self.derivation.groups:
                if group[0].stage == stage:
                    self._write_group(group, lines)

    def _spell(self, symbol: Symbol) -> str:
        indices = [i.name if isinstance(i, Index) else str(i) for i in symbol.indices]
        if symbol.family in ("x", "y"):
            return f"{symbol.family.upper()}[row, {indices[0]}]"
        if self.lane:
            indices.append(self.lane.name)
        name = layer_array(symbol) if symbol.indices else symbol.family
        return f"{name}[{', '.join(indices)}]" if indices else name

    def _write_group(self, group: tuple[Equation, ...], lines: Lines) -> None:
        if not group[0].over:
            for equation in group:
                self._write_equation(equation, lines)
            return
        unit = group[0].over[0]
        with lines.block(f"for {unit.name} in range({unit.size}):"):
            for equation in group:
                if len(equation.over) == 1:
                    self._write_equation(equation, lines)
                    continue
                inner = equation.over[1]
                with lines.block(f"for {inner.name} in range({inner.size}):"):
                    self._write_equation(equation, lines)

    def _write_equation(self, equation: Equation, lines: Lines) -> None:
        """One assignment, after the loop that adds up its sum, if it has one."""
        expression = equation.expression
        for inner in [node for node in nodes(expression) if isinstance(node, Sum)]:
            self._write_sum(inner, lines)
            expression = substitute(expression, inner, ACCUMULATOR)
        self._assign(equation.target, expression, lines)

    def _write_sum(self, inner: Sum, lines: Lines) -> None:
        self._assign(ACCUMULATOR, bind(inner.term, {inner.index: 0}), lines)
        if inner.index.size > 1:
            with lines.block(f"for {inner.index.name} in range(1, {inner.index.size}):"):
                self._assign(ACCUMULATOR, ACCUMULATOR + inner.term, lines)

    def _assign(self, target: Symbol, expression: Expression, lines: Lines) -> None:
        text = assignment(target, expression, self.spelling)
        if self.lane is None:
            lines(text)
            return
        with lines.block(f"for {self.lane.name} in range({self.lane.size}):"):
            lines(text)

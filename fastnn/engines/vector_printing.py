"""The equations of one row for vectors of networks: see `fastnn.engines.vectors`.

`LayerByLayer` runs once through the weights of each layer on the way forward and once on the way back: a
unit's delta is carried to the layer before and the unit's weights are updated in the same loop, the one
before the other. So every weight is read twice for a row and written once, which is what takes the time.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from fastnn.derivation import Derivation, Equation
from fastnn.elementary import functions_of
from fastnn.engines.printing import Lines, Spelling, import_line, number_speller, scalar_function
from fastnn.engines.scalar_printing import NUMPY_NAMES, spell_element, write_equation
from fastnn.expressions import Expression, Index, Sum, Symbol, bind, nodes, substitute
from fastnn.network import Network

__all__ = ["ALIGNMENT", "LayerByLayer", "vector_choice", "vector_module"]

ALIGNMENT = 64  # bytes: vectors that lie across two lines of the cache take twice as long
VECTOR_NAMES = ("Vectors", "choose", "power_of_two", "read_again")
WEIGHTED_SUM, DELTA, WEIGHT = Symbol("z"), Symbol("s"), Symbol("w")  # of the unit and weight at hand


def vector_choice(condition: str, yes: str, no: str) -> str:
    """The choice in every lane.

    ReLU's is a maximum, and with `<` for `<=` it is compiled to one operation instead of two: 2-2-1 takes
    0.95 of the time. They differ for -0.0, which no weighted sum is: see the contract of a kernel.
    """
    if condition == f"{no} <= {yes}":
        condition = f"{no} < {yes}"
    return f"choose({condition}, {yes}, {no})"


def vector_module(network: Network, dtype: str, body: str) -> str:
    """The function `body` behind the imports and the functions it needs, so that it runs as it stands."""
    functions = (scalar_function(f, dtype, vector_choice) for f in functions_of(network.activations, dtype))
    text = "\n\n".join([*functions, body])
    sources = {"numpy": NUMPY_NAMES, "fastnn.engines.vectors": VECTOR_NAMES}
    imports = "\n".join(import_line(module, names, text) for module, names in sources.items())
    return f"{imports}\n\n\n{text}"


class LayerByLayer:
    """Vectors for every layer's values: W1[j, i], B1[j], H1[j], S1[j], ...

    S1, S2, ... hold the sums that arrive from the layer after; a unit's delta is made of its sum when it is
    its turn.
    """

    def __init__(self, derivation: Derivation, dtype: str) -> None:
        self.derivation = derivation
        self.network = derivation.network
        self.spelling = Spelling(spell_element, number_speller(dtype), vector_choice)

    def scratch(self) -> dict[str, int]:
        """The vectors beside those of the parameters, and how many each has."""
        *hidden, outputs = self.network.layers[1:]
        sizes = {f"{name}{layer}": units for layer, units in enumerate(hidden, start=1) for name in "HS"}
        return sizes | {"Yhat": outputs, "D": outputs}

    def write_row(self, lines: Lines) -> None:
        """Write all equations: forward layer by layer, the error, and backward layer by layer."""
        layers = range(1, len(self.network.layers))
        for layer in layers:
            lines(f"# forward, layer {layer}")
            self._write_forward(layer, lines)
        lines("# error")
        difference, total = self.derivation.stage("error")
        with _loop(difference.over[0], lines):
            self._assign(difference.target, difference.expression, lines)
        self._assign(total.target, total.expression, lines)
        for layer in reversed(layers):
            lines(f"# backward, layer {layer}")
            self._write_backward(layer, lines)

    def _write_forward(self, layer: int, lines: Lines) -> None:
        weighted, *activation = self._equations("forward", layer)
        with _loop(weighted.over[0], lines):
            self._assign(WEIGHTED_SUM if activation else weighted.target, weighted.expression, lines)
            for equation in activation:
                self._assign(
                    equation.target, substitute(equation.expression, weighted.target, WEIGHTED_SUM), lines
                )

    def _write_backward(self, layer: int, lines: Lines) -> None:
        """The units of a layer, one by one; the first begins the sums that arrive at the layer before."""
        units = Index("j", self.network.layers[layer])
        first = 0
        if layer > 1:
            self._write_unit(layer, 0, lines)
            first = 1
        if first < units.size:
            with _loop(units, lines, first):
                self._write_unit(layer, units, lines)

    def _write_unit(self, layer: int, unit: Index | int, lines: Lines) -> None:
        """A unit's delta, what it carries to the layer before, and its updates."""
        (delta,), (weight, bias) = self._equations("deltas", layer), self._equations("updates", layer)
        here = {delta.over[0]: unit}
        self._assign(DELTA, bind(self._from_what_arrived(delta), here), lines)
        self._assign(
            bind(bias.target, here), bind(substitute(bias.expression, delta.target, DELTA), here), lines
        )
        with _loop(weight.over[1], lines):
            update = substitute(weight.expression, delta.target, DELTA)
            if layer > 1:
                self._assign(WEIGHT, bind(weight.target, here), lines)
                self._carry_back(layer, unit, weight, lines)
                update = substitute(update, weight.target, WEIGHT)
            self._assign(bind(weight.target, here), bind(update, here), lines)

    def _carry_back(self, layer: int, unit: Index | int, weight: Equation, lines: Lines) -> None:
        """Add the unit's term to the sum that arrives at a unit of the layer before, or begin it."""
        (before,) = self._equations("deltas", layer - 1)
        arriving = _sum_of(before)
        here = {arriving.index: unit, before.over[0]: weight.over[1]}
        delta, old = Symbol("s", layer, (unit,)), Symbol("w", layer, (unit, weight.over[1]))
        term = substitute(substitute(bind(arriving.term, here), delta, DELTA), old, WEIGHT)
        arrived = bind(before.target, here)
        self._assign(arrived, term if unit == 0 else arrived + term, lines)

    def _from_what_arrived(self, delta: Equation) -> Expression:
        """A delta from the sum that arrived in its place, and from the activation instead of its argument.

        ReLU's gate is open where its value is above 0, as where its argument is; the other slopes are made
        of the value alone. So the arguments need not be kept.
        """
        expression = delta.expression
        if delta.layer < len(self.network.layers) - 1:
            expression = substitute(expression, _sum_of(delta), delta.target)
        weighted, *activation = self._equations("forward", delta.layer)
        for equation in activation:
            expression = substitute(expression, weighted.target, equation.target)
        return expression

    def _equations(self, stage: str, layer: int) -> list[Equation]:
        return [equation for equation in self.derivation.stage(stage) if equation.layer == layer]

    def _assign(self, target: Expression, expression: Expression, lines: Lines) -> None:
        assert isinstance(target, Symbol)  # noqa: S101 - bind keeps a symbol a symbol
        write_equation(target, expression, self.spelling, lines)


def _loop(index: Index, lines: Lines, first: int = 0) -> AbstractContextManager[None]:
    start = f"{first}, " if first else ""
    return lines.block(f"for {index.name} in range({start}{index.size}):")


def _sum_of(equation: Equation) -> Sum:
    (found,) = (node for node in nodes(equation.expression) if isinstance(node, Sum))
    return found

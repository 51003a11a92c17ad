"""The equations of one row for vectors of networks: see `fastnn.engines.vectors`.

`LayerByLayer` runs once through the weights of each layer on the way forward and once on the way back: a
unit's delta is carried to the layer before and the unit's weights are updated in the same loop, the one
before the other. So every weight is read twice for a row and written once, which is what takes the time;
what is read and written of the layer before is shared by some units.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from fastnn.derivation import Derivation, Equation
from fastnn.elementary import functions_of
from fastnn.engines.printing import Lines, Spelling, import_line, number_speller, scalar_function
from fastnn.engines.scalar_printing import NUMPY_NAMES, spell_element, write_equation
from fastnn.expressions import Expression, Index, Sum, Symbol, bind, nodes, substitute
from fastnn.network import Network

__all__ = ["ALIGNMENT", "LayerByLayer", "vector_choice", "vector_module", "way_back"]

ALIGNMENT = 64  # bytes: vectors that lie across two lines of the cache take twice as long

# Units that share what belongs to the layer before: one by one 10-32-32-1 took 1.1 to 1.2 times as long,
# 8-20-4 1.3 times, and two by two 1.05.
UNITS_TOGETHER = 4

VECTOR_NAMES = ("Vectors", "choose", "power_of_two", "read_again")
WEIGHT, ARRIVED = Symbol("w"), Symbol("arrived")  # of the unit and the input at hand
Units = tuple[Index | int, ...]


def vector_choice(condition: str, yes: str, no: str) -> str:
    """The choice in every lane.

    ReLU's is a maximum, and with `<` for `<=` it is compiled to one operation instead of two: 2-2-1 takes
    0.95 of the time. They differ for -0.0, which no weighted sum is, as no bias is: see the contract.
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


def way_back(derivation: Derivation) -> Iterator[Equation]:
    """The written-out deltas and updates, in an order in which few values wait.

    After a delta come the updates that need no further one and whose parameter no further one needs as it
    was. A delta is made of its unit's activation instead of its argument, as in `LayerByLayer`.
    """
    forward, deltas, waiting = (
        [equation for equation in derivation.scalar if equation.stage == stage]
        for stage in ("forward", "deltas", "updates")
    )
    for position, delta in enumerate(deltas, start=1):
        expression = delta.expression
        for value in (equation.target for equation in forward):
            expression = substitute(expression, Symbol("z", value.layer, value.indices), value)
        yield replace(delta, expression=expression)
        missing = {later.target for later in deltas[position:]}
        needed = {node for later in deltas[position:] for node in nodes(later.expression)}
        ready = [
            update
            for update in waiting
            if update.target not in needed and missing.isdisjoint(nodes(update.expression))
        ]
        yield from ready
        waiting = [update for update in waiting if update not in ready]


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
            for header, units in self._units_together(layer):
                with _block(header, lines):
                    self._write_forward(layer, units, lines)
        lines("# error")
        difference, total = self.derivation.stage("error")
        with _loop(difference.over[0], lines):
            self._assign(difference.target, difference.expression, lines)
        self._assign(total.target, total.expression, lines)
        for layer in reversed(layers):
            lines(f"# backward, layer {layer}")
            for header, units in self._units_together(layer, first_apart=layer > 1):
                with _block(header, lines):
                    self._write_backward(layer, units, lines)

    def _units_together(self, layer: int, first_apart: bool = False) -> Iterator[tuple[str, Units]]:
        """The units of a layer, some at a time, each with the header of the loop over them, or "".

        The first of all stand apart where they begin the sums that arrive at the layer before.
        """
        size, first = self.network.layers[layer], 0
        whole = size - size % UNITS_TOGETHER
        if first_apart or whole == UNITS_TOGETHER:
            first = min(size, UNITS_TOGETHER)
            yield "", tuple(range(first))
        if first < whole:
            following = (f"j + {n}" if n else "j" for n in range(UNITS_TOGETHER))
            header = f"for j in range({first}, {whole}, {UNITS_TOGETHER}):"
            yield header, tuple(Index(name, size) for name in following)
        if max(first, whole) < size:
            yield "", tuple(range(max(first, whole), size))

    def _write_forward(self, layer: int, units: Units, lines: Lines) -> None:
        """The weighted sums of some units, added up in one loop, and what is made of them."""
        weighted, *activation = self._equations("forward", layer)
        adding = _sum_of(weighted)
        inputs, term = adding.index, adding.term
        sums = [(Symbol(f"z{n}"), {weighted.over[0]: unit}) for n, unit in enumerate(units, start=1)]
        for z, here in sums:
            self._assign(z, bind(term, {**here, inputs: 0}), lines)
        if inputs.size > 1:
            with _loop(inputs, lines, 1):
                for z, here in sums:
                    self._assign(z, z + bind(term, here), lines)
        for z, here in sums:
            total = bind(substitute(weighted.expression, adding, z), here)
            self._assign(z if activation else bind(weighted.target, here), total, lines)
            for equation in activation:
                value = substitute(equation.expression, weighted.target, z)
                self._assign(bind(equation.target, here), bind(value, here), lines)

    def _write_backward(self, layer: int, units: Units, lines: Lines) -> None:
        """The deltas of some units; in one loop what they carry to the layer before, and their updates."""
        (delta,), (weight, bias) = self._equations("deltas", layer), self._equations("updates", layer)
        deltas = [(Symbol(f"s{n}"), unit, {delta.over[0]: unit}) for n, unit in enumerate(units, start=1)]
        for s, _, here in deltas:
            self._assign(s, bind(self._from_what_arrived(delta), here), lines)
            update = bind(substitute(bias.expression, delta.target, s), here)
            self._assign(bind(bias.target, here), update, lines)
        with _loop(weight.over[1], lines):
            for s, unit, here in deltas:
                update = substitute(weight.expression, delta.target, s)
                if layer > 1:
                    self._assign(WEIGHT, bind(weight.target, here), lines)
                    place, term = self._arriving(weight, unit, s)
                    so_far = place if unit == units[0] else ARRIVED
                    self._assign(ARRIVED, term if unit == 0 else so_far + term, lines)
                    update = substitute(update, weight.target, WEIGHT)
                self._assign(bind(weight.target, here), bind(update, here), lines)
            if layer > 1:
                self._assign(place, ARRIVED, lines)

    def _arriving(self, weight: Equation, unit: Index | int, s: Symbol) -> tuple[Expression, Expression]:
        """Where the sum lies that arrives at a unit of the layer before, and the term of it from `unit`."""
        layer = weight.layer
        (before,) = self._equations("deltas", layer - 1)
        arriving = _sum_of(before)
        here = {arriving.index: unit, before.over[0]: weight.over[1]}
        delta, old = Symbol("s", layer, (unit,)), Symbol("w", layer, (unit, weight.over[1]))
        term = substitute(substitute(bind(arriving.term, here), delta, s), old, WEIGHT)
        return bind(before.target, here), term

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


def _block(header: str, lines: Lines) -> AbstractContextManager[None]:
    return lines.block(header) if header else nullcontext()


def _loop(index: Index, lines: Lines, first: int = 0) -> AbstractContextManager[None]:
    start = f"{first}, " if first else ""
    return lines.block(f"for {index.name} in range({start}{index.size}):")


def _sum_of(equation: Equation) -> Sum:
    (found,) = (node for node in nodes(equation.expression) if isinstance(node, Sum))
    return found

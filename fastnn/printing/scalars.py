"""The equations of one row as assignments of single numbers, written out or in loops over units.

`Written` has one variable for each value (w1, z2, yhat, s1, ...) and reads like the classroom notebook.
`Looped` has one array for each layer's values (W1[j, i], Z1[j], S1[j], ...). The length of its code does not
depend on the sizes of the layers, so it compiles quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import groupby

from fastnn.core.activations import activation
from fastnn.core.elementary import functions_of
from fastnn.core.equations import UPDATES, Derivation, Equation, Part
from fastnn.core.expressions import Expression, Folded, Index, Symbol, bind, folded, nodes, substitute
from fastnn.core.network import Network
from fastnn.core.rule import COEFFICIENT
from fastnn.core.values import input_value, state_of, target_value
from fastnn.printing.infix import (
    Infix,
    Lines,
    Python,
    assignment,
    import_line,
    layer_array,
    python_function,
    scalar_helpers,
)

__all__ = [
    "Looped",
    "Written",
    "layer_parts",
    "module",
    "spell_element",
    "spell_value",
    "state_parts",
    "write_equation",
]

NUMPY_NAMES = (
    *("arange", "concatenate", "empty", "float32", "float64", "int32", "int64", "isfinite", "nan", "sqrt"),
    "zeros",
)
ACCUMULATOR = Symbol("accumulated")


def module(derivation: Derivation, dtype: str, body: str) -> str:
    """A complete module: imports, the functions that `body` calls, and `body`, which is a function."""
    functions = [python_function(f, dtype) for f in functions_of(derivation.functions, dtype)]
    text = "\n\n".join([*scalar_helpers(dtype, "".join([*functions, body])), *functions, body])
    return f"{import_line('numpy', NUMPY_NAMES, text)}\n\n\n{text}"


def gate_of(derivation: Derivation, equation: Equation) -> Symbol | None:
    """The weighted sum that must be above 0 for an equation to change anything; None if there is none.

    A unit of the first layer whose gate is shut has the delta 0, and its inputs are finite. So the row adds
    0.0 or -0.0 to its parameters, or to what the rows of a batch add up to. That changes no number but -0.0,
    and none of them is -0.0. An optimizer that remembers former changes goes on moving, and
    so do weights with a penalty.
    """
    rule, dies = derivation.rule, activation(derivation.network.activations[0]).dies
    at_rest = not rule.states and not rule.penalties
    gated = "gradient" if rule.batched else "update" if at_rest else None
    if not dies or (equation.kind, equation.layer) != (gated, 1):
        return None
    return Symbol("z", 1, equation.target.indices[:1])


def state_parts(derivation: Derivation) -> Iterator[tuple[int, str, str, slice, slice]]:
    """Each layer's arrays of weights and biases, then of each state of them, with their places in the state.

    (layer, name of the weights' array, name of the biases', where the first lie, where the second).
    """
    network = derivation.network
    for part, letter in enumerate(("", *derivation.rule.states)):
        yield from layer_parts(network, letter, part * network.n_parameters)


def layer_parts(network: Network, letter: str, offset: int) -> Iterator[tuple[int, str, str, slice, slice]]:
    """The same for what is kept of the parameters under one letter, from the place `offset` on."""
    for layer, places in enumerate(network.slices, start=1):
        w, b = (layer_array(state_of(letter, Symbol(family, layer))) for family in "wb")
        weights, biases = (slice(offset + place.start, offset + place.stop) for place in places)
        yield layer, w, b, weights, biases


def spell_element(symbol: Symbol) -> str:
    """A value as an element of its layer's array, or of a row's: W1[j, i], X[row, i], coefficients[row]"""
    indices = ", ".join(i.name if isinstance(i, Index) else str(i) for i in symbol.indices)
    if symbol.family in ("x", "y"):
        return f"{symbol.family.upper()}[row, {indices}]"
    if symbol == COEFFICIENT:
        return "coefficients[row]"
    return f"{layer_array(symbol)}[{indices}]" if indices else symbol.family


def spell_value(symbol: Symbol, temporaries: frozenset[str]) -> str:
    """The same, with a variable for what is used up at once: g."""
    return symbol.family[0] if symbol.family in temporaries else spell_element(symbol)


class Written:
    """One variable for each value: w1, z2, yhat, s1, ..., as the language names it.

    With `branches`, updates that a shut gate makes void are skipped.
    """

    def __init__(self, derivation: Derivation, language: Infix, *, branches: bool = False) -> None:
        self.derivation = derivation
        self.language = language
        self.branches = branches

    def load_row(self, lines: Lines, row: str = "i") -> None:
        """Name the values of a row."""
        network = self.derivation.network
        for value, array, size in (
            (input_value, "X", network.n_inputs),
            (target_value, "Y", network.n_outputs),
        ):
            for position in range(size):
                lines(f"{self.language.symbol(value(position))} = {array}[{row}, {position}]")
        if self.derivation.rule.weighted:
            lines(f"{self.language.symbol(COEFFICIENT)} = coefficients[{row}]")

    def write_part(self, when: Part, lines: Lines) -> None:
        """Write the equations of a part of a batch, stage by stage."""
        if when == "row":
            self.load_row(lines)
        for stage in self.derivation.part(when):
            lines(f"# {stage}")
            self.write(lines, (e for e in self.derivation.scalar if e.stage == stage))
        if when == "begin":
            lines(*(f"{name} = {self.language.zero()}" for name in self.gradients))

    @property
    def gradients(self) -> list[str]:
        """The names of what the rows of a batch add up to."""
        return [self.derivation.name(e.target) for e in self.derivation.scalar if e.kind == "gradient"]

    def write(self, lines: Lines, equations: Iterable[Equation]) -> None:
        """Write some equations."""
        for gate, gated in groupby(equations, key=self._gate):
            with _if_open(gate, self.language, lines):
                for equation in gated:
                    lines(assignment(equation.target, equation.expression, self.language))

    def _gate(self, equation: Equation) -> Symbol | None:
        return gate_of(self.derivation, equation) if self.branches else None


def _if_open(gate: Symbol | None, language: Infix, lines: Lines) -> AbstractContextManager[None]:
    if gate is None:
        return nullcontext()
    return lines.block(f"if {language.symbol(gate)} > {language.number(0.0)}:")


class Looped:
    """One array for each layer's values: W1[j, i], Z1[j], S1[j], ...

    Updates that a shut gate makes void are skipped.
    """

    def __init__(self, derivation: Derivation, dtype: str) -> None:
        self.derivation = derivation
        self.network = derivation.network
        self.dtype = dtype
        self.language = Python(partial(spell_value, temporaries=derivation.temporaries), dtype)

    def scratch(self) -> list[str]:
        """The lines that allocate the arrays, except the parameters'."""
        sizes = {
            layer_array(e.target): tuple(index.size for index in e.over)
            for e in self.derivation
            if e.over and e.stage != UPDATES
        }
        return [
            f"{name} = empty({size[0] if len(size) == 1 else size}, {self.dtype})"
            for name, size in sizes.items()
        ]

    def views(self, flat: str) -> list[str]:
        """The lines that name each layer's parameters and states in `flat`, which holds a network's state."""
        found = []
        for layer, w, b, weights, biases in state_parts(self.derivation):
            units, inputs = self.network.layers[layer], self.network.layers[layer - 1]
            found.append(f"{w} = {flat}[{weights.start}:{weights.stop}].reshape({units}, {inputs})")
            found.append(f"{b} = {flat}[{biases.start}:{biases.stop}]")
        return found

    def write_part(self, when: Part, lines: Lines) -> None:
        """Write the equations of a part of a batch, stage by stage, in loops over the units of each layer."""
        for stage in self.derivation.part(when):
            lines(f"# {stage}")
            for group in self.derivation.groups:
                if group[0].stage == stage:
                    self._write_group(group, lines)
        if when == "begin":
            gradients = (layer_array(e.target) for e in self.derivation.of("gradient"))
            lines(*(f"{name}[:] = {self.language.number(0.0)}" for name in gradients))

    def _write_group(self, group: tuple[Equation, ...], lines: Lines) -> None:
        if not group[0].over:
            for equation in group:
                self._write_equation(equation, lines)
            return
        unit = group[0].over[0]
        gate = gate_of(self.derivation, group[0])
        with (
            lines.block(f"for {unit.name} in range({unit.size}):"),
            _if_open(gate, self.language, lines),
        ):
            for over, equations in groupby(group, key=lambda e: e.over):
                with (
                    lines.block(f"for {over[1].name} in range({over[1].size}):")
                    if over[1:]
                    else nullcontext()
                ):
                    for equation in equations:
                        self._write_equation(equation, lines)

    def _write_equation(self, equation: Equation, lines: Lines) -> None:
        write_equation(equation.target, equation.expression, self.language, lines)


def write_equation(
    target: Symbol,
    expression: Expression,
    language: Infix,
    lines: Lines,
    size: Callable[[int], str] = str,
) -> None:
    """One assignment. If the expression has a sum, or a largest, a loop works it out first.

    `size` tells the size of a layer as the source has it.
    """
    for inner in dict.fromkeys(node for node in nodes(expression) if isinstance(node, Folded)):
        _write_folded(inner, language, lines, size)
        expression = substitute(expression, inner, ACCUMULATOR)
    lines(assignment(target, expression, language))


def _write_folded(inner: Folded, language: Infix, lines: Lines, size: Callable[[int], str]) -> None:
    lines(assignment(ACCUMULATOR, bind(inner.term, {inner.index: 0}), language))
    if inner.index.size > 1:
        with lines.block(f"for {inner.index.name} in range(1, {size(inner.index.size)}):"):
            lines(assignment(ACCUMULATOR, folded(inner, ACCUMULATOR, inner.term), language))

"""The equations of a batch for vectors of networks, several rows at once: see `fastnn.engines.simd`.

The rows of a batch share one read of each weight, and one read and one write of what they add up to. They
are added one after the other, so no bit depends on how many rows are worked on at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from fastnn.core.network import Network
from fastnn.core.rule import COEFFICIENT, Rule
from fastnn.core.values import TOTAL, activation_of
from fastnn.printing.infix import Lines, assignment, layer_array
from fastnn.printing.layer_by_layer import InLoops
from fastnn.printing.scalars import Written, spell_element, write_equation
from fastnn.printing.vectors import PythonOfVectors, from_values, way_back

__all__ = ["SUM", "Place", "PythonOfBlocks", "PythonOfFirstRow", "RowsTogether", "rows_views", "write_rows"]

Place = dict[Index, Index | int]

SUM, Z, H, S = Symbol("g"), Symbol("z"), Symbol("h"), Symbol("s")
OF_A_ROW = ("yhat", "d", "e", "z", "h", "s")  # the values that have a vector for each row of a block


def write_rows(
    derivation: Derivation, dtype: str, name: Callable[[Symbol], str], together: int, lines: Lines
) -> None:
    """Write what the rows of a batch do, from `start` up to `stop`, with one variable for each value.

    `together` rows are written side by side, since each waits for its own results; `name` names what they
    share, and what a row has of its own is numbered: z1_1, z1_2, ...
    """
    kinds = ("sum", "activation", "softmax", "error", "share", "delta")
    own = {COEFFICIENT, *(e.target for e in derivation.scalar if e.kind in kinds)}

    def of_row(number: int) -> Written:
        def named(symbol: Symbol) -> str:
            is_own = symbol in own or symbol.family in ("x", "y")
            return f"{derivation.name(symbol)}_{number + 1}" if is_own else name(symbol)

        return Written(derivation, PythonOfVectors(named, dtype))

    def write_block(rows: int) -> None:
        block = [of_row(number) for number in range(rows)]
        for number, row in enumerate(block):
            row.load_row(lines, f"i + {number}" if number else "i")
        lines(f"# {FORWARD} and {ERROR}")
        for equation in derivation.scalar:
            if equation.stage in (FORWARD, ERROR):
                for row in block:
                    row.write(lines, [equation])
        if derivation.rule.measuring:
            return
        lines(f"# {DELTAS} and {GRADIENTS}")
        for row in block:
            row.write(lines, way_back(derivation))

    lines(f"whole = stop - (stop - start) % {together}")
    with lines.block(f"for i in range(start, whole, {together}):"):
        write_block(together)
    with lines.block("for i in range(whole, stop):"):
        write_block(1)


def rows_views(rule: Rule, rows: int, registers: int, lanes: int) -> dict[str, str]:
    """The views of what kernels are given for each row, by name: of as many rows as a block has."""
    arrays = ("X", "Y", *["coefficients"] * rule.weighted)
    return {f"{array}_rows": f"Rows({array}, {rows}, {registers}, {lanes})" for array in arrays}


class PythonOfBlocks(PythonOfVectors):
    """The language of a block of rows: to what they share, they add one after the other."""

    def addition(self, target: Symbol, value: Expression) -> str:
        if target not in (SUM, TOTAL):
            return super().addition(target, value)
        name = self.symbol(target)
        if isinstance(value, Binary) and value.operator == "*":
            return f"{name} = plus_products({name}, {self(value.left)}, {self(value.right)})"
        return f"{name} = plus_rows({name}, {self(value)})"


class PythonOfFirstRow(PythonOfVectors):
    """The language of one row; functions are called for a block of `rows` like it."""

    def __init__(self, symbol: Callable[[Symbol], str], dtype: str, rows: int) -> None:
        super().__init__(symbol, dtype)
        self.rows = rows

    def visit_call(self, node: Call, outer: int) -> str:
        """A function of a block, of which the first row is taken."""
        return f"first_row({node.function}(every_row({self(node.argument)}, {self.rows})))"


class RowsTogether(InLoops):
    """Vectors W1[j, i], B1[j], Gw1[j, i], ... of every layer, and blocks H1[j], S2[j], ... of what rows have.

    State[0, p], State[1, p], ... and G[p] are the same parameters, states and gradients, all layers in one.
    `together` rows of a batch are a block: H1[j] are the activations of all of them, X_rows[row, i] their
    inputs. Those left over at its end are worked on one by one, each as the first of a block: H1[j, 0].
    """

    def __init__(self, derivation: Derivation, dtype: str, together: int) -> None:
        super().__init__(derivation, dtype)
        self.together, self.measuring = together, derivation.rule.measuring
        self.last = len(self.network.layers) - 1
        self.flat = self._language(partial(_spell_flat, letters=("", *derivation.rule.states)))
        spell = partial(_spell, network=self.network)
        self.block = self._language(partial(spell, in_block=True), PythonOfBlocks)
        self.one = self._language(partial(spell, in_block=False))

    def scratch(self) -> dict[str, int]:
        """The blocks besides the state and what the rows add up to: how many, by name."""
        units = self.network.layers
        sizes = {f"H{layer}": units[layer] for layer in range(1, self.last)}
        if not self.measuring:
            sizes |= {f"S{layer}": units[layer] for layer in range(2, self.last + 1)}
        softmax = ("E",) if self.derivation.of("softmax") else ()
        sizes |= dict.fromkeys(("Yhat", "D", *softmax), self.network.n_outputs)
        sizes |= {f"Z{n}": units[n] for n in range(1, self.last + 1) if self.derivation.keeps_sums(n)}
        return {name: size for name, size in sizes.items() if size > 1}

    def write_batch(self, lines: Lines) -> None:
        """Write all that the rows of a batch do, from `start` up to `stop`."""
        if not self.measuring:
            lines(f"# {BEGIN}")
            for equation in self.derivation.of("factor"):
                lines(assignment(equation.target, equation.expression, self.flat))
            self._write_zeros(lines)
        lines(f"end_of_blocks = stop - (stop - start) % {self.together}")
        with lines.block(f"for row in range(start, end_of_blocks, {self.together}):"):
            self._write_rows(self.block, lines)
        with lines.block("for row in range(end_of_blocks, stop):"):
            self._write_rows(self.one, lines)
        if not self.measuring:
            self._write_updates(lines)

    def _write_zeros(self, lines: Lines) -> None:
        """Write what gradients are before the first row."""
        _, parameters = self._numbers()
        with lines.block(f"for p in range({parameters}):"):
            lines(f"G[p] = {self.flat.zero()}")

    def _write_rows(self, language: PythonOfVectors, lines: Lines) -> None:
        """Write all that a block of rows does, or one row: forward layer by layer, and back."""
        for layer in self._in_turn(range(1, self.last + 1), lines):
            lines(f"# {FORWARD}, layer {layer}")
            with self._every_unit(layer, lines) as here:
                self._write_weighted(layer, here, language, lines)
                self._write_activation(layer, here, language, lines)
        lines(f"# {ERROR}")
        self._write_errors(language, lines)
        if not self.measuring:
            self._write_way_back(language, lines)

    def _write_way_back(self, language: PythonOfVectors, lines: Lines) -> None:
        """Write the deltas of some rows, and what they add to gradients."""
        lines(f"# {DELTAS} and {GRADIENTS}, layer {self.last}")
        with self._every_unit(self.last, lines) as here:
            self._write_delta(self.last, here, language, lines)
            self._write_arriving(self.last, here, language, lines)
        for layer in self._in_turn(range(self.last - 1, 0, -1), lines):
            lines(f"# {DELTAS} and {GRADIENTS}, layer {layer}")
            with self._every_unit(layer, lines) as here:
                self._write_hidden(layer, here, language, lines)

    def _write_hidden(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        """Write what the way back does with a hidden unit and its weights."""
        self._write_leaving(layer, here, language, lines)
        self._write_delta(layer, here, language, lines)
        self._write_arriving(layer, here, language, lines)

    def _write_weighted(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        """What the weights of a unit make of its inputs."""
        for total in self._sums(layer):
            for i in self._positions(total.index, lines):
                term = bind(total.term, {**here, total.index: i})
                self._assign(Z, term if i == 0 else Z + term, language, lines)

    def _write_activation(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        """The rest of a unit's weighted sum, and its activation."""
        weighted, activation, sums = self._only("sum", layer), self._activation(layer), self._sums(layer)
        value = substitute(weighted.expression, sums[0], Z) if sums else weighted.expression
        value = bind(value, here)
        if activation is not None:
            self._assign(Z, value, language, lines)
            if self.derivation.keeps_sums(layer):
                self._assign(bind(weighted.target, here), Z, language, lines)
            value = bind(substitute(activation.expression, weighted.target, Z), here)
        self._assign(bind((activation or weighted).target, here), value, language, lines)

    def _write_errors(self, language: PythonOfVectors, lines: Lines) -> None:
        """What depends on all outputs, their errors, what each row adds to the total, and its share."""
        for equation in self.derivation.of("softmax", "error", "loss", "share"):
            place: Place = {}
            with self._every(equation.over, place, lines):
                if equation.over:
                    value = bind(equation.expression, place)
                    self._assign(bind(equation.target, place), value, language, lines)
                else:
                    write_equation(equation.target, equation.expression, language, lines, self._size)

    def _write_delta(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        """The delta of a unit, computed from h where z need not be kept."""
        delta = self._only("delta", layer)
        expression = from_values(self.derivation, delta).expression
        arriving = next((node for node in nodes(expression) if isinstance(node, Sum)), None)
        if arriving is not None:
            for k in self._positions(arriving.index, lines):
                term = bind(arriving.term, {**here, arriving.index: k})
                self._assign(S, term if k == 0 else S + term, language, lines)
            expression = substitute(expression, arriving, S)
        if expression != S:
            self._assign(S, bind(expression, here), language, lines)
        if layer > 1:
            self._assign(bind(delta.target, here), S, language, lines)

    def _write_arriving(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        """What a unit's delta adds to its bias, and to the weights that lead to it from the inputs."""
        equation = self._gradient(layer, of_weights=False)
        self._add_up(equation, here, {_delta_of(equation): S}, language, lines)
        if layer == 1 and self.network.n_inputs:
            self._write_from_inputs(here, language, lines)

    def _write_from_inputs(self, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        """What the delta of a unit in the first layer adds to its weights."""
        equation, place = self._gradient(1, of_weights=True), dict(here)
        with self._every(equation.over[1:], place, lines):
            self._add_up(equation, place, {_delta_of(equation): S}, language, lines)

    def _write_leaving(self, layer: int, here: Place, language: PythonOfVectors, lines: Lines) -> None:
        """What the deltas of the layer after it add to the weights that lead there from a unit.

        The unit's activation is read once for all of them. Measured: 3-5-4-2 x0.93, 10-32-32-1 x0.89.
        """
        equation, (own,) = self._gradient(layer + 1, of_weights=True), here.values()
        after, source = equation.over
        k, value = Index("k", after.size), activation_of(self.network, layer, source)
        variables: dict[Symbol, Symbol] = {}
        if self.network.layers[layer] > 1:  # or it has a variable
            self._assign(H, bind(value, {source: own}), language, lines)
            variables[value] = H
        place: Place = {}
        with self._every((k,), place, lines):
            self._add_up(equation, {after: place[k], source: own}, variables, language, lines)

    def _gradient(self, layer: int, *, of_weights: bool) -> Equation:
        """What a row adds to the gradients of a layer's weights, or of its biases."""
        gradients = self.derivation.of("gradient", layer=layer)
        (equation,) = (each for each in gradients if bool(each.over[1:]) == of_weights)
        return equation

    def _add_up(
        self,
        equation: Equation,
        place: Place,
        variables: dict[Symbol, Symbol],
        language: PythonOfVectors,
        lines: Lines,
    ) -> None:
        """A gradient, and what rows add to it, one after the other; some values have variables."""
        self._assign(SUM, bind(equation.target, place), language, lines)
        self._assign(SUM, self._added(equation, place, variables), language, lines)
        self._assign(bind(equation.target, place), SUM, language, lines)

    def _added(self, equation: Equation, place: Place, variables: dict[Symbol, Symbol]) -> Expression:
        """A gradient that has a variable, with what rows add to it."""
        value = substitute(equation.expression, equation.target, SUM)
        for symbol, variable in variables.items():
            value = substitute(value, symbol, variable)
        return bind(value, place)

    def _write_updates(self, lines: Lines) -> None:
        """The end of a batch: one loop over all parameters, or two, if weights are updated unlike biases."""
        lines(f"# {UPDATES}")
        if self.derivation.rule.clipped:
            self._write_over_parameters(lines, "penalty", "norm")
            for equation in self.derivation.of("norm"):
                if not equation.over:
                    lines(assignment(equation.target, equation.expression, self.flat))
            self._write_over_parameters(lines, "limit", "state", "update")
        else:
            self._write_over_parameters(lines, "penalty", "state", "update")

    def _write_over_parameters(self, lines: Lines, *kinds: Kind) -> None:
        weights, parameters = self._numbers()
        of_all = self.derivation.of(*kinds, layer=self.last)
        of_weights, of_biases = (
            [assignment(e.target, e.expression, self.flat) for e in of_all if len(e.over) == indices]
            for indices in (2, 1)
        )
        loops = [("0", weights, of_weights), (weights, parameters, of_biases)]
        if of_weights == of_biases:  # kernels for all sizes are compiled in x0.95
            loops = [("0", parameters, of_biases)]
        for first, stop, body in loops:
            if body:  # a network without inputs may have no weights
                with lines.block(f"for p in range({first}, {stop}):"):
                    lines(*body)

    def _numbers(self) -> tuple[str, str]:
        """The numbers of weights and of parameters as the source has them."""
        return str(self.network.n_weights), str(self.network.n_parameters)

    @contextmanager
    def _every_unit(self, layer: int, lines: Lines) -> Iterator[Place]:
        """The loop over the units of a layer, and the place of each."""
        here: Place = {}
        with self._every((Index("j", self.network.layers[layer]),), here, lines):
            yield here

    @contextmanager
    def _every(self, over: tuple[Index, ...], place: Place, lines: Lines) -> Iterator[None]:
        """The loop over an index, if there is one, and its value in `place`; without a loop for one value."""
        (index,) = over or (None,)
        if index is None:
            yield
        elif index.size == 1:
            place[index] = 0
            yield
        else:
            place[index] = index
            with lines.block(f"for {index.name} in range({self._size(index.size)}):"):
                yield


def _delta_of(gradient: Equation) -> Symbol:
    """The delta in an equation of a gradient: that of the unit to which the weight leads."""
    unit, *_ = gradient.target.indices
    return Symbol("s", gradient.layer, (unit,))


def _spell(symbol: Symbol, network: Network, *, in_block: bool) -> str:
    """A value as an element of its layer's vectors; of what rows have, a block, or the first row of one.

    What the only unit of a layer has is a variable. Measured: 4-16-1 x0.97.
    """
    text = spell_element(symbol)
    if symbol.family in ("x", "y") or symbol == COEFFICIENT:
        return text.replace("[row", "_rows[row") if in_block else text
    if not symbol.indices or symbol.family not in OF_A_ROW:
        return text
    if network.layers[symbol.layer or -1] == 1:  # errors have no layer: they are the outputs'
        return layer_array(symbol).lower()
    return text if in_block else text.replace("]", ", 0]")


def _spell_flat(symbol: Symbol, letters: Sequence[str]) -> str:
    """A parameter, a state of it, or what the rows of a batch add up to, as vector p of all of them."""
    if not symbol.indices:
        return symbol.family
    letter = symbol.family[:-1]
    return "G[p]" if letter == "g" else f"State[{letters.index(letter)}, p]"

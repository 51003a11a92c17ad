"""The equations of a batch for vectors of networks, several rows at once: see `fastnn.engines.simd`.

The rows of a batch share one read of each weight, and one read and one write of what they add up to. They
are added one after the other, so no bit depends on how many rows are worked on at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

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
from fastnn.core.expressions import Call, Index, Sum, Symbol, bind, nodes, substitute
from fastnn.core.network import Network
from fastnn.core.rule import COEFFICIENT, SHARE
from fastnn.core.values import INVERSE, LOG_WHOLE, TOP, WHOLE
from fastnn.printing.infix import Lines, assignment, layer_array
from fastnn.printing.layer_by_layer import InLoops
from fastnn.printing.scalars import Written, spell_element, write_equation
from fastnn.printing.softmax import in_turns
from fastnn.printing.vectors import PythonOfVectors, from_values, way_back

__all__ = ["RowsTogether", "write_rows"]

Place = dict[Index, Index | int]

SUM = Symbol("g")
OF_A_ROW = ("yhat", "d", "e", "z", "h", "s")  # the values that have a vector for each row of a block
ONE_OF_A_ROW = (TOP, WHOLE, INVERSE, LOG_WHOLE, SHARE)


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


class _Row(NamedTuple):
    """A row being worked on: how its values are spelled, and the variables for its sum and its delta."""

    language: PythonOfVectors
    z: Symbol
    s: Symbol


class RowsTogether(InLoops):
    """Vectors for every layer's values: W1[j, i], B1[j], Gw1[j, i], H1[row of the block, j], S2[..., j], ...

    State[0, p], State[1, p], ... and G[p] are the same parameters, states and gradients, all layers in one.
    `together` rows of a batch are a block; those left over at its end are worked on one by one. Functions
    work on several values of a block at once: A1[0], A1[1], ... are the same vectors as all of H1, `together`
    of them in each. `joined` names the vectors that have such a second name.
    """

    def __init__(self, derivation: Derivation, dtype: str, together: int) -> None:
        super().__init__(derivation, dtype)
        self.together, self.measuring = together, derivation.rule.measuring
        self.last = len(self.network.layers) - 1
        self.flat = self._language(partial(_spell_flat, letters=("", *derivation.rule.states)))
        self.of_block = self._language(spell_element)
        self.joined = {
            f"H{layer}": f"A{layer}"
            for layer in range(1, self.last)
            if self.network.layers[layer] > 1 and self._has_function(layer)
        }

    def scratch(self) -> dict[str, tuple[int, int]]:
        """The vectors besides the state and what the rows add up to: (rows, vectors in a row) by name."""
        units = self.network.layers
        sizes = {f"H{layer}": units[layer] for layer in range(1, self.last)}
        if not self.measuring:
            sizes |= {f"S{layer}": units[layer] for layer in range(2, self.last + 1)}
        softmax = ("E",) if self.derivation.of("softmax") else ()
        sizes |= dict.fromkeys(("Yhat", "D", *softmax), self.network.n_outputs)
        sizes |= {f"Z{n}": units[n] for n in range(1, self.last + 1) if self.derivation.keeps_sums(n)}
        return {name: (self.together, size) for name, size in sizes.items() if size > 1}

    def write_batch(self, lines: Lines) -> None:
        """Write all that the rows of a batch do, from `start` up to `stop`."""
        if not self.measuring:
            lines(f"# {BEGIN}")
            for equation in self.derivation.of("factor"):
                lines(assignment(equation.target, equation.expression, self.flat))
            _, parameters = self._numbers()
            with lines.block(f"for p in range({parameters}):"):
                lines(f"G[p] = {self.flat.zero()}")
        lines(f"whole = stop - (stop - start) % {self.together}")
        with lines.block(f"for row in range(start, whole, {self.together}):"):
            self._write_block(self.together, lines)
        with lines.block("for row in range(whole, stop):"):
            self._write_block(1, lines)
        if not self.measuring:
            self._write_updates(lines)

    def _write_block(self, rows: int, lines: Lines) -> None:
        """Write all that some rows do: forward layer by layer, and back."""
        block = [self._row(number) for number in range(rows)]
        for layer in self._in_turn(range(1, self.last + 1), lines):
            lines(f"# {FORWARD}, layer {layer}")
            with self._every_unit(layer, lines) as here:
                self._write_forward(layer, here, block, lines)
            if self._is_joined(layer, block):
                self._write_function(layer, lines)
        if self.measuring:
            lines(f"# {ERROR}")
            self._write_errors(block, lines)
            return
        lines(f"# {ERROR}, {DELTAS} and {GRADIENTS}, layer {self.last}")
        self._write_errors(block, lines)
        with self._every_unit(self.last, lines) as here:
            self._write_delta(self.last, here, block, lines)
            self._write_gradients(self.last, here, block, lines)
        for layer in self._in_turn(range(self.last - 1, 0, -1), lines):
            lines(f"# {DELTAS} and {GRADIENTS}, layer {layer}")
            with self._every_unit(layer, lines) as here:
                self._write_delta(layer, here, block, lines)
                self._write_leaving(layer, here, block, lines)
                self._write_gradients(layer, here, block, lines)

    def _write_forward(self, layer: int, here: Place, block: list[_Row], lines: Lines) -> None:
        """The weighted sums of a unit and its activations."""
        weighted, activation = self._only("sum", layer), self._activation(layer)
        keeps, joined = self.derivation.keeps_sums(layer), self._is_joined(layer, block)
        sums = [node for node in nodes(weighted.expression) if isinstance(node, Sum)]  # none without inputs
        for total in sums:
            for i in self._positions(total.index, lines):
                term = bind(total.term, {**here, total.index: i})
                for row in block:
                    self._assign(row.z, term if i == 0 else row.z + term, row.language, lines)
        for row in block:
            value = substitute(weighted.expression, sums[0], row.z) if sums else weighted.expression
            value = bind(value, here)
            if activation is not None and (keeps or not joined):
                self._assign(row.z, value, row.language, lines)
                value = row.z
            if keeps and activation is not None:
                self._assign(bind(weighted.target, here), row.z, row.language, lines)
            if activation is not None and not joined:
                value = bind(substitute(activation.expression, weighted.target, row.z), here)
            self._assign(bind((activation or weighted).target, here), value, row.language, lines)

    def _is_joined(self, layer: int, block: list[_Row]) -> bool:
        """Whether a function computes the activations of a layer after all its weighted sums."""
        return len(block) > 1 and f"H{layer}" in self.joined

    def _write_function(self, layer: int, lines: Lines) -> None:
        """Replace all of a layer's weighted sums by its activations: as many joined vectors as units.

        A function waits for its own results, so several values take turns.
        """
        activation, here = self._activation(layer), Symbol("a", layer, (Index("j", 0),))
        assert activation is not None  # noqa: S101 - it has a function
        with lines.block(f"for j in range({self._size(self.network.layers[layer])}):"):
            value = substitute(activation.expression, self._only("sum", layer).target, here)
            lines(assignment(here, value, self.of_block))

    def _write_errors(self, block: list[_Row], lines: Lines) -> None:
        """What depends on all outputs, their errors, what each row adds to the total, and its share.

        Functions of softmax work on all rows of the block at once. Measured with 32 registers: 4-5-3 x0.78,
        4-16-3 x0.88.
        """
        for equation in self.derivation.of("softmax", "error", "loss", "share"):
            place: Place = {}
            with self._every(equation.over, place, lines):
                if isinstance(equation.expression, Call):
                    targets = [row.language(bind(equation.target, place)) for row in block]
                    argument = bind(equation.expression.argument, place)
                    arguments = [row.language(argument) for row in block]
                    lines(in_turns(targets, equation.expression.function, arguments))
                    continue
                for row in block:
                    if equation.over:
                        value = bind(equation.expression, place)
                        self._assign(bind(equation.target, place), value, row.language, lines)
                    else:
                        write_equation(equation.target, equation.expression, row.language, lines, self._size)

    def _write_delta(self, layer: int, here: Place, block: list[_Row], lines: Lines) -> None:
        """The deltas of a unit, computed from h where z need not be kept."""
        delta = self._only("delta", layer)
        expression = from_values(self.derivation, delta).expression
        arriving = next((node for node in nodes(expression) if isinstance(node, Sum)), None)
        if arriving is not None:
            for k in self._positions(arriving.index, lines):
                term = bind(arriving.term, {**here, arriving.index: k})
                for row in block:
                    self._assign(row.s, term if k == 0 else row.s + term, row.language, lines)
        for row in block:
            value = substitute(expression, arriving, row.s) if arriving is not None else expression
            if value != row.s:
                self._assign(row.s, bind(value, here), row.language, lines)
            if layer > 1:
                self._assign(bind(delta.target, here), row.s, row.language, lines)

    def _write_gradients(self, layer: int, here: Place, block: list[_Row], lines: Lines) -> None:
        """What a unit's deltas add to its bias, and to the weights that lead to it from the inputs."""
        delta = Symbol("s", layer, (Index("j", self.network.layers[layer]),))
        for equation in self.derivation.of("gradient", layer=layer):
            inner = equation.over[1:]
            if layer == 1 or not inner:
                place = dict(here)
                with self._every(inner, place, lines):
                    self._add_up(equation, place, [(row, row.s) for row in block], delta, lines)

    def _write_leaving(self, layer: int, here: Place, block: list[_Row], lines: Lines) -> None:
        """What the deltas of the layer after it add to the weights that lead there from a unit."""
        (equation,) = (e for e in self.derivation.of("gradient", layer=layer + 1) if e.over[1:])
        (own,), (after, source) = here.values(), equation.over
        k = Index("k", after.size)
        place: Place = {}
        with self._every((k,), place, lines):
            place = {after: place[k], source: own}
            delta = Symbol("s", layer + 1, (after,))
            self._add_up(equation, place, [(row, delta) for row in block], delta, lines)

    def _add_up(
        self, equation: Equation, place: Place, rows: list[tuple[_Row, Symbol]], delta: Symbol, lines: Lines
    ) -> None:
        """A gradient, and what some rows add to it, one after the other; each has its own delta."""
        first, _ = rows[0]
        self._assign(SUM, bind(equation.target, place), first.language, lines)
        for row, own in rows:
            value = substitute(substitute(equation.expression, equation.target, SUM), delta, own)
            self._assign(SUM, bind(value, place), row.language, lines)
        self._assign(bind(equation.target, place), SUM, first.language, lines)

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

    def _row(self, number: int) -> _Row:
        row = f"row + {number}" if number else "row"
        language = self._language(partial(_spell, network=self.network, row=row, number=number))
        return _Row(language, Symbol(f"z{number + 1}"), Symbol(f"s{number + 1}"))

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

    def _has_function(self, layer: int) -> bool:
        """Whether a function computes the activations of a layer."""
        activation = self._activation(layer)
        return activation is not None and any(isinstance(n, Call) for n in nodes(activation.expression))


def _spell(symbol: Symbol, network: Network, *, row: str, number: int) -> str:
    """A value as an element of its layer's vectors; what every row has of its own, as that of one row.

    What the only unit of a layer has is a variable. Measured: 4-16-1 x0.97.
    """
    text = spell_element(symbol)
    if symbol.family in ("x", "y"):
        return text.replace("[row, ", f"[{row}, ")
    if symbol == COEFFICIENT:
        return text.replace("[row]", f"[{row}]")
    if symbol in ONE_OF_A_ROW:
        return f"{text}_{number + 1}"
    if not symbol.indices or symbol.family not in OF_A_ROW:
        return text
    name = layer_array(symbol)
    if network.layers[symbol.layer or -1] == 1:  # errors have no layer: they are the outputs'
        return f"{name.lower()}_{number + 1}"
    return text.replace("[", f"[{number}, ")


def _spell_flat(symbol: Symbol, letters: Sequence[str]) -> str:
    """A parameter, a state of it, or what the rows of a batch add up to, as vector p of all of them."""
    if not symbol.indices:
        return symbol.family
    letter = symbol.family[:-1]
    return "G[p]" if letter == "g" else f"State[{letters.index(letter)}, p]"

"""The equations of one row for vectors of networks, in loops over the units of each layer.

For each row `LayerByLayer` runs twice through the weights of a layer: once to carry deltas to the layer
before, and once to update each weight and to use it at once for the following row. So each weight is written
once for a row and read twice (in the first layer once), and all sums are added up in registers. The other
way, with the deltas carried back in the loop that updates, and a forward pass of its own, is slower.
Measured: 4-16-1, 2-20-1 and 8-30-1 x1.2 to x1.3; two hidden layers x1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from fastnn.core.equations import BEGIN, DELTAS, ERROR, FORWARD, UPDATES, Derivation, Equation, Kind
from fastnn.core.expressions import Call, Expression, Index, Sum, Symbol, bind, nodes, substitute
from fastnn.printing.infix import Infix, Lines, assignment
from fastnn.printing.scalars import ACCUMULATOR, spell_value, write_equation
from fastnn.printing.softmax import few_outputs, lost_last, write_softmax
from fastnn.printing.vectors import PythonOfVectors, from_values

__all__ = ["InLoops", "LayerByLayer", "Unit", "from_j_on", "units_at"]


class Unit(NamedTuple):
    """A unit being worked on: its place, and the variables for its weighted sum and its delta."""

    here: dict[Index, Index | int]
    z: Symbol
    s: Symbol


class InLoops:
    """What the forms in loops over the units of layers share."""

    def __init__(self, derivation: Derivation, dtype: str) -> None:
        self.derivation = derivation
        self.network = derivation.network
        self.dtype = dtype

    def _only(self, kind: Kind, layer: int) -> Equation:
        """The equation of a kind of which every layer has one."""
        (equation,) = self.derivation.of(kind, layer=layer)
        return equation

    def _activation(self, layer: int) -> Equation | None:
        """The equation of a layer's activation; None where that is the weighted sum itself."""
        return next(iter(self.derivation.of("activation", layer=layer)), None)

    def _sums(self, layer: int) -> list[Sum]:
        """The sum over the inputs of a layer; none without inputs."""
        return [node for node in nodes(self._only("sum", layer).expression) if isinstance(node, Sum)]

    def _assign(self, target: Expression, value: Expression, language: Infix, lines: Lines) -> None:
        assert isinstance(target, Symbol)  # noqa: S101 - bind keeps a symbol a symbol
        lines(assignment(target, value, language))

    def _size(self, number: int) -> str:
        """The size of a layer as the source has it."""
        return str(number)

    def _language(
        self, spell: Callable[[Symbol], str], language: type[PythonOfVectors] = PythonOfVectors
    ) -> PythonOfVectors:
        """The language in which symbols are spelled so."""
        return language(spell, self.dtype)

    def _in_turn(self, layers: range, lines: Lines) -> Iterator[int]:
        """Some layers, one after the other, forward or back."""
        yield from layers

    def _positions(self, index: Index, lines: Lines) -> Iterator[Index | int]:
        """The first position of a sum, then all others inside a loop."""
        yield 0
        if index.size > 1:
            with lines.block(f"for {index.name} in range(1, {self._size(index.size)}):"):
                yield index


class LayerByLayer(InLoops):
    """Vectors for every layer's values: W1[j, i], B1[j], H1[now, j], S2[j], ...

    H1[now] holds the activations of the row, H1[then] the activations of the following row. Z1 holds the
    weighted sums likewise, in a layer whose deltas need them.
    `units_together` units share each value that is read from another layer, and take turns. Functions work
    on as many values at once: A1[now, j] is a vector of `units_together` activations of H1[now]. `joined`
    names the vectors that have such a second name. Softmax works out `exponentials` at once. `updates_back`:
    weights behind the first layer are updated in the loop that carries deltas back, not in that of the
    following row's forward pass. Then nothing of the row is needed any more where the following row's values
    are worked out, and they take its place: H1[j], Z1[j], A1[j].
    """

    def __init__(
        self,
        derivation: Derivation,
        dtype: str,
        units_together: int,
        exponentials: int,
        *,
        updates_back: bool = False,
    ) -> None:
        super().__init__(derivation, dtype)
        self.layers = range(1, len(self.network.layers))
        self.units_together, self.exponentials = units_together, exponentials
        self.updates_back = updates_back
        self.joined = {f"H{layer}": f"A{layer}" for layer in self.layers[:-1] if self._has_function(layer)}
        spell = partial(_spell, temporaries=derivation.temporaries)
        now, then = ("", "") if updates_back else ("now", "then")
        self.row = self._language(partial(spell, row="row", half=now))
        self.following = self._language(partial(spell, row="following", half=then))
        self.alone = self._language(self._spell_alone)

    def scratch(self) -> dict[str, tuple[int, int]]:
        """The vectors besides the parameters: (rows, vectors in a row) by name."""
        units, outputs = self.network.layers, self.network.n_outputs
        rows = 1 if self.updates_back else 2
        sizes = {f"H{layer}": (rows, self.units_together * self._joined(layer)) for layer in self.layers[:-1]}
        kept = self.layers[:-1] if self.updates_back else self.layers[1:]
        sizes |= {f"S{layer}": (1, units[layer]) for layer in kept}
        sizes |= {
            f"Z{layer}": (rows, units[layer]) for layer in self.layers if self.derivation.keeps_sums(layer)
        }
        softmax = ("E",) if self.derivation.of("softmax") else ()
        sizes |= dict.fromkeys((*softmax, "Yhat", "D"), (1, outputs))
        for family in self._read_by_softmax_alone():
            del sizes[family.capitalize()]
        return sizes

    def write_start(self, lines: Lines) -> None:
        """Write the forward pass of the first row."""
        lines("following = 0" if self.updates_back else "following = then = 0")
        for layer in self._in_turn(self.layers, lines):
            lines(f"# {FORWARD}, layer {layer}")
            for units in self._some_units(layer, lines):
                self._write_forward(layer, units, lines)
            self._write_function(layer, lines)

    def write_row(self, lines: Lines) -> None:
        """Write the remaining equations of a row, and the forward pass of the following row."""
        if not self.updates_back:
            lines("now, then = then, 1 - then")
        lines("following = row + 1 if row + 1 < rows else 0")
        if self.derivation.of("factor"):
            lines(f"# {BEGIN}")
        for equation in self.derivation.of("factor"):
            self._assign(equation.target, equation.expression, self.row, lines)
        lines(f"# {ERROR}")
        self._write_errors(lines)
        if self.updates_back:
            self._write_back_and_forward(lines)
        else:
            self._write_deltas_and_forward(lines)
        for equation in lost_last(self.derivation.equations):
            self._write_over_units(equation, lines)

    def _write_deltas_and_forward(self, lines: Lines) -> None:
        """All deltas; then the updates of each layer, and its forward pass in the same loop."""
        for layer in self._in_turn(self.layers[:0:-1], lines):
            lines(f"# {DELTAS}, layer {layer}")
            for units in self._some_units(layer, lines):
                self._write_deltas(layer, units, lines)
                for unit in units:
                    self._assign(self._kept(layer, unit), unit.s, self.row, lines)
        for layer in self._in_turn(self.layers, lines):
            lines(f"# {UPDATES}, and {FORWARD} with the following row, layer {layer}")
            for units in self._some_units(layer, lines):
                if layer == 1:
                    self._write_deltas(layer, units, lines)
                else:
                    for unit in units:
                        self._assign(unit.s, self._kept(layer, unit), self.row, lines)
                self._write_forward(layer, units, lines, updating=True)
            self._write_function(layer, lines)

    def _write_back_and_forward(self, lines: Lines) -> None:
        """The updates of each layer with the deltas that its old weights carry back; then the forward pass.

        The forward pass begins with the weights that were updated last, which are still in the cache.
        """
        for layer in self.layers[:0:-1]:
            lines(f"# {DELTAS} and {UPDATES}, layer {layer}")
            for units in self._units_in_order(layer, lines, first_apart=True):
                self._write_arrived(layer, units, lines)
                self._write_back(layer, units, lines)
        lines(f"# {UPDATES}, and {FORWARD} with the following row, layer 1")
        for units in self._some_units(1, lines):
            self._write_arrived(1, units, lines)
            self._write_forward(1, units, lines, updating=True)
        self._write_function(1, lines)
        for layer in self.layers[1:]:
            lines(f"# {FORWARD} with the following row, layer {layer}")
            for units in self._units_in_order(layer, lines, backwards=True):
                self._write_forward(layer, units, lines)
            self._write_function(layer, lines)

    def _write_arrived(self, layer: int, units: list[Unit], lines: Lines) -> None:
        """The deltas of some units from what was carried back to them; those of outputs from their errors."""
        if layer == self.layers[-1]:
            self._write_deltas(layer, units, lines)
            return
        for unit in units:
            self._assign(unit.s, self._kept(layer, unit), self.row, lines)
        self._finish_deltas(layer, units, lines)

    def _write_back(self, layer: int, units: list[Unit], lines: Lines) -> None:
        """Carry the deltas of some units back, and update their parameters."""
        updates = self.derivation.of("gradient", "state", "update", layer=layer)
        (arriving,) = self._arriving(layer - 1)
        i = Index("i", self.network.layers[layer - 1])
        target = bind(self._only("delta", layer - 1).target, {Index("j", i.size): i})
        with lines.block(f"for i in range({i.size}):"):
            for number, unit in enumerate(units):
                (j,) = unit.here.values()
                term = bind(arriving.term, {arriving.index: j, Index("j", i.size): i})
                term = substitute(term, self._kept(layer, unit), unit.s)
                before = ACCUMULATOR if number else target
                self._assign(ACCUMULATOR, term if j == 0 else before + term, self.row, lines)
            for unit in units:
                self._update(updates, {**unit.here, i: i}, unit, lines)
            self._assign(target, ACCUMULATOR, self.row, lines)
        for unit in units:
            self._update(updates, unit.here, unit, lines)

    def _write_errors(self, lines: Lines) -> None:
        """The errors, what the row adds to the total, and its share; not what may come last."""
        late, few = lost_last(self.derivation.equations), few_outputs(self.derivation)
        if few:
            write_softmax(self.derivation, self.alone, self.exponentials, lines)
        for equation in self.derivation.of("softmax", "error", "loss"):
            if not few and equation not in late:
                self._write_over_units(equation, lines)
        for equation in self.derivation.of("share"):
            self._assign(equation.target, equation.expression, self.row, lines)

    def _spell_alone(self, symbol: Symbol) -> str:
        """A value of the row; a variable for what softmax outputs alone read: e1, yhat1, ..."""
        if symbol.family in self._read_by_softmax_alone():
            return self.derivation.name(symbol)
        return self.row.symbol(symbol)

    def _read_by_softmax_alone(self) -> set[str]:
        """The families of values that have a line each. In memory: 4-16-3 with tanh x1.1."""
        others = self.derivation.of("loss", "delta")
        read = {n.family for e in others for n in nodes(e.expression) if isinstance(n, Symbol)}
        return {"e", "yhat"} - read if few_outputs(self.derivation) else set()

    def _write_over_units(self, equation: Equation, lines: Lines) -> None:
        """One equation for all units of its layer, one after the other."""
        if not equation.over:
            write_equation(equation.target, equation.expression, self.row, lines, self._size)
            return
        (unit,) = equation.over
        with lines.block(f"for {unit.name} in range({self._size(unit.size)}):"):
            write_equation(equation.target, equation.expression, self.row, lines, self._size)

    def _some_units(self, layer: int, lines: Lines) -> Iterator[list[Unit]]:
        """The units of a layer, a few at a time, inside the loop over them if there is one."""
        return self._units_in_order(layer, lines)

    def _units_in_order(
        self, layer: int, lines: Lines, *, first_apart: bool = False, backwards: bool = False
    ) -> Iterator[list[Unit]]:
        """The same, with some before the loop if they are to be `first_apart`, or all `backwards`."""
        size, together = self.network.layers[layer], self.units_together
        whole = size - size % together
        begin = together if first_apart and whole else 0
        if begin:
            yield units_at(size, range(together))
        if backwards and whole < size:
            yield units_at(size, range(whole, size))
        if whole > begin + together:
            places = f"{whole - together}, -1, -{together}" if backwards else f"{begin}, {whole}, {together}"
            with lines.block(f"for j in range({places}):"):
                yield units_at(size, from_j_on(together, size))
        elif whole > begin:
            yield units_at(size, range(begin, whole))
        if not backwards and whole < size:
            yield units_at(size, range(whole, size))

    def _write_deltas(self, layer: int, units: list[Unit], lines: Lines) -> None:
        """The deltas of some units, each computed from h where z need not be kept."""
        for total in self._arriving(layer):
            for k in self._positions(total.index, lines):
                for unit in units:
                    term = bind(total.term, {**unit.here, total.index: k})
                    self._assign(unit.s, term if k == 0 else unit.s + term, self.row, lines)
        self._finish_deltas(layer, units, lines)

    def _arriving(self, layer: int) -> list[Sum]:
        """The sum of what arrives at a unit of a layer on the way back; none at the outputs."""
        return [node for node in nodes(self._only("delta", layer).expression) if isinstance(node, Sum)]

    def _finish_deltas(self, layer: int, units: list[Unit], lines: Lines) -> None:
        """The deltas of some units, of which the variables hold what arrives."""
        expression = from_values(self.derivation, self._only("delta", layer)).expression
        arriving = self._arriving(layer)
        for unit in units:
            value = bind(substitute(expression, arriving[0], unit.s) if arriving else expression, unit.here)
            if value != unit.s:
                self._assign(unit.s, value, self.row, lines)

    def _write_forward(self, layer: int, units: list[Unit], lines: Lines, *, updating: bool = False) -> None:
        """The weighted sums of some units and their activations; `updating`, each parameter just before."""
        updates = self.derivation.of("gradient", "state", "update", layer=layer)
        for total in self._sums(layer):
            for i in self._positions(total.index, lines):
                for unit in units:
                    here = {**unit.here, total.index: i}
                    if updating:
                        self._update(updates, here, unit, lines)
                    term = bind(total.term, here)
                    self._assign(unit.z, term if i == 0 else unit.z + term, self.following, lines)
        self._finish_forward(layer, units, lines, updating=updating)

    def _finish_forward(self, layer: int, units: list[Unit], lines: Lines, *, updating: bool) -> None:
        """The activations of some units, of which the variables hold what the weights make of the inputs."""
        weighted, activation = self._only("sum", layer), self._activation(layer)
        keeps = self.derivation.keeps_sums(layer)
        updates, sums = self.derivation.of("gradient", "state", "update", layer=layer), self._sums(layer)
        for unit in units:
            if updating:
                self._update(updates, unit.here, unit, lines)
            value = substitute(weighted.expression, sums[0], unit.z) if sums else weighted.expression
            value = bind(value, unit.here)
            if activation is not None and (keeps or not self._has_function(layer)):
                self._assign(unit.z, value, self.following, lines)
                value = unit.z
            if keeps and activation is not None:
                self._assign(bind(weighted.target, unit.here), unit.z, self.following, lines)
            if activation is not None and not self._has_function(layer):
                value = bind(substitute(activation.expression, weighted.target, unit.z), unit.here)
            last = activation or weighted
            self._assign(bind(last.target, unit.here), value, self.following, lines)

    def _write_function(self, layer: int, lines: Lines) -> None:
        """Replace a layer's arguments by its activations, if a function computes them.

        A function waits for its own results, so several values take turns. Measured: a value of tanh takes
        5.3 ns alone, 3.3 ns in turns with three others.
        """
        activation = self._activation(layer)
        if activation is not None and self._has_function(layer):
            weighted = self._only("sum", layer)
            place = Symbol("a", layer, (Index("j", self._joined(layer)),))
            with lines.block(f"for j in range({self._joined_size(layer)}):"):
                value = substitute(activation.expression, weighted.target, place)
                self._assign(place, value, self.following, lines)

    def _has_function(self, layer: int) -> bool:
        """Whether a function computes the activations of a hidden layer."""
        activation = self._activation(layer)
        if activation is None or layer == self.layers[-1]:
            return False
        return any(isinstance(node, Call) for node in nodes(activation.expression))

    def _joined(self, layer: int) -> int:
        """How many joined vectors hold a layer."""
        return -(-self.network.layers[layer] // self.units_together)

    def _joined_size(self, layer: int) -> str:
        """The same as the source has it."""
        return str(self._joined(layer))

    def _update(
        self, updates: list[Equation], here: dict[Index, Index | int], unit: Unit, lines: Lines
    ) -> None:
        """Those updates that run over just the indices that are bound here: of a weight, or of a bias."""
        for equation in updates:
            if len(equation.over) == len(here):
                delta = Symbol("s", equation.layer, equation.target.indices[:1])
                value = bind(substitute(equation.expression, delta, unit.s), here)
                self._assign(bind(equation.target, here), value, self.row, lines)

    def _kept(self, layer: int, unit: Unit) -> Expression:
        """Where the delta of a unit stays until its weights are updated."""
        return bind(self._only("delta", layer).target, unit.here)


def units_at(size: int, places: Iterable[Index | int]) -> list[Unit]:
    """The units of a layer of a size that are at some places."""
    every = enumerate(places, start=1)
    return [Unit({Index("j", size): at}, Symbol(f"z{n}"), Symbol(f"s{n}")) for n, at in every]


def from_j_on(number: int, size: int) -> Iterator[Index]:
    """The places of some units of a layer of a size inside a loop over j."""
    return (Index(f"j + {n}" if n else "j", size) for n in range(number))


def _spell(symbol: Symbol, temporaries: frozenset[str], *, row: str, half: str) -> str:
    """A value as an element of its layer's vectors; an activation as one of a half, if they have halves."""
    text = spell_value(symbol, temporaries)
    if symbol.family in ("x", "y"):
        return text.replace("[row, ", f"[{row}, ")
    return text.replace("[", f"[{half}, ") if half and symbol.family in ("z", "h", "a") else text

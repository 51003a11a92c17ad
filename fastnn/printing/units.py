"""The equations for one network, with one unit of a layer in each lane of its vectors.

A layer's values are one vector, or a few: Z1, H1, S1. ``Z1 += T1[i]*x[i]``, with the weights from input i to
all units in T1[i], keeps the order of every sum. Deltas carried back want the weights the other way round:
``S1 += s2[j]*W2[j]``. The weighted sums of few outputs are added up lane by lane.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

from fastnn.core.equations import Derivation, Equation
from fastnn.core.expressions import Call, Expression, Index, Sum, Symbol, bind, nodes, substitute
from fastnn.core.rule import COEFFICIENT, SHARE
from fastnn.core.values import INVERSE, LOG_WHOLE, TOP, WHOLE
from fastnn.printing.infix import Infix, Lines, Python
from fastnn.printing.layer_by_layer import InLoops
from fastnn.printing.scalars import write_equation
from fastnn.printing.unit_memory import Memory, Span
from fastnn.printing.vectors import PythonOfVectors, from_values

__all__ = ["LANES", "AcrossUnits", "Place", "PythonOfUnits", "Row"]

Place = dict[Index, Index | int]

LANES = Index("in every lane", 0)
"""The running index of a layer's units where each has a lane."""

ONE_OF_A_ROW = (TOP, WHOLE, INVERSE, LOG_WHOLE, SHARE)


@dataclass(frozen=True)
class Row:
    """A row being worked on.

    `place` is its place among the data, `half` the one among what is kept of several rows, and `mark` ends
    the names of what it has of its own.
    """

    place: str = "row"
    half: str = "now"
    mark: str = ""


class PythonOfUnits(PythonOfVectors):
    """Python for vectors in which a zero is a number: there are vectors beside it."""

    def zero(self) -> str:
        """Zero."""
        return self.number(0.0)


class AcrossUnits(InLoops):
    """What both forms share: how values are spelled, and the equations of layers and of outputs.

    Attributes
    ----------
    memory : Memory
        Where tables lie.
    kept : dict of str to Table
        Vectors that are kept between loops: H1 of several rows, S2, ...; their numbers have the same name in
        small letters.
    """

    def __init__(
        self, derivation: Derivation, dtype: str, spans: list[Span], rows: int, at_once: int
    ) -> None:
        super().__init__(derivation, dtype)
        self.spans, self.memory = spans, Memory(self.network, derivation.rule, spans)
        self.last, self.few = self.memory.last, self.memory.few
        self.kept = {name: self.memory.place(span, n) for name, span, n in self._keeps(rows, at_once)}

    def _keeps(self, rows: int, at_once: int) -> Iterator[tuple[str, Span, int]]:
        """What is kept between loops: name, span, and of how many rows."""
        for layer in range(1, self.last):
            span, several = self.spans[layer], self.spans[layer].vectors > 1
            if several or "T" in self.memory.ways(layer + 1):
                yield f"H{layer}", span, rows
            if several and self.derivation.keeps_sums(layer):
                yield f"Z{layer}", span, rows
            if several or layer > 1:
                yield f"S{layer}", span, at_once
            if self._is_masked(layer):
                yield f"Ones{layer}", span, 1
        if self.few:
            yield "Products", self.spans[self.last - 1], at_once * self.network.n_outputs
            return
        equations = self.derivation.of("sum", "activation", "softmax", "error", "delta")
        targets = [e.target for e in equations if e.layer == self.last and e.over]
        for family in dict.fromkeys(target.family for target in targets):
            yield f"{family.capitalize()}{self.last}", self.spans[self.last], at_once

    def views(self) -> Iterator[str]:
        """The lines that name what is in memory."""
        yield from self.memory.views()
        for name, table in self.kept.items():
            yield table.vectors(f"Kept{name}")
            yield table.numbers(name.lower())

    def write_masks(self, lines: Lines) -> None:
        """Write the lines that tell lanes in use from those left over, where that matters."""
        for layer in range(1, self.last):
            if self._is_masked(layer):
                span = self.spans[layer]
                with lines.block(f"for j in range({span.numbers}):"):
                    lines(f"ones{layer}[j] = 1.0 if j < {span.units} else 0.0")

    # -- how values are spelled ------------------------------------------------------------------------

    def vectors(self, row: Row) -> Infix:
        """The language of vectors, for a row."""
        return PythonOfUnits(partial(self._spell, row=row), self.dtype)

    def numbers(self, row: Row) -> Infix:
        """The language of numbers, for a row."""
        return Python(partial(self._spell, row=row), self.dtype)

    def _of_outputs(self, row: Row) -> Infix:
        """The language of the outputs' values, for a row."""
        return self.numbers(row)

    def _spell(self, symbol: Symbol, row: Row) -> str:
        family, layer, indices = symbol.family, symbol.layer, symbol.indices
        if symbol == COEFFICIENT:
            return f"coefficients[{row.place}]"
        if not indices:
            return f"{family}{row.mark}" if symbol in ONE_OF_A_ROW else family
        names = [i.name if isinstance(i, Index) else str(i) for i in indices]
        if family in ("x", "y"):
            return f"{family.upper()}[{row.place}, {names[0]}]"
        if family in self.derivation.temporaries:
            return "g"
        if family[-1] in "wb":
            return self._spell_parameter(family[:-1], layer, indices, names)
        layer = layer or self.last
        if indices[0] is LANES:
            return f"{family.upper()}{layer}{row.mark}"
        if layer == self.last:
            return self._spell_output(family, names[0], row)
        return self._spell_kept(f"{family}{layer}", names[0], row)

    def _spell_parameter(
        self, letter: str, layer: int, indices: tuple[Index | int, ...], names: list[str]
    ) -> str:
        """T1[i], W2[j], B1[0], or b2[0], with the letter of a state or a gradient before it."""
        if len(indices) == 1:
            if indices[0] is not LANES:
                return f"{letter}b{layer}[{names[0]}]"
            return f"{letter.upper()}B{layer}[{'v' if self.spans[layer].vectors > 1 else 0}]"
        way, across, at = ("T", layer, names[1]) if indices[0] is LANES else ("W", layer - 1, names[0])
        vector = "v, " if self.spans[across].vectors > 1 else ""
        return f"{letter.upper()}{way}{layer}[{vector}{at}]"

    def _spell_output(self, family: str, name: str, row: Row) -> str:
        """A value of one output: d, or d_2 of several; d[k] of many."""
        if not self.few:
            return self._spell_kept(f"{family}{self.last}", name, row)
        own = f"_{int(name) + 1}" if self.network.n_outputs > 1 else ""
        return f"{family}{own}{row.mark}"

    def _spell_kept(self, name: str, at: str, row: Row) -> str:
        """A number of what is kept of a row."""
        return f"{name}[{at}]" if self.kept[name.capitalize()].rows == 1 else f"{name}[{row.half}, {at}]"

    # -- the equations of a layer and of the outputs ---------------------------------------------------

    def _write_across(
        self, layer: int, rows: list[Row], lines: Lines, *, updating: Row | None = None
    ) -> None:
        """The forward pass of a layer with a lane for each unit; `updating` by a row, parameters first."""
        with self._each_vector(layer, lines):
            self._write_vector(layer, rows, lines, updating=updating)

    def _write_vector(
        self, layer: int, rows: list[Row], lines: Lines, *, updating: Row | None = None
    ) -> None:
        """The same for one vector of a layer."""
        weighted, activation = self._only("sum", layer), self._activation(layer)
        (j,) = weighted.over
        sums = self._sums(layer)
        z = bind(weighted.target, {j: LANES})
        if updating:
            self._load("S", layer, updating, lines, always=layer == self.last)
        for total in sums:
            for i in self._positions(total.index, lines):
                here: Place = {j: LANES, total.index: i}
                if updating:
                    self._update(layer, here, updating, lines)
                for row in rows:
                    term = bind(total.term, here)
                    self._assign(z, term if i == 0 else z + term, self.vectors(row), lines)
        if updating:
            self._update(layer, {j: LANES}, updating, lines)
        for row in rows:
            value = substitute(weighted.expression, sums[0], z) if sums else weighted.expression
            self._assign(z, bind(value, {j: LANES}), self.vectors(row), lines)
        for row in rows:
            if layer == self.last:
                self._keep(z, row, lines)
                continue
            if activation is not None:
                h = bind(activation.target, {j: LANES})
                self._assign(h, bind(activation.expression, {j: LANES}), self.vectors(row), lines)
                if self._is_masked(layer):
                    name = self.vectors(row)(h)
                    lines(f"{name} = choose(KeptOnes{layer}[{self._v(layer)}] > 0.0, {name}, 0.0)")
                self._keep(z, row, lines)
            self._keep(bind((activation or weighted).target, {j: LANES}), row, lines)

    def _write_lane_by_lane(self, rows: list[Row], lines: Lines) -> None:
        """The weighted sums of few outputs: products in vectors, then added up in their order."""
        weighted, before = self._only("sum", self.last), self.last - 1
        (j,), outputs = weighted.over, self.network.n_outputs
        (total,) = self._sums(self.last)
        places = [(row, k, n * outputs + k) for n, row in enumerate(rows) for k in range(outputs)]
        with self._each_vector(before, lines):
            for row in rows:
                self._load("H", before, row, lines)
            more = ", v" if self.spans[before].vectors > 1 else ""
            for row, k, place in places:
                term = bind(total.term, {j: k, total.index: LANES})
                lines(f"KeptProducts[{place}{more}] = {self.vectors(row)(term)}")
        flat = self.kept["Products"].rows == 1
        for i in self._positions(total.index, lines):
            at = i.name if isinstance(i, Index) else str(i)
            for row, k, place in places:
                name = self.numbers(row)(bind(weighted.target, {j: k}))
                product = f"products[{at}]" if flat else f"products[{place}, {at}]"
                lines(f"{name} {'=' if i == 0 else '+='} {product}")
        self._write_sums(rows, lines)

    def _write_sums(self, rows: list[Row], lines: Lines) -> None:
        """What the weighted sums of few outputs become, once all terms are added up: a bias is added, too."""
        weighted = self._only("sum", self.last)
        (j,) = weighted.over
        (total,) = self._sums(self.last)
        for row in rows:
            for k in range(self.network.n_outputs):
                z = bind(weighted.target, {j: k})
                value = bind(substitute(weighted.expression, total, z), {j: k})
                self._assign(z, value, self.numbers(row), lines)

    def _write_outputs(self, equations: list[Equation], rows: list[Row], lines: Lines) -> None:
        """Equations of outputs, number by number."""
        for equation in equations:
            if self.few:
                for k in range(equation.over[0].size if equation.over else 1):
                    here: Place = dict.fromkeys(equation.over, k)
                    for row in rows:
                        value = bind(equation.expression, here)
                        self._assign(bind(equation.target, here), value, self._of_outputs(row), lines)
                continue
            for row in rows:
                with self._each(equation.over, lines):
                    write_equation(equation.target, equation.expression, self._of_outputs(row), lines)

    def _write_back(self, layer: int, rows: list[Row], lines: Lines) -> None:
        """The deltas of the layer before one, and, unit by unit, what becomes of the weights between them."""
        delta, before = from_values(self.derivation, self._only("delta", layer - 1)), layer - 1
        (j,) = delta.over
        total = next(node for node in nodes(delta.expression) if isinstance(node, Sum))
        s = bind(delta.target, {j: LANES})
        with self._each_vector(before, lines):
            for row in rows:
                self._load("H", before, row, lines)
                if self.derivation.keeps_sums(before):
                    self._load("Z", before, row, lines)
            for k in self._units(total.index, layer, lines):
                for row in rows:
                    term = bind(total.term, {j: LANES, total.index: k})
                    self._assign(s, term if k == 0 else s + term, self.vectors(row), lines)
                self._write_changes(layer, k, rows, lines)
            for row in rows:
                value = bind(substitute(delta.expression, total, s), {j: LANES})
                if value != s:
                    self._assign(s, value, self.vectors(row), lines)
                self._keep(s, row, lines)

    def _write_changes(self, layer: int, unit: Index | int, rows: list[Row], lines: Lines) -> None:
        """What becomes of the weights that lead to a unit, from all inputs of its layer."""
        raise NotImplementedError

    def _update(self, layer: int, here: Place, row: Row, lines: Lines, *, number: bool = False) -> None:
        """Those updates that run over just the indices that are bound here: of weights, or of biases."""
        language = self.numbers(row) if number else self.vectors(row)
        for equation in self.derivation.of("gradient", "state", "update", layer=layer):
            if len(equation.over) == len(here):
                self._assign(bind(equation.target, here), bind(equation.expression, here), language, lines)

    # -- loops, and what is kept between them ----------------------------------------------------------

    @contextmanager
    def _each_vector(self, layer: int, lines: Lines) -> Iterator[None]:
        """The loop over the vectors of a layer, if there are several."""
        vectors = self.spans[layer].vectors
        with lines.block(f"for v in range({vectors}):") if vectors > 1 else nullcontext():
            yield

    @contextmanager
    def _each(self, over: tuple[Index, ...], lines: Lines) -> Iterator[None]:
        """The loop over the units of many outputs."""
        with lines.block(f"for {over[0].name} in range({over[0].size}):") if over else nullcontext():
            yield

    def _units(self, index: Index, layer: int, lines: Lines) -> Iterator[Index | int]:
        """The positions of a sum over the units of a layer: one by one for few outputs."""
        if layer == self.last and self.few:
            yield from range(index.size)
        else:
            yield from self._positions(index, lines)

    def _v(self, layer: int) -> str:
        return "v" if self.spans[layer].vectors > 1 else "0"

    def _load(self, family: str, layer: int, row: Row, lines: Lines, *, always: bool = False) -> None:
        """Take a vector from what is kept, unless it is in a variable anyway."""
        if always or self.spans[layer].vectors > 1:
            lines(f"{family}{layer}{row.mark} = {self._place(f'{family}{layer}', row)}")

    def _keep(self, value: Expression, row: Row, lines: Lines) -> None:
        """Keep a vector that a later loop needs."""
        assert isinstance(value, Symbol)  # noqa: S101 - bind keeps a symbol a symbol
        layer = value.layer or self.last
        name = f"{value.family.capitalize()}{layer}"
        if name in self.kept:
            lines(f"{self._place(name, row)} = {self.vectors(row)(value)}")

    def _place(self, name: str, row: Row) -> str:
        """A vector of what is kept of a row: KeptS2[0], KeptH1[now], KeptH1[now, v]."""
        table = self.kept[name]
        several = table.span.vectors > 1
        if table.rows == 1:
            return f"Kept{name}[{'v' if several else 0}]"
        return f"Kept{name}[{row.half}{', v' if several else ''}]"

    def _is_masked(self, layer: int) -> bool:
        """Whether lanes left over have to be set to 0: by a function, 0 may have another value than 0.

        Without it they would train like units that lead nowhere, down to subnormal numbers.
        """
        activation, span = self._activation(layer), self.spans[layer]
        has_function = activation is not None and any(
            isinstance(n, Call) for n in nodes(activation.expression)
        )
        return has_function and span.units < span.numbers

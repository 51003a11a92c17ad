"""The numbers of one training step, on a row or a batch: every value, every derivative, every change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.core.activations import activation
from fastnn.core.arithmetic import FLOATS, Values
from fastnn.core.equations import FORWARD, GRADIENTS, Derivation, Stage
from fastnn.core.expressions import Expression, Number, Symbol, nodes
from fastnn.core.recipe import DEFAULT, Recipe
from fastnn.core.rule import COEFFICIENT, ROWS
from fastnn.core.values import TOTAL, input_value, state_of, target_value
from fastnn.explaining.arithmetic import numerical_derivatives
from fastnn.explaining.chain_rule import (
    LOSS,
    Line,
    explained,
    in_turn,
    kinks_of,
    put,
    sections_of,
    sign_of,
    worked_out_before,
)
from fastnn.explaining.document import Document
from fastnn.pages.blocks import Block, Section
from fastnn.pages.equations import Equations, Formula
from fastnn.pages.tables import Table
from fastnn.printing.notation import ExactText, rounded
from fastnn.printing.signs import Derivative

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ALL_DIGITS", "Given", "Step", "digits_of_agreement", "need_finite"]

ALL_DIGITS = 17  # as many as tell any float64 from any other
FEW_DIGITS = 9  # fewer are left where a slope has lost half of its digits to rounding
ROUNDED = dict.fromkeys(("value", "derivative", "numerical", "before", "change", "after"), rounded)
MOST_ROWS = 8  # of a batch that are told in full
PUT_IN_DIGITS = 6  # of the numbers put into an equation, where people read it


@dataclass(frozen=True, eq=False)
class Given:
    """What a step begins with: finite float64 numbers (S,), its rows (n, D) and (n, K), and the settings.

    The learning rate is None where the optimizer has none, and so are the coefficients (n,) of rows without
    weights.
    """

    state: NDArray[np.float64]
    X: NDArray[np.float64]
    Y: NDArray[np.float64]
    learning_rate: float | None
    recipe: Recipe = DEFAULT
    coefficients: NDArray[np.float64] | None = None

    def values(self, derivation: Derivation) -> Values:
        """The value of every symbol that is known before the first equation, but for those of the rows."""
        rate = math.nan if self.learning_rate is None else self.learning_rate
        found: Values = {**derivation.rule.values(rate, **self.recipe.named), TOTAL: 0.0}
        if derivation.rule.batched:
            found[ROWS] = float(len(self.X))
        return found | self.sums(derivation) | dict(zip(derivation.state, self.state.tolist(), strict=True))

    def sums(self, derivation: Derivation) -> Values:
        """What the rows of a batch add to, before its first row."""
        found: Values = {e.target: 0.0 for e in derivation.scalar if e.stage == GRADIENTS}
        return found

    def row(self, number: int) -> Values:
        """The values of a row, from 1; none of no row, 0."""
        if not number:
            return {}
        inputs: Values = {input_value(i): value for i, value in enumerate(self.X[number - 1].tolist())}
        inputs |= {target_value(k): value for k, value in enumerate(self.Y[number - 1].tolist())}
        return (
            inputs
            if self.coefficients is None
            else inputs | {COEFFICIENT: float(self.coefficients[number - 1])}
        )


@dataclass(frozen=True)
class _Computed:
    """A line and its numbers: those put into it, its value, and what its target was before.

    `row` is the row of the batch, from 1; 0 for a line that runs once a batch.
    """

    row: int
    line: Line
    known: Mapping[Expression, float]
    value: float

    @property
    def before(self) -> float | None:
        """The value of the target before, where there is one."""
        return self.known.get(self.line.target)


class Step(Document):
    """One training step on one row or one batch, every number of it, in the arithmetic of the engines.

    Attributes
    ----------
    parameters : (P,)
        The parameters after the step: the same bits as ``fastnn.train`` gives on these rows in one epoch.
    state : (S,)
        The parameters, then what the optimizer remembers of each, and what it remembers once: a following
        step begins with it.
    loss : float
        The loss before it; of a batch, the mean of its rows.
    """

    def __init__(self, derivation: Derivation, given: Given) -> None:
        self.derivation = derivation
        self.given = given
        self._batched = derivation.rule.batched
        self._start = given.values(derivation)
        self._computed = _compute(derivation, given)
        self._values = {c.line.target: c.value for c in self._computed}
        self.loss: float = reduce(add, self._of_each_row(LOSS)) / len(given.X)
        self.state: NDArray[np.float64] = np.array([self._values[symbol] for symbol in derivation.state])
        self.parameters = self.state[: derivation.network.n_parameters]

    def __repr__(self) -> str:
        return f"<Step of {self.derivation.network!r}: loss {self.loss!r}>"

    def frame(self) -> pd.DataFrame:
        """Every number of the step, one row each, in the order in which they are worked out.

        Columns number, stage (given, forward, error, derivatives, deltas, updates), name, equation,
        numbers (the same with the numbers put in: Python that evaluates to the value, to the bit, where
        its functions are fastnn's own, and sqrt is math.sqrt), value; and of what replaces itself before and
        change. A stage begin comes first where something is prepared. Of a batch, whose stages are also begin
        and gradients, the first column is row: from 1, and 0 for what comes once.
        """
        import pandas as pd

        text = ExactText(self.derivation)
        given = [
            (row, name, value)
            for row in range(len(self.given.X) + 1)
            for name, value in self._given_values(row).items()
        ]
        rows = [_given_row(*found) for found in sorted(given, key=lambda found: not found[0])]
        for computed in self._computed:
            line, before = computed.line, computed.before
            rows.append(
                {
                    "row": computed.row,
                    "number": line.number,
                    "stage": line.section.name,
                    "name": text(line.target),
                    "equation": f"{text(line.target)} = {text(line.expression)}",
                    "numbers": text(_put_in(line.expression, computed.known)),
                    "value": computed.value,
                    "before": math.nan if before is None else before,
                    "change": math.nan if before is None else computed.value - before,
                }
            )
        return pd.DataFrame(rows).drop(columns=[] if self._batched else ["row"])

    def changes(self) -> pd.DataFrame:
        """One row for each parameter: its derivative, the numerical one, how it changes.

        Columns parameter, before, derivative, numerical, digits (to how many significant digits the two
        agree, 17 for all of them), change, after; of a batch, the derivatives are the means of its rows, and
        the digits those of the row where fewest agree. Then for each letter under which the optimizer
        remembers something, such as v: "v before" and "v after".
        """
        import pandas as pd

        rows, n = [], len(self.given.X)
        for name, symbol in self._parameters.items():
            derivatives, before = self._of_each_row(Derivative(LOSS, symbol)), self._start[symbol]
            numerical = [found[symbol] for found, _ in self._numerical]
            row = {
                "parameter": name,
                "before": before,
                "derivative": reduce(add, derivatives) / n,
                "numerical": reduce(add, numerical) / n,
                "digits": min(map(digits_of_agreement, derivatives, numerical)),
                "change": self._values[symbol] - before,
                "after": self._values[symbol],
            }
            for letter in self.derivation.rule.states:
                kept = state_of(letter, symbol)
                row |= {f"{letter} before": self._start[kept], f"{letter} after": self._values[kept]}
            rows.append(row)
        return pd.DataFrame(rows)

    def sections(self) -> Iterable[Section]:
        """The given numbers, every equation with its numbers, the derivatives and the changes."""
        yield Section("The numbers of one step", [self._given_table(*((0,) if self._batched else (1, 0)))])
        for section in sections_of(self.derivation):
            if not self._batched or section.when != "row":
                row = 1 if section.when == "row" else 0
                yield Section(f"{section.title}, in numbers", [self._equations(section, row)])
            elif section == FORWARD:
                yield from self._sections_of_rows()
        changes = self.changes()
        checked = Table(changes[["parameter", "derivative", "numerical", "digits"]], formats=ROUNDED)
        agreement = self._agreement(int(changes["digits"].min()))
        yield Section("Derivatives, checked", [agreement, checked])
        tables = [Table(changes[["parameter", "before", "change", "after"]], formats=ROUNDED)]
        for letter in self.derivation.rule.states:
            kept = [f"{letter} before", f"{letter} after"]
            tables.append(Table(changes[["parameter", *kept]], formats=dict.fromkeys(kept, rounded)))
        if shared := self.derivation.rule.shared:
            once = [{"kept": s.family, "before": self._start[s], "after": self._values[s]} for s in shared]
            tables.append(Table(once, formats=ROUNDED))
        yield Section("Changes", tables)

    @cached_property
    def _parameters(self) -> dict[str, Symbol]:
        """The symbol of each parameter by its name, in their order."""
        return dict(zip(self.derivation.network.parameter_names, self.derivation.state, strict=False))

    @cached_property
    def _numerical(self) -> list[tuple[dict[Symbol, float], set[Symbol]]]:
        """Of each row: its numerical derivatives, and the units at whose kinks they were taken."""
        found = []
        for row in range(1, len(self.given.X) + 1):
            of_the_row = {c.line.target: c.value for c in self._by_section[row, FORWARD]}
            values = self._start | self.given.row(row) | of_the_row
            found.append(numerical_derivatives(self.derivation, values, list(self._parameters.values())))
        return found

    @cached_property
    def _by_section(self) -> dict[tuple[int, Stage], list[_Computed]]:
        """The lines by their row and section; by row 0 those that come once a batch."""
        found: dict[tuple[int, Stage], list[_Computed]] = {}
        for computed in self._computed:
            found.setdefault((computed.row, computed.line.section), []).append(computed)
        return found

    def _of_each_row(self, target: Symbol | Derivative) -> list[float]:
        """What a value is in each row."""
        return [c.value for c in self._computed if c.line.target == target]

    def _given_values(self, row: int) -> dict[str, float]:
        """The numbers of a row by name, from 1; of no row, 0, those that the step begins with."""
        name = self.derivation.name
        if row:
            row_of = self.given.row(row).items()
            return {name(symbol): value for symbol, value in row_of if isinstance(symbol, Symbol)}
        named = {name(symbol): self._start[symbol] for symbol in self.derivation.state}
        if self.given.learning_rate is not None:
            named["learning_rate"] = self.given.learning_rate
        of_the_batch = (ROWS,) if self._batched else ()
        return named | {s.family: self._start[s] for s in (*self.derivation.rule.given, *of_the_batch)}

    def _given_table(self, *rows: int) -> Table:
        """The given numbers of some rows; of no row, 0, the others."""
        named = [named for row in rows for named in self._given_values(row).items()]
        return Table([{"given": name, "value": value} for name, value in named], formats=ROUNDED)

    def _equations(self, section: Stage, row: int) -> Equations:
        """The numbers of a section, of a row or, 0, of what comes once a batch."""
        return Equations(self.derivation, tuple(map(_formula, self._by_section[row, section])))

    def _sections_of_rows(self) -> Iterator[Section]:
        """The numbers of each row of a batch; of many, of the first ones and the last."""
        parts = [section for section in sections_of(self.derivation) if section.when == "row"]
        n = len(self.given.X)
        told = [*range(1, n + 1)] if n <= MOST_ROWS else [*range(1, MOST_ROWS - 1), n]
        for row in told:
            blocks: list[Block] = [self._given_table(row)]
            if row == n > MOST_ROWS:
                left_out = f"Rows {MOST_ROWS - 1} to {n - 1} are left out"
                blocks.insert(0, f"{left_out} here; frame() has their numbers, too.")
            for part in parts:
                blocks += [f"{part.title}:", self._equations(part, row)]
            yield Section(f"Row {row}, in numbers", blocks)

    def _agreement(self, digits: int) -> str:
        of_what = "The derivatives are means over the rows of the batch. " if self._batched else ""
        text = (
            f"{of_what}The numerical derivatives are central differences of the loss, taken in decimals of "
            f"80 digits. They agree with those of the chain rule to at least {digits} of {ALL_DIGITS} digits."
        )
        entries = (activation(name) for name in self.derivation.network.activations)
        slopes = " or ".join(dict.fromkeys(entry.saturates for entry in entries if entry.saturates))
        if digits < FEW_DIGITS and slopes:
            text += f" A unit is saturated: in float64, {slopes} then keeps few digits or none."
        found = set().union(*(kinks for _, kinks in self._numerical))
        kinks = ", ".join(sorted(map(self.derivation.name, found)))
        if not kinks:
            return text
        return (
            f"{text} {kinks_of(self.derivation)} Here that is so for {kinks}, where a central "
            "difference finds the mean of both sides."
        )


def digits_of_agreement(found: float, expected: float) -> int:
    """To how many significant digits two numbers agree: -log10 of their relative difference, 17 at most."""
    if found == expected:
        return ALL_DIGITS
    relative = abs(found - expected) / max(abs(found), abs(expected))
    return min(ALL_DIGITS, max(0, math.floor(-math.log10(relative))))


def _compute(derivation: Derivation, given: Given) -> list[_Computed]:
    """Every line with its numbers; refused as soon as one is not finite."""
    values, found, text = given.values(derivation), [], ExactText(derivation)
    for symbol, told in worked_out_before(derivation).items():
        need_finite(told, values[symbol])
    for row, lines in in_turn(explained(derivation, derivation.scalar), len(given.X)):
        values |= given.row(row)
        for line in lines:
            known = {node: values[node] for node in nodes(line.expression) if node in values}
            values[line.target] = FLOATS(line.expression, values)
            of_which = f" of row {row}" if row and derivation.rule.batched else ""
            need_finite(f"equation ({line.number}), {text(line.target)}{of_which}", values[line.target])
            found.append(_Computed(row, line, known, values[line.target]))
    return found


def need_finite(what: str, value: float) -> None:
    """Refuse a step as soon as one of its numbers is not finite."""
    if not math.isfinite(value):
        raise InputError(
            f"every number of a step must be finite; got {value} for {what}. "
            "Give smaller parameters, inputs, targets or a smaller learning rate."
        )


def _put_in(
    expression: Expression, known: Mapping[Expression, float], digits: int = ALL_DIGITS
) -> Expression:
    """An expression with numbers for its symbols, rounded to `digits` significant digits."""
    return put(expression, {node: Number(float(f"{value:.{digits}g}")) for node, value in known.items()})


def _formula(computed: _Computed) -> Formula:
    line, value = computed.line, Number(computed.value)
    numbers = _put_in(line.expression, computed.known, PUT_IN_DIGITS)
    members = (value,) if isinstance(numbers, Number) else (numbers, value)
    return Formula(line.number, line.target, members, sign_of(line))


def _given_row(row: int, name: str, value: float) -> dict[str, Any]:
    blank = {"row": row, "number": "", "stage": "given", "name": name, "equation": "", "numbers": ""}
    return blank | {"value": value, "before": math.nan, "change": math.nan}

"""The numbers of one training step: every value, every derivative, every change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.core.activations import activation
from fastnn.core.derivation import FORWARD, Derivation
from fastnn.core.expressions import Expression, Number, Symbol
from fastnn.core.optimizers import Optimizer
from fastnn.core.rule import DEFAULT, STEP
from fastnn.core.values import TOTAL, input_value, state_of, target_value
from fastnn.explaining.arithmetic import FLOATS, Values, numerical_derivatives
from fastnn.explaining.chain_rule import (
    LOSS,
    Line,
    explained,
    folded_in,
    kinks_of,
    put,
    sections_of,
    sign_of,
)
from fastnn.explaining.document import Document
from fastnn.pages.blocks import Section
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
PUT_IN_DIGITS = 6  # of the numbers put into an equation, where people read it


@dataclass(frozen=True, eq=False)
class Given:
    """What a step begins with: finite float64 numbers (S,), (D,), (K,), and the settings."""

    state: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    learning_rate: float
    optimizer: Optimizer = DEFAULT

    def values(self, derivation: Derivation) -> Values:
        """The value of every symbol that is known before the first equation."""
        settings = asdict(self.optimizer)
        found: Values = {**derivation.rule.values(self.learning_rate, **settings), TOTAL: 0.0}
        found |= {input_value(i): value for i, value in enumerate(self.x.tolist())}
        found |= {target_value(k): value for k, value in enumerate(self.y.tolist())}
        return found | dict(zip(derivation.state, self.state.tolist(), strict=True))


@dataclass(frozen=True)
class _Computed:
    """A line and its numbers: those put into it, its value, and what its target was before."""

    line: Line
    known: Mapping[Expression, float]
    value: float

    @property
    def before(self) -> float | None:
        """The value of the target before, where there is one."""
        return self.known.get(self.line.target)


class Step(Document):
    """One training step on one row, every number of it, in exactly the arithmetic of the engines.

    Attributes
    ----------
    parameters : (P,)
        The parameters after the step: the same bits as ``fastnn.train`` gives on this row in one epoch.
    state : (S,)
        The parameters, then what the optimizer remembers of each: a following step begins with it.
    loss : float
        The squared error before it.
    """

    def __init__(self, derivation: Derivation, given: Given) -> None:
        self.derivation = derivation
        self.given = given
        self._start = given.values(derivation)
        self._computed = _compute(derivation, self._start)
        self._values = {c.line.target: c.value for c in self._computed}
        self.loss: float = self._values[LOSS]
        self.state: NDArray[np.float64] = np.array([self._values[symbol] for symbol in derivation.state])
        self.parameters = self.state[: derivation.network.n_parameters]

    def __repr__(self) -> str:
        return f"<Step of {self.derivation.network!r}: loss {self.loss!r}>"

    def frame(self) -> pd.DataFrame:
        """Every number of the step, one row each, in the order in which they are worked out.

        Columns number, stage (given, forward, error, derivatives, deltas, updates), name, equation,
        numbers (the same with the numbers put in: Python that evaluates to the value, to the bit, where
        exp, tanh and sigmoid are fastnn's own), value; and for updates before and change.
        """
        import pandas as pd

        text = ExactText(self.derivation)
        rows = [_given_row(name, value) for name, value in self._given_values().items()]
        for computed in self._computed:
            line, before = computed.line, computed.before
            rows.append(
                {
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
        return pd.DataFrame(rows)

    def changes(self) -> pd.DataFrame:
        """One row for each parameter: its derivative, the numerical one, how it changes.

        Columns parameter, before, derivative, numerical, digits (to how many significant digits the two
        agree, 17 for all of them), change, after; then for each letter under which the optimizer remembers
        something, such as v: "v before" and "v after".
        """
        import pandas as pd

        numerical, _ = self._numerical
        rows = []
        for name, symbol in self._parameters.items():
            derivative, before = self._values[Derivative(LOSS, symbol)], self._start[symbol]
            row = {
                "parameter": name,
                "before": before,
                "derivative": derivative,
                "numerical": numerical[symbol],
                "digits": digits_of_agreement(derivative, numerical[symbol]),
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
        given = [{"given": name, "value": value} for name, value in self._given_values().items()]
        yield Section("The numbers of one step", [Table(given, formats=ROUNDED)])
        for section in sections_of(self.derivation):
            formulas = tuple(_formula(c) for c in self._computed if c.line.section == section)
            yield Section(f"{section.title}, in numbers", [Equations(self.derivation, formulas)])
        changes = self.changes()
        checked = Table(changes[["parameter", "derivative", "numerical", "digits"]], formats=ROUNDED)
        agreement = self._agreement(int(changes["digits"].min()))
        yield Section("Derivatives, checked", [agreement, checked])
        kept = [f"{letter} {when}" for letter in self.derivation.rule.states for when in ("before", "after")]
        formats = ROUNDED | dict.fromkeys(kept, rounded)
        changed = Table(changes[["parameter", *kept, "before", "change", "after"]], formats=formats)
        yield Section("Changes", [changed])

    @cached_property
    def _parameters(self) -> dict[str, Symbol]:
        """The symbol of each parameter by its name, in their order."""
        return dict(zip(self.derivation.network.parameter_names, self.derivation.state, strict=False))

    @cached_property
    def _numerical(self) -> tuple[dict[Symbol, float], set[Symbol]]:
        values = self._start | {c.line.target: c.value for c in self._computed if c.line.section == FORWARD}
        return numerical_derivatives(self.derivation, values, list(self._parameters.values()))

    def _given_values(self) -> dict[str, float]:
        """What the step begins with, by name."""
        of_the_row = [s for s in self._start if isinstance(s, Symbol) and s.family in ("x", "y")]
        symbols = [*of_the_row, *self.derivation.state]
        named = {self.derivation.name(symbol): self._start[symbol] for symbol in symbols}
        named |= {"learning_rate": self.given.learning_rate}
        return named | {symbol.family: self._start[symbol] for symbol in self.derivation.rule.given}

    def _agreement(self, digits: int) -> str:
        text = (
            "The numerical derivatives are central differences of the loss, taken in decimals of 80 digits. "
            f"They agree with those of the chain rule to at least {digits} of {ALL_DIGITS} digits."
        )
        entries = [activation(name) for name in self.derivation.network.activations]
        if digits < FEW_DIGITS and any(entry.saturates for entry in entries):
            text += " A unit is saturated: in float64, 1 - h*h or h*(1 - h) then keeps few digits or none."
        kinks = ", ".join(sorted(self.derivation.name(z) for z in self._numerical[1]))
        if not kinks:
            return text
        return (
            f"{text} {kinks_of(self.derivation.network)} Here that is so for {kinks}, where a central "
            "difference finds the mean of both sides."
        )


def digits_of_agreement(found: float, expected: float) -> int:
    """To how many significant digits two numbers agree: -log10 of their relative difference, 17 at most."""
    if found == expected:
        return ALL_DIGITS
    relative = abs(found - expected) / max(abs(found), abs(expected))
    return min(ALL_DIGITS, max(0, math.floor(-math.log10(relative))))


def _compute(derivation: Derivation, start: Values) -> list[_Computed]:
    """Every line with its numbers; refused as soon as one is not finite."""
    values, found = dict(start), []
    need_finite(folded_in(derivation), values[STEP])
    for line in explained(derivation, derivation.scalar):
        known = dict(values)
        values[line.target] = FLOATS(line.expression, values)
        text = ExactText(derivation)
        need_finite(f"equation ({line.number}), {text(line.target)}", values[line.target])
        found.append(_Computed(line, known, values[line.target]))
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


def _given_row(name: str, value: float) -> dict[str, Any]:
    blank = {"number": "", "stage": "given", "name": name, "equation": "", "numbers": "", "value": value}
    return blank | {"before": math.nan, "change": math.nan}

"""A proof beside the derivation: sympy differentiates the loss itself and compares.

Needs sympy: ``pip install "fastnn-sweep[explain]"``. The loss is composed here from the network's
definition, not from fastnn's equations. A ReLU unit is its sum times a gate, 1 where the sum is above 0 and
0 elsewhere: the gate does not change with the parameters but at 0, so that one proof covers every way in
which the gates can stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.checking import InputError
from fastnn.core.derivation import STEP, TOTAL, Derivation
from fastnn.core.expressions import Binary, Call, Expression, Number, Select, Symbol
from fastnn.explaining.blocks import Block, Heading, Paragraph, Table
from fastnn.explaining.chain_rule import LOSS, Line, explained
from fastnn.explaining.document import Document

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Proof"]


class Proof(Document):
    """For the loss, each derivative and each update: what sympy finds, minus what the equation says.

    Attributes
    ----------
    holds : bool
        Whether every difference simplifies to 0.
    """

    def __init__(self, derivation: Derivation) -> None:
        _need_sympy()
        self.derivation = derivation
        self._rows = _prove(derivation, explained(derivation, derivation.scalar))
        self.holds = all(row["difference"] == "0" for row in self._rows)

    def __repr__(self) -> str:
        return f"<Proof for {self.derivation.network!r}: {'holds' if self.holds else 'does not hold'}>"

    def frame(self) -> pd.DataFrame:
        """One row for each equation proved: number, claim, sympy (what it finds), difference."""
        import pandas as pd

        return pd.DataFrame(self._rows)

    def blocks(self) -> Iterable[Block]:
        """What is proved, and how."""
        import sympy

        yield Heading("Proof")
        yield Paragraph(
            f"sympy {sympy.__version__} differentiates the loss, composed from the network's definition, by "
            "each parameter, and what the numbered equation says is subtracted. "
            + ("Each difference simplifies to 0." if self.holds else "A difference is left: see below.")
        )
        if "relu" in self.derivation.network.activations:
            yield Paragraph("A ReLU is its sum times a gate g, which is 1 where the sum is above 0, else 0.")
        yield Table(
            ("claim", "equation", "difference"),
            tuple((row["claim"], f"({row['number']})", row["difference"]) for row in self._rows),
        )


def _need_sympy() -> None:
    try:
        import sympy as _  # noqa: F401
    except ImportError:
        raise InputError(
            'the proof needs sympy; it is not installed. Run: pip install "fastnn-sweep[explain]"'
        ) from None


def _prove(derivation: Derivation, lines: Sequence[Line]) -> list[dict[str, str]]:
    import sympy

    learning_rate = sympy.Symbol("learning_rate")
    algebra = _Algebra(derivation)
    loss = algebra.defined_loss()
    ours = algebra.of(lines, -2 * learning_rate)
    found = []

    def compare(line: Line, claim: str, expected: Any, value: Any) -> None:
        difference = algebra.simplified(expected - value)
        row = {"number": line.number, "claim": claim, "sympy": str(algebra.short(expected))}
        found.append(row | {"difference": str(difference)})

    for line, value in zip(lines, ours, strict=True):
        if line.target == LOSS:
            compare(line, "L is the squared error", loss, value)
        elif line.section in ("derivatives", "updates"):
            symbol = line.target if isinstance(line.target, Symbol) else line.target.by
            if symbol.family not in ("w", "b"):
                continue
            name = derivation.name(symbol)
            derivative = sympy.diff(loss, sympy.Symbol(name))
            if line.section == "derivatives":
                compare(line, f"∂L/∂{name}", derivative, value)
            else:
                moved = sympy.Symbol(name) - learning_rate * derivative
                compare(line, f"{name} - learning_rate*∂L/∂{name}", moved, value)
    return found


@cache
def _functions() -> tuple[Any, Any]:
    """sympy functions: sigmoid, kept closed with its own derivative, and one that keeps a value in one piece.

    Of the first sympy proves here that the derivative is right. The second is the identity, and so its
    derivative is 1; sympy would otherwise multiply sums out, and 3-3-3-3-1 take 15 s instead of 1.
    """
    import sympy

    class Sigmoid(sympy.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Any:
            return self * (1 - self)

    class Kept(sympy.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Any:
            return sympy.Integer(1)

    z = sympy.Symbol("z")
    logistic = 1 / (1 + sympy.exp(-z))
    if sympy.simplify(sympy.diff(logistic, z) - logistic * (1 - logistic)) != 0:
        raise AssertionError("sympy does not find sigmoid's derivative")
    return Sigmoid, Kept


class _Algebra:
    """The network in sympy: its loss by definition, and by fastnn's equations."""

    def __init__(self, derivation: Derivation) -> None:
        import sympy

        self.derivation = derivation
        self.network = derivation.network
        self.sympy = sympy
        self.sigmoid, self.keep = _functions()
        self.kept: dict[Any, Any] = {}

    def kept_as(self, value: Any, name: str) -> Any:
        """`value` in one piece, to be shown under a name."""
        kept = self.keep(value)
        if kept not in self.kept:
            # Another value of the same name must not pass for the first one.
            symbol = self.sympy.Symbol(name)
            self.kept[kept] = self.sympy.Dummy(name) if symbol in self.kept.values() else symbol
        return kept

    def defined_loss(self) -> Any:
        """The squared error of one row, by the definition of the network."""
        names = np.array(self.network.parameter_names, dtype=object)
        symbols = np.array([self.sympy.Symbol(name) for name in names], dtype=object)
        values = [self.named(Symbol("x", 0, (i,))) for i in range(self.network.n_inputs)]
        for layer, (W, b) in enumerate(self.network.split(symbols), start=1):
            inputs = values
            sums = (sum(w * a for w, a in zip(row, inputs, strict=True)) for row in W)
            values = [self.unit(layer, j, z + bias) for j, (z, bias) in enumerate(zip(sums, b, strict=True))]
        return sum(self.error(k, value) ** 2 for k, value in enumerate(values))

    def error(self, k: int, value: Any) -> Any:
        """How far an output is from its target."""
        difference = value - self.named(Symbol("y", 0, (k,)))
        return self.kept_as(difference, self.derivation.name(Symbol("d", 0, (k,))))

    def unit(self, layer: int, unit: int, z: Any) -> Any:
        """What a unit of a layer makes of its sum."""
        activation = self.network.activations[layer - 1]
        if activation == "identity":
            family = "yhat" if layer == len(self.network.activations) else "h"
            return self.kept_as(z, self.derivation.name(Symbol(family, layer, (unit,))))
        kept = self.kept_as(z, self.derivation.name(Symbol("z", layer, (unit,))))
        return self.gate(layer, unit) * kept if activation == "relu" else self.call(activation, kept)

    def gate(self, layer: int, unit: int) -> Any:
        return self.named(Symbol("g", layer, (unit,)))

    def call(self, function: str, argument: Any) -> Any:
        return {"tanh": self.sympy.tanh, "sigmoid": self.sigmoid}[function](argument)

    def named(self, symbol: Symbol) -> Any:
        return self.sympy.Symbol(self.derivation.name(symbol))

    def of(self, lines: Sequence[Line], step: Any) -> list[Any]:
        """What the lines make of the symbols of one row, line by line."""
        values: dict[Expression, Any] = {STEP: step, TOTAL: self.sympy.Integer(0)}
        found = []
        for line in lines:
            value = self.evaluated(line.expression, values)
            if line.section in ("forward", "error") and _is_sum(line):
                assert isinstance(line.target, Symbol)  # noqa: S101 - no derivative among these
                value = self.kept_as(value, self.derivation.name(line.target))
            values[line.target] = value
            found.append(value)
        return found

    def evaluated(self, node: Expression, values: dict[Expression, Any]) -> Any:
        """An expression in sympy; where ReLU chooses, the gate does."""
        match node:
            case Number(value):
                return self.sympy.nsimplify(value)
            case Binary(operator, left, right):
                a, b = self.evaluated(left, values), self.evaluated(right, values)
                return {"+": a + b, "-": a - b, "*": a * b}[operator]
            case Select(Symbol("z", layer, (int(unit),)), comparison, Number(0.0), yes, no):
                gate = self.gate(layer, unit)
                opened, shut = (yes, no) if comparison == ">" else (no, yes)
                return gate * self.evaluated(opened, values) + (1 - gate) * self.evaluated(shut, values)
            case Call(function, argument):
                return self.call(function, self.evaluated(argument, values))
        return values[node] if node in values else values.setdefault(node, self.named(_symbol(node)))

    def short(self, expression: Any) -> Any:
        """An expression with every value that was kept in one piece under its name."""
        return expression.xreplace(self.kept)

    def simplified(self, difference: Any) -> Any:
        return self.sympy.expand(self.short(difference))


def _is_sum(line: Line) -> bool:
    """Whether a line gives a weighted sum or an error, which are kept in one piece."""
    return isinstance(line.expression, Binary) and line.target != LOSS


def _symbol(node: Expression) -> Symbol:
    assert isinstance(node, Symbol)  # noqa: S101 - derivatives are known before they are read
    return node

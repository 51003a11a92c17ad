"""Computing with equations, one operation after the other: in Python's floats, exactly as the engines do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import add, gt, le, lt, mul, sub, truediv
from typing import Any

from fastnn.core.elementary import elementary
from fastnn.core.expressions import (
    Binary,
    Call,
    Exponent,
    Expression,
    Larger,
    Number,
    PowerOfTwo,
    Select,
    SquareRoot,
    Symbol,
    Visitor,
)

__all__ = ["FLOATS", "OPERATIONS", "Arithmetic", "Values"]

Values = dict[Expression, Any]

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {"+": add, "-": sub, "*": mul, "/": truediv}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {"<": lt, "<=": le, ">": gt}


@dataclass(frozen=True)
class Arithmetic(Visitor):
    """How a kind of number is made from a constant, and how functions, roots and quotients are worked out.

    Called with an expression and the values of its symbols, and of what else is known by now.
    """

    number: Callable[[float], Any]
    call: Callable[[str, Any], Any]
    square_root: Callable[[Any], Any]
    quotient: Callable[[Any, Any], Any] = truediv

    def __call__(self, node: Expression, values: Mapping[Expression, Any]) -> Any:
        """The value of an expression."""
        return self.visit(node, values)

    def visit_symbol(self, node: Symbol, values: Mapping[Expression, Any]) -> Any:
        """A value that is known."""
        return values[node]

    visit_derivative = visit_symbol

    def visit_number(self, node: Number, values: Mapping[Expression, Any]) -> Any:
        """A constant."""
        return self.number(node.value)

    def visit_binary(self, node: Binary, values: Mapping[Expression, Any]) -> Any:
        """One operation, rounded once."""
        operation = self.quotient if node.operator == "/" else OPERATIONS[node.operator]
        return operation(self(node.left, values), self(node.right, values))

    def visit_select(self, node: Select, values: Mapping[Expression, Any]) -> Any:
        """One of two values; the other is not worked out."""
        holds = COMPARISONS[node.comparison](self(node.left, values), self(node.right, values))
        return self(node.yes if holds else node.no, values)

    def visit_call(self, node: Call, values: Mapping[Expression, Any]) -> Any:
        """A function of its argument."""
        return self.call(node.function, self(node.argument, values))

    def visit_power_of_two(self, node: PowerOfTwo, values: Mapping[Expression, Any]) -> Any:
        """Exact, as all powers of two are."""
        return self.number(math.ldexp(1.0, int(self(node.exponent, values))))

    def visit_exponent(self, node: Exponent, values: Mapping[Expression, Any]) -> Any:
        """A whole number."""
        return self.number(math.frexp(float(self(node.number, values)))[1] - 1)

    def visit_larger(self, node: Larger, values: Mapping[Expression, Any]) -> Any:
        """The larger of two."""
        left, right = self(node.left, values), self(node.right, values)
        return right if left < right else left

    def visit_square_root(self, node: SquareRoot, values: Mapping[Expression, Any]) -> Any:
        """The square root, rounded once."""
        return self.square_root(self(node.square, values))


def _float_call(name: str, argument: float) -> float:
    """A function of `fastnn.core.elementary`, step by step, for a finite number."""
    function = elementary(name, "float64")
    values: Values = {function.argument: argument}
    for step in function.steps:
        values[step.target] = FLOATS(step.expression, values)
    return float(values[function.result])


def _float_root(square: float) -> float:
    """As the engines have it: NaN below 0."""
    return math.nan if square < 0 else math.sqrt(square)


def _float_quotient(dividend: float, divisor: float) -> float:
    """As the engines have it: infinite or NaN where the divisor is 0."""
    if divisor:
        return dividend / divisor
    return math.copysign(math.inf, dividend) * math.copysign(1.0, divisor) if dividend else math.nan


FLOATS = Arithmetic(float, _float_call, _float_root, _float_quotient)

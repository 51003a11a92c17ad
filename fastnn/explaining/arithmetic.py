"""Computing with equations: in float64, exactly as the engines do, and in decimals of sixty digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from operator import add, gt, le, lt, mul, sub, truediv
from typing import Any

from fastnn.core.elementary import elementary
from fastnn.core.equations import ERROR, FORWARD, Derivation
from fastnn.core.expressions import (
    Binary,
    Call,
    Exponent,
    Expression,
    Number,
    PowerOfTwo,
    Select,
    SquareRoot,
    Symbol,
    Visitor,
)
from fastnn.core.precisions import PI

__all__ = ["DECIMALS", "FLOATS", "Arithmetic", "Values", "numerical_derivatives"]

Values = dict[Expression, Any]

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {"+": add, "-": sub, "*": mul, "/": truediv}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {"<": lt, "<=": le, ">": gt}

DIGITS = 80
HALF_PI = Context(prec=100).divide(Decimal(PI.numerator), Decimal(2 * PI.denominator))
# The central difference is then off by about SHIFT**2 of the derivative: 40 digits are right.
SHIFT = Decimal("1e-20")


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


def _decimal_call(name: str, argument: Decimal) -> Decimal:
    """The function itself, to the digits of the context; tanh and sigmoid by exp(-|x|)."""
    match name:
        case "exp":
            return argument.exp()
        case "expm1":
            return argument.exp() - 1
        case "log":
            return argument.ln()
        case "log1p":
            return (1 + argument).ln()
        case "sin":
            return _decimal_sine(argument)
        case "cos":
            return _decimal_sine(argument + HALF_PI)
    small = (-abs(argument)).exp()
    if name == "sigmoid":
        return (1 if argument >= 0 else small) / (1 + small)
    return ((1 - small * small) / (1 + small * small)).copy_sign(argument)


def _decimal_sine(x: Decimal) -> Decimal:
    """The series, of x less a multiple of 2*pi."""
    turn = 4 * HALF_PI
    x = x.remainder_near(turn)
    power, total, n = x, x, 1
    while abs(power) > abs(total) * Decimal(10) ** -DIGITS:
        power *= -x * x / ((n + 1) * (n + 2))
        total, n = total + power, n + 2
    return total


def _float_root(square: float) -> float:
    """As the engines have it: NaN below 0."""
    return math.nan if square < 0 else math.sqrt(square)


def _float_quotient(dividend: float, divisor: float) -> float:
    """As the engines have it: infinite or NaN where the divisor is 0."""
    if divisor:
        return dividend / divisor
    return math.copysign(math.inf, dividend) * math.copysign(1.0, divisor) if dividend else math.nan


FLOATS = Arithmetic(float, _float_call, _float_root, _float_quotient)
DECIMALS = Arithmetic(Decimal, _decimal_call, Decimal.sqrt)


def numerical_derivatives(
    derivation: Derivation, values: Mapping[Expression, float], parameters: list[Symbol]
) -> tuple[dict[Symbol, float], set[Symbol]]:
    """The derivatives of one row's loss by central differences, in decimals of `DIGITS` digits.

    Parameters
    ----------
    derivation : Derivation
        Only its equations of the loss are used, not its derivatives.
    values : dict
        The values of the parameters, the inputs and the targets before the step, and of the sums z.
    parameters : list of Symbol

    Returns
    -------
    derivatives : dict
        One for each parameter.
    kinks : set of Symbol
        The sums of ReLU units that some shift took across 0, where the loss has no derivative.
    """
    loss = _Loss(derivation, values)
    found = {}
    with localcontext(Context(prec=DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN)):
        for parameter in parameters:
            value = Decimal(values[parameter])
            shift = SHIFT * max(Decimal(1), abs(value))
            difference = loss({parameter: value + shift}) - loss({parameter: value - shift})
            found[parameter] = float(difference / (2 * shift))
    return found, loss.kinks


class _Loss:
    """The squared error of one row, in decimals, by the equations of the forward pass."""

    def __init__(self, derivation: Derivation, values: Mapping[Expression, float]) -> None:
        self.equations = [e for e in derivation.scalar if e.stage in (FORWARD, ERROR)]
        self.values = values
        self.kinks: set[Symbol] = set()

    def __call__(self, shifted: Mapping[Symbol, Decimal]) -> Decimal:
        exact: Values = {node: Decimal(value) for node, value in self.values.items()} | dict(shifted)
        for equation in self.equations:
            exact[equation.target] = DECIMALS(equation.expression, exact)
            match equation.expression:
                case Select(Symbol() as z) if (exact[z] > 0) != (self.values[z] > 0):
                    self.kinks.add(z)
        return Decimal(exact[self.equations[-1].target])

"""Computing with equations in decimals of eighty digits, and derivatives by differences of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

from fastnn.core.arithmetic import Arithmetic, Values
from fastnn.core.equations import ERROR, FORWARD, Derivation
from fastnn.core.expressions import Expression, Select, Symbol
from fastnn.core.precisions import PI

__all__ = ["DECIMALS", "numerical_derivatives"]

DIGITS = 80
HALF_PI = Context(prec=100).divide(Decimal(PI.numerator), Decimal(2 * PI.denominator))
# The central difference is then off by about SHIFT**2 of the derivative: 40 digits are right.
SHIFT = Decimal("1e-20")


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
        The sums of ReLU units, and the errors, that some shift took across 0, where there is no derivative.
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
    """The loss of one row, in decimals, by the equations of the forward pass."""

    def __init__(self, derivation: Derivation, values: Mapping[Expression, float]) -> None:
        self.equations = [e for e in derivation.scalar if e.stage in (FORWARD, ERROR)]
        self.values = values
        self.kinked = bool(derivation.rule.loss.kink)
        self.signs: dict[Symbol, bool] = {}
        self.kinks: set[Symbol] = set()

    def __call__(self, shifted: Mapping[Symbol, Decimal]) -> Decimal:
        exact: Values = {node: Decimal(value) for node, value in self.values.items()} | dict(shifted)
        for equation in self.equations:
            exact[equation.target] = DECIMALS(equation.expression, exact)
            match equation.expression:
                case Select(Symbol() as z) if (exact[z] > 0) != (self.values[z] > 0):
                    self.kinks.add(z)
            if equation.kind == "error" and self.kinked:
                above = exact[equation.target] > 0
                if self.signs.setdefault(equation.target, above) != above:
                    self.kinks.add(equation.target)
        return Decimal(exact[self.equations[-1].target])

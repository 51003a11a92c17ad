"""The equations of a training step as a page of mathematics tells them: with the derivatives themselves.

What runs has the step folded in: a delta is ``s = step*d...``, with step = -2*learning_rate. Put the loss's
factor, 2, for the step, and the same equation gives the derivative of the loss by the unit's weighted sum:
that is how the lines here are made. So line 8' is the derivative that belongs to equation 8 of the
derivation, and -learning_rate times the one is the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fastnn.core.activations import activation
from fastnn.core.derivation import DELTAS, ERROR, FORWARD, UPDATES, Derivation, Equation, Stage
from fastnn.core.expressions import Binary, Expression, Number, Symbol, nodes, rebuild
from fastnn.core.network import Network
from fastnn.core.rule import STEP
from fastnn.core.values import TOTAL, error
from fastnn.printing.notation import Text
from fastnn.printing.signs import Derivative

__all__ = ["DERIVATIVES", "LOSS", "SECTIONS", "Line", "explained", "folded_in", "kinks_of", "put", "sign_of"]

DERIVATIVES = Stage("derivatives", "Derivatives")
SECTIONS = (FORWARD, ERROR, DERIVATIVES, DELTAS, UPDATES)
LOSS = Symbol("L")


@dataclass(frozen=True)
class Line:
    """One numbered equation of an explanation.

    Attributes
    ----------
    number : str
        The number of its equation in the derivation; with a prime for its derivative: "8", "8'".
    section : Stage
        One of `SECTIONS`.
    target : Symbol or Derivative
        What it computes.
    chain : Expression or None
        For a derivative, the chain rule that gives it, in derivatives alone.
    expression : Expression
        From what it is computed.
    rule : str
        By which rule, in words.
    """

    number: str
    section: Stage
    target: Symbol | Derivative
    chain: Expression | None
    expression: Expression
    rule: str


def explained(derivation: Derivation, equations: tuple[Equation, ...]) -> tuple[Line, ...]:
    """The lines for the equations of a derivation, written out or with running indices.

    In the order in which they can be computed, section by section.
    """
    derivatives = _Derivatives(derivation, equations)
    lines = [derivatives.line(e) for e in equations if e.kind in ("delta", "update")]
    lines += [_as_it_runs(e) for e in equations]
    return tuple(line for section in SECTIONS for line in lines if line.section == section)


def folded_in(derivation: Derivation) -> str:
    """What is computed from the learning rate before the first row: ``step = -2*learning_rate``."""
    text = Text(derivation)
    ((target, value),) = derivation.rule.values(Symbol("learning_rate")).items()
    return f"{text(target)} = {text(value)}"


def sign_of(line: Line) -> str:
    """What stands between a line's target and what it becomes: an update replaces its target."""
    return "←" if line.section == UPDATES else "="


def kinks_of(network: Network) -> str:
    """What has to be said of points where an activation of a network has no derivative."""
    said = (activation(name).kink for name in network.activations)
    return " ".join(dict.fromkeys(filter(None, said)))


def put(node: Expression, values: Mapping[Expression, Expression]) -> Expression:
    """`node` with what `values` has for its parts."""
    return values[node] if node in values else rebuild(node, lambda operand: put(operand, values))


def _as_it_runs(equation: Equation) -> Line:
    """The equation itself; but for the loss, which is told without the epoch's total it is added to."""
    target, expression = equation.target, equation.expression
    match expression:
        case Binary("+", left, loss) if target == TOTAL == left:
            target, expression = LOSS, loss
    return Line(str(equation.number), equation.stage, target, None, expression, equation.rule)


class _Derivatives:
    """Makes the derivatives out of the deltas and updates of a network.

    Written out, the derivative by an output that is its own weighted sum is short, 2*d, and stands wherever
    it is needed; the others stand there by name.
    """

    def __init__(self, derivation: Derivation, equations: tuple[Equation, ...]) -> None:
        self.network = derivation.network
        self.loss = derivation.rule.loss
        self.last = len(self.network.layers) - 1
        self.without_step: dict[Expression, Expression] = {STEP: Number(self.loss.factor)}
        self.short = {
            e.target: put(e.expression, self.without_step)
            for e in equations
            if (e.kind, e.layer) == ("delta", self.last) and not e.over and self._is_identity(self.last)
        }

    def _is_identity(self, layer: int) -> bool:
        """Whether the units of a layer pass on their weighted sums."""
        return activation(self.network.activations[layer - 1]).is_identity

    def line(self, equation: Equation) -> Line:
        by, expression = self._by(equation), self._without_the_step(equation)
        rule, chain = self._rule(equation), self._chain(equation, by)
        return Line(f"{equation.number}'", DERIVATIVES, Derivative(LOSS, by), chain, expression, rule)

    def _by(self, equation: Equation) -> Symbol:
        """By what the loss is differentiated: a parameter, or the weighted sum of a delta's unit."""
        return equation.target if equation.kind == "update" else self._weighted_sum(equation.target)

    def _weighted_sum(self, symbol: Symbol) -> Symbol:
        """The weighted sum of the unit that a delta or a bias belongs to."""
        if not self._is_identity(symbol.layer):
            return Symbol("z", symbol.layer, symbol.indices[:1])
        return self._value(symbol)

    def _value(self, symbol: Symbol) -> Symbol:
        """What the unit passes on."""
        return Symbol("yhat" if symbol.layer == self.last else "h", symbol.layer, symbol.indices[:1])

    def _without_the_step(self, equation: Equation) -> Expression:
        """What is added to a parameter, or a delta, with 2 for the step and derivatives for the deltas."""
        expression = equation.expression
        if equation.kind == "update":
            assert isinstance(expression, Binary)  # noqa: S101 - an update adds to its parameter
            expression = expression.right
        return put(expression, self.without_step | {s: self._derivative(s) for s in _deltas_in(expression)})

    def _derivative(self, delta: Symbol) -> Expression:
        """The derivative by a delta's weighted sum."""
        return self.short.get(delta, Derivative(LOSS, self._weighted_sum(delta)))

    def _chain(self, equation: Equation, by: Symbol) -> Expression:
        """The chain of derivatives that leads from the loss to `by`."""
        if equation.kind == "update":
            unit = self._weighted_sum(by)
            return Derivative(LOSS, unit) * Derivative(unit, by)
        value = self._value(equation.target)
        arriving = self._arriving(equation, value)
        return arriving if by == value else arriving * Derivative(value, by)

    def _arriving(self, equation: Equation, value: Symbol) -> Expression:
        """The chain from the loss to what a unit passes on: one path through each unit after it."""
        if equation.target.layer == self.last:
            d = error(*equation.target.indices)
            return Derivative(LOSS, d) * Derivative(d, value)
        after = [self._weighted_sum(s) for s in _deltas_in(equation.expression)]
        first, *rest = (Derivative(LOSS, unit) * Derivative(unit, value) for unit in after)
        return sum(rest, start=first)

    def _rule(self, equation: Equation) -> str:
        """By which rule, in words."""
        if equation.target.family == "w":
            return "the weight moves its unit's sum by its input"
        if equation.target.family == "b":
            return "the bias moves its unit's sum one to one"
        name = self.network.activations[equation.target.layer - 1]
        slope = "" if self._is_identity(equation.target.layer) else f", times the derivative of {name}"
        if equation.target.layer == self.last:
            return f"derivative of the {self.loss.words}{slope}"
        return f"what arrives through the weights of the layer after it{slope}"


def _deltas_in(expression: Expression) -> Iterator[Symbol]:
    found = [node for node in nodes(expression) if isinstance(node, Symbol) and node.family == "s"]
    return iter(dict.fromkeys(found))

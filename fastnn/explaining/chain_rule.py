"""The equations of a training step as a page of mathematics tells them: with the derivatives themselves.

What runs has the step folded in: a delta is ``s = step*d...``, with step = -2*learning_rate. Put the loss's
factor, 2, for the step, and the same equation gives the derivative of the loss by the unit's weighted sum:
that is how the lines here are made. So line 8' is the derivative that belongs to equation 8 of the
derivation, and -learning_rate times the one is the other. Where an optimizer needs the gradient itself, the
two are the same. The derivative by a parameter belongs to the first equation in which the parameter's change
stands: to that of its gradient, in batches its sum over the rows; else where an optimizer keeps a velocity,
to the velocity's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from fastnn.core.activations import activation
from fastnn.core.derivation import derived
from fastnn.core.equations import DELTAS, Derivation, Equation, Kind, Part, Stage
from fastnn.core.expressions import Binary, Expression, Number, Symbol, nodes, rebuild
from fastnn.core.rule import COEFFICIENT, FACTOR, SHARE, STEP, Rule
from fastnn.core.values import TOTAL, error, gradient_of, state_of
from fastnn.printing.notation import Text
from fastnn.printing.signs import Derivative

__all__ = [
    "DERIVATIVES",
    "LOSS",
    "Line",
    "explained",
    "in_turn",
    "kinks_of",
    "put",
    "sections_of",
    "sign_of",
    "worked_out_before",
]

DERIVATIVES = Stage("derivatives", "Derivatives")
LOSS = Symbol("L")
RULES = {
    "w": "the weight moves its unit's sum by its input",
    "b": "the bias moves its unit's sum one to one",
}


@dataclass(frozen=True)
class Line:
    """One numbered equation of an explanation.

    Attributes
    ----------
    number : str
        The number of its equation in the derivation; with a prime for its derivative: "8", "8'".
    section : Stage
        One of `sections_of`.
    kind : str
        What its equation computes, as `fastnn.core.equations.Equation` has it; else "derivative".
    target : Symbol or Derivative
        What it computes.
    chain : Expression or None
        For a derivative, the chain rule that gives it, in derivatives alone; none for that of a loss fused
        with the outputs' activation, by their sums.
    expression : Expression
        From what it is computed.
    rule : str
        By which rule, in words.
    """

    number: str
    section: Stage
    kind: Kind | Literal["derivative"]
    target: Symbol | Derivative
    chain: Expression | None
    expression: Expression
    rule: str


def sections_of(derivation: Derivation) -> tuple[Stage, ...]:
    """The sections of an explanation: the stages of the step, and the derivatives before the deltas."""
    stages = derivation.stages
    deltas = stages.index(DELTAS)
    return (*stages[:deltas], DERIVATIVES, *stages[deltas:])


Told = TypeVar("Told", Line, Equation)


def explained(derivation: Derivation, equations: tuple[Equation, ...]) -> tuple[Line, ...]:
    """The lines for the equations of a derivation, written out or with running indices.

    In the order in which they can be computed, section by section.
    """
    lines = [*_Derivatives(derivation, equations).lines(), *map(_as_it_runs, equations)]
    return tuple(line for section in sections_of(derivation) for line in lines if line.section == section)


def in_turn(lines: Sequence[Told], rows: int) -> Iterator[tuple[int, list[Told]]]:
    """Lines or equations in the order in which they run for a batch of `rows` rows.

    Those of row 1, 2, ...; with 0 for no row, those that come once, at the begin of the batch and at its end.
    """
    parts: dict[Part, list[Told]] = {"begin": [], "row": [], "end": []}
    for line in lines:
        parts[(line.section if isinstance(line, Line) else line.stage).when].append(line)
    yield 0, parts["begin"]
    for row in range(1, rows + 1):
        yield row, parts["row"]
    yield 0, parts["end"]


def worked_out_before(derivation: Derivation) -> dict[Expression, str]:
    """What is computed from the settings before the first row, in words: ``step = -2*learning_rate``."""
    text, rule = Text(derivation), derivation.rule
    settings = {name: Symbol(name) for name in rule.settings}
    values = rule.values(Symbol("learning_rate"), **settings)
    return {s: f"{text(s)} = {text(value)}" for s, value in values.items() if value != s}


def sign_of(line: Line) -> str:
    """What stands between a line's target and its expression: an arrow where the target replaces itself."""
    return "←" if line.target in nodes(line.expression) else "="


def kinks_of(derivation: Derivation) -> str:
    """What has to be said of points where an activation, or the loss, has no derivative."""
    said = (activation(name).kink for name in derivation.network.activations)
    return " ".join(dict.fromkeys(filter(None, (*said, derivation.rule.loss.kink))))


def put(node: Expression, values: Mapping[Expression, Expression]) -> Expression:
    """`node` with what `values` has for its parts."""
    return values[node] if node in values else rebuild(node, lambda operand: put(operand, values))


def _as_it_runs(equation: Equation) -> Line:
    """The equation itself; but for the loss, which is told without the epoch's total it is added to."""
    target, expression = equation.target, equation.expression
    match expression:
        case Binary("+", left, loss) if target == TOTAL == left:
            target, expression = LOSS, loss
    return Line(str(equation.number), equation.stage, equation.kind, target, None, expression, equation.rule)


class _Derivatives:
    """Makes the derivatives out of the deltas of a network and the changes of its parameters.

    Written out, the derivative by an output that is its own weighted sum is short, 2*d, and stands wherever
    it is needed; the others stand there by name.
    """

    def __init__(self, derivation: Derivation, equations: tuple[Equation, ...]) -> None:
        self.derivation = derivation
        self.equations = equations
        self.network = derivation.network
        self.loss = derivation.rule.loss
        self.last = len(self.network.layers) - 1
        self.without_step: dict[Expression, Expression] = dict.fromkeys(
            (STEP, FACTOR), Number(self.loss.factor)
        ) | {SHARE: Number(self.loss.factor) * COEFFICIENT}
        self.short = {
            e.target: put(e.expression, self.without_step)
            for e in equations
            if (e.kind, e.layer) == ("delta", self.last) and not e.over and self._is_identity(self.last)
        }

    def _is_identity(self, layer: int) -> bool:
        """Whether the units of a layer pass on their weighted sums."""
        return activation(self.network.activations[layer - 1]).is_identity

    def lines(self) -> Iterator[Line]:
        """The derivatives by the weighted sums of the units, then those by the parameters."""
        for equation in self.equations:
            if equation.kind == "delta":
                by = self._weighted_sum(equation.target)
                chain, rule = self._chain_to_a_sum(equation, by), self._rule_of_a_sum(equation.target.layer)
                yield self._line(equation.number, by, chain, equation.expression, rule)
        numbers = self._first_equations()
        for parameter, change in self._changes().items():
            unit = self._weighted_sum(parameter)
            chain = Derivative(LOSS, unit) * Derivative(unit, parameter)
            yield self._line(numbers[parameter], parameter, chain, change, RULES[parameter.family])

    def _line(self, number: int, by: Symbol, chain: Expression | None, folded: Expression, rule: str) -> Line:
        """One derivative; `folded` is what runs in its place, with the step."""
        expression = self._without_the_step(folded)
        return Line(f"{number}'", DERIVATIVES, "derivative", Derivative(LOSS, by), chain, expression, rule)

    def _changes(self) -> dict[Symbol, Expression]:
        """What plain gradient descent adds to each parameter: the change that every optimizer is given."""
        plain = derived(self.network, Rule(loss=self.loss))
        written_out = not any(equation.over for equation in self.equations)
        changes = {}
        for equation in plain.scalar if written_out else plain.equations:
            if equation.kind == "update":
                assert isinstance(equation.expression, Binary)  # noqa: S101 - it adds to its parameter
                changes[equation.target] = equation.expression.right
        return changes

    def _first_equations(self) -> dict[Symbol, int]:
        """The number of the first equation of each parameter: of its gradient, its state or its update."""
        numbers = {e.target: e.number for e in reversed(self.equations)}
        first = {}
        for parameter in (e.target for e in self.equations if e.kind == "update"):
            states = (state_of(letter, parameter) for letter in self.derivation.rule.states)
            own = (gradient_of(parameter), *states, parameter)
            first[parameter] = min(numbers[target] for target in own if target in numbers)
        return first

    def _weighted_sum(self, symbol: Symbol) -> Symbol:
        """The weighted sum of the unit that a delta or a bias belongs to."""
        if not self._is_identity(symbol.layer):
            return Symbol("z", symbol.layer, symbol.indices[:1])
        return self._value(symbol)

    def _value(self, symbol: Symbol) -> Symbol:
        """What the unit passes on."""
        return Symbol("yhat" if symbol.layer == self.last else "h", symbol.layer, symbol.indices[:1])

    def _without_the_step(self, expression: Expression) -> Expression:
        """A delta, or a parameter's change, with 2 for the step and derivatives for the deltas."""
        return put(expression, self.without_step | {s: self._derivative(s) for s in _deltas_in(expression)})

    def _derivative(self, delta: Symbol) -> Expression:
        """The derivative by a delta's weighted sum."""
        return self.short.get(delta, Derivative(LOSS, self._weighted_sum(delta)))

    def _chain_to_a_sum(self, equation: Equation, by: Symbol) -> Expression | None:
        """The chain of derivatives that leads from the loss to the weighted sum of a delta's unit.

        None for a fused loss, whose derivative by the outputs' sums is found at once.
        """
        if equation.target.layer == self.last and self.loss.outputs:
            return None
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

    def _rule_of_a_sum(self, layer: int) -> str:
        """By which rule the derivative by a unit's weighted sum is found, in words."""
        name = self.network.activations[layer - 1]
        slope = "" if self._is_identity(layer) else f", times the derivative of {name}"
        if layer == self.last:
            if self.loss.outputs:
                return f"derivative of the {self.loss.words} of {name}, by the weighted sum: the error itself"
            return f"derivative of the {self.loss.words}{slope}"
        return f"what arrives through the weights of the layer after it{slope}"


def _deltas_in(expression: Expression) -> Iterator[Symbol]:
    found = [node for node in nodes(expression) if isinstance(node, Symbol) and node.family == "s"]
    return iter(dict.fromkeys(found))

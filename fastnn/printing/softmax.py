"""Softmax outputs in vectors of networks: fewer exponentials, side by side, and the loss after all else.

The bits are those of the equations. The exponential of the largest output is exp(0), which is 1. So exp is
worked out for all outputs but one: where the largest is not the first output, the first takes its place. The
functions are those for the numbers that softmax has. A function waits for its own results, so several values
take turns; no other equation waits for the loss. Measured (against identity and the squared error): 4-5-3
x1.65, and x2.3 equation by equation; 4-16-3 x1.4, and x1.75.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fastnn.core.equations import ERROR, FORWARD, Derivation, Equation
from fastnn.core.expressions import (
    Call,
    Expression,
    Largest,
    Number,
    Select,
    Sum,
    Symbol,
    bind,
    rebuild,
)
from fastnn.core.fused import of_one_class
from fastnn.core.values import LOG_WHOLE, TOP, target_value
from fastnn.printing.infix import Infix, Lines, assignment
from fastnn.printing.scalars import Written

__all__ = ["few_outputs", "in_turns", "lost_last", "narrowed", "write_ahead", "write_softmax"]

NARROWER = {"exp": "exp_below_0", "log": "log_from_1"}

MOST_OUTPUTS = 10  # that have lines of their own

OF_LARGEST = Symbol("of_largest")  # the exponential of the largest output: 1, or NaN where that is infinite


def narrowed(derivation: Derivation) -> Derivation:
    """The equations in fewer operations, with the same bits for what softmax and its targets are."""
    short = few_outputs(derivation) and of_one_class(derivation.rule.loss, derivation.network.output)

    def rewritten(equation: Equation) -> Expression:
        if equation.kind == "loss" and short:
            return _of_class(equation.expression, derivation)
        return _narrower(equation.expression) if equation.kind == "softmax" else equation.expression

    equations = (replace(equation, expression=rewritten(equation)) for equation in derivation)
    return replace(derivation, equations=tuple(equations))


def _narrower(node: Expression) -> Expression:
    """The same with functions that suffice for softmax."""
    if isinstance(node, Call):
        node = Call(NARROWER[node.function], node.argument)
    return rebuild(node, _narrower)


def _of_class(node: Expression, derivation: Derivation) -> Expression:
    """The same with what the output of the row's class loses, for the sum over all outputs."""
    if not isinstance(node, Sum):
        return rebuild(node, lambda operand: _of_class(operand, derivation))
    *others, z = _sums(derivation)
    for k, other in reversed([*enumerate(others)]):
        z = Select(target_value(k), ">", Number(0.0), other, z)
    target, loses = target_value(node.index), (TOP - z) + LOG_WHOLE
    term = _with_loss(loses, target, node.term)
    return node if term == node.term else term


def _with_loss(loses: Expression, target: Expression, node: Expression) -> Expression:
    """The same with what the row's class loses, where the output's target chooses between that and 0."""
    if isinstance(node, Select) and node.left == target:
        return loses
    return rebuild(node, lambda operand: _with_loss(loses, target, operand))


def _sums(derivation: Derivation) -> list[Expression]:
    """The weighted sums of the outputs, each by its number."""
    (largest,) = (e.expression for e in derivation.of("softmax") if isinstance(e.expression, Largest))
    return [bind(largest.term, {largest.index: k}) for k in range(largest.index.size)]


def few_outputs(derivation: Derivation) -> bool:
    """Whether the outputs are softmax, and few enough to have lines of their own."""
    return bool(derivation.of("softmax")) and derivation.network.n_outputs <= MOST_OUTPUTS


def lost_last(equations: Iterable[Equation]) -> list[Equation]:
    """Of equations, the loss of softmax outputs and its logarithm: no update waits for them."""
    ends = [e for e in equations if e.kind in ("softmax", "loss") and e.stage == ERROR]
    return ends if any(e.kind == "softmax" for e in ends) else []


def write_ahead(written: Written, together: int, lines: Lines) -> None:
    """Write the forward pass and the errors of a row, one variable for each value; not what may come last."""
    derivation = written.derivation
    late, few = lost_last(derivation.scalar), few_outputs(derivation)
    ahead = [e for e in derivation.scalar if e.stage in (FORWARD, ERROR) and e not in late]
    if not few:
        written.write(lines, ahead)
        return
    written.write(lines, (e for e in ahead if e.kind in ("sum", "activation")))
    write_softmax(derivation, written.language, together, lines)


def in_turns(targets: Sequence[str], function: str, arguments: Sequence[str]) -> str:
    """The line in which a function works on several values at once, each with a target."""
    if len(targets) == 1:
        return f"{targets[0]} = {function}({arguments[0]})"
    return f"{', '.join(targets)} = apart({function}(side_by_side(({', '.join(arguments)}))), {len(targets)})"


def write_softmax(derivation: Derivation, language: Infix, together: int, lines: Lines) -> None:
    """Write few softmax outputs and their errors, `together` exponentials at once; the loss is left out."""
    late = lost_last(derivation.equations)
    for equation in derivation.of("softmax", "error"):
        if isinstance(equation.expression, Call) and equation.over:
            _write_exponentials(equation, _sums(derivation), language, together, lines)
        elif equation not in late:
            for k in range(equation.over[0].size if equation.over else 1):
                here = dict.fromkeys(equation.over, k)
                _assign(bind(equation.target, here), bind(equation.expression, here), language, lines)


def _write_exponentials(
    equation: Equation, sums: list[Expression], language: Infix, together: int, lines: Lines
) -> None:
    """Exponentials of how far each weighted sum is below the largest."""
    (unit,), places = equation.over, range(len(sums))
    results = [bind(equation.target, {unit: k}) for k in places]

    def if_largest(k: int, yes: Expression, no: Expression) -> Expression:
        return Select(TOP, "<=", sums[k], yes, no)

    for block in (places[start : start + together] for start in places[1::together]):
        below = [language(if_largest(k, sums[0], sums[k]) - TOP) for k in block]
        lines(in_turns([language(results[k]) for k in block], NARROWER["exp"], below))
    _assign(OF_LARGEST, Number(1.0) + (TOP - TOP), language, lines)
    of_first: Expression = OF_LARGEST
    for k in places[1:]:
        of_first = if_largest(k, results[k], of_first)
    _assign(results[0], of_first, language, lines)
    for k in places[1:]:
        _assign(results[k], if_largest(k, OF_LARGEST, results[k]), language, lines)


def _assign(target: Expression, value: Expression, language: Infix, lines: Lines) -> None:
    assert isinstance(target, Symbol)  # noqa: S101 - bind keeps a symbol a symbol
    lines(assignment(target, value, language))

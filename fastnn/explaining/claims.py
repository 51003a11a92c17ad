"""What a proof claims of the updates of a parameter: what each of their equations should come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn.core.equations import Derivation
from fastnn.core.expressions import Binary, Expression, Number, Select, Symbol, rebuild
from fastnn.core.penalties import penalised, shrunk
from fastnn.core.rule import ROWS
from fastnn.core.values import NORM, SCALE, gradient_of, state_of
from fastnn.explaining.algebra import Algebra
from fastnn.explaining.chain_rule import LOSS
from fastnn.printing.notation import Text
from fastnn.printing.signs import Derivative

__all__ = ["RATE", "Claims", "claims_of_clipping", "claims_of_updates"]

CHANGE = Symbol("change")
RATE = Symbol("learning_rate")
MOST_TOLD = 56  # characters of a claim, so that its line has 80

Claims = dict[tuple[str, Expression], tuple[str, Any]]
"""For the kind of an equation and what it computes: a claim, and what sympy finds."""


def claims_of_updates(
    derivation: Derivation,
    algebra: Algebra,
    settings: Mapping[Expression, Any],
    parameter: Symbol,
    slope: Any,
) -> Claims:
    """What the optimizer makes of a parameter and of its state, for a derivative `slope` of the loss.

    A gradient is a claim of its own; what is made of it takes it by name.
    """
    rule, text, known = derivation.rule, Text(derivation), derivation.rule.common
    states = {letter: state_of(letter, parameter) for letter in rule.states}
    derivative = Derivative(LOSS, parameter)
    g, rate, n = gradient_of(parameter), algebra.named(RATE), algebra.named(ROWS)
    folded = not rule.needs_gradient
    values: dict[Expression, Any] = {**settings, CHANGE: -rate * slope}
    found: Claims = {}
    match rule.batched, folded:
        case True, False:
            found["gradient", g] = text(g + derivative / ROWS), algebra.named(g) + slope / n
        case True, True:
            found["gradient", g] = text(g - RATE * derivative / ROWS), algebra.named(g) - rate * slope / n
        case False, False:
            found["gradient", g] = text(derivative), slope
    if rule.penalises_gradients and parameter.family == "w":
        before = algebra.named(g) if rule.batched else values[CHANGE] if folded else slope
        summed: Expression = g if rule.batched else CHANGE if folded else derivative
        told = text(_told(penalised(summed, parameter, known), derivative))
        told = told if len(told) <= MOST_TOLD else f"{text(g)} with the penalty"
        kind = "penalty" if rule.batched else "gradient"
        found[kind, g] = told, before + (-rate if folded else 1) * algebra.penalty(parameter, rule)
    if rule.clipped:
        limited: Expression = SCALE * g
        limited = limited if rule.optimizer.needs_gradient else Number(-1.0) * RATE * limited
        found["limit", g] = text(limited), algebra.evaluated(limited, {})
    for name, expression in rule.optimizer.prepares(known).items():
        values[known[name]] = algebra.evaluated(expression, values)
    change = g if found else CHANGE
    for letter, move in rule.optimizer.moves(shrunk(parameter, known), change, states, known).items():
        target = states.get(letter, parameter)
        values[target] = algebra.evaluated(move, values)
        told = text(_told(move, derivative))
        named = f"what {rule.optimizer.name} makes of {text(target)}"
        found["state" if letter else "update", target] = (
            told if len(told) <= MOST_TOLD else named,
            values[target],
        )
    return found


def claims_of_clipping(derivation: Derivation, algebra: Algebra) -> Claims:
    """That the norm is one of all gradients, and that what limits them makes it at most `clip`."""
    parameters = derivation.state[: derivation.network.n_parameters]
    norm, clip = algebra.named(NORM), derivation.rule.common["clip"]
    smaller = algebra.evaluated(Select(NORM, ">", clip, clip, NORM), {})
    squares = sum(algebra.named(gradient_of(parameter)) ** 2 for parameter in parameters)
    return {
        ("norm", NORM): ("the root of the sum of all g*g", algebra.sympy.sqrt(squares)),
        ("norm", SCALE): ("scale*norm is clip where norm > clip, else norm", smaller / norm),
    }


def _told(move: Expression, derivative: Derivative) -> Expression:
    """A move with -learning_rate*derivative in place of the change."""
    if isinstance(move, Binary) and move.operator == "+" and move.right == CHANGE:
        return _told(move.left, derivative) - RATE * derivative
    return rebuild(move, lambda operand: _told(operand, derivative))

"""The limits of explanations, and their words for the rule by which a network is trained."""

from __future__ import annotations

from math import prod
from typing import Any

from fastnn.checking import InputError, finite_number
from fastnn.core.derivation import derived
from fastnn.core.expressions import Index
from fastnn.core.network import Network, checked_network
from fastnn.core.optimizers import Optimizer
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines.loop import STRAIGHT_LINE_PARAMETERS
from fastnn.explaining.chain_rule import Line, explained
from fastnn.printing.signs import Derivative
from fastnn.training.plan import refuse_rate

__all__ = ["need_written_out", "rate_of", "trained_with"]


def need_written_out(network: Network, rule: Rule = PLAIN) -> None:
    """Refuse what is no network, and one that is too large to be written out parameter by parameter."""
    if checked_network(network).n_parameters > STRAIGHT_LINE_PARAMETERS:
        derivation = derived(network, rule)
        lines = explained(derivation, derivation.equations)
        count = sum(prod(index.size for index in _running(line)) for line in lines)
        raise InputError(
            f"a network must have at most {STRAIGHT_LINE_PARAMETERS} parameters to be written out; got "
            f"{network!r} with {network.n_parameters}, which would be {count} equations. Take a smaller one, "
            "or matrix notation: fastnn.explain(network, compact=True), fastnn explain --compact."
        )


def trained_with(rule: Rule) -> str:
    """The end of a title that names the optimizer, and batches; nothing for the rule taken by default."""
    name = "" if rule.optimizer is PLAIN.optimizer else f" with {rule.optimizer.name}"
    batches = " in batches" if rule.batched else ""
    return f", trained{name}{batches}" if name or batches else ""


def rate_of(optimizer: Optimizer, learning_rate: Any) -> float | None:
    """The learning rate that was given, or the optimizer's own; None where it has none, InputError then."""
    if optimizer.learning_rate is None:
        refuse_rate(learning_rate, optimizer)
        return None
    given = optimizer.learning_rate if learning_rate is None else learning_rate
    return finite_number(given, "learning_rate", positive=True)


def _running(line: Line) -> list[Index]:
    """The running indices of a line, one for each of its dimensions."""
    target = line.target.by if isinstance(line.target, Derivative) else line.target
    return [index for index in target.indices if isinstance(index, Index)]

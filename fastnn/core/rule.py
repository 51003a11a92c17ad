"""How a network is trained, as `Network` says what it is: the loss, the optimizer, the rows of a batch.

Here alone settings, such as the learning rate, become the numbers that kernels are given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown, whole_number
from fastnn.core.expressions import Expression, Symbol
from fastnn.core.network import Network
from fastnn.core.optimizer import size_of
from fastnn.core.optimizers import SGD, Optimizer, described_optimizer, optimizer_from, optimizer_of

__all__ = [
    "DEFAULT",
    "DTYPES",
    "FACTOR",
    "MOST_EPOCHS",
    "PLAIN",
    "ROWS",
    "STEP",
    "Loss",
    "Rule",
    "described_rule",
    "rule_in",
    "rule_of",
    "told_rule",
]

DTYPES = ("float64", "float32")
MANY_ROWS = 2
MOST_EPOCHS = 2**31 - 1  # the epoch in which a network diverged is an int32


@dataclass(frozen=True, slots=True)
class Loss:
    """What a row loses, summed over the outputs.

    Attributes
    ----------
    name : str
    words : str
        The same within a sentence.
    term : callable
        What one output adds, of its error d.
    factor : float
        The derivative of the term by the output is this times d.
    """

    name: str
    words: str
    term: Callable[[Expression], Expression]
    factor: float


def square(d: Expression) -> Expression:
    """What the squared error adds for an output."""
    return d * d


SQUARED = Loss("squared", "squared error", square, 2.0)  # no lambda: sweeps are pickled with their rule


STEP = Symbol("step")
FACTOR = Symbol("factor")  # what is folded into the deltas, shared out among the rows of a batch
ROWS = Symbol("n")  # how many a batch really has: the last one of an epoch may be short
DEFAULT = SGD()


@dataclass(frozen=True)
class Rule:
    """A training rule, without the numbers of its settings. `PLAIN` is the one that is taken by default.

    The learning rate and the loss's factor are folded into the deltas: with ``step = -factor*learning_rate``
    a delta s is the change of its unit's bias. In batches it is that row's share of the change. Where an
    optimizer needs the gradient itself, the loss's factor alone is folded in.

    Attributes
    ----------
    loss : Loss
    optimizer : type of Optimizer
    batched : bool
        Whether a batch may have several rows, as many as a kernel is told; else every row is a batch.
    """

    loss: Loss = SQUARED
    optimizer: type[Optimizer] = SGD
    batched: bool = False

    @property
    def given(self) -> tuple[Symbol, ...]:
        """What a kernel is given for each network, in the order of the columns of its settings."""
        named = {name: Symbol(name) for name in self.optimizer.settings()}
        return tuple(map(Symbol, self.optimizer.columns(STEP, Symbol("learning_rate"), named)))

    @property
    def shared(self) -> tuple[Symbol, ...]:
        """What is kept once for a network, beside its parameters and their states."""
        return tuple(map(Symbol, self.optimizer.shared))

    @property
    def common(self) -> dict[str, Symbol]:
        """What all parameters of a network share, by name: settings, states, and what is prepared of them."""
        prepared = map(Symbol, self.optimizer.prepared)
        return {symbol.family: symbol for symbol in (*self.given, *self.shared, *prepared)}

    @property
    def states(self) -> tuple[str, ...]:
        """The letters of what is kept for each parameter, beside the parameter itself."""
        return self.optimizer.states

    def state_size(self, network: Network) -> int:
        """S, how many numbers are kept for a network: P parameters, P of each state, then those shared."""
        return network.n_parameters * (1 + len(self.states)) + len(self.shared)

    def begun(self, parameters: NDArray[Any], optimizer: Optimizer = DEFAULT) -> NDArray[Any]:
        """The states (M, S) of networks (M, P) before their first update: `parameters` itself, if S is P."""
        if not self.states:
            return parameters
        firsts, begun = optimizer.firsts(), [parameters]
        for name in (*self.states, *self.optimizer.shared):
            first = np.full_like(parameters, firsts.get(name, 0.0))
            begun.append(first if name in self.states else first[:, :1])
        return np.concatenate(begun, axis=1)

    def values(self, learning_rate: Any, **others: Any) -> dict[Expression, Any]:
        """The numbers that a kernel is given, worked out from the settings: floats, arrays or algebra."""
        columns = self.optimizer.columns(-self.loss.factor * learning_rate, learning_rate, others)
        return {Symbol(name): value for name, value in columns.items()}

    def settings(self, learning_rate: NDArray[Any], optimizer: Optimizer = DEFAULT) -> NDArray[Any]:
        """The same for M networks of these learning rates (M,): an array (M, C) of their dtype."""
        shape, dtype = learning_rate.shape, learning_rate.dtype
        names = self.optimizer.settings()
        columns = self.values(learning_rate, **{name: dtype.type(getattr(optimizer, name)) for name in names})
        return np.stack([np.broadcast_to(np.asarray(columns[s], dtype), shape) for s in self.given], axis=1)


PLAIN = Rule()


def rule_of(optimizer: str | Optimizer, batch_size: int | None) -> Rule:
    """The rule that an optimizer and a batch size mean, both checked; of all rows there are several."""
    chosen = optimizer_of(optimizer)
    batched = whole_number(size_of(batch_size, chosen, MANY_ROWS), "batch_size", 1) > 1
    return Rule(optimizer=type(chosen), batched=batched)


def described_rule(optimizer: Optimizer, batch_size: int = 1) -> dict[str, Any]:
    """The rule with the numbers of its settings, as plain values that files hold."""
    settings = described_optimizer(optimizer)
    named = {"loss": SQUARED.name, "optimizer": settings.pop("optimizer"), "batch_size": batch_size}
    return named | settings


def told_rule(optimizer: Optimizer, batch_size: int) -> str:
    """What is not the default, to follow other words: ", Momentum(momentum=0.5), batches of 32"."""
    moved = "" if optimizer == DEFAULT else f", {optimizer!r}"
    return f"{moved}, batches of {batch_size}" if batch_size > 1 else moved


def rule_in(plain: Any) -> tuple[Optimizer, int]:
    """The optimizer and the batch size of the rule that plain values describe, as by `described_rule`.

    InputError for any other values.
    """
    if isinstance(plain, dict) and plain.get("loss") == SQUARED.name:
        size = plain.get("batch_size")
        if type(size) is int and size >= 1:
            others = {name: value for name, value in plain.items() if name not in ("loss", "batch_size")}
            return optimizer_from(others), size
    raise InputError(
        f"rule must be one that this version of fastnn has, such as {described_rule(DEFAULT)}; "
        f"got {shown(plain)}. Use the version that wrote it."
    )

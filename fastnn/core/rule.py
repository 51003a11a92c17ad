"""A training rule without the numbers of its settings: what an engine compiles one kernel for.

Here alone settings, such as the learning rate, become the numbers that kernels are given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from fastnn.core.expressions import Expression, Symbol
from fastnn.core.losses import Loss, Squared
from fastnn.core.network import Network
from fastnn.core.optimizers import SGD, Optimizer
from fastnn.core.penalties import GRADIENT_PENALTIES, columns, shared_out

__all__ = [
    "COEFFICIENT",
    "DTYPES",
    "FACTOR",
    "FILE",
    "GIVEN",
    "MOST_EPOCHS",
    "ORDERS",
    "PENALIZED_LOSS",
    "PLAIN",
    "ROWS",
    "SHARE",
    "SHUFFLED",
    "STATES",
    "STEP",
    "TRAINING_LOSS",
    "VALIDATION_LOSS",
    "WATCHED",
    "WITHIN",
    "Rule",
]

DTYPES = ("float64", "float32")
ORDERS = FILE, SHUFFLED, GIVEN = "file", "shuffled", "given"  # of the rows
WITHIN = ("epoch", "batch")  # within what the weights of rows count, by their mean
WATCHED = VALIDATION_LOSS, TRAINING_LOSS, PENALIZED_LOSS = (
    "validation_loss",
    "training_loss",
    "penalized_loss",
)
STATES = "states"  # are kept after every epoch, so that anything can be watched
MOST_EPOCHS = 2**31 - 1  # the epoch in which a network diverged is an int32

STEP = Symbol("step")
FACTOR = Symbol("factor")  # what is folded into the deltas, shared out among the rows of a batch
ROWS = Symbol("n")  # how many a batch really has: the last one of an epoch may be short
COEFFICIENT = Symbol("c")  # how much a row counts, where rows have weights; on average 1
SHARE = Symbol("share")  # what is folded into the deltas of one row, where rows have weights


@dataclass(frozen=True)
class Rule:
    """A training rule, without the numbers of its settings. `PLAIN` is the one that is taken by default.

    The learning rate and the loss's factor are folded into the deltas: with ``step = -factor*learning_rate``
    a delta s is the change of its unit's bias. In batches it is that row's share of the change. Where an
    optimizer needs the gradient itself, the loss's factor alone is folded in.

    Attributes
    ----------
    loss : type of Loss
    optimizer : type of Optimizer
    batched : bool
        Whether a batch may have several rows, as many as a kernel is told; else every row is a batch.
    weighted : bool
        Whether rows have weights: a kernel is then given a coefficient for each.
    penalties : tuple of str
        The penalties on weights that there are, of `PENALTIES` and in their order.
    l2_on_sum : bool
        Whether l2 is a penalty on the sum of the losses of a batch of several rows, not on their mean.
    clipped : bool
        Whether the gradient, penalties included, is limited by its norm. That takes the gradients of all
        parameters before any moves: the rule is a batched one, whatever the size of batches.
    measuring : bool
        Whether no parameter moves, and only what rows lose is added up.
    validated : bool
        Whether the loss on further rows is measured after every epoch.
    watched : str
        The loss, one of `WATCHED`, by which each network stops for itself; `STATES`: the states after every
        epoch are kept instead. "": neither.
    tiled : bool
        Whether a kernel trains for one epoch, and is given networks as they lie in the tiles of `lanes`.
    """

    loss: type[Loss] = Squared
    optimizer: type[Optimizer] = SGD
    batched: bool = False
    weighted: bool = False
    penalties: tuple[str, ...] = ()
    l2_on_sum: bool = False
    clipped: bool = False
    measuring: bool = False
    validated: bool = False
    watched: str = ""
    tiled: bool = False

    @cached_property
    def given(self) -> tuple[Symbol, ...]:
        """What a kernel is given for each network, in the order of the columns of its settings."""
        named = {name: Symbol(name) for name in self.settings}
        return tuple(map(Symbol, self._columns(STEP, Symbol("learning_rate"), named)))

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of its settings, beside the learning rate."""
        return (
            *(() if self.measuring else self.optimizer.settings()),
            *self.loss.settings(),
            *self.penalties,
            *(("clip",) if self.clipped else ()),
        )

    @property
    def needs_gradient(self) -> bool:
        """Whether the gradients themselves are added up, not the changes that they ask for."""
        return self.optimizer.needs_gradient or self.clipped

    @property
    def penalises_gradients(self) -> bool:
        """Whether penalties add to the gradients of weights."""
        return not set(self.penalties).isdisjoint(GRADIENT_PENALTIES)

    @property
    def shared(self) -> tuple[Symbol, ...]:
        """What is kept once for a network, beside its parameters and their states."""
        return tuple(map(Symbol, self.optimizer.shared))

    @property
    def common(self) -> dict[str, Symbol]:
        """What all parameters of a network share, by name: settings, states, and what is prepared of them."""
        named = {symbol.family: symbol for symbol in (*self.given, *self.shared)}
        shares = shared_out(named, ROWS) if self.l2_on_sum else ()
        return named | {name: Symbol(name) for name in (*self.optimizer.prepared, *shares)}

    @property
    def states(self) -> tuple[str, ...]:
        """The letters of what is kept for each parameter, beside the parameter itself."""
        return self.optimizer.states

    @property
    def unwatched(self) -> Rule:
        """The rule of the training alone."""
        return replace(self, validated=False, watched="")

    @property
    def measurer(self) -> Rule:
        """The rule by which the loss on rows without weights is measured."""
        return Rule(self.loss, measuring=True)

    def state_size(self, network: Network) -> int:
        """S, how many numbers are kept for a network: P parameters, P of each state, then those shared."""
        return network.n_parameters * (1 + len(self.states)) + len(self.shared)

    def values(self, learning_rate: Any, **settings: Any) -> dict[Expression, Any]:
        """The numbers that a kernel is given, worked out from the settings: floats, arrays or algebra."""
        factor = 1.0 if self.clipped else self.loss.factor
        columns = self._columns(-factor * learning_rate, learning_rate, settings)
        return {Symbol(name): value for name, value in columns.items()}

    def _columns(self, step: Any, learning_rate: Any, settings: dict[str, Any]) -> dict[str, Any]:
        own, others = (
            {name: settings[name] for name in kind.settings() if name in settings}
            for kind in (self.optimizer, self.loss)
        )
        if self.measuring:
            return others
        folded = not self.needs_gradient
        penalties = columns(self.penalties, learning_rate, settings, folded=folded)
        penalties |= {"clip": settings["clip"]} if self.clipped else {}
        return self.optimizer.columns(step, learning_rate, own) | others | penalties


PLAIN = Rule()

"""The parameters of an estimator as a network and a rule of fastnn's, with its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.choices import settings_of
from fastnn.core.network import Network
from fastnn.core.optimizers import SGD, Adam, IRpropMinus, Momentum, Nesterov, Optimizer
from fastnn.core.recipe import Recipe
from fastnn.core.rule import Rule
from fastnn.sklearn.losses import Told

__all__ = ["OUTPUTS", "Rows", "Training", "given", "network_of", "training_of"]

Array = NDArray[Any]

THEIRS = {"logistic": "sigmoid"}
SETTINGS = attrgetter("beta_1", "beta_2", "epsilon", "momentum", "nesterovs_momentum")
OUTPUTS = {"identity": "identity", "exp": "exponential", "logistic": "sigmoid", "softmax": "softmax"}
"""Fastnn's activation for each `out_activation_`."""


# Kept: the same networks and trainings come again and again, with what has been worked out of them.
@lru_cache(maxsize=256)
def network_of(layers: tuple[int, ...], activation: Any, output: str) -> Network:
    """The network of an estimator, with its activations, one or several, by the names of either library."""
    named = [activation] * (len(layers) - 2) if isinstance(activation, str) else activation
    return Network(layers, tuple(THEIRS.get(each, each) for each in named), OUTPUTS[output])


@dataclass(eq=False)
class Rows:
    """Rows X (N, D) and targets Y (N, K), with their weights (N,), and the rest (N,) of what each loses."""

    X: Array
    Y: Array
    weights: Array | None = None
    rest: Array | None = None


@dataclass(frozen=True, eq=False)
class Training:
    """How an estimator trains: the rule, the settings of its optimizer, and the loss as it is told.

    `alpha` is the penalty on the sum of a batch, in the measure of the loss that is told. Of networks that
    are trained together all are `penalised` if one is.
    """

    told: Told
    optimizer: type[Optimizer]
    settings: dict[str, float]
    alpha: float
    weighted: bool
    penalised: bool

    @cached_property
    def rule(self) -> Rule:
        """What kernels are compiled for."""
        kinds: Any = (type(self.told.loss), self.optimizer)
        return _rule(*kinds, self.weighted, self.penalised)

    def begun(self, parameters: Array) -> Array:
        """The state (S,) of a network (P,) before its first update."""
        kinds: Any = self.told.loss, self.optimizer
        return np.concatenate([parameters, _kept(*kinds, len(parameters), parameters.dtype)])

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The settings that kernels are given numbers of, by their names."""
        l2 = {"l2": self.alpha / self.told.ratio} if self.penalised else {}
        return self.settings | settings_of(self.told.loss) | l2


@lru_cache(maxsize=256)
def _rule(loss: Any, optimizer: Any, weighted: bool, penalised: bool) -> Rule:
    penalties = ("l2",) if penalised else ()
    return Rule(
        loss, optimizer, batched=True, weighted=weighted, penalties=penalties, l2_on_sum=bool(penalties)
    )


@lru_cache(maxsize=256)
def _kept(loss: Any, optimizer: Any, parameters: int, dtype: Any) -> Array:
    """The numbers that an optimizer keeps beside the parameters, before the first update."""
    recipe = Recipe(loss, optimizer(), batch_size=None)
    return recipe.begun(np.zeros((1, parameters), dtype))[0, parameters:]


def given(trainings: Sequence[Training], rates: Sequence[list[float]], dtype: Any) -> Array:
    """What kernels are given in some epochs, (E, M, C), of trainings with one rule; only to be read.

    Each has a rate for every epoch, or one for all.
    """
    longest = max(map(len, rates))
    if len(trainings) == longest == 1:
        return _of_one(trainings[0], rates[0][0], dtype)
    by_epoch = [each * (longest if len(each) == 1 else 1) for each in rates]
    return _given(trainings, np.ascontiguousarray(np.array(by_epoch, dtype).T))


def _given(trainings: Sequence[Training], rates: Array) -> Array:
    """Those by rates (E, M)."""
    first, dtype = trainings[0], rates.dtype
    rule, ratio = first.rule, first.told.ratio
    named = {name: np.array([each.numbers[name] for each in trainings], dtype) for name in first.numbers}
    scaled = rates if rule.needs_gradient else rates * dtype.type(ratio)
    columns = rule.values(scaled, **named)
    found = np.empty((*rates.shape, len(rule.given)), rates.dtype)
    for column, each in enumerate(rule.given):
        found[..., column] = columns[each]
    return found


@lru_cache(maxsize=256)
def _of_one(training: Training, rate: float, dtype: Any) -> Array:
    """Those of one network by one rate, (1, 1, C): kept, as working them out takes longer than two epochs."""
    return _given([training], np.full((1, 1), rate, dtype))


def training_of(estimator: Any, told: Told, *, weighted: bool) -> Training:
    """How the parameters of an estimator say that it is to be trained."""
    return _training(told, estimator.solver, float(estimator.alpha), weighted, *SETTINGS(estimator))


@lru_cache(maxsize=256)
def _training(
    told: Told,
    solver: str,
    alpha: float,
    weighted: bool,
    beta1: float,
    beta2: float,
    eps: float,
    momentum: float,
    nesterov: bool,
) -> Training:
    kind: type[Optimizer]
    kind, settings = SGD, {}
    if solver == "adam":
        kind = Adam
        settings = {"beta1": beta1, "beta2": beta2, "eps": eps / told.ratio, "eps_hat": 1.0}
    elif solver == "rprop":
        kind, settings = IRpropMinus, settings_of(IRpropMinus())
    elif solver == "lbfgs":
        kind, settings = Momentum, {"momentum": 0.0}  # whose velocity is minus the gradient
    elif momentum:
        kind, settings = (Nesterov if nesterov else Momentum), {"momentum": momentum}
    return Training(told, kind, settings, alpha, weighted, penalised=alpha > 0)

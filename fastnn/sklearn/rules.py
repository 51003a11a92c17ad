"""The parameters of an estimator as a network and a rule of fastnn's, with its settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
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
OUTPUTS = {"identity": "identity", "exp": "exponential", "logistic": "sigmoid", "softmax": "softmax"}
"""Fastnn's activation for each `out_activation_`."""


def network_of(layers: list[int], activation: Any, output: str) -> Network:
    """The network of an estimator, with its activations by the names of either library."""
    named = [activation] * (len(layers) - 2) if isinstance(activation, str) else activation
    return _network(tuple(layers), tuple(THEIRS.get(each, each) for each in named), OUTPUTS[output])


_network = lru_cache(maxsize=256)(Network)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows X (N, D) and targets Y (N, K), with their weights (N,), if they have any."""

    X: Array
    Y: Array
    weights: Array | None = None


@dataclass(frozen=True)
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
        optimizer: Any = self.optimizer
        kept = _kept(self.told.loss, optimizer, len(parameters), parameters.dtype)
        return np.concatenate([parameters, kept])

    @cached_property
    def numbers(self) -> dict[str, float]:
        """The settings that kernels are given numbers of, by their names."""
        l2 = {"l2": self.alpha / self.told.ratio} if self.penalised else {}
        return self.settings | settings_of(self.told.loss) | l2


# Kept: the same rules come again and again, with what they have worked out of themselves.
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


def given(trainings: Sequence[Training], rates: Array) -> Array:
    """What kernels are given in some epochs, (E, M, C), of trainings with one rule and rates (E, M)."""
    first, dtype = trainings[0], rates.dtype
    if rates.size == 1:
        return _of_one(first.rule, first.told.ratio, rates.item(), dtype, *first.numbers.items()).copy()
    named = {name: np.array([each.numbers[name] for each in trainings], dtype) for name in first.numbers}
    return _given(first.rule, first.told.ratio, rates, named)


def _given(rule: Rule, ratio: float, rates: Array, named: dict[str, Any]) -> Array:
    scaled = rates if rule.needs_gradient else rates * rates.dtype.type(ratio)
    columns = rule.values(scaled, **named)
    found = np.empty((*rates.shape, len(rule.given)), rates.dtype)
    for column, each in enumerate(rule.given):
        found[..., column] = columns[each]
    return found


@lru_cache(maxsize=256)
def _of_one(rule: Rule, ratio: float, rate: float, dtype: Any, *numbers: tuple[str, float]) -> Array:
    """Those of one network by one rate, (1, 1, C): kept, as working them out takes longer than two epochs."""
    named = {name: np.array([value], dtype) for name, value in numbers}
    return _given(rule, ratio, np.full((1, 1), rate, dtype), named)


def training_of(estimator: Any, told: Told, *, weighted: bool) -> Training:
    """How the parameters of an estimator say that it is to be trained."""
    kind: type[Optimizer]
    kind, settings = SGD, {}
    if estimator.solver == "adam":
        kind = Adam
        settings = {
            **{"beta1": estimator.beta_1, "beta2": estimator.beta_2},
            **{"eps": estimator.epsilon / told.ratio, "eps_hat": 1.0},
        }
    elif estimator.solver == "rprop":
        kind, settings = IRpropMinus, settings_of(IRpropMinus())
    elif estimator.solver == "lbfgs":
        kind, settings = Momentum, {"momentum": 0.0}  # whose velocity is minus the gradient
    elif estimator.momentum:
        kind = Nesterov if estimator.nesterovs_momentum else Momentum
        settings = {"momentum": estimator.momentum}
    alpha = float(estimator.alpha)
    return Training(told, kind, settings, alpha, weighted, penalised=alpha > 0)

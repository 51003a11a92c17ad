"""The parameters of an estimator as a network and a rule of fastnn's, with its settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.choices import settings_of
from fastnn.core.network import Network
from fastnn.core.optimizers import SGD, Adam, IRpropMinus, Momentum, Nesterov, Optimizer
from fastnn.core.recipe import Recipe
from fastnn.core.rule import Rule
from fastnn.sklearn.losses import Told

__all__ = ["OUTPUTS", "Rows", "Training", "network_of", "training_of"]

Array = NDArray[Any]

THEIRS = {"logistic": "sigmoid"}
OUTPUTS = {"identity": "identity", "exp": "exponential", "logistic": "sigmoid", "softmax": "softmax"}
"""Fastnn's activation for each `out_activation_`."""


def network_of(layers: list[int], activation: Any, output: str) -> Network:
    """The network of an estimator, with its activations by the names of either library."""
    named = [activation] * (len(layers) - 2) if isinstance(activation, str) else list(activation)
    return Network(layers, [THEIRS.get(each, each) for each in named], OUTPUTS[output])


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
        penalties = ("l2",) if self.penalised else ()
        return Rule(
            type(self.told.loss),
            self.optimizer,
            batched=True,
            weighted=self.weighted,
            penalties=penalties,
            l2_on_sum=bool(penalties),
        )

    def begun(self, parameters: Array) -> Array:
        """The states (M, S) of networks (M, P) before their first update."""
        return Recipe(self.told.loss, self.optimizer(), batch_size=None).begun(parameters)

    def given(self, rates: Array) -> Array:
        """What kernels are given in some epochs, (E, M, C), of rates (E, M)."""
        ratio, dtype = self.told.ratio, rates.dtype
        settings = self.settings | settings_of(self.told.loss)
        settings |= {"l2": self.alpha / ratio} if self.penalised else {}
        named = {name: dtype.type(value) for name, value in settings.items()}
        scaled = rates if self.rule.needs_gradient else rates * dtype.type(ratio)
        columns = self.rule.values(scaled, **named)
        found = np.empty((*rates.shape, len(self.rule.given)), dtype)
        for column, each in enumerate(self.rule.given):
            found[..., column] = columns[each]
        return found


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

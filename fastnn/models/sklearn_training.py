"""Scikit-learn's counterparts of fastnn's losses, optimizers and penalties: its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.core.losses import CrossEntropy, Poisson, Squared
from fastnn.core.network import Network
from fastnn.core.optimizers import SGD, Adam, Momentum, Nesterov
from fastnn.core.recipe import Recipe
from fastnn.showing.lettering import counted

__all__ = ["need_sklearn_rule", "sklearn_settings", "sklearn_targets"]

ALIKE = "sgd, momentum, nesterov, and adam with eps_hat=True"
LOSSES = {"identity": Squared, "exponential": Poisson, "sigmoid": CrossEntropy, "softmax": CrossEntropy}


def need_sklearn_rule(network: Network, recipe: Recipe, rows: int) -> None:
    """Refuse what scikit-learn does otherwise in training on a number of rows."""
    optimizer = recipe.optimizer
    adam = isinstance(optimizer, Adam) and bool(optimizer.eps_hat)
    if not (adam or type(optimizer) in (SGD, Momentum, Nesterov)):
        raise InputError(
            f"optimizer must be one that scikit-learn has alike ({ALIKE}); got {shown(optimizer)}. "
            "Use one of these."
        )
    if type(recipe.loss) is not LOSSES.get(network.output):
        raise InputError(
            "loss must be scikit-learn's: squared with identity outputs, cross_entropy with sigmoid or "
            f"softmax, poisson with exponential; got {recipe.loss.name} with {network.output}. "
            "Use one of these."
        )
    if recipe.l1 or recipe.decay or recipe.clip is not None:
        raise InputError(
            "l1, decay and clip must be left out for scikit-learn, which has l2 alone; got "
            f"{', '.join(recipe.limits)}. Leave them out."
        )
    if recipe.l2 and recipe.l2_on == "mean" and rows % recipe.size:
        raise InputError(
            "l2_on must be 'sum' where the last batch is short, as scikit-learn's penalty is on the sum; got "
            f"'mean' with {counted(rows, 'row')} in batches of {recipe.size}. Choose l2_on='sum', or another "
            "batch_size."
        )


def sklearn_settings(recipe: Recipe, rate: float) -> dict[str, Any]:
    """The parameters of an estimator that trains alike: its squared error is half of fastnn's."""
    ratio = 0.5 if isinstance(recipe.loss, Squared) else 1.0
    optimizer: Any = recipe.optimizer
    alpha = ratio * recipe.l2 * (1 if recipe.l2_on == "sum" else recipe.size)
    settings: dict[str, Any] = {"batch_size": recipe.size, "alpha": alpha, "shuffle": False}
    if type(optimizer) is Adam:
        eps = ratio * float(optimizer.eps)  # type: ignore[arg-type]
        betas = {"beta_1": optimizer.beta1, "beta_2": optimizer.beta2, "epsilon": eps}
        return {**settings, "solver": "adam", "learning_rate_init": rate, **betas}
    momentum = optimizer.momentum if isinstance(optimizer, Momentum) else 0.0
    settings |= {"momentum": momentum, "nesterovs_momentum": isinstance(optimizer, Nesterov)}
    return {**settings, "solver": "sgd", "learning_rate_init": rate / ratio}


def sklearn_targets(network: Network, Y: NDArray[Any]) -> NDArray[Any]:
    """Targets (N, K) as its estimators are given them: the numbers of classes, or labels, or numbers."""
    if network.output == "softmax":
        return np.asarray(Y.argmax(axis=1))
    found = Y.astype(int) if network.output == "sigmoid" else Y
    return found[:, 0] if found.shape[1] == 1 else found

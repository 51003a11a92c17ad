"""Keras's counterparts of fastnn's losses, optimizers, penalties and clipping.

They are made so that a loss is fastnn's own, summed over the outputs: then learning rates and penalties are
the same numbers, but for the half in Keras's L2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.checking import InputError, shown
from fastnn.core.losses import (
    Absolute,
    CrossEntropy,
    Huber,
    LogCosh,
    Loss,
    Poisson,
    Quantile,
    Squared,
)
from fastnn.core.network import Network
from fastnn.core.optimizers import SGD, Adagrad, Adam, Momentum, Nesterov, Optimizer, RMSProp
from fastnn.core.recipe import Recipe
from fastnn.showing.lettering import counted

__all__ = ["keras_loss", "keras_optimizer", "keras_penalty", "need_shared_rule", "trained_activations"]

NO_EPS = 1e-30
"""Up to this eps it does not matter where it is added: only gradients below 1e-14 show it in float64."""
ALIKE = "sgd, momentum, nesterov, adam with eps_hat=True; adam, rmsprop and adagrad with an eps up to 1e-30"
APART = {
    Adam: "its eps is corrected for the first steps. Use eps_hat=True, whose eps is Keras's, or eps=1e-30",
    RMSProp: "Keras adds eps inside the root, fastnn outside. Use eps=1e-30: there it does not matter",
    Adagrad: "Keras adds eps inside the root, fastnn outside. Use eps=1e-30: there it does not matter",
}
"""Why Keras has no such optimizer, and what to do."""

OPTIMIZERS: dict[type[Optimizer], Callable[..., Any]] = {
    SGD: lambda theirs, ours, rate, **limits: theirs.SGD(rate, **limits),
    Momentum: lambda theirs, ours, rate, **limits: theirs.SGD(rate, ours.momentum, **limits),
    Nesterov: lambda theirs, ours, rate, **limits: theirs.SGD(rate, ours.momentum, nesterov=True, **limits),
    Adam: lambda theirs, ours, rate, **limits: theirs.Adam(
        rate, beta_1=ours.beta1, beta_2=ours.beta2, epsilon=ours.eps, **limits
    ),
    RMSProp: lambda theirs, ours, rate, **limits: theirs.RMSprop(
        rate, rho=ours.rho, epsilon=_inside(ours.eps), **limits
    ),
    Adagrad: lambda theirs, ours, rate, **limits: theirs.Adagrad(
        rate, initial_accumulator_value=ours.initial_sum, epsilon=_inside(ours.eps), **limits
    ),
}
"""Keras's optimizers, made of its module, fastnn's optimizer and a learning rate."""

LOSSES: dict[type[Loss], Callable[[Any, Any, Any, Any, int], Any]] = {
    Squared: lambda keras, ours, y, z, K: keras.ops.sum((z - y) ** 2, axis=-1),
    Absolute: lambda keras, ours, y, z, K: keras.ops.sum(keras.ops.abs(z - y), axis=-1),
    Huber: lambda keras, ours, y, z, K: 2 * K * keras.losses.huber(y, z, ours.delta),
    LogCosh: lambda keras, ours, y, z, K: K * keras.losses.log_cosh(y, z),
    Quantile: lambda keras, ours, y, z, K: keras.ops.sum(
        keras.ops.maximum(ours.tau * (y - z), (ours.tau - 1) * (y - z)), axis=-1
    ),
    Poisson: lambda keras, ours, y, z, K: keras.ops.sum(keras.ops.exp(z) - y * z, axis=-1),
}
"""What a row loses, of its targets and outputs (n, K); of their weighted sums z where the loss is fused."""


def need_shared_rule(recipe: Recipe, rows: int) -> None:
    """Refuse what Keras does otherwise in training on a number of rows."""
    optimizer = recipe.optimizer
    same = isinstance(optimizer, Adam) and bool(optimizer.eps_hat)
    without_eps = type(optimizer) not in APART or optimizer.eps <= NO_EPS  # type: ignore[attr-defined]
    if type(optimizer) not in OPTIMIZERS or not (same or without_eps):
        why = APART.get(type(optimizer), "Keras has none of that kind. Use one of these")
        raise InputError(
            f"optimizer must be one that Keras has alike ({ALIKE}); got {shown(optimizer)}: {why}."
        )
    if recipe.l2 and recipe.l2_on == "sum" and rows % recipe.size:
        raise InputError(
            "l2_on must be 'mean' where the last batch is short, as Keras has one L2 penalty for all; "
            f"got 'sum' with {counted(rows, 'row')} in batches of {recipe.size}. Choose a batch_size that "
            "divides the rows, or l2_on='mean'."
        )


def keras_optimizer(keras: Any, recipe: Recipe, learning_rate: float) -> Any:
    """The same optimizer in Keras, with its decay of the weights alone, and its clipping."""
    limits = {"weight_decay": recipe.decay or None, "global_clipnorm": recipe.clip}
    made = OPTIMIZERS[type(recipe.optimizer)](keras.optimizers, recipe.optimizer, learning_rate, **limits)
    made.exclude_from_weight_decay(var_names=["bias"])
    return made


def keras_penalty(keras: Any, recipe: Recipe) -> Any:
    """The regularizer of a layer's kernel; None without penalties on the loss."""
    if not recipe.l1 and not recipe.l2:
        return None
    rows = recipe.size if recipe.l2_on == "sum" else 1
    return keras.regularizers.L1L2(l1=recipe.l1, l2=recipe.l2 / rows / 2)


def trained_activations(network: Network, loss: Loss) -> tuple[str, ...]:
    """The activations of the layers that Keras trains: a loss fused with the outputs takes weighted sums."""
    return (*network.hidden, "identity" if loss.outputs else network.output)


def keras_loss(keras: Any, network: Network, loss: Loss) -> Callable[[Any, Any], Any]:
    """The same loss in Keras: a function of targets and outputs."""
    K = network.n_outputs
    if isinstance(loss, CrossEntropy):
        if network.output == "softmax":
            return lambda y, z: keras.losses.categorical_crossentropy(y, z, from_logits=True)
        return lambda y, z: K * keras.losses.binary_crossentropy(y, z, from_logits=True)
    return lambda y, z: LOSSES[type(loss)](keras, loss, y, z, K)


def _inside(eps: float) -> float:
    """The eps under a root, of one beside it that does not matter; not so small that it is lost."""
    return max(eps * eps, 1e-300)

"""PyTorch's counterparts of fastnn's losses, optimizers and penalties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.checking import InputError, shown
from fastnn.core.losses import Absolute, CrossEntropy, Huber, Loss, Poisson, Squared
from fastnn.core.network import Network
from fastnn.core.optimizers import SGD, Adagrad, Adam, Momentum, Nesterov, Optimizer, RMSProp
from fastnn.core.recipe import Recipe
from fastnn.models.keras_training import trained_activations
from fastnn.models.torch import need_torch_activations

__all__ = ["need_torch_rule", "torch_loss", "torch_network", "torch_optimizer"]

OPTIMIZERS: dict[type[Optimizer], Callable[..., Any]] = {
    SGD: lambda theirs, ours, of, rate: theirs.SGD(of, rate),
    Momentum: lambda theirs, ours, of, rate: theirs.SGD(of, rate, ours.momentum),
    Nesterov: lambda theirs, ours, of, rate: theirs.SGD(of, rate, ours.momentum, nesterov=ours.momentum > 0),
    RMSProp: lambda theirs, ours, of, rate: theirs.RMSprop(of, rate, ours.rho, ours.eps),
    Adagrad: lambda theirs, ours, of, rate: theirs.Adagrad(
        of, rate, initial_accumulator_value=ours.initial_sum, eps=ours.eps
    ),
    Adam: lambda theirs, ours, of, rate: theirs.Adam(of, rate, (ours.beta1, ours.beta2), ours.eps),
}
"""PyTorch's optimizers, made of its module, fastnn's optimizer, the parameters and a learning rate."""

LOSSES: dict[type[Loss], Callable[[Any, Any, Any, Any], Any]] = {
    Squared: lambda torch, ours, z, y: (z - y) ** 2,
    Absolute: lambda torch, ours, z, y: (z - y).abs(),
    Huber: lambda torch, ours, z, y: (
        2 * torch.nn.functional.huber_loss(z, y, reduction="none", delta=ours.delta)
    ),
    Poisson: lambda torch, ours, z, y: torch.exp(z) - y * z,
}
"""What each output loses, of outputs and targets (n, K); of their weighted sums z where the loss is fused."""


def need_torch_rule(network: Network, recipe: Recipe) -> None:
    """Refuse what PyTorch does otherwise, or has not."""
    optimizer = recipe.optimizer
    if type(optimizer) not in OPTIMIZERS or (isinstance(optimizer, Adam) and optimizer.eps_hat):
        raise InputError(
            "optimizer must be one that PyTorch has alike (sgd, momentum, nesterov, rmsprop, adagrad, adam "
            f"without eps_hat); got {shown(optimizer)}. Use one of these."
        )
    if type(recipe.loss) not in (*LOSSES, CrossEntropy):
        raise InputError(
            "loss must be one that PyTorch is given here (squared, absolute, huber, cross_entropy, poisson); "
            f"got {recipe.loss.name}. Use one of these."
        )
    if recipe.decay or recipe.clip is not None:
        raise InputError(
            "decay and clip must be left out for PyTorch, whose decay is of biases, too, and whose clipping "
            f"divides by more than the norm; got {', '.join(recipe.limits)}. Leave them out."
        )
    need_torch_activations(torch_network(network, recipe.loss))


def torch_network(network: Network, loss: Loss) -> Network:
    """The network that PyTorch trains: a loss fused with the outputs takes weighted sums."""
    *hidden, output = trained_activations(network, loss)
    return Network(network.layers, hidden, output)


def torch_optimizer(torch: Any, recipe: Recipe, model: Any, rate: float) -> Any:
    """The same optimizer in PyTorch."""
    return OPTIMIZERS[type(recipe.optimizer)](torch.optim, recipe.optimizer, model.parameters(), rate)


def torch_loss(torch: Any, network: Network, recipe: Recipe) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """A function of a model, outputs and targets of a batch: the mean loss, and the penalties on it."""
    functional, loss = torch.nn.functional, recipe.loss

    def of(model: Any, z: Any, y: Any) -> tuple[Any, Any]:
        if not isinstance(loss, CrossEntropy):
            mean = LOSSES[type(loss)](torch, loss, z, y).sum(dim=1).mean()
        elif network.output == "softmax":
            mean = functional.cross_entropy(z, y)
        else:
            mean = functional.binary_cross_entropy_with_logits(z, y, reduction="none").sum(dim=1).mean()
        weights = [each for each in model.parameters() if each.ndim == 2]
        shared = len(z) if recipe.l2_on == "sum" else 1
        squares = sum((W**2).sum() for W in weights) * (recipe.l2 / 2 / shared)
        return mean, squares + recipe.l1 * sum(W.abs().sum() for W in weights)

    return of

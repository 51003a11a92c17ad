"""The conversion of fastnn's networks to PyTorch's nn.Sequential and back.

It needs PyTorch: ``pip install "fastnn-sweep[peers]"``. It is imported only when a function here needs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, needing, shown
from fastnn.core.activations import kind_of
from fastnn.core.network import Network, checked_network
from fastnn.data.arrays import finite_array

__all__ = ["from_torch", "need_torch_activations", "to_torch"]

PLAIN = {
    **{"relu": "ReLU", "selu": "SELU", "silu": "SiLU", "softsign": "Softsign", "tanh": "Tanh"},
    **{"sigmoid": "Sigmoid", "identity": "Identity"},
}
KNOWN = (*PLAIN, "leaky_relu", "elu", "softplus", "gelu_tanh", "softmax")
LINEAR_FROM = 40.0  # PyTorch's softplus is z above a threshold: here the difference is below 1e-17


def to_torch(network: Network, parameters: ArrayLike) -> Any:
    """Make a PyTorch model with the given parameters.

    Parameters
    ----------
    network : Network
        With activations that PyTorch has as modules: all but exponential.
    parameters : (P,) finite numbers

    Returns
    -------
    torch.nn.Sequential
        Linear layers in float64, each followed by its activation. Softmax outputs are probabilities, not
        their logits.

    Raises
    ------
    InputError
        If the parameters do not fit or are not finite, PyTorch lacks an activation, or is not installed.
    """
    need_torch_activations(checked_network(network))
    weights = network.split(finite_array(parameters, "parameters", (1,)))
    torch = _torch("to_torch makes a model of PyTorch's")
    modules = []
    for (W, b), activation in zip(weights, network.activations, strict=True):
        linear = torch.nn.Linear(W.shape[1], W.shape[0], dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        modules += [linear] if activation == "identity" else [linear, _module(torch, activation)]
    return torch.nn.Sequential(*modules)


def need_torch_activations(network: Network) -> None:
    """Refuse a network with an activation that PyTorch lacks."""
    for kind, _ in map(kind_of, network.activations):
        if kind not in KNOWN:
            raise InputError(
                f"network must have activations that PyTorch has as modules ({', '.join(KNOWN)}); "
                f"got {kind}. Use one of these."
            )


def from_torch(model: Any) -> tuple[Network, NDArray[np.float64]]:
    """Make a network and its parameters from a PyTorch model.

    Parameters
    ----------
    model : torch.nn.Sequential
        Linear layers with biases, each followed by at most one activation, a module: ReLU, LeakyReLU, ELU,
        SELU, Softplus with a threshold from 40, SiLU, GELU with ``approximate="tanh"``, Softsign, Tanh,
        Sigmoid, and Softmax for the outputs.

    Returns
    -------
    network : Network
    parameters : (P,) float64
        An exact copy of the model's weights.

    Raises
    ------
    InputError
        If the model is another one, a weight is not finite, or PyTorch is not installed.
    """
    torch = _torch("from_torch reads a model of PyTorch's")
    required = "model must be a torch.nn.Sequential of Linear layers with biases, each with one activation"
    if not isinstance(model, torch.nn.Sequential) or not len(model):
        raise InputError(f"{required}; got {shown(model)}. Put the layers into one.")
    activations: list[str | None] = []
    weights = []
    for name, module in model.named_children():
        if type(module) is torch.nn.Linear and module.bias is not None:
            arrays = [each.detach().cpu().double().numpy() for each in (module.weight, module.bias)]
            W, b = (finite_array(each, f"weights of layer {name!r}", (1, 2)) for each in arrays)
            weights.append((W, b))
            activations.append(None)
        elif activations and activations[-1] is None and (found := _activation(torch, module)) is not None:
            activations[-1] = found
        else:
            raise InputError(
                f"{required} of those that fastnn has; got {shown(module)} in place {name!r}. "
                "Leave it out, or use another."
            )
    named = [name or "identity" for name in activations]
    layers = [weights[0][0].shape[1], *(len(b) for _, b in weights)]
    network = Network(layers, named[:-1], named[-1])
    return network, network.join(weights)


def _torch(what: str) -> Any:
    with needing(what, "peers"):
        import torch
    return torch


def _module(torch: Any, name: str) -> Any:
    """PyTorch's module for an activation of fastnn's."""
    kind, value = kind_of(name)
    nn = torch.nn
    if kind == "leaky_relu":
        return nn.LeakyReLU(value)
    if kind == "elu":
        return nn.ELU(value)
    if kind == "softplus":
        return nn.Softplus(threshold=LINEAR_FROM)
    if kind == "gelu_tanh":
        return nn.GELU(approximate="tanh")
    return nn.Softmax(dim=-1) if kind == "softmax" else getattr(nn, PLAIN[kind])()


def _activation(torch: Any, module: Any) -> str | None:
    """The name of a module of PyTorch's that is an activation of fastnn's; None for any other."""
    nn, kind = torch.nn, type(module)
    for name, theirs in PLAIN.items():
        if kind is getattr(nn, theirs):
            return name
    if kind is nn.LeakyReLU:
        return f"leaky_relu({float(module.negative_slope)!r})"
    if kind is nn.ELU:
        return f"elu({float(module.alpha)!r})"
    if kind is nn.Softplus and module.beta == 1 and module.threshold >= LINEAR_FROM:
        return "softplus"
    if kind is nn.GELU and module.approximate == "tanh":
        return "gelu_tanh"
    if kind is nn.Softmax and module.dim in (1, -1):
        return "softmax"
    return None

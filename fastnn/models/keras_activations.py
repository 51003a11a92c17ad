"""The activations that fastnn and Keras share, there and back.

Keras's own defaults differ: its leaky ReLU has a slope of 0.2, its GELU is not the tanh form.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from inspect import signature
from typing import Any

from fastnn.checking import InputError
from fastnn.core.activations import kind_of
from fastnn.core.network import Network

__all__ = ["KNOWN", "KNOWN_THERE", "in_fastnn", "in_keras", "need_shared_activations"]

ALIKE = ("relu", "elu", "selu", "softplus", "silu", "softsign", "tanh", "sigmoid", "exponential", "softmax")
PLAIN = {**{name: name for name in ALIKE}, "identity": "linear"}
KNOWN = (*PLAIN, "leaky_relu", "gelu_tanh")
KNOWN_THERE = (*PLAIN.values(), "leaky_relu", "gelu with approximate=True")


def need_shared_activations(network: Network) -> None:
    """Refuse a network with an activation that Keras lacks."""
    alone = sorted({kind for kind, _ in map(kind_of, network.activations)} - {*KNOWN})
    if alone:
        raise InputError(
            f"network must have activations that Keras has, too ({', '.join(KNOWN)}); "
            f"got {', '.join(alone)}. Use one of these."
        )


def in_keras(keras: Any, name: str) -> Any:
    """What a layer of Keras is given for an activation of fastnn's: a name, a layer or a function."""
    kind, value = kind_of(name)
    if kind == "leaky_relu":
        return keras.layers.LeakyReLU(negative_slope=value)
    if kind == "elu" and value != 1.0:
        return keras.layers.ELU(alpha=value)
    return _gelu_tanh(keras) if kind == "gelu_tanh" else PLAIN[kind]


def in_fastnn(keras: Any, given: Any) -> str | None:
    """The name of a layer or a function of Keras that is an activation of fastnn's; None for any other."""
    layers, functions = keras.layers, keras.activations
    if type(given) is layers.Activation:
        return in_fastnn(keras, given.activation)
    if type(given) is layers.LeakyReLU:
        return _leaky_relu(given.negative_slope)
    if type(given) is layers.ReLU and given.max_value is None and not given.threshold:
        return _leaky_relu(given.negative_slope)
    if type(given) is layers.ELU:
        return f"elu({float(given.alpha)!r})"
    if type(given) is layers.Softmax:
        return "softmax" if given.axis == -1 else None
    if isinstance(given, partial) and not given.args:
        return _with_settings(keras, given.func, given.keywords)
    if given is _gelu_tanh(keras):
        return "gelu_tanh"
    if given in (functions.leaky_relu, functions.gelu):
        return _with_settings(keras, given, {})
    return next((ours for ours, theirs in PLAIN.items() if given is getattr(functions, theirs)), None)


def _with_settings(keras: Any, function: Any, given: dict[str, Any]) -> str | None:
    """The name of a function of Keras whose setting was given, or is its default."""
    functions = keras.activations
    names = {
        functions.leaky_relu: ("negative_slope", _leaky_relu),
        functions.elu: ("alpha", lambda alpha: f"elu({float(alpha)!r})"),
        functions.gelu: ("approximate", lambda tanh: "gelu_tanh" if tanh else None),
    }
    name, made = names.get(function, ("", None))
    if made is None or not {*given} <= {name}:
        return None
    found: str | None = made(given.get(name, signature(function).parameters[name].default))
    return found


def _leaky_relu(slope: Any) -> str:
    return f"leaky_relu({float(slope)!r})" if slope else "relu"


@cache
def _gelu_tanh(keras: Any) -> Callable[[Any], Any]:
    """The tanh form of GELU as a function with a name, so that models that have it can be saved."""

    def gelu_tanh(x: Any) -> Any:
        return keras.activations.gelu(x, approximate=True)

    registered: Callable[[Any], Any] = keras.saving.register_keras_serializable("fastnn")(gelu_tanh)
    return registered

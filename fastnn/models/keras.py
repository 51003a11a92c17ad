"""The conversion of fastnn's networks to Keras's models and back.

It needs Keras and one of its backends: ``pip install "fastnn-sweep[peers]"``. Keras is imported only when a
function here needs it. By default Keras runs on tensorflow; here it runs on a backend that is installed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, shown
from fastnn.core.network import Network, checked_network
from fastnn.data.arrays import finite_array
from fastnn.models.keras_activations import KNOWN_THERE, in_fastnn, in_keras, need_shared_activations

__all__ = [
    "BACKENDS",
    "from_keras",
    "installed_backends",
    "need_keras",
    "to_keras",
]

BACKENDS = ("jax", "tensorflow", "torch")
VARIABLE = "KERAS_BACKEND"
INSTALL = 'Run: pip install "fastnn-sweep[peers]"'


def installed_backends() -> list[str]:
    """The installed backends of Keras; none if Keras is missing. Nothing is imported to find out."""
    return [name for name in BACKENDS if _is_installed("keras") and _is_installed(name)]


def need_keras() -> Any:
    """Return the module keras on an installed backend; else raise InputError that says what is missing."""
    if "keras" not in sys.modules and _is_installed("keras") and not _backend_asked_for():
        _forget_halves()
        chosen = installed_backends()
        if not chosen:
            backends = f"{', '.join(BACKENDS[:-1])} or {BACKENDS[-1]}"
            raise InputError(f"Keras must have a backend to run on, {backends}; got none of them. {INSTALL}")
        with _backend(chosen[0]):
            return _imported()
    return _imported()


def _imported() -> Any:
    try:
        import keras
    except (ImportError, ValueError) as error:  # ValueError: an unknown backend
        asked, others = os.environ.get(VARIABLE), installed_backends()
        if asked and others and asked not in others:
            remedy = f"{VARIABLE}={asked} asks for another; unset it, or set it to {' or '.join(others)}"
            raise InputError(
                f"Keras must run on a backend that is installed ({', '.join(others)}); got {error}. {remedy}."
            ) from None
        raise InputError(
            f"this needs Keras and one of its backends (jax, torch or tensorflow); got {error}. {INSTALL}"
        ) from None
    return keras


def _is_installed(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is not None
    return find_spec(name) is not None


def _backend_asked_for() -> str | None:
    """The backend named by the environment, or else by Keras's file; None if the file's is not installed.

    Keras writes its file unasked, so the backend in it may be missing.
    """
    asked = os.environ.get(VARIABLE)
    if asked:
        return asked
    folder = os.environ.get("KERAS_HOME") or Path("~").expanduser() / ".keras"
    try:
        noted = json.loads(Path(folder, "keras.json").read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError, RuntimeError):
        noted = None
    noted = noted if isinstance(noted, str) else "tensorflow"
    return noted if noted.isidentifier() and _is_installed(noted) else None


def _forget_halves() -> None:
    """Drop the modules that a failed import of Keras left behind: they have chosen the failed backend."""
    for name in [name for name in sys.modules if name.startswith("keras.")]:
        del sys.modules[name]


@contextmanager
def _backend(name: str) -> Iterator[None]:
    """Let Keras be imported on a backend within this context; restore the environment afterwards."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def to_keras(network: Network, parameters: ArrayLike) -> Any:
    """Make a Keras model with the given parameters.

    Parameters
    ----------
    network : Network
    parameters : (P,) finite numbers

    Returns
    -------
    keras.Sequential
        A model of Dense layers, not compiled. Its weights are `parameters` rounded to Keras's precision,
        float32 unless ``keras.config.set_floatx("float64")`` was called (JAX: with JAX_ENABLE_X64=1).
        Softmax outputs are probabilities, not their logits.

    Raises
    ------
    InputError
        If the parameters do not fit or are not finite, Keras lacks an activation, or Keras is not installed.
    """
    need_shared_activations(checked_network(network))
    weights = network.split(finite_array(parameters, "parameters", (1,)))
    keras = need_keras()
    dense = [
        keras.layers.Dense(units, activation=in_keras(keras, activation))
        for units, activation in zip(network.layers[1:], network.activations, strict=True)
    ]
    model = keras.Sequential([keras.layers.Input((network.n_inputs,)), *dense])
    model.set_weights([array for W, b in weights for array in (W.T, b)])
    return model


def from_keras(model: Any) -> tuple[Network, NDArray[np.float64]]:
    """Make a network and its parameters from a Keras model.

    Parameters
    ----------
    model : keras.Sequential
        A built model of Dense layers with biases, and with activations relu, leaky_relu, elu, selu, softplus,
        silu, gelu with ``approximate=True``, softsign, tanh, sigmoid, exponential or linear, and softmax for
        the outputs. An activation may be a layer of its own.

    Returns
    -------
    network : Network
    parameters : (P,) float64
        An exact copy of the model's weights.

    Raises
    ------
    InputError
        If the model is another one, a weight is not finite, or Keras is not installed.
    """
    keras = need_keras()
    required = "model must be a built keras.Sequential of Dense layers with biases, each with one activation"
    if not isinstance(model, keras.Sequential) or not model.built or not model.layers:
        raise InputError(f"{required}; got {shown(model)}. Build it with an Input layer first.")
    activations: list[str] = []
    weights = []
    for layer in model.layers:
        if type(layer) is keras.layers.Dense and layer.use_bias:
            activations.append(_activation(keras, layer.activation, layer))
            name = f"weights of layer {layer.name!r}"
            W, b = (finite_array(array, name, (1, 2)) for array in layer.get_weights())
            weights.append((np.ascontiguousarray(W.T), b))
        elif activations and activations[-1] == "identity" and _is_activation(keras, layer):
            activations[-1] = _activation(keras, layer, layer)
        else:
            raise InputError(f"{required}; got the layer {layer.name!r}. Leave it out, or give it biases.")
    units = [weights[0][0].shape[1], *(len(b) for _, b in weights)]
    network = Network(units, activations[:-1], activations[-1])
    return network, network.join(weights)


def _is_activation(keras: Any, layer: Any) -> bool:
    names = ("Activation", "ELU", "LeakyReLU", "ReLU", "Softmax")
    return type(layer) in {getattr(keras.layers, name) for name in names}


def _activation(keras: Any, given: Any, layer: Any) -> str:
    """The name of an activation of Keras's; refuse one that fastnn lacks."""
    found = in_fastnn(keras, given)
    if found is None:
        raise InputError(
            f"model must have activations that fastnn has ({', '.join(KNOWN_THERE)}); "
            f"got {shown(given)} in layer {layer.name!r}. Use one of these."
        )
    return found

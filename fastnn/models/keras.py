"""Keras's layers and fastnn's flat parameters, each made of the other.

Needs Keras and one of its backends: ``pip install "fastnn-sweep[peers]"``. Nothing of Keras is imported
before it is asked for. Keras takes tensorflow where nobody says otherwise; here it takes a backend that is
installed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, finite_array, shown

__all__ = ["BACKENDS", "installed_backends", "need_keras", "read_model", "sequential"]

BACKENDS = ("jax", "tensorflow", "torch")
VARIABLE = "KERAS_BACKEND"
INSTALL = 'Run: pip install "fastnn-sweep[peers]"'

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "identity": "linear"}


def installed_backends() -> list[str]:
    """Keras's backends that are installed, if Keras is; nothing is imported to find out."""
    return [name for name in BACKENDS if _is_installed("keras") and _is_installed(name)]


def need_keras() -> Any:
    """The module keras, on a backend that is installed, or a refusal that says what is missing."""
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
    except (ImportError, ValueError) as error:  # of a backend that it does not know
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
    """What the environment asks for, or Keras's own file if that is installed: Keras writes one unasked."""
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
    """Drop what an import of Keras left behind that failed: it has chosen the backend that failed."""
    for name in [name for name in sys.modules if name.startswith("keras.")]:
        del sys.modules[name]


@contextmanager
def _backend(name: str) -> Iterator[None]:
    """Let Keras be imported on a backend; the environment is then as it was."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def sequential(
    layers: Sequence[int], activations: Sequence[str], weights: Sequence[tuple[NDArray[Any], NDArray[Any]]]
) -> Any:
    """A ``keras.Sequential`` of Dense layers that holds copies of (W, b) of each layer.

    Parameters
    ----------
    layers : units of each layer, inputs first
    activations : fastnn's names, one for each layer after the inputs
    weights : (W, b) for each of these, of shapes (units, inputs) and (units,)
        In Keras's precision, ``keras.config.floatx()``, they are rounded: float32 unless it was changed.
    """
    keras = need_keras()
    dense = [
        keras.layers.Dense(units, activation=ACTIVATIONS[activation])
        for units, activation in zip(layers[1:], activations, strict=True)
    ]
    model = keras.Sequential([keras.layers.Input((layers[0],)), *dense])
    model.set_weights([array for W, b in weights for array in (W.T, b)])
    return model


def read_model(model: Any) -> tuple[list[int], list[str], list[tuple[NDArray[Any], NDArray[Any]]]]:
    """The units of each layer, the activation and (W, b) of each layer after the inputs, as float64 copies.

    Raises InputError for anything but a built ``keras.Sequential`` of Dense layers with biases and with
    activations that fastnn has.
    """
    keras = need_keras()
    required = "model must be a built keras.Sequential of Dense layers with biases"
    if not isinstance(model, keras.Sequential) or not model.built or not model.layers:
        raise InputError(f"{required}; got {shown(model)}. Build it with an Input layer first.")
    names = {getattr(keras.activations, theirs): ours for ours, theirs in ACTIVATIONS.items()}
    activations, weights = [], []
    for layer in model.layers:
        if type(layer) is not keras.layers.Dense or not layer.use_bias:
            raise InputError(f"{required}; got the layer {layer.name!r}. Leave it out, or give it biases.")
        if layer.activation not in names:
            raise InputError(
                f"model must have activations that fastnn has ({', '.join(ACTIVATIONS.values())}); "
                f"got {shown(layer.activation)} in layer {layer.name!r}. Use one of these."
            )
        name = f"weights of layer {layer.name!r}"
        W, b = (finite_array(array, name, (1, 2)) for array in layer.get_weights())
        activations.append(names[layer.activation])
        weights.append((np.ascontiguousarray(W.T), b))
    units = [weights[0][0].shape[1], *(len(b) for _, b in weights)]
    return units, activations, weights

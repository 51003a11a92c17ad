"""Keras's layers and fastnn's flat parameters, each made of the other.

Needs Keras and one of its backends: ``pip install "fastnn-sweep[peers]"``. Nothing of Keras is imported
before it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, finite_array, shown

__all__ = ["need_keras", "read_model", "sequential"]

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "identity": "linear"}


def need_keras() -> Any:
    """The module keras, or a refusal that says what to install."""
    try:
        import keras
    except ImportError as error:
        raise InputError(
            f"this needs Keras and one of its backends (jax, torch or tensorflow); got {error}. "
            'Run: pip install "fastnn-sweep[peers]"'
        ) from None
    return keras


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

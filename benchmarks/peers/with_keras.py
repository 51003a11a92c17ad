"""Keras: `fit` with one row per batch, for one network, or for many networks as one model."""

import os
import warnings
from functools import partial

import numpy as np

from peers.forms import Form

STEPS = {"jax": 500, "torch": 1}  # steps in one compiled call; torch takes only one
ROWS = {"jax": 1500, "torch": 500}
KEPT_IN_FLOAT32 = 1e-7  # the tolerance: Keras always keeps the learning rate in float32


def forms(problem, kind):
    """`kind` is "fit", one network as Keras is meant to be used, or "joined", many networks as one model."""
    networks = {"fit": (1,), "joined": (256, 1024, 4096, 8192)}[kind]
    backend = os.environ["KERAS_BACKEND"]
    name = f"{kind}, jit_compile, steps_per_execution={STEPS[backend]}"
    prepare = partial(fitted, steps_per_execution=STEPS[backend])
    return [Form(name, networks, prepare, ROWS[backend], tolerance=KEPT_IN_FLOAT32)]


def fitted(problem, networks, steps_per_execution):
    import keras

    warnings.simplefilter("ignore")
    keras.config.set_floatx(str(problem.dtype))
    model = (one_network if networks == 1 else many_networks)(keras, problem, networks)
    model.compile(
        optimizer=keras.optimizers.SGD(problem.learning_rate),
        loss=lambda y, found: keras.ops.sum(keras.ops.square(found - y), axis=-1),
        jit_compile=True,
        steps_per_execution=steps_per_execution,
    )

    def train(starts, epochs):
        model.set_weights(to_keras(problem, starts))
        model.fit(problem.X, problem.Y, batch_size=1, epochs=epochs, shuffle=False, verbose=0)
        return from_keras(problem, model.get_weights(), networks)

    return train


def one_network(keras, problem, networks):
    *hidden, outputs = problem.layers[1:]
    layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
    return keras.Sequential([keras.layers.Input((problem.layers[0],)), *layers, keras.layers.Dense(outputs)])


def many_networks(keras, problem, networks):
    """One model of all networks side by side; its loss is the sum of their losses."""
    hidden, activations = problem.layers[1:], ["relu"] * (len(problem.layers) - 2) + [None]
    layers = [
        keras.layers.EinsumDense(
            "bi,mij->bmj" if depth == 0 else "bmi,mij->bmj",
            (networks, units),
            bias_axes="mj",
            activation=activation,
        )
        for depth, (units, activation) in enumerate(zip(hidden, activations, strict=True))
    ]
    flat = keras.layers.Reshape((networks * problem.layers[-1],))
    return keras.Sequential([keras.layers.Input((problem.layers[0],)), *layers, flat])


def to_keras(problem, starts):
    pairs = problem.network.split(starts)
    arrays = [array for W, b in pairs for array in (W.swapaxes(1, 2), b)]
    return [array[0] for array in arrays] if len(starts) == 1 else arrays


def from_keras(problem, weights, networks):
    arrays = [np.asarray(array)[None] if networks == 1 else np.asarray(array) for array in weights]
    pairs = zip(arrays[::2], arrays[1::2], strict=True)
    return problem.network.join([(W.swapaxes(1, 2), b) for W, b in pairs])

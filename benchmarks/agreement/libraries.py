"""The same training by other libraries, each as its documentation has it: run as a program of its own.

``python other_libraries.py LIBRARY FOLDER``: for each of its rules, RULE.npz in the folder holds a problem,
an array for each entry, and gets the trained parameters. `C` says how many times fastnn's loss that of a
library is: 1/K of it for K outputs in PyTorch and Keras, which take the mean over the outputs, and half of it
in scikit-learn and with optax's loss. So the learning rate of the SGD kinds is divided by it, eps is
multiplied by it, and the first sum of squares by its square.
"""

import os
import sys
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}

import numpy as np

K = 2
DELTA = 0.25  # of Huber
C = {"torch": 1 / K, "keras": 1 / K, "sklearn": 1 / 2, "optax": 1 / 2}
NEEDED = {"torch": ["torch"], "keras": ["keras", "jax"], "sklearn": ["sklearn"], "optax": ["optax", "jax"]}
RULES = {  # what each library has in fastnn's sense; the eps of the others is inside the root
    "torch": ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "irprop-"),
    "keras": ("sgd", "momentum", "nesterov", "adam with eps_hat", "sgd with weights"),
    "sklearn": ("sgd", "momentum", "nesterov", "adam with eps_hat", "momentum with weights in batches"),
    "optax": ("sgd", "momentum", "nesterov", "rmsprop", "adam"),
}
# By plain gradient descent: how many times fastnn's loss a library's is, its mean over outputs included.
LOSSES = {
    "torch": {
        "squared": 1 / K,
        "absolute": 1 / K,
        "huber": 1 / (2 * K),
        "poisson": 1 / K,
        "cross_entropy, softmax": 1.0,
        "cross_entropy, sigmoid": 1 / K,
    },
    "keras": {
        "squared": 1 / K,
        "absolute": 1 / K,
        "huber": 1 / (2 * K),
        "log_cosh": 1 / K,
        "cross_entropy, softmax": 1.0,
        "cross_entropy, sigmoid": 1 / K,
    },
    "optax": {
        "squared": 1 / 2,
        "huber": 1 / 2,
        "log_cosh": 1.0,
        "cross_entropy, softmax": 1.0,
        "cross_entropy, sigmoid": 1.0,
    },
}


def with_torch(rule, rate, rate_sgd, scaled, given, layers, X, Y, batch, epochs, weights):
    import torch

    torch.set_default_dtype(torch.float64)
    model = torch.nn.Sequential()
    for W, b in layers:
        linear = torch.nn.Linear(W.shape[1], len(W))
        linear.weight.data, linear.bias.data = torch.from_numpy(W.copy()), torch.from_numpy(b.copy())
        model.extend([linear, torch.nn.Tanh()])
    model.pop(-1)
    optim, p = torch.optim, model.parameters()
    optimizer = {
        "sgd": lambda: optim.SGD(p, rate_sgd),
        "momentum": lambda: optim.SGD(p, rate_sgd, momentum=given["momentum"]),
        "nesterov": lambda: optim.SGD(p, rate_sgd, momentum=given["momentum"], nesterov=True),
        "rmsprop": lambda: optim.RMSprop(p, rate, alpha=given["rho"], eps=scaled["eps"]),
        "adagrad": lambda: optim.Adagrad(
            p, rate, initial_accumulator_value=scaled["initial_sum"], eps=scaled["eps"]
        ),
        "irprop-": lambda: optim.Rprop(
            p, given["delta0"], (given["down"], given["up"]), (given["least"], given["most"])
        ),
        "adam": lambda: optim.Adam(p, rate, betas=(given["beta1"], given["beta2"]), eps=scaled["eps"]),
    }[rule]()
    X, Y = torch.from_numpy(X), torch.from_numpy(Y)
    for _ in range(epochs):
        for first in range(0, len(X), batch):
            optimizer.zero_grad()
            torch.nn.MSELoss()(model(X[first : first + batch]), Y[first : first + batch]).backward()
            optimizer.step()
    return [(linear.weight.detach().numpy(), linear.bias.detach().numpy()) for linear in model[::2]]


def with_keras(rule, rate, rate_sgd, scaled, given, layers, X, Y, batch, epochs, weights):
    import keras
    from jax.numpy import tanh  # that of Keras gives float32

    keras.config.set_floatx("float64")
    parts = [keras.layers.Input((X.shape[1],))]
    for n, (_, b) in enumerate(layers, 1):
        parts.append(keras.layers.Dense(len(b), tanh if n < len(layers) else None))
    model = keras.Sequential(parts)
    model.set_weights([array for W, b in layers for array in (W.T, b)])
    optimizers = keras.optimizers
    optimizer = {
        "sgd": lambda: optimizers.SGD(rate_sgd),
        "momentum": lambda: optimizers.SGD(rate_sgd, given["momentum"]),
        "nesterov": lambda: optimizers.SGD(rate_sgd, given["momentum"], nesterov=True),
        "adam with eps_hat": lambda: optimizers.Adam(rate, given["beta1"], given["beta2"], scaled["eps"]),
    }[rule]()
    model.compile(optimizer, loss="mse")
    model.fit(X, Y, batch_size=batch, epochs=epochs, shuffle=False, verbose=0, sample_weight=weights)
    trained = model.get_weights()
    return [(W.T, b) for W, b in zip(trained[::2], trained[1::2], strict=True)]


def with_sklearn(rule, rate, rate_sgd, scaled, given, layers, X, Y, batch, epochs, weights):
    from sklearn.neural_network import MLPRegressor

    starts = iter(layers)

    class Started(MLPRegressor):
        def _init_coef(self, fan_in, fan_out, dtype):
            W, b = next(starts)
            return W.T.copy(), b.copy()

    momentum = given.get("momentum", 0.0)
    if rule == "adam with eps_hat":
        solver = {"solver": "adam", "learning_rate_init": rate, "epsilon": scaled["eps"]}
        solver |= {"beta_1": given["beta1"], "beta_2": given["beta2"]}
    else:
        solver = {"solver": "sgd", "learning_rate_init": rate_sgd, "momentum": momentum}
        solver["nesterovs_momentum"] = rule == "nesterov"
    hidden = [len(b) for _, b in layers[:-1]]
    model = Started(
        hidden_layer_sizes=hidden, activation="tanh", alpha=0.0, batch_size=batch, shuffle=False, **solver
    )
    for _ in range(epochs):
        model.partial_fit(X, Y, sample_weight=weights)
    return [(W.T, b) for W, b in zip(model.coefs_, model.intercepts_, strict=True)]


def with_optax(rule, rate, rate_sgd, scaled, given, layers, X, Y, batch, epochs, weights):
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = {
        "sgd": lambda: optax.sgd(rate_sgd),
        "momentum": lambda: optax.sgd(rate_sgd, given["momentum"]),
        "nesterov": lambda: optax.sgd(rate_sgd, given["momentum"], nesterov=True),
        "rmsprop": lambda: optax.rmsprop(rate, given["rho"], scaled["eps"], eps_in_sqrt=False),
        "adam": lambda: optax.adam(rate, given["beta1"], given["beta2"], scaled["eps"]),
    }[rule]()

    def lost(layers, X, Y):
        h = X
        for n, (W, b) in enumerate(layers, 1):
            h = h @ W.T + b
            h = jnp.tanh(h) if n < len(layers) else h
        return optax.l2_loss(h, Y).sum(axis=1).mean()

    parameters = jax.tree.map(jnp.asarray, layers)
    state = optimizer.init(parameters)
    for _ in range(epochs):
        for first in range(0, len(X), batch):
            gradient = jax.grad(lost)(parameters, X[first : first + batch], Y[first : first + batch])
            moves, state = optimizer.update(gradient, state, parameters)
            parameters = optax.apply_updates(parameters, moves)
    return parameters


def loss_of_torch(loss, rate, layers, X, Y, batch, epochs):
    import torch

    torch.set_default_dtype(torch.float64)
    parameters = [torch.tensor(array, requires_grad=True) for layer in layers for array in layer]
    optimizer, nn = torch.optim.SGD(parameters, rate), torch.nn
    lost = {
        "squared": nn.MSELoss,
        "absolute": nn.L1Loss,
        "huber": lambda: nn.HuberLoss(delta=DELTA),
        "poisson": lambda: nn.PoissonNLLLoss(log_input=True),
        "cross_entropy, softmax": nn.CrossEntropyLoss,
        "cross_entropy, sigmoid": nn.BCEWithLogitsLoss,
    }[loss]()
    X, Y = torch.from_numpy(X), torch.from_numpy(Y)
    W1, b1, W2, b2 = parameters
    for _ in range(epochs):
        for first in range(0, len(X), batch):
            optimizer.zero_grad()
            h = torch.tanh(X[first : first + batch] @ W1.T + b1)
            lost(h @ W2.T + b2, Y[first : first + batch]).backward()
            optimizer.step()
    W1, b1, W2, b2 = (array.detach().numpy() for array in parameters)
    return [(W1, b1), (W2, b2)]


def loss_of_keras(loss, rate, layers, X, Y, batch, epochs):
    import keras

    losses = keras.losses
    lost = {
        "squared": losses.MeanSquaredError,
        "absolute": losses.MeanAbsoluteError,
        "huber": lambda **dtype: losses.Huber(DELTA, **dtype),
        "log_cosh": losses.LogCosh,
        "cross_entropy, softmax": lambda **dtype: losses.CategoricalCrossentropy(from_logits=True, **dtype),
        "cross_entropy, sigmoid": lambda **dtype: losses.BinaryCrossentropy(from_logits=True, **dtype),
    }[loss](dtype="float64")
    return descended(lambda yhat, y: lost(y, yhat), rate, layers, X, Y, batch, epochs)


def loss_of_optax(loss, rate, layers, X, Y, batch, epochs):
    import optax

    losses = {
        "squared": optax.l2_loss,
        "huber": lambda yhat, y: optax.huber_loss(yhat, y, delta=DELTA),
        "log_cosh": optax.log_cosh,
        "cross_entropy, softmax": optax.softmax_cross_entropy,
        "cross_entropy, sigmoid": optax.sigmoid_binary_cross_entropy,
    }

    def lost(yhat, y):
        return losses[loss](yhat, y).reshape(len(y), -1).sum(axis=1).mean()

    return descended(lost, rate, layers, X, Y, batch, epochs)


def descended(lost, rate, layers, X, Y, batch, epochs):
    """The layers after plain gradient descent on a loss of (yhat, y), by JAX."""
    import jax
    import jax.numpy as jnp

    def of_layers(layers, X, Y):
        (W1, b1), (W2, b2) = layers
        return lost(jnp.tanh(X @ W1.T + b1) @ W2.T + b2, Y)

    layers = jax.tree.map(jnp.asarray, layers)
    for _ in range(epochs):
        for first in range(0, len(X), batch):
            gradient = jax.grad(of_layers)(layers, X[first : first + batch], Y[first : first + batch])
            layers = jax.tree.map(lambda p, g: p - rate * g, layers, gradient)
    return layers


def train(library, rule, file):
    """Train by one library and one rule; the file gets the parameters, weights first."""
    with np.load(file) as held:
        problem = dict(held)
    given = {name.removeprefix("given_"): float(problem[name]) for name in problem if "given_" in name}
    c, rate = C[library], float(problem["rate"])
    powers = {"eps": c, "initial_sum": c * c}
    scaled = {name: value * powers[name] for name, value in given.items() if name in powers}
    layers = [(problem[f"W{n}"], problem[f"b{n}"]) for n in range(2)]
    rows = problem["X"], problem["Y"], int(problem["batch"]), int(problem["epochs"])
    if rule in LOSSES.get(library, ()):
        rate /= LOSSES[library][rule]
        trained = globals()[f"loss_of_{library}"](rule, rate, layers, *rows)
    else:
        optimizer, _, _ = rule.partition(" with weights")
        numbers = rate, rate / c, scaled, given
        trained = globals()[f"with_{library}"](optimizer, *numbers, layers, *rows, problem.get("weights"))
    flat = [np.ravel(part) for parts in zip(*trained, strict=True) for part in parts]
    np.savez(file, parameters=np.concatenate(flat).astype(np.float64))


if __name__ == "__main__":
    library, folder = sys.argv[1:]
    for rule in (*RULES[library], *LOSSES.get(library, ())):
        train(library, rule, Path(folder) / f"{rule}.npz")

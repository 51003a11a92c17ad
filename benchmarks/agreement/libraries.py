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
C = {"torch": 1 / K, "keras": 1 / K, "sklearn": 1 / 2, "optax": 1 / 2}
NEEDED = {"torch": ["torch"], "keras": ["keras", "jax"], "sklearn": ["sklearn"], "optax": ["optax", "jax"]}
RULES = {  # what each library has in fastnn's sense; the eps of the others is inside the root
    "torch": ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "irprop-"),
    "keras": ("sgd", "momentum", "nesterov", "adam with eps_hat", "sgd with weights"),
    "sklearn": ("sgd", "momentum", "nesterov", "adam with eps_hat", "momentum with weights in batches"),
    "optax": ("sgd", "momentum", "nesterov", "rmsprop", "adam"),
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


def train(library, rule, file):
    """Train by one library and one rule; the file gets the parameters, weights first."""
    with np.load(file) as held:
        problem = dict(held)
    given = {name.removeprefix("given_"): float(problem[name]) for name in problem if "given_" in name}
    c, rate = C[library], float(problem["rate"])
    powers = {"eps": c, "initial_sum": c * c}
    scaled = {name: value * powers[name] for name, value in given.items() if name in powers}
    layers = [(problem[f"W{n}"], problem[f"b{n}"]) for n in range(2)]
    rows = problem["X"], problem["Y"], int(problem["batch"]), int(problem["epochs"]), problem.get("weights")
    optimizer, _, _ = rule.partition(" with weights")
    trained = globals()[f"with_{library}"](optimizer, rate, rate / c, scaled, given, layers, *rows)
    flat = [np.ravel(part) for parts in zip(*trained, strict=True) for part in parts]
    np.savez(file, parameters=np.concatenate(flat).astype(np.float64))


if __name__ == "__main__":
    library, folder = sys.argv[1:]
    for rule in RULES[library]:
        train(library, rule, Path(folder) / f"{rule}.npz")

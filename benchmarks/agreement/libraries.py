"""The same training by other libraries, each as its documentation has it: run as a program of its own.

``python libraries.py LIBRARY FOLDER``: for each of its rules, RULE.npz in the folder holds a problem, an
array for each entry, and gets the trained parameters. `LOSSES` says how many times fastnn's loss that of a
library is: the c of the guide.
"""

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

os.environ |= {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}

import numpy as np

K = 2
NEEDED = {"torch": ["torch"], "keras": ["keras", "jax"], "sklearn": ["sklearn"], "optax": ["optax", "jax"]}
GRADIENT_ITSELF = "sgd", "momentum", "nesterov"  # their moves grow with the loss
RULES = {  # what each library has in fastnn's sense; the eps of the others is inside the root
    "torch": (
        *("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam", "irprop-"),
        *("l2", "adam with l2", "adam with decay"),
        *("step", "exponential", "cosine", "warm-up"),
    ),
    "keras": (
        *("sgd", "momentum", "nesterov", "adam with eps_hat", "sgd with weights"),
        *("l2", "l1", "momentum with decay", "adam with eps_hat and decay", "clip", "clip with l2"),
        *("step", "exponential", "inverse scaling", "momentum in steps"),
    ),
    "sklearn": (
        *("sgd", "momentum", "nesterov", "adam with eps_hat", "momentum with weights in batches"),
        *("l2 on the sum", "inverse scaling by rows"),
    ),
    "optax": (
        *("sgd", "momentum", "nesterov", "rmsprop", "adam"),
        *("l2", "adam with l2", "adam with decay", "clip", "clip with l2"),
        *("step", "exponential", "cosine", "cosine after warm-up", "warm-up"),
    ),
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
    "sklearn": {"squared": 1 / 2},
    "optax": {
        "squared": 1 / 2,
        "huber": 1 / 2,
        "log_cosh": 1.0,
        "cross_entropy, softmax": 1.0,
        "cross_entropy, sigmoid": 1.0,
    },
}


@dataclass
class Problem:
    """What a library is to train, with the numbers of fastnn.

    `c` says how many times fastnn's loss the library's is. `given` has all settings of the rule by their
    names, penalties and those of the schedule included.
    """

    layers: list  # of (W, b)
    X: np.ndarray
    Y: np.ndarray
    batch: int
    epochs: int
    weights: np.ndarray | None
    optimizer: str
    schedule: str
    loss: str
    c: float
    learning_rate: float
    given: dict

    @property
    def rate(self):
        """The learning rate that the library needs."""
        return self.learning_rate / (self.c if self.optimizer in GRADIENT_ITSELF else 1.0)

    def scaled(self, name):
        """A setting that is measured by the gradient, such as eps, l2 or clip; 0 if it is not given."""
        power = 2 if name == "initial_sum" else 1
        return self.given.get(name, 0.0) * self.c**power

    @property
    def decay(self):
        """The decoupled decay that the library needs: its product with the rate stays."""
        return self.given.get("decay", 0.0) * self.learning_rate / self.rate

    @property
    def batches(self):
        """The rows X and Y of every update."""
        for _ in range(self.epochs):
            for first in range(0, len(self.X), self.batch):
                rows = slice(first, first + self.batch)
                yield self.X[rows], self.Y[rows]

    @property
    def updates(self):
        """How many updates an epoch has."""
        return -(-len(self.X) // self.batch)


def read(library, rule, file):
    """The problem in a file."""
    with np.load(file) as held:
        kept = dict(held)
    given = {name.removeprefix("given_"): float(kept[name]) for name in kept if name.startswith("given_")}
    loss = rule if rule in LOSSES[library] else "squared"
    return Problem(
        layers=[(kept[f"W{n}"], kept[f"b{n}"]) for n in range(2)],
        X=kept["X"],
        Y=kept["Y"],
        batch=int(kept["batch"]),
        epochs=int(kept["epochs"]),
        weights=kept.get("weights"),
        optimizer=str(kept["optimizer"]),
        schedule=str(kept["schedule"]),
        loss=loss,
        c=LOSSES[library][loss],
        learning_rate=float(kept["rate"]),
        given=given,
    )


def main(library, folder):
    """Train by one library; each file gets the parameters, weights first."""
    trained_by = import_module(f"with_{library}").train
    for rule in (*RULES[library], *LOSSES[library]):
        file = Path(folder) / f"{rule}.npz"
        layers = trained_by(read(library, rule, file))
        flat = [np.ravel(part) for parts in zip(*layers, strict=True) for part in parts]
        np.savez(file, parameters=np.concatenate(flat).astype(np.float64))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The jobs that all peers do: each has a network, rows and starts."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

import fastnn
from fastnn.core.recipe import Recipe
from fastnn.training.starts import Start

LEARNING_RATE = 0.005
REFERENCE = "2-2-1"
ADAM = "4-16-1, Adam, batches of 32"


@dataclass(frozen=True)
class Problem:
    """Gradient descent on the squared error, which is not halved, with rows in the given order.

    A step follows each row, or each batch of rows, by an optimizer that fastnn names.
    `X` (N, D) and `Y` (N, K) have the dtype of the training. A sweep runs for all `epochs`; other calls run
    for as many epochs as their timing needs.
    """

    name: str
    layers: tuple[int, ...]
    X: np.ndarray
    Y: np.ndarray
    start: Start
    epochs: int
    learning_rate: float = LEARNING_RATE
    optimizer: str = "sgd"
    batch_size: int = 1

    @cached_property
    def network(self):
        return fastnn.Network(self.layers)

    @property
    def recipe(self):
        """The rule with its numbers, as fastnn has it."""
        return Recipe.of(self.network, optimizer=self.optimizer, batch_size=self.batch_size)

    @property
    def dtype(self):
        return self.X.dtype

    @property
    def step(self):
        """-2*learning_rate in the dtype of the training; each error is multiplied by it."""
        return self.dtype.type(-2) * self.dtype.type(self.learning_rate)

    def starts(self, networks, part=0):
        """The starting parameters (networks, P); each part has other networks."""
        numbers = range(part * networks, (part + 1) * networks)
        return self.start.draw(self.network, numbers, 0).astype(self.dtype)

    def first(self, rows):
        """The same problem on its first rows."""
        return replace(self, X=self.X[:rows], Y=self.Y[:rows])


def problems(data):
    """All problems by name, the reference sweep first; `data` holds age, bmi and charges, min-max scaled."""
    reference = Problem(REFERENCE, (2, 2, 1), data.X, data.y[:, None], fastnn.normal(0, 1.5), 300)
    wide = replace(reference, X=data.X.astype("float32"), Y=reference.Y.astype("float32"))
    long = np.random.default_rng(0).integers(0, len(data.X), 100_000)
    found = (
        reference,
        replace(wide, name="2-2-1, float32"),
        generated("4-16-1", (4, 16, 1), epochs=150),
        generated("10-32-32-1", (10, 32, 32, 1), epochs=30),
        replace(reference, name="2-2-1, 100 000 rows", X=data.X[long], Y=reference.Y[long], epochs=4),
        replace(generated(ADAM, (4, 16, 1), 150), optimizer="adam", batch_size=32, learning_rate=0.001),
    )
    return {problem.name: problem for problem in found}


def generated(name, layers, epochs, rows=400):
    """A problem with uniform inputs and a smooth target, for shapes that the insurance data do not fit."""
    draw = np.random.default_rng(0)
    X = draw.uniform(0, 1, (rows, layers[0]))
    Y = np.sin(3 * X).mean(axis=1, keepdims=True) + draw.normal(0, 0.05, (rows, layers[-1]))
    return Problem(name, layers, X, Y, fastnn.he(), epochs)

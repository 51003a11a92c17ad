"""The programs that are compared, as a student would write them; their lines of code are counted here."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from textwrap import dedent
from typing import Any

from fastnn.core.network import Network
from fastnn.core.recipe import Recipe
from fastnn.models.keras import from_keras, keras_optimizer

__all__ = ["lines_of_code", "source_lines", "with_fastnn", "with_keras"]


def with_fastnn(
    X: Any, y: Any, network: Network, start: Any, rate: float, epochs: int, recipe: Recipe
) -> Any:
    """Train with fastnn; return the final parameters (P,) and the last loss."""
    from fastnn.training.train import train

    run = train(network, X, y, start, learning_rate=rate, epochs=epochs, **recipe.asked)
    return run.parameters, run.loss


def with_keras(X: Any, y: Any, network: Network, start: Any, rate: float, epochs: int, recipe: Recipe) -> Any:
    """Train with Keras, rows in order; return the final parameters (P,) and the last loss."""
    import keras

    layers = [keras.layers.Input((network.n_inputs,))]
    for units, activation in zip(network.layers[1:], network.activations, strict=True):
        name = "linear" if activation == "identity" else activation
        layers.append(keras.layers.Dense(units, activation=name))
    model = keras.Sequential(layers)
    model.set_weights([array for W, b in network.split(start) for array in (W.T, b)])
    optimizer, batch_size = keras_optimizer(recipe.optimizer, rate), recipe.batch_size
    model.compile(optimizer, loss=lambda y, d: keras.ops.sum((d - y) ** 2, axis=-1))
    history = model.fit(X, y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0)
    return from_keras(model)[1], history.history["loss"][-1]


def source_lines(program: Callable[..., Any]) -> int:
    """The number of lines of code of a program: see `lines_of_code`."""
    return lines_of_code(dedent(inspect.getsource(program)))


def lines_of_code(source: str) -> int:
    """The number of lines of Python source that hold code: no blank lines, comments or docstrings."""
    tree = ast.parse(source)
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and _is_text(node.value)]
    inside = {line for node in texts for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    return sum(
        bool(text.strip()) and not text.strip().startswith("#")
        for number, text in enumerate(source.splitlines(), 1)
        if number not in inside
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)

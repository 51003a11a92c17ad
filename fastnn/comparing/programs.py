"""The programs that are compared, as a student would write them; their lines of code are counted here."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from textwrap import dedent
from typing import Any

from fastnn.core.network import Network
from fastnn.core.recipe import Recipe
from fastnn.models.keras import from_keras
from fastnn.models.keras_activations import in_keras
from fastnn.models.keras_training import keras_loss, keras_optimizer, keras_penalty, trained_activations
from fastnn.models.sklearn import from_sklearn, to_sklearn
from fastnn.models.sklearn_training import sklearn_settings, sklearn_targets
from fastnn.models.torch import from_torch, to_torch
from fastnn.models.torch_training import torch_loss, torch_network, torch_optimizer

__all__ = ["lines_of_code", "source_lines", "with_fastnn", "with_keras", "with_sklearn", "with_torch"]


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

    layers, penalty = [keras.layers.Input((network.n_inputs,))], keras_penalty(keras, recipe)
    for units, name in zip(network.layers[1:], trained_activations(network, recipe.loss), strict=True):
        layers.append(keras.layers.Dense(units, in_keras(keras, name), kernel_regularizer=penalty))
    model = keras.Sequential(layers)
    model.set_weights([array for W, b in network.split(start) for array in (W.T, b)])
    model.compile(keras_optimizer(keras, recipe, rate), keras_loss(keras, network, recipe.loss))
    history = model.fit(X, y, batch_size=recipe.batch_size, epochs=epochs, shuffle=False, verbose=0)
    return from_keras(model)[1], history.history["loss"][-1]


def with_sklearn(
    X: Any, y: Any, network: Network, start: Any, rate: float, epochs: int, recipe: Recipe
) -> Any:
    """Train with scikit-learn, rows in order; return the final parameters (P,) and the last loss."""
    model = to_sklearn(network, start).set_params(**sklearn_settings(recipe, rate))
    targets = sklearn_targets(network, y)
    for _ in range(epochs):
        model.partial_fit(X, targets)
    return from_sklearn(model)[1], model.loss_


def with_torch(X: Any, y: Any, network: Network, start: Any, rate: float, epochs: int, recipe: Recipe) -> Any:
    """Train with PyTorch, rows in order; return the final parameters (P,) and the last loss."""
    import torch

    model = to_torch(torch_network(network, recipe.loss), start)
    loss_of, optimizer = torch_loss(torch, network, recipe), torch_optimizer(torch, recipe, model, rate)
    batches = list(zip(*(torch.from_numpy(each).split(recipe.size) for each in (X, y)), strict=True))
    for _ in range(epochs):
        total = 0.0
        for X_batch, y_batch in batches:
            optimizer.zero_grad()
            loss, penalty = loss_of(model, model(X_batch), y_batch)
            (loss + penalty).backward()
            optimizer.step()
            total += loss.item() * len(X_batch)
    return from_torch(model)[1], total / len(X)


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

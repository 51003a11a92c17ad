"""The scores of trained networks on some rows: those of numbers, or those of classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.core.loss import Loss
from fastnn.core.losses import CrossEntropy
from fastnn.core.network import Network
from fastnn.data.arrays import finite_array
from fastnn.data.class_metrics import counts_of, f1_of, mean_of_defined
from fastnn.data.classes import Names, chosen_classes, classes_held, classes_of
from fastnn.data.columns import joined
from fastnn.data.datasets import Dataset
from fastnn.data.metrics import MEASURES, metric_notes
from fastnn.data.rows import checked_rows
from fastnn.system.floating_point import ieee
from fastnn.training.evaluating import outputs, parts
from fastnn.training.measuring import Measuring, measured

__all__ = ["LARGER_IS_BETTER", "SCORES", "score_notes", "scores", "scores_of", "told_scores"]

Array = NDArray[Any]

SCORES = {
    "mse": "mean squared error",
    "r2": "R²",
    "mape": "MAPE",
    "accuracy": "accuracy",
    "log_loss": "log-loss",
    "f1": "F1",
}
"""The scores and their names for people."""

LARGER_IS_BETTER = frozenset({"r2", "accuracy", "f1"})
"""The scores of which the largest is the best; of the others it is the smallest."""

OF_NUMBERS = tuple(MEASURES)
OF_CLASSES = ("accuracy", "log_loss", "f1")


def scores_of(
    loss: type[Loss] | Iterable[type[Loss]],
    network: Network | Iterable[Network],
    classes: Names | None = None,
) -> tuple[str, ...]:
    """The names of the scores that go with a loss and with a network's outputs, or with several.

    They are of classes if the data name `classes`, or if a loss is of classes; else mse, r2 and mape. There
    is no log-loss where outputs are no probabilities.
    """
    kinds = [loss] if isinstance(loss, type) else list(loss)
    networks = [network] if isinstance(network, Network) else list(network)
    if classes is None and not any(kind.classifies for kind in kinds):
        return OF_NUMBERS
    probable = all(one.output in CrossEntropy.outputs for one in networks)
    return tuple(name for name in OF_CLASSES if probable or name != "log_loss")


def told_scores(names: Iterable[str]) -> list[str]:
    """The scores that reports tell: the mean squared error is the loss in another unit."""
    return [name for name in names if name != "mse"]


@ieee
def scores(
    network: Network,
    parameters: Array,
    X: Any,
    y: Any = None,
    names: Sequence[str] = OF_NUMBERS,
    classes: Names | None = None,
) -> dict[str, NDArray[np.float64]]:
    """The scores of networks (M, P), each (M,); with K outputs that are no classes, their mean over these.

    With a `Dataset` for X those of numbers are in the target's own unit, else in the unit of y.

    Parameters
    ----------
    network : Network
    parameters : array (M, P)
    X, y
        As for training; labels are those of `classes`.
    names : sequence of str
        Those of the scores; see `scores_of`.
    classes : tuple of str or int, optional
        The names of the classes of training, if the data had them. A Dataset has its own.
    """
    named = _named(X, classes)
    inputs, targets = checked_rows(network, X, y, str(parameters.dtype), known=named)
    if "accuracy" in names:
        one_of_all = classes_of(network, CrossEntropy, named) is not None
        return _of_classes(network, parameters, inputs, targets, names, one_of_all)
    own = X.target_values if isinstance(X, Dataset) else finite_array(y, "y", (1, 2))
    return _of_numbers(network, parameters, inputs, own.reshape(len(inputs), -1), X)


def _named(X: Any, classes: Names | None) -> Names | None:
    """The names of the classes, by training or by a Dataset; refused if these differ."""
    own = X.classes if isinstance(X, Dataset) else None
    if own and classes and own != classes:
        raise InputError(
            f"data must have the classes of training in their order, {joined(classes, 8)}; got "
            f"{joined(own, 8)}. Give X and the labels, or make a Dataset with these categories."
        )
    return own or classes


def _of_numbers(
    network: Network, parameters: Array, inputs: Array, targets: Array, data: Any
) -> dict[str, NDArray[np.float64]]:
    found = {name: np.empty(len(parameters)) for name in MEASURES}
    for some in parts(len(parameters), targets.size):
        predicted = outputs(network, parameters[some], inputs)
        if isinstance(data, Dataset):
            predicted = data.in_target_unit(predicted if predicted.shape[-1] > 1 else predicted[..., 0])
        predicted = predicted.reshape(-1, *targets.shape)
        for name, measure in MEASURES.items():
            by_output = [measure(targets[:, k], predicted[:, :, k]) for k in range(targets.shape[1])]
            found[name][some] = np.mean(np.asarray(by_output), axis=0)
    return found


def _of_classes(
    network: Network, parameters: Array, inputs: Array, targets: Array, names: Iterable[str], one_of_all: bool
) -> dict[str, NDArray[np.float64]]:
    """NaN for networks that diverged, and for accuracy and F1 if some targets are neither 0 nor 1."""
    found = {name: np.full(len(parameters), np.nan) for name in names}
    if "log_loss" in found:
        asked = 1 if one_of_all else network.n_outputs
        rows = Measuring(network, "batched", inputs, targets, CrossEntropy())
        found["log_loss"][:] = measured(rows, parameters) / asked
    if not _are_classes(targets):
        return found
    true = _questions(chosen_classes(network, targets, one_of_all), one_of_all)
    answers = network.n_outputs if one_of_all and network.n_outputs > 1 else 2
    for some in parts(len(parameters), targets.size):
        said = chosen_classes(network, outputs(network, parameters[some], inputs), one_of_all)
        said = _questions(said, one_of_all)
        counts = np.stack([counts_of(rows, said[:, q], answers) for q, rows in enumerate(true)], axis=1)
        by_class = f1_of(counts)
        right = np.trace(counts, axis1=-2, axis2=-1).mean(axis=1) / len(inputs)
        diverged = (said < 0).any(axis=(1, 2))
        found["accuracy"][some] = np.where(diverged, np.nan, right)
        f1 = mean_of_defined(by_class[:, 0] if one_of_all else by_class[..., 1])
        found["f1"][some] = np.where(diverged, np.nan, f1)
    return found


def _questions(codes: Array, one_of_all: bool) -> Array:
    """Classes (..., N), or yeses and noes (..., N, K), by question: (..., 1, N), or (..., K, N)."""
    return codes[..., None, :] if one_of_all else np.swapaxes(codes, -1, -2)


def _are_classes(targets: Array) -> bool:
    return bool(((targets == 0) | (targets == 1)).all())


def score_notes(
    network: Network,
    X: Any,
    y: Any = None,
    names: Sequence[str] = OF_NUMBERS,
    classes: Names | None = None,
) -> list[str]:
    """The notes that belong to the `scores` on the same rows, which are given in the same way."""
    named = _named(X, classes)
    if "accuracy" not in names:
        if isinstance(X, Dataset):
            return metric_notes(X.target_values, X.scaling.targets)
        return metric_notes(finite_array(y, "y", (1, 2)))
    _, targets = checked_rows(network, X, y, "float64", known=named)
    if not _are_classes(targets):
        return ["no accuracy and no F1, as some targets are probabilities between 0 and 1"]
    told_apart = classes_of(network, CrossEntropy, named)
    if told_apart is None:
        return []
    gone = [str(name) for name, held in zip(told_apart, classes_held(targets), strict=True) if not held]
    said = f"no row is of {joined(gone, 8)}: F1 leaves out such a class unless it is predicted"
    return [said] if gone else []

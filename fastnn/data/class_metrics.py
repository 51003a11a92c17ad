"""Metrics of classes: accuracy, log-loss, confusion matrix and F1, for one network or for many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, shown
from fastnn.data.arrays import numeric_array
from fastnn.data.classes import NO_NAME, NO_NUMBER, given_labels
from fastnn.data.columns import joined
from fastnn.data.metrics import note
from fastnn.system.floating_point import ieee

__all__ = ["accuracy", "confusion_matrix", "counts_of", "f1", "f1_of", "log_loss", "mean_of_defined"]

Array = NDArray[Any]
Counts = NDArray[np.int64]


def accuracy(y: ArrayLike, prediction: ArrayLike) -> float | NDArray[np.float64]:
    """Return the accuracy: the share of rows whose class is predicted.

    Parameters
    ----------
    y : array_like of shape (N,)
        The true classes: texts, whole numbers or categories.
    prediction : array_like of shape (N,) or (M, N)
        The predicted classes of one network, or of M networks.

    Returns
    -------
    float or float64 array of shape (M,)

    Raises
    ------
    InputError
        `y` is not a class in each row, or the shapes do not fit together.

    Examples
    --------
    >>> accuracy(["no", "yes", "no", "no"], ["no", "yes", "yes", "no"])
    0.75
    """
    _, true, predicted = _codes(y, prediction, None)
    return _per_network((predicted == true).mean(axis=-1))


def confusion_matrix(y: ArrayLike, prediction: ArrayLike, classes: Sequence[Any] | None = None) -> Counts:
    """Count the rows of each class that each class is predicted for.

    Parameters
    ----------
    y : array_like of shape (N,)
        The true classes.
    prediction : array_like of shape (N,) or (M, N)
        The predicted classes of one network, or of M networks.
    classes : sequence, optional
        All classes in order, such as ``run.classes``; by default those of `y` and of `prediction`, sorted.

    Returns
    -------
    int64 array of shape (K, K) or (M, K, K)
        The rows of true class i that class j is predicted for at [i, j].

    Examples
    --------
    >>> confusion_matrix(["no", "yes", "no", "no"], ["no", "yes", "yes", "no"])
    array([[2, 1],
           [0, 1]])
    """
    names, true, predicted = _codes(y, prediction, classes)
    return counts_of(true, predicted, len(names))


def f1(
    y: ArrayLike, prediction: ArrayLike, classes: Sequence[Any] | None = None, *, by_class: bool = False
) -> float | NDArray[np.float64]:
    """Return F1, the harmonic mean of precision and recall: 2*hits / (rows predicted + rows of the class).

    It is not defined for a class that is in no row and predicted for none. Such a class has NaN, the mean is
    over the others, and a `MetricNote` says so. scikit-learn leaves it out as well.

    Parameters
    ----------
    y : array_like of shape (N,)
        The true classes.
    prediction : array_like of shape (N,) or (M, N)
        The predicted classes of one network, or of M networks.
    classes : sequence, optional
        All classes in order; by default those of `y` and of `prediction`, sorted.
    by_class : bool
        Give it for each class, not the mean over the classes (macro F1).

    Returns
    -------
    float, or float64 array of shape (M,); by class (K,) or (M, K)

    Examples
    --------
    >>> f1(["no", "yes", "no", "no"], ["no", "yes", "yes", "no"], by_class=True)
    array([0.8       , 0.66666667])
    """
    names, true, predicted = _codes(y, prediction, classes)
    counts = counts_of(true, predicted, len(names))
    never = ~(counts.any(axis=-1) | counts.any(axis=-2))
    unmet = np.atleast_2d(never).any(axis=0)
    if unmet.any():
        told = joined([str(names[code]) for code in np.flatnonzero(unmet)], 8)
        note([f"F1 is not defined for classes in no row and predicted for none, and is left out: {told}"])
    found = f1_of(counts)
    return found if by_class else _per_network(mean_of_defined(found))


@ieee
def log_loss(
    y: ArrayLike, probabilities: ArrayLike, classes: Sequence[Any] | None = None
) -> float | NDArray[np.float64]:
    """Return the log-loss: the mean of minus the logarithm of the probability of the true class.

    Nothing is clipped: it is infinite if a row's true class has the probability 0. (scikit-learn puts 2e-16
    in its place.)

    Parameters
    ----------
    y : array_like of shape (N,)
        The true classes.
    probabilities : array_like of shape (N, K) or (M, N, K), or for two classes (N,) or (M, N)
        The probability of each class, in the order of `classes`; (N,) and (M, N) are those of the second of
        two, but (N, 2) has both.
    classes : sequence, optional
        All K classes in order, such as ``run.classes``; by default those of `y`, sorted.

    Returns
    -------
    float or float64 array of shape (M,)

    Raises
    ------
    InputError
        A class of `y` has no probability, a probability is outside 0 .. 1, or the shapes do not fit.

    Examples
    --------
    >>> log_loss(["no", "yes"], [[0.5, 0.5], [0.25, 0.75]])
    0.4904146265058631
    """
    names, true, _ = _codes(y, y, classes)
    given = np.asarray(numeric_array(probabilities, "probabilities"), np.float64)
    of_two = len(names) == 2 and given.shape[-1:] == true.shape and given.shape != (len(true), 2)
    given = np.stack([1.0 - given, given], axis=-1) if of_two and given.ndim < 3 else given
    if given.ndim not in (2, 3) or given.shape[-2:] != (len(true), len(names)):
        raise InputError(
            f"probabilities must have shape ({len(true)}, {len(names)}), a row for each of y and a column "
            f"for each of the classes {joined(list(map(str, names)), 8)}; got {np.shape(probabilities)}. "
            "Give the outputs of predict, and classes=run.classes."
        )
    if (given < 0).any() or (given > 1).any():
        raise InputError(
            f"probabilities must be from 0 to 1; got {float(given.min())} .. {float(given.max())}. "
            "Take a network with softmax or sigmoid outputs."
        )
    with np.errstate(divide="ignore"):
        lost = -np.log(np.ascontiguousarray(given[..., np.arange(len(true)), true]))
    return _per_network(lost.mean(axis=-1) + 0.0)


def counts_of(true: Array, predicted: Array, classes: int) -> Counts:
    """The confusion matrices (..., K, K) of classes 0 .. K-1; a prediction below 0 is counted nowhere."""
    lead = predicted.shape[:-1]
    flat = predicted.reshape(-1, len(true))
    cells = (np.arange(len(flat))[:, None] * classes + true) * classes + flat
    found = np.bincount(cells[flat >= 0], minlength=len(flat) * classes * classes)
    return found.astype(np.int64).reshape(*lead, classes, classes)


def f1_of(counts: Counts) -> NDArray[np.float64]:
    """F1 of each class (..., K), of confusion matrices; NaN for a class in no row and predicted for none."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    both = counts.sum(axis=-1) + counts.sum(axis=-2)
    found = np.full(both.shape, np.nan)
    np.divide(2.0 * hits, both, out=found, where=both > 0)
    return found


def mean_of_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis without NaN; NaN if there is nothing else."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    found = np.full(np.shape(count), np.nan)
    np.divide(np.where(known, values, 0.0).sum(axis=-1), count, out=found, where=count > 0)
    return found


def _codes(y: Any, prediction: Any, classes: Sequence[Any] | None) -> tuple[list[Any], Array, Array]:
    """The classes, and the places among them of those of y (N,) and of those predicted, (N,) or (M, N)."""
    true, shape = given_labels(y, "y", (1,))
    predicted, wide = given_labels(prediction, "prediction", (1, 2))
    if wide[-1] != shape[-1]:
        raise InputError(
            f"prediction must have shape ({shape[0]},) or (M, {shape[0]}), a class for each row of y; "
            f"got {wide}. Predict the same rows, one network per line."
        )
    met = {*true, *predicted} - {""}
    try:
        names = sorted(met) if classes is None else list(classes)
    except TypeError:
        raise InputError(
            "y and prediction must hold classes of one kind; got texts and numbers. Give the names in both."
        ) from None
    place = {name: code for code, name in enumerate(names)}
    place = {NO_NAME: -1, NO_NUMBER: -1} | place
    unknown = next((name for name in (*true, *predicted) if name not in place), None)
    if unknown is not None:
        raise InputError(
            f"classes must list every class; got {shown(unknown)} that is not among "
            f"{joined(list(map(str, names)), 8)}. Add it to classes."
        )
    codes = [np.array([place[name] for name in some], np.int64) for some in (true, predicted)]
    return names, codes[0], codes[1].reshape(wide)


def _per_network(values: Any) -> float | NDArray[np.float64]:
    return float(values) if np.ndim(values) == 0 else np.asarray(values)

"""Metrics of predictions: mean squared error, R² and MAPE, for one network or for many at once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError
from fastnn.data.arrays import finite_array, numeric_array
from fastnn.showing.lettering import counted
from fastnn.system.floating_point import ieee
from fastnn.system.telling import warn

__all__ = ["MEASURES", "MetricNote", "mape", "metric_notes", "mse", "note", "r2"]


class MetricNote(UserWarning):
    """A note, not an error: a metric leaves rows out, or has its value by convention.

    MAPE: how many rows were left out because their target is 0, or that there is no MAPE. R²: that all
    targets are one value. ``warnings.simplefilter("ignore", fastnn.MetricNote)`` silences it.
    """


def mse(y: ArrayLike, prediction: ArrayLike) -> float | NDArray[np.float64]:
    """Return the mean squared error, the mean of (prediction - y)², not halved.

    Parameters
    ----------
    y : array_like of shape (N,)
        The true values; any real dtype, any unit. The result has that unit squared.
    prediction : array_like of shape (N,) or (M, N)
        The predictions of one network, or of M networks, in the unit of `y`.

    Returns
    -------
    float or float64 array of shape (M,)
        One number per network, computed in float64. A network that diverged (predictions of NaN or
        infinity) gets NaN or infinity, without a warning and without touching its neighbours.

    Raises
    ------
    InputError
        `y` holds NaN or infinity, or the shapes do not fit together.

    Examples
    --------
    >>> mse([1, 2, 3], [1, 2, 5])
    1.3333333333333333
    >>> mse([1, 2, 3], [[1, 2, 5], [1, 2, 3]])
    array([1.33333333, 0.        ])
    """
    return _mse(*_pair(y, prediction))


def r2(y: ArrayLike, prediction: ArrayLike) -> float | NDArray[np.float64]:
    """Return the coefficient of determination, 1 - Σ(prediction - y)² / Σ(y - mean of y)².

    1 is exact, 0 is as good as predicting the mean, and there is no lower bound. If all of `y` is one value
    (or there is one row) the quotient is undefined. The result is then 1.0 for an exact prediction and 0.0
    for any other, and a `MetricNote` says so. This is scikit-learn's convention, so numbers agree with those
    seen elsewhere, and NaN always means a network that diverged. (For one row scikit-learn itself returns NaN
    and warns.)

    Parameters
    ----------
    y : array_like of shape (N,)
        The true values; any real dtype, any unit.
    prediction : array_like of shape (N,) or (M, N)
        The predictions of one network, or of M networks, in the unit of `y`.

    Returns
    -------
    float or float64 array of shape (M,)
        One number per network, computed in float64. Predictions of NaN give NaN, infinite ones
        minus infinity, for that network only and without a warning.

    Raises
    ------
    InputError
        `y` holds NaN or infinity, or the shapes do not fit together.

    Notes
    -----
    The definition is the same as in `sklearn.metrics.r2_score`, whose documented example is tested.

    Examples
    --------
    >>> r2([1, 2, 3], [1, 2, 3]), r2([1, 2, 3], [2, 2, 2]), r2([1, 2, 3], [3, 2, 1])
    (1.0, 0.0, -3.0)
    """
    true, predicted = _pair(y, prediction)
    note(_r2_notes(true, ""))
    return _r2(true, predicted)


def mape(y: ArrayLike, prediction: ArrayLike) -> float | NDArray[np.float64]:
    """Return the mean absolute percentage error, the mean of |prediction - y| / |y|, as a fraction.

    1.25 means 125 %. Rows with y = 0 have no relative error and are left out of the mean; a `MetricNote` says
    how many. If more than half of the rows have y = 0 there is no MAPE: the result is NaN, and a note says
    why. (Min-max scaled targets always hold a 0. scikit-learn divides by 2.2e-16 instead, and returns numbers
    such as 1e12.) Rows with `y` close to 0 count and weigh enormously: prefer the target's own unit to the
    scaled one.

    Parameters
    ----------
    y : array_like of shape (N,)
        The true values; any real dtype.
    prediction : array_like of shape (N,) or (M, N)
        The predictions of one network, or of M networks, in the unit of `y`.

    Returns
    -------
    float or float64 array of shape (M,)
        One fraction per network, computed in float64. Predictions of NaN or infinity give NaN or infinity,
        for that network only and without a warning, even in rows that are left out.

    Raises
    ------
    InputError
        `y` holds NaN or infinity, or the shapes do not fit together.

    Examples
    --------
    >>> mape([100, 200], [150, 100])
    0.5
    >>> import warnings
    >>> with warnings.catch_warnings(record=True, action="always") as notes:
    ...     print(mape([100, 200, 0], [150, 100, 7]), mape([100, 0, 0], [150, 0, 0]))
    0.5 nan
    >>> print(*(note.message for note in notes), sep="\\n")
    MAPE over 2 of 3 rows (1 with target 0 left out)
    no MAPE: 2 of 3 rows with target 0
    """
    true, predicted = _pair(y, prediction)
    note(_mape_notes(true, ""))
    return _mape(true, predicted)


def metric_notes(targets: NDArray[Any], names: Sequence[str] = ()) -> list[str]:
    """Return the notes that belong to metrics of these targets, a sentence each; often none.

    Parameters
    ----------
    targets : (N,) or (N, K)
        The true values.
    names : sequence of str, optional
        The names of K > 1 targets; by default 1, 2, ...
    """
    columns = np.asarray(targets, np.float64).reshape(len(targets), -1).T
    several = len(columns) > 1
    called = names or [str(number + 1) for number in range(len(columns))]
    found = []
    for column, name in zip(columns, called, strict=True):
        of = f" of target {name}" if several else ""
        found += [*_mape_notes(column, of), *_r2_notes(column, of)]
    return found


def note(notes: Sequence[str], stacklevel: int = 3) -> None:
    """Emit each of `notes` as a `MetricNote` at the line that called the caller of this function."""
    for text in notes:
        warn(text, MetricNote, stacklevel=stacklevel)


def _mape_notes(y: NDArray[np.float64], of: str) -> list[str]:
    zeros = int((y == 0).sum())
    if _mostly_zero(y):
        return [f"no MAPE{of}: {zeros} of {counted(len(y), 'row', str)} with target 0"]
    over = f"{len(y) - zeros} of {counted(len(y), 'row', str)}"
    return [f"MAPE{of} over {over} ({zeros} with target 0 left out)"][: zeros > 0]


def _r2_notes(y: NDArray[np.float64], of: str) -> list[str]:
    if y.min() != y.max():
        return []
    rows = "the only target" if len(y) == 1 else f"each of {len(y)} targets"
    return [f"R²{of} is undefined, as {rows} is {y[0]:g}: it counts as 1 if predicted exactly, else as 0"]


def _mostly_zero(y: NDArray[np.float64]) -> bool:
    return bool(2 * (y == 0).sum() > len(y))


@ieee
def _mse(y: NDArray[np.float64], predicted: NDArray[Any]) -> float | NDArray[np.float64]:
    return _per_network(np.ldexp(*_mean_square(y, predicted)))


@ieee
def _r2(y: NDArray[np.float64], predicted: NDArray[Any]) -> float | NDArray[np.float64]:
    mean, shift = _mean_square(y, predicted)
    if y.min() == y.max():
        return _per_network(np.where(np.isfinite(mean), np.where(mean == 0, 1.0, 0.0), -mean))
    variance, shift_of_y = _variance(y)
    return _per_network(1.0 - np.ldexp(mean / variance, shift - shift_of_y))


@ieee
def _mape(y: NDArray[np.float64], predicted: NDArray[Any]) -> float | NDArray[np.float64]:
    counted = y != 0
    rows = np.nan if _mostly_zero(y) else np.float64(counted.sum())
    size = np.where(counted, np.abs(y), np.inf)  # a row left out adds 0, or NaN if the network diverged
    error = _differences(y, predicted)
    np.abs(error, out=error)
    error /= size
    mean = np.asarray(error.sum(axis=-1) / rows)
    far = _far(mean)
    if far.any():
        error, before = _far_differences(y, predicted[far])
        error, shift = _brought_near(np.abs(error) / size)
        mean[far] = np.ldexp(error.sum(axis=-1) / rows, -(before + shift))
    return _per_network(mean)


MEASURES: dict[str, Callable[[NDArray[np.float64], NDArray[Any]], float | NDArray[np.float64]]] = {
    "mse": _mse,
    "r2": _r2,
    "mape": _mape,
}
"""The same metrics for checked arrays, without notes: for many networks a note is given only once."""


def _pair(y: ArrayLike, prediction: ArrayLike) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Check both arguments; predictions keep their dtype and memory, and may hold NaN."""
    true = finite_array(y, "y", (1,))
    predicted = numeric_array(prediction, "prediction")
    if predicted.ndim not in (1, 2) or predicted.shape[-1] != len(true):
        raise InputError(
            f"prediction must have shape ({len(true)},) or (M, {len(true)}), as y has "
            f"{counted(len(true), 'row')}; "
            f"got {predicted.shape}. Predict the same rows, one network per line."
        )
    return true, predicted


def _differences(true: NDArray[np.float64], predicted: NDArray[Any]) -> NDArray[np.float64]:
    """Return prediction - y in float64, C-ordered, so that a network's sum does not depend on the others."""
    return np.asarray(np.subtract(predicted, true, dtype=np.float64, order="C"))


def _mean_square(
    true: NDArray[np.float64], predicted: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return the mean of (prediction - y)² over the last axis as x * 2**p: numbers x and powers p."""
    error = _differences(true, predicted)
    np.square(error, out=error)
    mean = np.asarray(error.mean(axis=-1))
    power = np.zeros(mean.shape, np.int32)
    far = _far(mean)
    if far.any():
        error, before = _far_differences(true, predicted[far])
        error, shift = _brought_near(error)
        mean[far], power[far] = np.square(error).mean(axis=-1), -2 * (before + shift)
    return mean, power


def _variance(y: NDArray[np.float64]) -> tuple[Any, Any]:
    """Return the mean of (y - mean of y)² as x * 2**p: a number x and a power p.

    The rounding error of the mean is subtracted, as in the corrected two-pass algorithm of Chan, Golub and
    LeVeque, "Algorithms for computing the sample variance" (1983): values of y may differ in their last bits
    only.
    """
    near, shift = _brought_near(y)
    near, more = _brought_near(near - near.mean())
    return np.square(near).mean() - np.square(near.mean()), -2 * (shift + more)


def _far(means: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a network's mean is so small or large that its terms may have underflowed or overflowed."""
    return ~((means > 2.0**-900) & (means < 2.0**900))


def _far_differences(
    true: NDArray[np.float64], predicted: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return (prediction - y) * 2**shift, and the shift: 0, or -2 for a network that would overflow."""
    error = _differences(true, predicted)
    over = ~np.isfinite(error).all(axis=-1)
    error[over] = _differences(true * 0.25, predicted[over] * np.float64(0.25))
    return error, np.where(over, np.int32(-2), np.int32(0))


def _brought_near(numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return each network's numbers times 2**shift, and the shift. The product is exact.

    The largest number becomes near 1 (at least 2**-74). The shift is 0 if all numbers are 0, or one is not
    finite.
    """
    largest = np.abs(numbers).max(axis=-1)
    usable = np.isfinite(largest) & (largest > 0)
    _, exponents = np.frexp(np.where(usable, largest, 1.0))
    shift = -np.clip(exponents, -1000, 1000)
    return numbers * np.ldexp(1.0, shift)[..., None], shift


def _per_network(values: NDArray[np.float64]) -> float | NDArray[np.float64]:
    """Return a plain float for one network, an array (M,) for several."""
    return float(values) if np.ndim(values) == 0 else values

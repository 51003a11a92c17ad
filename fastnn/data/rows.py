"""The rows that users give to a network: X and y, or a Dataset in their place."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, shown
from fastnn.core.network import Network
from fastnn.data.arrays import finite_array, in_dtype
from fastnn.data.classes import Names, coded, labels_for, network_of_classes, two_as_one
from fastnn.data.columns import joined, quoted_if_odd
from fastnn.data.datasets import Dataset
from fastnn.data.recoding import with_classes
from fastnn.showing.lettering import counted, shortened

__all__ = ["checked_inputs", "checked_rows", "labelled_rows"]

Array = NDArray[Any]

NAMED = 8
"""The most columns that a refusal names."""


def checked_inputs(network: Network, X: ArrayLike | Dataset, dtype: str, prefix: str = "") -> Array:
    """Return X, or a Dataset's X, as (N, D) in `dtype`; (N,) is accepted for a network of one input."""
    if isinstance(X, Dataset):
        _refuse_other_columns(network, X, prefix)
        X = X.X
    name = f"{prefix}X"
    values = finite_array(X, name, (1, 2) if network.n_inputs == 1 else (2,))
    values = values.reshape(len(values), -1)
    if values.shape[1] != network.n_inputs:
        turned = len(values) == network.n_inputs
        other = "drop" if values.shape[1] > network.n_inputs else "add"
        raise InputError(
            f"{name} has {counted(values.shape[1], 'column')} but the network has "
            f"{counted(network.n_inputs, 'input')}; "
            f"got {name} of shape {values.shape}. Use Network(({values.shape[1]}, ...)) or "
            f"{'transpose it: one row for each sample' if turned else f'{other} a column'}."
        )
    return in_dtype(values, dtype, name)


def checked_rows(
    network: Network,
    X: ArrayLike | Dataset,
    y: ArrayLike | None,
    dtype: str,
    prefix: str = "",
    known: Names | None = None,
) -> tuple[Array, Array]:
    """Return X as (N, D) and y as (N, K), both in `dtype`; y of shape (N,) is accepted for one output.

    They are given as two arrays, or as a Dataset for X and None for y. Labels of classes, which are the
    `known` ones if there are any, become targets.
    """
    inputs, targets, _ = labelled_rows(network, X, y, dtype, prefix, known)
    return inputs, targets


def labelled_rows(
    network: Network,
    X: ArrayLike | Dataset,
    y: ArrayLike | None,
    dtype: str,
    prefix: str = "",
    known: Names | None = None,
) -> tuple[Array, Array, Names | None]:
    """The same, and the names of the classes if y holds labels; else None.

    Whole numbers of a Dataset's target are classes where each output of the network is one.
    """
    X = with_classes(network, X, known)
    targets_given = _targets_of(X, y, prefix)
    inputs = checked_inputs(network, X, dtype, prefix)
    labels = None if isinstance(X, Dataset) else labels_for(network, targets_given, prefix)
    if labels is None:
        given, names = finite_array(targets_given, f"{prefix}y", (1, 2)), None
    else:
        given, names = coded(labels, network, prefix, known)
    targets = given.reshape(len(given), -1)
    if isinstance(X, Dataset) and two_as_one(network, len(X.classes or ())):
        targets = targets[:, 1:]
    if targets.shape[1] != network.n_outputs:
        raise InputError(
            f"{prefix}y has {counted(targets.shape[1], 'column')} but the network has "
            f"{counted(network.n_outputs, 'output')}; "
            f"got {prefix}y of shape {given.shape}. Use Network((..., {targets.shape[1]})) "
            "or choose columns."
        )
    if len(targets) != len(inputs):
        raise InputError(
            f"{prefix}X and y must have the same number of rows; got {len(inputs)} and {len(targets)}. "
            "Check that both come from the same table."
        )
    return inputs, in_dtype(targets, dtype, f"{prefix}y"), names


def _targets_of(X: ArrayLike | Dataset, y: ArrayLike | Dataset | None, prefix: str) -> ArrayLike:
    """The y that goes with X; refused if it is missing, or given beside a Dataset or as one."""
    if isinstance(X, Dataset):
        if y is not None:
            raise InputError(
                f"a Dataset must stand alone in the place of {prefix}X and y; got a Dataset and {shown(y)}. "
                "Leave y out, and give everything else by name."
            )
        return X.y
    if isinstance(y, Dataset):
        raise InputError(
            f"a Dataset must stand alone in the place of {prefix}X and y; got one for y. "
            "Give it alone, or its y."
        )
    if y is None:
        raise InputError(
            f"{prefix}X must come with y, or be a Dataset; got X alone. Give the targets as y, or make a "
            "Dataset of the table with fastnn.Dataset.from_frame."
        )
    return y


def _refuse_other_columns(network: Network, data: Dataset, prefix: str) -> None:
    """Refuse a Dataset that has another number of inputs or targets than the network."""
    inputs, targets = data.inputs, data.scaling.targets
    fits = len(data.scaling.outputs_of(network)) == network.n_outputs
    if len(inputs) == network.n_inputs and fits:
        return
    if len(inputs) == network.n_inputs and data.classes:
        fitting = network_of_classes(network, len(targets))
        raise InputError(
            f"{prefix.strip() or 'the network'} must have an output for each class of the data, "
            f"{joined(data.classes, NAMED)}; got {network!r}. Take {fitting}."
        )
    spread = data.scaling.spread_in_words
    layers = (len(inputs), *network.layers[1:-1], len(targets))
    advice = f"Make the network's layers {layers}, or choose other columns"
    raise InputError(
        f"{prefix.strip() or 'data'} must have the network's {counted(network.n_inputs, 'input')} and "
        f"{counted(network.n_outputs, 'output')}; got {counted(len(inputs), 'input')} ({_named(inputs)})"
        f"{spread and f'{spread},'} and {counted(len(targets), 'target')} ({_named(targets)}). "
        f"{'Choose the columns of the training data' if prefix else advice}."
    )


def _named(columns: tuple[str, ...]) -> str:
    named = [quoted_if_odd(shortened(name)) for name in columns[:NAMED]]
    return ", ".join([*named, "..."] if len(columns) > NAMED else named)

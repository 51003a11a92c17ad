"""Classes: labels of rows, the outputs that they become, and the refusal of classes without a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.core.activations import SOFTMAX
from fastnn.core.loss import Loss
from fastnn.core.losses import CrossEntropy
from fastnn.core.network import Network
from fastnn.data.array_likes import columns_in
from fastnn.data.columns import joined, plain_category

__all__ = [
    "NO_NAME",
    "NO_NUMBER",
    "SIGMOID",
    "Given",
    "Names",
    "chosen_classes",
    "class_names",
    "classes_held",
    "classes_of",
    "coded",
    "given_labels",
    "label_notes",
    "labels_for",
    "network_of_classes",
    "one_class_each",
    "refuse_unmet",
    "two_as_one",
]

Array = NDArray[Any]
Names = tuple[str, ...] | tuple[int, ...]
"""The names of classes: texts, or whole numbers."""

SIGMOID = "sigmoid"
NO_NAME, NO_NUMBER = "", -1
"""What stands for the class where a network that diverged names none."""


class Given(NamedTuple):
    """Labels as they were given: one for each row, and the order of all of them if their dtype has one."""

    values: list[Any]
    order: tuple[Any, ...] | None
    text: bool


def classes_of(
    network: Network, loss: type[Loss], named: Names | None = None, ends: tuple[int, int] = (0, 1)
) -> Names | None:
    """The names of the classes that a network tells apart; None for numbers, and for several yeses and noes.

    They are `named` by the data, or else 0 .. K-1: with softmax outputs, or one sigmoid output, trained by a
    loss of classes. `ends` are what a target that is scaled to 0 and 1 was before.
    """
    if named is not None or not loss.classifies:
        return named
    if network.output == SOFTMAX.name:
        return tuple(range(network.n_outputs))
    return ends if network.n_outputs == 1 else None


def two_as_one(network: Network, classes: int) -> bool:
    """Whether the network has one sigmoid output for two classes: the probability of the second."""
    return classes == 2 and network.n_outputs == 1 and network.output == SIGMOID


def network_of_classes(network: Network, classes: int) -> str:
    """The network that would fit a number of classes, as one writes it."""
    layers = (*network.layers[:-1], classes)
    one = f', or Network({(*layers[:-1], 1)}, output="{SIGMOID}")' if classes == 2 else ""
    return f'Network({layers}, output="{SOFTMAX.name}"){one}'


def labels_for(network: Network, y: Any, prefix: str = "") -> Given | None:
    """Return y as labels for a network; None if it holds numbers.

    Whole numbers (N,) are labels where each of several outputs is a class of its own. Texts and categories
    always are, and are refused by a network without probabilities.
    """
    of_classes = network.output in CrossEntropy.outputs
    several = of_classes and network.n_outputs > 1
    if getattr(getattr(y, "dtype", None), "kind", "O") in "fiub" and not several:
        return None
    found = _labels_in(y)
    if found is None or not (found.text or several):
        return None
    if not of_classes:
        count = len(set(found.values))
        fits = f"Take {network_of_classes(network, count)}" if count > 1 else "Give numbers"
        raise InputError(
            f"{prefix}y must hold numbers for a network with {network.output} outputs; got labels, such as "
            f"{shown(found.values[0])}. {fits}."
        )
    return found


def given_labels(y: Any, name: str, dimensions: tuple[int, ...]) -> tuple[list[Any], tuple[int, ...]]:
    """Return the labels in an array, flat, and its shape; refuse anything else."""
    array = _array_of(y)
    if array is None or array.ndim not in dimensions or not array.size:
        got = shown(y) if array is None else f"shape {array.shape}"
        raise InputError(f"{name} must hold a class for each row; got {got}. Give texts or whole numbers.")
    values = [_plain(value) for value in array.ravel().tolist()]
    odd = next((value for value in values if not isinstance(value, str | int)), None)
    if odd is not None:
        raise InputError(
            f"{name} must hold classes; got {shown(odd)}. Give texts or whole numbers: outputs become "
            "classes by predict_classes."
        )
    return values, array.shape


def _array_of(y: Any) -> Array | None:
    """Labels as NumPy's array of any dimensions; None for what cannot be labels."""
    columns = columns_in(y)
    if columns is not None:
        return _array_of(columns[0].cells) if len(columns) == 1 else None
    if np.ma.isMaskedArray(y):
        return None
    try:
        array = np.asarray(y, object if isinstance(y, list | tuple) else None)  # as it is, 1 beside "a"
    except Exception:  # each library raises its own; the check of numbers tells
        return None
    return array if array.dtype.kind in "fiubOUT" else None


def _labels_in(y: Any) -> Given | None:
    """Return y as labels: texts, whole numbers or categories (N,); None if it is anything else."""
    array = _array_of(y)
    if array is None:
        return None
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim != 1 or not array.size:
        return None
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.trunc(array)).all()):
        return None
    values = [_plain(value) for value in array.tolist()]
    declared = getattr(getattr(y, "dtype", None), "categories", None)
    order = None if declared is None else tuple(map(_plain, declared))
    if any(isinstance(value, str) for value in values):
        _refuse_odd(values)
        return Given(values, order, text=True)
    if not all(type(value) is int for value in values):
        return None
    return Given(values, order, text=order is not None)


def _plain(value: Any) -> Any:
    """A label as a text or an int, if it is one."""
    if isinstance(value, str):
        return str(value)
    whole = isinstance(value, bool | int | np.integer | np.bool_)
    return int(value) if whole or (isinstance(value, float) and value.is_integer()) else value


def _refuse_odd(values: Sequence[Any]) -> None:
    """Refuse a row without a label among texts."""
    row = next((row for row, value in enumerate(values) if not isinstance(value, str) or not value), None)
    if row is not None:
        raise InputError(
            f"y must name a class in each row; got {shown(values[row])} in row {row}. "
            "Drop the rows without a class, or give all labels as texts."
        )


def coded(
    given: Given, network: Network, prefix: str = "", known: Names | None = None
) -> tuple[NDArray[np.float64], Names]:
    """Return labels as targets (N, K), 1 for the class of a row, and the names of the classes in order.

    For one sigmoid output they are (N, 1), 1 for the second class. The classes are the `known` ones, or
    0 .. K-1 if all labels are among these, or else the different labels in sorted order: exactly K of them.
    """
    count = max(2, network.n_outputs)
    names = _known(given, known, prefix) if known is not None else _found(given, network, count, prefix)
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([place[_name(value, place)] for value in given.values])
    if network.n_outputs == 1:
        return codes[:, None].astype(np.float64), names
    return np.asarray(codes[:, None] == np.arange(len(names)), np.float64), names


def _name(value: Any, known: Any) -> Any:
    """A label by the name that a class has: a Dataset has texts for the numbers of a column, too."""
    return value if value in known else str(value)


def _known(given: Given, known: Names, prefix: str) -> Names:
    places = set(known)
    row = next((row for row, each in enumerate(given.values) if _name(each, places) not in places), None)
    if row is not None:
        raise InputError(
            f"{prefix}y must hold the classes of training, {joined(list(map(str, known)), 8)}; got "
            f"{shown(given.values[row])} in row {row}. Train on rows of that class, too, or leave these out."
        )
    return known


def _found(given: Given, network: Network, count: int, prefix: str) -> Names:
    met = set(given.values)
    if given.order is None and met <= set(range(count)):
        return tuple(range(count))
    names = tuple(sorted(met)) if given.order is None else given.order
    if len(names) != count:
        what = "one class" if len(names) == 1 else f"{len(names)} classes"
        fits = network_of_classes(network, len(names)) if len(names) > 1 else "rows of several classes"
        raise InputError(
            f"{prefix}y must hold the {count} classes that {network!r} tells apart; got {what}, "
            f"{joined(list(map(str, names)), 8)}. Take {fits}."
        )
    return names


def chosen_classes(network: Network, found: Array, classes: bool) -> NDArray[np.int64]:
    """What outputs (..., K) say: the place of the class (...), or unless `classes` 0 or 1 of each (..., K).

    One output says 1 from 0.5 on; of several the largest is the class, the first of equal ones. -1 where an
    output is NaN.
    """
    if classes and network.n_outputs > 1:
        said = found.argmax(axis=-1)
        return np.where(np.isnan(found).any(axis=-1), -1, said)
    said = np.where(np.isnan(found), -1, (found >= 0.5).astype(np.int64))
    return said[..., 0] if classes else said


def class_names(network: Network, found: Array, names: Names | None) -> Array:
    """The classes that outputs (..., N, K), or (..., N) of one output, say; without names 0 or 1 of each.

    `NO_NAME` or `NO_NUMBER` where an output is NaN.
    """
    places = chosen_classes(network, found[..., None] if network.n_outputs == 1 else found, names is not None)
    if names is None:
        return places
    texts = isinstance(names[0], str)
    listed = np.array([*names, NO_NAME if texts else NO_NUMBER])
    return np.asarray(listed[places])


def label_notes(labels: Names | None) -> tuple[str, ...]:
    """A sentence on the labels that became classes; none where there were no labels."""
    if labels is None:
        return ()
    told = joined([plain_category(str(label)) for label in labels], 8)
    return (f"the labels {told} of y became classes, an output each",)


def classes_held(Y: Array) -> NDArray[np.bool_]:
    """Whether targets (N, K), or (N, 1) for two classes, have a row of each class: (K,), or (2,)."""
    return np.asarray(Y.any(axis=0)) if Y.shape[1] > 1 else np.array([(Y != 1).any(), (Y != 0).any()])


def one_class_each(Y: Array) -> bool:
    """Whether each row of targets (N, K) is of one class: 1 for it, else 0. Yeses and noes are seldom so."""
    return Y.shape[1] > 1 and bool((((Y == 0) | (Y == 1)).all(axis=1) & (Y.sum(axis=1) == 1)).all())


def refuse_unmet(Y: Array, names: Names, rows: str = "the training rows") -> None:
    """Refuse targets (N, K), or (N, 1) for two classes, without a row of one of the classes.

    Fewer rows than classes are a step or two to look at, nothing to learn from: they are not refused.
    """
    held = classes_held(Y)
    if held.all() or len(Y) < len(held):
        return
    if held.sum() == 1:
        raise InputError(
            f"{rows} must be of at least two classes; got {names[int(held.argmax())]!r} in each. "
            "With one class there is nothing to tell apart: take more rows, or shuffle the table first."
        )
    raise InputError(
        f"{rows} must hold each class; got none of {names[int(held.argmin())]!r}. Take more rows, shuffle "
        "the table first, or leave that class out of the network's outputs."
    )

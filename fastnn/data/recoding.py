"""Whole numbers of a Dataset's target as classes, as if its column had been named among the categories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fastnn.core.losses import CrossEntropy
from fastnn.core.network import Network
from fastnn.data.classes import Names
from fastnn.data.columns import MOST_CLASSES, Column
from fastnn.data.datasets import Dataset
from fastnn.data.scaling import Scaling, frozen

__all__ = ["of_classes", "with_classes"]


def with_classes(network: Network, data: Any, known: Names | None = None) -> Any:
    """A Dataset with whole numbers for a target as one of classes, where each output of a network is one.

    Anything else is returned as it is. `known` are the classes of training.
    """
    if not isinstance(data, Dataset) or not isinstance(network, Network):
        return data  # anything else is refused by those who look at the network
    several = network.n_outputs > 1 and network.output in CrossEntropy.outputs
    return (of_classes(data, known) or data) if several else data


def of_classes(data: Dataset, known: Names | None = None) -> Dataset | None:
    """The same rows with classes for a target; None if it is not the only one, or not of whole numbers."""
    values = data.target_values
    if values.ndim != 1 or data.scaling.target_columns[0].categories or (values != np.trunc(values)).any():
        return None
    names = [str(int(value)) for value in np.unique(values)]
    if known is not None and {*names} <= {*map(str, known)}:
        names = [*map(str, known)]
    if not 2 <= len(names) <= MOST_CLASSES:
        return None
    column = Column(data.scaling.target_columns[0].name, tuple(names), one_hot=True)
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([place[str(int(value))] for value in values], np.float64)
    y, each = frozen(column.spread(codes)), np.ones(len(names))
    scaling = replace(data.scaling, target_columns=(column,), y=Scaling(frozen(0 * each), frozen(each)))
    return replace(data, y=y, target_values=y, scaling=scaling)

"""The values at which a picture over two inputs holds all other inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.data.datasets import Dataset

__all__ = ["grid_of_inputs", "held_at", "inputs_to_draw"]

Array = NDArray[Any]

ROWS = 2000  # of a larger table: enough to tell which inputs to draw


def grid_of_inputs(data: Any, rows: Array, points: Array, chosen: Sequence[int]) -> Array:
    """Return all inputs (points, D) for each of the `points` (points, chosen) over the chosen inputs.

    The other inputs are held at the median of the `rows`, and categories of a Dataset at the most common one.
    If a chosen input is a category and is 1, the other categories of its column are 0.
    """
    grid = np.repeat(np.median(rows, axis=0)[None], len(points), axis=0)
    columns = data.scaling.input_columns if isinstance(data, Dataset) else ()
    first = 0
    for column in columns:
        places = np.arange(first, first + len(column.inputs))
        first += len(places)
        if column.categories:
            _hold_categories(grid, rows, points, chosen, places)
    grid[:, chosen] = points
    return grid


def _hold_categories(grid: Array, rows: Array, points: Array, chosen: Sequence[int], places: Array) -> None:
    """Hold a column at its most common category; categories that are chosen inputs do not count."""
    free = [place for place in places if place not in chosen]
    taken = [axis for axis, place in enumerate(chosen) if place in places]
    if not free:
        return
    others = rows[~(rows[:, np.setdiff1d(places, free)] > 0).any(axis=1)][:, free]
    values, counts = np.unique(others, axis=0, return_counts=True)
    left = np.clip(1 - points[:, taken].sum(axis=1), 0, 1) if taken else np.ones(len(points))
    grid[:, free] = values[counts.argmax()] * left[:, None] if len(others) else 0.0


def inputs_to_draw(data: Any, rows: Array, classes: NDArray[np.int64] | None = None) -> tuple[int, ...]:
    """The first two inputs that have a column of their own; one of several categories shows less.

    Where the rows (N, D) have `classes` (N,), of these inputs the two that tell most rows' classes.
    """
    count = rows.shape[1]
    if count <= 2:
        return tuple(range(count))
    own = list(range(count))
    if isinstance(data, Dataset):
        spread = [column.one_hot for column in data.scaling.input_columns for _ in column.inputs]
        own.sort(key=lambda place: spread[place])
        own = own[: max(2, count - sum(spread))]
    if classes is None:
        return tuple(own[:2])
    some = slice(None, None, 1 + len(rows) // ROWS)
    chosen: list[int] = []
    for _ in range(2):
        left = [place for place in own if place not in chosen]
        told = [_told(rows[some][:, [*chosen, place]], classes[some]) for place in left]
        chosen.append(left[int(np.argmax(told))])
    return tuple(sorted(chosen))


def _told(rows: Array, classes: NDArray[np.int64]) -> int:
    """How many rows are nearest to the mean of their own class."""
    means = np.array([rows[classes == each].mean(axis=0) for each in np.unique(classes)])
    nearest = ((rows[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    return int((np.unique(classes)[nearest] == classes).sum())


def held_at(data: Any, inputs: Array, chosen: Sequence[int], names: Sequence[str]) -> list[str]:
    """The values of the inputs that are not chosen, in their own units: "children = 1", "city = Graz"."""
    if not isinstance(data, Dataset):
        return [
            f"{names[place]} = {inputs[place]:.4g}" for place in range(len(inputs)) if place not in chosen
        ]
    values = data.X_scaling.invert(inputs[None])[0]
    told, first = [], 0
    for column in data.scaling.input_columns:
        places = range(first, first + len(column.inputs))
        first += len(places)
        if set(places) & set(chosen):
            continue
        value = values[places[0]]
        if column.one_hot:
            told.append(f"{column.name} = {column.categories[int(np.argmax(values[list(places)]))]}")
        elif column.categories:
            told.append(f"{column.name} = {column.categories[round(value)]}")
        else:
            told.append(f"{column.name} = {value:.4g}")
    return told

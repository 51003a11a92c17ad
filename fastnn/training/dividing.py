"""The division of rows into those that are trained on and those that validate, drawn from a seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, finite_number
from fastnn.core.recipe import Recipe
from fastnn.data.datasets import Dataset
from fastnn.data.rows import checked_rows
from fastnn.showing.lettering import counted
from fastnn.training.plan import Plan
from fastnn.training.randomness import VALIDATION, permutations

__all__ = ["divided", "is_fraction", "left_of", "validation_rows"]

Array = NDArray[Any]
Chosen = NDArray[np.bool_]


def is_fraction(validation: Any) -> bool:
    """Whether validation rows are to be drawn, not given."""
    return isinstance(validation, int | float | np.number) and not isinstance(validation, bool)


def validation_rows(fraction: Any, Y: Array, seed: int) -> Chosen:
    """Whether each of N rows of targets (N, K) is a validation row: of all rows a fraction, at least one.

    They depend on the seed, the fraction and N, and on the classes, if Y holds only 0 and 1: a class is then
    one of its distinct rows, each class has its share of the validation rows, and keeps one to train on.
    """
    rows = len(Y)
    part = finite_number(fraction, "validation")
    if not 0 < part < 1:
        raise InputError(
            f"validation must be a fraction of the rows, above 0 and below 1; got {part!r}. Give 0.2, say."
        )
    order = permutations(seed, [0], rows, VALIDATION)[0]
    classes = _classes(Y)
    size, share = np.bincount(classes), np.empty(rows)
    for one in range(len(size)):
        members = order[classes[order] == one]
        share[members] = (np.arange(size[one]) + 0.5) / size[one]
        share[members[-1]] = np.inf
    most = rows - len(size)
    if most < 1:
        raise InputError(
            f"validation must leave a row of every class to train on; got {counted(rows, 'row')} for "
            f"{counted(len(size), 'class')}. Give more rows, or leave it out."
        )
    chosen = np.zeros(rows, bool)
    first = min(max(1, round(part * rows)), most)
    chosen[order[np.argsort(share[order], kind="stable")][:first]] = True
    return chosen


def left_of(values: Any, left: Chosen | None) -> Any:
    """What is given of all rows (N,), of those that are left; `left` is None where none were taken."""
    return (
        values
        if left is None or values is None or np.shape(values) != left.shape
        else np.asarray(values)[left]
    )


def divided(plan: Plan, fraction: Any, seed: int, data: Any, training: dict[str, Any]) -> tuple[Plan, Chosen]:
    """Divide the rows of a plan; return the plan of training on the rest, and which rows of all that is.

    Parameters
    ----------
    plan : Plan
        Of training on all rows.
    fraction : float
    seed : int
    data : Dataset, or other
        What X was given as. A Dataset is scaled anew over the rows that are trained on.
    training : dict
        What was asked of the training, as in `Plan.of`.
    """
    chosen = validation_rows(fraction, plan.Y, seed)
    rows, further, scaling = (
        (plan.X[~chosen], plan.Y[~chosen]),
        (plan.X[chosen], plan.Y[chosen]),
        plan.scaling,
    )
    if isinstance(data, Dataset):
        part = data.part(~chosen)
        rows, scaling = checked_rows(plan.network, part, None, plan.dtype), part.scaling
        further = checked_rows(plan.network, data.part(chosen, scaling), None, plan.dtype)
    asked = {name: value for name, value in training.items() if name not in ("dtype", "schedule")}
    recipe = Recipe.of(plan.network, rows=len(rows[0]), **asked).scheduled(plan.recipe.schedule)
    left = replace(plan, X=rows[0], Y=rows[1], further=further, scaling=scaling, recipe=recipe)
    left.need_classes(type(recipe.loss))
    return left, ~chosen


def _classes(Y: Array) -> NDArray[np.intp]:
    """The number of each row's class, (N,); 0 for all where there are none."""
    if not ((Y == 0) | (Y == 1)).all():
        return np.zeros(len(Y), np.intp)
    return np.asarray(np.unique(Y, axis=0, return_inverse=True)[1]).reshape(-1)

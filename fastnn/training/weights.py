"""Weights of rows, and the coefficients by which they come into the training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import frexp, fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, one_of
from fastnn.core.rule import WITHIN
from fastnn.data.arrays import finite_array
from fastnn.showing.lettering import counted

__all__ = ["Weights", "weights_of", "weights_told"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Weights:
    """How much each row counts, beside the others of its epoch or of its batch.

    A row's coefficient scales what it loses and all that it changes. It is the row's weight divided by the
    mean weight of all rows, so that a batch of all rows has the mean loss ``sum(w*loss)/sum(w)``; or, as in
    scikit-learn, by the mean weight of the rows of its batch. A mean is a sum rounded once, which the order
    of the rows does not change.

    Attributes
    ----------
    values : (N,) float64, read-only
        Finite, none below 0, and not all alike.
    within : str
        One of `WITHIN`: the rows that the mean is over.
    """

    values: NDArray[np.float64]
    within: str = "epoch"

    def first(self, rows: int) -> Weights | None:
        """The weights of the first rows; None if they are all alike, which is to have none."""
        some = self.values[:rows]
        return None if (some == some[0]).all() else Weights(some, self.within)

    def coefficients(self, order: Array | None, batch: int) -> Array:
        """The coefficients (N,) of rows visited in an order (None: that of the file), in float64.

        In a batch whose weights are all 0, they are 0.
        """
        if self.within == "epoch":
            return self._of_all if order is None else self._of_all[order]
        visited = self.values if order is None else self.values[order]
        parts = (visited[first : first + batch] for first in range(0, len(visited), batch))
        return np.concatenate([*map(_coefficients, parts)])

    @cached_property
    def _of_all(self) -> Array:
        """Those of all rows, in the order of the file."""
        return _coefficients(self.values)


def weights_told(within: str | None) -> list[str]:
    """What to tell of the weights of rows, which count within that; nothing where there are none."""
    if within is None:
        return []
    return ["rows with weights" + ("" if within == WITHIN[0] else f" within each {within}")]


def _coefficients(weights: Array) -> Array:
    """Weights divided by their mean; 0 where all of them are."""
    _, exponent = frexp(weights.max())
    scaled = np.ldexp(weights, -exponent)  # exact, and no sum of them overflows
    found: Array = scaled / ((fsum(scaled) / len(scaled)) or 1.0)
    return found


def weights_of(sample_weight: Any, within: Any, rows: int, counts: Iterable[int] = ()) -> Weights | None:
    """The weights that `sample_weight` and `weights_within` ask for; None if all rows count alike.

    Parameters
    ----------
    sample_weight : array_like (N,), or None
    within : str
    rows : int
        N.
    counts : iterable of int
        The numbers of first rows that are to be trained on; by default all.
    """
    one_of(within, "weights_within", WITHIN)
    if sample_weight is None:
        if within != WITHIN[0]:
            raise InputError(
                f"weights_within must go with weights of rows; got {within!r} alone. Give the rows weights."
            )
        return None
    values = finite_array(sample_weight, "sample_weight", (1,))
    if len(values) != rows:
        raise InputError(
            f"sample_weight must hold a number for each of {counted(rows, 'row')}; got {len(values)}. "
            "Give one for each row."
        )
    below = np.flatnonzero(values < 0)
    if len(below):
        raise InputError(
            f"sample_weight must hold no number below 0; got {float(values[below[0]])} at [{below[0]}]. "
            "Give a row that is not to count the weight 0."
        )
    for count in counts or (rows,):
        if not values[:count].any():
            which = "all rows" if count == rows else f"all of the first {counted(count, 'row')}"
            raise InputError(
                f"sample_weight must be above 0 for some row; got 0 for {which}. Give one of them a weight."
            )
    values += 0.0  # turns -0.0 into 0.0
    values.flags.writeable = False
    return Weights(values, within).first(rows)

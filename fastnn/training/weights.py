"""Weights of rows, and the coefficients by which they come into the training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import frexp, fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, one_of, shown
from fastnn.core.choices import from_zero
from fastnn.core.rule import WITHIN
from fastnn.data.arrays import finite_array
from fastnn.data.classes import Names
from fastnn.data.columns import joined
from fastnn.showing.lettering import counted

__all__ = ["BALANCED", "ClassWeights", "Weights", "class_weights_of", "weights_of", "weights_told"]

Array = NDArray[Any]

BALANCED = "balanced"


@dataclass(frozen=True, eq=False)
class ClassWeights:
    """How much each class counts.

    Attributes
    ----------
    codes : (N,) int64
        The class of each row, 0 .. K-1.
    factors : tuple of float, or None
        That of each class; None for balanced ones, by which all classes count alike: N/(K*count), of the rows
        that are trained on.
    classes : int
        K.
    """

    codes: NDArray[np.int64]
    factors: tuple[float, ...] | None
    classes: int

    def first(self, rows: int) -> ClassWeights:
        """Those of the first rows."""
        return replace(self, codes=self.codes[:rows])

    @property
    def asked(self) -> str | dict[int, float]:
        """The same as `fastnn.train` takes it, of classes without names."""
        return BALANCED if self.factors is None else dict(enumerate(self.factors))

    @property
    def of_rows(self) -> NDArray[np.float64]:
        """The factor of each row's class, (N,)."""
        if self.factors is not None:
            return np.array(self.factors)[self.codes]
        counts = np.bincount(self.codes, minlength=self.classes)
        return np.asarray(len(self.codes) / (self.classes * counts[self.codes]), np.float64)


@dataclass(frozen=True, eq=False)
class Weights:
    """How much each row counts, beside the others of its epoch or of its batch.

    A row's coefficient scales what it loses and all that it changes. It is the row's weight divided by the
    mean weight of all rows, so that a batch of all rows has the mean loss ``sum(w*loss)/sum(w)``; or, as in
    scikit-learn, by the mean weight of the rows of its batch. A mean is a sum rounded once, which the order
    of the rows does not change.

    Attributes
    ----------
    of_rows : (N,) float64, read-only
        Those that were given: finite, none below 0. All 1 if none were.
    within : str
        One of `WITHIN`: the rows that the mean is over.
    of_classes : ClassWeights, or None
        Those of the classes of the rows, by which they are multiplied.
    """

    of_rows: NDArray[np.float64]
    within: str = "epoch"
    of_classes: ClassWeights | None = None

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """How much each row counts, (N,)."""
        return self.of_rows if self.of_classes is None else self.of_rows * self.of_classes.of_rows

    def first(self, rows: int) -> Weights | None:
        """The weights of the first rows; None if they are all alike, which is to have none."""
        of_classes = None if self.of_classes is None else self.of_classes.first(rows)
        some = Weights(self.of_rows[:rows], self.within, of_classes)
        return None if (some.values == some.values[0]).all() else some

    @property
    def asked(self) -> dict[str, Any]:
        """What to ask `fastnn.train` for to get the same, on rows whose classes have no names."""
        classes, none_given = self.of_classes, bool((self.of_rows == 1).all())
        return {
            "sample_weight": None if none_given and classes is not None else self.of_rows,
            "class_weight": None if classes is None else classes.asked,
            "weights_within": self.within,
        }

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


def class_weights_of(class_weight: Any, Y: Array, classes: Names | None) -> ClassWeights | None:
    """The weights of classes that `class_weight` asks for, of targets (N, K), or (N, 1) for two classes.

    `classes` are their names, by default 0 .. K-1.
    """
    if class_weight is None:
        return None
    one = Y.shape[1] == 1
    if not ((Y == 0) | (Y == 1)).all() or not (one or (Y.sum(axis=1) == 1).all()):
        raise InputError(
            f"class_weight must go with one class for each row; got {shown(class_weight)} with other "
            "targets. Leave it out, or give the rows weights: sample_weight."
        )
    codes = np.asarray(Y[:, 0] if one else Y.argmax(axis=1), np.int64)
    names: Names = tuple(range(2 if one else Y.shape[1])) if classes is None else classes
    if isinstance(class_weight, str) and class_weight == BALANCED:
        return ClassWeights(codes, None, len(names))
    if not isinstance(class_weight, Mapping):
        raise InputError(
            f'class_weight must be "{BALANCED}", or numbers by the names of classes; got '
            f"{shown(class_weight)}. Write class_weight={{{names[0]!r}: 2.0}}."
        )
    known = {str(name): place for place, name in enumerate(names)}
    factors = [1.0] * len(names)
    for name, value in class_weight.items():
        place = known.get(str(name))
        if place is None:
            raise InputError(
                f"class_weight must name classes of the data, {joined(list(known), 8)}; got {shown(name)}. "
                "Leave it out; a class that is not named counts 1."
            )
        factors[place] = from_zero(value, f"class_weight of {name!r}")
    return ClassWeights(codes, tuple(factors), len(names))


def weights_of(
    sample_weight: Any,
    within: Any,
    rows: int,
    counts: Iterable[int] = (),
    of_classes: ClassWeights | None = None,
) -> Weights | None:
    """The weights that `sample_weight` and `weights_within` ask for; None if all rows count alike.

    Those of classes are kept though all rows count alike: the first rows may not.

    Parameters
    ----------
    sample_weight : array_like (N,), or None
    within : str
    rows : int
        N.
    counts : iterable of int
        The numbers of first rows that are to be trained on; by default all.
    of_classes : ClassWeights, optional
    """
    one_of(within, "weights_within", WITHIN)
    if sample_weight is None and of_classes is None:
        if within != WITHIN[0]:
            raise InputError(
                f"weights_within must go with weights of rows; got {within!r} alone. Give the rows weights."
            )
        return None
    values = np.ones(rows) if sample_weight is None else _given(sample_weight, rows)
    values.flags.writeable = False
    weights = Weights(values, within, of_classes)
    if not np.isfinite(weights.values).all():
        raise InputError(
            "sample_weight times class_weight must be finite; got more than a float holds. "
            "Give smaller weights."
        )
    for count in counts or (rows,):
        if not weights.values[:count].any():
            which = "all rows" if count == rows else f"all of the first {counted(count, 'row')}"
            what = "class_weight" if sample_weight is None else "sample_weight"
            what = "sample_weight times class_weight" if values.any() and sample_weight is not None else what
            raise InputError(
                f"{what} must be above 0 for some row; got 0 for {which}. Give one of them a weight."
            )
    return weights if of_classes is not None else weights.first(rows)


def _given(sample_weight: Any, rows: int) -> NDArray[np.float64]:
    """The numbers of `sample_weight`, one for each row, none below 0."""
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
    values += 0.0  # turns -0.0 into 0.0
    return values

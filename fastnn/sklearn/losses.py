"""The losses of the estimators by their names, and how far each is from fastnn's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from fastnn.core.choices import above_zero, setting
from fastnn.core.expressions import Expression, Select, Symbol
from fastnn.core.fused import CrossEntropy
from fastnn.core.loss import Loss, Output
from fastnn.core.losses import LOSSES, Poisson, Squared

__all__ = ["Clipped", "Told", "rest_of", "told_as"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Clipped(CrossEntropy):
    """The cross-entropy of probabilities of at least exp(-most), as scikit-learn's log-loss; slopes are not.

    Attributes
    ----------
    most : float
        The most that an output can lose.
    """

    name: ClassVar[str] = "clipped_cross_entropy"
    most: float = setting(36.0, above_zero)

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """That of the cross-entropy, up to `most`."""
        loses = CrossEntropy.term(output, given)
        return Select(loses, ">", given["most"], given["most"], loses)

    @classmethod
    @cache
    def of(cls, dtype: Any) -> Clipped:
        """The one for probabilities of a dtype, of at least its eps."""
        return cls(most=float(-np.log(np.finfo(dtype).eps)))


@dataclass(frozen=True, eq=False)
class Told:
    """A loss, and what scikit-learn makes of it.

    Attributes
    ----------
    loss : Loss
    ratio : float
        By what its gradient has to be multiplied to be scikit-learn's.
    share : float
        By what its value has to be multiplied, where that is another number.
    """

    loss: Loss
    ratio: float = 1.0
    share: float = 1.0


@lru_cache(maxsize=256)
def told_as(name: Any, outputs: int, dtype: Any) -> Told:
    """What the parameter `loss` means for so many outputs of a dtype."""
    if name == "squared_error":
        return Told(Squared(), ratio=0.5, share=0.5 / outputs)
    if name == "poisson":
        return Told(Poisson())
    if name == "log_loss":
        return Told(Clipped.of(dtype))
    return Told(LOSSES.one(name))


def rest_of(name: Any, Y: Array) -> Array | None:
    """What scikit-learn adds to the loss of each row (N,) with targets (N, K), whatever the outputs are."""
    if name != "poisson":
        return None
    if (Y < 0).any():
        raise ValueError("y must be 0 or above for loss='poisson'; got a negative target. Take another loss.")
    return np.asarray(np.sum(xlogy(Y, Y) - Y, axis=1))

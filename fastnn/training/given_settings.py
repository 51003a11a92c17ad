"""The settings that kernels are given, epoch by epoch, kept until all groups of networks have had them."""

from __future__ import annotations

from bisect import bisect_right
from threading import Lock
from typing import Any

from numpy.typing import NDArray

from fastnn.core.recipe import Recipe
from fastnn.training.rates import Rates

__all__ = ["GivenSettings"]

Array = NDArray[Any]

MOST = 1 << 12  # epochs with rates of their own


class GivenSettings:
    """The settings of M networks by a recipe, at the rates of each epoch.

    Working them out takes as long as a kernel needs for some thousand networks on 30 rows, so groups that are
    trained through the same epochs share them. Measured: a cosine schedule x0.66 on 30 rows, x0.71 on 100.
    """

    def __init__(self, recipe: Recipe, rates: Rates) -> None:
        self.recipe, self.rates = recipe, rates
        self.using = Lock()  # threads ask at the same time
        self.spans: list[tuple[int, float, Array]] = []  # from an epoch up to another: which settings

    def of(self, epoch: int) -> Array:
        """What kernels are given for all networks in an epoch: (M, C)."""
        with self.using:
            place = bisect_right(self.spans, epoch, key=lambda span: span[0]) - 1
            if place < 0 or epoch >= self.spans[place][1]:
                settings = self.recipe.settings(self.rates.of(epoch))
                if place + 1 < len(self.spans) or len(self.spans) == MOST:
                    self.spans.clear()
                self.spans.append((epoch, self.rates.until(epoch), settings))
                return settings
            return self.spans[place][2]

    def forget(self, epoch: int) -> None:
        """Forget those of earlier epochs."""
        with self.using:
            self.spans = [span for span in self.spans if span[1] > epoch]

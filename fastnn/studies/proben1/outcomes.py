"""The test errors of many starts on one set, beside the published mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastnn.studies.proben1.published import Published
from fastnn.studies.proben1.stopping import Stop

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Outcome", "Spread", "table"]

LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True, eq=False)
class Spread:
    """A test error in per cent: the `errors` (M,) of M starts, and its published mean and deviation.

    Quantiles are errors of starts, without interpolation.
    """

    errors: NDArray[np.float64]
    published: tuple[float, float]

    @property
    def low(self) -> float:
        """The 10 % quantile."""
        return self._quantile(LOW)

    @property
    def median(self) -> float:
        """The median."""
        return self._quantile(0.5)

    @property
    def high(self) -> float:
        """The 90 % quantile."""
        return self._quantile(HIGH)

    @property
    def inside(self) -> bool:
        """Whether the published mean lies from the 10 % to the 90 % quantile."""
        return self.low <= self.published[0] <= self.high

    @property
    def verdict(self) -> str:
        """Where the published mean lies: "inside", or the side on which it is outside."""
        if self.inside:
            return "inside"
        return "outside, below" if self.published[0] < self.low else "outside, above"

    def _quantile(self, share: float) -> float:
        return float(np.quantile(self.errors, share, method="inverted_cdf"))


@dataclass(frozen=True, eq=False)
class Outcome:
    """What M starts came to on one set.

    Attributes
    ----------
    name : str
        The set's.
    published : Published
    error : Spread
        100/(N K) times the sum of squared errors over N test rows and K outputs.
    misclassified : Spread
        The per cent of test rows whose largest output is of another class.
    stops : tuple of Stop
        How each training ended; the errors are those of its best epoch.
    seconds : float
        The time of training, with compiling.
    """

    name: str
    published: Published
    error: Spread
    misclassified: Spread
    stops: tuple[Stop, ...]
    seconds: float

    @property
    def verdict(self) -> str:
        """Where the published mean squared error lies; see `Spread.verdict`."""
        return self.error.verdict

    @property
    def reasons(self) -> dict[str, int]:
        """How many trainings ended for each reason."""
        return dict(sorted(Counter(each.reason for each in self.stops).items()))

    @property
    def best_epoch(self) -> float:
        """The median of the best epochs."""
        return float(np.median([each.best for each in self.stops]))


def table(found: Sequence[Outcome]) -> pd.DataFrame:
    """A table with two lines for each set, of its squared error and of its misclassified rows, in per cent.

    Columns: set, hidden, measure, p10, median, p90, mean, sd; published, published_sd; verdict; best_epoch.
    """
    import pandas as pd

    return pd.DataFrame(
        {
            "set": each.name,
            "hidden": "+".join(map(str, each.published.hidden)),
            "measure": measure,
            "p10": spread.low,
            "median": spread.median,
            "p90": spread.high,
            "mean": float(spread.errors.mean()),
            "sd": float(spread.errors.std(ddof=1)) if len(spread.errors) > 1 else np.nan,
            "published": spread.published[0],
            "published_sd": spread.published[1],
            "verdict": spread.verdict,
            "best_epoch": each.best_epoch,
        }
        for each in found
        for measure, spread in (("error", each.error), ("misclassified", each.misclassified))
    )

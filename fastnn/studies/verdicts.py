"""The rules that judge a claim by thousands of starts.

A claim is about one quantity, which has one value for each start. A start agrees with a figure if its value
lies within 5 % of the figure or rounds to it. A start agrees with a claim in words if the claim holds for it.
The verdict depends only on shares of the starts. The first rule that holds decides:

1. *not reproduced*: every value that agrees with the claim lies outside the starts' 1st to 99th percentile.
2. *confirmed*: at least 90 % of the starts agree (and the report's own start, if it is known).
3. *an effect of the start*: with nothing changed, other starts agree at least two thirds as often.
4. *one of several outcomes*: none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.studies.outcomes import SAME

__all__ = [
    "CONFIRMED",
    "EFFECT_OF_THE_START",
    "NOT_REPRODUCED",
    "ONE_OF_SEVERAL",
    "RULES",
    "VERDICTS",
    "Claim",
    "around",
    "figure",
    "in_words",
    "measured",
    "portion",
]

Floats = NDArray[np.float64]

CONFIRMED, ONE_OF_SEVERAL, EFFECT_OF_THE_START, NOT_REPRODUCED = VERDICTS = (
    "confirmed",
    "one of several outcomes",
    "an effect of the start",
    "not reproduced",
)

OUTSIDE = 0.01
NEARLY_ALL = 0.90
NOTHING = (np.inf, -np.inf)
AS_OFTEN = 2 / 3

RULES = (
    ("not reproduced", "all values that agree with it lie outside the starts' 1st to 99th percentile"),
    ("confirmed", "at least 90 % of the starts agree, and the report's own start where it is known"),
    (
        "an effect of the start",
        "with nothing changed, other starts agree at least two thirds as often",
    ),
    ("one of several outcomes", "none of these"),
)


@dataclass(frozen=True, eq=False)
class Claim:
    """What a line of the report says about one quantity, and the quantity's values from M starts.

    Attributes
    ----------
    line : str
        The line's id.
    says : str
        The claim in a few words.
    quantity : str
        The quantity in words.
    values : (M,)
        Its value for each start; infinite where the network diverged.
    agrees : (low, high)
        The values that agree with the claim: low <= value < high.
    unchanged : (n,), optional
        The same quantity with nothing changed, from other starts.
    run : float, optional
        The value of the report's own start, if the report names one.
    percent : bool
        Whether the quantity is a fraction that is shown in per cent.
    number : float, optional
        The figure itself; without one the claim is in words.
    """

    line: str
    says: str
    quantity: str
    values: Floats
    agrees: tuple[float, float]
    unchanged: Floats | None = None
    run: float | None = None
    percent: bool = False
    number: float | None = None

    def quantile(self, share: float) -> float:
        """A quantile of the values, without interpolation: infinite values then do no harm."""
        return float(np.quantile(self.values, share, method="inverted_cdf"))

    @property
    def percentiles(self) -> tuple[float, float]:
        """The percentiles (0 to 1) around the figure: the shares of starts below its two ends."""
        low, high = self.agrees
        above = 0.0 if high == np.inf else float((self.values >= high).mean())
        return float((self.values < low).mean()), 1.0 - above

    @property
    def judged(self) -> bool:
        """Whether the report says anything about the quantity; if not, the quantity is only measured."""
        return self.agrees != NOTHING

    @property
    def in_words(self) -> bool:
        """Whether the report gives no number."""
        return self.number is None

    @property
    def agreeing(self) -> NDArray[np.bool_]:
        """(M,) whether each start agrees with the claim."""
        return _within(self.values, self.agrees)

    @property
    def agree(self) -> float:
        """The share of the starts that agree with the claim."""
        return float(self.agreeing.mean())

    @property
    def agree_unchanged(self) -> float | None:
        """The share of the starts that agree with the claim although nothing was changed; None if unknown."""
        return None if self.unchanged is None else float(_within(self.unchanged, self.agrees).mean())

    @property
    def within_percentiles(self) -> bool:
        """Whether the figure falls between the 1st and the 99th percentile of the starts."""
        below, up_to = self.percentiles
        return up_to >= OUTSIDE and below <= 1.0 - OUTSIDE

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`, by the rules at the top of this module; empty if not `judged`."""
        if not self.judged:
            return ""
        if not self.within_percentiles:
            return NOT_REPRODUCED
        own = self.run is None or bool(_within(np.array([self.run]), self.agrees)[0])
        if self.agree >= NEARLY_ALL and own:
            return CONFIRMED
        unchanged = self.agree_unchanged
        if unchanged is not None and unchanged > 0 and unchanged >= AS_OFTEN * self.agree:
            return EFFECT_OF_THE_START
        return ONE_OF_SEVERAL


def figure(line: str, text: str, quantity: str, values: Floats, **more: Any) -> Claim:
    """The claim that a quantity has the value written as `text`; a "%" at its end divides by 100.

    Every value within 5 % of it agrees with it, and so does every number that rounds to it.
    """
    scale = 100.0 if text.endswith("%") else 1.0
    written = Decimal(text.removesuffix("%").strip())
    half = Decimal(5).scaleb(int(written.as_tuple().exponent) - 1)
    number = float(written) / scale
    low, high = _near(number)
    agrees = (min(float(written - half) / scale, low), max(float(written + half) / scale, high))
    return Claim(line, text, quantity, values, agrees, percent=scale > 1, number=number, **more)


def around(line: str, text: str, number: float, quantity: str, values: Floats, **more: Any) -> Claim:
    """The claim that a quantity is almost the same as a number: within 5 % of it."""
    return Claim(line, text, quantity, values, _near(number), number=number, **more)


def in_words(
    line: str, text: str, quantity: str, values: Floats, agrees: tuple[float, float], **more: Any
) -> Claim:
    """A claim in words; the values from `agrees` agree with it."""
    return Claim(line, text, quantity, values, agrees, **more)


def portion(share: float) -> str:
    """A share of the starts, as all tables and sentences write it: 72 %, 5.6 %, 99.8 %, 100 % if all."""
    percent = 100 * float(share)
    if percent in (0.0, 100.0) or 10 <= percent < 99.5:
        return f"{percent:.0f} %"
    return f"{percent:.2g} %" if percent < 10 else f"{min(percent, 99.9):.1f} %"


def measured(line: str, name: str, quantity: str, values: Floats, percent: bool = False) -> Claim:
    """A quantity about which the report says nothing, or nothing for these data."""
    return Claim(line, name, quantity, values, NOTHING, percent=percent)


def _near(number: float) -> tuple[float, float]:
    wide = SAME * abs(number)
    return number - wide, number + wide


def _within(values: Any, bounds: tuple[float, float]) -> NDArray[np.bool_]:
    """Whether low <= value < high; if high is infinite, an infinite value counts, too."""
    low, high = bounds
    return np.asarray((values >= low) & ((values < high) | (high == np.inf)))

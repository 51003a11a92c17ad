"""Is a claim borne out by thousands of starts? The rules, and nothing but numbers.

A claim speaks of one quantity with one value for each start, and of the values that agree with it: a start
agrees with a figure if it ends within 5 % of it, or at a number that rounds to it; with a claim in words,
where it holds. The verdict follows from shares of the starts alone:

1. *not reproduced*: all that agrees with the figure lies outside the 1st to 99th percentile of the starts.
2. *confirmed*: at least 90 % of the starts agree (and the report's own start, where it is known).
3. *an effect of the start*: with nothing changed, other starts agree with it at least two thirds as often.
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
    ("not reproduced", "what agrees with the claim lies outside the 1st to 99th percentile of the starts"),
    ("confirmed", "at least 90 % of the starts agree, and the report's own start where it is known"),
    (
        "an effect of the start",
        "with nothing changed, other starts agree at least two thirds as often",
    ),
    ("one of several outcomes", "none of these"),
)


@dataclass(frozen=True, eq=False)
class Claim:
    """What a line of the report says of one quantity, beside the values that M starts gave it.

    Attributes
    ----------
    line : str
        The line's id.
    says : str
        The claim in a few words.
    quantity : str
        What is measured.
    values : (M,)
        Infinite where a network diverged.
    agrees : (low, high)
        The values that agree with the claim: low <= value < high.
    unchanged : (n,), optional
        The same quantity with nothing changed, from other starts.
    run : float, optional
        The value of the report's own start, where the report names it.
    percent : bool
        The quantity is a fraction, to be shown in per cent.
    number : float, optional
        The figure itself; without, the claim is in words.
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
        """A quantile of the values: one of them, so that infinite ones do no harm."""
        return float(np.quantile(self.values, share, method="inverted_cdf"))

    @property
    def percentiles(self) -> tuple[float, float]:
        """Between which percentiles (0 to 1) the figure falls: the shares of starts below its two ends."""
        low, high = self.agrees
        above = 0.0 if high == np.inf else float((self.values >= high).mean())
        return float((self.values < low).mean()), 1.0 - above

    @property
    def judged(self) -> bool:
        """Whether the report says something of the quantity; what it does not speak of is measured alone."""
        return self.agrees != NOTHING

    @property
    def in_words(self) -> bool:
        """Whether the report gives no number."""
        return self.number is None

    @property
    def agreeing(self) -> NDArray[np.bool_]:
        """(M,) which starts agree with the claim."""
        return _within(self.values, self.agrees)

    @property
    def agree(self) -> float:
        """The share of the starts that agree with the claim."""
        return float(self.agreeing.mean())

    @property
    def agree_unchanged(self) -> float | None:
        """The share of the starts that agree with the claim although nothing was changed, where known."""
        return None if self.unchanged is None else float(_within(self.unchanged, self.agrees).mean())

    @property
    def within_percentiles(self) -> bool:
        """Whether the figure falls between the 1st and the 99th percentile of the starts."""
        below, up_to = self.percentiles
        return up_to >= OUTSIDE and below <= 1.0 - OUTSIDE

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`, by the rules at the top of this module; empty for what is measured alone."""
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

    What is within 5 % of it agrees with it, and every number that rounds to it.
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
    """A claim in words, with which those values agree for which it holds."""
    return Claim(line, text, quantity, values, agrees, **more)


def portion(share: float) -> str:
    """A share of the starts as every table and sentence writes it: 72 %, 5.6 %, 99.8 %, 100 % of all."""
    percent = 100 * float(share)
    if percent in (0.0, 100.0) or 10 <= percent < 99.5:
        return f"{percent:.0f} %"
    return f"{percent:.2g} %" if percent < 10 else f"{min(percent, 99.9):.1f} %"


def measured(line: str, name: str, quantity: str, values: Floats, percent: bool = False) -> Claim:
    """A quantity that the report says nothing of, or not of these data."""
    return Claim(line, name, quantity, values, NOTHING, percent=percent)


def _near(number: float) -> tuple[float, float]:
    wide = SAME * abs(number)
    return number - wide, number + wide


def _within(values: Any, bounds: tuple[float, float]) -> NDArray[np.bool_]:
    """low <= value < high, infinity itself included where high is infinite."""
    low, high = bounds
    return np.asarray((values >= low) & ((values < high) | (high == np.inf)))

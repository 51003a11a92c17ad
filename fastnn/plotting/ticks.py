"""Tick numbers whose shared part, a power of ten or a large summand, is written in the axis's label.

Matplotlib writes the shared part at the axis's end, on top of labels, titles and colour bars.
"""

from __future__ import annotations

import re
from typing import Any

from matplotlib.ticker import ScalarFormatter

__all__ = ["SharedInLabel"]

LONGEST = 44  # the most letters of a label on one line: they fit beside a picture of the usual height
PARTS = re.compile(r"(1e-?\d+)?([+-].+)?")


class SharedInLabel(ScalarFormatter):
    """The formatter of an axis, which completes its label to "bmi (in 1e9)" or "bmi (less 1e9)"."""

    def __init__(self) -> None:
        super().__init__(useOffset=True, useMathText=False, useLocale=False)
        self.told = ""  # the ending of the label, written by this formatter

    def set_locs(self, locs: Any) -> None:
        """Choose the numbers for some ticks, and complete the label."""
        super().set_locs(locs)
        label = self.axis.get_label()  # type: ignore[union-attr]
        named = label.get_text()
        if self.told and named.endswith(self.told):
            named = named.removesuffix(self.told)
        self.told = self._shared() if len(locs) else ""
        if self.told and named:
            self.told = ("\n" if len(named) + len(self.told) > LONGEST else " ") + self.told
        label.set_text(named + self.told)

    def get_offset(self) -> str:
        """Return nothing: the label holds the offset."""
        return ""

    def _shared(self) -> str:
        """The shared part in words; matplotlib writes it as 1e9, +1e9 or 1e-5+1e9."""
        told = PARTS.match(super().get_offset().replace("\N{MINUS SIGN}", "-"))
        power, summand = told.groups() if told else (None, None)
        words = [f"{'less' if summand[0] == '+' else 'plus'} {summand[1:]}"] if summand else []
        words += [f"in {power}"] if power else []
        return f"({', '.join(words)})" if words else ""

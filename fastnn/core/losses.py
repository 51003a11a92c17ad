"""The losses: what a row loses by its outputs.

Each is one class: its fields are its settings, `term` is what an output adds and `slope` its derivative.
Nothing else knows a loss by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from fastnn.core.choices import Table
from fastnn.core.expressions import Expression, Symbol
from fastnn.core.loss import Loss, Output

__all__ = ["LOSSES", "Loss", "Squared"]


@dataclass(frozen=True, kw_only=True)
class Squared(Loss):
    """The squared error, not halved."""

    name: ClassVar[str] = "squared"
    words: ClassVar[str] = "squared error"
    factor: ClassVar[float] = 2.0

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The square of the error."""
        return output.error * output.error

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The error."""
        return output.error


LOSSES: Table[Loss] = Table("loss", (Squared,), example="fastnn.losses.Squared()", default="squared")

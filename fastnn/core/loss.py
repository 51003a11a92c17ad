"""What a loss is: its settings, what an output adds to it, and its derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from fastnn.core.choices import Choice
from fastnn.core.expressions import Expression, Symbol

__all__ = ["Loss", "Output"]


class Output(NamedTuple):
    """An output of the network for a row: its weighted sum, its value, its target, and value minus target."""

    z: Expression
    value: Expression
    target: Expression
    error: Expression


@dataclass(frozen=True, kw_only=True)
class Loss(Choice):
    """What a row loses, summed over the outputs. The ones there are stand in `LOSSES`.

    `words` name it within a sentence. The derivative of what an output adds, by the output's value, is
    `factor` times `slope`.
    """

    words: ClassVar[str] = ""
    factor: ClassVar[float] = 1.0

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """What one output adds; `given` holds the settings by name."""
        raise NotImplementedError

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The derivative of `term` by the output's value, divided by `factor`."""
        raise NotImplementedError

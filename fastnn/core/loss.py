"""What a loss is: its settings, what an output adds to it, and its derivative."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.core.choices import Choice
from fastnn.core.expressions import Expression, Symbol

__all__ = ["Loss", "Output", "Targets"]


class Output(NamedTuple):
    """An output of the network for a row: its weighted sum, its value, its target, and value minus target.

    `activation` is the name of the outputs' activation.
    """

    z: Expression
    value: Expression
    target: Expression
    error: Expression
    activation: str


class Targets(NamedTuple):
    """What the targets of a loss must be, in words, and which of them (N, K) are so, or which rows: (N,)."""

    words: str
    right: Callable[[NDArray[Any]], NDArray[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class Loss(Choice):
    """What a row loses, summed over the outputs. The ones there are stand in `LOSSES`.

    `words` name it within a sentence, and `kink` is what to say of an error of 0 if there is no derivative.
    The derivative of what an output adds, by the output's value, is `factor` times `slope`.

    A loss that names activations in `outputs` is fused with them: it goes with these outputs alone, and its
    derivative is that by the output's weighted sum, so that the activation has no part in the deltas.

    One that `classifies` is of probabilities of classes: what was learned is told by accuracy, not by R².
    """

    words: ClassVar[str] = ""
    kink: ClassVar[str] = ""
    factor: ClassVar[float] = 1.0
    outputs: ClassVar[tuple[str, ...]] = ()
    classifies: ClassVar[bool] = False

    @staticmethod
    def term(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """What one output adds; `given` holds the settings by name."""
        raise NotImplementedError

    @staticmethod
    def slope(output: Output, given: Mapping[str, Symbol]) -> Expression:
        """The derivative of `term` by the output's value, or its sum where fused, divided by `factor`."""
        raise NotImplementedError

    @staticmethod
    def targets(output: str) -> Targets | None:
        """What targets must be for outputs of an activation; None if any will do."""
        return None

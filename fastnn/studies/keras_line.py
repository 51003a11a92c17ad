"""K1: the report's claims about Keras, beside the numbers that a comparison measured."""

from __future__ import annotations

from dataclasses import dataclass

from fastnn.comparing import Comparison
from fastnn.studies.verdicts import CONFIRMED, NOT_REPRODUCED

__all__ = ["KerasClaim", "keras_claims"]

AGREE = 1e-6  # weights that the same derivatives have moved end no further apart than this


@dataclass(frozen=True)
class KerasClaim:
    """A claim of K1, the numbers that decide it, and its verdict."""

    says: str
    numbers: str
    verdict: str


def keras_claims(found: Comparison) -> list[KerasClaim]:
    """Judge the report's claims about Keras by its fastest backend; return none if Keras is missing.

    "Less code" holds if Keras needs fewer lines than the loop derived by hand. "Well optimised" holds if an
    epoch takes no longer than fastnn's. "No derivation" holds if Keras's own derivatives lead to the same
    weights within 1e-6.
    """
    ours, *theirs = found.results
    if not theirs:
        return []
    best = min(theirs, key=lambda result: result.per_epoch)
    apart = float(abs(best.parameters - ours.parameters).max())
    times = best.per_epoch / ours.per_epoch
    return [
        _claim("less code", f"{best.lines} lines, by hand {found.by_hand}", best.lines < found.by_hand),
        _claim("well optimised", f"an epoch takes {times:.3g} x fastnn's", times <= 1),
        _claim("no derivation", f"weights {apart:.1g} from fastnn's", apart <= AGREE),
    ]


def _claim(says: str, numbers: str, holds: bool) -> KerasClaim:
    return KerasClaim(says, numbers, CONFIRMED if holds else NOT_REPRODUCED)

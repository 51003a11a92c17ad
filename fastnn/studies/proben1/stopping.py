"""The report's rule for the end of a training, found in the curves of losses that were kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPOCHS", "Stop", "stop"]

EPOCHS = 3000
EVERY = 5  # epochs between two looks, and the epochs over which progress is measured
WORSE = 0.05  # GL5: validation 5 % above its smallest
PROGRESS = 1e-4  # 0.1 per thousand


@dataclass(frozen=True)
class Stop:
    """The end of one training.

    Attributes
    ----------
    epoch : int
        After how many epochs it ended.
    best : int
        After how many epochs the validation loss was smallest, of those looked at; the first of equal ones.
    reason : str
        "validation", "progress" or "epochs".
    """

    epoch: int
    best: int
    reason: str


def stop(loss: NDArray[np.float64], validation: NDArray[np.float64], most: int = EPOCHS) -> Stop | None:
    """The end of a training by its curves (E,), or None if it has not ended by their last epoch.

    After every fifth epoch the training ends if the validation loss is more than 5 % above the smallest so
    far; if the mean training loss of the last five epochs is less than 0.1 per thousand above their smallest;
    or after `most` epochs. A loss that is not finite (NaN) is worse than any.
    """
    smallest, best = np.inf, EVERY
    for epoch in range(EVERY, min(len(loss), most) + 1, EVERY):
        now, strip = validation[epoch - 1], loss[epoch - EVERY : epoch]
        if now < smallest:
            smallest, best = now, epoch
        if not now <= (1 + WORSE) * smallest:
            return Stop(epoch, best, "validation")
        if strip.mean() < (1 + PROGRESS) * strip.min():
            return Stop(epoch, best, "progress")
        if epoch + EVERY > most:
            return Stop(epoch, best, "epochs")
    return None

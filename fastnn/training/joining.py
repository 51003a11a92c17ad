"""The joining of trainings of different lengths into one Training of all their networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.training.result import Training

__all__ = ["joined"]

Array = NDArray[Any]

OF_NETWORKS = (
    *("start", "parameters", "state", "last_loss", "diverged"),
    *("best_epoch", "trained_epochs", "ended", "learning_rate", "number"),
)
CURVES = ("loss_curve", "validation_curve")


def joined(parts: Sequence[Training], places: Sequence[Any], engine: str) -> Training:
    """The Training of all networks, of which each part has those at some places.

    Curves end with NaN where a network was trained for fewer epochs than others. Learning rates that were
    given end with the last one.
    """
    if len(parts) == 1:
        return parts[0]
    epochs, order = max(part.epochs for part in parts), np.argsort(np.concatenate(places))

    def together(name: str, **filled: Any) -> Any:
        arrays = [getattr(part, name) for part in parts]
        if arrays[0] is None:
            return None
        if filled:
            arrays = [np.pad(a, ((0, 0), (0, epochs - a.shape[1])), **filled) for a in arrays]
        return np.concatenate(arrays)[order]

    return replace(
        parts[0],
        **{name: together(name) for name in OF_NETWORKS},
        **{name: together(name, constant_values=np.nan) for name in CURVES},
        given_rates=together("given_rates", mode="edge"),
        epochs=epochs,
        engine=engine,
    )

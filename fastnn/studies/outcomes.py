"""The outcomes of a study's networks: for each start, one value of every quantity that a claim uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.studies.report import NETWORK
from fastnn.sweeping.modes import mode_names, modes
from fastnn.sweeping.results import Sweep

__all__ = ["AT_FIRST", "KINDS", "SAME", "Outcomes"]

Array = NDArray[Any]
Floats = NDArray[np.float64]

KINDS = tuple(mode_names([NETWORK]))
"""How a network can end: fitted, one unit dead, both units dead, diverged."""
SAME = 0.05
"""Losses are "almost the same" if they differ by at most this fraction."""
AT_FIRST = 20
"""The number of epochs that count as "at first"."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The outcomes of M trained starts, from one sweep or from several joined end to end.

    A diverged network has no loss; here its loss counts as infinite, above every other.
    """

    sweeps: tuple[Sweep, ...]

    def __len__(self) -> int:
        return sum(map(len, self.sweeps))

    @cached_property
    def loss(self) -> Floats:
        """(M,) the loss of the last epoch."""
        return _infinite(self._joined([sweep.loss for sweep in self.sweeps]))

    @cached_property
    def kind(self) -> NDArray[np.int64]:
        """(M,) how each network ended, as an index into `KINDS`."""
        return self._joined([np.asarray(modes(sweep).codes, np.int64) for sweep in self.sweeps])

    @cached_property
    def shares(self) -> dict[str, float]:
        """The share of the starts that ended in each of `KINDS`."""
        counts = np.bincount(self.kind, minlength=len(KINDS))
        return dict(zip(KINDS, (counts / len(self)).tolist(), strict=True))

    @property
    def curves(self) -> Floats:
        """(M, E) the loss of every epoch; infinite from the epoch in which a network diverged."""
        return _infinite(self._joined([_curves(sweep) for sweep in self.sweeps]))

    @cached_property
    def settled(self) -> Floats:
        """(M,) the epoch, from 1, from which on the loss stays within 5 % of its last; infinite if none."""
        last = self.curves[:, -1:]
        with np.errstate(invalid="ignore"):
            away = ~(np.abs(self.curves - last) <= SAME * last)
        epochs = away.shape[1]
        first = np.where(away.any(axis=1), epochs - away[:, ::-1].argmax(axis=1), 0) + 1
        return np.where(np.isfinite(self.loss), first, np.inf)

    @cached_property
    def largest_rise(self) -> Floats:
        """(M,) the largest rise of the loss from one epoch to the next, as a fraction of the earlier loss."""
        return np.asarray(self._rises().max(axis=1))

    @cached_property
    def rise_at_first(self) -> Floats:
        """(M,) the largest such rise within the first `AT_FIRST` epochs."""
        return np.asarray(self._rises()[:, : AT_FIRST - 1].max(axis=1))

    @cached_property
    def growth(self) -> Floats:
        """(M,) the rise of the loss from the first epoch to the last, as a fraction of the first loss."""
        first = self.curves[:, 0]
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(self.loss), self.loss / first - 1.0, np.inf)

    @cached_property
    def negative_weights(self) -> Floats:
        """(M,) the number of weights below 0 at the end; biases do not count."""
        weights = self.sweeps[0].network.n_weights
        parameters = self._joined([sweep.parameters for sweep in self.sweeps])
        with np.errstate(invalid="ignore"):
            return np.asarray((parameters[:, :weights] < 0).sum(axis=1), float)

    def _rises(self) -> Floats:
        """(M, E - 1) the rise from each epoch to the next, as a fraction; 0 from infinity to infinity."""
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return np.nan_to_num(self.curves[:, 1:] / self.curves[:, :-1] - 1.0, nan=0.0, posinf=np.inf)

    @staticmethod
    def _joined(arrays: Sequence[Array]) -> Array:
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _infinite(losses: Array) -> Floats:
    return np.where(np.isnan(losses), np.inf, losses).astype(np.float64)


def _curves(sweep: Sweep) -> Array:
    curves: Array | None = sweep.curves
    if curves is None:
        raise ValueError("this sweep kept no curves")
    return curves

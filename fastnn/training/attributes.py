"""The attributes of a Training: what it was trained by, and what follows from that without computing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.endings import ENDINGS, by
from fastnn.core.network import Network
from fastnn.core.optimizers import Optimizer
from fastnn.core.recipe import DEFAULT, Recipe
from fastnn.core.rule import FILE
from fastnn.data.classes import Names, classes_of
from fastnn.data.scaling import TableScaling
from fastnn.training.identity import ARITHMETIC, difference
from fastnn.training.rates import RATES_GIVEN, Rates
from fastnn.training.scoring import scores_of
from fastnn.training.statuses import DIVERGED, OK, STATUSES, status_codes
from fastnn.training.weights import weights_told

__all__ = ["TrainingAttributes"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class TrainingAttributes:
    """The attributes of a `fastnn.Training`, described there."""

    network: Network
    start: Array
    parameters: Array
    state: Array
    loss_curve: Array
    last_loss: Any
    validation_curve: Array | None
    diverged: Any
    best_epoch: Any
    trained_epochs: Any
    ended: Any
    learning_rate: Any
    epochs: int
    rows: int
    engine: str
    dtype: str
    scaling: TableScaling | None = None
    number: Any = None
    order: str = FILE
    seed: int | None = None
    trained_on: tuple[Array, Array] | None = None
    interrupted: bool = False
    told: tuple[str, ...] = ()
    recipe: Recipe = DEFAULT
    given_rates: Array | None = None
    labels: Names | None = None
    weights_within: str | None = None
    arithmetic: str = ARITHMETIC
    form: str = ""

    @property
    def classes(self) -> Names | None:
        """The names of the classes in the order of the outputs, or 0 .. K-1 if the data had no names.

        For one sigmoid output they are two: its output is the probability of the second. None for numbers,
        and for several sigmoid outputs of data without classes, each of which is a yes or no.
        """
        ends = (0, 1) if self.scaling is None else self.scaling.ends
        return classes_of(self.network, type(self.recipe.loss), self.named_classes, ends)

    @property
    def scores(self) -> tuple[str, ...]:
        """The names of the scores that go with the loss and the outputs: those of numbers or of classes."""
        return scores_of(type(self.recipe.loss), self.network, self.classes)

    @property
    def named_classes(self) -> Names | None:
        """The names of the classes, if the data had them."""
        return self.scaling.classes if self.scaling is not None and self.scaling.classes else self.labels

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer, with its settings."""
        return self.recipe.optimizer

    @property
    def batch_size(self) -> int:
        """The rows of a batch."""
        return self.recipe.size

    @cached_property
    def learning_rates(self) -> Array:
        """The learning rate of every epoch, (E,) or (M, E)."""
        if self.given_rates is not None:
            return self.given_rates
        base = np.asarray(self.learning_rate, self.dtype)
        found = Rates(np.atleast_1d(base), self.recipe.schedule).curve(self.epochs)
        return found if base.ndim else found[0]

    @property
    def status(self) -> Any:
        """The status of each network, "ok" or "diverged"."""
        status = np.array(STATUSES)[status_codes(self.diverged)]
        return str(status) if status.ndim == 0 else status

    @property
    def loss(self) -> Any:
        """Each network's loss of the last epoch, or of its best one if it stopped for itself."""
        return self._at_best(self.loss_curve)

    @property
    def validation_loss(self) -> Any:
        """Likewise, on the validation rows; None without them."""
        return None if self.validation_curve is None else self._at_best(self.validation_curve)

    def _at_best(self, curve: Array) -> Any:
        """What a curve (E,) or (M, E) has of the best epochs; NaN where a network diverged."""
        place = np.asarray(self.best_epoch)[..., None] - 1
        found = np.take_along_axis(curve, np.maximum(place, 0), axis=-1)
        return np.where(place < 0, curve.dtype.type(np.nan), found)[..., 0][()]

    @property
    def foreign(self) -> str:
        """In words, how its arithmetic differs from the one here; empty if it does not."""
        return difference({"arithmetic": self.arithmetic}, "there", ("arithmetic",))

    @property
    def told_after(self) -> str:
        """What is not the default, to follow other words: ", batches of 32, rows with weights"."""
        rates = "" if self.given_rates is None else f", {RATES_GIVEN}"
        weights = "".join(f", {told}" for told in weights_told(self.weights_within))
        return f"{self.recipe.told_after}{rates}{weights}"

    @property
    def fate(self) -> str:
        """How the training ended, in words; for several networks, how many are ok and how many diverged."""
        ended = np.atleast_1d(self.ended)
        stopped = ~np.isin(ended, ENDINGS[:2]) | (np.atleast_1d(self.diverged) == 0) & (ended == DIVERGED)
        if self.parameters.ndim == 1:
            told = f"{DIVERGED} in epoch {self.diverged}" if self.diverged else OK
            if not stopped.any():
                return told
            return f"{told}, of epoch {self.best_epoch}: ended {by(self.ended)} after {self.trained_epochs}"
        diverged = int(np.count_nonzero(self.diverged))
        told = f"{len(self.parameters) - diverged} {OK}, {diverged} {DIVERGED}"
        reasons = [f"{np.count_nonzero(ended[stopped] == why)} ended {by(why)}" for why in ENDINGS]
        return ", ".join([told, *(text for text in reasons if not text.startswith("0 "))])

"""The learning rates of networks, epoch by epoch: by a schedule, or as they were given."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.core.choices import Choice, is_sequence
from fastnn.core.recipe import CONSTANT
from fastnn.core.schedules import Schedule
from fastnn.data.arrays import finite_array
from fastnn.showing.lettering import counted

__all__ = ["RATES_GIVEN", "Given", "Rates", "given_rates", "is_of_rates"]

Array = NDArray[Any]

RATES_GIVEN = "a learning rate given for each epoch"
"""What is told of learning rates that follow from no schedule."""


@dataclass(frozen=True, eq=False)
class Rates:
    """The learning rates of M networks by a schedule.

    Attributes
    ----------
    base : (M,)
        What the schedule multiplies, in the precision of training; NaN where an optimizer has none.
    schedule : Schedule
    """

    base: Array
    schedule: Schedule = CONSTANT

    def of(self, epoch: int) -> Array:
        """The rates (M,) of an epoch, counted from 0: the product in float64, rounded to the precision."""
        scaled: Array = self.base.astype(np.float64) * self.schedule.factor(epoch)
        return scaled.astype(self.base.dtype)

    def only(self, places: Array) -> Rates:
        """Those of some networks."""
        return replace(self, base=self.base[places])

    def until(self, epoch: int) -> float:
        """The first epoch after this one that may have other rates; infinite if none has."""
        return self.schedule.until(epoch)

    def curve(self, epochs: int) -> Array:
        """The rates of all epochs, (M, epochs); read-only where they never change."""
        if self.until(0) >= epochs:
            return np.broadcast_to(self.of(0)[:, None], (len(self.base), epochs))
        return np.stack([self.of(epoch) for epoch in range(epochs)], axis=1)


@dataclass(frozen=True, eq=False)
class Given(Rates):
    """The learning rates of M networks as they were given: `every` (M, E); `base` is those of epoch 0."""

    every: Array = field(kw_only=True)

    @classmethod
    def of_all(cls, every: Array) -> Given:
        """Rates (M, E)."""
        return cls(every[:, 0], every=every)

    def only(self, places: Array) -> Rates:
        """Those of some networks."""
        return self.of_all(self.every[places])

    def of(self, epoch: int) -> Array:
        """The rates (M,) of an epoch, counted from 0."""
        found: Array = self.every[:, epoch]
        return found

    def until(self, epoch: int) -> float:
        """The next epoch: no two are compared."""
        return epoch + 1


def is_of_rates(schedule: Any) -> bool:
    """Whether an argument of that name has the learning rates themselves, not a name or an object."""
    names = isinstance(schedule, list | tuple) and any(isinstance(one, str | Choice) for one in schedule)
    return is_sequence(schedule) and not names


def given_rates(given: Any, learning_rate: Any, networks: int, epochs: int, dtype: str) -> Array:
    """Check learning rates (E,), or (M, E), of every epoch; return them as (M, E) in `dtype`."""
    if learning_rate is not None:
        raise InputError(
            f"learning_rate must be left out where schedule has the learning rates; got "
            f"{shown(learning_rate)}. Leave it out, or name a schedule, such as "
            "fastnn.schedules.Cosine(horizon=300)."
        )
    rates = finite_array(given, "schedule", (1, 2))
    one_for_all = rates.ndim == 1
    if rates.shape[-1] != epochs or not (one_for_all or len(rates) == networks):
        raise InputError(
            f"schedule must have a learning rate for each of {counted(epochs, 'epoch')}, shape ({epochs},), "
            f"or also for each of {counted(networks, 'network')}, shape ({networks}, {epochs}); got shape "
            f"{rates.shape}. Give one for each epoch, or set epochs."
        )
    with np.errstate(over="ignore", under="ignore"):
        converted = rates.astype(dtype)
        usable = (rates >= 0) & np.isfinite(2 * converted)
    if not usable.all():
        wrong = float(rates[~usable].flat[0])
        raise InputError(
            f"schedule must have learning rates from 0 on, within the range of {dtype}; got {wrong!r}. "
            "Give numbers such as 0.005."
        )
    return np.array(np.broadcast_to(converted, (networks, epochs)))

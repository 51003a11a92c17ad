"""The schedules of the learning rate: by what it is multiplied in each epoch.

Each is one class: its fields are its settings, `after` is the factor and `until` tells how long it stays.
Nothing else knows a schedule by its name. A factor depends on the settings and on the epoch alone, never on
how many epochs are trained, so that going on is the same as one longer training. It is float64 throughout,
by IEEE operations and by fastnn's own cos, exp and log: the same bits on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from fastnn.checking import InputError, finite_number
from fastnn.core.arithmetic import FLOATS
from fastnn.core.choices import Choice, Table, above_zero, setting, settings_of
from fastnn.core.expressions import Call, Number

__all__ = [
    "ALWAYS",
    "SCHEDULES",
    "Constant",
    "Cosine",
    "Exponential",
    "InverseScaling",
    "Schedule",
    "Step",
    "WarmUp",
]

ALWAYS = math.inf  # the epoch that never comes


def whole_from(least: int) -> Callable[[Any, str], float]:
    """The check of a whole number of epochs, at least `least`."""

    def check(value: Any, name: str) -> float:
        number = finite_number(value, name)
        if number < least or not number.is_integer():
            raise InputError(
                f"{name} must be a whole number of epochs, at least {least}; got {number!r}. Give 10, say."
            )
        return number

    return check


def up_to_one(value: Any, name: str) -> float:
    """Return a number above 0, up to 1, or refuse it."""
    number = finite_number(value, name)
    if not 0 < number <= 1:
        raise InputError(f"{name} must be above 0, and at most 1; got {number!r}. Give 0.5, say.")
    return number


def from_zero_to_one(value: Any, name: str) -> float:
    """Return a number from 0 to 1, or refuse it."""
    number = finite_number(value, name)
    if not 0 <= number <= 1:
        raise InputError(f"{name} must be from 0 to 1; got {number!r}. Give 0.01, say.")
    return number


@dataclass(frozen=True, kw_only=True)
class Schedule(Choice):
    """By what the learning rate is multiplied, epoch by epoch. The ones there are stand in `SCHEDULES`.

    `words` say what it does, in a table.
    """

    words: ClassVar[str] = ""

    def factor(self, epoch: int) -> float:
        """What the learning rate is multiplied by in an epoch, counted from 0: from 0 to 1."""
        raise NotImplementedError

    def until(self, epoch: int) -> float:
        """The first epoch after this one that may have another factor; infinite if none has."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """The same learning rate in every epoch."""

    name: ClassVar[str] = "constant"
    words: ClassVar[str] = "1"

    def factor(self, epoch: int) -> float:
        """1."""
        return 1.0

    def until(self, epoch: int) -> float:
        """It never changes."""
        return ALWAYS


@dataclass(frozen=True, kw_only=True)
class Warming(Schedule):
    """A schedule with a setting `warmup`: it begins after epochs in which the rate rises in equal steps.

    With a warm-up of W epochs the factors are 1/(W + 1), 2/(W + 1), ..., W/(W + 1), and then those that the
    schedule begins with.
    """

    def factor(self, epoch: int) -> float:
        """The factor of an epoch, counted from 0."""
        rising = int(_one(settings_of(self)["warmup"]))
        return (epoch + 1) / (rising + 1) if epoch < rising else self.after(epoch - rising)

    def until(self, epoch: int) -> float:
        """The first epoch after this one that may have another factor; infinite if none has."""
        rising = int(_one(settings_of(self)["warmup"]))
        return epoch + 1 if epoch < rising else rising + self.after_until(epoch - rising)

    def after(self, epoch: int) -> float:
        """The factor of an epoch counted from the end of the warm-up."""
        raise NotImplementedError

    def after_until(self, epoch: int) -> float:
        """`until`, with epochs counted from the end of the warm-up."""
        return epoch + 1


@dataclass(frozen=True, kw_only=True)
class WarmUp(Warming):
    """A learning rate that rises in equal steps, and then stays.

    Parameters
    ----------
    warmup : float, or sequence of them
        In how many epochs it rises: with 4 the factors are 0.2, 0.4, 0.6, 0.8, 1, 1, ...
    """

    name: ClassVar[str] = "warm_up"
    words: ClassVar[str] = "1, after the warm-up"
    warmup: float | Sequence[float] = setting(10.0, whole_from(0))

    def after(self, epoch: int) -> float:
        """1."""
        return 1.0

    def after_until(self, epoch: int) -> float:
        """It does not change any more."""
        return ALWAYS


@dataclass(frozen=True, kw_only=True)
class Step(Warming):
    """A learning rate that is multiplied once in `every` epochs.

    Parameters
    ----------
    every : float, or sequence of them
        A whole number of epochs, at least 1.
    gamma : float, or sequence of them
        By what it is multiplied each time: above 0, at most 1.
    warmup : float, or sequence of them
        The epochs in which it first rises in equal steps; they come before the others are counted.
    """

    name: ClassVar[str] = "step"
    words: ClassVar[str] = "gamma**floor(t/every)"
    every: float | Sequence[float] = setting(100.0, whole_from(1))
    gamma: float | Sequence[float] = setting(0.1, up_to_one)
    warmup: float | Sequence[float] = setting(0.0, whole_from(0))

    def after(self, epoch: int) -> float:
        """The product of the steps so far."""
        return _power(_one(self.gamma), epoch // int(_one(self.every)))

    def after_until(self, epoch: int) -> float:
        """The next step."""
        every = int(_one(self.every))
        return (epoch // every + 1) * every


@dataclass(frozen=True, kw_only=True)
class Exponential(Warming):
    """A learning rate that is multiplied after every epoch.

    Parameters
    ----------
    gamma : float, or sequence of them
        By what it is multiplied: above 0, at most 1.
    warmup : float, or sequence of them
        The epochs in which it first rises in equal steps; they come before the others are counted.
    """

    name: ClassVar[str] = "exponential"
    words: ClassVar[str] = "gamma**t"
    gamma: float | Sequence[float] = setting(0.99, up_to_one)
    warmup: float | Sequence[float] = setting(0.0, whole_from(0))

    def after(self, epoch: int) -> float:
        """The product of the epochs so far."""
        return _power(_one(self.gamma), epoch)


@dataclass(frozen=True, kw_only=True)
class Cosine(Warming):
    """A learning rate that falls along half a wave of the cosine, and then stays.

    Parameters
    ----------
    horizon : float, or sequence of them
        After how many epochs it arrives, positive. It has nothing to do with how many are trained.
    final : float, or sequence of them
        The factor that it arrives at, from 0 to 1. With 0 the networks do not move after the horizon.
    warmup : float, or sequence of them
        The epochs in which it first rises in equal steps; they come before the horizon is counted.
    """

    name: ClassVar[str] = "cosine"
    words: ClassVar[str] = "1 - (1 - final)*(1 - cos(pi*t/horizon))/2 before the horizon, then final"
    horizon: float | Sequence[float] = setting(300.0, above_zero)
    final: float | Sequence[float] = setting(0.0, from_zero_to_one)
    warmup: float | Sequence[float] = setting(0.0, whole_from(0))

    def after(self, epoch: int) -> float:
        """The factor; exactly 1 at first."""
        horizon, final = _one(self.horizon), _one(self.final)
        if epoch >= horizon:
            return final
        return 1.0 - (1.0 - final) * (0.5 * (1.0 - _call("cos", math.pi * epoch / horizon)))

    def after_until(self, epoch: int) -> float:
        """The next epoch, until it has arrived."""
        return epoch + 1 if epoch < _one(self.horizon) else ALWAYS


@dataclass(frozen=True, kw_only=True)
class InverseScaling(Warming):
    """A learning rate that is divided by a power of the epochs so far.

    Parameters
    ----------
    power : float, or sequence of them
        Positive.
    scale : float, or sequence of them
        What an epoch counts, positive. scikit-learn counts the rows: N of them.
    warmup : float, or sequence of them
        The epochs in which it first rises in equal steps; they come before the others are counted.
    """

    name: ClassVar[str] = "inverse_scaling"
    words: ClassVar[str] = "1/(1 + scale*t)**power"
    power: float | Sequence[float] = setting(0.5, above_zero)
    scale: float | Sequence[float] = setting(1.0, above_zero)
    warmup: float | Sequence[float] = setting(0.0, whole_from(0))

    def after(self, epoch: int) -> float:
        """The factor; exactly 1 at first."""
        log = _call("log", 1.0 + _one(self.scale) * epoch)
        return _call("exp", -(_one(self.power) * log))


def _one(value: float | Sequence[float]) -> float:
    """The one value of a setting: a schedule of several is one of a sweep, and has no factors."""
    assert isinstance(value, float)  # noqa: S101 - `Table.one` and `Choice.each` see to it
    return value


@lru_cache(maxsize=1 << 14)  # measured: 0.1 ms a call; every chunk of a sweep asks for the same epochs
def _call(function: str, argument: float) -> float:
    """A function of `fastnn.core.elementary`."""
    return float(FLOATS(Call(function, Number(argument)), {}))


def _power(base: float, exponent: int) -> float:
    """A whole power, by squares."""
    found = 1.0
    while exponent:
        if exponent % 2:
            found *= base
        base, exponent = base * base, exponent // 2
    return found


SCHEDULES: Table[Schedule] = Table(
    "schedule",
    (Constant, Step, Exponential, Cosine, InverseScaling, WarmUp),
    example="fastnn.schedules.Cosine(horizon=300)",
    default="constant",
)

"""How a network is trained, as `Network` says what it is: a rule with the numbers of its settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, meant, one_of, shown, whole_number
from fastnn.core.choices import above_zero, from_zero, settings_of
from fastnn.core.losses import LOSSES, Loss, Squared, need_pair, usual_loss
from fastnn.core.network import Network
from fastnn.core.optimizers import OPTIMIZERS, SGD, Optimizer
from fastnn.core.penalties import L2_ON, PENALTIES
from fastnn.core.rule import Rule
from fastnn.core.schedules import SCHEDULES, Constant, Schedule

__all__ = ["CONSTANT", "DEFAULT", "Asked", "Recipe", "refuse_decay", "refuse_schedule", "size_of"]

SQUARED, PLAIN_DESCENT, CONSTANT = Squared(), SGD(), Constant()


class Asked(TypedDict, total=False):
    """What may be asked of the training, as in `fastnn.train`."""

    loss: str | Loss | None
    optimizer: str | Optimizer
    batch_size: int | None
    l2: float
    l1: float
    decay: float
    l2_on: str
    clip: float | None


@dataclass(frozen=True)
class Recipe:
    """The loss, optimizer, size of batches, penalties and schedule, each with one value of its settings.

    Attributes
    ----------
    loss : Loss
    optimizer : Optimizer
    batch_size : int, or None
        The rows of a batch, at least 1; None for all rows, however many there are.
    l2, l1, decay : float
        The penalties on weights, 0 for none.
    l2_on : str
        Whether l2 is on the "mean" of a batch's losses, or on their "sum".
    schedule : Schedule
        By what the learning rate is multiplied in each epoch. A step does not depend on it.
    clip : float, or None
        The largest norm of the gradient, penalties included.
    """

    loss: Loss = SQUARED
    optimizer: Optimizer = PLAIN_DESCENT
    batch_size: int | None = 1
    l2: float = 0.0
    l1: float = 0.0
    decay: float = 0.0
    l2_on: str = "mean"
    schedule: Schedule = CONSTANT
    clip: float | None = None

    @classmethod
    def of(
        cls,
        network: Network,
        loss: Any = None,
        optimizer: Any = "sgd",
        batch_size: Any = None,
        rows: int | None = None,
        *,
        l2: Any = 0.0,
        l1: Any = 0.0,
        decay: Any = 0.0,
        l2_on: Any = "mean",
        clip: Any = None,
        **others: Any,
    ) -> Recipe:
        """Check what was asked for, of training a network on a number of rows; `loss` of None is the default.

        Without `rows` any size of batches is taken. Anything else is refused; `scheduled` takes a schedule.
        """
        for name in others:
            raise InputError(
                f"what is asked of a step must be among {', '.join(Asked.__annotations__)}; got {name}"
                f"{meant(name, Asked.__annotations__)}. Leave it out; what is of a whole training is for "
                "fastnn.train and fastnn.sweep."
            )
        chosen = OPTIMIZERS.one(optimizer)
        size = size_of(batch_size, chosen, rows)
        if size is not None:
            size = whole_number(size, "batch_size", 1, *([] if rows is None else [rows]))
        l2, l1, decay = from_zero(l2, "l2"), from_zero(l1, "l1"), from_zero(decay, "decay")
        refuse_decay(decay, chosen)
        on = one_of(l2_on, "l2_on", L2_ON)
        limit = None if clip is None else above_zero(clip, "clip")
        found = LOSSES.one(usual_loss(network.output).name if loss is None else loss)
        need_pair(type(found), network.output)
        return cls(found, chosen, size, l2, l1, decay, on, clip=limit)

    def scheduled(self, schedule: Any = None) -> Recipe:
        """The same by a schedule, which is checked; None is the constant one."""
        chosen = SCHEDULES.one("constant" if schedule is None else schedule)
        refuse_schedule(chosen, self.optimizer)
        return replace(self, schedule=chosen)

    @property
    def size(self) -> int:
        """The rows of a batch, where that is known."""
        assert self.batch_size is not None  # noqa: S101 - where there are rows, it is
        return self.batch_size

    @cached_property
    def rule(self) -> Rule:
        """The rule, without the numbers."""
        clipped, penalties = self.clip is not None, tuple(self.penalties)
        batched = self.batch_size != 1 or clipped
        on_sum = batched and self.l2_on == "sum" and "l2" in penalties
        kinds = type(self.loss), type(self.optimizer)
        return Rule(*kinds, batched, penalties=penalties, l2_on_sum=on_sum, clipped=clipped)

    @property
    def penalties(self) -> dict[str, float]:
        """The penalties that there are, by their names."""
        return {name: value for name in PENALTIES if (value := getattr(self, name))}

    @property
    def asked(self) -> Asked:
        """What to ask for to get the same."""
        asked: Asked = {"loss": self.loss, "optimizer": self.optimizer, "batch_size": self.batch_size}
        asked |= cast(Asked, self.limits)
        return asked

    @property
    def limits(self) -> dict[str, Any]:
        """The penalties, what l2 is on, and the clipping, where they are not left out."""
        found: dict[str, Any] = dict(self.penalties)
        found |= {} if self.l2_on == "mean" else {"l2_on": self.l2_on}
        return found if self.clip is None else found | {"clip": self.clip}

    @property
    def named(self) -> dict[str, float]:
        """The settings by their names."""
        clip = {} if self.clip is None else {"clip": self.clip}
        return {**settings_of(self.optimizer), **settings_of(self.loss), **self.penalties, **clip}

    def begun(self, parameters: NDArray[Any]) -> NDArray[Any]:
        """The states (M, S) of networks (M, P) before their first update: `parameters` itself, if S is P."""
        states, shared = self.rule.states, self.rule.optimizer.shared
        if not states:
            return parameters
        firsts, begun = self.optimizer.firsts(), [parameters]
        for name in (*states, *shared):
            first = np.full_like(parameters, firsts.get(name, 0.0))
            begun.append(first if name in states else first[:, :1])
        return np.concatenate(begun, axis=1)

    def settings(self, learning_rates: NDArray[Any]) -> NDArray[Any]:
        """What kernels are given for M networks of learning rates (M,): (M, C), in their dtype."""
        shape, dtype = learning_rates.shape, learning_rates.dtype
        with np.errstate(over="ignore", under="ignore"):
            named = {name: dtype.type(value) for name, value in self.named.items()}
        columns = self.rule.values(learning_rates, **named)
        return np.stack(
            [np.broadcast_to(np.asarray(columns[s], dtype), shape) for s in self.rule.given], axis=1
        )

    @property
    def plain(self) -> dict[str, Any]:
        """The same as plain values that files hold."""
        return {
            **LOSSES.described(self.loss),
            **OPTIMIZERS.described(self.optimizer),
            "batch_size": self.batch_size,
            **self.limits,
            "schedule": SCHEDULES.described(self.schedule),
        }

    @classmethod
    def read(cls, plain: Any) -> Recipe:
        """The recipe that plain values describe, as `plain` gives them; InputError for any other values."""
        if isinstance(plain, dict):
            values = dict(plain)
            size, schedule = values.pop("batch_size", None), SCHEDULES.read(values.pop("schedule", None))
            penalties = {name: values.pop(name) for name in (*PENALTIES, "clip") if name in values}
            on = {name: values.pop(name) for name in ("l2_on",) if name in values}
            known = on in ({}, {"l2_on": "sum"}) and all(
                type(value) is float and 0 < value < np.inf for value in penalties.values()
            )
            kind = LOSSES.get(str(values.get("loss")))
            if type(size) is int and size >= 1 and kind is not None and known:
                of_loss = {name: values.pop(name, None) for name in ("loss", *kind.settings())}
                chosen = OPTIMIZERS.read(values)
                refuse_decay(penalties.get("decay", 0.0), chosen)
                refuse_schedule(schedule, chosen)
                return cls(LOSSES.read(of_loss), chosen, size, **penalties, **on, schedule=schedule)
        raise InputError(
            f"rule must be one that this version of fastnn has, such as {DEFAULT.plain}; "
            f"got {shown(plain)}. Use the version that wrote it."
        )

    @property
    def told(self) -> list[str]:
        """What is not the default, as one writes it: ["Momentum(momentum=0.5)", "batch_size=32"]."""
        chosen = ((self.loss, SQUARED), (self.optimizer, PLAIN_DESCENT))
        named = [repr(given) for given, plain in chosen if given != plain]
        usual = size_of(None, self.optimizer, None)
        named += [f"batch_size={self.batch_size}"] if self.batch_size != usual else []
        named += [f"{name}={value!r}" for name, value in self.limits.items()]
        return named + ([] if self.schedule == CONSTANT else [repr(self.schedule)])

    @property
    def told_after(self) -> str:
        """The same to follow other words: ", Momentum(momentum=0.5), batches of 32"."""
        return "".join(f", {each}" for each in self.told).replace("batch_size=", "batches of ")


DEFAULT = Recipe()


def refuse_schedule(schedule: Any, optimizer: Optimizer) -> None:
    """Refuse a schedule of the learning rate for an optimizer that has none."""
    if optimizer.learning_rate is None and schedule != CONSTANT:
        raise InputError(
            f"schedule must be left out for {optimizer.name}, which has no learning rate; got "
            f"{shown(schedule)}. Leave it out, or choose another optimizer."
        )


def size_of(batch_size: Any, optimizer: Optimizer, rows: int | None) -> Any:
    """The batch size that was given, or the one that an optimizer has by default: `rows` if it is all."""
    if batch_size is None:
        return rows if optimizer.all_rows else 1
    return batch_size


def refuse_decay(decay: float, optimizer: Optimizer) -> None:
    """Refuse decay for an optimizer without the learning rate by which it is measured."""
    if decay and optimizer.learning_rate is None:
        raise InputError(
            f"decay must be left out for {optimizer.name}, as it is a part of the learning rate, which "
            f"{optimizer.name} has not; got {decay!r}. Give l2 instead."
        )

"""Loss curves with labels that tell them apart, from one or several trainings or from a sweep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, all_of, shown
from fastnn.core.losses import Loss
from fastnn.core.network import Network
from fastnn.core.optimizers import Optimizer
from fastnn.core.schedules import Schedule
from fastnn.showing.lettering import rate_texts, shape
from fastnn.sweeping.axes import Optimizers, Schedules
from fastnn.sweeping.results import Sweep
from fastnn.training.result import Training

__all__ = ["Curve", "named_curves"]

MOST = 500  # the most curves in one picture
ACCEPTED = "a Training, several of them, a mapping of names to them, or a Sweep with curves"


@dataclass(frozen=True, eq=False)
class Curve:
    """The losses of one network.

    Attributes
    ----------
    label : str
        Tells the curve from the others; empty if it is the only one.
    number : int
        The network's number in its sweep, or its place in its training.
    epochs : (E,) int64
        From 1.
    losses : (E,)
    validation : (E,) or None
    diverged : int
        The epoch in which it diverged, or 0.
    network : Network
    loss : Loss
    optimizer : Optimizer
    schedule : Schedule
    learning_rate : float
    """

    label: str
    number: int
    epochs: NDArray[np.int64]
    losses: NDArray[Any]
    validation: NDArray[Any] | None
    diverged: int
    network: Network
    loss: Loss
    optimizer: Optimizer
    schedule: Schedule
    learning_rate: float


def named_curves(given: Any) -> list[Curve]:
    """Return the curves of trainings or of a sweep; each of several curves has its own label.

    A label holds the name given to the curve. It also holds the layers, the optimizer, the learning rate and
    the number, if these differ.

    Raises
    ------
    InputError
        For anything else, for nothing, for a Sweep without curves, and for more than 500 curves.
    """
    parts = list(_parts(given))
    count = sum(
        len(one) if isinstance(one, Sweep) else len(np.atleast_2d(one.loss_curve)) for _, one in parts
    )
    if not 0 < count <= MOST:
        raise InputError(
            f"loss_curves draws 1 to {MOST} curves; got {count}. "
            "Choose some of the networks, sweep.part(numbers), or draw all of them as bands: plotting.fan."
        )
    return _labelled([curve for name, one in parts for curve in _curves(name, one)])


def _parts(given: Any) -> Iterable[tuple[str, Any]]:
    """Each Training or Sweep with the name given to it, which may be empty."""
    parts: list[tuple[str, Any]]
    if isinstance(given, Mapping):
        parts = [(str(name), one) for name, one in given.items()]
    elif isinstance(given, Training | Sweep):
        parts = [("", given)]
    else:
        try:
            parts = [("", one) for one in all_of(given, "loss_curves")]
        except TypeError:
            parts = [("", given)]
    for _, one in parts:
        if not isinstance(one, Training | Sweep):
            raise InputError(f"loss_curves needs {ACCEPTED}; got {shown(one)}. Give fastnn.train(...).")
        if isinstance(one, Sweep) and not one.curves_every:
            raise InputError(
                "loss_curves needs loss curves; got a Sweep that kept none. Sweep with curves=True, "
                "or give sweep.replay(numbers)."
            )
    return parts


def _curves(name: str, one: Training | Sweep) -> Iterable[Curve]:
    if isinstance(one, Sweep):
        many = np.asarray(one.curves)
        validation = None
        epochs, diverged, numbers = one.curve_epochs, one.diverged, one.numbers
        kinds = [one.grid["loss"].values[n] for n in one.grid.place_of("loss", one.numbers)]
        optimizers = [one.grid["optimizer"].values[n] for n in one.grid.place_of("optimizer", one.numbers)]
        schedules = [one.grid["schedule"].values[n] for n in one.grid.place_of("schedule", one.numbers)]
        rates = one.grid.column("learning_rate", one.numbers)
    else:
        many = np.atleast_2d(one.loss_curve)
        validation = None if one.validation_curve is None else np.atleast_2d(one.validation_curve)
        epochs = np.arange(1, one.epochs + 1)
        diverged = np.broadcast_to(one.diverged, len(many))
        numbers = np.arange(len(many)) if one.number is None else np.atleast_1d(one.number)
        kinds = [one.recipe.loss] * len(many)
        optimizers = [one.optimizer] * len(many)
        schedules = [one.recipe.schedule] * len(many)
        rates = np.broadcast_to(one.learning_rate, len(many))
    for place, losses in enumerate(many):
        yield Curve(
            name,
            int(numbers[place]),
            epochs,
            losses,
            None if validation is None else validation[place],
            int(diverged[place]),
            one.network,
            kinds[place],
            optimizers[place],
            schedules[place],
            float(rates[place]),
        )


def _labelled(curves: Sequence[Curve]) -> list[Curve]:
    """The same curves, with labels that tell them apart."""
    if len(curves) == 1:
        return list(curves)
    labels = [[curve.label] if curve.label else [] for curve in curves]
    for told in (_layers(curves), _optimizers(curves), _schedules(curves), _rates(curves)):
        if len(set(told)) > 1 and _alike(labels):
            labels = [[*label, one] for label, one in zip(labels, told, strict=True)]
    if _alike(labels):
        numbers = [curve.number for curve in curves]
        if len(set(zip(map(tuple, labels), numbers, strict=True))) < len(curves):
            numbers = list(range(len(curves)))  # the numbers of several trainings all begin at 0
        labels = [[*label, f"network {number}"] for label, number in zip(labels, numbers, strict=True)]
    return [replace(curve, label=", ".join(label)) for label, curve in zip(labels, curves, strict=True)]


def _alike(labels: Sequence[Sequence[str]]) -> bool:
    """Whether any two labels are equal."""
    return len(set(map(tuple, labels))) < len(labels)


def _layers(curves: Sequence[Curve]) -> list[str]:
    return [shape(curve.network.layers) for curve in curves]


def _optimizers(curves: Sequence[Curve]) -> list[str]:
    return Optimizers([curve.optimizer for curve in curves], "float64").texts


def _schedules(curves: Sequence[Curve]) -> list[str]:
    return Schedules([curve.schedule for curve in curves], "float64").texts


def _rates(curves: Sequence[Curve]) -> list[str]:
    """The learning rates, with enough digits to tell them apart."""
    return rate_texts([curve.learning_rate for curve in curves], digits=3)

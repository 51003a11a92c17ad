"""The settings of a sweep as its axes take them: what was left to losses and optimizers is settled here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.core.losses import LOSSES, Loss, need_pair, need_targets, usual_loss
from fastnn.core.network import Network
from fastnn.core.optimizers import OPTIMIZERS, Optimizer
from fastnn.core.recipe import CONSTANT, refuse_schedule, size_of
from fastnn.core.schedules import SCHEDULES
from fastnn.data.arrays import finite_array
from fastnn.training.plan import Plan, refuse_rate
from fastnn.training.rates import given_rates, is_of_rates

__all__ = ["settled"]

Array = NDArray[Any]


def settled(
    given: dict[str, Any], networks: Sequence[Network], plan: Plan
) -> tuple[dict[str, Any], Array | None]:
    """The settings of a sweep over `networks`, checked against one another and against the plan's rows.

    Returns
    -------
    settings : dict
        Those given, with the usual values in place of what was left out.
    epoch_rates : (E,), or None
        The learning rates of every epoch, if `schedule` has them; the learning rate is then the first.
    """
    found = given | {
        "optimizer": OPTIMIZERS.several(given["optimizer"]),
        "loss": _losses(given["loss"], networks, plan.Y),
    }
    every = None
    if is_of_rates(given["schedule"]):
        every = _epoch_rates(found, plan)
        found |= {"schedule": [CONSTANT], "learning_rate": every[:1]}
    else:
        found["schedule"] = SCHEDULES.several(given["schedule"])
    return found | _defaults(found, len(plan.X)), every


def _epoch_rates(given: dict[str, Any], plan: Plan) -> Array:
    """The learning rates (E,) of every epoch, for all networks."""
    for optimizer in given["optimizer"]:
        refuse_schedule(given["schedule"], optimizer)
    rates = finite_array(given["schedule"], "schedule", (1, 2))
    if rates.ndim > 1:
        raise InputError(
            f"schedule must have one learning rate for each epoch in a sweep, for all networks, shape "
            f"({plan.epochs},); got shape {rates.shape}. Give those of each network to fastnn.train."
        )
    every: Array = given_rates(rates, given["learning_rate"], 1, plan.epochs, plan.dtype)[0]
    if not every[0]:
        raise InputError(
            "schedule must begin with a learning rate above 0 in a sweep, which tells its networks by that; "
            "got 0. Leave that epoch out."
        )
    return every


def _losses(given: Any, networks: Sequence[Network], Y: Array) -> list[Loss]:
    """The losses of a sweep, each of which fits the outputs and the targets; without any, the usual one."""
    outputs = dict.fromkeys(network.output for network in networks)
    if given is None:
        usual = {output: usual_loss(output).name for output in outputs}
        if len(set(usual.values())) > 1:
            each = ", ".join(f"{loss} for {output}" for output, loss in usual.items())
            raise InputError(
                "loss must be given for networks whose outputs have different usual losses; got none "
                f"({each}). Sweep them apart."
            )
        given = usual[networks[0].output]
    found = LOSSES.several(given)
    for loss, output in product(found, outputs):
        need_pair(type(loss), output)
        need_targets(type(loss), output, Y)
    return found


def _defaults(given: dict[str, Any], rows: int) -> dict[str, Any]:
    """The learning rate and the batch size of a sweep, where they are left to the optimizers."""
    kinds = {optimizer.name: optimizer for optimizer in given["optimizer"]}
    rate, size, (first, *others) = given["learning_rate"], given["batch_size"], kinds.values()
    without = [optimizer for optimizer in kinds.values() if optimizer.learning_rate is None]
    if others and without:
        raise InputError(
            f"optimizer must be {without[0].name} alone, which has no learning rate, or optimizers that have "
            f"one; got {', '.join(kinds)}. Sweep them apart."
        )
    if without:
        refuse_rate(rate, first)
        for schedule in given["schedule"]:
            refuse_schedule(schedule, first)
    elif rate is None:
        rate = _default_rate(list(kinds.values()))
    return {"learning_rate": rate, "batch_size": size_of(size, first, rows)}


def _default_rate(optimizers: Sequence[Optimizer]) -> float | None:
    """The learning rate of optimizers that are given without one."""
    if len({optimizer.learning_rate for optimizer in optimizers}) > 1:
        each = ", ".join(f"{optimizer.learning_rate!r} for {optimizer.name}" for optimizer in optimizers)
        raise InputError(
            f"learning_rate must be given for optimizers with different defaults; got none ({each}). "
            "Give one, or several."
        )
    return optimizers[0].learning_rate

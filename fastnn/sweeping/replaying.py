"""The replay of networks of a sweep: one or several are trained again from their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, shown, whole_number, whole_numbers
from fastnn.data.arrays import in_dtype
from fastnn.sweeping.design import Design
from fastnn.system.interrupting import to_the_end
from fastnn.training.beginnings import Begun
from fastnn.training.result import Training
from fastnn.training.train import trained

__all__ = ["network_numbers", "replayed"]

NAMED = 6  # values that a refusal names


def replayed(design: Design, number: int | ArrayLike) -> Training:
    """Train networks of a sweep again; see `fastnn.Sweep.replay`."""
    numbers = network_numbers(number, "number", design.grid.total)
    if not len(numbers):
        raise InputError("number must name at least one network; got none. Name one, such as number=0.")
    for axis in design.grid.axes:
        places = np.unique(design.grid.place_of(axis.name, numbers)).tolist()
        if axis.alike and len(places) > 1:
            raise InputError(
                f"number must name networks that were trained {axis.alike}; got "
                f"{' and '.join(axis.texts[place] for place in places[:NAMED])}. "
                f"Replay networks of one {axis.noun} at a time."
            )
    some: Any = 0 if len(numbers) == 1 else slice(None)
    plan = replace(design.plan_of(design.grid.cell_of(int(numbers[0]))), seed=design.seed)
    start = design.start.draw(plan.network, design.grid.start_of(numbers), design.seed)[some]
    rates = design.grid.column("learning_rate", numbers)
    again = trained(
        plan,
        Begun.new(
            plan,
            in_dtype(start, plan.dtype, "start"),
            int(numbers[0]) if len(numbers) == 1 else numbers,
        ),
        plan.rates(rates if np.isfinite(rates).all() else None, len(numbers)),
    )
    return to_the_end(again)


def network_numbers(given: Any, name: str, total: int) -> NDArray[np.int64]:
    """Return the numbers of networks (m,), each below `total`, given as one number or in any container.

    Whole floats are taken, too: in a row of a frame pandas turns a number beside losses into a float.
    """
    if getattr(given, "ndim", 1) == 2 and given.shape[1] == 1:  # a frame of one column
        given = np.ravel(given)
    if getattr(given, "ndim", 1) > 1 or isinstance(given, dict):
        raise InputError(
            f"{name} must be the number of a network, or a sequence of numbers; got {shown(given)}. "
            "Take one column, such as sweep.best(5).network."
        )
    if isinstance(given, np.ndarray) and given.ndim == 1 and given.dtype.kind in "iu" and len(given):
        for end in (given.min(), given.max()):
            whole_number(end, name, 0, total - 1)
        return given.astype(np.int64)
    plain = given.tolist() if hasattr(given, "tolist") else given
    several = isinstance(plain, Iterable) and not isinstance(plain, str | bytes)
    wanted = (_whole(value) for value in (plain if several else [plain]))
    return np.array(whole_numbers(wanted, name, 0, total - 1), np.int64)


def _whole(value: Any) -> Any:
    """Return a whole float as an int, anything else unchanged."""
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return int(value) if whole else value

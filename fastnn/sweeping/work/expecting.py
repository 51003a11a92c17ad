"""The properties that results must have, and the faults of those that do not: a right digest is not enough.

The answer of a worker and the content of a store's file are compared with the plan, in names, dtypes, shapes
and ranges, before they count as results. A wrong number that is possible cannot be detected here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.sweeping.design import Design
from fastnn.system.floating_point import ieee

__all__ = ["Expected"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Expected:
    """The names, dtypes, shapes and ranges of a sweep's results.

    `losses` are the names of each network's losses; the first is the training loss. With `every` above 0 the
    loss of every `every`-th epoch is kept, in `curve_dtype`.
    """

    parameters: int
    dtype: str
    losses: tuple[str, ...]
    epochs: int
    every: int
    curve_dtype: str

    @classmethod
    def of(cls, design: Design, every: int, curve_dtype: str) -> Expected:
        """The properties of a design's results, with curves of every `every`-th epoch in `curve_dtype`."""
        plan = design.plan
        kinds = (plan.network.n_parameters, plan.dtype, design.losses, plan.epochs)
        return cls(*kinds, every, curve_dtype)

    def kinds(self, networks: int) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The dtype and the shape of every array, by name, for this number of networks."""
        found: dict[str, tuple[str, tuple[int, ...]]] = dict.fromkeys(self.losses, (self.dtype, (networks,)))
        found["parameters"] = self.dtype, (networks, self.parameters)
        found["diverged"] = "int32", (networks,)
        if self.every:
            found["curves"] = self.curve_dtype, (networks, self.epochs // self.every)
        return found

    @ieee
    def fault(self, arrays: Mapping[str, Array], networks: int) -> str:
        """In words, what is wrong with the arrays of some networks; empty if they may be results."""
        expected = self.kinds(networks)
        if arrays.keys() != expected.keys():
            return f"it has {', '.join(sorted(arrays)) or 'nothing'}, not {', '.join(sorted(expected))}"
        for name, (dtype, shape) in expected.items():
            if (arrays[name].dtype, arrays[name].shape) != (np.dtype(dtype), shape):
                found = f"{arrays[name].dtype} of shape {arrays[name].shape}"
                return f"{name} is {found}, not {dtype} of shape {shape}"
        diverged = arrays["diverged"]
        if diverged.min(initial=0) < 0 or diverged.max(initial=0) > self.epochs:
            return f"diverged is not always from 0 to {self.epochs}"
        return self._fault_of_numbers(arrays, diverged > 0)

    def _fault_of_numbers(self, arrays: Mapping[str, Array], ended: NDArray[np.bool_]) -> str:
        parameters, loss, *measured = (arrays[name] for name in ("parameters", *self.losses))
        rest: Any = ~ended if ended.any() else slice(None)  # mostly none diverged: then nothing is copied
        if not np.isfinite(parameters[rest]).all() or not np.isnan(parameters[ended]).all():
            return "parameters are not finite exactly where a network did not diverge"
        if not _possible(loss) or np.isnan(loss[rest]).any() or not np.isnan(loss[ended]).all():
            return "loss is not a finite number from 0 exactly where a network did not diverge"
        for name, losses in zip(self.losses[1:], measured, strict=True):
            if not _possible(losses) or not np.isnan(losses[ended]).all():
                return f"{name} is not a finite number from 0, or NaN"
        if not self.every:
            return ""
        return self.fault_of_curves(arrays["curves"], loss, arrays["diverged"], self.every)

    @ieee
    def fault_of_curves(self, curves: Array, loss: Array, diverged: NDArray[np.int32], every: int) -> str:
        """In words, what is wrong with curves (m, n), the losses of every `every`-th epoch; empty if nothing.

        They must be NaN from the epoch in which a network diverged, and end with the network's loss.
        """
        kept = np.arange(every, self.epochs + 1, every)
        ended = diverged > 0
        # A NaN makes the minimum NaN. If no network diverged, one minimum over all curves is enough;
        # measured: x20 as fast as a minimum for each (30 losses). No array as large as the curves is made.
        axis, rest = (1, ~ended) if ended.any() else (None, slice(None))
        smallest = np.atleast_1d(curves.min(axis=axis, initial=0))[rest]
        cut, there = curves[ended], kept < diverged[ended][:, None]
        if (
            not (smallest >= 0).all()
            or not np.array_equal(cut >= 0, there)
            or not np.array_equal(np.isnan(cut), ~there)
        ):
            return "curves are not numbers from 0 exactly where a network had not diverged"
        if np.dtype(self.curve_dtype) == self.dtype and (
            np.isinf(np.atleast_1d(curves.max(axis=axis, initial=0))[rest]).any() or np.isinf(cut).any()
        ):
            return "curves are not finite"
        if kept[-1] == self.epochs and not np.array_equal(
            curves[:, -1], loss.astype(self.curve_dtype), equal_nan=True
        ):
            return "curves do not end with the loss"
        return ""


def _possible(losses: Array) -> bool:
    """Whether each loss is NaN, or finite and not below 0."""
    return not (losses < 0).any() and not (losses == np.inf).any()

"""What results must be like, and what is wrong with them: a right digest is not right content.

What a worker answers and what a file of a store holds is compared with the plan, in names, dtypes, shapes and
ranges, before it is taken for a result. A wrong number that is possible cannot be told from a right one here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.designing import Design
from fastnn.floating_point import ieee

__all__ = ["Expected"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Expected:
    """What the results of any networks of a sweep are like.

    `losses` are the names of the losses of each network, the first that of training; with `every` above 0 the
    loss of every so many epochs is kept, in `curve_dtype`.
    """

    parameters: int
    dtype: str
    losses: tuple[str, ...]
    epochs: int
    every: int
    curve_dtype: str

    @classmethod
    def of(cls, design: Design, every: int, curve_dtype: str) -> Expected:
        """That of a sweep whose curves are kept so."""
        plan = design.plan
        kinds = (plan.network.n_parameters, plan.dtype, design.losses, plan.epochs)
        return cls(*kinds, every, curve_dtype)

    def kinds(self, networks: int) -> dict[str, tuple[str, tuple[int, ...]]]:
        """The dtype and the shape of every array of so many networks."""
        found: dict[str, tuple[str, tuple[int, ...]]] = dict.fromkeys(self.losses, (self.dtype, (networks,)))
        found["parameters"] = self.dtype, (networks, self.parameters)
        found["diverged"] = "int32", (networks,)
        if self.every:
            found["curves"] = self.curve_dtype, (networks, self.epochs // self.every)
        return found

    @ieee
    def fault(self, arrays: Mapping[str, Array], networks: int) -> str:
        """What is wrong with the arrays of so many networks, in words; nothing if they may be results."""
        expected = self.kinds(networks)
        if arrays.keys() != expected.keys():
            return f"it has {', '.join(sorted(arrays)) or 'nothing'}, not {', '.join(sorted(expected))}"
        for name, (dtype, shape) in expected.items():
            if (arrays[name].dtype, arrays[name].shape) != (np.dtype(dtype), shape):
                found = f"{arrays[name].dtype} of shape {arrays[name].shape}"
                return f"{name} is {found}, not {dtype} of shape {shape}"
        diverged = arrays["diverged"]
        if ((diverged < 0) | (diverged > self.epochs)).any():
            return f"diverged is not always from 0 to {self.epochs}"
        return self._fault_of_numbers(arrays, diverged > 0)

    def _fault_of_numbers(self, arrays: Mapping[str, Array], ended: NDArray[np.bool_]) -> str:
        parameters, loss, *measured = (arrays[name] for name in ("parameters", *self.losses))
        none, finite = np.isnan(parameters).all(axis=1), np.isfinite(parameters).all(axis=1)
        if not np.array_equal(none, ended) or not np.array_equal(finite, ~ended):
            return "parameters are not finite exactly where a network did not diverge"
        if not np.array_equal(np.isnan(loss), ended) or not _possible(loss).all():
            return "loss is not a finite number from 0 exactly where a network did not diverge"
        for name, losses in zip(self.losses[1:], measured, strict=True):
            if not _possible(losses).all() or not np.isnan(losses[ended]).all():
                return f"{name} is not a finite number from 0, or NaN"
        if not self.every:
            return ""
        return self.fault_of_curves(arrays["curves"], loss, arrays["diverged"], self.every)

    @ieee
    def fault_of_curves(self, curves: Array, loss: Array, diverged: NDArray[np.int32], every: int) -> str:
        """What is wrong with the losses (m, n) of every so many epochs, in words.

        They are NaN from the epoch on in which a network diverged, and the last one is its loss.
        """
        kept = np.arange(every, self.epochs + 1, every)
        there = (diverged[:, None] == 0) | (kept < diverged[:, None])
        if not np.array_equal(curves >= 0, there) or not np.array_equal(np.isnan(curves), ~there):
            return "curves are not numbers from 0 exactly where a network had not diverged"
        if np.dtype(self.curve_dtype) == self.dtype and np.isinf(curves).any():
            return "curves are not finite"
        if kept[-1] == self.epochs and not np.array_equal(
            curves[:, -1], loss.astype(self.curve_dtype), equal_nan=True
        ):
            return "curves do not end with the loss"
        return ""


def _possible(losses: Array) -> NDArray[np.bool_]:
    """Whether each of some losses is one: finite and not below 0, or NaN."""
    possible: NDArray[np.bool_] = np.isnan(losses) | ((losses >= 0) & (losses < np.inf))
    return possible

"""The properties that results must have, and the faults of those that do not: a right digest is not enough.

The answer of a worker and the content of a store's file are compared with the plan, in names, dtypes, shapes
and ranges, before they count as results. A wrong number that is possible cannot be detected here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.endings import BY_DIVERGENCE
from fastnn.sweeping.columns import Column, Schema
from fastnn.system.floating_point import ieee

__all__ = ["RULES", "Expected"]

Array = NDArray[Any]
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Expected:
    """The names, dtypes, shapes and ranges of a sweep's results.

    `has` says which columns of parameters each network has, (P,) or (m, P); the others are NaN.
    """

    schema: Schema
    has: Any = True

    @ieee
    def fault(self, arrays: Arrays, networks: int) -> str:
        """In words, what is wrong with the arrays of some networks; empty if they may be results."""
        schema, expected = self.schema, {column.array: column for column in self.schema.kept}
        if arrays.keys() != expected.keys():
            return f"it has {', '.join(sorted(arrays)) or 'nothing'}, not {', '.join(sorted(expected))}"
        for name, column in expected.items():
            dtype, shape = schema.dtype_of(column), schema.shape_of(column, networks)
            if (arrays[name].dtype, arrays[name].shape) != (np.dtype(dtype), shape):
                found = f"{arrays[name].dtype} of shape {arrays[name].shape}"
                return f"{name} is {found}, not {dtype} of shape {shape}"
        # Whole numbers first: the others are compared with the epochs in which networks diverged.
        columns = sorted(schema.kept, key=lambda column: (not column.whole, column.per == "epoch"))
        return next((fault for column in columns if (fault := self.fault_of(column, arrays))), "")

    @ieee
    def fault_of(self, column: Column, arrays: Arrays) -> str:
        """In words, what is wrong with the values of one column; empty if they may be results.

        `arrays` holds it, the epochs in which networks diverged, when and why they stopped if they stop for
        themselves, and the loss with which it ends, if any.
        """
        fault = RULES[column.values](self, column, arrays)
        return f"{column.array} {fault}" if fault else ""


def _fault_of_epochs(expected: Expected, column: Column, arrays: Arrays) -> str:
    """From 1 to the last epoch, or 0 for none."""
    return _fault_of_range(arrays[column.array], expected.schema.epochs)


def _fault_of_codes(_: Expected, column: Column, arrays: Arrays) -> str:
    """Places of words."""
    return _fault_of_range(arrays[column.array], len(column.words) - 1)


def _fault_of_range(values: Array, most: int) -> str:
    wrong = values.min(initial=0) < 0 or values.max(initial=0) > most
    return f"is not always from 0 to {most}" if wrong else ""


def _fault_of_numbers(expected: Expected, column: Column, arrays: Arrays) -> str:
    """Finite numbers, NaN exactly where a network diverged, or has no such parameter."""
    numbers, ended = arrays[column.array], arrays["diverged"] > 0
    there = ~ended[:, None] & expected.has
    right = (np.isfinite(numbers) == there).all() and (np.isnan(numbers) != there).all()
    return "" if right else "are not finite exactly where a network did not diverge"


def _fault_of_loss(_: Expected, column: Column, arrays: Arrays) -> str:
    """Finite numbers from 0, NaN exactly where a network diverged."""
    loss, (ended, rest) = arrays[column.array], _endings(arrays)
    right = _possible(loss) and not np.isnan(loss[rest]).any() and np.isnan(loss[ended]).all()
    return "" if right else "is not a finite number from 0 exactly where a network did not diverge"


def _fault_of_measured(_: Expected, column: Column, arrays: Arrays) -> str:
    """Finite numbers from 0, or NaN, as where a network diverged."""
    losses, (ended, _rest) = arrays[column.array], _endings(arrays)
    right = _possible(losses) and np.isnan(losses[ended]).all()
    return "" if right else "is not a finite number from 0, or NaN"


def _fault_of_curves(expected: Expected, column: Column, arrays: Arrays) -> str:
    """Numbers from 0, NaN where a network had diverged or stopped; the last epoch's is the network's."""
    schema = expected.schema
    curves, last = arrays[column.array], _last_epochs(schema, arrays)
    kept = np.arange(schema.every, schema.epochs + 1, schema.every)
    ended = last < schema.epochs
    # A NaN makes the minimum NaN. If no network diverged, one minimum over all curves is enough;
    # measured: x20 as fast as a minimum for each (30 losses). No array as large as the curves is made.
    axis, rest = (1, ~ended) if ended.any() else (None, slice(None))
    smallest = np.atleast_1d(curves.min(axis=axis, initial=0))[rest]
    cut, there = curves[ended], kept <= last[ended][:, None]
    if (
        not (smallest >= 0).all()
        or not np.array_equal(cut >= 0, there)
        or not np.array_equal(np.isnan(cut), ~there)
    ):
        return "are not numbers from 0 exactly where a network had not ended"
    if np.dtype(schema.curve_dtype) == schema.dtype and (
        np.isinf(np.atleast_1d(curves.max(axis=axis, initial=0))[rest]).any() or np.isinf(cut).any()
    ):
        return "are not finite"
    if not column.ends or kept[-1] != schema.epochs or "trained_epochs" in arrays:
        return ""
    ends = arrays[column.ends].astype(schema.curve_dtype)
    return "" if np.array_equal(curves[:, -1], ends, equal_nan=True) else f"do not end with the {column.ends}"


def _last_epochs(schema: Schema, arrays: Arrays) -> NDArray[Any]:
    """The last epoch of each network with a loss that is a number."""
    if "trained_epochs" in arrays:
        last: NDArray[Any] = arrays["trained_epochs"] - (arrays["ended"] == BY_DIVERGENCE)
        return last
    return np.where(arrays["diverged"] > 0, arrays["diverged"] - 1, schema.epochs)


RULES: dict[str, Callable[[Expected, Column, Arrays], str]] = {
    "epoch": _fault_of_epochs,
    "word": _fault_of_codes,
    "number": _fault_of_numbers,
    "loss": _fault_of_loss,
    "measured": _fault_of_measured,
    "curve": _fault_of_curves,
}
"""What the values of a column may be, by `Column.values`."""


def _endings(arrays: Arrays) -> tuple[NDArray[np.bool_], Any]:
    """Where networks diverged, and where not; if none did, the latter copies nothing when it selects."""
    ended = arrays["diverged"] > 0
    return ended, ~ended if ended.any() else slice(None)


def _possible(losses: Array) -> bool:
    """Whether each loss is NaN, or finite and not below 0."""
    return not (losses < 0).any() and not (losses == np.inf).any()

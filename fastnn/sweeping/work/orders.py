"""Orders and answers: what a worker is told of a sweep, what it sends back, and how both are compared."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fastnn.checking import InputError
from fastnn.sweeping.description import arrays_of, described, design_of
from fastnn.sweeping.design import Design, Results
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.work.expecting import Expected
from fastnn.sweeping.work.packing import DamageError, pack, unpack
from fastnn.training.identity import difference, identity

__all__ = ["compute", "edges_of", "order", "results_of", "told"]

LONGEST_REASON = 300


def order(design: Design, every: int, curve_dtype: str) -> bytes:
    """Everything that a worker must know of a sweep, and who asks."""
    values = {"plan": described(design), "engine": design.plan.engine, "every": every, "dtype": curve_dtype}
    return pack(values | {"identity": identity()}, arrays_of(design))


def compute(order: bytes, *edges: int) -> bytes:
    """Train networks of the sweep that was ordered; never raises.

    Those from the first edge to before the second, from the third to before the fourth, and so on.

    Runs in a worker. The answer is packed: the results, or in ``error`` why there are none.
    """
    try:
        design, every, curve_dtype = _design(order)
        numbers = Numbers(tuple(map(range, edges[::2], edges[1::2])))
        results = design.room(numbers, every, curve_dtype)
        for block in design.blocks(numbers, 1):
            design.train(block, results)
    except Exception as error:
        return pack({"error": told(error)}, {})
    arrays = {name: getattr(results, name) for name in ("parameters", "loss", "diverged", "curves")}
    return pack(_announced(numbers, every), arrays | results.measured)


def _announced(numbers: Numbers, every: int) -> dict[str, Any]:
    """What an answer says of itself: which networks it has, and who computed them."""
    return {"edges": edges_of(numbers), "every": every, "identity": identity()}


def edges_of(numbers: Numbers) -> list[int]:
    """Where the ranges of numbers begin and end, as a worker is told."""
    return [edge for some in numbers.ranges for edge in (some.start, some.stop)]


@lru_cache(maxsize=2)
def _design(order: bytes) -> tuple[Design, int, str]:
    values, arrays = unpack(order)
    different = difference(values.get("identity"), "where the sweep was asked for")
    if different:
        raise InputError(
            f"a worker must compute as the process that asks it; {different}. Install the same version there."
        )
    design = design_of(values["plan"], arrays, values["engine"])
    return design, values["every"], values["dtype"]


def results_of(answer: Any, numbers: Numbers, design: Design, every: int, curve_dtype: str) -> Results:
    """What a worker sent back, after a look at every bit; raises DamageError or RuntimeError."""
    values, arrays = unpack(answer)
    if "error" in values:
        raise RuntimeError(str(values["error"])[:LONGEST_REASON])
    different = difference(values.get("identity"), "at the worker")
    if different:
        raise DamageError(f"it was computed otherwise than it would be here: {different}")
    if values != _announced(numbers, every):
        raise DamageError(f"networks {numbers} were asked for, others came back")
    fault = Expected.of(design, every, curve_dtype).fault(arrays, len(numbers))
    if fault:
        raise DamageError(f"the answer is no result of the sweep: {fault}")
    measured = {name: arrays[name] for name in design.measures}
    columns = (arrays["parameters"], arrays["loss"], arrays["diverged"], arrays.get("curves"))
    return Results(numbers, *columns, every, measured)


def told(error: BaseException) -> str:
    """An error in words, whatever it is."""
    try:
        text = str(error)
    except Exception:
        text = "without words"
    return f"{type(error).__name__}: {text}"[:LONGEST_REASON]

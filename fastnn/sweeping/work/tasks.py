"""Tasks and answers: the bytes sent to a worker, the bytes it sends back, and the checks of both."""

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

__all__ = ["compute", "edges_of", "results_of", "task", "told"]

LONGEST_REASON = 300


def task(design: Design, every: int, curve_dtype: str) -> bytes:
    """Pack everything that a worker must know of a sweep, with the identity of the process that asks."""
    values = {"plan": described(design), "engine": design.plan.engine, "every": every, "dtype": curve_dtype}
    return pack(values | {"identity": identity()}, arrays_of(design))


def compute(task: bytes, *edges: int) -> bytes:
    """Train some networks of a task's sweep, in a worker; never raises.

    The edges are pairs: networks from the first edge up to, not including, the second, then from the third up
    to the fourth, and so on. The answer is packed: the results, or an ``error`` that says why there are none.
    """
    try:
        design, every, curve_dtype = _design(task)
        numbers = Numbers(tuple(map(range, edges[::2], edges[1::2])))
        results = design.room(numbers, every, curve_dtype)
        for chunk in design.chunks(numbers):
            design.train(chunk, results)
    except Exception as error:
        return pack({"error": told(error)}, {})
    return pack(_announced(numbers, every), results.arrays)


def _announced(numbers: Numbers, every: int) -> dict[str, Any]:
    """The plain values of an answer: which networks it holds, and who computed them."""
    return {"edges": edges_of(numbers), "every": every, "identity": identity()}


def edges_of(numbers: Numbers) -> list[int]:
    """The edges of the ranges of numbers, as `compute` takes them."""
    return [edge for some in numbers.ranges for edge in (some.start, some.stop)]


@lru_cache(maxsize=2)
def _design(task: bytes) -> tuple[Design, int, str]:
    values, arrays = unpack(task)
    different = difference(values.get("identity"), "where the sweep was asked for")
    if different:
        raise InputError(
            f"a worker must compute as the sweeping process does; {different}. "
            "Install the same version there."
        )
    design = design_of(values["plan"], arrays, values["engine"])
    return design, values["every"], values["dtype"]


def results_of(answer: Any, numbers: Numbers, design: Design, every: int, curve_dtype: str) -> Results:
    """Return the results in a worker's answer, every bit checked; raise DamageError or RuntimeError."""
    values, arrays = unpack(answer)
    if "error" in values:
        raise RuntimeError(str(values["error"])[:LONGEST_REASON])
    different = difference(values.get("identity"), "at the worker")
    if different:
        raise DamageError(f"it was computed otherwise than it would be here: {different}")
    if values != _announced(numbers, every):
        raise DamageError(f"networks {numbers} were asked for, others came back")
    expected = Expected(design.schema(every, curve_dtype), design.grid.has(numbers.array()))
    fault = expected.fault(arrays, len(numbers))
    if fault:
        raise DamageError(f"the answer is no result of the sweep: {fault}")
    return Results(numbers, arrays, every)


def told(error: BaseException) -> str:
    """An error in words. It never raises, even if the error's own text does."""
    try:
        text = str(error)
    except Exception:
        text = "without words"
    return f"{type(error).__name__}: {text}"[:LONGEST_REASON]

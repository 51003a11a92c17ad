"""Passes of a kernel over rows in given orders, batch by batch, with the squares of the weights before each.

One kernel call an epoch costs a call from Python, and so does each array that an epoch makes. Here a compiled
loop calls the kernel, so that an epoch of a small network costs little more than its arithmetic.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fastnn.engines import Kernel
from fastnn.engines.compiling import is_compiled, run_source

__all__ = ["passes"]

HEAD = "kernel, state, X, Y, orders, coefficients, settings, totals, squares, course, weights, batch, rows_of"
SOURCE = """
def advance({head}, ordered_X, ordered_Y):
    rows, inputs = ordered_X.shape
    outputs = ordered_Y.shape[1]
    networks = state.shape[0]
    for e in range(totals.shape[1]):
        if orders.shape[0] > 0:
            for n in range(rows):
                row = orders[e, n]
                for i in range(inputs):
                    ordered_X[n, i] = X[row, i]
                for k in range(outputs):
                    ordered_Y[n, k] = Y[row, k]
        part = 0
        for first in range(0, rows, batch):
            last = min(first + batch, rows)
            if weights > 0:
                for m in range(networks):
                    square = squares[e, part, m]
                    for w in range(weights):
                        square += state[m, w] * state[m, w]
                    squares[e, part, m] = square
            given = settings[e, min(part, settings.shape[1] - 1)]
            now = totals[:, e : e + 1]
            kernel(
                state, ordered_X[first:last], ordered_Y[first:last]{coefficients}, given, now{rows_of}
            )
            part += 1
        if course.shape[0] > 0:
            course[e] = state
"""


def passes(kernel: Kernel, dtype: str, *, weighted: bool, batched: bool) -> Any:
    """What advances networks by epochs with a kernel whose rows have weights, or batches several rows.

    It is a function ``(kernel, state, X, Y, orders, coefficients, settings, totals, squares, course, weights,
    batch, rows_of, ordered_X, ordered_Y)``. All arrays but `orders` are of the kernel's dtype and C-ordered:

    - `state` (M, S) and `totals` (M, E) as in the contract in `fastnn.engines`.
    - `X` (N, D) and `Y` (N, K), and `orders` (E, N) of the rows' numbers; with `orders` (0, N) the rows are
      visited as `ordered_X` and `ordered_Y` have them, which else are filled.
    - `coefficients` (E, N), in the order of the epoch; (0, 0) if the kernel takes none.
    - `settings` (E, B, M, C) of each of the B batches of an epoch, or (E, 1, M, C).
    - `squares` (E, B, M), to which the sum of the squares of the first `weights` parameters is added before
      each batch; not touched if `weights` is 0.
    - `course` (E, M, S), filled with the states after each epoch, or (0, M, S).
    - `batch`: the rows of one call of the kernel; `rows_of`: what it is told of the rows of a batch.
    """
    made = _compiled if is_compiled(kernel) else _plain
    return made(dtype, weighted, batched)


def _source(weighted: bool, batched: bool) -> str:
    return SOURCE.format(
        head=HEAD,
        coefficients=", coefficients[e, first:last]" * weighted,
        rows_of=", rows_of" * batched,
    )


@cache
def _compiled(dtype: str, weighted: bool, batched: bool) -> Any:
    import numba

    from fastnn.engines.kernel_cache import KernelCache, name_of

    number, whole = getattr(numba.types, dtype), numba.types.intp

    def array(dimensions: int, kind: Any = number, **of: Any) -> Any:
        return numba.types.Array(kind, dimensions, "C", **of)

    read_only = array(2, readonly=True)
    of_rows = [array(1, readonly=True)] * weighted
    totals = numba.types.Array(number, 2, "A")
    kernel = numba.types.void(
        *(array(2), read_only, read_only, *of_rows, read_only, totals, *[whole] * batched)
    )
    signature = numba.types.void(
        numba.types.FunctionType(kernel),
        *(array(2), read_only, read_only, array(2, whole, readonly=True), read_only),
        *(array(4, readonly=True), totals, array(3), array(3), whole, whole, whole, array(2), array(2)),
    )
    source, options = _source(weighted, batched), {"nogil": True, "error_model": "numpy"}
    name = name_of(source, f"{signature} {options}")
    advance = run_source(source)["advance"]
    # Symbols of machine code that comes from disk must not meet others of the same name.
    advance.__module__, advance.__qualname__ = __name__, f"passes_{name}"
    compiled: Any = numba.njit(**options)(advance)
    compiled._cache = KernelCache(name)
    compiled.compile(signature)
    compiled.disable_compile()
    return compiled


@cache
def _plain(dtype: str, weighted: bool, batched: bool) -> Any:
    return run_source(_source(weighted, batched))["advance"]

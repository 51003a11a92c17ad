"""Memory of compiled code: zeros that begin at a line of the cache, compiled and in plain Python."""

import numba
import numpy as np
import pytest
from numba.core import config

from fastnn.engines.memory import aligned_zeros


@numba.njit
def flat(count):
    return aligned_zeros(count, np.int64)


@numba.njit
def table(rows, columns):
    return aligned_zeros((rows, columns), np.float32)


@numba.njit
def literal():
    return aligned_zeros((3, 4, 5), np.float64)


@pytest.mark.parametrize("form", ["compiled", "plain"])
@pytest.mark.parametrize(
    ("make", "arguments", "shape", "dtype"),
    [(flat, (7,), (7,), "int64"), (table, (5, 16), (5, 16), "float32"), (literal, (), (3, 4, 5), "float64")],
)
def test_zeros_at_a_line_of_the_cache(form, make, arguments, shape, dtype):
    for _ in range(3):
        made = (make if form == "compiled" else getattr(make, "py_func", make))(*arguments)
        assert (made.shape, made.dtype, made.flags.c_contiguous) == (shape, np.dtype(dtype), True)
        assert made.ctypes.data % 64 == 0
        assert not made.any()
        made[...] = 1  # what comes next may lie in the same place


@pytest.mark.skipif(config.DISABLE_JIT, reason="asks what compiled code counts")
def test_nothing_else_holds_it():
    assert flat(7).base.refcount == 1


def test_more_than_there_is_is_an_error():
    with pytest.raises(MemoryError):
        flat(1 << 58)

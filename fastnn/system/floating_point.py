"""The floating-point mode of the computing thread: IEEE's default, even if a library has changed it.

A shared library that was linked with ``-ffast-math`` sets "flush to zero" in the thread that loads it, and
a new thread inherits the mode of the thread that starts it. Subnormal numbers then become 0 in kernels and in
NumPy alike, so comparing the two does not reveal it. Other programs change the rounding of numbers.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

__all__ = ["default_mode", "ieee", "in_default_mode", "is_default"]

P = ParamSpec("P")
R = TypeVar("R")

# 1, half and three quarters of its last place, the smallest normal and the smallest subnormal number. They
# are written as bits, since Python may compile this module in another mode, and read when they are needed.
BITS = (0x3FF0000000000000, 0x3CA0000000000000, 0x3CA8000000000000, 0x0010000000000000, 0x0000000000000001)
NUMBERS = list(struct.unpack("<5d", struct.pack("<5Q", *BITS)))

ENVIRONMENT_BYTES = 256  # room for C's fenv_t, which has 32 bytes on x86-64 and 8 on AArch64


def is_default() -> bool:
    """Whether this thread rounds to nearest, ties to even, and keeps subnormal numbers (measured: 0.2 us)."""
    one, tie, above, normal, subnormal = NUMBERS
    nearest = one + tie == one and one + above > one and -one - tie == -one and -one - above < -one
    return bool(nearest and normal * 0.5 > 0.0 and subnormal * one > 0.0)


def in_default_mode(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that it computes in the default mode; the thread's own is restored afterwards.

    Raises
    ------
    InputError
        When the function is called, if the mode is not the default one and cannot be changed here.
    """

    @wraps(function)
    def computed(*args: P.args, **kwargs: P.kwargs) -> R:
        if is_default():  # asked first: a context takes some microseconds
            return function(*args, **kwargs)
        with default_mode():
            return function(*args, **kwargs)

    return computed


def ieee(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function as `in_default_mode`, and silence NumPy's floating-point warnings within it."""
    computed = in_default_mode(function)

    @wraps(function)
    def silent(*args: P.args, **kwargs: P.kwargs) -> R:
        import numpy as np  # imported here: the command line needs only the mode, and may not need NumPy

        with np.errstate(all="ignore"):
            return computed(*args, **kwargs)

    return silent


@contextmanager
def default_mode() -> Iterator[None]:
    """Set the default mode if it is not set, and restore the former mode at the end.

    Raises
    ------
    InputError
        If the mode is not the default one and cannot be changed here.
    """
    if is_default():
        yield
        return
    mathematics = ctypes.CDLL(None) if sys.platform == "linux" else None
    kept = ctypes.create_string_buffer(ENVIRONMENT_BYTES)
    if mathematics is not None and hasattr(mathematics, "fesetenv"):
        mathematics.fegetenv(kept)
        mathematics.fesetenv(ctypes.c_void_p(-1))  # FE_DFL_ENV of glibc and musl
    try:
        if not is_default():
            from fastnn.checking import InputError

            raise InputError(
                "the floating-point mode of the thread must be IEEE's default, so that results are the same "
                "everywhere; this one rounds otherwise or flushes subnormal numbers to zero, as libraries "
                "built with -ffast-math ask for. Import them in another process, or compute before them."
            )
        yield
    finally:
        if mathematics is not None and hasattr(mathematics, "fesetenv"):
            mathematics.fesetenv(kept)

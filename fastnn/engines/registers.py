"""The registers of this processor, and how it works on them."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

from fastnn.system.forking import ONE_AT_A_TIME

__all__ = ["Registers", "registers"]

CORES_OF_HALVES = ("znver4",)  # as LLVM calls the cores with AVX-512 that work on 256 bits at once


class Registers(NamedTuple):
    """A processor's registers for vectors.

    Attributes
    ----------
    number : int
        How many there are.
    size : int
        The bytes of each.
    halves : bool
        Whether an operation on whole registers is carried out in two halves, so that it takes as long as two
        operations on half of the bytes.
    """

    number: int
    size: int
    halves: bool = False


@cache
def registers() -> Registers:
    """The registers of this processor; where they are smaller than AVX2's, pairs of registers.

    Of another processor if Numba is told to compile for it, by its variables NUMBA_CPU_NAME and
    NUMBA_CPU_FEATURES.
    """
    with ONE_AT_A_TIME:  # LLVM has a lock of its own
        import llvmlite.binding

        features, core = llvmlite.binding.get_host_cpu_features(), llvmlite.binding.get_host_cpu_name()
    core = os.environ.get("NUMBA_CPU_NAME") or core
    told = os.environ.get("NUMBA_CPU_FEATURES", "" if core.lower() == "generic" else None)
    if features.get("avx512f") if told is None else "+avx512f" in told.split(","):
        return Registers(32, 64, halves=core in CORES_OF_HALVES)
    return Registers(16, 32)

"""From printed source to something that runs."""

from __future__ import annotations

import linecache
import re
from hashlib import sha256
from types import FunctionType
from typing import Any, NamedTuple

from fastnn.engines import Kernel, kernel_files
from fastnn.printing.vectors import CALLS
from fastnn.system.forking import ONE_AT_A_TIME

__all__ = ["compile_kernel", "forget_file", "is_compiled", "is_loaded", "is_ready", "reject", "run_source"]

COMPILED: dict[tuple[str, str], Kernel] = {}
REJECTED: set[str] = set()  # names of kernels
# Without what kernels do not need: Numba's rewriting of array expressions, wrappers for callers in C, and for
# what is inlined those for Python. The same machine code is compiled in x0.87 to x0.93.
OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_rewrites": True,
    "no_cfunc_wrapper": True,
}
# Inlined: `loop` takes 0.90 to 0.94 of the time with tanh, `lanes` the same.
INLINED: dict[str, Any] = OPTIONS | {"forceinline": True, "no_cpython_wrapper": True}
# With rows in blocks functions fill all registers, and each is used in several places. Called, kernels with
# tanh or softmax are compiled in x0.74 to x0.95, and take x0.87 to x1.03 of the time. See also
# `fastnn.engines.traits.calls_functions`.
CALLED: dict[str, Any] = OPTIONS | {"no_cpython_wrapper": True}

ARGUMENTS = re.compile(r"^def advance\((.*)\):$", re.MULTILINE)


def compile_kernel(source: str, dtype: str) -> Kernel:
    """Compile a kernel's source for exactly the arrays of the contract in `fastnn.engines`.

    No fast-math and no contraction: each operation is rounded once. Division follows IEEE instead of
    raising. The global lock is released while it runs. What was compiled before, on this machine and with
    the same versions and settings, comes from disk: see `fastnn.engines.kernel_files`.
    """
    known = COMPILED.get((source, dtype))
    if known is not None:  # without a wait for what is being compiled
        return known
    with ONE_AT_A_TIME:
        if (source, dtype) not in COMPILED:
            COMPILED[source, dtype] = _compiled(source, dtype)
        return COMPILED[source, dtype]


def is_loaded(source: str, dtype: str) -> bool:
    """Whether a kernel is in memory, and so need not wait for what is being compiled."""
    return (source, dtype) in COMPILED


def is_ready(source: str, dtype: str) -> bool:
    """Whether a kernel need not be compiled: it is in memory or on disk, or nothing is compiled at all."""
    if is_loaded(source, dtype):
        return True
    from numba.core import config

    return bool(config.DISABLE_JIT) or kernel_files.is_there(_printed(source, dtype).name)


def is_compiled(kernel: Kernel) -> bool:
    """Whether a kernel is machine code: not with NUMBA_DISABLE_JIT=1."""
    return hasattr(kernel, "disable_compile")


def forget_file(kernel: Any) -> None:
    """Remove a compiled kernel from disk, not from memory."""
    kernel_files.remove(kernel._cache.name)


def reject(kernel: Any) -> None:
    """Forget a compiled kernel, in memory and on disk: when asked for again it is compiled anew."""
    with ONE_AT_A_TIME:
        REJECTED.add(kernel._cache.name)
        kernel_files.remove(kernel._cache.name)
        for key in [key for key, value in COMPILED.items() if value is kernel]:
            del COMPILED[key]


class _Printed(NamedTuple):
    """What Numba is to make of a printed module."""

    signature: Any
    name: str


def _printed(source: str, dtype: str) -> _Printed:
    import numba

    from fastnn.engines.kernel_cache import name_of

    number = getattr(numba.types, dtype)
    read_only = numba.types.Array(number, 2, "C", readonly=True)
    kinds = {
        "state": numba.types.Array(number, 2, "C"),
        "coefficients": numba.types.Array(number, 1, "C", readonly=True),
        "totals": numba.types.Array(number, 2, "A"),
        "further_totals": numba.types.Array(number, 2, "A"),
        "course": numba.types.Array(number, 3, "C"),
        "bars": numba.types.Array(numba.float64, 1, "C"),
        "table": numba.types.Array(numba.int64, 2, "C"),
        "until": numba.types.Array(numba.int64, 1, "C"),
        "best_epochs": numba.types.Array(numba.int64, 1, "C"),
        "best": numba.types.Array(number, 2, "C"),
        **dict.fromkeys(("batch", "epoch", "patience"), numba.types.intp),
        **dict.fromkeys(("min_delta", "half_l2", "l1"), numba.float64),
    }
    (names,) = ARGUMENTS.findall(source)  # to run it for them would take some milliseconds
    signature = numba.types.void(*(kinds.get(name, read_only) for name in names.split(", ")))
    name = name_of(source, f"{signature} {OPTIONS} {_of_functions(source)}")
    while name in REJECTED:  # its symbols may not be used again in this process
        name = name_of(source, name)
    return _Printed(signature, name)


def _compiled(source: str, dtype: str) -> Kernel:
    import numba

    from fastnn.engines.kernel_cache import KernelCache

    signature, name = _printed(source, dtype)
    namespace = run_source(source)
    advance = namespace["advance"]
    functions = [value for value in namespace.values() if isinstance(value, FunctionType)]
    for function in [function for function in functions if function.__module__ == namespace["__name__"]]:
        # Symbols of machine code that comes from disk must not meet others of the same name.
        function.__module__, function.__qualname__ = __name__, f"{function.__name__}_{name}"
        if function is not advance:
            advance.__globals__[function.__name__] = numba.njit(**_of_functions(source))(function)
    kernel: Any = numba.njit(**OPTIONS)(advance)
    if is_compiled(kernel):
        kernel._cache = KernelCache(name)
        kernel.compile(signature)
        kernel.disable_compile()
    compiled: Kernel = kernel
    return compiled


def _of_functions(source: str) -> dict[str, Any]:
    """The options for the functions that a kernel uses."""
    return CALLED if CALLS in source else INLINED


def run_source(source: str) -> dict[str, Any]:
    """Run a printed module and return its names; tracebacks and debuggers find its lines."""
    name = f"<fastnn {sha256(source.encode()).hexdigest()[:12]}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(source, name, "exec"), namespace)  # noqa: S102 - printed by fastnn alone, no user's text
    return dict(namespace)

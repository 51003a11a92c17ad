"""What joins Numba to the kernels on disk. Imports Numba: to be imported where it is needed.

Numba's own names for this are private: another version may have others. Then, as with everything else that
can go wrong here, a kernel is compiled and the logger `fastnn` is told, at level INFO.
"""

from __future__ import annotations

import json
import logging
import pickle
import platform
from functools import cache
from hashlib import sha256
from pkgutil import get_data
from typing import Any

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from numba.core import config

from fastnn.engines import kernel_files
from fastnn.system.telling import log

__all__ = ["KernelCache", "name_of"]

FURTHER = ("blocks", "crossing", "memory")  # modules that only some kernels use


class KernelCache:
    """For one kernel, what Numba calls of a cache. Anything that fails here means: compile."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def cache_path(self) -> str:
        """Where the kernels are kept."""
        return str(kernel_files.folder())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled kernel from disk, or None."""
        content = kernel_files.read(self.name)  # checked by SHA-256
        if content is None:
            return None
        try:
            from numba.core.compiler import CompileResult

            target_context.refresh()
            library, description, *rest = pickle.loads(content)  # noqa: S301 - checked
            if self.name not in description.qualname:
                raise ValueError("another kernel was kept under its name")
            return CompileResult._rebuild(target_context, library, description, *rest)
        except Exception as error:  # an unpickler and a linker can fail in any way
            log(
                logging.INFO,
                "compiled kernels: %s cannot be loaded: %r; it is compiled again",
                self.name,
                error,
            )
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a kernel that has just been compiled, if it can be pickled."""
        try:
            from numba.core.serialize import dumps

            content = dumps(data._reduce())
        except Exception as error:  # a pickler can fail in any way
            log(
                logging.INFO,
                "compiled kernels: %s cannot be kept: %r; it is compiled every time",
                self.name,
                error,
            )
            return
        kernel_files.write(self.name, content)

    def enable(self) -> None:
        """Do nothing: the environment variable decides."""

    def disable(self) -> None:
        """Do nothing: the environment variable decides."""

    def flush(self) -> None:
        """Do nothing: files are named by what they depend on."""


@cache
def _processor() -> list[str]:
    """What LLVM says of the processor. Asked once: its lock is held for as long as anything is compiled."""
    return [
        llvmlite.binding.get_host_cpu_name(),
        llvmlite.binding.get_host_cpu_features().flatten(),
        llvmlite.binding.get_process_triple(),
    ]


def name_of(source: str, options: str) -> str:
    """The name of a kernel: a hash of everything its machine code depends on."""
    depends_on = {
        "source": source,
        "vectors": [
            sha256(get_data("fastnn.engines", f"{name}.py") or b"").hexdigest()
            for name in ("simd", "vector_types", *(n for n in FURTHER if f"engines.{n}" in source))
        ],
        "options": options,
        "python": [platform.python_implementation(), platform.python_version(), platform.machine()],
        "versions": [numba.__version__, llvmlite.__version__, np.__version__],
        "processor": _processor(),
        "settings": {
            setting: value
            for setting, value in vars(config).items()
            if setting.isupper() and isinstance(value, str | int | float | bool | None)
        },
    }
    return sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()

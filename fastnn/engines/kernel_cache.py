"""What joins Numba to the kernels on disk. Imports Numba: to be imported where it is needed."""

from __future__ import annotations

import json
import pickle
import platform
from hashlib import sha256
from typing import Any

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from numba.core import config
from numba.core.caching import _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from fastnn.engines import kernel_files

__all__ = ["KernelCache", "name_of"]


class KernelCache(_Cache):  # type: ignore[misc]  # Numba is not typed
    """Numba's interface to a cache, for one kernel. Anything that fails here means: compile."""

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
        target_context.refresh()
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(content))  # noqa: S301 - checked
        except Exception:  # an unpickler and a linker can fail in any way
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a kernel that has just been compiled, if it can be pickled."""
        try:
            content = dumps(data._reduce())
        except Exception:  # a pickler can fail in any way
            return
        kernel_files.write(self.name, content)

    def enable(self) -> None:
        """Do nothing: the environment variable decides."""

    def disable(self) -> None:
        """Do nothing: the environment variable decides."""

    def flush(self) -> None:
        """Do nothing: files are named by what they depend on."""


def name_of(source: str, options: str) -> str:
    """The name of a kernel: a hash of everything its machine code depends on."""
    depends_on = {
        "source": source,
        "options": options,
        "python": [platform.python_implementation(), platform.python_version(), platform.machine()],
        "versions": [numba.__version__, llvmlite.__version__, np.__version__],
        "processor": [
            llvmlite.binding.get_host_cpu_name(),
            llvmlite.binding.get_host_cpu_features().flatten(),
            llvmlite.binding.get_process_triple(),
        ],
        "settings": {
            setting: value
            for setting, value in vars(config).items()
            if setting.isupper() and isinstance(value, str | int | float | bool | None)
        },
    }
    return sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()

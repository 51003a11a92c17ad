"""Who works for ``fastnn sweep``: what --processes and --dask stand for."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastnn.checking import InputError

__all__ = ["executor_of"]


def executor_of(processes: int | None, dask: str | None) -> Any:
    """What `fastnn.sweep` takes as its executor; with neither, None: threads here."""
    if processes is not None and dask is not None:
        raise InputError("--processes and --dask exclude each other; got both. Leave one out.")
    if dask is None:
        return processes
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            '--dask needs Dask; it is not installed. Run: pip install "fastnn-sweep[dask]"'
        ) from None
    return partial(Client, dask)

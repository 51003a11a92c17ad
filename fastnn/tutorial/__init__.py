"""The tutorial: a script with cells, ``# %%``, that becomes a notebook.

The script beside this file, `from_one_run_to_ten_thousand`, runs as it is. An editor that knows such cells
runs it cell by cell. `notebook` runs it as a notebook and keeps the output and the pictures.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from importlib.resources import files
from pathlib import Path
from threading import Event
from typing import Any

from fastnn.checking import needing, whole_number

__all__ = ["need_libraries", "notebook", "script"]

NAME = "from_one_run_to_ten_thousand.py"
STARTS = re.compile(r"^STARTS = 10_000$", re.MULTILINE)
CELL_SECONDS = 3600
POLL_SECONDS = 0.1
CANCEL_SECONDS = 10.0


def script(networks: int | None = None) -> str:
    """Return the tutorial's source, with `networks` starts if that is given."""
    source = files("fastnn.tutorial").joinpath(NAME).read_text(encoding="utf-8")
    if networks is None:
        return source
    return STARTS.sub(f"STARTS = {whole_number(networks, 'networks', 2)}", source)


def notebook(
    networks: int | None = None,
    folder: Path | None = None,
    told: Callable[[int, int], None] | None = None,
) -> str:
    """Run the tutorial as a notebook and return it, with its output, as the text of an .ipynb file.

    Parameters
    ----------
    networks : int, optional
        Starts of each sweep; by default 10 000.
    folder : Path, optional
        The folder in which it runs; by default the current one.
    told : callable, optional
        Called before each cell and at the end, with the number of cells done and the number of all cells.

    Raises
    ------
    InputError
        If a library that it needs is not installed.
    """
    need_libraries()
    import jupytext
    from nbclient import NotebookClient

    found: Any = jupytext.reads(script(networks), fmt="py:percent")
    found.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    where = {"metadata": {"path": str(folder or Path.cwd())}}
    quiet = ["--IPKernelApp.log_level=40"]
    client = NotebookClient(
        found,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources=where,
        extra_arguments=quiet,
        shutdown_kernel="immediate",
    )
    if told is not None:
        client.on_cell_start = lambda cell, cell_index: told(cell_index, len(found.cells))
    beside = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    # The notebook imports this fastnn and no other, and keeps its pictures, whatever the environment says.
    _execute(client, {**os.environ, **inline, "PYTHONPATH": os.pathsep.join(beside)})
    if told is not None:
        told(len(found.cells), len(found.cells))
    return str(jupytext.writes(found, fmt="ipynb"))


def _execute(client: Any, environment: dict[str, str]) -> None:
    """Run the notebook in a thread. On Ctrl-C, which arrives here, end its kernel and then raise."""
    stop = Event()

    async def execute() -> None:
        running = asyncio.create_task(client.async_execute(env=environment))
        while not running.done() and not stop.is_set():
            await asyncio.wait([running], timeout=POLL_SECONDS)
        if running.done():
            running.result()
            return
        while not running.done():  # asyncio may lose a call; a second one cuts short how the kernel is ended
            running.cancel()
            await asyncio.wait([running], timeout=CANCEL_SECONDS)
        await asyncio.gather(running, return_exceptions=True)  # or asyncio tells what nobody asked for
        if client.km is not None and client.km.has_kernel:  # the kernel had just begun
            await client.km.shutdown_kernel(now=True)

    with ThreadPoolExecutor(1, initializer=_block_signals) as pool:
        try:
            done = pool.submit(asyncio.run, execute())
            while not wait([done], POLL_SECONDS).done:
                pass
        finally:
            stop.set()
    done.result()


def _block_signals() -> None:
    """Keep signals from this thread and from the kernel that it begins; the main thread gets them.

    A kernel that ends before it has a process group of its own seems to have that of its parent, and Jupyter
    kills the group. Measured: 7 of 358 tutorials that got a SIGTERM as their kernels began.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def need_libraries() -> None:
    """Refuse to go on without the libraries that run a notebook, and say what to install."""
    with needing("the tutorial needs Jupyter's libraries and matplotlib", "tutorial"):
        import ipykernel as _1  # noqa: F401
        import jupytext as _2  # noqa: F401
        import matplotlib as _3  # noqa: F401
        import nbclient as _4  # noqa: F401

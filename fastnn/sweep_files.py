"""What ``fastnn sweep`` leaves in its folder: the table and the page."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from fastnn.checking import InputError
from fastnn.datasets import Dataset
from fastnn.reporting import need_libraries, sweep_page
from fastnn.sweep_results import Sweep

__all__ = ["write_sweep"]


def write_sweep(found: Sweep, data: Dataset, folder: Path, options: Namespace) -> dict[str, str]:
    """Write table and page into a folder; return where they will be, or what to install for them."""
    written = _write_table(found, folder, options)
    if found.interrupted:
        return written | {"page": "left out: the sweep was interrupted"}
    try:
        need_libraries()
    except InputError as missing:
        return written | {"page": str(missing)}
    sweep_page(found, data, claim=options.claim, train_command=_train_command(options)).write(folder)
    return written | {"page": str(Path(options.out, "index.html"))}


def _write_table(found: Sweep, folder: Path, options: Namespace) -> dict[str, str]:
    if found.store is not None:
        return {"table": str(found.store / "shards" / "*.parquet"), "digest": found.digest()}
    frame = found.frame()
    try:
        import pyarrow as _  # noqa: F401

        frame.to_parquet(folder / "sweep.parquet", index=False)
        return {"table": str(Path(options.out, "sweep.parquet"))}
    except ImportError:
        frame.to_csv(folder / "sweep.csv", index=False)
        return {"table": str(Path(options.out, "sweep.csv"))}


def _train_command(options: Namespace) -> str:
    """The command line of ``fastnn train`` for the networks of a sweep, but for which of them."""
    named = ("data", "inputs", "target", "layers", "hidden", "output", "initial", "seed", "epochs", "dtype")
    words = [f"--{name}={value}" for name in named if (value := getattr(options, name)) is not None]
    return shlex.join(["fastnn", "train", *words, *(["--shuffle"] if options.shuffle else [])])

"""What the command line writes: files whole or not at all, JSON without what JSON has no number for."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.commands.reports import Report
from fastnn.telling import give, say

__all__ = ["as_json", "published", "published_together", "show"]


def show(report: Report, json: bool, *, beside: bool = False) -> None:
    """Print a report: it is what was asked for, unless it is text `beside` results that are in files."""
    if beside and not json:
        say(report.text)
    else:
        give(as_json(report.values) if json else report.text)


def published(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file whole or not at all."""
    published_together({path: write})


def published_together(writers: dict[Path, Callable[[Path], object]]) -> None:
    """Write files, each by its writer: all of them whole, or none at all."""
    beside = {path: path.with_name(f".{os.getpid()}-{path.name}") for path in writers}
    try:
        for path, write in writers.items():
            write(beside[path])
        for path, written in beside.items():
            written.replace(path)
    finally:
        for written in beside.values():
            written.unlink(missing_ok=True)


def as_json(values: Any) -> str:
    """JSON with null for what JSON has no number for."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray | np.generic):
            return plain(value.tolist())
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(plain(values), indent=2, allow_nan=False)

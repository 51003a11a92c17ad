"""The output of the command line: checked files, text, and JSON."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.checking import InputError
from fastnn.commands.reports import Report
from fastnn.files import file_to_write
from fastnn.system.paths import file_given
from fastnn.system.telling import give, say

__all__ = ["as_json", "output_files", "show"]


def show(report: Report, json: bool, *, beside: bool = False) -> None:
    """Print a report; a failure is only a note if it is text `beside` results that are already in files."""
    if beside and not json:
        say(report.text)
    else:
        give(as_json(report.values) if json else report.text)


def output_files(
    named: dict[str, str | None], *, new: bool = False, read: dict[str, str | None] | None = None
) -> dict[str, Path]:
    """Return the output file of each option; refuse files that cannot be written, before the work begins.

    Parameters
    ----------
    named : dict
        The name given to each option; None or "" if there is none.
    new : bool
        Whether to refuse a file that exists.
    read : dict, optional
        The files that the command reads: none of them may be overwritten.
    """
    files = {option: file_to_write(name, option) for option, name in named.items() if name}
    inputs = {
        option: Path(os.path.realpath(file_given(name, option, "a file")))
        for option, name in (read or {}).items()
        if name
    }
    taken = {path: option for option, path in inputs.items() if path.exists()}
    for option, path in files.items():
        if new and path.exists():
            raise InputError(
                f"{option} must name a new file; got {named[option]}, which exists. "
                "Name another one, or remove it."
            )
        if path in taken:
            raise InputError(
                f"{taken[path]} and {option} must name different files; "
                f"got {named[option]} twice. Rename one."
            )
        taken[path] = option
    return files


def as_json(values: Any) -> str:
    """JSON, with null for NaN and infinities, which JSON cannot hold."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, np.ndarray | np.generic):
            return plain(value.tolist())
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(plain(values), indent=2, allow_nan=False)

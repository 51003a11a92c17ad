"""Matplotlib, brought in where pictures are drawn, whatever is set for it and whatever is wrong with it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec

from fastnn.checking import InputError
from fastnn.showing.lettering import shortened

__all__ = ["need_matplotlib", "need_matplotlib_installed", "one_line"]

LONGEST_REASON = 300  # letters of an error's message


def need_matplotlib() -> None:
    """Refuse to go on without matplotlib, or with one that cannot be imported, saying what to do."""
    need_matplotlib_installed()
    try:
        _import_matplotlib()
    except Exception as error:
        raise InputError(
            f"pictures need matplotlib; it is installed, but importing it failed: {one_line(error)}. "
            "Mend that, or install it anew: pip install --force-reinstall matplotlib"
        ) from error


def need_matplotlib_installed() -> None:
    """Refuse to go on where matplotlib is not installed: a page could only say so in each picture's place."""
    try:
        found = find_spec("matplotlib") is not None
    except ValueError:  # None stands in sys.modules for what must not be imported
        found = False
    if not found:
        raise InputError(
            'pictures need matplotlib; it is not installed. Run: pip install "fastnn-sweep[plot]"'
        )


def _import_matplotlib() -> None:
    """Import matplotlib, also where MPLBACKEND names a backend that it does not know: files need none."""
    if "matplotlib" in sys.modules:
        import matplotlib as _  # noqa: F401 - None stands there for one that must not be imported

        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):
            mpl.rcParams["backend"] = backend


def one_line(error: BaseException) -> str:
    """What went wrong, on one line: "ValueError: it is wrong"."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {shortened(words, LONGEST_REASON)}" if words else type(error).__name__

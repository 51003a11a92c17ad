"""The import of matplotlib, made when a picture is drawn, with a refusal in words if it fails."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec

from fastnn.checking import InputError
from fastnn.showing.lettering import shortened

__all__ = ["need_matplotlib", "need_matplotlib_installed", "one_line"]

LONGEST_REASON = 300  # the most letters of an error's message


def need_matplotlib() -> None:
    """Refuse to go on if matplotlib is not installed or cannot be imported, and say what to do."""
    need_matplotlib_installed()
    try:
        _import_matplotlib()
    except Exception as error:
        raise InputError(
            f"pictures need matplotlib; it is installed, but importing it failed: {one_line(error)}. "
            "Mend that, or install it anew: pip install --force-reinstall matplotlib"
        ) from error


def need_matplotlib_installed() -> None:
    """Refuse to go on if matplotlib is not installed: a page would repeat it in place of each picture."""
    try:
        found = find_spec("matplotlib") is not None
    except ValueError:  # None in sys.modules forbids the import
        found = False
    if not found:
        raise InputError(
            'pictures need matplotlib; it is not installed. Run: pip install "fastnn-sweep[plot]"'
        )


def _import_matplotlib() -> None:
    """Import matplotlib, even if MPLBACKEND names an unknown backend: pictures in files need no backend."""
    if "matplotlib" in sys.modules:
        import matplotlib as _  # noqa: F401 - fails if sys.modules holds None, which forbids the import

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
    """An error on one line: "ValueError: it is wrong"."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {shortened(words, LONGEST_REASON)}" if words else type(error).__name__

"""Matplotlib, brought in where pictures are drawn, whatever is set for it and whatever is wrong with it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from fastnn.checking import InputError
from fastnn.lettering import shortened

__all__ = ["need_matplotlib", "one_line"]

LONGEST_REASON = 300  # letters of an error's message


def need_matplotlib() -> None:
    """Refuse to go on without matplotlib, saying what to do."""
    try:
        _import_matplotlib()
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise _broken(error) from error
        raise InputError(
            'pictures need matplotlib; it is not installed. Run: pip install "fastnn-sweep[plot]"'
        ) from None
    except Exception as error:
        raise _broken(error) from error


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


def _broken(error: Exception) -> InputError:
    return InputError(
        f"pictures need matplotlib; it is installed, but importing it failed: {one_line(error)}. "
        "Mend that, or install it anew: pip install --force-reinstall matplotlib"
    )


def one_line(error: BaseException) -> str:
    """What went wrong, on one line: "ValueError: it is wrong"."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {shortened(words, LONGEST_REASON)}" if words else type(error).__name__

"""Pages, drawn after the results are safe in files: a failing page loses no result."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fastnn.checking import InputError
from fastnn.commands import DONE, FAILED, INTERRUPTED
from fastnn.plotting.library import need_matplotlib_installed
from fastnn.reporting import Page, published_folder
from fastnn.reporting.drawing import draw_together

__all__ = ["publish_page"]


def publish_page(out: Path, draw: Callable[[], Page], beside: str | None) -> tuple[dict[str, str], int]:
    """Draw a page and write it into a folder; return what was written, or why it was not, and the exit code.

    Parameters
    ----------
    out : Path
    draw : callable
    beside : str, optional
        The list of the results that stay in the folder; without one the page replaces them.

    Returns
    -------
    written : dict
        "page": its path, or why there is none; "pictures": the pictures that could not be drawn, if any.
    code : int
        A missing library is no failure.
    """
    try:
        need_matplotlib_installed()
        with published_folder(out, beside=beside) as folder:
            page = draw()
            draw_together(page.pictures)
            missing = page.write(folder)
    except InputError as reason:
        return {"page": str(reason)}, DONE
    except KeyboardInterrupt:
        return {"page": "left out: interrupted while it was drawn"}, INTERRUPTED
    except Exception as error:
        if os.environ.get("FASTNN_DEBUG"):
            raise
        what = " ".join(str(error).split())
        return {"page": f"could not be made: {type(error).__name__}: {what}"}, FAILED
    pictures = {"pictures": "; ".join(missing)} if missing else {}
    return {**pictures, "page": str(out / "index.html")}, DONE

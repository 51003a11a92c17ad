"""``fastnn guide``: the pages of the guide, which it makes and opens."""

from __future__ import annotations

import webbrowser
from argparse import Namespace
from pathlib import Path

from fastnn import guide as guide_
from fastnn.checking import InputError
from fastnn.commands import DONE
from fastnn.reporting import published_folder
from fastnn.system.folders import cache_folder
from fastnn.system.paths import folder_given
from fastnn.system.telling import note, say

__all__ = ["guide"]

FOLDER = "guide"  # in the cache folder


def guide(options: Namespace) -> int:
    """``fastnn guide``."""
    guide_.need_libraries()
    out = _folder(options)
    with published_folder(out) as folder:
        for name, text in guide_.pages().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    page = out / "index.html"
    say(f"guide    {page}")
    if not (options.no_open or webbrowser.open(page.absolute().as_uri())):
        note("no browser was found: open the page in one")
    return DONE


def _folder(options: Namespace) -> Path:
    """The folder of the pages."""
    if options.out is not None:
        return folder_given(options.out, "--out")
    try:
        return cache_folder() / FOLDER
    except RuntimeError as missing:
        raise InputError(
            f"--out must be given where the user has no cache folder; got none: {missing}. Give --out FOLDER."
        ) from None

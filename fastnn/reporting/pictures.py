"""Pictures of a page: SVG that takes its colours from the page, and the files beside it."""

from __future__ import annotations

import re
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

from fastnn.reporting.blocks import Picture

__all__ = ["inline_svg", "write_files"]

DOTS_PER_INCH = 150
TEXT_AS_TEXT = {"svg.fonttype": "none"}  # small, in the page's own letters, and found by its search


def inline_svg(picture: Picture) -> str:
    """The picture as an SVG element to stand in a page, without a background.

    Black becomes the page's ink, white its paper; its ids begin with the picture's name, so that
    several pictures can share a page; its size is left to the page.
    """
    svg = _drawn(picture, {**TEXT_AS_TEXT, "svg.hashsalt": picture.name}, transparent=True)
    svg = re.sub(r"\n\s+", "\n", svg[svg.index("<svg") :])
    svg = re.sub(r"<(metadata|style[^>]*)>.*?</(metadata|style)>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'( id="| xlink:href="#|url\(#)', rf"\1{picture.name}-", svg)
    svg = svg.replace("stroke: #000000", "stroke: currentColor").replace("#ffffff", "var(--paper)")
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box  # noqa: S101 - matplotlib always writes it
    return f"{_opening(picture, box[0])}{svg[svg.index('>') + 1 :]}"


def write_files(picture: Picture, folder: Path) -> None:
    """Write the picture as SVG and PNG and its data as CSV into a folder."""
    svg = _drawn(picture, {"svg.hashsalt": picture.name})
    (folder / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
    picture.figure.savefig(folder / f"{picture.name}.png", dpi=DOTS_PER_INCH)
    data = picture.data.rename(columns=_harmless)
    for name in data.select_dtypes(["object", "string", "category"]):
        data[name] = data[name].map(_harmless)
    data.to_csv(folder / f"{picture.name}.csv", index=False)


def _drawn(picture: Picture, settings: Any, **options: Any) -> str:
    import matplotlib as mpl

    into = StringIO()
    with mpl.rc_context(settings):
        picture.figure.savefig(into, format="svg", dpi=DOTS_PER_INCH, metadata={"Date": None}, **options)
    return into.getvalue()


def _opening(picture: Picture, box: str) -> str:
    width, height = (round(96 * inches) for inches in picture.figure.get_size_inches())
    return f'<svg {box} width="{width}" height="{height}" role="img" aria-label="{escape(picture.alt)}">'


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would take for a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell

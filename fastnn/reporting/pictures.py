"""Pictures of a page: SVG that takes its colours from the page, and the files beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn.plotting.canvas import DOTS_PER_INCH

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Picture"]

EMBEDDED_DOTS_PER_INCH = 150  # of what is rasterized inside an SVG: a page holds many of them


@dataclass(frozen=True, eq=False)
class Picture:
    """A matplotlib figure, shown in the page and kept as SVG, PNG and CSV files.

    Draw in black on white: in the page black becomes its ink and white its paper, light on dark for who
    reads so, and every other colour stays. So choose colours that show on both, such as those of
    `fastnn.plotting`. What is drawn with ``rasterized=True`` (many points) becomes an image inside the SVG.

    Attributes
    ----------
    name : str
        Of its files; letters, digits, - and _; each name once in a page.
    figure : matplotlib Figure
        Must not change any more: its axes have found their places when it is first drawn.
    alt : str
        What a reader who cannot see the picture has to know.
    caption : str
        What is shown, in which units.
    data : DataFrame
        What is drawn, as numbers.
    """

    name: str
    figure: Figure
    alt: str
    caption: str
    data: pd.DataFrame

    kind = "picture"

    @cached_property
    def svg(self) -> str:
        """The picture as an SVG file of its own, black on white; its text is text."""
        import matplotlib as mpl

        into = StringIO()
        settings: Any = {"svg.fonttype": "none", "svg.hashsalt": self.name}
        with mpl.rc_context(settings):
            self.figure.savefig(into, format="svg", dpi=EMBEDDED_DOTS_PER_INCH, metadata={"Date": None})
        self.figure.set_layout_engine(None)  # its places are found: a seventh of all drawing saved
        return into.getvalue()

    @cached_property
    def inline(self) -> str:
        """The picture as an element of a page, in the page's ink and paper.

        Its ids begin with its name, so that several pictures can share a page.
        """
        svg = re.sub(r"\n\s+", "\n", self.svg[self.svg.index("<svg") :])
        svg = re.sub(r"<(metadata|style[^>]*)>.*?</(metadata|style)>", "", svg, flags=re.DOTALL)
        svg = re.sub(r'( id="| xlink:href="#|url\(#)', rf"\1{self.name}-", svg)
        svg = svg.replace("stroke: #000000", "stroke: currentColor").replace("#ffffff", "var(--paper)")
        (box,) = re.findall(r'viewBox="[^"]*"', svg[: svg.index(">")])
        width, height = (round(96 * inches) for inches in self.figure.get_size_inches())
        opening = f'<svg {box} width="{width}" height="{height}" role="img" aria-label="{escape(self.alt)}">'
        return opening + svg[svg.index(">") + 1 :]

    def write(self, folder: Path) -> None:
        """Write NAME.svg, NAME.png and NAME.csv into a folder."""
        (folder / f"{self.name}.svg").write_text(self.svg, encoding="utf-8")
        self.figure.savefig(folder / f"{self.name}.png", dpi=DOTS_PER_INCH)
        data = self.data.rename(columns=_harmless)
        for name in data.select_dtypes(["object", "string", "category"]):
            data[name] = data[name].map(_harmless)
        data.to_csv(folder / f"{self.name}.csv", index=False)


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would take for a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell

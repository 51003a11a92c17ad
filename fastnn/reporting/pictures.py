"""Pictures of a page: SVG that takes its colours from the page, and the files beside it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, partial
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn import plotting
from fastnn.pages.blocks import Figure
from fastnn.pages.tables import written
from fastnn.plotting.canvas import DOTS_PER_INCH, HEIGHT, WIDTH, in_lines, new_figure
from fastnn.plotting.library import one_line
from fastnn.plotting.settings import MissingGlyphs, fixed_settings
from fastnn.showing.lettering import distinct, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Drawn", "Picture", "drawn", "intervals_of_cells", "row_by_row"]

EMBEDDED_DOTS_PER_INCH = 150  # of what is rasterized inside an SVG: a page holds many of them


@dataclass(frozen=True)
class Drawn:
    """What came of drawing a picture.

    Attributes
    ----------
    svg : str
        A file of its own, black on white; its text is text.
    png : bytes
    failure : str
        Why there is neither, on one line: "ValueError: ...". Empty if there are both.
    missing_signs : frozenset of str
        Signs without a glyph, which the PNG shows as boxes, as "U+5E74".
    """

    svg: str = ""
    png: bytes = b""
    failure: str = ""
    missing_signs: frozenset[str] = frozenset()


def row_by_row(table: pd.DataFrame, names: Iterable[str] = ()) -> tuple[float, float]:
    """The size of a picture with a row for each row of a table, in inches; `names` may take several lines."""
    further = max((in_lines(name).count("\n") for name in names), default=0)
    return WIDTH, 1.2 + (0.28 + 0.16 * further) * max(2, len(table))


def drawn(name: str, draw: Callable[[Axes], object], size: tuple[float, float]) -> Drawn:
    """Draw a picture into empty axes of a size in inches. Errors are told, not raised.

    Needs nothing but its arguments, so that pictures can be drawn beside each other in several processes.
    """
    try:
        with fixed_settings(), warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingGlyphs)  # told once for all pictures of a page
            return _drawn(name, draw, size)
    except Exception as error:
        return Drawn(failure=one_line(error))


def _drawn(name: str, draw: Callable[[Axes], object], size: tuple[float, float]) -> Drawn:
    figure, ax = new_figure(*size)
    draw(ax)
    svg, png = StringIO(), BytesIO()
    figure.further = {"svg.fonttype": "none", "svg.hashsalt": name}
    figure.lay_out()  # once for both files: a fifth of all drawing saved
    figure.savefig(svg, format="svg", dpi=EMBEDDED_DOTS_PER_INCH, metadata={"Date": None})
    figure.savefig(png, format="png", dpi=DOTS_PER_INCH)
    return Drawn(plain(svg.getvalue()), png.getvalue(), missing_signs=frozenset(figure.signs_told))


@dataclass(frozen=True, eq=False)
class Picture(Figure):
    """A picture that matplotlib draws, shown in the page and kept as SVG, PNG and CSV files.

    Draw in black on white. In the page black becomes the colour of its text and white its background, light
    on dark in a dark browser; every other colour stays. So choose colours that show on both, such as the
    colours of `fastnn.plotting`. What is drawn with ``rasterized=True`` (many points) becomes an image
    inside the SVG.

    Attributes
    ----------
    name : str
        Of its files; letters, digits, - and _; each name once in a page, and none that Windows reserves.
    draw : function of matplotlib Axes
        Draws into them, and into their figure. It is called once, when the page is made; if it fails, the
        page says so in the picture's place.
    alt : str
        What a reader who cannot see the picture has to know.
    caption : str
        What is shown, in which units.
    data : DataFrame
        What is drawn, as numbers.
    size : (float, float)
        Width and height in inches.
    """

    name: str
    draw: Callable[[Axes], object]
    alt: str
    caption: str
    data: pd.DataFrame
    size: tuple[float, float] = (WIDTH, HEIGHT)

    @cached_property
    def drawn(self) -> Drawn:
        """What came of drawing it."""
        return drawn(self.name, self.draw, self.size)

    @property
    def failure(self) -> str:
        """A sentence on why the picture is missing; empty if it is there."""
        return f"The picture {self.name} is missing: {self.drawn.failure}." if self.drawn.failure else ""

    @cached_property
    def inline(self) -> str:
        """The picture as an element of a page, in the page's ink and paper.

        Its ids begin with its name, so that several pictures can share a page.
        """
        svg = re.sub(r"\n\s+", "\n", self.drawn.svg[self.drawn.svg.index("<svg") :])
        svg = re.sub(r"<(metadata|style[^>]*)>.*?</(metadata|style)>", "", svg, flags=re.DOTALL)
        svg = re.sub(r'( id="| xlink:href="#|url\(#)', rf"\1{self.name}-", svg)
        svg = svg.replace("stroke: #000000", "stroke: currentColor").replace("#ffffff", "var(--paper)")
        (box,) = re.findall(r'viewBox="[^"]*"', svg[: svg.index(">")])
        width, height = (round(96 * inches) for inches in self.size)
        opening = f'<svg {box} width="{width}" height="{height}" role="img" aria-label="{escape(self.alt)}">'
        return opening + svg[svg.index(">") + 1 :]

    def write(self, folder: Path) -> None:
        """Write NAME.svg, NAME.png and NAME.csv into a folder; only the last if it could not be drawn."""
        if not self.failure:
            (folder / f"{self.name}.svg").write_text(self.drawn.svg, encoding="utf-8")
            (folder / f"{self.name}.png").write_bytes(self.drawn.png)
        data = self.data.set_axis(distinct(map(_harmless, self.data.columns)), axis=1)
        for name in data.select_dtypes(["object", "string", "category"]):
            data[name] = data[name].map(_harmless)
        data.to_csv(folder / f"{self.name}.csv", index=False)


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would take for a formula is marked as text."""
    if not isinstance(cell, str):
        return cell
    return plain(f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell)


def intervals_of_cells(name: str, numbers: pd.DataFrame, what: str, nouns: str) -> Picture:
    """The distributions of the cells of a sweep below one another, from quantiles and a "label" of each.

    `nouns` are what the cells differ in.
    """
    middles = zip(numbers["label"], numbers["50 %"], strict=True)
    told = "; ".join(f"{label}: {written(middle)}" for label, middle in middles)
    return Picture(
        name,
        partial(plotting.intervals, numbers, what),
        f"Distributions of the {what} below one another. Medians: {told}.",
        f"The {what}, of each {nouns}; diverged networks are left out.",
        numbers,
        row_by_row(numbers, numbers["label"]),
    )

"""What can be shown as text, as LaTeX and as HTML, and shows itself in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from fastnn.core.equations import Derivation
from fastnn.explaining.limits import trained_with
from fastnn.explaining.motion import Motion
from fastnn.pages.blocks import Section
from fastnn.pages.html import html_fragment, html_page
from fastnn.pages.latex import latex_document, written_as_latex
from fastnn.pages.text import written_as_text
from fastnn.showing.lettering import shape

__all__ = ["Document", "together"]


class Document(ABC):
    """Something about a derivation in sections, written in three ways from them."""

    derivation: Derivation

    @abstractmethod
    def sections(self) -> Iterable[Section]:
        """What it is made of."""

    def text(self) -> str:
        """Plain text, 80 columns wide."""
        return written_as_text(self.sections())

    def latex(self) -> str:
        """A LaTeX document that compiles as it stands."""
        return latex_document(self._title(), self._repr_latex_())

    def html(self, motion: Motion | None = None) -> str:
        """An HTML page that needs nothing else, its equations in MathML; first of all a network in motion."""
        moving = [] if motion is None else [Section("The network in motion", [motion.block])]
        return html_page(self._title(), "", [*moving, *self.sections()])

    def _repr_latex_(self) -> str:
        return written_as_latex(self.sections())

    def _repr_html_(self) -> str:
        return html_fragment(self.sections())

    def __str__(self) -> str:
        return self.text().removesuffix("\n")

    def _title(self) -> str:
        title = f"Backpropagation in a {shape(self.derivation.network.layers)} network"
        return title + trained_with(self.derivation.rule)


class _Together(Document):
    def __init__(self, parts: Sequence[Document]) -> None:
        self.derivation = parts[0].derivation
        self.parts = parts

    def sections(self) -> Iterable[Section]:
        return [section for part in self.parts for section in part.sections()]


def together(parts: Sequence[Document]) -> Document:
    """Several documents about one derivation as one."""
    return _Together(parts)

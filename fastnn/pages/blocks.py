"""What stands in explanations and pages: sections of words, tables, equations, code, pictures and HTML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.pages.equations import Equations
from fastnn.pages.tables import Table

__all__ = ["Block", "Code", "Figure", "Fragment", "Section"]


@dataclass(frozen=True)
class Code:
    """Lines to read or to copy: a source, a command."""

    text: str


@dataclass(frozen=True)
class Fragment:
    """Ready-made HTML that goes into a page as it is: nothing in it is escaped or checked.

    The page's Content-Security-Policy lets it fetch nothing, so styles and scripts must be inline. They
    should name only the fragment's own elements. The page's colours are ``var(--ink)``, ``var(--paper)``,
    ``var(--quiet)``, ``var(--line)`` and ``var(--accent)``. Text and LaTeX leave it out.
    """

    html: str


class Figure(ABC):
    """A picture in a page, its files ``pictures/NAME.svg``, ``.png`` and ``.csv`` beside it.

    Attributes
    ----------
    name : str
    alt : str
        What a reader who cannot see the picture has to know; text and LaTeX have this alone.
    caption : str
    """

    name: str
    alt: str
    caption: str

    @property
    @abstractmethod
    def failure(self) -> str:
        """A sentence on why the picture is missing; empty if it is there."""

    @property
    @abstractmethod
    def inline(self) -> str:
        """The picture as an element of HTML."""


Block = str | Table | Equations | Code | Figure | Fragment


@dataclass(frozen=True, eq=False)
class Section:
    """A heading and what stands below it, in order; pictures that follow one another share a row.

    Attributes
    ----------
    heading : str
        Empty for what stands before the first heading.
    blocks : sequence of str, Table, Equations, Code, Figure or Fragment
        A string is a paragraph.
    """

    heading: str
    blocks: Sequence[Block]

"""One HTML page, from its sections to the files on disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastnn.checking import InputError
from fastnn.pages.blocks import Section
from fastnn.pages.html import anchor, html_page
from fastnn.plotting.library import need_matplotlib_installed
from fastnn.plotting.settings import missing_glyphs
from fastnn.reporting.pictures import Picture

__all__ = ["Page"]

# On Windows no file can have such a name, whatever its ending.
DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Page:
    """A self-contained page: it fetches nothing, and its Content-Security-Policy holds it to that.

    Attributes
    ----------
    title : str
    lead : str
        What the page tells, in a sentence or two below the title.
    sections : sequence of Section
        In order; with more than two of them the page begins with a list of contents.
    """

    title: str
    lead: str
    sections: Sequence[Section]

    @property
    def pictures(self) -> list[Picture]:
        """All pictures of the page, in order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Picture)]

    def html(self) -> str:
        """The page as text."""
        self._check_names()
        if self.pictures:
            need_matplotlib_installed()
        return html_page(self.title, self.lead, self.sections)

    @property
    def missing(self) -> list[str]:
        """Sentences on what could not be drawn, and why: empty if all was."""
        reasons: dict[str, list[str]] = {}
        for picture in self.pictures:
            reasons.setdefault(picture.drawn.failure, []).append(picture.name)
        told = [f"not drawn: {', '.join(names)} ({reason})" for reason, names in reasons.items() if reason]
        signs = set().union(*(picture.drawn.missing_signs for picture in self.pictures))
        return [*told, missing_glyphs(signs)] if signs else told

    def write(self, folder: Path) -> list[str]:
        """Write ``index.html``, and a picture's ``pictures/NAME.svg``, ``.png`` and ``.csv``, into a folder.

        Parameters
        ----------
        folder : Path
            An existing one without these files; `published_folder` gives one.

        Returns
        -------
        list of str
            Sentences on pictures that could not be drawn; the page has a line in the place of each.

        Raises
        ------
        InputError
            Two pictures have one name, or a name that is no file name.
        FileExistsError
            The folder has an ``index.html`` or ``pictures``.
        """
        html = self.html()
        if self.pictures:
            (folder / "pictures").mkdir()
        for picture in self.pictures:
            picture.write(folder / "pictures")
        with (folder / "index.html").open("x", encoding="utf-8") as file:
            file.write(html)
        return self.missing

    def _check_names(self) -> None:
        names = [picture.name for picture in self.pictures]
        folded = [name.lower() for name in names]  # some disks take Losses for losses
        for name in names:
            device = DEVICES.fullmatch(name)
            if folded.count(name.lower()) > 1 or device or not re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", name):
                raise InputError(
                    "each picture's name must be its own, made of letters, digits, - and _, and none that "
                    f"Windows reserves; got {', '.join(map(repr, names))}. Rename {name!r}."
                )
        headings = [section.heading for section in self.sections if section.heading]
        links = [anchor(heading) for heading in headings]
        for link, heading in zip(links, headings, strict=True):
            if links.count(link) > 1 or not link:
                raise InputError(f"each section must have a heading of its own; got {heading!r}. Rename it.")

"""One HTML page, from its sections to the files on disk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastnn.checking import InputError
from fastnn.explaining.fading import fading
from fastnn.plotting.library import need_matplotlib_installed
from fastnn.plotting.settings import missing_glyphs
from fastnn.reporting.blocks import Section
from fastnn.reporting.pictures import Picture
from fastnn.showing.lettering import plain

__all__ = ["Page", "need_libraries"]

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
        return plain(str(_template().render(page=self)))

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
        anchors = [_anchor(section.heading) for section in self.sections]
        for anchor, section in zip(anchors, self.sections, strict=True):
            if anchors.count(anchor) > 1 or not anchor:
                raise InputError(
                    f"each section must have a heading of its own; got {section.heading!r}. Rename it."
                )


def need_libraries() -> None:
    """Refuse to go on without matplotlib and Jinja2, saying what to install."""
    need_matplotlib_installed()
    try:
        import jinja2 as _  # noqa: F401
    except ImportError:
        raise InputError(
            'pages need Jinja2; it is not installed. Run: pip install "fastnn-sweep[plot]"'
        ) from None


def _template() -> Any:
    need_libraries()
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    loader = PackageLoader("fastnn.reporting")
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    environment.filters["anchor"] = _anchor
    environment.globals["fading"] = Markup(fading(".scrolls"))  # noqa: S704 - our own
    return environment.get_template("page.html")


def _anchor(heading: str) -> str:
    """What a heading is linked by: losses-of-the-last-epoch."""
    return re.sub("[^a-z0-9]+", "-", heading.lower()).strip("-")

"""The texts of the guide: which there are, and what they say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

__all__ = ["CHAPTERS", "INDEX", "Chapter", "chapter", "chapters"]

INDEX = "index"
CHAPTERS = (
    "first_steps",
    "sweeps",
    "executors",
    "data",
    "classes",
    "pictures",
    "explanations",
    "studies",
    "arithmetic",
    "from_scikit_learn",
    "other_libraries",
    "command_line",
    "extending",
)
SHAPE = re.compile(r"# (?P<title>[^\n]+)\n\n(?P<summary>.+?)\n\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Chapter:
    """One text, in Markdown.

    Attributes
    ----------
    name : str
        Of its file and of its page, without their endings.
    text : str
    """

    name: str
    text: str

    @property
    def title(self) -> str:
        """Its first line, without the sign of a heading."""
        return self._parts["title"]

    @property
    def summary(self) -> str:
        """Its first paragraph, as one line."""
        return " ".join(self._parts["summary"].split())

    @property
    def _parts(self) -> re.Match[str]:
        found = SHAPE.match(self.text)
        if found is None:
            raise ValueError(f"{self.name} must begin with a heading and a paragraph. Put them in.")
        return found


def chapter(name: str) -> Chapter:
    """The text of a name: one of `CHAPTERS`, or `INDEX`."""
    return Chapter(name, files("fastnn.guide").joinpath(f"{name}.md").read_text(encoding="utf-8"))


def chapters() -> list[Chapter]:
    """All of them, in the order in which they are read."""
    return [chapter(name) for name in CHAPTERS]

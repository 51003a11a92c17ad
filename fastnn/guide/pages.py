"""The pages of the guide: HTML of the texts and of the docstrings."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

from fastnn.checking import needing
from fastnn.guide.chapters import INDEX, Chapter, chapter, chapters
from fastnn.guide.references import REFERENCES, reference
from fastnn.guide.tables import filled
from fastnn.version import __version__

__all__ = ["need_libraries", "pages"]

TEMPLATES = Path(__file__).parent / "templates"
RULE = r"=+(?: +=+)+"
TABLE = re.compile(rf"^{RULE}\n.+?\n{RULE}\n.+?\n{RULE}$", re.MULTILINE | re.DOTALL)
LITERAL = re.compile(r"(\S?)::$", re.MULTILINE)
TO_A_CHAPTER = re.compile(r"\]\((\w+)\.md(#[\w-]+)?\)")


def pages() -> dict[str, str]:
    """Make all pages.

    Returns
    -------
    dict
        Each file's path below the guide's folder, such as ``fastnn/plotting.html``, and what is in it. One
        begins to read at ``index.html``; ``search.js`` is what the pages search.

    Raises
    ------
    InputError
        If pdoc is not installed.
    """
    need_libraries()
    from pdoc import doc, render

    render.configure(
        docformat="numpy",
        include_undocumented=False,
        show_source=False,
        footer_text=f"fastnn {__version__}",
        template_directory=TEMPLATES,
    )
    texts = [chapter(INDEX), *chapters()]
    render.env.filters["readable"] = readable
    render.env.globals["chapters"] = {text.name: text.title for text in texts}
    with warnings.catch_warnings():
        # Annotations may name what is not imported here, or is of a library that is not installed.
        warnings.filterwarnings("ignore", module=r"pdoc\.doc_types")
        modules: dict[str, Any] = {text.name: doc.Module(_as_module(text)) for text in texts}
        modules |= {name: doc.Module(reference(name)) for name in REFERENCES}
        made = {_path(name): render.html_module(module, modules) for name, module in modules.items()}
        return {**made, "search.js": render.search_index(modules)}


def need_libraries() -> None:
    """Refuse to go on without what makes the pages, saying what to install."""
    with needing("the guide needs pdoc, which makes its pages", "guide"):
        import pdoc as _  # noqa: F401


def readable(docstring: str) -> str:
    """A docstring whose tables and literal blocks, in reStructuredText, are such in Markdown as well."""
    fenced = TABLE.sub(lambda table: f"```text\n{table[0]}\n```", docstring)
    return LITERAL.sub(lambda colons: f"{colons[1]}:" if colons[1] else "", fenced)


def _as_module(text: Chapter) -> ModuleType:
    """A text in the form of a module, which is what pdoc makes pages of."""
    module = ModuleType(text.name, TO_A_CHAPTER.sub(r"](\1.html\2)", filled(text.text)))
    module.__dict__.update(__docformat__="markdown", __all__=[])
    return module


def _path(name: str) -> str:
    return f"{name.replace('.', '/')}.html"

"""The guide: a few texts, and pages made from them and from the docstrings.

`fastnn.guide.chapters` reads the texts beside it, `fastnn.guide.tables` fills in what is made from the code,
`pages` makes one HTML page of each. The pages fetch nothing, so they work offline.

Needs pdoc: ``pip install "fastnn-sweep[guide]"``.
"""

from fastnn.guide.pages import need_libraries, pages

__all__ = ["need_libraries", "pages"]

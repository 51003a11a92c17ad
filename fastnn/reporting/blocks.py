"""What a page is made of: sections of paragraphs, tables, pictures, code and ready-made HTML."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from fastnn.reporting.pictures import Picture
from fastnn.showing.lettering import counted

if TYPE_CHECKING:
    import pandas as pd

    from fastnn.data.datasets import Dataset

__all__ = ["Block", "Code", "Fragment", "Section", "Table", "data_in_words", "per_cent", "written"]

Format = str | Callable[[Any], str]


@dataclass(frozen=True, eq=False)
class Table:
    """A table with a caption, its columns' names above and the first column as the rows' names.

    Attributes
    ----------
    rows : DataFrame, or iterable of mappings
        A DataFrame's index is not shown. Every mapping has the keys of the first.
    caption : str
        What the table tells; read out first by screen readers.
    headings : mapping of column to str
        What to write above a column instead of its name.
    formats : mapping of column to str or function
        How to write a column's cells: ``"{:.3f}"``, or a function of one cell such as `per_cent`. Without:
        whole numbers in groups of three digits, other numbers with four digits, NaN and None as a dash,
        anything else as text.
    """

    rows: pd.DataFrame | Iterable[Mapping[str, Any]]
    caption: str
    headings: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, Format] = field(default_factory=dict)

    kind = "table"

    def cells(self) -> tuple[list[tuple[str, bool]], list[list[tuple[str, bool]]]]:
        """The headings, and each row's cells, as (text, whether it is a number)."""
        from pandas import DataFrame

        frame = self.rows if isinstance(self.rows, DataFrame) else DataFrame(list(self.rows))
        # Column by column: a row of a frame would turn whole numbers into floats.
        columns = [
            [(self._written(name, cell), isinstance(cell, Real)) for cell in frame[name].tolist()]
            for name in frame.columns
        ]
        numbers = [all(is_number for _, is_number in column) for column in columns]
        names = [self.headings.get(name, str(name)) for name in frame.columns]
        return list(zip(names, numbers, strict=True)), [list(row) for row in zip(*columns, strict=True)]

    def _written(self, name: str, cell: Any) -> str:
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            return "–"
        form = self.formats.get(name, written)
        text = form.format(cell) if isinstance(form, str) else form(cell)
        return text.replace("-", "\N{MINUS SIGN}") if isinstance(cell, Real) else text


@dataclass(frozen=True)
class Code:
    """Lines to read or to copy, such as a command."""

    text: str

    kind = "code"


@dataclass(frozen=True)
class Fragment:
    """Ready-made HTML that goes into the page as it is: nothing in it is escaped or checked.

    The page's Content-Security-Policy lets it fetch nothing, so styles and scripts must be inline. They
    should name only the fragment's own elements. The page's colours are ``var(--ink)``, ``var(--paper)``,
    ``var(--quiet)``, ``var(--line)`` and ``var(--accent)``.
    """

    html: str

    kind = "fragment"


Block = str | Table | Picture | Code | Fragment


@dataclass(frozen=True, eq=False)
class Section:
    """A heading and what stands below it, in order; pictures that follow one another share a row.

    Attributes
    ----------
    heading : str
    blocks : sequence of str, Table, Picture, Code or Fragment
        A string is a paragraph.
    """

    heading: str
    blocks: list[Block]

    def groups(self) -> list[tuple[str, list[Block]]]:
        """The blocks in runs of one kind: ("paragraph", [...]), ("picture", [...]), ..."""
        from itertools import groupby

        return [(kind, list(run)) for kind, run in groupby(self.blocks, _kind)]


def written(value: Any) -> str:
    """A value as a person would write it: 10 000, 0.03349, 1.2e-05, diverged."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    if isinstance(value, Integral):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def per_cent(value: float) -> str:
    """A fraction in per cent: 12.3 %; a dash for NaN."""
    if value != value:
        return "–"
    return f"{100 * value:.1f}\N{NARROW NO-BREAK SPACE}%"


def _kind(block: Block) -> str:
    return "paragraph" if isinstance(block, str) else block.kind


def data_in_words(data: Dataset) -> str:
    """The columns and rows of the data, where they come from, and what became of what was no number."""
    columns = data.scaling.columns_in_words("\N{RIGHTWARDS ARROW}")
    more = [*data.scaling.codings, *([data.dropped_in_words] if data.dropped else [])]
    return " ".join(
        [
            f"{columns}, {counted(data.rows, 'row', written)} from {data.source}.",
            *(f"{told}." for told in more),
        ]
    )

"""Sections as HTML with MathML: nothing is fetched, nothing of it runs, and it follows light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template

from fastnn.pages.blocks import Block, Code, Figure, Fragment, Section
from fastnn.pages.equations import Equations, display_rows
from fastnn.pages.tables import Cell, Table
from fastnn.printing.mathml import MathML
from fastnn.printing.notation import Text
from fastnn.showing.lettering import plain

__all__ = ["anchor", "html_fragment", "html_page", "style"]

ROW = 90  # characters of text that fit beside an equation's number
ROW_NAME, COLUMN_NAME = ' scope="row"', ' scope="col"'
CONTENTS = 2  # sections that need no list of contents


def html_page(title: str, lead: str, sections: Sequence[Section]) -> str:
    """A page of its own; with more than two headings it begins with a list of contents."""
    headings = [section.heading for section in sections if section.heading]
    return plain(
        Template(_file("page.html")).substitute(
            title=escape(title),
            style=style() + _file("page.css"),
            lead=f'<p class="lead">{escape(lead)}</p>\n' if lead else "",
            contents=_contents(headings) if len(headings) > CONTENTS else "",
            sections="\n".join(_section(section, anchored=True) for section in sections),
        )
    )


def html_fragment(sections: Iterable[Section]) -> str:
    """A part of any page, in the colours around it: what a notebook shows."""
    inside = "\n".join(_section(section, anchored=False) for section in sections)
    return plain(f'<div class="fastnn-blocks">\n<style>\n{style()}</style>\n{inside}\n</div>\n')


def style() -> str:
    """The style sheet of all blocks, for what stands in ``class="fastnn-blocks"``."""
    return _file("blocks.css")


def anchor(heading: str) -> str:
    """What a heading is linked by: losses-of-the-last-epoch."""
    return re.sub("[^a-z0-9]+", "-", heading.lower()).strip("-")


def _file(name: str) -> str:
    return files("fastnn.pages").joinpath(name).read_text(encoding="utf-8")


def _contents(headings: Iterable[str]) -> str:
    links = "\n".join(f'<li><a href="#{anchor(name)}">{escape(name)}</a></li>' for name in headings)
    return f'<nav aria-label="Contents">\n<ul>\n{links}\n</ul>\n</nav>\n'


def _section(section: Section, *, anchored: bool) -> str:
    """A section; only in a page of its own can it be linked to: a notebook may show it twice."""
    heading, named = "", ""
    if section.heading:
        heading = f"<h2>{escape(section.heading)}</h2>\n"
        named = f' id="{anchor(section.heading)}" aria-label="{escape(section.heading)}"' * anchored
    return f"<section{named}>\n{heading}" + "\n".join(_blocks(section.blocks)) + "\n</section>"


def _blocks(blocks: Iterable[Block]) -> Iterator[str]:
    for are_figures, run in groupby(blocks, lambda block: isinstance(block, Figure)):
        written = "\n".join(map(_block, run))
        yield f'<div class="pictures">\n{written}\n</div>' if are_figures else written


def _block(block: Block) -> str:
    match block:
        case str():
            return f"<p>{escape(block)}</p>"
        case Table():
            return _table(block)
        case Equations():
            return "\n".join(_equations(block))
        case Code(source):
            # A command is seen whole, on several lines; the lines of a source stay lines and scroll.
            kind = "" if "\n" in source else ' class="line"'
            return f"<pre{kind}><code>{escape(source)}</code></pre>"
        case Figure():
            return _figure(block)
        case Fragment(html):
            return html


def _equations(equations: Equations) -> Iterator[str]:
    mathml, text = MathML(equations.derivation), Text(equations.derivation)
    for formula in equations.formulas:
        rows = [
            "".join(f"<mo>{sign}</mo>{mathml(node)}" for sign, node in run)
            for run in display_rows(formula, text, ROW)
        ]
        rows[0] = mathml(formula.target) + rows[0]
        math = "".join(f'<div><math displaystyle="true"><mrow>{row}</mrow></math></div>' for row in rows)
        number = f'<span class="number">({escape(formula.number)})</span>'
        rule = f'<span class="rule">{escape(formula.rule)}</span>' if formula.rule else ""
        yield f'<div class="equation">{number}<div class="rows">{math}</div>{rule}</div>'


def _table(table: Table) -> str:
    header, rows = table.cells()
    label, caption = "", ""
    if table.caption:
        label = f' role="region" aria-label="{escape(table.caption)}"'
        caption = f"<caption><span>{escape(table.caption)}</span></caption>\n"
    head = "".join(_cell(cell, "th", COLUMN_NAME) for cell in header)
    body = "\n".join(
        f"<tr>{_cell(name, 'th', ROW_NAME)}{''.join(_cell(cell, 'td') for cell in others)}</tr>"
        for name, *others in rows
    )
    return (
        f'<div class="scrolls"{label} tabindex="0">\n<table>\n{caption}'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _cell(cell: Cell, tag: str, attributes: str = "") -> str:
    text, is_number = cell
    if is_number:
        attributes += ' class="number"'
        text = text if attributes.startswith(COLUMN_NAME) else text.replace("-", "\N{MINUS SIGN}")
    return f"<{tag}{attributes}>{escape(text)}</{tag}>"


def _figure(figure: Figure) -> str:
    name = figure.name
    if figure.failure:
        numbers = f'<a href="pictures/{name}.csv">{name}.csv</a>'
        return f'<p class="missing">{escape(figure.failure)} Its numbers are there: {numbers}</p>'
    links = "\n".join(
        f'<a href="pictures/{name}.{kind}" aria-label="{name} as {kind.upper()}">{kind.upper()}</a>'
        for kind in ("svg", "png", "csv")
    )
    return f"""<div class="place" id="place-{name}">
<figure id="show-{name}">
<a class="close" href="#place-{name}">Close</a>
<a class="enlarge" href="#show-{name}">{figure.inline}</a>
<figcaption>{escape(figure.caption)}
<span class="files">{links}</span></figcaption>
</figure>
</div>"""

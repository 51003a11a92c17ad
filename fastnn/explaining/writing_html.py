"""Blocks as HTML with MathML: nothing is fetched, nothing runs, and it follows the reader's light or dark."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from fastnn.core.derivation import Derivation
from fastnn.explaining.blocks import Block, Code, Equations, Formula, Heading, Paragraph, Table, display_rows
from fastnn.explaining.fading import fading
from fastnn.printing.notation import MathML, Text

__all__ = ["html_page", "written_as_html"]

ROW = 90  # characters of text that fit beside an equation's number
# Colours come from around it, so that it fits a notebook's theme as well as a page of its own.
STYLE = """
.fastnn { max-width: 62rem; line-height: 1.45; overflow-wrap: break-word; }
.fastnn .wide { overflow: auto hidden; }
.fastnn table { border-collapse: collapse; margin: 0.4rem 0 1rem; background: none; }
.fastnn table.numbers td, .fastnn table.numbers th { text-align: right; padding: 0.15rem 0.8rem;
  font-variant-numeric: tabular-nums; white-space: nowrap;
  border-bottom: 1px solid rgba(128, 128, 128, 0.35); }
.fastnn table.numbers :is(td, th):first-child { text-align: left; }
.fastnn .equation { display: flex; gap: 1.2rem; align-items: center; padding: 0.3rem 0; }
.fastnn .number { flex: 0 0 2.6rem; opacity: 0.75; font-variant-numeric: tabular-nums; }
.fastnn .rows { flex: 0 1 auto; overflow: auto hidden; padding: 0.3rem 0; }
.fastnn .rows div + div { padding-left: 2rem; margin-top: 0.4rem; }
.fastnn .rule { flex: 1 1 9rem; text-align: right; font-size: 0.85em; opacity: 0.75; }
@media (max-width: 48rem) {
  .fastnn .equation { flex-wrap: wrap; column-gap: 1.2rem; row-gap: 0; }
  .fastnn .rows { max-width: calc(100% - 3.8rem); }
  .fastnn .rule { flex-basis: 100%; text-align: left; margin-left: 3.8rem; }
}
.fastnn math { font-size: 1.12em; }
.fastnn mtable.cases mtd { text-align: left; padding: 0.1em 0.5em; }
.fastnn pre { overflow-x: auto; padding: 0.8rem; border: 1px solid rgba(128, 128, 128, 0.35); }
"""
FADING = fading(".fastnn :is(.wide, .rows, pre)")
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 1.5rem; max-width: 62rem; font-family: system-ui, sans-serif;
  background: #fff; color: #1b1b1b; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #16181c; color: #e6e6e6; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}</body>
</html>
"""


def html_page(title: str, body: str) -> str:
    """A page of its own."""
    return PAGE.format(title=escape(title), body=body)


def written_as_html(derivation: Derivation, blocks: Iterable[Block]) -> str:
    """The blocks as a part of a page."""
    mathml, text = MathML(derivation), Text(derivation)
    body = "\n".join(_block(block, mathml, text) for block in blocks)
    return f'<div class="fastnn">\n<style>{STYLE}{FADING}</style>\n{body}\n</div>\n'


def _block(block: Block, mathml: MathML, text: Text) -> str:
    match block:
        case Heading(words):
            return f"<h2>{escape(words)}</h2>"
        case Paragraph(words):
            return f"<p>{escape(words)}</p>"
        case Equations(formulas):
            return "\n".join(_formula(formula, mathml, text) for formula in formulas)
        case Table():
            return _table(block)
        case Code(source):
            return f"<pre><code>{escape(source)}</code></pre>"


def _formula(formula: Formula, mathml: MathML, text: Text) -> str:
    rows = [
        "".join(f"<mo>{sign}</mo>{mathml(node)}" for sign, node in run)
        for run in display_rows(formula, text, ROW)
    ]
    rows[0] = mathml(formula.target) + rows[0]
    math = "".join(f'<div><math displaystyle="true"><mrow>{row}</mrow></math></div>' for row in rows)
    number = f'<span class="number">({escape(formula.number)})</span>'
    rule = f'<span class="rule">{escape(formula.rule)}</span>' if formula.rule else ""
    return f'<div class="equation">{number}<div class="rows">{math}</div>{rule}</div>'


def _table(table: Table) -> str:
    def line(cells: tuple[str, ...], opening: str) -> str:
        closing = opening.split()[0]
        return "<tr>" + "".join(f"<{opening}>{escape(cell)}</{closing}>" for cell in cells) + "</tr>"

    head = line(table.header, 'th scope="col"')
    body = "\n".join(line(row, "td") for row in table.rows)
    table_text = f"<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div class="wide"><table class="numbers">\n{table_text}\n</table></div>'

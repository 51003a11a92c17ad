"""Sections as plain text, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from textwrap import wrap as any_wrap

from fastnn.pages.blocks import Block, Code, Figure, Fragment, Section
from fastnn.pages.equations import Equations, Formula
from fastnn.pages.tables import Table
from fastnn.printing.notation import Text

__all__ = ["written_as_text"]

WIDTH = 80
wrap = partial(any_wrap, width=WIDTH, break_on_hyphens=False, break_long_words=False)

NUMBER = 7  # columns of an equation's number, before the equation
INDENT = " " * (NUMBER + 2)


def written_as_text(sections: Iterable[Section]) -> str:
    """The sections as lines of at most 80 characters, but for code, which stays as it is."""
    parts: list[str] = []
    for section in sections:
        parts += filter(None, [section.heading.upper(), *map(_block, section.blocks)])
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case str(words) | Figure(alt=words):
            return "\n".join(wrap(words))
        case Table():
            return "\n".join(_table(block))
        case Equations():
            return "\n".join(_equations(block))
        case Code(text):
            return text.rstrip("\n")
        case Fragment():
            return ""


def _table(table: Table) -> Iterator[str]:
    """A table as lines, its caption first; numbers to the right."""
    if table.caption:
        yield from wrap(table.caption)
    header, rows = table.cells()
    cells = [header, *rows]
    widths = [max(len(text) for text, _ in column) for column in zip(*cells, strict=True)]
    for row in cells:
        line = (
            text.rjust(width) if is_number else text.ljust(width)
            for (text, is_number), width in zip(row, widths, strict=True)
        )
        yield "  ".join(line).rstrip()


def _equations(equations: Equations) -> Iterator[str]:
    """Each formula behind its number; each rule where it is used first."""
    notation = Text(equations.derivation)
    for formula, rule in equations.told():
        yield from _formula(formula, notation)
        yield from wrap(rule, initial_indent=INDENT, subsequent_indent=INDENT)


def _formula(formula: Formula, notation: Text) -> list[str]:
    first, *others = map(notation, formula.members)
    parts = [f"{notation(formula.target)} {formula.sign} {first}", *(f"= {member}" for member in others)]
    number = f"({formula.number})".ljust(NUMBER)
    whole = number + " ".join(parts)
    if len(whole) <= WIDTH:
        return [whole]
    lines = wrap(parts[0], initial_indent=number, subsequent_indent=f"{INDENT}  ")
    for part in parts[1:]:
        lines += wrap(part, initial_indent=INDENT, subsequent_indent=f"{INDENT}  ")
    return lines

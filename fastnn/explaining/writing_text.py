"""Blocks as plain text, 80 columns wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from textwrap import wrap as any_wrap

from fastnn.core.derivation import Derivation
from fastnn.explaining.blocks import Block, Code, Equations, Formula, Heading, Paragraph, Table
from fastnn.printing.notation import Text

__all__ = ["aligned", "written_as_text"]

WIDTH = 80
wrap = partial(any_wrap, break_on_hyphens=False, break_long_words=False)

INDENT = 7  # behind which the equations stand; their numbers before it


def written_as_text(derivation: Derivation, blocks: Iterable[Block]) -> str:
    """The blocks as lines of at most 80 characters, but for code, which stays as it is."""
    notation = Text(derivation)
    parts = ("\n".join(_lines(block, notation)) for block in blocks)
    return "\n\n".join(parts) + "\n"


def aligned(table: Table) -> list[str]:
    """A table as lines; the first column to the left, the others to the right."""
    cells = [table.header, *table.rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in cells)
    return ["  ".join(line).rstrip() for line in lines]


def _lines(block: Block, notation: Text) -> list[str]:
    match block:
        case Heading(text):
            return [text.upper()]
        case Paragraph(text):
            return wrap(text, WIDTH)
        case Equations(formulas):
            return list(_equations(formulas, notation))
        case Table():
            return aligned(block)
        case Code(text):
            return text.rstrip("\n").split("\n")


def _equations(formulas: tuple[Formula, ...], notation: Text) -> Iterator[str]:
    """Each formula behind its number; each rule where it is used first."""
    told = {""}
    for formula in formulas:
        yield from _formula(formula, notation)
        if formula.rule not in told:
            told.add(formula.rule)
            indent = " " * (INDENT + 2)
            yield from wrap(formula.rule, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _formula(formula: Formula, notation: Text) -> list[str]:
    first, *others = map(notation, formula.members)
    parts = [f"{notation(formula.target)} {formula.sign} {first}", *(f"= {member}" for member in others)]
    number = f"({formula.number})".ljust(INDENT)
    whole = number + " ".join(parts)
    if len(whole) <= WIDTH:
        return [whole]
    indent = " " * (INDENT + 2)
    lines = wrap(parts[0], WIDTH, initial_indent=number, subsequent_indent=indent + "  ")
    for part in parts[1:]:
        lines += wrap(part, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
    return lines

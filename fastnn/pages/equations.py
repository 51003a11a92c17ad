"""Equations below each other, each with its number, and the rows that a long one takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastnn.core.equations import Derivation
from fastnn.core.expressions import Binary, Expression
from fastnn.printing.notation import Notation

__all__ = ["Equations", "Formula", "display_rows"]

Run = list[tuple[str, Expression]]


@dataclass(frozen=True)
class Formula:
    """``target = member = member ...``, with a number to cite it by and the rule behind it."""

    number: str
    target: Expression
    members: tuple[Expression, ...]
    sign: str = "="
    rule: str = ""


@dataclass(frozen=True)
class Equations:
    """Formulas below each other, in the names of a derivation."""

    derivation: Derivation
    formulas: tuple[Formula, ...]

    def told(self) -> Iterator[tuple[Formula, str]]:
        """Each formula, with its rule where it is used first and an empty text elsewhere."""
        told: set[str] = set()
        for formula in self.formulas:
            yield formula, "" if formula.rule in told else formula.rule
            told.add(formula.rule)


def display_rows(formula: Formula, text: Notation, width: int) -> list[Run]:
    """The rows that a formula takes after its target, each as signs and what follows them.

    One row if its text has at most `width` characters; else a row for each member, and a member that is
    longer still is broken where it adds.
    """
    first, *others = ((formula.sign if n == 0 else "=", m) for n, m in enumerate(formula.members))
    whole: Run = [first, *others]
    if len(text(formula.target)) + sum(len(text(node)) + 3 for _, node in whole) <= width:
        return [whole]
    return [[part] for sign, member in whole for part in _broken(sign, member, text, width)]


def _broken(sign: str, member: Expression, text: Notation, width: int) -> Run:
    """A sum in pieces of at most `width` characters, each after the first with a plus before it."""
    rows: Run = []
    for term in _addends(member):
        last = rows[-1] if rows else None
        if last is not None and len(text(last[1] + term)) <= width:
            rows[-1] = (last[0], last[1] + term)
        else:
            rows.append(("+" if rows else sign, term))
    return rows


def _addends(node: Expression) -> list[Expression]:
    """What a sum adds, from left to right."""
    match node:
        case Binary("+", left, right):
            return [*_addends(left), right]
    return [node]

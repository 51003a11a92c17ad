"""Nodes of notation only: what a page of mathematics writes, and no engine computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fastnn.core.expressions import Expression, Symbol

__all__ = ["ELEMENTWISE", "MATRIX_PRODUCT", "Derivative", "Gate", "OverRows", "Transposed"]

MATRIX_PRODUCT, ELEMENTWISE = "@", "⊙"


@dataclass(frozen=True, slots=True)
class Derivative(Expression):
    """The derivative of one value by another."""

    kind: ClassVar[str] = "derivative"
    of: Symbol
    by: Symbol


@dataclass(frozen=True, slots=True)
class OverRows(Expression):
    """The sum of what each row of a batch adds."""

    kind: ClassVar[str] = "over_rows"
    term: Expression


@dataclass(frozen=True, slots=True)
class Transposed(Expression):
    """A matrix, its rows for its columns; a vector as one row."""

    kind: ClassVar[str] = "transposed"
    matrix: Expression


@dataclass(frozen=True, slots=True)
class Gate(Expression):
    """1 for each element where ``left comparison right`` holds, else 0."""

    kind: ClassVar[str] = "gate"
    left: Expression
    comparison: str
    right: Expression

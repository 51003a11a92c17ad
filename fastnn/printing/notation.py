"""Expressions on a page of mathematics: one walk, spelled here as text; `latex` and `mathml` spell it, too.

Text keeps every parenthesis that the order of the operations needs, so that a line of it, with numbers put
in, is Python that computes the same bits. On paper ``a(bc)`` and ``(ab)c`` are one; the other two drop them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import replace

from fastnn.core.equations import Derivation
from fastnn.core.expressions import (
    Binary,
    Call,
    Exponent,
    Expression,
    Larger,
    Number,
    PowerOfTwo,
    Select,
    SquareRoot,
    Symbol,
    Visitor,
)
from fastnn.printing.signs import ELEMENTWISE, MATRIX_PRODUCT, Derivative, Gate, OverRows, Transposed

__all__ = [
    "ExactText",
    "Notation",
    "Text",
    "has_layer",
    "is_square",
    "needs_a_dot",
    "parts",
    "rounded",
    "scientific",
]

# In steps of two: a right operand asks for one more than its operator has.
PRECEDENCE = {"+": 2, "-": 2, MATRIX_PRODUCT: 4, ELEMENTWISE: 6, "*": 6, "/": 6}
ATOM = 8
DIGITS = 12
NAME = re.compile(r"(?P<letters>\w*?[A-Za-z_])(?P<digits>\d*)")


class Notation(Visitor, ABC):
    """How expressions of one derivation are spelled.

    Each method for a kind of node gets the precedence of the operator outside: what binds less tightly stands
    in parentheses. A negative number needs them as well, unless it `leads` what it stands in.
    """

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation

    def __call__(self, node: Expression) -> str:
        """Spell an expression."""
        return self._spell(node, 0)

    def _spell(self, node: Expression, outer: int, *, leads: bool = True) -> str:
        text: str = self.visit(node, outer, leads=leads)
        return text

    def visit_symbol(self, node: Symbol, outer: int, *, leads: bool) -> str:
        """A value by its name, or all of a kind in a layer; what is kept of a parameter, by both."""
        if _is_kept(node):
            parameter = replace(node, family=node.family[1])
            return self.kept(node.family[0], self(parameter), whole=is_whole(node))
        return self.layer_name(node) if is_whole(node) else self.name(self.derivation.name(node))

    def visit_number(self, node: Number, outer: int, *, leads: bool) -> str:
        """A constant."""
        text = self.number(node.value)
        return text if leads or node.value >= 0 else self.parenthesised(text)

    def visit_binary(self, node: Binary, outer: int, *, leads: bool) -> str:
        """Two operands around their operator."""
        own = PRECEDENCE[node.operator]
        before = self._spell(node.left, own, leads=leads or own < outer)
        text = self.binary(node, before, self._spell(node.right, self._right(node.operator), leads=False))
        return self.parenthesised(text) if own < outer else text

    def visit_select(self, node: Select, outer: int, *, leads: bool) -> str:
        """One of two values."""
        inner = [self._spell(part, 1) for part in (node.left, node.right, node.yes, node.no)]
        return self.select(node.comparison, *inner, bare=not outer)

    def visit_call(self, node: Call, outer: int, *, leads: bool) -> str:
        """A function of its argument."""
        return self.call(node.function, self(node.argument))

    def visit_power_of_two(self, node: PowerOfTwo, outer: int, *, leads: bool) -> str:
        """A power of two, as a function."""
        return self.call("power_of_two", self(node.exponent))

    def visit_exponent(self, node: Exponent, outer: int, *, leads: bool) -> str:
        """The exponent of a number, as a function."""
        return self.call("exponent_of", self(node.number))

    def visit_square_root(self, node: SquareRoot, outer: int, *, leads: bool) -> str:
        """A square root, whose sign groups what it covers."""
        return self.square_root(self(node.square))

    def visit_derivative(self, node: Derivative, outer: int, *, leads: bool) -> str:
        """The derivative of one value by another."""
        return self.derivative(self(node.of), self(node.by))

    def visit_over_rows(self, node: OverRows, outer: int, *, leads: bool) -> str:
        """The sum over the rows of a batch."""
        return self.over_rows(self._spell(node.term, PRECEDENCE["*"]))

    def visit_transposed(self, node: Transposed, outer: int, *, leads: bool) -> str:
        """A matrix on its side."""
        return self.transposed(self._spell(node.matrix, ATOM))

    def visit_gate(self, node: Gate, outer: int, *, leads: bool) -> str:
        """1 where a comparison holds, else 0."""
        return self.gate(node.comparison, self(node.left), self(node.right))

    def visit_larger(self, node: Larger, outer: int, *, leads: bool) -> str:
        """The larger of two."""
        return self.call("max", self.listed(self(node.left), self(node.right)))

    def _right(self, operator: str) -> int:
        """The precedence that an operator asks of what stands to its right."""
        return PRECEDENCE[operator] + (operator in "-/")

    @abstractmethod
    def name(self, name: str) -> str:
        """A scalar by its name, such as w12."""

    @abstractmethod
    def layer_name(self, symbol: Symbol) -> str:
        """All values of one kind in a layer."""

    @abstractmethod
    def kept(self, letter: str, parameter: str, *, whole: bool) -> str:
        """What is kept of a parameter under a letter, or of all in a layer where `whole`."""

    @abstractmethod
    def number(self, value: float) -> str:
        """A constant."""

    @abstractmethod
    def binary(self, node: Binary, left: str, right: str) -> str:
        """Two operands joined by an operator."""

    @abstractmethod
    def parenthesised(self, text: str) -> str:
        """Parentheses."""

    @abstractmethod
    def listed(self, left: str, right: str) -> str:
        """Two arguments of a function."""

    @abstractmethod
    def select(self, comparison: str, left: str, right: str, yes: str, no: str, *, bare: bool) -> str:
        """One of two values; `bare` where it stands alone."""

    @abstractmethod
    def call(self, function: str, argument: str) -> str:
        """A function of its argument."""

    @abstractmethod
    def square_root(self, square: str) -> str:
        """A square root."""

    @abstractmethod
    def derivative(self, of: str, by: str) -> str:
        """A derivative."""

    @abstractmethod
    def over_rows(self, term: str) -> str:
        """A sum over the rows of a batch."""

    @abstractmethod
    def transposed(self, matrix: str) -> str:
        """A transposed matrix."""

    @abstractmethod
    def gate(self, comparison: str, left: str, right: str) -> str:
        """1 where a comparison holds, else 0."""


class Text(Notation):
    """Plain text in the names of the code: ``s1 = s*w5 if z1 > 0 else 0``."""

    def _right(self, operator: str) -> int:
        return PRECEDENCE[operator] + 1

    def name(self, name: str) -> str:
        return name

    def layer_name(self, symbol: Symbol) -> str:
        return f"{symbol.family}[{symbol.layer}]" if has_layer(symbol) else symbol.family

    def kept(self, letter: str, parameter: str, *, whole: bool) -> str:
        return letter + parameter

    def number(self, value: float) -> str:
        return rounded(value)

    def binary(self, node: Binary, left: str, right: str) -> str:
        if node.operator == MATRIX_PRODUCT:
            pairs = ((node.left, left), (node.right, right))
            return " ".join(f"({text})" if isinstance(part, Derivative) else text for part, text in pairs)
        wide = node.operator not in "*/" or "∂" in left + right
        gap = " " if wide else ""
        return f"{left}{gap}{node.operator}{gap}{right}"

    def parenthesised(self, text: str) -> str:
        return f"({text})"

    def listed(self, left: str, right: str) -> str:
        return f"{left}, {right}"

    def select(self, comparison: str, left: str, right: str, yes: str, no: str, *, bare: bool) -> str:
        text = f"{yes} if {left} {comparison} {right} else {no}"
        return text if bare else f"({text})"

    def call(self, function: str, argument: str) -> str:
        return f"{function}({argument})"

    def square_root(self, square: str) -> str:
        return self.call("sqrt", square)

    def derivative(self, of: str, by: str) -> str:
        return f"∂{of}/∂{by}"

    def over_rows(self, term: str) -> str:
        return f"Σ {term}"

    def transposed(self, matrix: str) -> str:
        return f"{matrix}ᵀ"

    def gate(self, comparison: str, left: str, right: str) -> str:
        return f"[{left} {comparison} {right}]"


class ExactText(Text):
    """ASCII text whose numbers have all their digits: Python evaluates it to the same bits."""

    def number(self, value: float) -> str:
        return repr(value)

    def derivative(self, of: str, by: str) -> str:
        return f"d{of}/d{by}"


def rounded(value: float) -> str:
    """A number for people: twelve significant digits at most, and one zero instead of two."""
    return f"{value + 0.0:.{DIGITS}g}"


def is_whole(symbol: Symbol) -> bool:
    """Whether a symbol stands for all values of its kind in a layer."""
    return not symbol.indices and (symbol.layer > 0 or symbol.family.lower() in ("x", "y", "d", "e"))


def _is_kept(symbol: Symbol) -> bool:
    """Whether a symbol is something kept of a parameter: vw of w, vb of b."""
    return len(symbol.family) == 2 and symbol.family[1] in "wbWB"


def has_layer(symbol: Symbol) -> bool:
    """Whether the layer has to be told: the network has but one x, y, yhat and d."""
    return symbol.family.lower() not in ("x", "y", "yhat", "d", "e")


def is_square(node: Binary) -> bool:
    """Whether a product multiplies a value by itself."""
    return isinstance(node.left, Symbol) and node.left == node.right


def needs_a_dot(node: Binary) -> bool:
    """Whether two factors would run together: a number to the right, or one before a parenthesis."""
    first, last = node.right, node.left
    while isinstance(first, Binary) and first.operator == "*":
        first = first.left
    while isinstance(last, Binary) and last.operator == "*":
        last = last.right
    return isinstance(first, Number) or (isinstance(last, Number) and isinstance(first, Binary))


def parts(name: str) -> tuple[str, str]:
    """The letters and the digits of a name."""
    found = NAME.fullmatch(name)
    assert found is not None  # noqa: S101 - names come from the derivation
    return found["letters"], found["digits"]


def scientific(value: float) -> tuple[str, int]:
    """A number as mantissa and power of ten; the power is 0 where it is not written."""
    mantissa, _, exponent = rounded(value).partition("e")
    return mantissa, int(exponent or 0)

"""Expressions as text, as LaTeX and as MathML: three spellings of one walk.

Text keeps every parenthesis that the order of the operations needs, so that a line of it, with numbers put
in, is Python that computes the same bits. On paper ``a(bc)`` and ``(ab)c`` are one; the other two drop them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import replace
from html import escape

from fastnn.core.derivation import Derivation
from fastnn.core.expressions import Binary, Call, Expression, Number, PowerOfTwo, Select, Symbol, Visitor
from fastnn.printing.signs import ELEMENTWISE, MATRIX_PRODUCT, Derivative, Gate, Largest, Transposed

__all__ = ["ExactText", "Latex", "MathML", "Notation", "Text", "rounded"]

# In steps of two: a right operand asks for one more than its operator has.
PRECEDENCE = {"+": 2, "-": 2, MATRIX_PRODUCT: 4, ELEMENTWISE: 6, "*": 6, "/": 6}
ATOM = 8
DIGITS = 12
LATEX_ROW = 100  # characters of LaTeX that fit into a line of cases
LATEX_COMPARISONS = {"<": "<", "<=": r"\le", ">": ">"}
LATEX_FUNCTIONS = {"exp": r"\exp", "tanh": r"\tanh", "sigmoid": r"\sigma", "max": r"\max"}
LATEX_NAMES = {"yhat": r"\hat{y}"}
GREEK = {"sigmoid": "σ"}
HAT = "<mover accent='true'><mi>{}</mi><mo stretchy='false'>^</mo></mover>"
NAME = re.compile(r"(?P<letters>[A-Za-z_]+)(?P<digits>\d*)")


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
            return self.kept(node.family[0], self(parameter), whole=_is_whole(node))
        return self.layer_name(node) if _is_whole(node) else self.name(self.derivation.name(node))

    def visit_number(self, node: Number, outer: int, *, leads: bool) -> str:
        """A constant."""
        text = self.number(node.value)
        return text if leads or node.value >= 0 else self.grouped(text)

    def visit_binary(self, node: Binary, outer: int, *, leads: bool) -> str:
        """Two operands around their operator."""
        own = PRECEDENCE[node.operator]
        before = self._spell(node.left, own, leads=leads or own < outer)
        text = self.binary(node, before, self._spell(node.right, self._right(node.operator), leads=False))
        return self.grouped(text) if own < outer else text

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

    def visit_derivative(self, node: Derivative, outer: int, *, leads: bool) -> str:
        """The derivative of one value by another."""
        return self.derivative(self(node.of), self(node.by))

    def visit_transposed(self, node: Transposed, outer: int, *, leads: bool) -> str:
        """A matrix on its side."""
        return self.transposed(self._spell(node.matrix, ATOM))

    def visit_gate(self, node: Gate, outer: int, *, leads: bool) -> str:
        """1 where a comparison holds, else 0."""
        return self.gate(node.comparison, self(node.left), self(node.right))

    def visit_largest(self, node: Largest, outer: int, *, leads: bool) -> str:
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
    def grouped(self, text: str) -> str:
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
    def derivative(self, of: str, by: str) -> str:
        """A derivative."""

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
        return f"{symbol.family}[{symbol.layer}]" if _has_layer(symbol) else symbol.family

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

    def grouped(self, text: str) -> str:
        return f"({text})"

    def listed(self, left: str, right: str) -> str:
        return f"{left}, {right}"

    def select(self, comparison: str, left: str, right: str, yes: str, no: str, *, bare: bool) -> str:
        text = f"{yes} if {left} {comparison} {right} else {no}"
        return text if bare else f"({text})"

    def call(self, function: str, argument: str) -> str:
        return f"{function}({argument})"

    def derivative(self, of: str, by: str) -> str:
        return f"∂{of}/∂{by}"

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


class Latex(Notation):
    """LaTeX for amsmath; MathJax and KaTeX read it as well."""

    def name(self, name: str) -> str:
        letters, digits = _parts(name)
        upright = rf"\mathrm{{{letters}}}".replace("_", r"\_")
        base = letters if len(letters) == 1 else LATEX_NAMES.get(letters, upright)
        return f"{base}_{{{digits}}}" if digits else base

    def layer_name(self, symbol: Symbol) -> str:
        base = r"\hat{\mathbf{y}}" if symbol.family == "yhat" else rf"\mathbf{{{symbol.family}}}"
        return f"{base}^{{({symbol.layer})}}" if _has_layer(symbol) else base

    def kept(self, letter: str, parameter: str, *, whole: bool) -> str:
        base = rf"\mathbf{{{letter}}}" if whole else letter
        return f"{base}_{{{parameter}}}"

    def number(self, value: float) -> str:
        mantissa, exponent = _scientific(value)
        return rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else mantissa

    def binary(self, node: Binary, left: str, right: str) -> str:
        match node.operator:
            case "*" if _is_square(node):
                return f"{left}^{{2}}"
            case "*":
                return rf"{left} \cdot {right}" if _needs_a_dot(node) else rf"{left} \, {right}"
            case "@":
                return rf"{left} \, {right}"
            case "⊙":
                return rf"{left} \odot {right}"
        return f"{left} {node.operator} {right}"

    def grouped(self, text: str) -> str:
        return rf"\left({text}\right)"

    def listed(self, left: str, right: str) -> str:
        return rf"{left},\, {right}"

    def select(self, comparison: str, left: str, right: str, yes: str, no: str, *, bare: bool) -> str:
        condition = rf"\text{{if }} {{{left}}} {LATEX_COMPARISONS[comparison]} {right}"
        return rf"\begin{{cases}} {_stacked(yes)} & {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"

    def call(self, function: str, argument: str) -> str:
        name = LATEX_FUNCTIONS.get(function, rf"\operatorname{{{function}}}".replace("_", r"\_"))
        return rf"{name}\left({argument}\right)"

    def derivative(self, of: str, by: str) -> str:
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def transposed(self, matrix: str) -> str:
        # Braces around the base, or a layer's superscript would be a second one.
        return rf"{{{matrix}}}^{{\mathsf{{T}}}}"

    def gate(self, comparison: str, left: str, right: str) -> str:
        return rf"\left[{left} {LATEX_COMPARISONS[comparison]} {right}\right]"


class MathML(Notation):
    """MathML Core, which browsers render without help."""

    def name(self, name: str) -> str:
        letters, digits = _parts(name)
        base = HAT.format("y") if letters == "yhat" else f"<mi>{GREEK.get(letters, letters)}</mi>"
        return f"<msub>{base}<mn>{digits}</mn></msub>" if digits else base

    def layer_name(self, symbol: Symbol) -> str:
        # Bold by the letters themselves: MathML Core has no other way that looks alike everywhere.
        base = HAT.format(_bold("y")) if symbol.family == "yhat" else f"<mi>{_bold(symbol.family)}</mi>"
        layer = self.grouped(f"<mn>{symbol.layer}</mn>")
        return f"<msup>{base}{layer}</msup>" if _has_layer(symbol) else base

    def kept(self, letter: str, parameter: str, *, whole: bool) -> str:
        return f"<msub><mi>{_bold(letter) if whole else letter}</mi>{parameter}</msub>"

    def number(self, value: float) -> str:
        mantissa, exponent = _scientific(value)
        sign, digits = ("<mo form='prefix'>−</mo>", mantissa[1:]) if value < 0 else ("", mantissa)
        text = f"{sign}<mn>{digits}</mn>"
        if exponent:
            power = f"<mo>−</mo><mn>{-exponent}</mn>" if exponent < 0 else f"<mn>{exponent}</mn>"
            text += f"<mo>·</mo><msup><mn>10</mn><mrow>{power}</mrow></msup>"
        return f"<mrow>{text}</mrow>"

    def binary(self, node: Binary, left: str, right: str) -> str:
        match node.operator:
            case "*" if _is_square(node):
                return f"<msup>{left}<mn>2</mn></msup>"
            case "*" if not _needs_a_dot(node):
                return f"{left}<mspace width='0.17em'/>{right}"
            case "@":
                return f"{left}<mspace width='0.17em'/>{right}"
        return f"{left}<mo>{ {'*': '·', '-': '−'}.get(node.operator, node.operator) }</mo>{right}"

    def grouped(self, text: str) -> str:
        return _fenced("(", text, ")")

    def listed(self, left: str, right: str) -> str:
        return f"{left}<mo separator='true'>,</mo>{right}"

    def select(self, comparison: str, left: str, right: str, yes: str, no: str, *, bare: bool) -> str:
        condition = f"<mtext>if&#xA0;</mtext>{left}{self._comparison(comparison)}{right}"
        rows = ((yes, condition), (no, "<mtext>otherwise</mtext>"))
        cells = "".join(f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>" for value, when in rows)
        return f"<mrow><mo stretchy='true'>{{</mo><mtable class='cases'>{cells}</mtable></mrow>"

    def call(self, function: str, argument: str) -> str:
        return f"<mi>{GREEK.get(function, function)}</mi><mo>&#x2061;</mo>{self.grouped(argument)}"

    def derivative(self, of: str, by: str) -> str:
        return f"<mfrac><mrow><mo>∂</mo>{of}</mrow><mrow><mo>∂</mo>{by}</mrow></mfrac>"

    def transposed(self, matrix: str) -> str:
        return f"<msup><mrow>{matrix}</mrow><mi mathvariant='normal'>T</mi></msup>"

    def gate(self, comparison: str, left: str, right: str) -> str:
        return _fenced("[", f"{left}{self._comparison(comparison)}{right}", "]")

    def _comparison(self, comparison: str) -> str:
        return f"<mo>{'≤' if comparison == '<=' else escape(comparison)}</mo>"


def rounded(value: float) -> str:
    """A number for people: twelve significant digits at most, and one zero instead of two."""
    return f"{value + 0.0:.{DIGITS}g}"


def _stacked(text: str) -> str:
    """LaTeX of a sum, its terms below each other where they would not fit beside each other."""
    if len(text) <= LATEX_ROW:
        return text
    terms = text.replace(" + ", r" \\ &{}+ ")
    return rf"\begin{{aligned}} &{terms} \end{{aligned}}"


def _fenced(before: str, text: str, after: str) -> str:
    """MathML between brackets, which grow around fractions alone: grown ones stand further off."""
    stretchy = str("<mfrac>" in text).lower()
    opening, closing = (f"<mo stretchy='{stretchy}'>{bracket}</mo>" for bracket in (before, after))
    return f"<mrow>{opening}{text}{closing}</mrow>"


def _is_whole(symbol: Symbol) -> bool:
    """Whether a symbol stands for all values of its kind in a layer."""
    return not symbol.indices and (symbol.layer > 0 or symbol.family in ("x", "y", "d"))


def _is_kept(symbol: Symbol) -> bool:
    """Whether a symbol is something kept of a parameter: vw of w, vb of b."""
    return len(symbol.family) == 2 and symbol.family[1] in "wbWB"


def _has_layer(symbol: Symbol) -> bool:
    """Whether the layer has to be told: the network has but one x, y, yhat and d."""
    return symbol.family not in ("x", "y", "yhat", "d")


def _is_square(node: Binary) -> bool:
    """Whether a product multiplies a value by itself."""
    return isinstance(node.left, Symbol) and node.left == node.right


def _needs_a_dot(node: Binary) -> bool:
    """Whether two factors would run together: a number to the right, or one before a parenthesis."""
    first, last = node.right, node.left
    while isinstance(first, Binary) and first.operator == "*":
        first = first.left
    while isinstance(last, Binary) and last.operator == "*":
        last = last.right
    return isinstance(first, Number) or (isinstance(last, Number) and isinstance(first, Binary))


def _parts(name: str) -> tuple[str, str]:
    """The letters and the digits of a name."""
    found = NAME.fullmatch(name)
    assert found is not None  # noqa: S101 - names come from the derivation
    return found["letters"], found["digits"]


def _scientific(value: float) -> tuple[str, int]:
    """A number as mantissa and power of ten; the power is 0 where it is not written."""
    mantissa, _, exponent = rounded(value).partition("e")
    return mantissa, int(exponent or 0)


def _bold(letters: str) -> str:
    """The same letters in the bold alphabet of Unicode."""
    return "".join(chr(ord(c) + (0x1D41A - ord("a") if c.islower() else 0x1D400 - ord("A"))) for c in letters)

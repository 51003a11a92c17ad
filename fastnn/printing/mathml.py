"""Expressions as MathML, as pages have them."""

from __future__ import annotations

from html import escape

from fastnn.core.expressions import Binary, Symbol
from fastnn.printing.notation import Notation, has_layer, is_square, needs_a_dot, parts, scientific

__all__ = ["MathML"]

GREEK = {"sigmoid": "σ", "alpha": "α", "beta": "β", "rho": "ρ", "eps": "ε"}
HAT = "<mover accent='true'><mi>{}</mi><mo stretchy='false'>^</mo></mover>"
NAMES = {"yhat": HAT.format("y"), "eps_t": "<msub><mi>ε</mi><mi>t</mi></msub>"}


class MathML(Notation):
    """MathML Core, which browsers render without help."""

    def name(self, name: str) -> str:
        letters, digits = parts(name)
        base = NAMES.get(letters, f"<mi>{GREEK.get(letters, letters)}</mi>")
        return f"<msub>{base}<mn>{digits}</mn></msub>" if digits else base

    def layer_name(self, symbol: Symbol) -> str:
        # Bold by the letters themselves: MathML Core has no other way that looks alike everywhere.
        base = HAT.format(_bold("y")) if symbol.family == "yhat" else f"<mi>{_bold(symbol.family)}</mi>"
        layer = self.parenthesised(f"<mn>{symbol.layer}</mn>")
        return f"<msup>{base}{layer}</msup>" if has_layer(symbol) else base

    def kept(self, letter: str, parameter: str, *, whole: bool) -> str:
        return f"<msub><mi>{_bold(letter) if whole else letter}</mi>{parameter}</msub>"

    def number(self, value: float) -> str:
        mantissa, exponent = scientific(value)
        sign, digits = ("<mo form='prefix'>−</mo>", mantissa[1:]) if value < 0 else ("", mantissa)
        text = f"{sign}<mn>{digits}</mn>"
        if exponent:
            power = f"<mo>−</mo><mn>{-exponent}</mn>" if exponent < 0 else f"<mn>{exponent}</mn>"
            text += f"<mo>·</mo><msup><mn>10</mn><mrow>{power}</mrow></msup>"
        return f"<mrow>{text}</mrow>"

    def binary(self, node: Binary, left: str, right: str) -> str:
        match node.operator:
            case "*" if is_square(node):
                return f"<msup>{left}<mn>2</mn></msup>"
            case "*" if not needs_a_dot(node):
                return f"{left}<mspace width='0.17em'/>{right}"
            case "@":
                return f"{left}<mspace width='0.17em'/>{right}"
        return f"{left}<mo>{ {'*': '·', '-': '−'}.get(node.operator, node.operator) }</mo>{right}"

    def parenthesised(self, text: str) -> str:
        return _fenced("(", text, ")")

    def listed(self, left: str, right: str) -> str:
        return f"{left}<mo separator='true'>,</mo>{right}"

    def select(self, comparison: str, left: str, right: str, yes: str, no: str, *, bare: bool) -> str:
        condition = f"<mtext>if&#xA0;</mtext>{left}{self._comparison(comparison)}{right}"
        rows = ((yes, condition), (no, "<mtext>otherwise</mtext>"))
        cells = "".join(f"<mtr><mtd>{value}</mtd><mtd>{when}</mtd></mtr>" for value, when in rows)
        return f"<mrow><mo stretchy='true'>{{</mo><mtable class='cases'>{cells}</mtable></mrow>"

    def call(self, function: str, argument: str) -> str:
        return f"<mi>{GREEK.get(function, function)}</mi><mo>&#x2061;</mo>{self.parenthesised(argument)}"

    def square_root(self, square: str) -> str:
        return f"<msqrt>{square}</msqrt>"

    def derivative(self, of: str, by: str) -> str:
        return f"<mfrac><mrow><mo>∂</mo>{of}</mrow><mrow><mo>∂</mo>{by}</mrow></mfrac>"

    def over_rows(self, term: str) -> str:
        return f"<mrow><munder><mo>∑</mo><mtext>rows</mtext></munder>{term}</mrow>"

    def transposed(self, matrix: str) -> str:
        return f"<msup><mrow>{matrix}</mrow><mi mathvariant='normal'>T</mi></msup>"

    def gate(self, comparison: str, left: str, right: str) -> str:
        return _fenced("[", f"{left}{self._comparison(comparison)}{right}", "]")

    def _comparison(self, comparison: str) -> str:
        return f"<mo>{'≤' if comparison == '<=' else escape(comparison)}</mo>"


def _fenced(before: str, text: str, after: str) -> str:
    """MathML between brackets, which grow around fractions alone: grown ones stand further off."""
    stretchy = str("<mfrac>" in text).lower()
    opening, closing = (f"<mo stretchy='{stretchy}'>{bracket}</mo>" for bracket in (before, after))
    return f"<mrow>{opening}{text}{closing}</mrow>"


def _bold(letters: str) -> str:
    """The same letters in the bold alphabet of Unicode."""
    return "".join(chr(ord(c) + (0x1D41A - ord("a") if c.islower() else 0x1D400 - ord("A"))) for c in letters)

"""Expressions as LaTeX for amsmath."""

from __future__ import annotations

from fastnn.core.expressions import Binary, Symbol
from fastnn.printing.notation import Notation, has_layer, is_square, needs_a_dot, parts, scientific

__all__ = ["Latex"]

ROW = 100  # characters of LaTeX that fit into a line of cases
COMPARISONS = {"<": "<", "<=": r"\le", ">": ">"}
FUNCTIONS = {"sigmoid": r"\sigma"} | {
    name: rf"\{name}" for name in ("exp", "log", "sin", "cos", "tanh", "max")
}
GREEK = {name: rf"\{name}" for name in ("alpha", "beta", "rho")}
NAMES = GREEK | {"yhat": r"\hat{y}", "eps": r"\varepsilon", "eps_t": r"\varepsilon_{t}"}


class Latex(Notation):
    """LaTeX for amsmath; MathJax and KaTeX read it as well."""

    def name(self, name: str) -> str:
        letters, digits = parts(name)
        upright = rf"\mathrm{{{letters}}}".replace("_", r"\_")
        base = letters if len(letters) == 1 else NAMES.get(letters, upright)
        return f"{base}_{{{digits}}}" if digits else base

    def layer_name(self, symbol: Symbol) -> str:
        base = r"\hat{\mathbf{y}}" if symbol.family == "yhat" else rf"\mathbf{{{symbol.family}}}"
        return f"{base}^{{({symbol.layer})}}" if has_layer(symbol) else base

    def kept(self, letter: str, parameter: str, *, whole: bool) -> str:
        base = rf"\mathbf{{{letter}}}" if whole else letter
        return f"{base}_{{{parameter}}}"

    def number(self, value: float) -> str:
        mantissa, exponent = scientific(value)
        return rf"{mantissa} \cdot 10^{{{exponent}}}" if exponent else mantissa

    def binary(self, node: Binary, left: str, right: str) -> str:
        match node.operator:
            case "*" if is_square(node):
                return f"{left}^{{2}}"
            case "*":
                return rf"{left} \cdot {right}" if needs_a_dot(node) else rf"{left} \, {right}"
            case "@":
                return rf"{left} \, {right}"
            case "⊙":
                return rf"{left} \odot {right}"
        return f"{left} {node.operator} {right}"

    def parenthesised(self, text: str) -> str:
        return rf"\left({text}\right)"

    def listed(self, left: str, right: str) -> str:
        return rf"{left},\, {right}"

    def select(self, comparison: str, left: str, right: str, yes: str, no: str, *, bare: bool) -> str:
        condition = rf"\text{{if }} {{{left}}} {COMPARISONS[comparison]} {right}"
        return rf"\begin{{cases}} {_stacked(yes)} & {condition} \\ {no} & \text{{otherwise}} \end{{cases}}"

    def call(self, function: str, argument: str) -> str:
        name = FUNCTIONS.get(function, rf"\operatorname{{{function}}}".replace("_", r"\_"))
        return rf"{name}\left({argument}\right)"

    def square_root(self, square: str) -> str:
        return rf"\sqrt{{{square}}}"

    def derivative(self, of: str, by: str) -> str:
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def over_rows(self, term: str) -> str:
        return rf"\sum_{{\text{{rows}}}} {term}"

    def transposed(self, matrix: str) -> str:
        # Braces around the base, or a layer's superscript would be a second one.
        return rf"{{{matrix}}}^{{\mathsf{{T}}}}"

    def gate(self, comparison: str, left: str, right: str) -> str:
        return rf"\left[{left} {COMPARISONS[comparison]} {right}\right]"


def _stacked(text: str) -> str:
    """LaTeX of a sum, its terms below each other where they would not fit beside each other."""
    if len(text) <= ROW:
        return text
    terms = text.replace(" + ", r" \\ &{}+ ")
    return rf"\begin{{aligned}} &{terms} \end{{aligned}}"

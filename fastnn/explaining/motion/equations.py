"""The equations of a row as HTML, each once in its names and once with places for the numbers of a row."""

from __future__ import annotations

from html import escape

from fastnn.core.equations import BEGIN, Derivation, Equation, Part
from fastnn.core.expressions import Binary, Symbol, nodes
from fastnn.printing.javascript import results_of
from fastnn.printing.mathml import MathML

__all__ = ["live_equations"]

ONCE: dict[Part, tuple[str, str]] = {
    "begin": (" data-once='first'", ", before its first row"),
    "end": (" data-once='last'", ", after the last row of the batch"),
}


class _Places(MathML):
    """MathML with a place for the number behind each name: what it was when the equation took it.

    What an earlier equation has `replaced`, in the row or at the begin of its batch, is taken as that one
    left it.
    """

    def __init__(self, derivation: Derivation) -> None:
        super().__init__(derivation)
        self.results = results_of(derivation)
        self.replaced: dict[Symbol, str] = {}

    def visit_symbol(self, node: Symbol, outer: int, *, leads: bool) -> str:
        when = "became" if node in self.replaced else "taken"
        return f"<mn data-{when}='{self.replaced.get(node, self.derivation.name(node))}'>–</mn>"

    def binary(self, node: Binary, left: str, right: str) -> str:
        if node.operator == "*" and node.left != node.right:
            return f"{left}<mo>·</mo>{right}"
        return super().binary(node, left, right)


def live_equations(derivation: Derivation) -> str:
    """All equations as they run, stage by stage.

    A script fills the places: ``data-taken`` names a number that an equation takes, ``data-became`` one that
    another equation has replaced before, ``data-found`` the one that it gives. What comes once a batch stands
    in a part with ``data-once``: with its "first" or its "last" row.
    """
    names, places = MathML(derivation), _Places(derivation)
    parts = []
    for stage in derivation.stages:
        mark, words = ONCE.get(stage.when, ("", "")) if derivation.rule.batched else ("", "")
        parts.append(
            f"<details open{mark}><summary>{stage.title}{words}</summary>\n"
            + "\n".join(_equation(e, names, places) for e in derivation.scalar if e.stage == stage)
            + "\n</details>"
        )
    return "\n".join(parts)


def _equation(equation: Equation, names: MathML, places: _Places) -> str:
    name = places.results[equation.number]
    replaces = equation.target in nodes(equation.expression)
    symbols = f"{names(equation.target)}<mo>{'←' if replaces else '='}</mo>{names(equation.expression)}"
    numbers = f"<mo>=</mo>{places(equation.expression)}"
    if replaces or equation.stage == BEGIN:
        places.replaced[equation.target] = name
    result = f'<output data-found="{name}">–</output>'
    return (
        f'<div class="equation" title="{escape(equation.rule)}">'
        f'<span class="number">({equation.number})</span>'
        f'<div class="rows">{_math(symbols)}{_math(numbers)} {result}</div></div>'
    )


def _math(inside: str) -> str:
    return f'<math displaystyle="true"><mrow>{inside}</mrow></math>'

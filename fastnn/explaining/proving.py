"""A proof beside the derivation: sympy differentiates the loss itself and compares.

Needs sympy: ``pip install "fastnn-sweep[explain]"``. The loss is composed here from the network's
definition, not from fastnn's equations. Where the sign of a unit's sum chooses, as in ReLU, a gate does, 1
where the sum is above 0 and 0 elsewhere: the gate does not change with the parameters but at 0, so that one
proof covers every way in which the gates can stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fastnn.checking import needing
from fastnn.core.activations import activation
from fastnn.core.equations import Derivation
from fastnn.core.expressions import Symbol
from fastnn.explaining.algebra import Algebra
from fastnn.explaining.chain_rule import LOSS, Line, explained
from fastnn.explaining.claims import RATE, Claims, claims_of_clipping, claims_of_updates
from fastnn.explaining.document import Document
from fastnn.pages.blocks import Block, Section
from fastnn.pages.tables import Table
from fastnn.printing.notation import Text
from fastnn.printing.signs import Derivative

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Proof"]


class Proof(Document):
    """For the loss, each derivative and each update: what sympy finds, minus what the equation says.

    The updates of a parameter, and of what the optimizer remembers of it, are those of the optimizer for the
    change -learning_rate times sympy's derivative, or for sympy's derivative where it needs that itself.

    Attributes
    ----------
    holds : bool
        Whether every difference simplifies to 0.
    """

    def __init__(self, derivation: Derivation) -> None:
        _need_sympy()
        self.derivation = derivation
        self._rows = _prove(derivation, explained(derivation, derivation.scalar))
        self.holds = all(row["difference"] == "0" for row in self._rows)

    def __repr__(self) -> str:
        return f"<Proof for {self.derivation.network!r}: {'holds' if self.holds else 'does not hold'}>"

    def frame(self) -> pd.DataFrame:
        """One row for each equation proved: number, claim, sympy (what it finds), difference."""
        import pandas as pd

        return pd.DataFrame(self._rows)

    def sections(self) -> Iterable[Section]:
        """What is proved, and how."""
        import sympy

        blocks: list[Block] = [
            f"sympy {sympy.__version__} differentiates the loss, composed from the network's definition, by "
            "each parameter, and what the numbered equation says is subtracted. "
            + ("Each difference simplifies to 0." if self.holds else "A difference is left: see below.")
        ]
        rule = self.derivation.rule
        times = "" if rule.needs_gradient else "-learning_rate times "
        if rule.batched:
            share = "1/n times" if rule.needs_gradient else "-learning_rate/n times"
            blocks.append(
                f"Each row adds {share} sympy's derivative of its loss; the n rows of a batch "
                f"add up to {times}the derivative of their mean. The update takes that sum."
            )
        elif rule.needs_gradient:
            blocks.append(
                "Each g is sympy's derivative of the loss by the parameter in its name; the updates are "
                f"those of {rule.optimizer.name} for it."
            )
        elif rule.states:
            blocks.append(
                f"The updates are those of {rule.optimizer.name} for a change of {times}sympy's derivative."
            )
        if rule.penalises_gradients:
            blocks.append(f"To the g of a weight {times}the derivative of its penalty is added.")
        if rule.clipped:
            blocks.append(
                "The norm is that of all g, penalties included; what limits it is the same for all."
            )
        if any(activation(name).kink for name in self.derivation.network.activations):
            blocks.append("Where a unit's sum decides, a gate g does: 1 where the sum is above 0, else 0.")
        if any("[" in row["sympy"] for row in self._rows):
            blocks.append("A condition in brackets is 1 where it holds, else 0.")
        if rule.loss.kink:
            blocks.append(f"{rule.loss.kink} What is proved is proved for all other d.")
        if activation(self.derivation.network.output).of_layer:
            blocks.append("The targets of a row add up to 1: the last one is 1 less the others.")
        rows = [
            {"claim": row["claim"], "equation": f"({row['number']})", "difference": row["difference"]}
            for row in self._rows
        ]
        yield Section("Proof", [*blocks, Table(rows)])


def _need_sympy() -> None:
    with needing("the proof needs sympy", "explain"):
        import sympy as _  # noqa: F401


def _prove(derivation: Derivation, lines: Sequence[Line]) -> list[dict[str, str]]:
    import sympy

    algebra = Algebra(derivation)
    loss = algebra.defined_loss()
    rule = derivation.rule
    settings = {name: Symbol(name) for name in rule.settings}
    given = {s: algebra.evaluated(value, {}) for s, value in rule.values(RATE, **settings).items()}
    ours = algebra.of(lines, given)
    where = " of targets that add up to 1" if activation(derivation.network.output).of_layer else ""
    lost = "L/c" if rule.weighted else "L"
    claims: Claims = {("loss", LOSS): (f"{lost} is the {rule.loss.words}{where}", loss)}
    for parameter in derivation.state[: derivation.network.n_parameters]:
        derivative = Derivative(LOSS, parameter)
        slope = sympy.diff(loss, algebra.named(parameter))
        claims["derivative", derivative] = (Text(derivation)(derivative), slope)
        claims |= claims_of_updates(derivation, algebra, given, parameter, slope)
    if rule.clipped:
        claims |= claims_of_clipping(derivation, algebra)
    found = []
    for line, value in zip(lines, ours, strict=True):
        if (line.kind, line.target) in claims:
            claim, expected = claims[line.kind, line.target]
            difference = algebra.simplified(expected - value)
            row = {"number": line.number, "claim": claim, "sympy": str(algebra.short(expected))}
            found.append(row | {"difference": str(difference)})
    return found

"""The classical slips, digit by digit: parameters that move before everything has been taken from them.

Row by row it is a layer that is updated before the deltas of the layer below are taken; in batches, an update
after every row. With clipping it is another one: several norms in place of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from fastnn.core.arithmetic import FLOATS, Values
from fastnn.core.equations import BEGIN, DELTAS, ERROR, FORWARD, UPDATES, Derivation, Equation
from fastnn.core.expressions import Symbol, nodes
from fastnn.core.rule import Rule
from fastnn.core.values import NORM, SCALE, SQUARES, TOTAL
from fastnn.explaining.chain_rule import in_turn
from fastnn.explaining.document import Document
from fastnn.explaining.steps import ALL_DIGITS, Given, need_finite
from fastnn.pages.blocks import Block, Section
from fastnn.pages.tables import Format, Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Slip", "first_different_digit"]

# What is known from now on, and the equations that run then.
Turn = tuple[Values, Sequence[Equation]]
Slipping = Callable[[Derivation, Given], Iterator[Turn]]

# Title, explanation, and why nothing may differ.
OF_A_ROW = (
    "updating the output layer first",
    "All deltas come before all updates. Whoever updates each layer first, from the outputs down, works out "
    "the deltas below from weights that have already moved.",
    "no delta is taken through a weight that moves",
)
OF_A_BATCH = (
    "updating after every row",
    "All rows of a batch come before its update. Whoever moves the parameters by each row's share at once "
    "takes the rows after it through parameters that have already moved.",
    "no row after the first meets a parameter that has moved",
)
OF_CLIPPING = (
    "limiting the parts of the gradient by themselves",
    "The norm is that of the whole gradient, so that it keeps its direction. Whoever limits the weights of "
    "each layer, and its biases, by a norm of their own turns it.",
    "by either norm the parameters move alike",
)
FORMATS: dict[str, Format] = {"right": repr, "slipped": repr, "digit": lambda digit: str(digit or "-")}


class Slip(Document):
    """What becomes of a step if each layer is updated before the deltas of the layer below are taken.

    A classical slip: those deltas are then worked out from weights that have already moved. In batches it is
    another one: the parameters move after every row, and the rows after it meet others. With clipping, the
    gradients of each layer's weights, and those of its biases, are limited by themselves.

    Attributes
    ----------
    parameters, slipped : (P,)
        The parameters after the step as it should be, and after the slip.
    loss, slipped_loss : float
        The loss of the same row, or the mean of the same rows, after each of them.
    """

    def __init__(self, derivation: Derivation, given: Given) -> None:
        self.derivation = derivation
        right, self.loss = _after(derivation, given, _in_order(derivation, given))
        self._told, slip = _slip_of(derivation.rule)
        wrong, self.slipped_loss = _after(derivation, given, slip(derivation, given))
        self.parameters, self.slipped = np.array(right), np.array(wrong)

    def __repr__(self) -> str:
        digit = first_different_digit(self.loss, self.slipped_loss)
        return f"<Slip of {self.derivation.network!r}: first different digit of the loss {digit}>"

    def frame(self) -> pd.DataFrame:
        """One row for each parameter, and one for the loss after the step.

        Columns name, right, slipped, digit: the first significant digit that differs, 0 where none does.
        """
        import pandas as pd

        names = [*self.derivation.network.parameter_names, "L after the step"]
        right, wrong = [*self.parameters.tolist(), self.loss], [*self.slipped.tolist(), self.slipped_loss]
        digits = [first_different_digit(a, b) for a, b in zip(right, wrong, strict=True)]
        return pd.DataFrame({"name": names, "right": right, "slipped": wrong, "digit": digits})

    def sections(self) -> Iterable[Section]:
        """The parameters both ways, and the digit where it shows."""
        frame = self.frame()
        title, told, nothing = self._told
        blocks: list[Block] = [f"{told} The last column is the first significant digit in which it shows."]
        if not frame["digit"].any():
            blocks.append(f"Here nothing differs: {nothing}.")
        blocks.append(Table(frame, "", {"name": "after the step"}, FORMATS))
        yield Section(f"The slip: {title}", blocks)


def first_different_digit(a: float, b: float) -> int:
    """The first significant digit in which two numbers differ, from 1; 0 if they are the same."""
    if a == b:
        return 0
    top = max(Decimal(value).adjusted() for value in (a, b) if value)
    texts = (f"{Decimal(value).scaleb(-top):+.{ALL_DIGITS - 1}f}".replace(".", "") for value in (a, b))
    places = (place for place, (c, d) in enumerate(zip(*texts, strict=True)) if c != d)
    return max(1, next(places, ALL_DIGITS))


def _slip_of(rule: Rule) -> tuple[tuple[str, str, str], Slipping]:
    """What is said of the slip that belongs to a rule, and its equations turn by turn."""
    if rule.clipped:
        return OF_CLIPPING, _limiting_each_part_by_itself
    return (OF_A_BATCH, _updating_after_every_row) if rule.batched else (OF_A_ROW, _updating_outputs_first)


def _after(derivation: Derivation, given: Given, turns: Iterable[Turn]) -> tuple[list[float], float]:
    """The parameters after these equations, and the mean loss of the same rows then."""
    values, n = given.values(derivation), len(given.X)
    for known, equations in turns:
        values |= known
        _run(derivation, values, equations)
    parameters = [values[symbol] for symbol in derivation.state[: derivation.network.n_parameters]]
    values[TOTAL] = 0.0
    for row in range(1, n + 1):
        values |= given.row(row)
        _run(derivation, values, [e for e in derivation.scalar if e.stage in (FORWARD, ERROR)])
    return parameters, values[TOTAL] / n


def _run(derivation: Derivation, values: Values, equations: Iterable[Equation]) -> None:
    for equation in equations:
        values[equation.target] = FLOATS(equation.expression, values)
        name = derivation.name(equation.target)
        need_finite(f"equation ({equation.number}), {name}", values[equation.target])


def _in_order(derivation: Derivation, given: Given) -> Iterator[Turn]:
    """The equations as they run."""
    for row, equations in in_turn(derivation.scalar, len(given.X)):
        yield given.row(row), equations


def _updating_after_every_row(derivation: Derivation, given: Given) -> Iterator[Turn]:
    """Each row as if it were the last of its batch."""
    for row in range(1, len(given.X) + 1):
        yield given.row(row) | given.sums(derivation), derivation.scalar


def _limiting_each_part_by_itself(derivation: Derivation, given: Given) -> Iterator[Turn]:
    """The rows as they run, then the weights of each layer, and its biases, as if there were no others."""
    *rows, (_, last) = in_turn(derivation.scalar, len(given.X))
    for row, equations in rows:
        yield given.row(row), equations
    yield {}, [e for e in last if e.kind == "penalty"]
    limit = [e for e in last if e.target in (NORM, SCALE)]
    for layer, family in product(range(1, len(derivation.network.layers)), "wb"):
        own = [e for e in last if e.layer == layer and e.kind != "penalty"]
        squares = [e for e in own if e.target == SQUARES and _takes(e, f"g{family}")]
        moves = [e for e in own if e.target.family.endswith(family)]
        yield {SQUARES: 0.0}, [*squares, *limit, *moves]


def _takes(equation: Equation, family: str) -> bool:
    return any(isinstance(node, Symbol) and node.family == family for node in nodes(equation.expression))


def _updating_outputs_first(derivation: Derivation, given: Given) -> Iterator[Turn]:
    """Each layer's deltas, then its updates, then the layer below."""
    order = [e for e in derivation.scalar if e.stage in (BEGIN, FORWARD, ERROR)]
    for layer in range(len(derivation.network.layers) - 1, 0, -1):
        for stage in (DELTAS, UPDATES):
            order += [e for e in derivation.scalar if (e.stage, e.layer) == (stage, layer)]
    yield given.row(1), order

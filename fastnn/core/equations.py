"""The equations of a training step as data: stages, equations, and all of them in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise, product
from typing import Literal

from fastnn.checking import InputError
from fastnn.core.expressions import Call, Expression, Index, Symbol, bind, nodes
from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.core.values import keeps_sums, scalar_name, state_of

__all__ = [
    "BEGIN",
    "DELTAS",
    "ERROR",
    "FORWARD",
    "GRADIENTS",
    "UPDATES",
    "Derivation",
    "Equation",
    "Kind",
    "Part",
    "Stage",
    "numbered",
]

MOST_WRITTEN_OUT = 100_000  # parameters: two equations each, a few seconds

Kind = Literal[
    "factor",
    "sum",
    "activation",
    "softmax",
    "error",
    "loss",
    "share",
    "delta",
    "gradient",
    "penalty",
    "norm",
    "limit",
    "state",
    "update",
]
Part = Literal["begin", "row", "end"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a training step: equations that run one after the other.

    Attributes
    ----------
    name : str
        As code and tables have it.
    title : str
        Over its equations on a page.
    when : str
        In which part of a batch it runs: at its "begin", for every "row", or at its "end".
    """

    name: str
    title: str
    when: Part = "row"

    def __str__(self) -> str:
        return self.name


BEGIN = Stage("begin", "Begin of a batch", when="begin")
FORWARD = Stage("forward", "Forward pass")
ERROR = Stage("error", "Loss")
DELTAS = Stage("deltas", "Deltas")
GRADIENTS = Stage("gradients", "Gradients")
UPDATES = Stage("updates", "Updates", when="end")


@dataclass(frozen=True)
class Equation:
    """One line of a training step, for every value of its running indices.

    Attributes
    ----------
    number : int
        Its place among the equations, from 1: what an explanation cites.
    stage : Stage
        The part of the step it belongs to.
    kind : str
        What it computes: a "factor" that all of a batch share, a weighted "sum", an "activation", a part of
        the "softmax" of all outputs, the "error" of an output, the "loss", the "share" of a row that has a
        weight, a "delta", a "gradient" (the change of a parameter that the rows of a batch add up to), a
        "penalty" on it, the "norm" of all of them and what it comes to, the "limit" of a gradient, a "state"
        of the optimizer, or the "update" of a parameter.
    layer : int
        The layer it belongs to; 1 is the first after the inputs.
    target : Symbol
        What it computes.
    expression : Expression
        From what.
    over : tuple of Index
        The running indices, outermost first; empty once they are bound.
    rule : str
        By which rule, in words.
    """

    number: int
    stage: Stage
    kind: Kind
    layer: int
    target: Symbol
    expression: Expression
    over: tuple[Index, ...]
    rule: str


@dataclass(frozen=True, repr=False)
class Derivation:
    """The equations of one training step of a network, in the order in which they are computed.

    Iterating gives the equations layer by layer with running indices, whatever the network's size;
    `scalar` gives them written out, one for every unit, weight and bias.
    """

    network: Network
    rule: Rule
    equations: tuple[Equation, ...]

    def __repr__(self) -> str:
        large = self.network.n_parameters > MOST_WRITTEN_OUT
        counts = "too many to be" if large else len(self.scalar)
        return f"<Derivation of {self.network!r}: {len(self)} equations, {counts} written out>"

    def __iter__(self) -> Iterator[Equation]:
        return iter(self.equations)

    def __len__(self) -> int:
        return len(self.equations)

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in their order."""
        return tuple(dict.fromkeys(equation.stage for equation in self.equations))

    def part(self, when: Part) -> tuple[Stage, ...]:
        """The stages of a part of a batch. Where a batch is one row, all of them are its row's."""
        if not self.rule.batched:
            return self.stages if when == "row" else ()
        return tuple(stage for stage in self.stages if stage.when == when)

    def of(self, *kinds: Kind, layer: int | None = None) -> list[Equation]:
        """The equations of these kinds, of all layers or of one."""
        return [e for e in self.equations if e.kind in kinds and layer in (None, e.layer)]

    @property
    def groups(self) -> list[tuple[Equation, ...]]:
        """The equations that run together over the same units of the same layer, group by group."""
        together = groupby(self.equations, key=lambda e: (e.stage, e.layer, e.over[:1], _in_turn(e)))
        return [tuple(group) for _, group in together]

    @property
    def state(self) -> list[Symbol]:
        """What is kept of a network: its parameters in their order, then each state of each, written out."""
        sizes = [*enumerate(pairwise(self.network.layers), start=1)]
        ordered = [
            Symbol("w", layer, (unit, source))
            for layer, (inputs, units) in sizes
            for unit, source in product(range(units), range(inputs))
        ]
        ordered += [Symbol("b", layer, (unit,)) for layer, (_, units) in sizes for unit in range(units)]
        states = (state_of(letter, p) for letter in self.rule.states for p in ordered)
        return [*ordered, *states, *self.rule.shared]

    @property
    def temporaries(self) -> frozenset[str]:
        """The families of values that only the equations right after them read: a row's own gradients."""
        kept = {"gw", "gb"} if self.rule.batched else set()
        return frozenset({e.target.family for e in self.of("gradient")} - kept)

    def keeps_sums(self, layer: int) -> bool:
        """Whether the weighted sums z of a layer's units are needed after its values, and not only these."""
        if keeps_sums(self.network, layer):
            return True
        after = self.of("softmax", "loss", layer=layer)
        return any(
            node.family == "z" for e in after for node in nodes(e.expression) if isinstance(node, Symbol)
        )

    @cached_property
    def scalar(self) -> tuple[Equation, ...]:
        """The equations written out unit by unit, with no running index and no sum left.

        InputError for a network of more than 100 000 parameters.
        """
        if self.network.n_parameters > MOST_WRITTEN_OUT:
            raise InputError(
                f"a network must have at most {MOST_WRITTEN_OUT} parameters to be written out; "
                f"got {self.network.n_parameters}. Take its equations with running indices."
            )
        return numbered(equation for group in self.groups for equation in _write_out(group))

    @cached_property
    def functions(self) -> frozenset[str]:
        """The functions of `fastnn.core.elementary` that the equations call, by name."""
        every = (node for equation in self.equations for node in nodes(equation.expression))
        return frozenset(node.function for node in every if isinstance(node, Call))

    def name(self, symbol: Symbol) -> str:
        """The name of a scalar symbol as the user sees it: w1, z2, yhat, s, ..."""
        return scalar_name(self.network, symbol)


def _in_turn(equation: Equation) -> int:
    """What sets equations apart that add to one number: all weights come before the first bias."""
    return len(equation.over) if equation.kind == "norm" else 0


def numbered(equations: Iterable[Equation]) -> tuple[Equation, ...]:
    """The equations with their places among them."""
    return tuple(replace(equation, number=number) for number, equation in enumerate(equations, start=1))


def _write_out(group: tuple[Equation, ...]) -> Iterator[Equation]:
    """The equations of a group for its first unit, then for its second, and so on."""
    units = group[0].over[:1]
    for numbers in product(*(range(index.size) for index in units)):
        for over, together in groupby(group, key=lambda e: e.over):
            inner, equations = over[1:], list(together)
            for more in product(*(range(index.size) for index in inner)):
                values: dict[Index, Index | int] = dict(zip((*units, *inner), (*numbers, *more), strict=True))
                yield from (_bound(equation, values) for equation in equations)


def _bound(equation: Equation, values: dict[Index, Index | int]) -> Equation:
    target = bind(equation.target, values)
    assert isinstance(target, Symbol)  # noqa: S101 - bind keeps a symbol a symbol
    return replace(equation, target=target, expression=bind(equation.expression, values), over=())

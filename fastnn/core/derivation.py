"""From a network and a rule to the ordered equations of one training step: the heart of fastnn.

The derivation applies the chain rule to layers. For layer l with weights w, biases b, inputs a
(the activations of the layer before) and activation f::

    forward   z[j] = sum_i w[j,i]*a[i] + b[j]        h[j] = f(z[j])
    error     d[k] = yhat[k] - y[k]                  total += sum_k d[k]*d[k]
    deltas    s[k] = step*d[k] * f'                  for the outputs
              s[j] = (sum_k s[k]*w[k,j]) * f'        for a hidden layer, from the layer after it
    updates   w[j,i] += s[j]*a[i]                    b[j] += s[j]

The gradient of the squared error is 2*d times the derivative of yhat; descending it multiplies by
minus the learning rate. Both factors are folded in first, as ``step = -2*learning_rate``, so a delta
``s`` is the change of its unit's bias. All deltas come before all updates: they use the weights as
they were before this row.

In batches of several rows, the changes of the rows are added up before they are made::

    begin     factor = step / n                      n: the rows of this batch
    deltas    s[k] = factor*d[k] * f'                otherwise as above
    gradients g[j,i] += s[j]*a[i]                    g[j] += s[j]              from 0, row by row
    updates   w[j,i] += g[j,i]                       b[j] += g[j]              after the last row

Where an optimizer needs the gradient itself, 2 stands for the step, and `fastnn.core.optimizers` has the
updates.

Printers and explanations choose equations by `Equation.kind` and `Equation.stage`, never by position.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, product
from typing import Literal

from fastnn.checking import InputError
from fastnn.core.activations import activation
from fastnn.core.expressions import Call, Expression, Index, Number, Sum, Symbol, bind, nodes
from fastnn.core.network import Network, checked_network
from fastnn.core.optimizers import Optimizer
from fastnn.core.rule import DEFAULT, FACTOR, ROWS, STEP, Rule, rule_of
from fastnn.core.values import TOTAL, activation_of, error, gradient_of, scalar_name, state_of, target_value

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
    "derive",
    "derived",
]

MOST_WRITTEN_OUT = 100_000  # parameters: two equations each, a few seconds

Kind = Literal["factor", "sum", "activation", "error", "loss", "delta", "gradient", "state", "update"]
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
        What it computes: a "factor" that all of a batch share, a weighted "sum", an "activation", the
        "error" of an output, the "loss", a "delta", a "gradient" (the change of a parameter that the rows of
        a batch add up to), a "state" of the optimizer, or the "update" of a parameter.
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
        together = groupby(self.equations, key=lambda e: (e.stage, e.layer, e.over[:1]))
        return [tuple(group) for _, group in together]

    @property
    def state(self) -> list[Symbol]:
        """What is kept of a network: its parameters in their order, then each state of each, written out."""
        parameters = [e.target for e in self.scalar if e.kind == "update"]
        by_name = {self.name(parameter): parameter for parameter in parameters}
        ordered = [by_name[name] for name in self.network.parameter_names]
        states = (state_of(letter, p) for letter in self.rule.states for p in ordered)
        return [*ordered, *states, *self.rule.shared]

    @property
    def temporaries(self) -> frozenset[str]:
        """The families of values that only the equations right after them read: a row's own gradients."""
        alone = self.rule.optimizer.needs_gradient and not self.rule.batched
        return frozenset({"gw", "gb"} if alone else ())

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
        return _numbered(equation for group in self.groups for equation in _write_out(group))

    @cached_property
    def functions(self) -> frozenset[str]:
        """The functions of `fastnn.core.elementary` that the equations call, by name."""
        every = (node for equation in self.equations for node in nodes(equation.expression))
        return frozenset(node.function for node in every if isinstance(node, Call))

    def name(self, symbol: Symbol) -> str:
        """The name of a scalar symbol as the user sees it: w1, z2, yhat, s, ..."""
        return scalar_name(self.network, symbol)


def derive(
    network: Network, optimizer: str | Optimizer = DEFAULT, batch_size: int | None = None
) -> Derivation:
    """Derive the equations of one training step: forward, error, deltas, updates.

    Parameters
    ----------
    network : Network
    optimizer : str or Optimizer
        As in `fastnn.train`; its settings are names in the equations.
    batch_size : int, optional
        With more than one row, the equations of a batch: what its rows add up to, and then the updates. They
        are the same for all such sizes.

    Returns
    -------
    Derivation
        The equations as data. Every engine, explanation and export is printed from them.

    Raises
    ------
    InputError
        If it is no Network, no optimizer, or no batch size.

    Examples
    --------
    >>> derivation = derive(Network((2, 2, 1)))
    >>> derivation
    <Derivation of Network((2, 2, 1), hidden='relu', output='identity'): 11 equations, 19 written out>
    >>> [derivation.name(equation.target) for equation in derivation.scalar if equation.kind == "delta"]
    ['s', 's1', 's2']
    """
    return derived(checked_network(network), rule_of(optimizer, batch_size))


def derived(network: Network, rule: Rule) -> Derivation:
    """The same for a network and a rule that are known to be right."""
    parts = [_forward(network), _error(network, rule), _deltas(network, rule), _updates(network, rule)]
    if rule.batched:
        parts.insert(3, _gradients(network))
    parts.insert(0, _begin(network, rule))
    return Derivation(network, rule, _numbered(equation for part in parts for equation in part))


def _numbered(equations: Iterator[Equation]) -> tuple[Equation, ...]:
    return tuple(replace(equation, number=number) for number, equation in enumerate(equations, start=1))


def _equation(
    stage: Stage,
    kind: Kind,
    layer: int,
    target: Symbol,
    expression: Expression,
    over: tuple[Index, ...],
    rule: str,
) -> Equation:
    return Equation(0, stage, kind, layer, target, expression, over, rule)


def _begin(network: Network, rule: Rule) -> Iterator[Equation]:
    last = len(network.layers) - 1
    if rule.batched:
        words = "shared out among the rows of the batch"
        words = f"the loss's factor, {words}" if rule.optimizer.needs_gradient else f"the step, {words}"
        yield _equation(BEGIN, "factor", last, FACTOR, _folded(rule) / ROWS, (), words)
    for name, expression in rule.optimizer.prepares(rule.common).items():
        words = f"for {rule.optimizer.name}, once a batch"
        yield _equation(BEGIN, "factor", last, Symbol(name), expression, (), words)


def _folded(rule: Rule) -> Expression:
    """What is folded into the deltas of the outputs, before a batch shares it out among its rows."""
    return Number(rule.loss.factor) if rule.optimizer.needs_gradient else STEP


def _forward(network: Network) -> Iterator[Equation]:
    for layer, name in enumerate(network.activations, start=1):
        j, i = _unit(network, layer), _input(network, layer)
        w, b = Symbol("w", layer, (j, i)), Symbol("b", layer, (j,))
        h = activation_of(network, layer, j)
        identity = activation(name).is_identity
        z = h if identity else Symbol("z", layer, (j,))
        weighted = Sum(i, w * activation_of(network, layer - 1, i)) + b
        yield _equation(FORWARD, "sum", layer, z, weighted, (j,), "weighted sum of the inputs, plus the bias")
        if not identity:
            yield _equation(FORWARD, "activation", layer, h, activation(name).value(z), (j,), name)


def _error(network: Network, rule: Rule) -> Iterator[Equation]:
    last = len(network.layers) - 1
    k = _unit(network, last)
    difference = activation_of(network, last, k) - target_value(k)
    yield _equation(ERROR, "error", last, error(k), difference, (k,), "prediction minus target")
    lost = TOTAL + Sum(k, rule.loss.term(error(k)))
    yield _equation(ERROR, "loss", last, TOTAL, lost, (), f"{rule.loss.words}, added to the epoch's")


def _deltas(network: Network, rule: Rule) -> Iterator[Equation]:
    last = len(network.layers) - 1
    for layer in range(last, 0, -1):
        j = _unit(network, layer)
        if layer == last:
            arriving: Expression = (FACTOR if rule.batched else _folded(rule)) * error(j)
            words = f"derivative of the {rule.loss.words}"
            words += "" if rule.optimizer.needs_gradient else ", times minus the learning rate"
            words += ", divided by the rows of the batch" if rule.batched else ""
        else:
            k = Index("k", network.layers[layer + 1])
            arriving = Sum(k, Symbol("s", layer + 1, (k,)) * Symbol("w", layer + 1, (k, j)))
            words = "chain rule: what arrives through the weights of the layer after it"
        entry = activation(network.activations[layer - 1])
        delta = entry.slope(arriving, Symbol("z", layer, (j,)), activation_of(network, layer, j))
        if not entry.is_identity:
            words += f", times the derivative of {entry.name}"
        yield _equation(DELTAS, "delta", layer, Symbol("s", layer, (j,)), delta, (j,), words)


def _gradients(network: Network) -> Iterator[Equation]:
    for layer, parameter, change, over, words in _changes(network):
        g = gradient_of(parameter)
        yield _equation(GRADIENTS, "gradient", layer, g, g + change, over, f"{words}, added to the batch's")


def _updates(network: Network, rule: Rule) -> Iterator[Equation]:
    for layer, parameter, change, over, words in _changes(network):
        if rule.batched:
            change, words = gradient_of(parameter), "what the rows of the batch add up to"
        elif rule.optimizer.needs_gradient:
            g = gradient_of(parameter)
            yield _equation(UPDATES, "gradient", layer, g, change, over, words)
            change = g
        yield from _moves(rule, layer, parameter, change, over, words)


def _changes(network: Network) -> Iterator[tuple[int, Symbol, Expression, tuple[Index, ...], str]]:
    """(layer, parameter, the change that a row asks for, running indices, the same in words)."""
    for layer in range(1, len(network.layers)):
        j, i = _unit(network, layer), _input(network, layer)
        s, a = Symbol("s", layer, (j,)), activation_of(network, layer - 1, i)
        w, b = Symbol("w", layer, (j, i)), Symbol("b", layer, (j,))
        yield layer, w, s * a, (j, i), "the unit's delta times the weight's input"
        yield layer, b, s, (j,), "the unit's delta"


def _moves(
    rule: Rule, layer: int, parameter: Symbol, change: Expression, over: tuple[Index, ...], words: str
) -> Iterator[Equation]:
    """What the optimizer makes of a parameter's change: its states, then the parameter."""
    states = {letter: state_of(letter, parameter) for letter in rule.states}
    for letter, expression in rule.optimizer.moves(parameter, change, states, rule.common).items():
        target = states.get(letter, parameter)
        kind: Kind = "state" if letter else "update"
        said = words if kind == "state" or not states else f"what {rule.optimizer.name} makes of it"
        yield _equation(UPDATES, kind, layer, target, expression, over, said)


def _unit(network: Network, layer: int) -> Index:
    return Index("j", network.layers[layer])


def _input(network: Network, layer: int) -> Index:
    return Index("i", network.layers[layer - 1])


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

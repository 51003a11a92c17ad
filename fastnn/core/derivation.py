"""From a network to the ordered equations of one training step: the heart of fastnn.

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
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, product

from fastnn.checking import InputError
from fastnn.core.expressions import Call, Expression, Index, Number, Select, Sum, Symbol, bind
from fastnn.core.network import Network, checked_network

__all__ = ["STAGES", "TOTAL", "Derivation", "Equation", "derive"]

STAGES = ("forward", "error", "deltas", "updates")

STEP = Symbol("step")
TOTAL = Symbol("total")

MOST_WRITTEN_OUT = 100_000  # parameters: two equations each, a few seconds


@dataclass(frozen=True)
class Equation:
    """One line of a training step, for every value of its running indices.

    Attributes
    ----------
    number : int
        Its place among the equations, from 1: what an explanation cites.
    stage : str
        One of `STAGES`.
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
    stage: str
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
    equations: tuple[Equation, ...]

    def __repr__(self) -> str:
        large = self.network.n_parameters > MOST_WRITTEN_OUT
        counts = "too many to be" if large else len(self.scalar)
        return f"<Derivation of {self.network!r}: {len(self)} equations, {counts} written out>"

    def __iter__(self) -> Iterator[Equation]:
        return iter(self.equations)

    def __len__(self) -> int:
        return len(self.equations)

    def stage(self, name: str) -> tuple[Equation, ...]:
        """The equations of one of `STAGES`."""
        return tuple(equation for equation in self.equations if equation.stage == name)

    @property
    def groups(self) -> list[tuple[Equation, ...]]:
        """The equations that run together over the same units of the same layer, group by group."""
        together = groupby(self.equations, key=lambda e: (e.stage, e.layer, e.over[:1]))
        return [tuple(group) for _, group in together]

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
        written = (equation for group in self.groups for equation in _write_out(group))
        return tuple(
            Equation(number, e.stage, e.layer, e.target, e.expression, (), e.rule)
            for number, e in enumerate(written, start=1)
        )

    def name(self, symbol: Symbol) -> str:
        """The name of a scalar symbol as the user sees it: w1, z2, yhat, s, ..."""
        return _scalar_name(self.network, symbol)


def derive(network: Network) -> Derivation:
    """Derive the equations of one training step: forward, error, deltas, updates.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Derivation
        The equations as data. Every engine, explanation and export is printed from them.

    Raises
    ------
    InputError
        If it is no Network.

    Examples
    --------
    >>> derivation = derive(Network((2, 2, 1)))
    >>> derivation
    <Derivation of Network((2, 2, 1), hidden='relu', output='identity'): 11 equations, 19 written out>
    >>> [derivation.name(equation.target) for equation in derivation.scalar if equation.stage == "deltas"]
    ['s', 's1', 's2']
    """
    checked_network(network)
    stages = (_forward(network), _error(network), _deltas(network), _updates(network))
    equations = (equation for stage in stages for equation in stage)
    return Derivation(network, tuple(_numbered(equations)))


def _numbered(equations: Iterator[Equation]) -> Iterator[Equation]:
    for number, e in enumerate(equations, start=1):
        yield Equation(number, e.stage, e.layer, e.target, e.expression, e.over, e.rule)


def _equation(
    stage: str, layer: int, target: Symbol, expression: Expression, over: tuple[Index, ...], rule: str
) -> Equation:
    return Equation(0, stage, layer, target, expression, over, rule)


def _forward(network: Network) -> Iterator[Equation]:
    for layer, activation in enumerate(network.activations, start=1):
        j, i = _unit(network, layer), _input(network, layer)
        w, b = Symbol("w", layer, (j, i)), Symbol("b", layer, (j,))
        h = _activation_of(network, layer, j)
        z = h if activation == "identity" else Symbol("z", layer, (j,))
        weighted = Sum(i, w * _activation_of(network, layer - 1, i)) + b
        yield _equation("forward", layer, z, weighted, (j,), "weighted sum of the inputs, plus the bias")
        if activation != "identity":
            yield _equation("forward", layer, h, _activate(activation, z), (j,), activation)


def _error(network: Network) -> Iterator[Equation]:
    last = len(network.layers) - 1
    k = _unit(network, last)
    d = Symbol("d", last, (k,))
    difference = _activation_of(network, last, k) - Symbol("y", last, (k,))
    yield _equation("error", last, d, difference, (k,), "prediction minus target")
    yield _equation("error", last, TOTAL, TOTAL + Sum(k, d * d), (), "squared error, added to the epoch's")


def _deltas(network: Network) -> Iterator[Equation]:
    last = len(network.layers) - 1
    for layer in range(last, 0, -1):
        j = _unit(network, layer)
        if layer == last:
            arriving: Expression = STEP * Symbol("d", last, (j,))
            rule = "derivative of the squared error, times minus the learning rate"
        else:
            k = Index("k", network.layers[layer + 1])
            arriving = Sum(k, Symbol("s", layer + 1, (k,)) * Symbol("w", layer + 1, (k, j)))
            rule = "chain rule: what arrives through the weights of the layer after it"
        activation = network.activations[layer - 1]
        z, h = Symbol("z", layer, (j,)), _activation_of(network, layer, j)
        delta = _times_slope(activation, arriving, z, h)
        if activation != "identity":
            rule += f", times the derivative of {activation}"
        yield _equation("deltas", layer, Symbol("s", layer, (j,)), delta, (j,), rule)


def _updates(network: Network) -> Iterator[Equation]:
    for layer in range(1, len(network.layers)):
        j, i = _unit(network, layer), _input(network, layer)
        s, a = Symbol("s", layer, (j,)), _activation_of(network, layer - 1, i)
        w, b = Symbol("w", layer, (j, i)), Symbol("b", layer, (j,))
        yield _equation("updates", layer, w, w + s * a, (j, i), "the unit's delta times the weight's input")
        yield _equation("updates", layer, b, b + s, (j,), "the unit's delta")


def _unit(network: Network, layer: int) -> Index:
    return Index("j", network.layers[layer])


def _input(network: Network, layer: int) -> Index:
    return Index("i", network.layers[layer - 1])


def _activation_of(network: Network, layer: int, index: Index) -> Symbol:
    """The value that a layer passes on: the inputs x, a hidden layer's h, the outputs' yhat."""
    if layer == 0:
        return Symbol("x", 0, (index,))
    return Symbol("yhat" if layer == len(network.layers) - 1 else "h", layer, (index,))


def _activate(activation: str, z: Symbol) -> Expression:
    if activation == "relu":
        return Select(z, "<=", Number(0.0), Number(0.0), z)
    return Call(activation, z)


def _times_slope(activation: str, value: Expression, z: Symbol, h: Symbol) -> Expression:
    """`value` times the derivative of the activation; ReLU's is a gate, shut at 0 and for NaN."""
    match activation:
        case "relu":
            return Select(z, ">", Number(0.0), value, Number(0.0))
        case "tanh":
            return value * (1.0 - h * h)
        case "sigmoid":
            return value * (h * (1.0 - h))
    return value


def _write_out(group: tuple[Equation, ...]) -> Iterator[Equation]:
    """The equations of a group for its first unit, then for its second, and so on."""
    units = group[0].over[:1]
    for numbers in product(*(range(index.size) for index in units)):
        for equation in group:
            inner = equation.over[1:]
            for more in product(*(range(index.size) for index in inner)):
                values = dict(zip((*units, *inner), (*numbers, *more), strict=True))
                target = bind(equation.target, values)
                assert isinstance(target, Symbol)  # noqa: S101 - bind keeps a symbol a symbol
                bound = bind(equation.expression, values)
                yield _equation(equation.stage, equation.layer, target, bound, (), equation.rule)


def _scalar_name(network: Network, symbol: Symbol) -> str:
    if not symbol.indices:
        return symbol.family
    numbers = [i for i in symbol.indices if isinstance(i, int)]
    if symbol.family == "x":
        return f"x{numbers[0] + 1}"
    if symbol.family in ("y", "yhat", "d"):
        return symbol.family if network.n_outputs == 1 else f"{symbol.family}{numbers[0] + 1}"
    if symbol.family == "w":
        unit, source = numbers
        start = network.slices[symbol.layer - 1][0].start
        return f"w{start + unit * network.layers[symbol.layer - 1] + source + 1}"
    if symbol.family == "s" and symbol.layer == len(network.layers) - 1 and network.n_outputs == 1:
        return "s"
    return f"{symbol.family}{sum(network.layers[1 : symbol.layer]) + numbers[0] + 1}"

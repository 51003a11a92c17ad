"""The values of a training step: their symbols, and the names that users see."""

from __future__ import annotations

from dataclasses import replace

from fastnn.core.activations import activation
from fastnn.core.expressions import Index, Symbol
from fastnn.core.network import Network

__all__ = [
    "INVERSE",
    "LOG_WHOLE",
    "NORM",
    "SCALE",
    "SQUARES",
    "TOP",
    "TOTAL",
    "WHOLE",
    "activation_of",
    "error",
    "exponential",
    "gradient_of",
    "input_value",
    "keeps_sums",
    "scalar_name",
    "state_of",
    "target_value",
]

TOTAL = Symbol("total")

# Of softmax outputs, for a row: their largest weighted sum, what their exponentials add up to, 1 divided by
# that, and its logarithm.
TOP, WHOLE, INVERSE, LOG_WHOLE = map(Symbol, ("top", "whole", "inverse", "log_whole"))


# Of clipping: what the squares of all gradients add up to, its root, and what limits it.
SQUARES, NORM, SCALE = map(Symbol, ("squares", "norm", "scale"))


def input_value(index: Index | int) -> Symbol:
    """An input of the row: x."""
    return Symbol("x", 0, (index,))


def target_value(index: Index | int) -> Symbol:
    """What an output should be for the row: y."""
    return Symbol("y", 0, (index,))


def state_of(letter: str, parameter: Symbol) -> Symbol:
    """What an optimizer keeps of a parameter under a letter: vw of w, vb of b."""
    return replace(parameter, family=letter + parameter.family)


def gradient_of(parameter: Symbol) -> Symbol:
    """The change of a parameter that the rows of a batch add up to: gw of w, gb of b."""
    return state_of("g", parameter)


def error(index: Index | int) -> Symbol:
    """How far an output is from its target: d."""
    return Symbol("d", 0, (index,))


def exponential(index: Index | int) -> Symbol:
    """What a softmax output has of the whole: e."""
    return Symbol("e", 0, (index,))


def activation_of(network: Network, layer: int, index: Index | int) -> Symbol:
    """The value that a layer passes on: the inputs x, a hidden layer's h, the outputs' yhat."""
    if layer == 0:
        return input_value(index)
    return Symbol("yhat" if layer == len(network.layers) - 1 else "h", layer, (index,))


def keeps_sums(network: Network, layer: int) -> bool:
    """Whether the deltas of a layer need the weighted sums z of its units, and not only their values h."""
    return activation(network.activations[layer - 1]).keeps_sum


def scalar_name(network: Network, symbol: Symbol) -> str:
    """The name of a symbol of one value: w1, z2, yhat, s, ..."""
    if not symbol.indices:
        return symbol.family
    numbers = [i for i in symbol.indices if isinstance(i, int)]
    if symbol.family == "x":
        return f"x{numbers[0] + 1}"
    if symbol.family in ("y", "yhat", "d", "e"):
        return symbol.family if network.n_outputs == 1 else f"{symbol.family}{numbers[0] + 1}"
    if symbol.family[1:] in ("w", "b"):  # a state
        return symbol.family[0] + scalar_name(network, replace(symbol, family=symbol.family[1:]))
    if symbol.family == "w":
        unit, source = numbers
        start = network.slices[symbol.layer - 1][0].start
        return f"w{start + unit * network.layers[symbol.layer - 1] + source + 1}"
    if symbol.family == "s" and symbol.layer == len(network.layers) - 1 and network.n_outputs == 1:
        return "s"
    return f"{symbol.family}{sum(network.layers[1 : symbol.layer]) + numbers[0] + 1}"

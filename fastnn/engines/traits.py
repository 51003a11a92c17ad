"""What decides, of a network and a rule, which forms of a kernel are fast."""

from __future__ import annotations

from functools import lru_cache
from math import prod

from fastnn.core.activations import activation
from fastnn.core.derivation import derived
from fastnn.core.expressions import Binary, Call, Expression, SquareRoot, nodes
from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines.registers import registers

__all__ = [
    "calls_functions",
    "divides",
    "has_functions",
    "has_softmax",
    "is_deep",
    "takes_outputs_along",
    "values_of_functions",
]


def has_softmax(network: Network) -> bool:
    """Whether the outputs are worked out together, by softmax."""
    return activation(network.output).of_layer


def is_deep(network: Network) -> bool:
    """Whether there are several hidden layers."""
    return len(network.layers) > 3


def takes_outputs_along(network: Network, rule: Rule) -> bool:
    """Whether there is one hidden layer, without functions, and few outputs that are independent."""
    few = len(network.layers) == 3 and network.n_inputs > 0 and network.n_outputs <= 4
    return few and not has_softmax(network) and not values_of_functions(network, rule)


@lru_cache(maxsize=256)
def divides(network: Network, rule: Rule) -> bool:
    """Whether each parameter's update takes a division or a square root."""
    updates = derived(network, rule).of("update")
    return any(_is_division(node) for equation in updates for node in nodes(equation.expression))


def _is_division(node: Expression) -> bool:
    return isinstance(node, SquareRoot) or (isinstance(node, Binary) and node.operator == "/")


def calls_functions(network: Network, rule: Rule) -> bool:
    """Whether functions are called with few registers, and not inlined.

    Among other values LLVM works out one register after the other; in a function of its own, all at once.
    Measured with 16 registers (many networks in `lanes`, and in `general`): with tanh 2-2-1 x0.65, x0.65,
    4-16-1 x0.92, x0.69, 10-32-1 x0.94, x0.76, with sigmoid 4-16-1 x0.88, x1.0, with ELU x0.72, x0.65, softmax
    x0.9, x1.0. Not where deltas need functions, beside values that have to wait in memory then: SiLU x1.24,
    x1.18, GELU x1.5, x1.5.
    """
    return registers().number <= 16 and not _deltas_call(network, rule)


@lru_cache(maxsize=256)
def _deltas_call(network: Network, rule: Rule) -> bool:
    return any(_calls(equation.expression) for equation in derived(network, rule).of("delta"))


@lru_cache(maxsize=256)
def has_functions(network: Network, rule: Rule) -> bool:
    """Whether functions work out the activations of hidden layers."""
    hidden = (e for e in derived(network, rule).of("activation") if e.layer < len(network.layers) - 1)
    return any(_calls(equation.expression) for equation in hidden)


@lru_cache(maxsize=256)
def values_of_functions(network: Network, rule: Rule) -> int:
    """How many values a row works out by functions in a layer, in that with most; softmax is none of them."""
    if has_softmax(network):
        return 0
    equations = derived(network, rule).equations
    called = (equation for equation in equations if _calls(equation.expression))
    return max((prod(index.size for index in equation.over) for equation in called), default=0)


def _calls(expression: Expression) -> bool:
    return any(isinstance(node, Call) for node in nodes(expression))

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

Where rows have weights, each has a coefficient c, which scales all that it changes and loses::

    error     total += c*(sum_k d[k]*d[k])           the outputs' sum first
    deltas    share = factor*c                       step*c with one row at a time
              s[k] = share*d[k] * f'                 otherwise as above

A loss that is fused with the activation of the outputs, as the cross-entropy is with softmax, has deltas
without the factor f'.

Where an optimizer needs the gradient itself, the loss's factor stands for the step (2 for the squared error),
and `fastnn.core.optimizers` has the updates. `fastnn.core.penalties` has what is added to the gradients of
weights. Clipping takes the gradients themselves, too, and all of them before the first update::

    updates   squares += g*g, weights first          norm = sqrt(squares)
              scale = clip/norm where norm > clip    else 1
              g = scale*g                            step*(scale*g) where the step is folded in

Printers and explanations choose equations by `Equation.kind` and `Equation.stage`, never by position.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Unpack

from fastnn.checking import flag
from fastnn.core.activations import activation
from fastnn.core.equations import (
    BEGIN,
    DELTAS,
    ERROR,
    FORWARD,
    GRADIENTS,
    UPDATES,
    Derivation,
    Equation,
    Kind,
    Stage,
    numbered,
)
from fastnn.core.expressions import Call, Expression, Index, Largest, Number, Select, Sum, Symbol, sqrt
from fastnn.core.loss import Output
from fastnn.core.network import Network, checked_network
from fastnn.core.penalties import penalised, shared_out, shrunk
from fastnn.core.recipe import Asked, Recipe
from fastnn.core.rule import COEFFICIENT, FACTOR, ROWS, SHARE, STEP, Rule
from fastnn.core.values import (
    INVERSE,
    LOG_WHOLE,
    NORM,
    SCALE,
    SQUARES,
    TOP,
    TOTAL,
    WHOLE,
    activation_of,
    error,
    exponential,
    gradient_of,
    state_of,
    target_value,
)

__all__ = ["derive", "derived"]


def derive(network: Network, *, weighted: bool = False, **training: Unpack[Asked]) -> Derivation:
    """Derive the equations of one training step: forward, error, deltas, updates.

    Parameters
    ----------
    network : Network
    weighted : bool
        Whether rows have weights, as with `sample_weight` of `fastnn.train`.
    **training
        `loss`, `optimizer`, `batch_size`, penalties and `clip`, as in `fastnn.train`; their settings are
        names in the equations. With batches of more than one row, the equations of a batch: what its rows
        add up to, and then the updates. They are the same for all such sizes.

    Returns
    -------
    Derivation
        The equations as data. Every engine, explanation and export is printed from them.

    Raises
    ------
    InputError
        If it is no Network, no loss, no optimizer, no batch size, or no truth value.

    Examples
    --------
    >>> derivation = derive(Network((2, 2, 1)))
    >>> derivation
    <Derivation of Network((2, 2, 1), hidden='relu', output='identity'): 11 equations, 19 written out>
    >>> [derivation.name(equation.target) for equation in derivation.scalar if equation.kind == "delta"]
    ['s', 's1', 's2']
    """
    rule = Recipe.of(checked_network(network), **training).rule
    return derived(network, replace(rule, weighted=flag(weighted, "weighted")))


def derived(network: Network, rule: Rule) -> Derivation:
    """The same for a network and a rule that are known to be right."""
    if rule.measuring:
        return Derivation(network, rule, numbered([*_forward(network), *_error(network, rule)]))
    parts = [_forward(network), _error(network, rule), _deltas(network, rule), _updates(network, rule)]
    if rule.batched:
        parts.insert(3, _gradients(network))
    parts.insert(0, _begin(network, rule))
    return Derivation(network, rule, numbered(equation for part in parts for equation in part))


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
        words = f"the loss's factor, {words}" if rule.needs_gradient else f"the step, {words}"
        yield _equation(BEGIN, "factor", last, FACTOR, _folded(rule) / ROWS, (), words)
    if rule.clipped:
        yield _equation(
            BEGIN, "factor", last, SQUARES, Number(0.0), (), "the sum of squares, before the first"
        )
    for name, expression in shared_out(rule.common, ROWS).items() if rule.l2_on_sum else ():
        words = "the penalty, shared out among the rows of the batch"
        yield _equation(BEGIN, "factor", last, Symbol(name), expression, (), words)
    for name, expression in rule.optimizer.prepares(rule.common).items():
        words = f"for {rule.optimizer.name}, once a batch"
        yield _equation(BEGIN, "factor", last, Symbol(name), expression, (), words)


def _folded(rule: Rule) -> Expression:
    """What is folded into the deltas of the outputs, before a batch shares it out among its rows."""
    return Number(rule.loss.factor) if rule.needs_gradient else STEP


def _forward(network: Network) -> Iterator[Equation]:
    for layer, name in enumerate(network.activations, start=1):
        j, i = _unit(network, layer), _input(network, layer)
        w, b = Symbol("w", layer, (j, i)), Symbol("b", layer, (j,))
        h = activation_of(network, layer, j)
        entry = activation(name)
        z = h if entry.is_identity else Symbol("z", layer, (j,))
        weighted = Sum(i, w * activation_of(network, layer - 1, i)) + b if i.size else b
        yield _equation(FORWARD, "sum", layer, z, weighted, (j,), "weighted sum of the inputs, plus the bias")
        if entry.of_layer:
            yield from _softmax(layer, j, z, h)
        elif not entry.is_identity:
            yield _equation(FORWARD, "activation", layer, h, entry.value(z), (j,), name)


def _softmax(layer: int, j: Index, z: Symbol, h: Symbol) -> Iterator[Equation]:
    """The outputs' shares of 1: one division for all of them, and no exponential above 1."""
    e = exponential(j)
    for target, expression, over, words in (
        (TOP, Largest(j, z), (), "the largest sum"),
        (e, Call("exp", z - TOP), (j,), "the exponential of how far a sum is below the largest"),
        (WHOLE, Sum(j, e), (), "the sum of the exponentials"),
        (INVERSE, Number(1.0) / WHOLE, (), "one division for all outputs"),
        (h, e * INVERSE, (j,), "softmax: the output's share of the whole"),
    ):
        yield _equation(FORWARD, "softmax", layer, target, expression, over, words)


def _error(network: Network, rule: Rule) -> Iterator[Equation]:
    last = len(network.layers) - 1
    k = _unit(network, last)
    difference = activation_of(network, last, k) - target_value(k)
    yield _equation(ERROR, "error", last, error(k), difference, (k,), "prediction minus target")
    if activation(network.output).of_layer:
        words = "the logarithm of the sum of the exponentials"
        yield _equation(ERROR, "softmax", last, LOG_WHOLE, Call("log", WHOLE), (), words)
    lost: Expression = Sum(k, rule.loss.term(_output(network, k), rule.common))
    words = rule.loss.words
    if rule.weighted:
        lost, words = COEFFICIENT * lost, f"{words}, times the row's coefficient"
    yield _equation(ERROR, "loss", last, TOTAL, TOTAL + lost, (), f"{words}, added to the epoch's")


def _deltas(network: Network, rule: Rule) -> Iterator[Equation]:
    last = len(network.layers) - 1
    folded = FACTOR if rule.batched else _folded(rule)
    if rule.weighted:
        words = "the same, times the row's coefficient"
        yield _equation(DELTAS, "share", last, SHARE, folded * COEFFICIENT, (), words)
        folded = SHARE
    for layer in range(last, 0, -1):
        j, fused = _unit(network, layer), layer == last and bool(rule.loss.outputs)
        if layer == last:
            lost = rule.loss.slope(_output(network, j), rule.common)
            arriving: Expression = folded * lost
            words = f"derivative of the {rule.loss.words}{' by the weighted sum' if fused else ''}"
            words += "" if rule.needs_gradient else ", times minus the learning rate"
            words += ", divided by the rows of the batch" if rule.batched else ""
            words += ", times the row's coefficient" if rule.weighted else ""
        else:
            k = Index("k", network.layers[layer + 1])
            arriving = Sum(k, Symbol("s", layer + 1, (k,)) * Symbol("w", layer + 1, (k, j)))
            words = "chain rule: what arrives through the weights of the layer after it"
        entry = activation(network.activations[layer - 1])
        h = activation_of(network, layer, j)
        delta = arriving if fused else entry.slope(arriving, Symbol("z", layer, (j,)), h)
        if not (fused or entry.is_identity):
            words += f", times the derivative of {entry.name}"
        yield _equation(DELTAS, "delta", layer, Symbol("s", layer, (j,)), delta, (j,), words)


def _gradients(network: Network) -> Iterator[Equation]:
    for layer, parameter, change, over, words in _changes(network):
        g = gradient_of(parameter)
        yield _equation(GRADIENTS, "gradient", layer, g, g + change, over, f"{words}, added to the batch's")


def _updates(network: Network, rule: Rule) -> Iterator[Equation]:
    if rule.clipped:
        yield from _norm(network, rule)
        for layer, parameter, _, over, _ in _changes(network):
            g, limited = gradient_of(parameter), SCALE * gradient_of(parameter)
            limited = limited if rule.optimizer.needs_gradient else STEP * limited
            yield _equation(UPDATES, "limit", layer, g, limited, over, "the gradient, limited by the norm")
            yield from _moves(rule, layer, parameter, g, over, "the limited gradient")
        return
    for layer, parameter, change, over, words in _changes(network):
        g, is_weight = gradient_of(parameter), parameter.family == "w"
        if rule.batched:
            change, words = g, "what the rows of the batch add up to"
        if rule.penalises_gradients and is_weight:
            kind: Kind = "penalty" if rule.batched else "gradient"
            change, words = penalised(change, parameter, rule.common), f"{words}, and the penalty"
            yield _equation(UPDATES, kind, layer, g, change, over, words)
            change = g
        elif rule.needs_gradient and not rule.batched:
            yield _equation(UPDATES, "gradient", layer, g, change, over, words)
            change = g
        yield from _moves(rule, layer, parameter, change, over, words)


def _norm(network: Network, rule: Rule) -> Iterator[Equation]:
    """The penalties on all weights, and the norm of the gradient: weights first, then biases."""
    last, every = len(network.layers) - 1, list(_changes(network))
    ordered = sorted(every, key=lambda change: change[1].family, reverse=True)
    for layer, parameter, _, over, _ in ordered:
        if rule.penalises_gradients and parameter.family == "w":
            g = gradient_of(parameter)
            words = "what the rows of the batch add up to, and the penalty"
            yield _equation(UPDATES, "penalty", layer, g, penalised(g, parameter, rule.common), over, words)
    for layer, parameter, _, over, _ in ordered:
        g = gradient_of(parameter)
        yield _equation(UPDATES, "norm", layer, SQUARES, SQUARES + g * g, over, "the sum of squares")
    clip = rule.common["clip"]
    scale = Select(NORM, ">", clip, clip / NORM, Number(1.0))
    yield _equation(UPDATES, "norm", last, NORM, sqrt(SQUARES), (), "the norm of the whole gradient")
    yield _equation(UPDATES, "norm", last, SCALE, scale, (), "what limits it")


def _changes(network: Network) -> Iterator[tuple[int, Symbol, Expression, tuple[Index, ...], str]]:
    """(layer, parameter, the change that a row asks for, running indices, the same in words)."""
    for layer in range(1, len(network.layers)):
        j, i = _unit(network, layer), _input(network, layer)
        s, a = Symbol("s", layer, (j,)), activation_of(network, layer - 1, i)
        w, b = Symbol("w", layer, (j, i)), Symbol("b", layer, (j,))
        if i.size:
            yield layer, w, s * a, (j, i), "the unit's delta times the weight's input"
        yield layer, b, s, (j,), "the unit's delta"


def _moves(
    rule: Rule, layer: int, parameter: Symbol, change: Expression, over: tuple[Index, ...], words: str
) -> Iterator[Equation]:
    """What the optimizer makes of a parameter's change: its states, then the parameter."""
    states = {letter: state_of(letter, parameter) for letter in rule.states}
    before = shrunk(parameter, rule.common)
    for letter, expression in rule.optimizer.moves(before, change, states, rule.common).items():
        target = states.get(letter, parameter)
        kind: Kind = "state" if letter else "update"
        said = words if kind == "state" or not states else f"what {rule.optimizer.name} makes of it"
        said += ", after decay" if target == parameter and before != parameter else ""
        yield _equation(UPDATES, kind, layer, target, expression, over, said)


def _output(network: Network, unit: Index) -> Output:
    last = len(network.layers) - 1
    value = activation_of(network, last, unit)
    return Output(Symbol("z", last, (unit,)), value, target_value(unit), error(unit), network.output)


def _unit(network: Network, layer: int) -> Index:
    return Index("j", network.layers[layer])


def _input(network: Network, layer: int) -> Index:
    return Index("i", network.layers[layer - 1])

"""One network in plain Python, without fastnn: every engine is compared with it before it is timed."""

import math
from itertools import pairwise

import numpy as np

# GELU's tanh form is z*logistic(TWICE*(z + CUBE*z**3)).
TWICE, CUBE = 2 * math.sqrt(2 / math.pi), 0.044715
# SELU: its slope above 0, and minus its limit below.
SCALE, LIMIT = 1.0507009873554805, 1.7580993408473766


def advance(layers, activation, parameters, X, Y, step, epochs, momentum=None, nesterov=False, batch=1):
    """Train one network; return its parameters and the squared error of each epoch.

    All numbers are NumPy scalars of one dtype, so that every operation is rounded once, to that dtype.

    Parameters
    ----------
    layers : units per layer, inputs first.
    activation : the hidden layers' activation; the output has none.
    parameters : P numbers, all weights first, then all biases.
    X, Y : N rows of inputs and of targets.
    step : -2*learning_rate.
    momentum : without it plain gradient descent.
    nesterov : whether the momentum is Nesterov's.
    batch : rows of a batch; the last one of an epoch has what is left.
    """
    totals, velocities = [], [step * 0 for _ in parameters]
    for _ in range(epochs):
        total = 0.0
        for first in range(0, len(X), batch):
            rows = list(zip(X, Y, strict=True))[first : first + batch]
            weights, biases = split(layers, parameters)
            found = [changes_of_row(weights, biases, activation, x, y, step / len(rows)) for x, y in rows]
            for lost, _ in found:
                total = total + lost
            changes = [added(each) for each in zip(*(change for _, change in found), strict=True)]
            moves = changes
            if momentum is not None:
                velocities = moves = moved(velocities, changes, momentum)
            if nesterov:
                moves = moved(velocities, changes, momentum)
            parameters = [p + move for p, move in zip(parameters, moves, strict=True)]
        totals.append(total)
    return parameters, totals


def moved(velocities, changes, momentum):
    """momentum*v + change for every parameter."""
    return [momentum * v + change for v, change in zip(velocities, changes, strict=True)]


def changes_of_row(weights, biases, activation, x, y, factor):
    """The squared error of one row and what it would change each parameter by, in their order."""
    values, arguments = [x], [x]
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        sums = [dot(unit, values[-1]) + bias for unit, bias in zip(W, b, strict=True)]
        arguments.append(sums)
        values.append(sums if layer == len(weights) else [activate(activation, z) for z in sums])
    d = [yhat - target for yhat, target in zip(values[-1], y, strict=True)]
    deltas = [[factor * error for error in d]]
    for W, sums, inputs in zip(weights[:0:-1], arguments[-2:0:-1], values[-2:0:-1], strict=True):
        units = zip(zip(*W, strict=True), sums, inputs, strict=True)
        deltas.insert(0, [gate(activation, dot(deltas[0], column), z, h) for column, z, h in units])
    of_weights = [s * a for layer, inputs in zip(deltas, values, strict=False) for s in layer for a in inputs]
    return dot(d, d), of_weights + [s for layer in deltas for s in layer]


def activate(activation, z):
    """A hidden unit's value."""
    match activation:
        case "relu":
            return 0.0 if z <= 0 else z
        case "leaky_relu":
            return z * z.dtype.type(0.01) if z <= 0 else z
        case "tanh":
            return np.tanh(z)
        case "sigmoid":
            return logistic(z)
        case "elu":
            return np.expm1(z) if z <= 0 else z
        case "selu":
            return LIMIT * np.expm1(z) if z <= 0 else SCALE * z
        case "softplus":
            return np.logaddexp(z, 0 * z)
        case "sine":
            return np.sin(z)
        case "silu":
            return z * logistic(z)
        case "gelu_tanh":
            return z * logistic(TWICE * (z + CUBE * z**3))
        case "softsign":
            return z / (1 + abs(z))
        case "gaussian":
            return np.exp(-z * z)
        case "square":
            return z * z
        case "exponential":
            return np.exp(z)
    return z


def logistic(z):
    """1/(1 + exp(-z))."""
    return 1 / (1 + np.exp(-z))


def gate(activation, arriving, z, h):
    """The value that arrives at a hidden unit, times the slope of its activation."""
    match activation:
        case "relu":
            return arriving if h > 0 else 0.0
        case "leaky_relu":
            return arriving if h > 0 else arriving * h.dtype.type(0.01)
        case "tanh":
            return arriving * (1 - h * h)
        case "sigmoid":
            return arriving * (h * (1 - h))
        case "elu":
            return arriving if z > 0 else arriving * (h + 1)
        case "selu":
            return arriving * (SCALE if z > 0 else h + LIMIT)
        case "softplus":
            return arriving * logistic(z)
        case "sine":
            return arriving * np.cos(z)
        case "silu":
            p = logistic(z)
            return arriving * (p + h * (1 - p))
        case "gelu_tanh":
            p = logistic(TWICE * (z + CUBE * z**3))
            return arriving * (p + h * (1 - p) * TWICE * (1 + 3 * CUBE * z * z))
        case "softsign":
            return arriving * (1 - abs(h)) ** 2
        case "gaussian":
            return arriving * (-2 * z * h)
        case "square":
            return arriving * (2 * z)
        case "exponential":
            return arriving * h
    return arriving


def dot(left, right):
    """left_1*right_1 + left_2*right_2 + ..., from left to right."""
    return added([a * b for a, b in zip(left, right, strict=True)])


def added(numbers):
    """Their sum, from left to right."""
    first, *rest = numbers
    for number in rest:
        first = first + number
    return first


def split(layers, parameters):
    """Flat parameters as weights[layer][unit][input] and biases[layer][unit]."""
    numbers = iter(parameters)
    weights = [[[next(numbers) for _ in range(n)] for _ in range(units)] for n, units in pairwise(layers)]
    return weights, [[next(numbers) for _ in range(units)] for units in layers[1:]]

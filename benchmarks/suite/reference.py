"""One network in plain Python, without fastnn: every engine is compared with it before it is timed."""

from itertools import pairwise

import numpy as np


def advance(layers, activation, parameters, X, Y, step, epochs):
    """Train one network; return its parameters and the squared error of each epoch.

    All numbers are NumPy scalars of one dtype, so that every operation is rounded once, to that dtype.

    Parameters
    ----------
    layers : units per layer, inputs first.
    activation : the hidden layers' activation; the output has none.
    parameters : P numbers, all weights first, then all biases.
    X, Y : N rows of inputs and of targets.
    step : -2*learning_rate.
    """
    weights, biases = split(layers, parameters)
    totals = []
    for _ in range(epochs):
        total = 0.0
        for x, y in zip(X, Y, strict=True):
            total = total + advance_row(weights, biases, activation, x, y, step)
        totals.append(total)
    return [w for W in weights for unit in W for w in unit] + [b for layer in biases for b in layer], totals


def advance_row(weights, biases, activation, x, y, step):
    """One step on one row; return the squared error before it."""
    values = [x]
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True), start=1):
        sums = [dot(unit, values[-1]) + bias for unit, bias in zip(W, b, strict=True)]
        values.append(sums if layer == len(weights) else [activate(activation, z) for z in sums])
    d = [yhat - target for yhat, target in zip(values[-1], y, strict=True)]
    s = [step * error for error in d]
    for layer in reversed(range(len(weights))):
        W, b, inputs = weights[layer], biases[layer], values[layer]
        below = [
            gate(activation, dot(s, column), h)
            for column, h in zip(zip(*W, strict=True), inputs, strict=True)
        ]
        for unit, s_k in enumerate(s):
            W[unit] = [w + s_k * a for w, a in zip(W[unit], inputs, strict=True)]
            b[unit] = b[unit] + s_k
        s = below
    return dot(d, d)


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
            return 1 / (1 + np.exp(-z))
    return z


def gate(activation, arriving, h):
    """The value that arrives at a hidden unit, times the slope of its activation, computed from h."""
    match activation:
        case "relu":
            return arriving if h > 0 else 0.0
        case "leaky_relu":
            return arriving if h > 0 else arriving * h.dtype.type(0.01)
        case "tanh":
            return arriving * (1 - h * h)
        case "sigmoid":
            return arriving * (h * (1 - h))
    return arriving


def dot(left, right):
    """left_1*right_1 + left_2*right_2 + ..., from left to right."""
    first, *rest = (a * b for a, b in zip(left, right, strict=True))
    for product in rest:
        first = first + product
    return first


def split(layers, parameters):
    """Flat parameters as weights[layer][unit][input] and biases[layer][unit]."""
    numbers = iter(parameters)
    weights = [[[next(numbers) for _ in range(n)] for _ in range(units)] for n, units in pairwise(layers)]
    return weights, [[next(numbers) for _ in range(units)] for units in layers[1:]]

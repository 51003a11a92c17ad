"""Plain NumPy: one network with a matrix per layer, or many networks along the last axis."""

from functools import partial

import numpy as np

from peers.forms import Form
from peers.written_out import function, names_of, step_lines

MOST_WRITTEN_OUT = 200  # parameters: with more, a step is thousands of calls


def forms(problem, kind):
    rows = 1000
    found = [
        Form("matrices", (1,), matrices, rows),
        Form("a matrix per layer", (256, 1024, 4096), layers, rows // 2),
    ]
    if problem.network.n_parameters <= MOST_WRITTEN_OUT:
        found.append(Form("arrays, written out", (256, 1024, 4096, 16384), written_out, rows // 2))
    return found


def matrices(problem, networks):
    """One network after the other."""

    def one(layers, X, Y, epochs):
        for _ in range(epochs):
            for x, y in zip(X, Y, strict=True):
                values = [x]
                for W, b in layers[:-1]:
                    values.append(np.maximum(W @ values[-1] + b, 0))
                W, b = layers[-1]
                s = problem.step * (W @ values[-1] + b - y)
                for (W, b), a in zip(layers[::-1], values[::-1], strict=True):
                    below = None if a is x else s @ W * (a > 0)
                    W += np.multiply.outer(s, a)
                    b += s
                    s = below

    def train(starts, epochs):
        found = starts.copy()
        for parameters in found:
            layers = [(W.copy(), b.copy()) for W, b in problem.network.split(parameters)]
            one(layers, problem.X, problem.Y, epochs)
            parameters[:] = problem.network.join(layers)
        return found

    return train


def layers(problem, networks):
    """Many networks: W (units, inputs, M), with one product and one sum per layer."""

    def advance(layers, epochs):
        for _ in range(epochs):
            for x, y in zip(problem.X[:, :, None], problem.Y[:, :, None], strict=True):
                values = [x]
                for W, b in layers:
                    z = np.einsum("jim,im->jm", W, np.broadcast_to(values[-1], W.shape[1:])) + b
                    values.append(np.maximum(z, 0))
                s = problem.step * (z - y)
                for (W, b), a in zip(layers[::-1], values[-2::-1], strict=True):
                    below = None if a is x else np.einsum("jm,jim->im", s, W) * (a > 0)
                    W += s[:, None] * a
                    b += s
                    s = below

    def train(starts, epochs):
        pairs = problem.network.split(starts)
        columns = [(np.moveaxis(W, 0, -1).copy(), np.moveaxis(b, 0, -1).copy()) for W, b in pairs]
        advance(columns, epochs)
        return problem.network.join([(np.moveaxis(W, -1, 0), np.moveaxis(b, -1, 0)) for W, b in columns])

    return train


def written_out(problem, networks):
    """Many networks: one array (M,) for each parameter, and one expression for each line of the step."""
    network = problem.network
    parameters = ", ".join(network.parameter_names)
    row = f"({names_of('x', network.n_inputs)}), ({names_of('y', network.n_outputs)})"
    lines = step_lines(network, "maximum({z}, zero)", "where({z} > 0, {s}, zero)")
    advance = function(
        "def advance(parameters, rows, step, epochs):",
        [
            (1, [f"{parameters} = parameters", "for _ in range(epochs):"]),
            (2, [f"for {row} in rows:"]),
            (3, [in_place(line) for line in lines]),
            (1, [f"return [{parameters}]"]),
        ],
        {"maximum": np.maximum, "where": np.where, "zero": problem.dtype.type(0)},
    )
    rows = list(zip(problem.X, problem.Y, strict=True))
    columns = partial(np.array, order="C")

    def train(starts, epochs):
        return np.array(advance(columns(starts.T), rows, problem.step, epochs)).T

    return train


def in_place(line):
    """Turn a line such as w1 = w1 + s*x into w1 += s*x."""
    target, _, expression = line.partition(" = ")
    if not expression.startswith(f"{target} + "):
        return line
    return f"{target} += {expression.removeprefix(f'{target} + ')}"

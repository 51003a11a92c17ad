"""PyTorch: a module with SGD, torch.func's vmap of grad, and the step by hand, compiled or batched.

A compiled function takes several rows, since a call costs 30 to 50 µs. The compiled form that is written out
is the fastest one where it fits. It has one tensor (M,) for each parameter, so everything is pointwise, and
inductor makes one vectorised loop of all rows of a call. Measured in ns per network and row (2-2-1, float64,
4096 networks, one core): 1.7 with 16 rows a call, 2.3 with 8, 12 with one.
"""

import os
from functools import partial
from itertools import count

import numpy as np

from peers.forms import Form
from peers.written_out import function, step_lines

ROWS = 500
COUNT = count()
MOST_WRITTEN_OUT = 40  # parameters (measured: 4-16-1 took 130 ns, and 10 s to compile)


def forms(problem, kind):
    """`kind` is "module", "func" or "hand"."""
    if kind == "module":
        return [Form("module, SGD", (1,), module, ROWS)]
    if kind == "func":
        found = Form("vmap of grad", (1, 1024, 4096, 16384), partial(stepped, step=of_grad, per_call=0), 200)
        return [
            found,
            Form("vmap of grad, compiled", (1024, 4096), partial(stepped, step=of_grad, per_call=4)),
        ]
    found = [
        Form("matrix products", (256, 1024), matrix_products, ROWS),
        Form("networks last, compiled", (1, 256, 1024), partial(stepped, step=networks_last, per_call=8)),
    ]
    if problem.network.n_parameters <= MOST_WRITTEN_OUT:
        last = Form("written out, compiled", (1, 4096, 16384), written_out)
        return [*found[:1], last]
    return found


def tensors(problem):
    """PyTorch, with one thread for each processor of this process, and the rows as tensors."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    torch.set_default_dtype(getattr(torch, str(problem.dtype)))
    return torch, torch.tensor(problem.X), torch.tensor(problem.Y)


def module(problem, networks):
    torch, X, Y = tensors(problem)
    *hidden, outputs = problem.layers[1:]
    layers, width = [], problem.layers[0]
    for units in hidden:
        layers += [torch.nn.Linear(width, units), torch.nn.ReLU()]
        width = units
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, outputs))
    optimizer = torch.optim.SGD(model.parameters(), problem.learning_rate, foreach=False)
    rows = list(zip(X, Y, strict=True))

    def one(start, epochs):
        arrays = [torch.tensor(array) for pair in problem.network.split(start) for array in pair]
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), arrays, strict=True):
                parameter.copy_(value)
        for _ in range(epochs):
            for x, y in rows:
                optimizer.zero_grad()
                (model(x) - y).square().sum().backward()
                optimizer.step()
        trained = [parameter.detach().numpy().copy() for parameter in model.parameters()]
        return problem.network.join(list(zip(trained[::2], trained[1::2], strict=True)))

    return lambda starts, epochs: np.array([one(start, epochs) for start in starts])


def stepped(problem, networks, step, per_call):
    """Many networks, with `per_call` rows in a compiled function; 0 means one row, not compiled."""
    torch, X, Y = tensors(problem)
    one_row, last = step(torch, problem)
    calls = row_calls(torch, one_row, X, Y, per_call)

    def train(starts, epochs):
        pairs = problem.network.split(starts)
        axes = (0, -1) if last else (0, 0)
        layers = [tuple(torch.tensor(np.moveaxis(p, *axes).copy()) for p in pair) for pair in pairs]
        with torch.no_grad():
            for _ in range(epochs):
                for call, x, y in calls:
                    layers = call(layers, x, y)
        return problem.network.join(
            [tuple(np.moveaxis(p.numpy(), *axes[::-1]) for p in pair) for pair in layers]
        )

    return train


def row_calls(torch, one_row, X, Y, per_call):
    """The calls of an epoch, (function, rows of X, rows of Y): `per_call` rows each, the rest one by one."""

    def several(layers, x, y):
        for i in range(len(x)):
            layers = one_row(layers, x[i], y[i])
        return layers

    if per_call == 0:
        return [(one_row, x, y) for x, y in zip(X, Y, strict=True)]
    # With a name of its own, a call does not first try the functions compiled for other problems.
    several.__code__ = several.__code__.replace(co_name=f"several_{next(COUNT)}")
    compiled = torch.compile(several, fullgraph=True, dynamic=False)
    whole = len(X) // per_call * per_call
    starts = [*range(0, whole, per_call), *range(whole, len(X))]
    ends = [*starts[1:], len(X)]
    return [(compiled, X[i:j], Y[i:j]) for i, j in zip(starts, ends, strict=True)]


def of_grad(torch, problem):
    """The step with torch.func, with W (M, units, inputs)."""
    rate = problem.learning_rate

    def loss(layers, x, y):
        h = x
        for W, b in layers[:-1]:
            h = torch.relu(W @ h + b)
        W, b = layers[-1]
        return (W @ h + b - y).square().sum()

    slopes = torch.func.vmap(torch.func.grad(loss), in_dims=(0, None, None))

    def step(layers, x, y):
        pairs = zip(layers, slopes(layers, x, y), strict=True)
        return [(W - rate * dW, b - rate * db) for (W, b), (dW, db) in pairs]

    return step, False


def networks_last(torch, problem):
    """The step by hand for all networks, with W (units, inputs, M)."""
    factor = float(problem.step)

    def step(layers, x, y):
        values = [x[:, None]]
        for W, b in layers:
            z = (W * values[-1]).sum(1) + b
            values.append(torch.relu(z))
        s = factor * (z - y[:, None])
        trained = []
        for (W, b), a in zip(layers[::-1], values[-2::-1], strict=True):
            trained.append((W + s[:, None] * a, b + s))
            s = torch.where(a > 0, (W * s[:, None]).sum(0), 0.0)
        return trained[::-1]

    return step, True


def written_out(problem, networks, per_call=16):
    """The step by hand, with one tensor (M,) for each parameter."""
    torch, X, Y = tensors(problem)
    network = problem.network
    parameters = ", ".join(network.parameter_names)
    numbers = [f"x{i + 1} = x[{i}]" for i in range(network.n_inputs)]
    numbers += [f"y{k + 1} = y[{k}]" for k in range(network.n_outputs)]
    step = step_lines(network, "torch.relu({z})", "torch.where({z} > 0, {s}, 0.0)")
    one_row = function(
        "def one_row(parameters, x, y):",
        [(1, [f"{parameters} = parameters", *numbers, *step, f"return [{parameters}]"])],
        {"torch": torch, "step": float(problem.step)},
    )
    calls = row_calls(torch, one_row, X, Y, per_call)

    def train(starts, epochs):
        found = [torch.tensor(column) for column in np.ascontiguousarray(starts.T)]
        with torch.no_grad():
            for _ in range(epochs):
                for call, x, y in calls:
                    found = call(found, x, y)
        return np.array([column.numpy() for column in found]).T

    return train


def matrix_products(problem, networks):
    """The step by hand, with batched matrix products in place and W (M, units, inputs)."""
    torch, X, Y = tensors(problem)
    factor = float(problem.step)

    def visit(layers, x, y):
        values = [x.expand(networks, -1)[:, :, None]]
        for W, b in layers[:-1]:
            values.append(torch.baddbmm(b, W, values[-1]).relu_())
        W, b = layers[-1]
        s = torch.baddbmm(b, W, values[-1]).sub_(y[:, None]).mul_(factor)
        for depth in reversed(range(len(layers))):
            (W, b), a = layers[depth], values[depth]
            below = torch.bmm(W.mT, s).mul_(a > 0) if depth else None
            W.baddbmm_(s, a.mT)
            b.add_(s)
            s = below

    def train(starts, epochs):
        pairs = problem.network.split(starts)
        layers = [(torch.tensor(W.copy()), torch.tensor(b[:, :, None].copy())) for W, b in pairs]
        with torch.no_grad():
            for _ in range(epochs):
                for x, y in zip(X, Y, strict=True):
                    visit(layers, x, y)
        return problem.network.join([(W.numpy(), b.numpy()[:, :, 0]) for W, b in layers])

    return train

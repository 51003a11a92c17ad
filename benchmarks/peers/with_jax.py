"""JAX: one jit of everything, with a scan over the rows inside a loop over the epochs.

Other forms were tried on 2-2-1, 4-16-1 and 10-32-32-1; none is faster, so they are left out. Measured in ns
per network and row (2-2-1, float64, 256 networks, one core of an EPYC of the Zen 4 kind, jax 0.10), where the
scan by hand takes 3.1:

- one array for each parameter: 10; XLA's CPU backend gives every result a loop of its own
- unroll=2, 4, 8: 6, 26, 21
- weights and biases of a layer in one array: 4.4
- fori_loop instead of scan, or rows as arguments instead of constants: 5, because of more copies
- vmap inside the scan: 8
- other vector widths and fast-math flags: no change
"""

from functools import cache, partial

import numpy as np

from peers.forms import Form

# Without this option the scan copies its parameters in every step (measured: 5.2 ns instead of 3.1).
OPTIONS = {"xla_cpu_copy_insertion_use_region_analysis": True}

SIZES = (1, 8, 32, 128, 256, 512, 1024)


def forms(problem, kind):
    """`kind` is "grad" or "hand"."""
    if kind == "grad":
        return [
            Form("vmap over scan of grad, W @ h", SIZES, partial(batched, step=of_grad("ji"))),
            Form("vmap over scan of grad, h @ W", SIZES[1:], partial(batched, step=of_grad("ij"))),
        ]
    return [
        Form("scan by hand, networks last", SIZES, networks_last),
        Form("vmap over scan by hand, h @ W", SIZES[1:], partial(batched, step=by_hand)),
    ]


def trainer(step, problem, over=None):
    """Return a jitted function of parameters and epochs that visits all rows in every epoch.

    `over` transforms this function of one network, as jax.vmap does.
    """
    import jax
    from jax import lax

    jax.config.update("jax_enable_x64", str(problem.dtype) == "float64")
    rows = problem.X, problem.Y  # constants of the compiled function

    def advance(parameters, epochs):
        def visit(parameters, row):
            return step(parameters, *row), None

        return lax.fori_loop(0, epochs, lambda e, p: lax.scan(visit, p, rows)[0], parameters)

    compiled = jax.jit(over(advance) if over else advance, compiler_options=options())
    return lambda parameters, epochs: jax.block_until_ready(compiled(parameters, epochs))


@cache
def options():
    """`OPTIONS`, or none if this version of XLA does not know them."""
    import jax

    try:
        jax.jit(lambda x: x + 1, compiler_options=OPTIONS)(1.0)
    except Exception:
        return {}
    return OPTIONS


def batched(problem, networks, step):
    """The training of one network under vmap, with networks along the first axis."""
    import jax

    made, transposed = step(problem)
    run = trainer(made, problem, partial(jax.vmap, in_axes=(0, None)))

    def train(starts, epochs):
        pairs = problem.network.split(starts)
        parameters = [(W.swapaxes(1, 2).copy() if transposed else W.copy(), b.copy()) for W, b in pairs]
        found = [(np.asarray(W), np.asarray(b)) for W, b in run(parameters, epochs)]
        return problem.network.join([(W.swapaxes(1, 2) if transposed else W, b) for W, b in found])

    return train


def of_grad(layout):
    """The step with jax.grad of the squared error; W (units, inputs) for "ji", (inputs, units) for "ij"."""

    def made(problem):
        import jax

        rate = problem.dtype.type(problem.learning_rate)

        def loss(layers, x, y):
            h = x
            for W, b in layers[:-1]:
                h = jax.nn.relu((W @ h if layout == "ji" else h @ W) + b)
            W, b = layers[-1]
            return (((W @ h if layout == "ji" else h @ W) + b - y) ** 2).sum()

        def step(layers, x, y):
            return jax.tree.map(lambda p, slope: p - rate * slope, layers, jax.grad(loss)(layers, x, y))

        return step, layout == "ij"

    return made


def by_hand(problem):
    """The step by hand, with W (inputs, units)."""
    import jax.numpy as jnp

    def step(layers, x, y):
        values = [x]
        for W, b in layers[:-1]:
            values.append(jnp.maximum(values[-1] @ W + b, 0))
        W, b = layers[-1]
        s = problem.step * (values[-1] @ W + b - y)
        trained = []
        for (W, b), a in zip(layers[::-1], values[::-1], strict=True):
            trained.append((W + a[:, None] * s, b + s))
            s = jnp.where(a > 0, W @ s, 0)
        return trained[::-1]

    return step, True


def networks_last(problem, networks):
    """The step by hand for all networks, with W (units, inputs, M), so that every loop runs over M."""
    import jax.numpy as jnp

    def step(layers, x, y):
        values = [x[:, None]]
        for W, b in layers:
            z = (W * values[-1]).sum(axis=1) + b
            values.append(jnp.maximum(z, 0))
        s = problem.step * (z - y[:, None])
        trained = []
        for (W, b), a in zip(layers[::-1], values[-2::-1], strict=True):
            trained.append((W + s[:, None] * a, b + s))
            s = jnp.where(a > 0, (W * s[:, None]).sum(axis=0), 0)
        return trained[::-1]

    run = trainer(step, problem)

    def train(starts, epochs):
        pairs = problem.network.split(starts)
        columns = [(np.moveaxis(W, 0, -1).copy(), b.T.copy()) for W, b in pairs]
        found = [(np.asarray(W), np.asarray(b)) for W, b in run(columns, epochs)]
        return problem.network.join([(np.moveaxis(W, -1, 0), b.T) for W, b in found])

    return train

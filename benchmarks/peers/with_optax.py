"""JAX with optax: Adam on batches, one jit of everything, with a scan over the batches of an epoch.

The learning rule is optax's, on whole arrays. Measured in ns per network and row (4-16-1, batches of 32,
float64, one core of an EPYC of the Zen 5 kind, jax 0.10): networks last 44, with Adam written out as much.
"""

from functools import partial

import numpy as np

from peers.forms import Form
from peers.with_jax import options

SIZES = (1, 32, 128, 512, 2048)


def forms(problem, kind):
    """`kind` is not used."""
    return [
        Form("vmap over scan of grad", SIZES, partial(batched, gradients=of_grad)),
        Form("vmap over scan by hand", SIZES, partial(batched, gradients=by_hand)),
        Form("scan by hand, networks last", SIZES, networks_last),
    ]


def trainer(problem, gradients, over=None):
    """Return a jitted function of layers and epochs that makes a step of Adam for each batch.

    `over` transforms this function of one network, as jax.vmap does.
    """
    import jax
    import optax
    from jax import lax

    jax.config.update("jax_enable_x64", str(problem.dtype) == "float64")
    adam, size = optax.adam(problem.learning_rate), problem.batch_size
    whole = len(problem.X) - len(problem.X) % size
    batches = tuple(array[:whole].reshape(-1, size, array.shape[1]) for array in (problem.X, problem.Y))

    def step(carried, rows):
        layers, state = carried
        moves, state = adam.update(gradients(layers, *rows), state, layers)
        return (optax.apply_updates(layers, moves), state), None

    def epoch(number, carried):
        carried, _ = lax.scan(step, carried, batches)
        return step(carried, (problem.X[whole:], problem.Y[whole:]))[0] if whole < len(problem.X) else carried

    def advance(layers, epochs):
        return lax.fori_loop(0, epochs, epoch, (layers, adam.init(layers)))[0]

    compiled = jax.jit(over(advance) if over else advance, compiler_options=options())
    return lambda layers, epochs: jax.block_until_ready(compiled(layers, epochs))


def batched(problem, networks, gradients):
    """The training of one network under vmap, with networks along the first axis and W (inputs, units)."""
    import jax

    run = trainer(problem, gradients, partial(jax.vmap, in_axes=(0, None)))

    def train(starts, epochs):
        layers = [(W.swapaxes(1, 2).copy(), b.copy()) for W, b in problem.network.split(starts)]
        found = run(layers, epochs)
        return problem.network.join([(np.asarray(W).swapaxes(1, 2), np.asarray(b)) for W, b in found])

    return train


def of_grad(layers, X, Y):
    """The gradients of a batch by jax.grad."""
    import jax

    def loss(layers):
        h = X
        for W, b in layers[:-1]:
            h = jax.nn.relu(h @ W + b)
        W, b = layers[-1]
        return ((h @ W + b - Y) ** 2).sum() / len(X)

    return jax.grad(loss)(layers)


def by_hand(layers, X, Y):
    """The gradients of a batch written out, layer by layer."""
    import jax.numpy as jnp

    values = [X]
    for W, b in layers[:-1]:
        values.append(jnp.maximum(values[-1] @ W + b, 0))
    W, b = layers[-1]
    s, found = (values[-1] @ W + b - Y) * (2 / len(X)), []
    for (W, _), a in zip(layers[::-1], values[::-1], strict=True):
        found.append((a.T @ s, s.sum(axis=0)))
        s = jnp.where(a > 0, s @ W.T, 0)
    return found[::-1]


def networks_last(problem, networks):
    """The gradients by hand for all networks, with W (inputs, units, M), so that every loop runs over M."""
    import jax.numpy as jnp

    def gradients(layers, X, Y):
        values = [X[:, :, None]]
        for W, b in layers:
            a = values[-1]
            z = jnp.einsum("bi,ijm->bjm", X, W) if len(values) == 1 else jnp.einsum("bim,ijm->bjm", a, W)
            values.append(jnp.maximum(z + b, 0))
        s, found = (z + b - Y[:, :, None]) * (2 / len(X)), []
        for (W, _), a in zip(layers[::-1], values[-2::-1], strict=True):
            first = a is values[0]
            by_weights = jnp.einsum("bi,bjm->ijm", X, s) if first else jnp.einsum("bim,bjm->ijm", a, s)
            found.append((by_weights, s.sum(axis=0)))
            if not first:
                s = jnp.where(a > 0, jnp.einsum("bjm,ijm->bim", s, W), 0)
        return found[::-1]

    run = trainer(problem, gradients)

    def train(starts, epochs):
        pairs = problem.network.split(starts)
        layers = [(W.transpose(2, 1, 0).copy(), b.T.copy()) for W, b in pairs]
        found = [(np.asarray(W), np.asarray(b)) for W, b in run(layers, epochs)]
        return problem.network.join([(W.transpose(2, 1, 0), b.T) for W, b in found])

    return train

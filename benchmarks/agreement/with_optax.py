"""JAX with optax: a penalty and clipping are links of the chain, a schedule is one of the epoch."""

import jax
import jax.numpy as jnp
import optax

WEIGHTS = [(True, False)] * 2  # biases have no penalty


def train(problem):
    optimizer, lost = optimizer_of(problem), loss_of(problem)

    def of_layers(layers, X, Y):
        (W1, b1), (W2, b2) = layers
        return lost(jnp.tanh(X @ W1.T + b1) @ W2.T + b2, Y)

    layers = jax.tree.map(jnp.asarray, problem.layers)
    state = optimizer.init(layers)
    for X, Y in problem.batches:
        moves, state = optimizer.update(jax.grad(of_layers)(layers, X, Y), state, layers)
        layers = optax.apply_updates(layers, moves)
    return layers


def optimizer_of(problem):
    given, scaled, rate = problem.given, problem.scaled, rate_of(problem)
    links = []
    if "l2" in given:
        links.append(optax.add_decayed_weights(scaled("l2"), WEIGHTS))
    if "clip" in given:
        links.append(optax.clip_by_global_norm(scaled("clip")))
    adam = {"b1": given.get("beta1"), "b2": given.get("beta2"), "eps": scaled("eps")}
    decay = problem.decay
    return optax.chain(
        *links,
        {
            "sgd": lambda: optax.sgd(rate),
            "momentum": lambda: optax.sgd(rate, given["momentum"]),
            "nesterov": lambda: optax.sgd(rate, given["momentum"], nesterov=True),
            "rmsprop": lambda: optax.rmsprop(rate, given["rho"], scaled("eps"), eps_in_sqrt=False),
            "adam": lambda: (
                optax.adamw(rate, **adam, weight_decay=decay, mask=WEIGHTS)
                if decay
                else optax.adam(rate, **adam)
            ),
        }[problem.optimizer](),
    )


def rate_of(problem):
    """The rate, or a function of the updates so far."""
    given, rate, warmup = problem.given, problem.rate, problem.given.get("warmup", 0.0)
    if problem.schedule == "constant":
        return rate
    of_epoch = {
        "step": lambda: optax.exponential_decay(rate, given["every"], given["gamma"], staircase=True),
        "exponential": lambda: optax.exponential_decay(rate, 1, given["gamma"]),
        "cosine": lambda: optax.warmup_cosine_decay_schedule(
            rate / (warmup + 1), rate, int(warmup), int(warmup + given["horizon"]), given["final"] * rate
        ),
        "warm_up": lambda: optax.linear_schedule(rate / (warmup + 1), rate, int(warmup)),
    }[problem.schedule]()
    return lambda update: of_epoch(jnp.asarray(update // problem.updates, float))  # of int32 it is float32


def loss_of(problem):
    losses = {
        "squared": optax.l2_loss,
        "huber": lambda yhat, y: optax.huber_loss(yhat, y, delta=problem.given["delta"]),
        "log_cosh": optax.log_cosh,
        "cross_entropy, softmax": optax.softmax_cross_entropy,
        "cross_entropy, sigmoid": optax.sigmoid_binary_cross_entropy,
    }[problem.loss]
    return lambda yhat, y: losses(yhat, y).reshape(len(y), -1).sum(axis=1).mean()

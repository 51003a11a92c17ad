"""Keras on JAX: penalties as regularizers of the kernels, schedules of the epoch instead of the update.

Its cosine gives float32 there, so that its cosine schedule is left out.
"""

import keras
from jax.numpy import tanh  # that of Keras gives float32


def train(problem):
    keras.config.set_floatx("float64")
    hidden, K = (len(b) for _, b in problem.layers)
    dense = keras.layers.Dense
    parts = [dense(hidden, tanh, **penalty_of(problem)), dense(K, **penalty_of(problem))]
    model = keras.Sequential([keras.layers.Input((problem.X.shape[1],)), *parts])
    model.set_weights([array for W, b in problem.layers for array in (W.T, b)])
    model.compile(optimizer_of(problem), loss_of(problem))
    how = {"batch_size": problem.batch, "epochs": problem.epochs, "shuffle": False, "verbose": 0}
    model.fit(problem.X, problem.Y, sample_weight=problem.weights, **how)
    return [[layer.kernel.numpy().T, layer.bias.numpy()] for layer in parts]


def penalty_of(problem):
    l1, l2 = problem.scaled("l1"), problem.scaled("l2") / 2
    return {"kernel_regularizer": keras.regularizers.L1L2(l1, l2)} if l1 or l2 else {}


def optimizer_of(problem):
    given, optimizers = problem.given, keras.optimizers
    rate = ByEpoch(problem) if problem.schedule != "constant" else problem.rate
    limits = {"weight_decay": problem.decay or None, "global_clipnorm": problem.scaled("clip") or None}
    adam = optimizers.AdamW if problem.decay else optimizers.Adam
    optimizer = {
        "sgd": lambda: optimizers.SGD(rate, **limits),
        "momentum": lambda: optimizers.SGD(rate, given["momentum"], **limits),
        "nesterov": lambda: optimizers.SGD(rate, given["momentum"], nesterov=True, **limits),
        "adam": lambda: adam(
            rate, beta_1=given["beta1"], beta_2=given["beta2"], epsilon=problem.scaled("eps"), **limits
        ),
    }[problem.optimizer]()
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


class ByEpoch(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of Keras that counts epochs."""

    def __init__(self, problem):
        given, rate, by = problem.given, problem.rate, keras.optimizers.schedules
        self.updates = problem.updates
        self.of_epoch = {
            "step": lambda: by.ExponentialDecay(rate, given["every"], given["gamma"], staircase=True),
            "exponential": lambda: by.ExponentialDecay(rate, 1, given["gamma"]),
            "inverse_scaling": lambda: by.InverseTimeDecay(rate, 1, given["scale"]),  # its power is 1
        }[problem.schedule]()

    def __call__(self, update):
        return self.of_epoch(update // self.updates)


def loss_of(problem):
    losses = keras.losses
    return {
        "squared": losses.MeanSquaredError,
        "absolute": losses.MeanAbsoluteError,
        "huber": lambda: losses.Huber(problem.given["delta"]),
        "log_cosh": losses.LogCosh,
        "cross_entropy, softmax": lambda: losses.CategoricalCrossentropy(from_logits=True),
        "cross_entropy, sigmoid": lambda: losses.BinaryCrossentropy(from_logits=True),
    }[problem.loss]()

"""The same training by fastnn and by other libraries, rule by rule, in float64.

``python -m agreement --write`` in this folder's parent measures how far the trained parameters are apart, and
writes the table of the guide's chapter on other libraries.
"""

import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import fastnn
from agreement import libraries
from fastnn.core import losses
from fastnn.core.choices import settings_of
from fastnn.core.optimizers import Adagrad, Adam, IRpropMinus, Momentum, Nesterov, RMSProp

OURS = {
    "sgd": fastnn.optimizers.SGD(),
    "momentum": Momentum(momentum=0.6),
    "nesterov": Nesterov(momentum=0.6),
    "rmsprop": RMSProp(rho=0.8, eps=1e-3),
    "adagrad": Adagrad(initial_sum=0.25, eps=1e-3),
    "adam": Adam(beta1=0.8, beta2=0.95, eps=1e-3),
    "adam with eps_hat": Adam(beta1=0.8, beta2=0.95, eps=1e-3, eps_hat=True),
    "irprop-": IRpropMinus(delta0=0.02, least=0.004, most=0.05),
    "sgd with weights": fastnn.optimizers.SGD(),
    "momentum with weights in batches": Momentum(momentum=0.6),
}
# Within what the weights of rows count; their mean is 1, which Keras does not divide by.
WITHIN = {"sgd with weights": "epoch", "momentum with weights in batches": "batch"}
WEIGHTS = [2.0, 0.0, 0.5, 1.5, 1.0, 0.25, 1.75, 1.0, 0.0, 2.0]
LOSSES = {
    "squared": (losses.Squared(), "identity"),
    "absolute": (losses.Absolute(), "identity"),
    "huber": (losses.Huber(delta=libraries.DELTA), "identity"),
    "log_cosh": (losses.LogCosh(), "identity"),
    "poisson": (losses.Poisson(), "exponential"),
    "cross_entropy, softmax": (losses.CrossEntropy(), "softmax"),
    "cross_entropy, sigmoid": (losses.CrossEntropy(), "sigmoid"),
}
PAIRS = [(library, rule) for library, rules in libraries.RULES.items() for rule in rules]
PAIRS += [(library, loss) for library, known in libraries.LOSSES.items() for loss in known]
NETWORK = fastnn.Network((3, 4, libraries.K), "tanh")
RATE, BATCH, EPOCHS = 0.0625, 4, 20  # Keras keeps a rate as float32


def problem(rule="sgd"):
    """X, Y and the start of a training: 10 rows, so that the last batch is short.

    For losses with outputs of their own, Y holds one of two classes.
    """
    draw = np.random.default_rng(0)
    shapes = (10, NETWORK.n_inputs), (10, NETWORK.n_outputs), NETWORK.n_parameters
    X, Y, start = (draw.normal(0.0, 0.7, shape) for shape in shapes)
    _, output = LOSSES.get(rule, (None, "identity"))
    return [X, Y if output == "identity" else np.eye(libraries.K)[(Y[:, 0] > 0).astype(int)], start]


@cache
def by_fastnn(rule):
    """The parameters that fastnn trains by a rule."""
    options = {"batch_size": BATCH, "epochs": EPOCHS, "engine": "batched"}
    if rule != "irprop-":
        options["learning_rate"] = RATE
    if rule in WITHIN:
        options |= {"sample_weight": WEIGHTS, "weights_within": WITHIN[rule]}
    if rule in LOSSES:
        options["loss"], output = LOSSES[rule]
        network = fastnn.Network(NETWORK.layers, NETWORK.hidden, output)
        return fastnn.train(network, *problem(rule), **options).parameters
    return fastnn.train(NETWORK, *problem(), optimizer=OURS[rule], **options).parameters


@cache
def by_library(library):
    """The parameters that a library trains by each of its rules: its program imports it once."""
    rules = (*libraries.RULES[library], *libraries.LOSSES.get(library, ()))
    with TemporaryDirectory() as folder:
        files = {rule: Path(folder) / f"{rule}.npz" for rule in rules}
        for rule, file in files.items():
            np.savez(file, **_given(rule))
        subprocess.run([sys.executable, libraries.__file__, library, folder], check=True)
        return {rule: np.load(file)["parameters"] for rule, file in files.items()}


def _given(rule):
    """What a library's program is given for a rule, by name."""
    X, Y, start = problem(rule)
    given = {"X": X, "Y": Y, "rate": RATE, "batch": BATCH, "epochs": EPOCHS}
    for n, (W, b) in enumerate(NETWORK.split(start)):
        given |= {f"W{n}": W, f"b{n}": b}
    given |= {"weights": WEIGHTS} if rule in WITHIN else {}
    settings = settings_of(OURS[rule]) if rule in OURS else {}
    return given | {f"given_{name}": value for name, value in settings.items()}


def is_installed(library):
    """Whether a library is here, with what its program needs."""
    return all(map(find_spec, libraries.NEEDED[library]))


def same(one, other):
    """Whether two names mean the same: plain gradient descent on the squared error has two."""
    return one == other or {one, other} == {"sgd", "squared"}


def apart(ours, theirs):
    """The largest difference of a parameter, as a part of it."""
    return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))

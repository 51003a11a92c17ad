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
from fastnn.core.optimizers import SGD, Adagrad, Adam, IRpropMinus, Momentum, Nesterov, RMSProp
from fastnn.core.recipe import CONSTANT
from fastnn.core.schedules import Cosine, Exponential, InverseScaling, Step, WarmUp

ADAM = Adam(beta1=0.8, beta2=0.95, eps=1e-3)
OF_KERAS = Adam(beta1=0.8, beta2=0.95, eps=1e-3, eps_hat=True)
WEIGHTS = [2.0, 0.0, 0.5, 1.5, 1.0, 0.25, 1.75, 1.0, 0.0, 2.0]  # Keras does not divide by their mean: it is 1
OURS = {  # the options of fastnn.train
    "sgd": {},
    "momentum": {"optimizer": Momentum(momentum=0.6)},
    "nesterov": {"optimizer": Nesterov(momentum=0.6)},
    "rmsprop": {"optimizer": RMSProp(rho=0.8, eps=1e-3)},
    "adagrad": {"optimizer": Adagrad(initial_sum=0.25, eps=1e-3)},
    "adam": {"optimizer": ADAM},
    "adam with eps_hat": {"optimizer": OF_KERAS},
    "irprop-": {"optimizer": IRpropMinus(delta0=0.02, least=0.004, most=0.05)},
    "sgd with weights": {"sample_weight": WEIGHTS},
    "momentum with weights in batches": {
        "optimizer": Momentum(momentum=0.6),
        "sample_weight": WEIGHTS,
        "weights_within": "batch",
    },
    "l2": {"l2": 0.05},
    "l2 on the sum": {"l2": 0.05, "l2_on": "sum"},
    "l1": {"l1": 0.02},
    "momentum with decay": {"optimizer": Momentum(momentum=0.6), "decay": 0.05},
    "adam with l2": {"optimizer": ADAM, "l2": 0.05},
    "adam with decay": {"optimizer": ADAM, "decay": 0.05},
    "adam with eps_hat and decay": {"optimizer": OF_KERAS, "decay": 0.05},
    "clip": {"clip": 0.75},
    "clip with l2": {"clip": 0.75, "l2": 0.05},
    "step": {"schedule": Step(every=6, gamma=0.3)},
    "exponential": {"schedule": Exponential(gamma=0.9)},
    "cosine": {"schedule": Cosine(horizon=30, final=0.1)},
    "cosine after warm-up": {"schedule": Cosine(horizon=12, final=0.1, warmup=3)},
    "warm-up": {"schedule": WarmUp(warmup=8)},
    "inverse scaling": {"schedule": InverseScaling(power=1, scale=0.25)},
    "inverse scaling by rows": {"schedule": InverseScaling(power=0.25, scale=10)},
    "momentum in steps": {"optimizer": Momentum(momentum=0.6), "schedule": Step(every=6, gamma=0.3)},
}
LOSSES = {
    "squared": (losses.Squared(), "identity"),
    "absolute": (losses.Absolute(), "identity"),
    "huber": (losses.Huber(delta=0.25), "identity"),
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
    options = {"batch_size": BATCH, "epochs": EPOCHS, "engine": "batched", **OURS.get(rule, {})}
    if rule != "irprop-":
        options["learning_rate"] = RATE
    loss, output = LOSSES.get(rule, LOSSES["squared"])
    network = fastnn.Network(NETWORK.layers, NETWORK.hidden, output)
    return fastnn.train(network, *problem(rule), loss=loss, **options).parameters


@cache
def by_library(library):
    """The parameters that a library trains by each of its rules: its program imports it once."""
    rules = (*libraries.RULES[library], *libraries.LOSSES[library])
    with TemporaryDirectory() as folder:
        files = {rule: Path(folder) / f"{rule}.npz" for rule in rules}
        for rule, file in files.items():
            np.savez(file, **_given(rule))
        subprocess.run([sys.executable, libraries.__file__, library, folder], check=True)
        return {rule: np.load(file)["parameters"] for rule, file in files.items()}


def _given(rule):
    """What a library's program is given for a rule, by name."""
    X, Y, start = problem(rule)
    asked = dict(OURS.get(rule, {}))
    loss, _ = LOSSES.get(rule, LOSSES["squared"])
    chosen = {"optimizer": asked.pop("optimizer", SGD()), "schedule": asked.pop("schedule", CONSTANT)}
    settings = {name: asked[name] for name in ("l2", "l1", "decay", "clip") if name in asked}
    for one in (loss, *chosen.values()):
        settings |= settings_of(one)
    given = {"X": X, "Y": Y, "rate": RATE, "batch": BATCH, "epochs": EPOCHS}
    given |= {kind: one.name for kind, one in chosen.items()}
    for n, (W, b) in enumerate(NETWORK.split(start)):
        given |= {f"W{n}": W, f"b{n}": b}
    given |= {"weights": WEIGHTS} if "sample_weight" in asked else {}
    return given | {f"given_{name}": value for name, value in settings.items()}


def is_installed(library):
    """Whether a library is here, with what its program needs; a folder of its name is no library."""
    found = map(find_spec, libraries.NEEDED[library])
    return all(spec is not None and spec.origin is not None for spec in found)


def same(one, other):
    """Whether two names mean the same: plain gradient descent on the squared error has two."""
    return one == other or {one, other} == {"sgd", "squared"}


def apart(ours, theirs):
    """The largest difference of a parameter, as a part of it."""
    return float(np.max(np.abs(ours - theirs) / np.abs(theirs)))

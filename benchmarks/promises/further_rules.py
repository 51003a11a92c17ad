"""The promises about Adam and iRprop- beside plain gradient descent, and softmax beside identity outputs."""

import fastnn
from fastnn.core.losses import CrossEntropy
from fastnn.core.optimizers import Adam, IRpropMinus
from fastnn.core.recipe import Recipe
from fastnn.core.rule import DTYPES
from promises.measuring import Line
from promises.ports import beside_plain
from suite.kernels import ROWS, Job, times
from suite.rules import NETWORKS

RULES = {
    "Adam": Recipe(optimizer=Adam()),
    "Adam, batches of 32": Recipe(optimizer=Adam(), batch_size=32),
    "iRprop-, all rows": Recipe(optimizer=IRpropMinus(), batch_size=ROWS),
}
PROMISES = {
    ("Adam", "2-2-1", "float64"): 9,
    ("Adam", "4-16-1", "float64"): 9,
    ("Adam", "2-2-1", "float32"): 6.5,
    ("Adam, batches of 32", "2-2-1", "float64"): 1.0,
    ("Adam, batches of 32", "4-16-1", "float64"): 1.15,
    ("iRprop-, all rows", "2-2-1", "float64"): 0.85,
    ("iRprop-, all rows", "4-16-1", "float64"): 0.85,
}
CLASSIFIERS = {
    ((4, 5, 3), "relu"): 1.75,
    ((4, 16, 3), "relu"): 1.45,
    ((4, 5, 3), "tanh"): 1.3,
    ((4, 16, 3), "tanh"): 1.2,
}


def versus_plain(data, rounds):
    """10 000 networks in the engine `lanes`: each rule against plain gradient descent, one row at a time."""
    for shape, network in NETWORKS.items():
        for dtype in DTYPES:
            jobs = {name: Job(network, recipe) for name, recipe in {"plain": Recipe(), **RULES}.items()}
            timed = times(jobs, dtype, data, rounds)
            for name in RULES:
                promise = PROMISES.get((name, shape, dtype))
                title = f"{name} : plain" if promise is None else f"{name} : plain, {shape}, {dtype}"
                ratio, rule = timed[name] / timed["plain"], (network, RULES[name], dtype)
                yield beside_plain(title, ratio, promise, timed["plain"], *rule)
            yield Line("plain", timed["plain"] * 1e9, unit="ns per network and row")


def softmax(data, rounds):
    """10 000 networks in the engine `lanes`: softmax with cross-entropy against identity, squared error."""
    for (layers, hidden), promise in CLASSIFIERS.items():
        jobs = {
            "identity": Job(fastnn.Network(layers, hidden), Recipe()),
            "softmax": Job(fastnn.Network(layers, hidden, "softmax"), Recipe(loss=CrossEntropy())),
        }
        timed = times(jobs, "float64", data, rounds)
        shape = "-".join(map(str, layers))
        yield Line(f"softmax : identity, {shape}, {hidden}", timed["softmax"] / timed["identity"], promise)
        yield Line("identity", timed["identity"] * 1e9, unit="ns per network and row")

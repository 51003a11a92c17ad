"""The promises about networks of shapes never met: how fast general kernels are, and how soon ready."""

import os
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import fastnn
from fastnn.core.optimizers import Adam, Momentum
from fastnn.core.recipe import Recipe
from promises.measuring import Line
from promises.processes import Processes
from suite.kernels import Job, times
from suite.timing import in_turns, seconds

# `general` against `lanes`: the shape, the hidden activation, and the promise.
ALONE = [
    ((2, 2, 1), "relu", 1.5),
    ((3, 5, 4, 2), "relu", 1.35),
    ((4, 16, 1), "relu", 1.35),
    ((2, 2, 1), "tanh", 1.05),
    ((4, 16, 1), "tanh", 1.05),
]
RULES = {
    "momentum": Recipe(optimizer=Momentum()),
    "Adam": Recipe(optimizer=Adam()),
    "batches of 32": Recipe(batch_size=32),
}
FEW = {"networks": 2048, "rows": 600}

WARM = "import fastnn; fastnn.warmup(fastnn.Network((2, 2, 1)))"

# In a process that has compiled another kernel.
COMPILED = """
from time import process_time
import fastnn
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import load
from fastnn.engines.precedence import of_both_kinds
load("lanes").kernel(fastnn.Network((1, 1)), "float64")
for rule in (PLAIN, Rule(batched=True)):
    for network in of_both_kinds(fastnn.Network((2, 2, 1))):
        began = process_time()
        load("general").kernel(network, "float64", rule)
        print(process_time() - began)
"""
NEVER_MET = """
from time import perf_counter
import numpy as np
import fastnn
random = np.random.default_rng(0)
X, Y = random.random((100, 3)), random.random((100, 2))
fastnn.train(fastnn.Network((2, 2, 1)), X[:, :2], Y[:, :1])
began = perf_counter()
fastnn.train(fastnn.Network((3, 5, 4, 2)), X, Y)
print(perf_counter() - began)
"""
ARCHITECTURES = """
import numpy as np
import fastnn
random = np.random.default_rng(0)
X, Y = random.random((100, 4)), random.random((100, 2))
for layers in [(4, first, second, 2) for first in range(2, 12) for second in range(2, 7)]:
    fastnn.sweep(fastnn.Network(layers), X, Y, networks=20, epochs=50, progress=False)
"""


def general(data, rounds):
    """Many networks: the kernel that is told their sizes against that which is made for them."""
    for layers, hidden, promise in ALONE:
        network = fastnn.Network(layers, hidden)
        shape = "-".join(map(str, layers))
        yield _against_lanes(network, Recipe(), data, rounds, f"general : lanes, {shape}, {hidden}", promise)
        if hidden == "relu":
            for name, recipe in RULES.items():
                yield _against_lanes(network, recipe, data, rounds, name)


def _against_lanes(network, recipe, data, rounds, title, promise=None):
    jobs = {engine: Job(network, recipe, engine) for engine in ("general", "lanes")}
    timed = times(jobs, "float64", data, rounds, **FEW)
    return Line(title, timed["general"] / timed["lanes"], promise)


def compiling(data, rounds):
    """Compiling the general kernels, which is done once: processor seconds."""
    with TemporaryDirectory() as folder:
        found = [Processes(folder).printed(COMPILED, FASTNN_CACHE="0") for _ in range(max(2, rounds // 5))]
    kinds = [f"{kind} networks{rows}" for rows in ("", " in batches") for kind in ("any", "shallow")]
    for kind, took in zip(kinds, zip(*found, strict=True), strict=True):
        yield Line(f"general, for {kind}, compiled, seconds", took, 3.0)


def never_met(data, rounds):
    """With general kernels on disk: networks of shapes that have no kernel of their own."""
    with TemporaryDirectory() as folder:
        processes, kept = Processes(folder), {"FASTNN_CACHE": str(Path(folder, "kernels"))}
        processes.seconds(["-c", WARM], **kept)
        repeated = range(max(2, rounds // 3))
        one = [processes.printed(NEVER_MET, **kept)[0] for _ in repeated]
        many = [processes.seconds(["-c", ARCHITECTURES], **kept) for _ in repeated]
    yield Line("train 3-5-4-2, after another shape, seconds", one, 0.15)
    yield Line("50 architectures, a fresh process, seconds", many, 5.0)


def tuning(data, rounds):
    """Short sweeps that may try forms of kernels against those that may not: processor seconds."""

    def sweep(may_tune, networks):
        os.environ["FASTNN_TUNE"] = may_tune
        network = fastnn.Network((2, 2, 1))
        fastnn.sweep(network, data.X, data.y, networks=networks, epochs=100, progress=False)

    before = os.environ.get("FASTNN_TUNE")
    for networks in (1000, 10_000):
        sweep("0", networks)
        on, off = (partial(seconds, sweep, may_tune, networks) for may_tune in ("1", "0"))
        timed = in_turns(rounds, on=on, off=off)
        yield Line(f"sweep of {networks}, tuning on : off", timed["on"] / timed["off"], 1.01)
    os.environ.pop("FASTNN_TUNE")
    if before is not None:
        os.environ["FASTNN_TUNE"] = before

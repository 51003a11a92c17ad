"""Classifiers of fastnn and of other libraries on the tables of scikit-learn, from the same start."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import fastnn
from agreement import classifiers

LIBRARIES, TABLES = tuple(classifiers.LIBRARIES), classifiers.TABLES

RATE, BATCH, EPOCHS, HIDDEN = 0.125, 16, 30, 8  # Keras keeps a rate as float32


@cache
def table(name):
    """The Dataset of a table: its rows in an order of their own, as some are sorted by class."""
    from sklearn import datasets

    held = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = held.frame.sample(frac=1, random_state=0)
    names = np.asarray(held.target_names).astype(str)
    frame["target"] = names[frame["target"].to_numpy()]
    return fastnn.Dataset.from_frame(frame, held.feature_names, "target", categories="target")


def network(name):
    """The network for a table: one sigmoid output for two classes, as scikit-learn has it."""
    data = table(name)
    K = len(data.classes)
    layers = (len(data.inputs), HIDDEN, 1 if K == 2 else K)
    return fastnn.Network(layers, output="sigmoid" if K == 2 else "softmax")


def start(name):
    """The starting parameters for a table."""
    return fastnn.glorot().draw(network(name), [0], 0)[0]


@cache
def by_fastnn(name):
    """The Training on a table."""
    options = {"batch_size": BATCH, "epochs": EPOCHS, "learning_rate": RATE, "engine": "batched"}
    return fastnn.train(network(name), table(name), start=start(name), loss="cross_entropy", **options)


def probabilities(name):
    """The probabilities (N, K) of the trained network for its rows; (N, 1) for two classes."""
    found = by_fastnn(name).predict(table(name))
    return found.reshape(len(found), -1)


@cache
def by_library(library):
    """The probabilities of the networks that a library trains, by table: its program imports it once."""
    with TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.npz" for name in classifiers.TABLES}
        for name, file in files.items():
            data, given = table(name), {"rate": RATE, "batch": BATCH, "epochs": EPOCHS}
            for n, (W, b) in enumerate(network(name).split(start(name))):
                given |= {f"W{n}": W, f"b{n}": b}
            np.savez(file, X=data.X, y=data.y.argmax(axis=1), **given)
        subprocess.run([sys.executable, classifiers.__file__, library, folder], check=True)
        return {name: np.load(file)["probabilities"] for name, file in files.items()}

"""Classifiers against those of scikit-learn, PyTorch and Keras, and what names of classes must not change."""

import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

import fastnn
from fastnn import Dataset, Network, train

sys.path.insert(0, str(ROOT / "benchmarks"))
from agreement import classifiers, is_installed, of_classes

ROWS = 24
PLACES = np.arange(ROWS) * 7 % 4
FRAME = pd.DataFrame(np.random.default_rng(2).normal(size=(ROWS, 2)) + PLACES[:, None], columns=["x", "z"])
NETWORK = Network((2, 3, 4), output="softmax")
HOW = {"epochs": 60, "batch_size": 5, "learning_rate": 0.2, "engine": "batched"}


@pytest.mark.slow  # a program that imports the library, and 120 epochs: 5 to 40 s
@pytest.mark.parametrize("library", classifiers.LIBRARIES)
def test_probabilities_are_those_of_other_libraries(library):
    if not is_installed(library) or not is_installed("sklearn"):
        pytest.skip(f'{library}, or scikit-learn, is not installed: pip install "fastnn-sweep[peers]"')
    trained = of_classes.by_library(library)
    assert set(trained) == set(classifiers.TABLES)
    for table, theirs in trained.items():
        assert np.abs(theirs - of_classes.probabilities(table)).max() < 1e-10, table
        assert of_classes.by_fastnn(table).score(of_classes.table(table))["accuracy"] > 0.9, table


def trained(names, start, order=None):
    """A training on classes of these names, in sorted order or another."""
    frame = FRAME.assign(name=np.array(names)[PLACES])
    data = Dataset.from_frame(frame, ["x", "z"], "name", ordered={"name": order} if order else None)
    return train(NETWORK, data, start=start, **HOW), data


def test_classes_renamed_permute_nothing():
    start = fastnn.glorot().draw(NETWORK, [0], 0)[0]
    run, data = trained(["a", "b", "c", "d"], start)
    again, other = trained(["fern", "moss", "rose", "tree"], start)
    assert again.parameters.tobytes() == run.parameters.tobytes()
    assert again.predict(other).tobytes() == run.predict(data).tobytes()
    names = dict(zip(data.classes, other.classes, strict=True))
    assert again.predict_classes(other).tolist() == [names[name] for name in run.predict_classes(data)]


@pytest.mark.parametrize("order", [[1, 0, 2, 3], [3, 1, 0, 2]])
def test_classes_permuted_with_the_start_permute_the_outputs(order):
    (W1, b1), (W2, b2) = NETWORK.split(fastnn.glorot().draw(NETWORK, [0], 0)[0])
    run, data = trained(["a", "b", "c", "d"], NETWORK.join([(W1, b1), (W2, b2)]))
    turned = [data.classes[place] for place in order]
    again, other = trained(["a", "b", "c", "d"], NETWORK.join([(W1, b1), (W2[order], b2[order])]), turned)
    assert other.classes == tuple(turned)
    assert np.abs(again.predict(other) - run.predict(data)[:, order]).max() < 1e-12
    assert again.predict_classes(other).tolist() == run.predict_classes(data).tolist()
    assert np.ptp(run.predict(data), axis=0).min() > 0.2  # it has learned something

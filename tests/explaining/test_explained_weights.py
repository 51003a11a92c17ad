"""Explanations of rows with weights: their steps are those of the training, and are proved."""

from dataclasses import replace

import numpy as np
import pytest

import fastnn
from fastnn import Network
from fastnn.explaining.proving import Proof

X = np.array([[0.5, -0.25], [1.25, 0.75], [-0.5, 2.0]])
WEIGHTS = np.array([2.0, 0.5, 0.25])
COEFFICIENTS = WEIGHTS / WEIGHTS.mean()
CASES = {
    "row by row": (Network((2, 2, 1)), {}),
    "adam in a batch": (Network((2, 2, 1), "tanh"), {"optimizer": "adam", "batch_size": 3, "l2": 0.1}),
    "softmax": (Network((2, 2, 3), "tanh", "softmax"), {"loss": "cross_entropy"}),
    "clipped batch of two sigmoids": (
        Network((2, 2, 2), "tanh", "sigmoid"),
        {"loss": "cross_entropy", "batch_size": 3, "clip": 0.2},
    ),
    "poisson": (Network((2, 1), (), "exponential"), {"loss": "poisson"}),
    "absolute": (Network((2, 2, 1)), {"loss": "absolute", "optimizer": "momentum"}),
}
every_case = pytest.mark.parametrize(("network", "trained"), CASES.values(), ids=CASES)


def start(network):
    return np.linspace(-0.9, 1.1, network.n_parameters)


@every_case
def test_steps_are_those_of_the_training(network, trained):
    Y = np.eye(3) if network.n_outputs == 3 else np.abs(X[:, : network.n_outputs]) / 2
    explanation = fastnn.explain(network, weighted=True, **trained)
    state, losses = start(network), []
    whole = trained.get("batch_size") == 3
    for row in [slice(None)] if whole else range(3):
        step = explanation.step(state, X[row], Y[row], 0.1, COEFFICIENTS[row])
        state = step.state
        losses.append(step.loss)
    options = {"learning_rate": 0.1, "epochs": 1, "engine": "batched", "sample_weight": WEIGHTS}
    run = fastnn.train(network, X, Y, start(network), **options, **trained)
    assert step.parameters.tobytes() == run.parameters.tobytes()
    assert (losses[0] if whole else sum(losses) / 3) == run.loss
    assert step.changes()["digits"].min() >= 9


@every_case
def test_is_proved_and_written(network, trained):
    explanation = fastnn.explain(network, weighted=True, **trained)
    proof = explanation.proof()
    assert proof.holds
    assert proof.frame()["claim"][0].startswith("L/c is the ")
    assert max(map(len, proof.text().splitlines())) <= 80
    compact = fastnn.explain(network, weighted=True, compact=True, **trained)
    for written in (explanation, compact):
        assert max(map(len, written.text().splitlines())) <= 80
        assert "c is the row's coefficient" in written.text()
        assert "<math" in written.html()
        assert r"\mathrm{share}" in written.latex()
    assert explanation.code() == fastnn.code(network, weighted=True, **trained)
    assert "c*" not in fastnn.explain(network, **trained).text()


def test_without_a_coefficient_a_row_counts_1():
    network = Network((1, 1))
    weighted, plain = fastnn.explain(network, weighted=True), fastnn.explain(network)
    given = ([1.0, 2.0], 3.0, 4.0, 0.1)
    assert weighted.step(*given).parameters.tolist() == plain.step(*given).parameters.tolist()
    assert weighted.step(*given, 0.0).parameters.tolist() == [1.0, 2.0]
    assert weighted.slip(*given, 0.5).parameters.tolist() == weighted.step(*given, 0.5).parameters.tolist()
    assert repr(weighted).endswith(", rows with weights>")


@pytest.mark.parametrize(
    ("weighted", "coefficient", "message"),
    [
        (False, 0.5, "coefficient must be left out where rows have no weights; got 0.5"),
        (True, [0.5, 1.5], "coefficient must hold a number from 0 for each of 1 row; got"),
        (True, -1, "coefficient must hold a number from 0"),
        (True, np.nan, "coefficient must be finite"),
    ],
)
def test_refusals(weighted, coefficient, message):
    with pytest.raises(fastnn.InputError, match=message):
        fastnn.explain(Network((1, 1)), weighted=weighted).step([1, 2], 3, 4, 0.1, coefficient)


def test_a_wrong_share_is_not_proved():
    derivation = fastnn.derive(Network((1, 1)), weighted=True)
    wrong = [
        replace(e, expression=e.expression * 2.0) if e.kind == "share" else e for e in derivation.equations
    ]
    assert not Proof(replace(derivation, equations=tuple(wrong))).holds

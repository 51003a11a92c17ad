"""Explanations of the losses that are fused with the outputs' activation: their derivative is the error."""

import numpy as np
import pytest

import fastnn
from fastnn import Network
from fastnn.core.fused import CrossEntropy, Poisson
from fastnn.core.losses import LOSSES

SOFTMAX = Network((2, 2, 3), "tanh", "softmax")
FUSED = {
    "softmax": (SOFTMAX, "cross_entropy", [[0, 1, 0], [0, 0, 1]]),
    "softmax of two, no hidden layer": (Network((2, 2), (), "softmax"), "cross_entropy", [[0, 1], [1, 0]]),
    "sigmoid": (Network((2, 2, 1), "relu", "sigmoid"), "cross_entropy", [[1], [0.25]]),
    "two sigmoids": (Network((2, 2, 2), "tanh", "sigmoid"), "cross_entropy", [[1, 0], [0, 0.5]]),
    "exponential": (Network((2, 2, 2), "sigmoid", "exponential"), "poisson", [[3, 0], [0.5, 1]]),
}
TRAINED = ({}, {"optimizer": "adam"}, {"batch_size": 2})
X = [[0.5, -0.25], [1.25, 0.75]]
every_fused = pytest.mark.parametrize(("network", "loss", "Y"), FUSED.values(), ids=FUSED)
every_way = pytest.mark.parametrize("trained", TRAINED, ids=["sgd", "adam", "batch"])


def start(network):
    return np.linspace(-0.9, 1.1, network.n_parameters)


@every_fused
@every_way
def test_a_step_is_that_of_the_training(network, loss, Y, trained):
    n = trained.get("batch_size", 1)
    rows = (X, Y) if n == 2 else (X[0], Y[0])
    step = fastnn.explain(network, loss=loss, **trained).step(start(network), *rows, 0.1)
    expected = fastnn.train(network, X[:n], Y[:n], start(network), loss=loss, epochs=1, learning_rate=0.1,
                            engine="batched", **trained)  # fmt: skip
    assert step.parameters.tobytes() == expected.parameters.tobytes()
    assert step.changes()["digits"].min() >= 9


@every_fused
@every_way
def test_is_proved(network, loss, Y, trained):
    proof = fastnn.explain(network, loss=loss, **trained).proof()
    assert proof.holds
    assert ("targets that add up to 1" in proof.text()) == (network.output == "softmax")


@every_fused
def test_a_wrong_derivative_is_not_proved(network, loss, Y, monkeypatch):
    monkeypatch.setattr(LOSSES[loss], "slope", staticmethod(lambda output, given: output.error * 2.0))
    differences = fastnn.explain(network, loss=loss).proof().frame()["difference"]
    assert differences[0] == "0"
    assert (differences[1:] != "0").all()


@every_fused
def test_a_wrong_loss_is_not_proved(network, loss, Y, monkeypatch):
    kind = LOSSES[loss]
    right = kind.term
    monkeypatch.setattr(kind, "term", staticmethod(lambda output, given: right(output, given) + output.z))
    differences = fastnn.explain(network, loss=loss).proof().frame()["difference"]
    assert differences[0] != "0"
    assert (differences[1:] == "0").all()


@every_fused
def test_the_derivative_by_an_outputs_sum_has_no_chain(network, loss, Y):
    lines = fastnn.explain(network, loss=loss).lines
    of_outputs = [line for line in lines if line.rule.endswith("the error itself")]
    assert len(of_outputs) == network.n_outputs
    assert all(line.chain is None for line in of_outputs)
    assert all(line.chain for line in lines if line.number.endswith("'") and line not in of_outputs)


@every_fused
def test_every_form_is_written(network, loss, Y):
    explanation = fastnn.explain(network, loss=loss)
    for written in (explanation, fastnn.explain(network, loss=loss, compact=True)):
        assert max(map(len, written.text().splitlines())) <= 80
        assert LOSSES[loss].words in written.latex()
        assert "<math" in written.html()
    assert explanation.slip(start(network), X[0], Y[0], 0.1).frame()["digit"].max() >= (
        0 if len(network.layers) == 2 else 1
    )


def test_of_a_whole_layer_the_loss_is_a_sum():
    explanation = fastnn.explain(SOFTMAX, loss="cross_entropy", compact=True)
    text = explanation.text()
    assert r"\operatorname{sum}\left(\mathbf{e}\right)" in explanation.latex()
    assert "whole = sum(e)" in text
    assert "L = sum(y ⊙ (top - z[2] + log_whole) ⊙ [y > 0])" in text


@pytest.mark.parametrize("loss", ["absolute", "huber", "log_cosh"])
def test_so_it_is_where_nothing_is_fused(loss):
    assert "L = sum(" in fastnn.explain(Network((2, 2, 2)), loss=loss, compact=True).text()


@pytest.mark.parametrize(
    ("network", "loss", "y"),
    [(SOFTMAX, CrossEntropy(), [0.5, 0.5, 0]), (FUSED["exponential"][0], Poisson(), [-1, 2])],
)
def test_steps_and_motion_refuse_targets_that_the_loss_does_not_take(network, loss, y):
    with pytest.raises(fastnn.InputError, match="y must"):
        fastnn.explain(network, loss=loss).step(start(network), X[0], y)
    with pytest.raises(fastnn.InputError, match="y must"):
        fastnn.explain(network, loss=loss).motion(X[:1], [y])

"""Explanations of penalties on weights and of clipping: numbers, proof, matrices, the slip of clipping."""

import math
from dataclasses import replace

import numpy as np
import pytest
from comparing import scalar_functions
from test_explaining import worked_out

import fastnn
from fastnn import Network
from fastnn.core.expressions import Binary, Call, Symbol
from fastnn.explaining.proving import Proof

NETWORK = Network((2, 2, 1), "tanh")
X, Y = np.array([[0.5, -0.25], [1.25, 0.75], [-0.5, 2.0]]), np.array([1.0, -2.0, 0.5])
START = np.linspace(-0.9, 1.1, 9)
ALL = {"l2": 0.7, "l1": 0.3, "decay": 0.9}
TRAINED = {
    "l2, row by row": {"l2": 0.7},
    "all penalties of a batch": ALL | {"batch_size": 3},
    "on the sum": {"l2": 0.7, "l2_on": "sum", "batch_size": 3},
    "on the sum, adam": {"l2": 0.7, "l2_on": "sum", "batch_size": 3, "optimizer": "adam"},
    "clipped": {"clip": 0.25},
    "clipped batch": {"clip": 0.25, "batch_size": 3},
    "clipped, all penalties": ALL | {"clip": 0.25, "l2_on": "sum", "batch_size": 3, "optimizer": "nesterov"},
    "clipped, adam": {"clip": 0.25, "optimizer": "adam"},
    "within the norm": {"clip": 1e6, "batch_size": 3, "optimizer": "rmsprop"},
    "clipped, irprop-": {"clip": 0.25, "optimizer": "irprop-", "batch_size": 3},
}
every_way = pytest.mark.parametrize("trained", TRAINED.values(), ids=TRAINED)


def rate_of(trained):
    return {} if trained.get("optimizer") == "irprop-" else {"learning_rate": 0.1}


def step_of(trained):
    rows = (X, Y) if trained.get("batch_size") else (X[0], Y[0])
    return fastnn.explain(NETWORK, **trained).step(START, *rows, **rate_of(trained))


@every_way
def test_a_step_has_the_bits_of_the_training_and_every_number_can_be_worked_out_again(trained):
    n = trained.get("batch_size", 1)
    run = fastnn.train(
        NETWORK, X[:n], Y[:n], START, epochs=1, engine="batched", **trained, **rate_of(trained)
    )
    step = step_of(trained)
    assert step.parameters.tobytes() == run.parameters.tobytes()
    functions = {"tanh": scalar_functions("float64")["tanh"], "sqrt": math.sqrt}
    for row in step.frame().query("stage != 'given'").itertuples():
        assert float(eval(row.numbers, {}, functions)).hex() == float(row.value).hex(), row.name  # noqa: S307


@every_way
def test_every_form_is_written(trained):
    for compact in (False, True):
        explanation = fastnn.explain(NETWORK, **trained, compact=compact)
        assert max(map(len, explanation.text().splitlines())) <= 80
        assert ("Where the norm is above clip" in " ".join(explanation.text().split())) == ("clip" in trained)
        assert "<math" in explanation.html()
        assert r"\begin" in explanation.latex()
    step = step_of(trained)
    assert ("norm" in step.text()) == (r"\mathrm{norm}" in step.latex()) == ("clip" in trained)


@every_way
def test_is_proved(trained):
    proof = fastnn.explain(NETWORK, **trained).proof()
    assert proof.holds
    claims = {*proof.frame()["claim"]}
    assert ("scale*norm is clip where norm > clip, else norm" in claims) == ("clip" in trained)
    assert max(map(len, proof.text().splitlines())) <= 80


@pytest.mark.parametrize("kind", ["penalty", "norm", "limit", "update"])
def test_wrong_equations_are_not_proved(kind):
    derivation = fastnn.derive(NETWORK, l2=0.7, clip=0.25)
    wrong = [replace(e, expression=e.expression * 2.0) if e.kind == kind else e for e in derivation.equations]
    proof = Proof(replace(derivation, equations=tuple(wrong)))
    shown = {str(e.number) for e in derivation.scalar if e.kind == kind and e.target != Symbol("squares")}
    assert shown <= {*proof.frame().query("difference != '0'")["number"]}


def test_a_norm_that_leaves_out_the_biases_is_not_proved():
    derivation = fastnn.derive(NETWORK, clip=0.25)
    weights = [e for e in derivation.equations if e.kind != "norm" or "gb" not in str(e.expression)]
    assert len(weights) == len(derivation.equations) - 2
    assert not Proof(replace(derivation, equations=tuple(weights))).holds


def test_in_matrices_all_squares_are_added():
    lines = [line for line in fastnn.explain(NETWORK, clip=0.25, compact=True).lines if line.kind == "norm"]
    draw = np.random.default_rng(3)
    sizes = {"GW": [(2, 2), (1, 2)], "gb": [(2,), (1,)]}
    values = {
        Symbol(name, n): draw.normal(size=size) for name in sizes for n, size in enumerate(sizes[name], 1)
    }
    gradients = np.concatenate([value.ravel() for value in values.values()])
    values |= {Symbol("squares"): 0.0, Symbol("clip"): 0.25}
    for line in lines:
        match line.expression:
            case Binary("+", squares, Call("sum", squared)):
                values[squares] += worked_out(squared, values).sum()
            case expression:
                values[line.target] = worked_out(expression, values)
    np.testing.assert_allclose(values[Symbol("norm")], np.linalg.norm(gradients), rtol=1e-14)
    np.testing.assert_allclose(values[Symbol("scale")], 0.25 / np.linalg.norm(gradients), rtol=1e-14)


def test_the_slip_of_clipping_by_hand():
    # d = 4: the gradient of w is 2*4*3 = 24 and that of b 8; limited to 1, each by itself is 1.
    given = ([0.5, 0.5], 3.0, -2.0, 0.125)
    slip = fastnn.explain(Network((1, 1)), clip=1.0).slip(*given)
    norm = math.sqrt(24.0 * 24.0 + 8.0 * 8.0)
    assert slip.parameters.tolist() == [0.5 - 0.125 * (1 / norm * 24.0), 0.5 - 0.125 * (1 / norm * 8.0)]
    np.testing.assert_allclose(slip.slipped, [0.375, 0.375], rtol=1e-15)
    assert "THE SLIP: LIMITING THE PARTS OF THE GRADIENT BY THEMSELVES" in slip.text()
    same = fastnn.explain(Network((1, 1)), clip=100.0).slip(*given)
    assert same.frame()["digit"].tolist() == [0, 0, 0]
    assert "Here nothing differs: by either norm" in same.text()


def test_the_slip_of_clipping_takes_penalties_and_every_layer():
    trained = {"l2": 0.7, "clip": 0.25, "batch_size": 3, "optimizer": "adam"}
    explanation = fastnn.explain(NETWORK, **trained)
    slip = explanation.slip(START, X, Y, 0.1)
    assert slip.parameters.tobytes() == explanation.step(START, X, Y, 0.1).parameters.tobytes()
    assert (slip.frame()["digit"] > 0).all()

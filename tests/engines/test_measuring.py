"""Kernels that measure: the loss of every engine is the one that a batch of all rows meets, to the bit."""

import numpy as np
import pytest
from pairing import in_turns, pairwise
from uncompiled import run_as_plain_python

from fastnn.core.choices import settings_of
from fastnn.core.losses import LOSSES
from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import ENGINES, forms, load, loop

ROWS, NETWORKS = 13, 70
CASES = [
    (Network((2, 2, 1)), "huber"),
    (Network((2, 5, 3), output="softmax"), "cross_entropy"),
    (Network((3, 8, 4, 2), hidden="tanh", output="sigmoid"), "cross_entropy"),
    (Network((2, 4, 1), output="exponential"), "poisson"),
    (Network((1, 1)), "squared"),
]


def given(network, dtype, loss):
    """Parameters, rows and settings of a case."""
    draw = np.random.default_rng(5)
    X, Y = draw.random((ROWS, network.n_inputs)), draw.random((ROWS, network.n_outputs))
    if network.output == "softmax":
        Y = np.eye(network.n_outputs)[draw.integers(0, network.n_outputs, ROWS)]
    settings = np.tile([*settings_of(loss).values()], (NETWORKS, 1))
    arrays = draw.normal(0, 1, (NETWORKS, network.n_parameters)), X, Y, draw.random(ROWS), settings
    return [np.ascontiguousarray(array, dtype) for array in arrays]


@pytest.mark.parametrize(
    ("case", "dtype", "weighted", "engine", "written_out"),
    in_turns(pairwise(CASES, ["float64", "float32"], [False, True], [*ENGINES], [0, 10**6])),
)
def test_every_engine_measures_what_a_batch_of_all_rows_loses(
    case, dtype, weighted, engine, written_out, monkeypatch
):
    network, named = case
    loss = LOSSES.one(named)
    for module in (loop, forms):
        monkeypatch.setattr(module, "STRAIGHT_LINE_PARAMETERS", written_out)
    run_as_plain_python(monkeypatch)
    state, X, Y, coefficients, settings = given(network, dtype, loss)
    rows = [X, Y, *[coefficients] * weighted]
    totals, expected = np.zeros((NETWORKS, 2), dtype), np.zeros((NETWORKS, 1), dtype)
    before = state.copy()
    rule = Rule(type(loss), weighted=weighted, measuring=True)
    load(engine).kernel(network, dtype, rule)(state, *rows, settings, totals)
    assert state.tobytes() == before.tobytes()
    trained = Rule(type(loss), batched=True, weighted=weighted)
    moved = np.concatenate([np.full((NETWORKS, 1), -0.1, dtype), settings], axis=1)
    load("batched").kernel(network, dtype, trained)(state, *rows, moved, expected, ROWS)
    assert (state != before).any()
    for column in totals.T:
        assert column.tobytes() == expected[:, 0].tobytes()

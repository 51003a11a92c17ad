"""Kernels that look after every epoch do what the kernels that train and measure do, in turns."""

import numpy as np
import pytest
from pairing import pairwise
from uncompiled import run_as_plain_python

from fastnn.core.losses import CrossEntropy, Huber
from fastnn.core.network import Network
from fastnn.core.optimizers import Adam, Momentum
from fastnn.core.rule import Rule
from fastnn.engines import ENGINES, load
from fastnn.engines.self_check import checked_kernel

ROWS, NETWORKS, EPOCHS = 7, 5, 3
CASES = [
    (Network((2, 2, 1)), Rule(Huber, Momentum)),
    (Network((2, 3, 2), output="softmax"), Rule(CrossEntropy, Adam, batched=True)),
    (Network((2, 2, 1)), Rule(weighted=True)),
]


def given(network, rule, dtype):
    """The state, what training is given besides it and the totals, and the size of batches."""
    draw = np.random.default_rng(5)
    X, Y = draw.random((ROWS, network.n_inputs)), draw.random((ROWS, network.n_outputs))
    state = draw.uniform(0.1, 0.9, (NETWORKS, rule.state_size(network)))
    settings = draw.uniform(0.1, 0.2, (NETWORKS, len(rule.given)))
    arrays = [state, X, Y, *[draw.random(ROWS)] * rule.weighted, settings]
    return [array.astype(dtype) for array in arrays], [3] * rule.batched


@pytest.mark.parametrize(
    ("case", "dtype", "looks", "engine"),
    pairwise(CASES, ["float64", "float32"], [(True, True), (True, False), (False, True)], [*ENGINES]),
)
def test_they_train_and_measure_in_turns(case, dtype, looks, engine, monkeypatch):
    run_as_plain_python(monkeypatch)
    (network, rule), (validated, watched) = case, looks
    (state, *rows, settings), batch = given(network, rule, dtype)
    alone, further = state.copy(), (rows[0][:4] + 1, rows[1][:4])
    of_loss = np.full((NETWORKS, len(rule.measurer.given)), 0.5, dtype)
    totals, measured = np.zeros((2, NETWORKS, EPOCHS), dtype)
    course = np.zeros((EPOCHS, *state.shape), dtype)
    seen = Rule(rule.loss, rule.optimizer, rule.batched, rule.weighted, validated=validated, watched=watched)
    looked_at = [*further, of_loss, measured] if validated else []
    load(engine).kernel(network, dtype, seen)(
        state, *rows, settings, totals, *batch, *looked_at, *[course] * watched
    )
    train, measure = (load(engine).kernel(network, dtype, each) for each in (rule, rule.measurer))
    for epoch in range(EPOCHS):
        lost, found = np.zeros((2, NETWORKS, 1), dtype)
        train(alone, *rows, settings, lost, *batch)
        measure(alone, *further, of_loss, found)
        assert totals[:, epoch].tobytes() == lost.tobytes()
        assert not validated or measured[:, epoch].tobytes() == found.tobytes()
        assert not watched or course[epoch].tobytes() == alone.tobytes()
    assert state.tobytes() == alone.tobytes()


@pytest.mark.parametrize("engine", ["loop", "lanes"])
def test_compiled_they_pass_the_self_check(engine, caplog):
    checked_kernel(engine, Network((1, 1)), "float64", Rule(validated=True, watched=True))
    assert caplog.records == []

"""Kernels that look after every epoch do what the kernels that train and measure do, in turns."""

from dataclasses import replace

import numpy as np
import pytest
from pairing import pairwise
from uncompiled import run_as_plain_python

from fastnn.core.losses import CrossEntropy, Huber
from fastnn.core.network import Network
from fastnn.core.optimizers import Adam, Momentum
from fastnn.core.rule import PENALIZED_LOSS, STATES, STEP, VALIDATION_LOSS, WATCHED, Rule
from fastnn.engines import load
from fastnn.engines.self_check import checked_kernel

ENGINES = ("loop", "batched", "lanes", "general")
ROWS, NETWORKS, EPOCHS = 7, 5, 3
CASES = [
    (Network((2, 2, 1)), Rule(Huber, Momentum)),
    (Network((2, 3, 2), output="softmax"), Rule(CrossEntropy, Adam, batched=True)),
    (Network((2, 3, 2), output="softmax"), Rule(CrossEntropy, weighted=True)),
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
    pairwise(CASES, ["float64", "float32"], [(True, STATES), (True, ""), (False, STATES)], [*ENGINES]),
)
def test_they_train_and_measure_in_turns(case, dtype, looks, engine, monkeypatch):
    run_as_plain_python(monkeypatch)
    (network, rule), (validated, watched) = case, looks
    (state, *rows, settings), batch = given(network, rule, dtype)
    alone, further = state.copy(), (rows[0][:4] + 1, rows[1][:4])
    of_loss = np.full((NETWORKS, len(rule.measurer.given)), 0.5, dtype)
    totals, measured = np.zeros((2, NETWORKS, EPOCHS), dtype)
    course = np.zeros((EPOCHS, *state.shape), dtype)
    seen = replace(rule, validated=validated, watched=watched)
    looked_at = [*further, of_loss, measured] if validated else []
    load(engine).kernel(network, dtype, seen)(
        state, *rows, settings, totals, *batch, *looked_at, *[course] * bool(watched)
    )
    epochs = in_turns(engine, network, rule, (alone, *rows, settings, *batch), (*further, of_loss))
    for epoch, (lost, found, after) in zip(range(EPOCHS), epochs, strict=False):
        assert totals[:, epoch].tobytes() == lost.tobytes()
        assert not validated or measured[:, epoch].tobytes() == found.tobytes()
        assert not watched or course[epoch].tobytes() == after.tobytes()
    assert state.tobytes() == after.tobytes()


def in_turns(engine, network, rule, trained, further):
    """Epoch by epoch: what networks lost, and lose on further rows, and their states."""
    state, *rows, settings = trained[: 4 + rule.weighted]
    dtype = str(state.dtype)
    train, measure = (load(engine).kernel(network, dtype, each) for each in (rule, rule.measurer))
    while True:
        lost, found = np.zeros((2, len(state), 1), dtype)
        train(state, *rows, settings, lost, *trained[4 + rule.weighted :])
        measure(state, *further, found)
        yield lost[:, 0], found[:, 0], state.copy()


PATIENCE, HALF_L2, L1, OVER = 2, 0.3, 0.01, 4  # of OVER epochs that were over


def watched_by_hand(network, min_delta, bars, until, values, alive, states):
    """What is kept of one network, told from what is watched after each epoch in plain Python."""
    best_epoch, best, trained = 0, np.zeros_like(states[0]), 0
    for epoch, (value, lives, state) in enumerate(zip(values, alive, states, strict=True), start=OVER + 1):
        if until < epoch:
            break
        trained += 1
        sound = all(np.isfinite(number) for number in state[: network.n_parameters].tolist())
        if lives and sound and (value < bars or np.isnan(bars)):
            bars = np.inf if np.isnan(value) else value - min_delta
            best_epoch, best, until = epoch, state, epoch + PATIENCE
        if not lives:
            break
    return bars, until, best_epoch, best, trained


@pytest.mark.parametrize(
    ("case", "dtype", "watched", "engine"),
    pairwise(CASES, ["float64", "float32"], WATCHED, [*ENGINES]),
)
def test_they_keep_the_best_state_and_leave_out_who_has_stopped(case, dtype, watched, engine, monkeypatch):
    """Among them one that diverges, one that overflows, one that had stopped, one without a best epoch."""
    run_as_plain_python(monkeypatch)
    (network, rule), epochs, min_delta = case, 12, 1e-3 * (watched == PENALIZED_LOSS)
    (state, *rows, settings), batch = given(network, rule, dtype)
    largest = np.finfo(dtype).max
    state[0, : network.n_parameters] = largest / 2
    state[1, network.n_weights] = -np.inf  # shuts a unit, so that losses stay finite
    settings *= np.array([1, 0.4, 0.6, 0.8, 0], dtype)[:, None]  # the last one never moves
    settings[:, [symbol == STEP for symbol in rule.given]] *= -1
    further = rows[0][:4] + 1, rows[1][:4], np.full((NETWORKS, len(rule.measurer.given)), 0.5, dtype)
    bars, until = np.array([np.nan, np.nan, 0.5, np.nan, np.inf]), OVER + np.array([3, 3, 2, 0, 1])
    totals, measured = np.zeros((2, epochs, NETWORKS), dtype).transpose(0, 2, 1)
    validated = watched == VALIDATION_LOSS
    seen, kept = replace(rule, validated=validated, watched=watched), np.zeros_like(state)
    arrays, after = [bars.copy(), until.copy(), np.zeros(NETWORKS, np.int64), kept], state.copy()
    numbers = [OVER, PATIENCE, min_delta, *[HALF_L2, L1] * (watched == PENALIZED_LOSS)]
    load(engine).kernel(network, dtype, seen)(
        after, *rows, settings, totals, *batch, *[*further, measured] * validated, *arrays, *numbers
    )
    turns = in_turns(engine, network, rule, (state.copy(), *rows, settings, *batch), further)
    lost, found, states = map(np.array, zip(*(next(turns) for _ in range(epochs)), strict=True))
    n, of = (4, found) if watched == VALIDATION_LOSS else (ROWS, lost)
    values = (of / np.dtype(dtype).type(n)).astype(float)
    if watched == VALIDATION_LOSS:
        values[~np.isfinite(values)] = np.nan
    if watched == PENALIZED_LOSS:
        weights = states[:, :, : network.n_weights].astype(float)
        with np.errstate(over="ignore"):
            values = values + (HALF_L2 * weights**2 + L1 * abs(weights)).sum(axis=2)
    alive, ran = np.logical_and.accumulate(np.isfinite(lost)), []
    for m in range(NETWORKS):
        of_one = values[:, m], alive[:, m], states[:, m]
        bar, end, epoch, best, trained = watched_by_hand(network, min_delta, bars[m], until[m], *of_one)
        assert (arrays[1][m], arrays[2][m]) == (end, epoch), m
        assert arrays[0][m] == pytest.approx(bar, rel=1e-12, nan_ok=True) or arrays[0][m] == -np.inf
        assert arrays[3][m].tobytes() == best.tobytes()
        last = trained - 1 if trained and not alive[trained - 1, m] else trained
        assert totals[m, :last].tobytes() == lost[:last, m].tobytes()
        assert not validated or measured[m, :last].tobytes() == found[:last, m].tobytes()
        assert not totals[m, trained:].any()
        if last == trained:
            assert after[m].tobytes() == (states[trained - 1, m] if trained else state[m]).tobytes()
        ran.append(trained)
    assert np.isfinite(lost[:, 1]).all()
    assert (ran[3], len({*ran}) > 1) == (0, True)


@pytest.mark.parametrize(
    ("engine", "watched"),
    [("loop", STATES), pytest.param("lanes", PENALIZED_LOSS, marks=pytest.mark.slow)],
)
def test_compiled_they_pass_the_self_check(engine, watched, caplog):
    checked_kernel(engine, Network((1, 1)), "float64", Rule(validated=watched == STATES, watched=watched))
    assert caplog.records == []

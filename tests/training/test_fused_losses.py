"""Cross-entropy and the Poisson loss: bits of the plain reference, published numbers, extremes, refusals."""

import numpy as np
import pytest
import reference
from comparing import DTYPES, quiet, reference_functions
from pairing import pairwise
from rules import OPTIMIZERS
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.choices import settings_of
from fastnn.core.recipe import Recipe
from fastnn.engines import ENGINES, lanes, load, loop
from fastnn.engines.compiling import run_source

NETWORKS = {
    "softmax": ("cross_entropy", fastnn.Network((2, 3, 3), "tanh", "softmax")),
    "softmax of two": ("cross_entropy", fastnn.Network((3, 2), output="softmax")),
    "softmax in loops": ("cross_entropy", fastnn.Network((3, 9, 4, 6), ("relu", "sine"), "softmax")),
    "sigmoid": ("cross_entropy", fastnn.Network((2, 3, 2), "relu", "sigmoid")),
    "one sigmoid": ("cross_entropy", fastnn.Network((3, 4, 4, 1), ("tanh", "relu"), "sigmoid")),
    "sigmoid in loops": ("cross_entropy", fastnn.Network((3, 13, 3), output="sigmoid")),
    "poisson": ("poisson", fastnn.Network((2, 3, 2), "tanh", "exponential")),
    "one poisson": ("poisson", fastnn.Network((2, 4, 1), "relu", "exponential")),
    "poisson in loops": ("poisson", fastnn.Network((3, 13, 3), output="exponential")),
}
ROWS = 23
# One row; with one left over; a block of rows with some left over, and a batch of one row; all rows at once.
SIZES = (1, 2, 11, ROWS)
WAYS = pairwise([*NETWORKS], ENGINES, DTYPES, [*OPTIMIZERS], SIZES)
COMPILED = pairwise(
    ["softmax", "softmax in loops", "one sigmoid"], ("loop", "lanes"), DTYPES, [(1,), SIZES[1:]]
)


def problem(which, rows=ROWS, networks=5):
    """Rows, targets that fit the loss, and starts, with all their digits."""
    (_, network), draw = NETWORKS[which], np.random.default_rng(0)
    X = draw.normal(0.0, 0.7, (rows, network.n_inputs))
    starts = draw.normal(0.0, 0.7, (networks, network.n_parameters))
    if network.output == "softmax":
        return X, np.eye(network.n_outputs)[draw.integers(0, network.n_outputs, rows)], starts
    Y = draw.uniform(0.0, 1.0, (rows, network.n_outputs))
    Y[::3], Y[1::3] = 0.0, 1.0
    return (X, 3 * Y, starts / 4) if network.output == "exponential" else (X, Y, starts)


def by_reference(which, dtype, name, size, epochs=3):
    """Parameters and losses of each start by the plain reference."""
    (loss, network), (X, Y, starts) = NETWORKS[which], problem(which)
    found = []
    for start in starts:
        parameters, losses, _ = reference.train(
            network.layers,
            network.activations,
            start.tolist(),
            X.tolist(),
            Y.tolist(),
            0.1,
            epochs,
            reference_functions(dtype),
            rounded=float if dtype == "float64" else reference.to_float32,
            optimizer=OPTIMIZERS[name].name,
            settings=settings_of(OPTIMIZERS[name]),
            batch_size=size,
            loss=loss,
        )
        found.append((np.array(parameters, dtype).tobytes(), np.array(losses, dtype).tobytes()))
    return found


def check_bits(which, engine, dtype, name, size):
    """Training by an engine is that by the plain reference."""
    (loss, network), (X, Y, starts) = NETWORKS[which], problem(which)
    options = {} if name == "irprop-" else {"learning_rate": 0.1}
    run = fastnn.train(
        network, X, Y, starts, loss=loss, optimizer=OPTIMIZERS[name], batch_size=size, epochs=3,
        engine=engine, dtype=dtype, **options,
    )  # fmt: skip
    found = [(p.tobytes(), c.tobytes()) for p, c in zip(run.parameters, run.loss_curve, strict=True)]
    assert found == by_reference(which, dtype, name, size)


@pytest.mark.parametrize(("which", "engine", "dtype", "name", "size"), WAYS)
def test_bits_of_the_reference_as_plain_python(monkeypatch, which, engine, dtype, name, size):
    run_as_plain_python(monkeypatch)
    check_bits(which, engine, dtype, name, size)


@pytest.mark.parametrize(("which", "engine", "dtype", "sizes"), COMPILED)
def test_bits_of_the_reference_compiled(which, engine, dtype, sizes):
    for size in sizes:
        check_bits(which, engine, dtype, "sgd", size)


@pytest.mark.parametrize("registers", [(16, 32), (32, 64)], ids=["16 registers", "32 registers"])
@pytest.mark.parametrize("limit", [0, 10**6], ids=["loops", "written out"])
@pytest.mark.parametrize("size", [1, 11])
@pytest.mark.parametrize("which", NETWORKS)
def test_every_form_of_every_source(monkeypatch, which, size, limit, registers):
    """As plain Python, for both kinds of processors."""
    monkeypatch.setattr(lanes, "registers", lambda: lanes.Registers(*registers))
    monkeypatch.setattr(loop, "STRAIGHT_LINE_PARAMETERS", limit)
    monkeypatch.setattr(lanes, "STRAIGHT_LINE_PARAMETERS", limit)
    monkeypatch.setattr(lanes, "STRAIGHT_LINE_IN_BATCHES", limit)
    (loss, network), dtype = NETWORKS[which], "float32"
    X, Y, starts = (array.astype(dtype) for array in problem(which))
    recipe = Recipe.of(network, loss, OPTIMIZERS["nesterov"], size)
    rule, settings = recipe.rule, recipe.settings(np.full(len(starts), 0.1, dtype))
    expected = by_reference(which, dtype, "nesterov", size, 2)
    assert b"\x00\x00\xc0\x7f" not in expected[0][0]  # a NaN
    for engine in ("loop", "lanes"):
        state, totals = recipe.begun(starts), np.zeros((len(starts), 2), dtype)
        advance = quiet(run_source(load(engine).source(network, dtype, rule))["advance"])
        advance(state, X, Y, settings, totals, *([] if size == 1 else [size]))
        losses = totals / np.float32(ROWS)
        parameters = np.ascontiguousarray(state[:, : network.n_parameters])
        found = [(one.tobytes(), curve.tobytes()) for one, curve in zip(parameters, losses, strict=True)]
        assert found == expected

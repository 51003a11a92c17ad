"""Clipping by the norm of the gradient: engines against the plain reference, units left out, refusals."""

import math

import numpy as np
import pytest
import reference
from comparing import DTYPES
from pairing import in_turns
from rules import OPTIMIZERS
from test_penalties import COMPILED, NETWORKS, allowed, check_bits, problem
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.recipe import Recipe
from fastnn.engines import ENGINES
from fastnn.training import reducing, resting

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

CASES = [
    (name, list(NETWORKS)[(n + m) % 3], DTYPES[(n + m) % 2], size, clip)
    for n, name in enumerate(OPTIMIZERS)
    for m, (size, clip) in enumerate([(1, 0.3), (4, 0.5), (6, 1e6)])
]


@pytest.mark.parametrize(("name", "network", "dtype", "batch_size", "clip"), in_turns(CASES))
def test_bits_of_the_reference_as_plain_python(name, network, dtype, batch_size, clip, monkeypatch):
    run_as_plain_python(monkeypatch)
    check_bits(name, NETWORKS[network], dtype, batch_size, {"clip": clip}, ENGINES)


@pytest.mark.parametrize(
    ("network", "name", "batch_size"),
    in_turns([(network, *way) for network in NETWORKS for way in [("sgd", 1), ("nesterov", 4), ("adam", 4)]]),
)
def test_with_penalties(name, network, batch_size, monkeypatch):
    run_as_plain_python(monkeypatch)
    limits = {"l2": 0.7, "l1": 0.3, "decay": 0.9, "l2_on": "sum", "clip": 0.4}
    check_bits(name, NETWORKS[network], "float64", batch_size, limits, ENGINES)


@pytest.mark.parametrize("engine", ["loop", pytest.param("lanes", marks=pytest.mark.slow)])
def test_bits_of_the_reference_compiled_once(engine):
    check_bits("sgd", NETWORKS["straight line"], "float64", 4, {"clip": 0.3}, [engine])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "network", "batch_size", "dtype", "engine"), COMPILED[1::2])
def test_bits_of_the_reference_compiled(name, network, batch_size, dtype, engine):
    limits = allowed(name, {"l2": 0.7, "l1": 0.3, "decay": 0.9}) | {"clip": 0.4}
    check_bits(name, NETWORKS[network], dtype, batch_size, limits, [engine])


def test_by_hand():
    # d = 4: the gradient is (8, 8*0) = (8, 8); of norm 8*sqrt(2), and shortened to 1.
    run = fastnn.train(
        fastnn.Network((1, 1)),
        [1.0],
        [0.0],
        [4.0, 0.0],
        learning_rate=0.5,
        epochs=1,
        engine="batched",
        clip=1.0,
    )
    assert run.parameters == pytest.approx([4.0 - 0.5 / math.sqrt(2), -0.5 / math.sqrt(2)], rel=1e-15)
    assert run.loss_curve.tolist() == [16.0]


def test_a_norm_that_is_not_reached_changes_little():
    network = NETWORKS["two layers"]
    X, Y, starts = problem(network)
    options = {"batch_size": 3, "epochs": 5, "engine": "batched"}
    plain = fastnn.train(network, X, Y, starts, **options)
    clipped = fastnn.train(network, X, Y, starts, clip=1e9, **options)
    assert clipped.parameters == pytest.approx(plain.parameters, rel=1e-12)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
def test_units_left_out(monkeypatch, name):
    monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
    monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)
    network, digests, groups = fastnn.Network((2, 4, 1)), [], []
    X, Y, _ = problem(network, rows=8)
    known = reducing.Units._group
    monkeypatch.setattr(reducing.Units, "_group", lambda *a: groups.append(a[2]) or known(*a))
    for worth in (0, np.inf):
        monkeypatch.setattr(reducing, "WORTH_A_KERNEL", worth)
        options = {"networks": 200, "epochs": 60, "engine": "batched", "workers": 1, "learning_rate": 0.3}
        digests.append(
            fastnn.sweep(network, X, Y, seed=0, optimizer=OPTIMIZERS[name], clip=0.5, **options).digest()
        )
    assert groups  # some were left out
    assert digests[0] == digests[1]


def test_it_is_an_axis(tmp_path):
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    options = {"networks": 2, "epochs": 3, "engine": "batched", "workers": 1, "store": tmp_path / "s"}
    found = fastnn.sweep(network, X, Y, clip=[None, 0.25, 0.5], **options)
    again = fastnn.open(tmp_path / "s")
    assert again.digest() == found.digest()
    assert again.frame()["clip"].tolist()[2:] == [0.25, 0.25, 0.5, 0.5]
    assert np.isnan(again.frame()["clip"][:2]).all()
    assert [again.grid.name_of(cell) for cell in again.grid.cells()] == [
        f"{text}, learning rate 0.005" for text in ("no clipping", "clip 0.25", "clip 0.5")
    ]
    for number in (0, 3, 5):
        run = again.replay(number)
        assert run.parameters.tobytes() == found.parameters[number].tobytes()
    assert run.recipe == Recipe(clip=0.5)
    assert Recipe.read(run.recipe.plain) == run.recipe


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "much", [1.0], True])
def test_no_norm(value):
    with pytest.raises(fastnn.InputError, match="clip"):
        fastnn.train(fastnn.Network((1, 1)), [0.0], [0.0], [0, 0], clip=value)


def test_without_it_nothing_changes():
    network = NETWORKS["two layers"]
    assert Recipe.of(NETWORKS["loops"], clip=None) == Recipe.of(NETWORKS["loops"])
    assert fastnn.code(network, "lanes", clip=None) == fastnn.code(network, "lanes")


@pytest.mark.parametrize("batch_size", [1, 4])
def test_with_a_schedule(batch_size):
    network, rates = NETWORKS["straight line"], [0.02, 0.01, 0.005]
    X, Y, starts = problem(network)
    limits = {"l2": 0.5, "l1": 0.1, "decay": 0.7}
    options = {"epochs": 3, "batch_size": batch_size, "clip": 0.3, "engine": "batched"}
    run = fastnn.train(network, X, Y, starts[1], schedule=np.array(rates), **options, **limits)
    expected = reference.train(
        network.layers,
        network.activations,
        starts[1].tolist(),
        X.tolist(),
        Y.tolist(),
        rates,
        3,
        penalties=limits,
        batch_size=batch_size,
        clip=0.3,
    )
    assert run.parameters.tolist() == expected[0]

"""Weights of classes: what they come to, and that every way of training with them is one."""

import numpy as np
import pytest

import fastnn
from fastnn import InputError, Network, train
from fastnn.sweeping.store.manifest import sealed, unsealed

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

ROWS = 24
X = np.random.default_rng(5).normal(size=(ROWS, 2))
PLACES = np.repeat([0, 1, 2], [4, 8, 12])[np.random.default_rng(6).permutation(ROWS)]
NAMES = np.array(["fern", "moss", "rose"])[PLACES]
SOFTMAX = Network((2, 4, 3), output="softmax")
SIGMOID = Network((2, 3, 1), output="sigmoid")
HOW = {"engine": "batched", "epochs": 3, "batch_size": 8, "learning_rate": 0.1}
OWN = np.linspace(0, 2, ROWS)


@pytest.mark.parametrize(
    ("given", "factors"),
    [
        ("balanced", [24 / (3 * 4), 24 / (3 * 8), 24 / (3 * 12)]),
        ({"fern": 3, "rose": 0.5}, [3, 1, 0.5]),
        ({"moss": 0.0}, [1, 0, 1]),
    ],
)
def test_weights_of_classes_are_those_of_their_rows(given, factors):
    by_row = np.array(factors)[PLACES]
    ours = train(SOFTMAX, X, NAMES, class_weight=given, **HOW)
    assert (ours.parameters == train(SOFTMAX, X, NAMES, sample_weight=by_row, **HOW).parameters).all()
    product = train(SOFTMAX, X, NAMES, class_weight=given, sample_weight=OWN, **HOW)
    wanted = train(SOFTMAX, X, NAMES, sample_weight=OWN * by_row, **HOW)
    assert (product.parameters == wanted.parameters).all()
    assert (product.parameters != ours.parameters).any()
    within = train(SOFTMAX, X, NAMES, class_weight=given, weights_within="batch", **HOW)
    wanted = train(SOFTMAX, X, NAMES, sample_weight=by_row, weights_within="batch", **HOW)
    assert (within.parameters == wanted.parameters).all()


def test_classes_by_number_and_two_classes():
    coded = train(SOFTMAX, X, PLACES, class_weight={0: 2, 2: 0.5}, **HOW)
    named = train(SOFTMAX, X, NAMES, class_weight={"fern": 2, "rose": 0.5}, **HOW)
    assert (coded.parameters == named.parameters).all()
    yes = PLACES == 2
    two = train(SIGMOID, X, yes, loss="cross_entropy", class_weight={1: 3}, **HOW)
    rows = train(SIGMOID, X, yes, loss="cross_entropy", sample_weight=1 + 2 * yes, **HOW)
    assert (two.parameters == rows.parameters).all()


def test_balanced_classes_of_one_size_are_no_weights():
    even = np.arange(ROWS) % 3
    run = train(SOFTMAX, X, even, class_weight="balanced", **HOW)
    assert (run.parameters == train(SOFTMAX, X, even, **HOW).parameters).all()
    assert run.weights_within is None


@pytest.mark.parametrize(("given", "own"), [("balanced", None), ({"fern": 3, "rose": 0.5}, OWN)])
def test_a_network_of_a_sweep_is_trained_alike(given, own, tmp_path):
    counts = [20, ROWS]
    weights = {"class_weight": given, "sample_weight": own}
    options = {"networks": 2, "rows": counts, "workers": 1, "progress": False, **HOW}
    found = fastnn.sweep(SOFTMAX, X, NAMES, store=tmp_path / "store", **weights, **options)
    assert found.digest() == fastnn.sweep(SOFTMAX, X, NAMES, **weights, **options).digest()
    opened = fastnn.open(tmp_path / "store")
    for number, rows in ((1, 20), (3, 24)):
        of_rows = None if own is None else own[:rows]
        start = fastnn.normal(0, 1.5).draw(SOFTMAX, [1], 0)[0]
        alone = train(
            SOFTMAX, X[:rows], NAMES[:rows], start, class_weight=given, sample_weight=of_rows, **HOW
        )
        for sweep in (found, opened):
            assert (sweep.parameters[number] == alone.parameters).all()
            assert (sweep.replay(number).parameters == alone.parameters).all()
    with pytest.raises(InputError, match=r"class_weight is .* there and .* here"):
        fastnn.sweep(
            SOFTMAX,
            X,
            NAMES,
            store=tmp_path / "store",
            class_weight={"fern": 7},
            sample_weight=own,
            **options,
        )


@pytest.mark.parametrize("junk", ["even", [], [1.0, 1.0], [1.0, 1.0, -1.0], [1.0, "a", 1.0], None, 2])
def test_forged_ones_in_a_store(junk, tmp_path):
    options = {"networks": 1, "workers": 1, "progress": False, **HOW, "epochs": 1}
    fastnn.sweep(SOFTMAX, X, NAMES, store=tmp_path / "store", class_weight={"fern": 2}, **options)
    manifest = tmp_path / "store" / "manifest.json"
    plain = unsealed(manifest.read_bytes(), "manifest.json")
    assert plain["plan"]["class_weight"] == [2.0, 1.0, 1.0]
    manifest.write_bytes(sealed(plain | {"plan": plain["plan"] | {"class_weight": junk}}))
    with pytest.raises(fastnn.StoreError, match=r"manifest\.json must describe a sweep"):
        fastnn.open(tmp_path / "store")


@pytest.mark.parametrize(
    ("network", "y", "given", "match"),
    [
        (
            SOFTMAX,
            NAMES,
            {"pine": 2},
            "class_weight must name classes of the data, fern, moss, rose; got 'pine'",
        ),
        (SOFTMAX, NAMES, {"fern": -1}, "class_weight of 'fern' must be 0 or above it; got -1"),
        (
            SOFTMAX,
            NAMES,
            "even",
            """class_weight must be "balanced", or numbers .* Write class_weight={'fern': 2.0}""",
        ),
        (SOFTMAX, NAMES, [1, 2, 3], "class_weight must be .balanced., or numbers by the names"),
        (
            SOFTMAX,
            NAMES,
            dict.fromkeys(("fern", "moss", "rose"), 0),
            "class_weight must be above 0 for some row",
        ),
        (
            Network((2, 1)),
            X[:, 0],
            "balanced",
            "class_weight must go with one class for each row; got 'balanced'",
        ),
    ],
)
def test_refused(network, y, given, match):
    with pytest.raises(InputError, match=match):
        train(network, X, y, class_weight=given, epochs=1)

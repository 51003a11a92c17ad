"""An explicit order of the rows: the reference's bits in it, what is like it, and what is refused."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from comparing import DTYPES, array_differences, trained_plainly
from uncompiled import run_as_plain_python

import fastnn
from fastnn.training import calls, orders
from fastnn.training.randomness import permutations

NET = fastnn.Network((2, 2, 1))
TWO_OUTPUTS = fastnn.Network((2, 3, 2), "tanh", "sigmoid")
EPOCHS, ROWS = 5, 9
DRAW = np.random.default_rng(8)
X, Y = DRAW.normal(size=(ROWS, 2)), DRAW.normal(size=(ROWS, 2))
ORDER = DRAW.permuted(np.tile(np.arange(ROWS), (EPOCHS, 1)), axis=1)
STARTS = fastnn.normal(0, 1).draw(NET, range(3), 0)

engines = pytest.mark.parametrize("engine", fastnn.ENGINES)
dtypes = pytest.mark.parametrize("dtype", DTYPES)


def train(row_order=ORDER, network=NET, start=STARTS, **options):
    """Three networks, or others, trained in an order."""
    options = {"epochs": EPOCHS, "learning_rate": 0.01, "row_order": row_order, **options}
    return fastnn.train(network, X, Y[:, : network.n_outputs], start, **options)


def differences(run, other):
    """What is different in a bit between two trainings, in words."""
    names = ("parameters", "loss_curve")
    return [
        text for name in names for text in array_differences(name, getattr(run, name), getattr(other, name))
    ]


class TestBits:
    @engines
    @dtypes
    @pytest.mark.parametrize(
        ("network", "optimizer", "batch_size"),
        [(NET, "sgd", 1), (TWO_OUTPUTS, "sgd", 1), (NET, "momentum", 1), (NET, "sgd", 4)],
    )
    def test_those_of_the_reference(self, monkeypatch, network, optimizer, batch_size, dtype, engine):
        run_as_plain_python(monkeypatch)  # rows are put in order before a kernel is called
        starts = fastnn.normal(0, 1).draw(network, range(3), 0)
        options = {"optimizer": optimizer, "batch_size": batch_size, "dtype": dtype, "engine": engine}
        run = train(network=network, start=starts, **options)
        for m, start in enumerate(starts):
            parameters, losses, diverged = trained_plainly(
                network,
                X,
                Y[:, : network.n_outputs],
                start,
                0.01,
                EPOCHS,
                dtype,
                orders=ORDER.tolist(),
                optimizer=optimizer,
                momentum=0.9,
                batch_size=batch_size,
            )
            assert array_differences("parameters", run.parameters[m], np.array(parameters, dtype)) == []
            assert array_differences("losses", run.loss_curve[m], np.array(losses, dtype)) == []
            assert run.diverged[m] == diverged == 0

    @engines
    def test_those_of_a_shuffle_that_draws_it(self, engine):
        drawn = permutations(3, range(EPOCHS), ROWS)
        assert (
            differences(train(drawn, engine=engine), train(None, shuffle=True, seed=3, engine=engine)) == []
        )

    @engines
    def test_those_of_file_order_if_it_is_that(self, engine):
        file_order = np.tile(np.arange(ROWS), (EPOCHS, 1))
        assert differences(train(file_order, engine=engine), train(None, engine=engine)) == []

    def test_another_order_gives_others(self):
        assert differences(train(ORDER), train(ORDER[::-1])) != []
        assert differences(train(ORDER), train(None)) != []

    @engines
    @pytest.mark.parametrize("order", [ORDER, np.tile(ORDER[0], (EPOCHS, 1))], ids=["changing", "one"])
    def test_those_of_calls_of_any_length(self, monkeypatch, engine, order):
        expected = train(order, engine=engine)
        ticks = itertools.count()
        monkeypatch.setattr(calls, "perf_counter", lambda: float(next(ticks)))
        assert differences(train(order, engine=engine), expected) == []
        monkeypatch.setattr(calls, "perf_counter", lambda: 0.0)
        assert differences(train(order, engine=engine), expected) == []

    def test_with_validation_after_every_epoch(self):
        given = {"engine": "batched", "validation": (X[:4], Y[:4, :1])}
        run, first = train(**given), train(ORDER[:2], epochs=2, **given)
        assert array_differences("curve", run.validation_curve[:, :2], first.validation_curve) == []

    def test_the_rows_trained_on_stay_as_given(self):
        run = train()
        assert np.array_equal(run.trained_on[0], X)


class TestForms:
    """An order is a copy, from anything that holds whole numbers."""

    @pytest.mark.parametrize(
        "given",
        [
            ORDER.tolist(),
            ORDER.astype(np.uint8),
            ORDER.astype(">i8"),
            np.asfortranarray(ORDER),
            pd.DataFrame(ORDER),
            tuple(map(tuple, ORDER.tolist())),
        ],
        ids=["lists", "uint8", "big-endian", "Fortran", "DataFrame", "tuples"],
    )
    def test_any_form(self, given):
        assert differences(train(given), train()) == []

    def test_it_is_a_copy(self):
        given = ORDER.copy()
        found = orders.order_of(False, 0, given, EPOCHS, ROWS)
        given[:] = 0
        assert np.array_equal(found.rows, ORDER)
        with pytest.raises(ValueError, match="read-only"):
            found.rows[0, 0] = 1


def with_(epoch, place, row):
    """The order with another row in one place."""
    changed = ORDER.copy()
    changed[epoch, place] = row
    return changed


WRONG = {
    "one order": (
        ORDER[0],
        r"shape \(5, 9\); got shape \(9,\)\. To repeat one order, give numpy\.tile\(order, \(5, 1",
    ),
    "too few epochs": (ORDER[:4], r"shape \(5, 9\); got shape \(4, 9\)"),
    "too many epochs": (np.vstack([ORDER, ORDER]), r"shape \(5, 9\); got shape \(10, 9\)"),
    "other rows": (ORDER[:, :8], r"shape \(5, 9\); got shape \(5, 8\)"),
    "floats": (
        ORDER.astype(float),
        r"must hold whole numbers.*; got dtype float64\. Convert it with \.astype\(int\)",
    ),
    "bools": (ORDER > 3, "must hold whole numbers.*; got dtype bool"),
    "text": ("shuffle", "must hold real numbers; got 'shuffle'"),
    "True": (True, r"got shape \(\)"),
    "ragged": ([[0, 1], [0]], "must be a rectangular array of numbers"),
    "counted from 1": (
        ORDER + 1,
        r"rows 0 to 8 once in every epoch; got row 9 in epoch 1, which is row_order\[0\]\.",
    ),
    "below 0": (ORDER - 9, r"got row -\d in epoch 1, which is row_order\[0\]\. Count rows from 0"),
    "beyond int32": (with_(3, 2, 2**40), r"got row 1099511627776 in epoch 4, which is row_order\[3\]"),
    "a row twice": (
        with_(4, 1, ORDER[4, 0]),
        rf"got row {ORDER[4, 0]} 2 times and row {ORDER[4, 1]} not at all in epoch 5, which",
    ),
}


class TestRefusals:
    @pytest.mark.parametrize("door", ["train", "sweep"])
    @pytest.mark.parametrize("name", WRONG)
    def test_what_is_no_order_of_the_rows(self, door, name):
        given, message = WRONG[name]
        settings = {} if door == "train" else {"networks": 3, "progress": False}
        with pytest.raises(fastnn.InputError, match=rf"^row_order .*{message}"):
            getattr(fastnn, door)(NET, X, Y[:, 0], row_order=given, epochs=EPOCHS, **settings)

    @pytest.mark.parametrize("door", [fastnn.train, fastnn.sweep])
    def test_a_shuffle_beside_it(self, door):
        with pytest.raises(fastnn.InputError, match="must be the only order of the rows; got shuffle=True"):
            door(NET, X, Y[:, 0], row_order=ORDER, epochs=EPOCHS, shuffle=True)

    @pytest.mark.parametrize("at_once", [1, ROWS, 4 * ROWS])
    def test_the_first_wrong_epoch_is_named(self, monkeypatch, at_once):
        monkeypatch.setattr(orders, "AT_ONCE", at_once)
        wrong = ORDER.copy()
        wrong[2:, 0] = wrong[2:, 1]
        with pytest.raises(fastnn.InputError, match=re.escape("in epoch 3, which is row_order[2]")):
            train(wrong)
        assert differences(train(), train()) == []

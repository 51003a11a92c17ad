"""Training: the bits of the plain reference, for every engine, from every form that data come in."""

import dataclasses
import itertools
import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
import reference
from comparing import DTYPES, array_differences, reference_functions
from uncompiled import run_as_plain_python

import fastnn
from fastnn.training import calls, evaluating, orders
from fastnn.training.randomness import permutation

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NET = fastnn.Network((2, 2, 1))
NOTEBOOK = [2, 2.5, 3, -2, -2.5, 3.5, -3, 2, 3]  # the start of the classroom notebook
TWO_OUTPUTS = fastnn.Network((2, 3, 2), "tanh", "sigmoid")
DEEP = fastnn.Network((1, 4, 3, 2), ["relu", "sigmoid"], "tanh")
SHORT = fastnn.Network((3, 2), output="relu")
LINE = fastnn.Network((1, 1))  # yhat = w1*x + b1: small enough to train by hand

engines = pytest.mark.parametrize("engine", fastnn.ENGINES)
dtypes = pytest.mark.parametrize("dtype", DTYPES)


def rows_for(network, rows=7, seed=0):
    """Some rows of moderate numbers with all their digits."""
    draw = np.random.default_rng(seed)
    y = draw.normal(size=(rows, network.n_outputs))
    return draw.normal(size=(rows, network.n_inputs)), y if network.n_outputs > 1 else y[:, 0]


def starts_for(network, networks=3, seed=0):
    """Some starts (M, P)."""
    return fastnn.normal(0, 1).draw(network, range(networks), seed)


def lists(y):
    """Targets as the reference takes them."""
    return np.reshape(y, (len(y), -1)).tolist()


def by_reference(network, start, X, y, *, learning_rate, epochs, dtype="float64", orders=None):
    """(parameters, loss curve, diverged) of one network as the plain-Python reference trains it."""
    parameters, losses, diverged = reference.train(
        network.layers,
        network.activations,
        np.asarray(start).tolist(),
        np.asarray(X).tolist(),
        lists(y),
        learning_rate,
        epochs,
        reference_functions(dtype),
        rounded=float if dtype == "float64" else reference.to_float32,
        orders=orders,
    )
    return np.array(parameters, dtype), np.array(losses, dtype), diverged


def differences(run, parameters, loss_curve, diverged):
    """What is different in a bit from the parameters, loss curve and divergence expected, in words."""
    return [
        *array_differences("parameters", run.parameters, parameters),
        *array_differences("loss_curve", run.loss_curve, loss_curve),
        *array_differences(
            "diverged", np.atleast_1d(np.int64(run.diverged)), np.atleast_1d(np.int64(diverged))
        ),
    ]


def same(found, expected):
    """Whether two arrays are equal to the bit, a NaN to any NaN."""
    alike = np.shape(found) == np.shape(expected)
    return alike and not array_differences("", np.atleast_1d(found), np.atleast_1d(expected))


def one(run, m):
    """Network m of a run of several, as `differences` takes what it expects."""
    return run.parameters[m], run.loss_curve[m], run.diverged[m]


@pytest.fixture(scope="module")
def data():
    return fastnn.load_insurance(simulated=True)


@pytest.fixture(scope="module")
def two_targets():
    """A Dataset of two inputs and two targets, in units far from [0, 1]."""
    frame = pd.DataFrame(
        {"a": [1, 2, 3, 5], "b": [9, 7, 7, 1], "u": [100, 300, 250, 170], "v": [-5, 5, 1, 3]}
    )
    return fastnn.Dataset.from_frame(frame, ["a", "b"], ["u", "v"])


@pytest.fixture(scope="module")
def notebooks_job(data):
    """What the reference makes of the notebook's job, by its rows, epochs and dtype."""

    @cache
    def job(rows, epochs, dtype):
        given = {"learning_rate": 0.005, "epochs": epochs, "dtype": dtype}
        return by_reference(NET, NOTEBOOK, data.X[:rows], data.y[:rows], **given)

    return job


class TestAgainstReference:
    @pytest.mark.parametrize(
        ("engine", "dtype", "rows", "epochs"),
        [
            pytest.param(*way, *size, marks=pytest.mark.slow if way == ("general", "float32") else ())  # 3 s
            for way in itertools.product(fastnn.ENGINES, DTYPES)
            for size in [(30, 100), (1338, 1)]
        ],
    )
    def test_the_notebooks_job(self, data, notebooks_job, rows, epochs, dtype, engine):
        X, y = data.X[:rows], data.y[:rows]
        run = fastnn.train(
            NET, X, y, NOTEBOOK, learning_rate=0.005, epochs=epochs, engine=engine, dtype=dtype
        )
        assert differences(run, *notebooks_job(rows, epochs, dtype)) == []
        assert (run.status, run.rows, run.epochs, run.engine, run.dtype) == (
            "ok",
            rows,
            epochs,
            engine,
            dtype,
        )

    @pytest.mark.slow
    @engines
    def test_the_notebooks_job_in_full(self, data, notebooks_job, engine):  # 10 s: the reference, `batched`
        run = fastnn.train(NET, data.X, data.y, NOTEBOOK, engine=engine)
        assert differences(run, *notebooks_job(1338, 300, "float64")) == []

    @engines
    def test_another_structure_as_plain_python(self, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        self.check(TWO_OUTPUTS, "float64", engine)

    @pytest.mark.slow
    @engines
    @pytest.mark.parametrize(("network", "dtype"), [(TWO_OUTPUTS, "float32"), (DEEP, "float64")])
    def test_other_structures(self, network, dtype, engine):
        self.check(network, dtype, engine)

    def check(self, network, dtype, engine):
        X, y = rows_for(network)
        starts, rates = starts_for(network), [0.01, 0.1, 0.3]
        run = fastnn.train(network, X, y, starts, learning_rate=rates, epochs=5, engine=engine, dtype=dtype)
        for m, (start, rate) in enumerate(zip(starts, rates, strict=True)):
            expected = by_reference(network, start, X, y, learning_rate=rate, epochs=5, dtype=dtype)
            single = fastnn.train(
                network, X, y, start, learning_rate=rate, epochs=5, engine=engine, dtype=dtype
            )
            assert differences(single, *expected) == []
            assert differences(single, *one(run, m)) == []

    @engines
    def test_the_defaults_are_300_epochs_of_0_005(self, engine):
        X, y = rows_for(NET)
        expected = by_reference(NET, NOTEBOOK, X, y, learning_rate=0.005, epochs=300)
        assert differences(fastnn.train(NET, X, y, NOTEBOOK, engine=engine), *expected) == []

    def test_the_comparison_can_fail(self):
        X, y = rows_for(NET)
        run = fastnn.train(NET, X, y, NOTEBOOK, learning_rate=0.01, epochs=2)
        parameters, losses, diverged = by_reference(NET, NOTEBOOK, X, y, learning_rate=0.01, epochs=2)
        assert differences(run, parameters, losses, diverged) == []
        assert differences(run, np.nextafter(parameters, 9), losses, diverged)
        assert differences(run, parameters, np.zeros_like(losses), diverged)
        assert differences(run, parameters, losses, 1)
        assert differences(run, parameters.astype("float32"), losses, diverged)
        assert differences(run, *by_reference(NET, NOTEBOOK, X, y, learning_rate=0.02, epochs=2))


class TestLoss:
    """w = 1, b = 0, learning rate 1/4; rows (1, 2) and (2, 2), by hand.

    Row 1: yhat = 1, d = -1, so w = 1.5 and b = 0.5. Row 2, with these: yhat = 3.5, d = 1.5, so w = 0 and
    b = -0.25. The loss is (1 + 2.25)/2: met while it ran, each row before its own update, not halved.
    """

    X = (1, 2)
    y = (2, 2)

    @engines
    @dtypes
    def test_by_hand(self, dtype, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        run = fastnn.train(
            LINE, self.X, self.y, [1, 0], learning_rate=0.25, epochs=1, engine=engine, dtype=dtype
        )
        assert run.loss_curve.tolist() == [1.625]
        assert run.loss == 1.625
        assert run.parameters.tolist() == [0.0, -0.25]

    @engines
    def test_it_is_summed_over_the_outputs(self, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        run = fastnn.train(SHORT, [[1, 0, 0]], [[1, 2]], np.zeros(8), epochs=1, engine=engine)
        assert run.loss == 1.0 + 4.0

    @engines
    @dtypes
    def test_with_one_row_it_is_the_error_of_the_prediction_before(self, dtype, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        X, y = rows_for(NET, rows=1)
        y = y.astype(dtype)
        options = {"learning_rate": 0.01, "engine": engine, "dtype": dtype}
        shorter = fastnn.train(NET, X, y, NOTEBOOK, epochs=1, **options)
        longer = fastnn.train(NET, X, y, NOTEBOOK, epochs=2, **options)
        assert same(longer.loss, (shorter.predict(X)[0] - y[0]) ** 2)


class TestShapes:
    def test_one_network_has_no_leading_axis(self):
        X, y = rows_for(NET)
        run = fastnn.train(NET, X, y, NOTEBOOK, epochs=4)
        assert (run.parameters.shape, run.start.shape, run.loss_curve.shape) == ((9,), (9,), (4,))
        assert (run.status, run.diverged, run.learning_rate) == ("ok", 0, 0.005)
        assert [type(v) for v in (run.status, run.diverged, run.learning_rate)] == [str, int, float]
        assert run.loss == run.loss_curve[-1]

    @pytest.mark.parametrize("networks", [1, 2, 5])
    def test_several_networks_have_one(self, networks):
        X, y = rows_for(NET)
        starts = starts_for(NET, networks)
        run = fastnn.train(NET, X, y, starts, epochs=4)
        assert run.parameters.shape == run.start.shape == (networks, 9)
        assert run.loss_curve.shape == (networks, 4)
        assert run.status.tolist() == ["ok"] * networks
        assert run.learning_rate.tolist() == [0.005] * networks
        assert same(run.start, starts)
        assert same(run.loss, run.loss_curve[:, -1])

    @engines
    @dtypes
    def test_together_as_one_by_one(self, dtype, engine):
        X, y = rows_for(NET)
        starts, rates = starts_for(NET, 5), [0.001, 0.02, 0.3, 0.004, 0.05]
        options = {"epochs": 3, "engine": engine, "dtype": dtype}
        run = fastnn.train(NET, X, y, starts, learning_rate=rates, **options)
        assert same(run.learning_rate, np.array(rates, dtype))
        for m in range(5):
            single = fastnn.train(NET, X, y, starts[m], learning_rate=rates[m], **options)
            assert differences(single, *one(run, m)) == []

    @engines
    @dtypes
    def test_one_input_may_come_without_its_axis(self, dtype, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        options = {"start": [1, 0], "epochs": 2, "engine": engine, "dtype": dtype}
        flat = fastnn.train(LINE, [1, 2, 4], [1, 1, 0], **options)
        column = fastnn.train(LINE, [[1], [2], [4]], [[1], [1], [0]], **options)
        assert differences(flat, column.parameters, column.loss_curve, 0) == []
        assert same(flat.predict([1, 2]), column.predict([[1], [2]]))

    @engines
    @dtypes
    def test_one_row_and_one_epoch(self, dtype, engine):
        X, y = rows_for(NET, rows=1)
        run = fastnn.train(NET, X, y, NOTEBOOK, learning_rate=0.1, epochs=1, engine=engine, dtype=dtype)
        expected = by_reference(NET, NOTEBOOK, X, y, learning_rate=0.1, epochs=1, dtype=dtype)
        assert differences(run, *expected) == []


class TestStarts:
    X, y = rows_for(NET)

    @dtypes
    def test_a_rule_gives_its_network_0(self, dtype):
        rule = fastnn.uniform(-2, 2)
        run = fastnn.train(NET, self.X, self.y, rule, seed=5, epochs=2, dtype=dtype)
        drawn = rule.draw(NET, [0], 5)[0].astype(dtype)
        again = fastnn.train(NET, self.X, self.y, drawn, epochs=2, dtype=dtype)
        assert same(run.start, drawn)
        assert differences(run, again.parameters, again.loss_curve, 0) == []

    def test_it_depends_on_the_seed(self):
        starts = [
            fastnn.train(NET, self.X, self.y, seed=seed, epochs=1).start for seed in (0, 1, 0, 2**64 - 1)
        ]
        assert same(starts[0], starts[2])
        assert not same(starts[0], starts[1])
        assert not same(starts[0], starts[3])

    def test_the_default_is_normal(self):
        run = fastnn.train(NET, self.X, self.y, epochs=1)
        assert same(run.start, fastnn.normal(0, 1.5).draw(NET, [0], 0)[0])

    def test_given_parameters_do_not_depend_on_it(self):
        runs = [fastnn.train(NET, self.X, self.y, NOTEBOOK, seed=seed, epochs=1) for seed in (0, 1)]
        assert same(runs[0].parameters, runs[1].parameters)

    def test_the_start_is_kept(self):
        run = fastnn.train(NET, self.X, self.y, NOTEBOOK, epochs=1)
        assert run.start.tolist() == NOTEBOOK
        assert not same(run.parameters, run.start)

    @engines
    def test_minus_zero_is_trained_as_zero(self, engine):
        start = np.array([-0.0, 1, -0.0, -1, -0.0, 1, -0.0, 0, -0.0])
        X, y = [[-0.0, 1.0], [1.0, -1.0]], [-0.0, 0.5]
        found, expected = (fastnn.train(NET, X, y, p, epochs=3, engine=engine) for p in (start, start + 0.0))
        assert same(found.parameters, expected.parameters)
        assert same(found.loss_curve, expected.loss_curve)
        assert same(found.start, start)


class TestShuffle:
    X, y = rows_for(NET, rows=9)

    def train(self, epochs=4, *, shuffle=True, seed=3, engine="auto", **options):
        return fastnn.train(
            NET, self.X, self.y, NOTEBOOK, epochs=epochs, shuffle=shuffle, seed=seed, engine=engine, **options
        )

    @engines
    @dtypes
    def test_rows_are_visited_in_the_planned_order(self, dtype, engine):
        orders = [permutation(3, epoch, 9).tolist() for epoch in range(4)]
        expected = by_reference(
            NET, NOTEBOOK, self.X, self.y, learning_rate=0.005, epochs=4, dtype=dtype, orders=orders
        )
        assert differences(self.train(dtype=dtype, engine=engine), *expected) == []

    @engines
    def test_as_file_order_on_reordered_rows_epoch_by_epoch(self, engine):
        parameters, losses = NOTEBOOK, []
        for epoch in range(4):
            order = permutation(3, epoch, 9)
            run = fastnn.train(NET, self.X[order], self.y[order], parameters, epochs=1, engine=engine)
            parameters, losses = run.parameters, [*losses, run.loss]
        assert differences(self.train(engine=engine), parameters, np.array(losses), 0) == []

    def test_it_depends_on_the_seed_and_changes_something(self):
        assert same(self.train().parameters, self.train().parameters)
        assert not same(self.train().parameters, self.train(seed=4).parameters)
        assert not same(self.train().parameters, self.train(shuffle=False).parameters)

    def test_the_orders_do_not_depend_on_how_many_epochs_follow(self):
        assert same(self.train(1).loss_curve, self.train(6).loss_curve[:1])
        assert same(self.train(3).loss_curve, self.train(6).loss_curve[:3])

    @pytest.mark.parametrize("at_once", [1, 9, 20, 28])
    def test_nor_on_how_many_are_drawn_together(self, monkeypatch, at_once):
        expected = self.train(7)
        monkeypatch.setattr(orders, "AT_ONCE", at_once)
        assert same(self.train(7).parameters, expected.parameters)

    def test_without_it_the_seed_is_of_no_effect(self):
        runs = [self.train(shuffle=False, seed=seed) for seed in (3, 4)]
        assert same(runs[0].parameters, runs[1].parameters)


class TestCalls:
    """A run is cut into calls by the clock; the results do not depend on it."""

    X, y = rows_for(NET, rows=100)

    @pytest.mark.parametrize("shuffle", [False, True])
    @engines
    def test_a_slow_clock_cuts_epochs_into_rows(self, monkeypatch, engine, shuffle):
        options = {"epochs": 3, "engine": engine, "shuffle": shuffle}
        expected = fastnn.train(NET, self.X, self.y, NOTEBOOK, **options)
        ticks = itertools.count()
        monkeypatch.setattr(calls, "perf_counter", lambda: float(next(ticks)))
        found = fastnn.train(NET, self.X, self.y, NOTEBOOK, **options)
        assert differences(found, expected.parameters, expected.loss_curve, 0) == []
        assert next(ticks) > 2 * 100  # two looks at the clock for each call

    @engines
    def test_a_quick_clock_joins_epochs(self, monkeypatch, engine):
        expected = fastnn.train(NET, self.X, self.y, NOTEBOOK, epochs=50, engine=engine)
        monkeypatch.setattr(calls, "perf_counter", lambda: 0.0)
        found = fastnn.train(NET, self.X, self.y, NOTEBOOK, epochs=50, engine=engine)
        assert differences(found, expected.parameters, expected.loss_curve, 0) == []


class TestValidation:
    X, y = rows_for(NET)
    further = rows_for(NET, rows=5, seed=1)

    @pytest.mark.parametrize(
        ("engine", "dtype"),
        [
            pytest.param("loop", "float32", marks=pytest.mark.slow),  # compiled as it is for NET, in the next
            pytest.param("lanes", "float64", marks=pytest.mark.slow),
            ("batched", "float32"),
            ("batched", "float64"),
        ],
    )
    def test_by_hand(self, dtype, engine):
        # after the epoch of TestLoss w = 0 and b = -0.25: errors -0.25 and -1.25
        run = fastnn.train(
            LINE,
            [1, 2],
            [2, 2],
            [1, 0],
            learning_rate=0.25,
            epochs=1,
            engine=engine,
            dtype=dtype,
            validation=([1, 2], [0, 1]),
        )
        assert run.validation_curve.tolist() == [(0.0625 + 1.5625) / 2]
        assert run.validation_curve.dtype == dtype

    @engines
    def test_it_is_measured_after_every_epoch(self, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        run = fastnn.train(NET, self.X, self.y, NOTEBOOK, epochs=4, engine=engine, validation=self.further)
        shorter = [fastnn.train(NET, self.X, self.y, NOTEBOOK, epochs=e, engine=engine) for e in (1, 2, 3, 4)]
        expected = [fastnn.mse(self.further[1], each.predict(self.further[0])) for each in shorter]
        assert run.validation_curve.tolist() == expected
        assert len(set(expected)) == 4

    def test_it_is_summed_over_the_outputs(self):
        X, y = rows_for(TWO_OUTPUTS)
        run = fastnn.train(TWO_OUTPUTS, X, y, epochs=1, validation=(X, y), engine="batched")
        expected = 2 * np.mean((run.predict(X) - y) ** 2)
        assert run.validation_curve[0] == pytest.approx(expected, rel=1e-15)

    @engines
    def test_it_leaves_training_alone(self, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        plain = fastnn.train(NET, self.X, self.y, NOTEBOOK, epochs=4, engine=engine)
        run = fastnn.train(NET, self.X, self.y, NOTEBOOK, epochs=4, engine=engine, validation=self.further)
        assert differences(run, plain.parameters, plain.loss_curve, 0) == []
        assert plain.validation_curve is None

    def test_together_as_one_by_one(self, monkeypatch):
        starts = starts_for(NET, 4)
        options = {"epochs": 3, "shuffle": True, "validation": self.further}
        run = fastnn.train(NET, self.X, self.y, starts, **options)
        assert run.validation_curve.shape == (4, 3)
        monkeypatch.setattr(evaluating, "EVALUATED_BYTES", 1)
        for m, start in enumerate(starts):
            single = fastnn.train(NET, self.X, self.y, start, **options)
            assert same(single.validation_curve, run.validation_curve[m])

    def test_nan_from_the_epoch_of_divergence(self):
        options = {"learning_rate": [0.01, 9.0], "epochs": 25, "validation": self.further}
        run = fastnn.train(NET, self.X, self.y, [NOTEBOOK, NOTEBOOK], **options)
        epoch = run.diverged[1]
        assert run.diverged[0] == 0
        assert 1 < epoch < 25
        assert np.isfinite(run.validation_curve[0]).all()
        assert np.isnan(run.validation_curve[1, epoch - 1 :]).all()
        assert np.isfinite(run.validation_curve[1, : epoch - 2]).all()

    @pytest.mark.filterwarnings("ignore::fastnn.ScaleWarning")
    def test_nan_where_only_the_last_update_overflowed(self):
        options = {"learning_rate": 0.5, "epochs": 1, "validation": ([1], [1]), "engine": "batched"}
        run = fastnn.train(LINE, [1e250], [1e100], [0, 0], **options)
        assert np.isnan(run.validation_curve).tolist() == [True]


@pytest.mark.filterwarnings("ignore::fastnn.ScaleWarning")
class TestDivergence:
    X, y = rows_for(NET)

    @engines
    @dtypes
    def test_it_shows_as_in_the_reference(self, dtype, engine):
        options = {"learning_rate": 9.0, "epochs": 25, "dtype": dtype}
        run = fastnn.train(NET, self.X, self.y, NOTEBOOK, engine=engine, **options)
        expected = by_reference(NET, NOTEBOOK, self.X, self.y, **options)
        assert differences(run, *expected) == []
        assert run.status == "diverged"
        assert 1 < run.diverged < 25
        assert np.isfinite(run.loss_curve[: run.diverged - 1]).all()
        assert np.isnan(run.loss_curve[run.diverged - 1 :]).all()
        assert np.isnan(run.parameters).all()
        assert math.isnan(run.loss)
        assert run.start.tolist() == NOTEBOOK

    @engines
    @dtypes
    def test_neighbours_are_not_disturbed(self, dtype, engine):
        rates = [0.01, 9.0, 0.02, 1e3, 0.03]
        options = {"epochs": 25, "engine": engine, "dtype": dtype}
        run = fastnn.train(NET, self.X, self.y, [NOTEBOOK] * 5, learning_rate=rates, **options)
        assert run.status.tolist() == ["ok", "diverged", "ok", "diverged", "ok"]
        assert run.diverged[3] < run.diverged[1]
        for m, rate in enumerate(rates):
            single = fastnn.train(NET, self.X, self.y, NOTEBOOK, learning_rate=rate, **options)
            assert differences(single, *one(run, m)) == []

    @engines
    @pytest.mark.parametrize(("dtype", "x", "y"), [("float64", 1e250, 1e100), ("float32", 1e25, 1e15)])
    @pytest.mark.parametrize("epochs", [1, 2, 3])
    def test_parameters_that_overflow_in_the_last_update(self, epochs, dtype, x, y, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        # d = -y, so the loss is y*y, which is finite, and w becomes y*x, which is not
        options = {"learning_rate": 0.5, "epochs": epochs, "dtype": dtype}
        run = fastnn.train(LINE, [x], [y], [0, 0], engine=engine, **options)
        assert differences(run, *by_reference(LINE, [0, 0], [[x]], [y], **options)) == []
        assert run.diverged == min(epochs, 2)
        assert np.isfinite(run.loss_curve).sum() == min(epochs, 2) - 1

    @engines
    def test_an_infinite_weight_behind_a_shut_gate(self, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        # w1 becomes -inf, so the unit is shut from then on, and every loss is finite
        network, start = fastnn.Network((1, 1, 1)), [1e-250, 1, 0, 0]
        options = {"learning_rate": 0.5, "epochs": 3}
        run = fastnn.train(network, [1e250], [-1e100], start, engine=engine, **options)
        assert differences(run, *by_reference(network, start, [[1e250]], [-1e100], **options)) == []
        assert run.diverged == 3
        assert np.isfinite(run.loss_curve).tolist() == [True, True, False]

    @engines
    def test_what_diverged_does_not_come_back(self, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        # the unit is shut; b2 = 1e160 has an infinite squared error, and is 0 from its own update on
        network, start = fastnn.Network((1, 1, 1)), [-1, 0, 0, 1e160]
        options = {"learning_rate": 0.5, "epochs": 3}
        run = fastnn.train(network, [1], [0], start, engine=engine, **options)
        assert differences(run, *by_reference(network, start, [[1]], [0], **options)) == []
        assert run.diverged == 1
        assert np.isnan(run.loss_curve).all()


class TestPrinting:
    X, y = rows_for(NET)

    @dtypes
    def test_the_notebooks_block(self, dtype):
        run = fastnn.train(NET, self.X, self.y, NOTEBOOK, epochs=2, dtype=dtype)
        title, *lines = str(run).splitlines()
        names, values = zip(*(line.split(": ") for line in lines), strict=True)
        assert title == "NEW WEIGHTS AND BIASES"
        assert names == ("w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3")
        assert same(np.array(values, dtype), run.parameters)  # every digit is printed

    def test_whole(self):
        run = fastnn.train(LINE, [1, 2], [2, 2], [1, 0], learning_rate=0.25, epochs=1)
        assert str(run) == "NEW WEIGHTS AND BIASES\nw1: 0.0\nb1: -0.25"

    @pytest.mark.filterwarnings("ignore::fastnn.ScaleWarning")
    def test_divergence_is_told(self):
        run = fastnn.train(LINE, [1e250], [1e100], [0, 0], learning_rate=0.5, epochs=1)
        assert str(run).splitlines()[1:] == [
            *("w1: nan", "b1: nan", "diverged in epoch 1: its loss was not finite"),
        ]

    def test_several_networks_are_counted(self):
        run = fastnn.train(
            NET, self.X, self.y, [NOTEBOOK] * 3, learning_rate=[0.1, 1e3, 0.1], epochs=9, engine="loop"
        )
        assert "\n2 ok, 1 diverged\n2 of 3 are dead: " in str(run)
        assert "3 networks, 9 epochs, 7 rows, engine='loop', dtype='float64'" in repr(run)


class TestPredict:
    @dtypes
    @pytest.mark.parametrize("network", [NET, TWO_OUTPUTS, DEEP])
    def test_the_arithmetic_of_training(self, network, dtype):
        X, y = rows_for(network)
        run = fastnn.train(network, X, y, epochs=2, engine="batched", dtype=dtype)
        expected = reference.predict(
            network.layers,
            network.activations,
            run.parameters.tolist(),
            X.tolist(),
            reference_functions(dtype),
            rounded=float if dtype == "float64" else reference.to_float32,
        )
        assert same(run.predict(X), np.array(expected, dtype).reshape(y.shape))

    def test_shapes(self):
        X, y = rows_for(TWO_OUTPUTS)
        run = fastnn.train(TWO_OUTPUTS, X, y, starts_for(TWO_OUTPUTS), epochs=1)
        assert run.predict(X).shape == (3, 7, 2)
        X, y = rows_for(NET)
        assert fastnn.train(NET, X, y, starts_for(NET), epochs=1).predict(X[:4]).shape == (3, 4)
        assert fastnn.train(NET, X, y, epochs=1).predict(X[:1]).shape == (1,)

    def test_pieces_do_not_show(self, monkeypatch):
        X, y = rows_for(DEEP, rows=50)
        run = fastnn.train(DEEP, X, y, starts_for(DEEP, 6), epochs=1, engine="batched")
        whole = run.predict(X), run.score(X, y)
        for size in (1, 1000, 5000):
            monkeypatch.setattr(evaluating, "EVALUATED_BYTES", size)
            assert same(run.predict(X), whole[0])
            assert all(same(found, whole[1][name]) for name, found in run.score(X, y).items())

    def test_a_diverged_network_predicts_nan(self):
        X, y = rows_for(NET)
        run = fastnn.train(NET, X, y, [NOTEBOOK] * 2, learning_rate=[1e3, 0.01], epochs=9)
        assert np.isnan(run.predict(X)).all(axis=1).tolist() == [True, False]

    @dtypes
    def test_with_a_dataset_in_the_targets_own_unit(self, data, dtype):
        run = fastnn.train(NET, data.X, data.y, NOTEBOOK, epochs=1, dtype=dtype)
        assert same(run.predict(data), data.in_target_unit(run.predict(data.X)))
        assert run.predict(data).mean() > 1000 * run.predict(data.X).mean()  # dollars
        many = fastnn.train(NET, data.X, data.y, [NOTEBOOK] * 2, epochs=1, dtype=dtype)
        assert same(many.predict(data)[1], run.predict(data))

    def test_with_two_targets(self, two_targets):
        network = fastnn.Network((2, 2, 2))
        run = fastnn.train(network, two_targets.X, two_targets.y, epochs=1, engine="batched")
        assert same(run.predict(two_targets), two_targets.in_target_unit(run.predict(two_targets.X)))
        assert run.predict(two_targets).shape == (4, 2)

    def test_a_dataset_with_other_targets_is_refused(self, two_targets):
        # four rows of one output would pass for two networks of two: no number may come back
        X, y = rows_for(NET)
        run = fastnn.train(NET, X, y, epochs=1)
        with pytest.raises(
            fastnn.InputError, match=r"network's 2 inputs and 1 output; got 2 inputs .* 2 targets"
        ):
            run.predict(two_targets)


class TestScore:
    def test_by_hand(self):
        # yhat = 2x: errors 1, 0, -1 at y = 1, 4, 7, whose mean is 4
        run = dataclasses.replace(
            fastnn.train(LINE, [1], [1], [1, 1], epochs=1), parameters=np.array([2.0, 0.0])
        )
        score = run.score([1, 2, 3], [1, 4, 7])
        assert score == {"mse": 2 / 3, "r2": 1 - (2 / 3) / 6, "mape": pytest.approx((1 + 0 + 1 / 7) / 3)}
        assert [type(value) for value in score.values()] == [float] * 3

    def test_several_networks(self):
        X, y = rows_for(NET)
        starts = starts_for(NET)
        many = fastnn.train(NET, X, y, starts, epochs=2).score(X, y)
        for m, start in enumerate(starts):
            single = fastnn.train(NET, X, y, start, epochs=2).score(X, y)
            assert single == {name: values[m] for name, values in many.items()}

    def test_for_several_outputs_the_mean_over_them(self):
        X, y = rows_for(TWO_OUTPUTS)
        run = fastnn.train(TWO_OUTPUTS, X, y, epochs=2)
        found = run.predict(X)
        for name, metric in (("mse", fastnn.mse), ("r2", fastnn.r2), ("mape", fastnn.mape)):
            expected = np.mean([metric(y[:, k], found[:, k]) for k in (0, 1)])
            assert run.score(X, y)[name] == expected

    def test_with_a_dataset_in_the_targets_own_unit(self, data):
        run = fastnn.train(NET, data.X, data.y, NOTEBOOK, epochs=3)
        found = run.predict(data)
        assert run.score(data) == {
            "mse": fastnn.mse(data.target_values, found),
            "r2": fastnn.r2(data.target_values, found),
            "mape": fastnn.mape(data.target_values, found),
        }
        with pytest.warns(fastnn.MetricNote, match="over 1337 of 1338 rows"):
            scaled = run.score(data.X, data.y)
        assert run.score(data)["r2"] == pytest.approx(scaled["r2"], rel=1e-12)
        assert run.score(data)["mape"] != pytest.approx(scaled["mape"], rel=0.01)

    def test_the_very_values_that_were_read_are_used(self, data):
        run = fastnn.train(NET, data.X, data.y, NOTEBOOK, epochs=3)
        moved = dataclasses.replace(data, target_values=data.target_values + 100)
        assert run.score(moved)["mse"] == fastnn.mse(data.target_values + 100, run.predict(data))

    def test_with_two_targets(self, two_targets):
        network = fastnn.Network((2, 2, 2))
        run = fastnn.train(network, two_targets.X, two_targets.y, epochs=1, engine="batched")
        found = run.predict(two_targets)
        expected = [fastnn.mse(two_targets.target_values[:, k], found[:, k]) for k in (0, 1)]
        assert run.score(two_targets)["mse"] == np.mean(expected)

    def test_a_diverged_network_scores_nan(self):
        X, y = rows_for(NET)
        run = fastnn.train(NET, X, y, NOTEBOOK, learning_rate=1e3, epochs=9)
        assert all(math.isnan(value) for value in run.score(X, y).values())


# Whole numbers, so that every form holds the same ones.
X_WHOLE = np.array([[1, 2], [0, 3], [2, 2], [3, 0], [1, 1], [0, 2]])
Y_WHOLE = np.array([1, 0, 2, 1, 1, 0])


def read_only(array):
    frozen = np.array(array, np.float64)
    frozen.setflags(write=False)
    return frozen


def strided(array):
    return np.repeat(np.repeat(np.asarray(array, np.float64), 2, axis=0), 3, axis=-1)[::2, ..., ::3]


def reversed_view(array):
    return np.array(array[::-1], np.float64)[::-1]


FORMS = {
    "float32": lambda a: np.array(a, np.float32),
    "float16": lambda a: np.array(a, np.float16),
    "long double": lambda a: np.array(a, np.longdouble),
    "int64": lambda a: np.array(a, np.int64),
    "uint8": lambda a: np.array(a, np.uint8),
    "big-endian": lambda a: np.array(a, ">f8"),
    "big-endian integers": lambda a: np.array(a, ">i4"),
    "Fortran order": lambda a: np.asfortranarray(np.array(a, np.float64)),
    "reversed": reversed_view,
    "read-only": read_only,
    "list": lambda a: np.asarray(a).tolist(),
    "tuples": lambda a: tuple(map(tuple, a)) if np.ndim(a) == 2 else tuple(a),
    "DataFrame or Series": lambda a: (
        pd.DataFrame(a) if np.ndim(a) == 2 else pd.Series(a, range(9, 9 + len(a)))
    ),
    "DataFrame of mixed dtypes": lambda a: (
        pd.DataFrame(a).astype({0: "float32"}) if np.ndim(a) == 2 else pd.Series(a, dtype="int8")
    ),
}


class TestForms:
    @dtypes
    @pytest.mark.parametrize("form", FORMS)
    def test_every_form_gives_the_same_and_is_left_untouched(self, form, dtype):
        start = [[1, 2, 1, 1, 2, 1, 0, 1, 0], [1, 0, 2, 1, 1, 1, 1, 0, 2]]
        options = {"learning_rate": 0.01, "epochs": 3, "dtype": dtype, "engine": "batched"}
        plain = [np.array(values, np.float64) for values in (X_WHOLE, Y_WHOLE, start)]
        expected = fastnn.train(NET, *plain, validation=plain[:2], **options)
        given = [FORMS[form](values) for values in (X_WHOLE, Y_WHOLE, start)]
        before = [np.array(values) for values in given]
        run = fastnn.train(NET, *given, validation=given[:2], **options)
        assert differences(run, expected.parameters, expected.loss_curve, expected.diverged) == []
        assert same(run.validation_curve, expected.validation_curve)
        assert same(run.predict(given[0]), expected.predict(plain[0]))
        assert all(np.array_equal(now, then) for now, then in zip(given, before, strict=True))

    def test_strided(self):
        X, y = strided(X_WHOLE), np.repeat(np.asarray(Y_WHOLE, np.float64), 2)[::2]
        assert not X.flags.c_contiguous
        run = fastnn.train(NET, X, y, NOTEBOOK, epochs=3)
        expected = fastnn.train(NET, X_WHOLE, Y_WHOLE, NOTEBOOK, epochs=3)
        assert differences(run, expected.parameters, expected.loss_curve, 0) == []

    @engines
    def test_nothing_is_shared_with_what_was_given(self, engine):
        X, y = rows_for(NET)
        start = np.array([NOTEBOOK, NOTEBOOK])
        arrays = {"X": X, "y": y, "start": start}
        before = {name: array.copy() for name, array in arrays.items()}
        run = fastnn.train(NET, X, y, start, epochs=2, engine=engine)
        assert all(same(array, before[name]) for name, array in arrays.items())
        assert not np.shares_memory(run.start, start)
        assert not np.shares_memory(run.parameters, start)
        assert not np.shares_memory(run.start, run.parameters)

    def test_a_training_is_frozen(self):
        run = fastnn.train(LINE, [1], [1], [1, 1], epochs=1)
        with pytest.raises(dataclasses.FrozenInstanceError):
            run.epochs = 5

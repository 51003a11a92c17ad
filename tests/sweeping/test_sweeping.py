"""Sweeps: every network as if trained alone, whatever the grid, chunks, threads and interruptions."""

import io
import itertools
import math
import re
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import reference
from comparing import DTYPES, array_differences, reference_functions
from hypothesis import given
from hypothesis import strategies as st
from interrupting import interrupt_after
from pairing import later_but_pairs

import fastnn
from fastnn import engines as engine_modules
from fastnn.core.recipe import DEFAULT
from fastnn.engines import CallSizes
from fastnn.showing.lettering import grouped
from fastnn.sweeping import design as designing
from fastnn.sweeping import splitting
from fastnn.sweeping import sweep as sweeping
from fastnn.sweeping.axes import BatchSizes, LearningRates, Losses, Optimizers, Rows, Schedules, Shuffles
from fastnn.sweeping.grid import Grid, Numbers
from fastnn.sweeping.network_axis import Networks
from fastnn.sweeping.penalty_axes import PENALTY_AXES
from fastnn.sweeping.work import threads
from fastnn.system import progress
from fastnn.training import calls, evaluating
from fastnn.training.plan import Plan

NET = fastnn.Network((2, 2, 1))
NAMES = ["w1", "w2", "w3", "w4", "w5", "w6", "b1", "b2", "b3"]
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(12, 2))
Y = DRAW.normal(size=12)

engines = pytest.mark.parametrize("engine", fastnn.ENGINES)
dtypes = pytest.mark.parametrize("dtype", DTYPES)
# Of some engines that of float64 alone, which other tests compile.
OF_FLOAT64 = ("general", "units")
every_kernel = pytest.mark.parametrize(
    ("dtype", "engine"),
    [
        pytest.param(dtype, name, marks=pytest.mark.slow if dtype == "float32" and name in OF_FLOAT64 else ())
        for dtype, name in itertools.product(DTYPES, fastnn.ENGINES)
    ],
)


def swept(network=NET, x=X, y=Y, **changes):
    """A small sweep, of 7 starts if nothing else is asked for."""
    options = {"networks": 7, "epochs": 3, "progress": False, "workers": 1}
    return fastnn.sweep(network, x, y, **(options | changes))


def same(found, expected):
    """Whether two arrays are equal to the bit, a NaN to any NaN."""
    alike = np.shape(found) == np.shape(expected)
    return alike and not array_differences("", np.atleast_1d(found), np.atleast_1d(expected))


def alone(sweep, number, start=None, seed=0, shuffle=False, y=Y):
    """Network `number` of a sweep over (X, y), trained by `train` from what the numbering promises."""
    starts = sweep.grid.starts
    counts, rates = sweep.grid["rows"].plain, sweep.grid["learning_rate"].plain
    rows = counts[number // starts % len(counts)]
    rate = rates[number // starts // len(counts)]
    start = start or fastnn.normal(0, 1.5)
    return fastnn.train(
        sweep.network,
        X[:rows],
        y[:rows],
        start.draw(sweep.network, [number % starts], seed)[0],
        learning_rate=float(rate),
        epochs=sweep.plan.epochs,
        engine=sweep.engine,
        dtype=sweep.plan.dtype,
        shuffle=shuffle,
        seed=seed,
    )


def differences(sweep, place, run):
    """What is different in a bit between the network at a place of a sweep's table and a run, in words."""
    return [
        *array_differences("parameters", sweep.parameters[place], run.parameters),
        *array_differences("loss", np.atleast_1d(sweep.loss[place]), np.atleast_1d(run.loss)),
        *([] if sweep.diverged[place] == run.diverged else ["diverged"]),
        *([] if sweep.status[place] == run.status else ["status"]),
    ]


def assert_equal(found, expected):
    """Refuse two sweeps that differ in a bit of their results."""
    for name in ("numbers", "parameters", "loss", "diverged"):
        assert array_differences(name, getattr(found, name), getattr(expected, name)) == []


class TestNumbering:
    """Two learning rates, three numbers of rows, four starts: 24 networks."""

    sweep = staticmethod(
        lambda **more: swept(networks=4, learning_rate=[0.02, 0.01], rows=[3, 12, 5], **more)
    )

    def test_starts_run_fastest_then_rows_then_learning_rates(self):
        frame = self.sweep().frame()
        assert frame["network"].tolist() == list(range(24))
        assert frame["learning_rate"].tolist() == [0.02] * 12 + [0.01] * 12
        assert frame["rows"].tolist() == ([3] * 4 + [12] * 4 + [5] * 4) * 2

    def test_a_start_is_the_same_in_every_cell(self):
        sweep = self.sweep(seed=8)
        starts = fastnn.normal(0, 1.5).draw(NET, range(4), 8)
        for number in range(24):
            assert same(sweep.replay(number).start, starts[number % 4])
            assert differences(sweep, number, alone(sweep, number, seed=8)) == []
        assert len({row.tobytes() for row in sweep.parameters}) == 24  # and no two networks are alike

    def test_cells_know_their_numbers(self):
        cells = [(cell.first, cell["learning_rate"], cell["rows"]) for cell in self.sweep().grid.cells()]
        assert cells == [
            *((0, 0.02, 3), (4, 0.02, 12), (8, 0.02, 5), (12, 0.01, 3), (16, 0.01, 12), (20, 0.01, 5)),
        ]

    def test_single_values_make_one_cell(self):
        assert len(swept(learning_rate=0.02, rows=5)) == 7
        assert_equal(swept(learning_rate=0.02, rows=5), swept(learning_rate=[0.02], rows=[5]))
        assert_equal(swept(), swept(rows=12))

    @pytest.mark.parametrize(
        "rows", [(5, 3), np.array([5, 3]), pd.Series([5, 3]), [np.int32(5), np.uint8(3)]]
    )
    def test_rows_come_in_any_sequence(self, rows):
        assert_equal(swept(rows=rows), swept(rows=[5, 3]))

    @pytest.mark.parametrize("rates", [(0.1, 0.2), np.array([0.1, 0.2]), pd.Series([0.1, 0.2])])
    def test_so_do_learning_rates(self, rates):
        assert_equal(swept(learning_rate=rates), swept(learning_rate=[0.1, 0.2]))


class TestEqualsTrain:
    @pytest.mark.parametrize(
        ("workers", "dtype", "engine"),
        [
            *later_but_pairs([1, 2, 3], DTYPES, [name for name in fastnn.ENGINES if name not in OF_FLOAT64]),
            *((2, "float64", name) for name in OF_FLOAT64),
            *(pytest.param(2, "float32", name, marks=pytest.mark.slow) for name in OF_FLOAT64),
        ],
    )
    def test_bit_for_bit(self, workers, dtype, engine):
        sweep = swept(
            rows=[4, 12], learning_rate=[0.01, 9.0], workers=workers, dtype=dtype, engine=engine, epochs=25
        )
        assert {"ok", "diverged"} == set(sweep.status)
        for number in range(28):
            assert differences(sweep, number, alone(sweep, number)) == []
        for number in (0, 13, 27):
            assert differences(sweep, number, sweep.replay(number)) == []

    @engines
    def test_the_plain_reference(self, engine):
        sweep = swept(networks=3, engine=engine)
        for number, start in enumerate(fastnn.normal(0, 1.5).draw(NET, range(3), 0).tolist()):
            expected, losses, _ = reference.train(
                (2, 2, 1), ("relu", "identity"), start, X.tolist(), [[y] for y in Y.tolist()], 0.005, 3
            )
            assert same(sweep.parameters[number], np.array(expected))
            assert sweep.loss[number] == losses[-1]

    @pytest.mark.parametrize(
        "start", [fastnn.uniform(-2, 2), fastnn.he(), fastnn.glorot(), fastnn.constant(0.5)], ids=repr
    )
    @dtypes
    def test_every_start(self, dtype, start):
        sweep = swept(networks=3, start=start, seed=9, dtype=dtype)
        for number in range(3):
            assert differences(sweep, number, alone(sweep, number, start, seed=9)) == []

    def test_given_starts(self):
        rows = DRAW.normal(size=(3, 9))
        sweep = swept(networks=3, start=fastnn.given(rows), rows=[5, 12])
        for number in range(6):
            assert differences(sweep, number, alone(sweep, number, fastnn.given(rows))) == []
            assert same(sweep.replay(number).start, rows[number % 3])
        assert swept(networks=3, start=rows, rows=[5, 12]).digest() == sweep.digest()

    @every_kernel
    def test_shuffled(self, dtype, engine):
        sweep = swept(rows=[4, 12], shuffle=True, seed=6, dtype=dtype, engine=engine, workers=2)
        for number in range(14):
            assert differences(sweep, number, alone(sweep, number, seed=6, shuffle=True)) == []
            assert differences(sweep, number, sweep.replay(number)) == []
        assert not same(sweep.loss, swept(rows=[4, 12], seed=6, dtype=dtype).loss)

    def test_several_outputs(self):
        network, y = fastnn.Network((2, 3, 2), "tanh"), DRAW.normal(size=(12, 2))
        sweep = swept(network, y=y, networks=3, engine="batched")
        for number in range(3):
            assert differences(sweep, number, alone(sweep, number, y=y)) == []
            assert differences(sweep, number, sweep.replay(number)) == []

    def test_the_comparison_can_fail(self):
        sweep = swept()
        assert differences(sweep, 3, alone(sweep, 3)) == []
        assert differences(sweep, 3, alone(sweep, 4))
        assert differences(sweep, 3, alone(sweep, 3, seed=1))
        assert differences(sweep, 3, alone(sweep, 3, shuffle=True))
        with pytest.raises(AssertionError):
            assert_equal(sweep, swept(seed=1))
        with pytest.raises(AssertionError):
            assert_equal(sweep, swept(networks=6))

    def test_the_callers_arrays_are_left_alone(self):
        x, y = X.copy(), Y.copy()
        x.setflags(write=False)
        rates, rows = np.array([0.1, 0.2]), np.array([3, 12])
        swept(x=x, y=y, learning_rate=rates, rows=rows, shuffle=True)
        assert same(x, X)
        assert same(y, Y)
        assert (rates.tolist(), rows.tolist()) == ([0.1, 0.2], [3, 12])


CUT = {"rows": [3, 12], "learning_rate": [0.01, 9.0], "networks": 11, "epochs": 25}


class TestChunks:
    """However the work is cut, the results are the same."""

    @pytest.fixture(scope="class")
    @classmethod
    def expected(cls):
        return swept(**CUT)

    @pytest.mark.parametrize(
        ("sizes", "workers", "engine"),
        later_but_pairs(
            [(1, 1, 1), (3, 3, 3), (1, 4, 2), (11, 11, 1), (50, 99, 3)], [1, 2, 3], fastnn.ENGINES
        ),
    )
    def test_of_any_size(self, monkeypatch, expected, sizes, workers, engine):
        blocks = CallSizes(*sizes, vector=1, seconds=1e-9)
        monkeypatch.setattr(engine_modules.load(engine), "call_sizes", lambda *_: blocks)
        assert_equal(swept(**CUT, workers=workers, engine=engine), expected)

    @engines
    def test_slow_work_is_cut_into_single_networks(self, monkeypatch, expected, engine):
        sizes = []
        original = designing.Design.train
        blocks = CallSizes(1, 1000, width=1, vector=1, seconds=1e-9)
        monkeypatch.setattr(engine_modules.load(engine), "call_sizes", lambda *_: blocks)
        monkeypatch.setattr(splitting, "CHUNK_SECONDS", 1e-12)

        def train(design, chunk, *others):
            sizes.append(chunk.count)
            original(design, chunk, *others)

        monkeypatch.setattr(designing.Design, "train", train)
        assert_equal(swept(**CUT, engine=engine), expected)
        assert sizes == [1] * 44

    @pytest.mark.parametrize(
        ("tick", "shuffle", "engine"), later_but_pairs([0.0, 0.07, 1.0], [False, True], fastnn.ENGINES)
    )
    def test_and_calls_of_any_length(self, monkeypatch, tick, shuffle, engine):
        options = CUT | {"shuffle": shuffle}
        expected = swept(**options)
        ticks = itertools.count()
        monkeypatch.setattr(calls, "perf_counter", lambda: tick * next(ticks))
        assert_equal(swept(**options, workers=2, engine=engine), expected)
        if tick == 1.0:  # two looks at the clock for each call; most calls visit a single row
            assert next(ticks) > 2 * 2 * 15 * 25 / 2

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_the_first_networks_do_not_depend_on_how_many_follow(self, shuffle):
        many = swept(networks=50, rows=[5, 12], shuffle=shuffle)
        for networks in (1, 2, 17):
            few = swept(networks=networks, rows=[5, 12], shuffle=shuffle)
            for cell in (0, 1):
                first = slice(cell * networks, (cell + 1) * networks)
                assert same(few.parameters[first], many.parameters[50 * cell : 50 * cell + networks])
                assert same(few.loss[first], many.loss[50 * cell : 50 * cell + networks])

    @given(
        starts=st.integers(1, 200),
        cells=st.integers(1, 4),
        workers=st.integers(1, 9),
        fewest=st.integers(1, 60),
        further=st.integers(0, 60),
        width=st.sampled_from([1, 2, 64]),
        epochs=st.sampled_from([1, 10**4, 10**7]),
        first=st.integers(0, 10**4),
    )
    def test_every_network_is_in_one_chunk(
        self, starts, cells, workers, fewest, further, width, epochs, first
    ):
        plan = Plan(NET, np.zeros((4, NET.n_inputs)), np.zeros((4, 1)), epochs, "stub", "float64")
        most = -(-(fewest + further) // width) * width
        rows = Rows(tuple(range(1, cells + 1)))
        axes = (
            Networks((NET,)),
            Losses([DEFAULT.loss], "float64"),
            Optimizers([DEFAULT.optimizer], "float64"),
            Shuffles((False,)),
            Schedules([DEFAULT.schedule], "float64"),
            BatchSizes((1,)),
            *(axis.described(axis.absent, "float64", 4) for axis in PENALTY_AXES),
            LearningRates(np.array([0.1]), "float64"),
            rows,
        )
        grid = Grid(axes, starts)
        design = designing.Design(plan, grid, None, 0)
        wanted = range(first % (starts * cells), starts * cells)
        with pytest.MonkeyPatch.context() as patch:
            stub = SimpleNamespace(call_sizes=lambda *_: CallSizes(fewest, most, width, 1, 1e-9))
            patch.setattr(designing, "load", lambda engine: stub)
            part = designing.Part(design, designing.Results(Numbers((wanted,)), {}), workers)
        shares = [share[::-1] for share in part.waiting]
        chunks = [chunk for share in shares for chunk in share]
        numbers = [n for chunk in chunks for n in range(chunk.first, chunk.first + chunk.count)]
        assert len(shares) <= workers
        assert numbers == list(wanted)
        assert all(chunk.count <= most for chunk in chunks)
        assert all(
            chunk.cell.first <= chunk.first and chunk.first + chunk.count <= chunk.cell.first + starts
            for chunk in chunks
        )
        for share in shares:
            for _, of_one_cell in itertools.groupby(share, key=lambda chunk: chunk.cell.first):
                *counts, last = (chunk.count for chunk in of_one_cell)
                assert all(count % width == 0 for count in counts)
                assert all(abs(count - last) < 2 * width for count in counts)


class TestCurves:
    @engines
    @pytest.mark.parametrize("shuffle", [False, True])
    def test_they_are_the_replays(self, shuffle, engine):
        sweep = swept(
            rows=[4, 12],
            learning_rate=[0.01, 9.0],
            epochs=25,
            curves=True,
            engine=engine,
            shuffle=shuffle,
            workers=2,
        )
        assert sweep.curves.shape == (28, 25)
        assert same(sweep.curves[:, -1], sweep.loss)
        assert np.isnan(sweep.curves).any()
        for number in range(28):
            assert same(sweep.curves[number], sweep.replay(number).loss_curve)

    def test_keeping_them_changes_nothing(self):
        assert_equal(swept(curves=True), swept())
        assert swept().curves is None

    def test_more_than_the_limit_is_refused_before_any_work(self, monkeypatch):
        monkeypatch.setattr(sweeping, "_work", None)
        message = (
            r"loss curves may take at most 2 GiB; got shape \(1000000, 300\), which is 2\.2 GiB\. "
            "Sweep fewer networks, keep fewer epochs, use a store, or replay single networks"
        )
        with pytest.raises(fastnn.InputError, match=message):
            swept(networks=10**6, epochs=300, curves=True)


class TestFrame:
    @dtypes
    def test_columns_dtypes_and_order(self, dtype):
        frame = swept(rows=[3, 12], learning_rate=[0.02, 9.0], dtype=dtype, epochs=25).frame()
        assert frame.columns.tolist() == [
            *("network", "learning_rate", "rows", "loss", "loss_all_rows", "status"),
            *NAMES,
        ]
        assert frame.dtypes[["network", "rows"]].tolist() == ["int64", "int64"]
        assert set(frame.dtypes[["learning_rate", "loss", "loss_all_rows", *NAMES]]) == {np.dtype(dtype)}
        assert frame["status"].cat.categories.tolist() == ["ok", "diverged"]
        assert frame.index.tolist() == list(range(28))

    def test_it_holds_the_sweep(self):
        sweep = swept(learning_rate=[0.02, 9.0], epochs=25)
        frame = sweep.frame()
        assert same(frame[NAMES].to_numpy(), sweep.parameters)
        assert same(frame["loss"].to_numpy(), sweep.loss)
        assert frame["status"].tolist() == sweep.status.tolist()
        diverged = frame["status"] == "diverged"
        assert 0 < diverged.sum() < 14
        assert frame.loc[diverged, ["loss", *NAMES]].isna().all(axis=None)
        assert not frame.loc[~diverged].isna().any(axis=None)

    def test_changing_it_leaves_the_sweep_alone(self):
        sweep = swept()
        before = sweep.parameters.copy(), sweep.loss.copy()
        frame = sweep.frame()
        frame.loc[:, ["loss", *NAMES]] = 0.0
        assert same(sweep.parameters, before[0])
        assert same(sweep.loss, before[1])

    def test_repr(self):
        assert repr(swept(engine="loop")) == (
            "<Sweep of Network((2, 2, 1), hidden='relu', output='identity'): 7 networks, 3 epochs, "
            "start=normal(mean=0.0, sd=1.5), seed=0, engine='loop', dtype='float64'>"
        )
        assert len(swept(rows=[3, 12])) == 14
        assert swept().seconds > 0


class TestBest:
    def test_the_smallest_losses_first(self):
        sweep = swept(networks=20)
        ranked = sorted(range(20), key=lambda n: sweep.loss[n])
        assert sweep.best()["network"].tolist() == ranked[:5]
        assert sweep.best(3)["network"].tolist() == ranked[:3]
        assert sweep.best(3)["loss"].is_monotonic_increasing
        assert same(sweep.best(1)[NAMES].to_numpy()[0], sweep.parameters[ranked[0]])

    def test_of_equals_the_lower_number(self):
        start = fastnn.normal(0, 1.5).draw(NET, [0, 1], 0)
        sweep = swept(networks=80, start=fastnn.given(np.tile(start, (40, 1))))
        first, second = (0, 1) if sweep.loss[0] < sweep.loss[1] else (1, 0)
        expected = [*range(first, 80, 2), *range(second, 80, 2)]
        assert sweep.best(80)["network"].tolist() == expected
        assert sweep.best(41)["network"].tolist() == expected[:41]

    @dtypes
    def test_never_one_that_diverged(self, dtype):
        sweep = swept(networks=20, learning_rate=[9.0, 0.01], epochs=25, dtype=dtype)
        healthy = np.flatnonzero(sweep.diverged == 0)
        assert 20 <= len(healthy) < 40
        assert sorted(sweep.best(40)["network"]) == healthy.tolist()

    def test_none_where_all_diverged(self):
        sweep = swept(learning_rate=1e9, epochs=25)
        assert sweep.status.tolist() == ["diverged"] * 7
        assert sweep.best().columns.tolist() == sweep.frame().columns.tolist()
        assert len(sweep.best()) == 0


def quantile(values, q):
    """By linear interpolation between the sorted values: type 7 of Hyndman and Fan (1996)."""
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


class TestSummary:
    def test_a_row_for_each_cell(self):
        sweep = swept(networks=9, learning_rate=[0.01, 4.0], rows=[3, 12], epochs=25)
        summary = sweep.summary()
        assert summary.columns.tolist() == [
            *("learning_rate", "rows", "networks", "diverged", "best", "best loss_all_rows"),
            *("5 %", "25 %", "50 %", "75 %", "95 %"),
        ]
        assert summary["learning_rate"].tolist() == [0.01, 0.01, 4.0, 4.0]
        assert summary["rows"].tolist() == [3, 12, 3, 12]
        assert summary["networks"].tolist() == [9] * 4
        assert summary["diverged"].sum() == (sweep.diverged > 0).sum() > 0
        for cell in range(4):
            inside = slice(9 * cell, 9 * cell + 9)
            ok = sweep.loss[inside][sweep.diverged[inside] == 0].tolist()
            assert summary["diverged"][cell] == 9 - len(ok)
            if ok:
                assert summary["best"][cell] == min(ok)
                assert summary["best loss_all_rows"][cell] == np.nanmin(sweep.loss_all_rows[inside])
                for percent in (5, 25, 50, 75, 95):
                    expected = quantile(ok, percent / 100)
                    assert summary[f"{percent} %"][cell] == pytest.approx(expected, rel=1e-14)

    def test_nan_where_all_diverged(self):
        summary = swept(learning_rate=[1e9, 0.01], epochs=25).summary()
        assert summary["diverged"].tolist() == [7, 0]
        assert summary.loc[0, "best":].isna().all()
        assert summary.loc[1, "best":].notna().all()


def dead(network, parameters, rows, dtype="float64"):
    """How many hidden ReLU units have z <= 0 on all rows, unit by unit and row by row, in plain Python."""
    rounded = float if dtype == "float64" else reference.to_float32
    weights, biases = reference.split(network.layers, parameters.tolist())
    functions = reference_functions(dtype)
    sums = [
        reference.forward(weights, biases, network.activations, row, functions, rounded)[1]
        for row in rows.astype(dtype).tolist()
    ]
    return sum(
        all(z[layer][unit] <= 0 for z in sums)
        for layer, activation in enumerate(network.hidden)
        if activation == "relu"
        for unit in range(network.layers[layer + 1])
    )


class TestDeadUnits:
    @dtypes
    @pytest.mark.parametrize(
        "network",
        [
            NET,
            fastnn.Network((2, 3, 2, 1)),
            fastnn.Network((2, 3, 2, 1), ["tanh", "relu"]),
            fastnn.Network((2, 2, 3, 2, 1), ["relu", "sigmoid", "relu"]),
        ],
        ids=str,
    )
    def test_as_counted_one_by_one(self, network, dtype):
        sweep = swept(network, networks=25, learning_rate=0.02, rows=[3, 12], dtype=dtype, engine="batched")
        found = sweep.dead_units()
        assert (sweep.diverged == 0).all()
        expected = [dead(network, p, X[: 3 if n < 25 else 12], dtype) for n, p in enumerate(sweep.parameters)]
        assert found.tolist() == expected
        assert found.dtype == np.int64
        assert len(set(expected)) >= 2

    def test_the_rows_of_the_cell_count(self):
        sweep = swept(networks=25, rows=[3, 12])
        on_all_rows = [dead(NET, parameters, X) for parameters in sweep.parameters]
        assert sweep.dead_units()[:25].tolist() != on_all_rows[:25]
        assert sweep.dead_units()[25:].tolist() == on_all_rows[25:]

    def test_by_hand(self):
        # units of z = x1 + 1, -x1 - 1, x2 and -x2 on x1 > 0: the second is dead, x2 has both signs
        network = fastnn.Network((2, 4, 1))
        start = [1, 0, -1, 0, 0, 1, 0, -1, *[0] * 4, 1, -1, 0, 0, 0]
        x = np.array([[1.0, -1.0], [2.0, 1.0], [3.0, 0.0]])
        sweep = swept(
            network, x, np.zeros(3), networks=1, start=fastnn.given(start), rows=[1, 2], engine="batched"
        )
        assert sweep.dead_units().tolist() == [2, 1]

    @pytest.mark.parametrize("size", [1, 1000, 3000])
    def test_pieces_do_not_show(self, monkeypatch, size):
        sweep = swept(networks=25, rows=[3, 12])
        expected = sweep.dead_units()
        monkeypatch.setattr(evaluating, "EVALUATED_BYTES", size)
        assert sweep.dead_units().tolist() == expected.tolist()

    def test_diverged_networks_count_as_0(self):
        sweep = swept(networks=25, learning_rate=[9.0, 0.01], epochs=25)
        assert (sweep.dead_units()[sweep.diverged > 0] == 0).all()
        assert sweep.dead_units().any()

    def test_other_activations_have_none(self):
        assert not swept(fastnn.Network((2, 3, 1), "tanh"), engine="batched").dead_units().any()
        assert not swept(fastnn.Network((2, 1)), engine="batched").dead_units().any()


FRAME = pd.DataFrame(X, columns=["a", "b"]).assign(u=100 * Y + 1000, v=5 * Y**2)


class TestPredictAndScore:
    def test_some_networks_in_the_order_asked_for(self):
        sweep = swept(rows=[3, 12])
        found = sweep.predict(X[:4], [13, 0, 5, 0])
        assert found.shape == (4, 4)
        for row, number in enumerate([13, 0, 5, 0]):
            assert same(found[row], sweep.replay(number).predict(X[:4]))
        assert same(sweep.predict(X[:4]), sweep.predict(X[:4], range(14)))
        assert same(sweep.predict(X[:4], 5), sweep.predict(X[:4], [5]))
        assert sweep.predict(X[:4], []).shape == (0, 4)

    @pytest.mark.parametrize(("target", "outputs"), [("u", 1), (["u", "v"], 2)])
    def test_with_a_dataset_in_the_targets_own_unit(self, target, outputs):
        dataset = fastnn.Dataset.from_frame(FRAME, ["a", "b"], target)
        sweep = swept(fastnn.Network((2, 2, outputs)), dataset.X, dataset.y, networks=3, engine="batched")
        assert same(sweep.predict(dataset), dataset.in_target_unit(sweep.predict(dataset.X)))
        scores = sweep.score(dataset)
        for number in range(3):
            run = sweep.replay(number)
            assert same(sweep.predict(dataset, [number])[0], run.predict(dataset))
            assert scores.drop(columns="network").loc[number].to_dict() == run.score(dataset)

    def test_scores_of_every_network(self):
        sweep = swept(rows=[3, 12], learning_rate=[0.01, 9.0], epochs=25)
        scores = sweep.score(X, Y)
        assert scores.columns.tolist() == ["network", "mse", "r2", "mape"]
        assert scores["network"].tolist() == list(range(28))
        for number in range(28):
            expected = sweep.replay(number).score(X, Y)
            assert same(
                scores.loc[number, ["mse", "r2", "mape"]].to_numpy(), np.array(list(expected.values()))
            )
        assert scores["mse"].isna().tolist() == (sweep.diverged > 0).tolist()

    def test_too_many_predictions_are_refused(self):
        sweep = swept(fastnn.Network((1, 1)), X[:, :1], networks=1000, epochs=1, engine="batched")
        message = r"predictions may take at most 2 GiB; got shape \(1000, 300000, 1\).*Name fewer networks"
        with pytest.raises(fastnn.InputError, match=message):
            sweep.predict(np.ones(300_000))
        assert sweep.predict(np.ones(300_000), [0]).shape == (1, 300_000)


LONG = {"networks": 100_000, "epochs": 2000, "workers": 2}  # minutes of work, in chunks of about 20 ms


@pytest.fixture
def ctrl_c(monkeypatch):
    """Returns a function that sends Ctrl-C after a number of finished chunks."""
    finished = threading.Semaphore(0)
    train = designing.Design.train

    def train_and_tell(*arguments):
        train(*arguments)
        finished.release()

    def after(chunks):
        def wait(*arguments):
            assert all(finished.acquire(timeout=60) for _ in range(chunks))
            raise KeyboardInterrupt

        monkeypatch.setattr(threads, "wait", wait)
        monkeypatch.setattr(splitting, "CHUNK_SECONDS", 0.02)
        monkeypatch.setattr(designing.Design, "train", train_and_tell)

    yield after
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


class TestInterruption:
    def test_what_was_finished_is_kept(self, ctrl_c):
        uninterrupted = swept(networks=20, epochs=LONG["epochs"])
        ctrl_c(8)
        sweep = swept(**LONG | {"workers": 1})
        assert sweep.interrupted
        assert not uninterrupted.interrupted
        assert 20 < len(sweep) < 100_000
        assert sweep.numbers.tolist() == list(range(len(sweep)))
        assert same(sweep.parameters[:20], uninterrupted.parameters)
        assert same(sweep.loss[:20], uninterrupted.loss)
        assert differences(sweep, len(sweep) - 1, sweep.replay(int(sweep.numbers[-1]))) == []

    def test_the_table_is_of_what_was_finished(self, ctrl_c):
        ctrl_c(4)
        sweep = swept(**LONG)
        kept = len(sweep)
        assert sweep.frame()["network"].tolist() == sweep.numbers.tolist()
        assert sweep.summary()["networks"].tolist() == [kept]
        assert len(sweep.best(5)) == 5
        assert len(sweep.dead_units()) == len(sweep.score(X, Y)) == len(sweep.predict(X)) == kept
        assert f"{grouped(kept)} networks of 100 000, interrupted" in repr(sweep)

    def test_a_network_that_was_not_reached_can_be_replayed(self, ctrl_c):
        ctrl_c(1)
        sweep = swept(**LONG)
        assert 99_999 not in sweep.numbers
        run = sweep.replay(99_999)
        assert same(run.start, fastnn.normal(0, 1.5).draw(NET, [99_999], 0)[0])
        with pytest.raises(fastnn.InputError, match="got 99999, which the interrupted sweep did not reach"):
            sweep.predict(X, [sweep.numbers[0], 99_999])

    def test_curves_are_kept_for_what_was_finished(self, ctrl_c):
        ctrl_c(3)
        sweep = swept(networks=50_000, epochs=2000, workers=2, curves=True)
        assert sweep.curves.shape == (len(sweep), 2000)
        assert 0 < len(sweep) < 50_000
        assert same(sweep.curves[-1], sweep.replay(int(sweep.numbers[-1])).loss_curve)

    def test_at_once(self, monkeypatch):
        monkeypatch.setattr(threads, "wait", interrupt)
        sweep = swept(networks=10, epochs=10**8)  # no chunk can be over
        assert sweep.interrupted
        assert len(sweep) == len(sweep.frame()) == len(sweep.best()) == len(sweep.score(X, Y)) == 0
        assert sweep.summary()["networks"].tolist() == [0]
        assert sweep.dead_units().shape == (0,)
        assert sweep.predict(X).shape == (0, 12)
        with pytest.raises(fastnn.InputError, match="got 3, which the interrupted sweep did not reach"):
            sweep.predict(X, 3)

    def test_a_real_one_is_answered_at_once(self, monkeypatch):
        moments = interrupt_after(monkeypatch, 2)
        sweep = swept(networks=100_000, epochs=20_000, workers=2)  # minutes of work
        assert time.perf_counter() - moments[0] < 20  # 0.1 s on an idle machine
        assert sweep.interrupted
        assert 10 < len(sweep) < 100_000
        for place in (*range(5), len(sweep) - 1):
            number = int(sweep.numbers[place])
            assert differences(sweep, place, alone(sweep, number)) == []
        start = fastnn.normal(0, 1.5).draw(NET, [99_999], 0)[0]
        unreached = sweep.replay(99_999).parameters
        assert same(unreached, fastnn.train(NET, X, Y, start, epochs=20_000).parameters)


def interrupt(*arguments):
    raise KeyboardInterrupt


class TestFailure:
    def test_a_start_beyond_float32(self):
        starts = np.ones((3, 9))
        starts[1, 4] = 1e39  # neither the first nor the last, which are looked at before any work
        with pytest.raises(
            fastnn.InputError, match=r"start must fit float32; got a number of magnitude 1e\+39"
        ):
            swept(networks=3, start=fastnn.given(starts), dtype="float32")
        assert len(swept(networks=3, start=fastnn.given(starts))) == 3

    @pytest.mark.parametrize("error", [MemoryError, fastnn.InputError])
    def test_an_exception_in_a_thread_stops_the_others_and_reaches_the_caller(self, monkeypatch, error):
        calls = itertools.count()

        def failing(parameters, X, Y, settings, totals):
            time.sleep(0.001)
            if next(calls) == 10:
                raise error("no more")

        monkeypatch.setattr(engine_modules.load("loop"), "kernel", lambda network, dtype, rule: failing)
        blocks = CallSizes(1, 1, width=1, vector=1, seconds=1e-9)
        monkeypatch.setattr(engine_modules.load("loop"), "call_sizes", lambda *_: blocks)
        before = threading.active_count()
        with pytest.raises(error, match="no more"):
            swept(networks=20_000, workers=3, engine="loop")
        assert threading.active_count() == before
        assert next(calls) < 10_000  # of 20 000; about 30 on an idle machine


@pytest.fixture
def bars(monkeypatch):
    """The bars made, each a stand-in for tqdm's that keeps what it is told."""
    made = []

    class Bar:
        def __init__(self, total, initial, **options):
            self.total, self.n, self.steps = total, initial, []
            made.append(self)

        def update(self, count):
            self.n += count
            self.steps.append(count)

        def close(self):
            pass

    monkeypatch.setattr("tqdm.tqdm", Bar)
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=Terminal()))
    return made


class Terminal(io.StringIO):
    def isatty(self):
        return True


class TestProgress:
    def test_it_reaches_the_total(self, monkeypatch, bars):
        monkeypatch.setattr(threads, "POLL_SECONDS", 0.005)
        swept(networks=3000, rows=[3, 12], epochs=300, workers=2, progress=True, engine="loop")
        assert (bars[0].total, bars[0].n) == (6000, 6000)
        assert min(bars[0].steps) >= 0
        assert sum(step > 0 for step in bars[0].steps) > 3  # not all at the end

    def test_it_does_so_where_parts_do_not_add_up(self, bars):
        swept(networks=1, epochs=10, shuffle=True, progress=True)  # in tenths, whose sum is below 1
        assert bars[0].n == 1

    @pytest.mark.parametrize(("progress", "bar"), [(True, 1), (False, 0), (None, 1)])
    def test_who_decides(self, bars, progress, bar):
        swept(progress=progress)
        assert len(bars) == bar

    def test_on_the_screen(self, monkeypatch):
        screen = Terminal()
        monkeypatch.setattr("sys.stderr", screen)
        swept(networks=20, progress=True)
        assert "20/20" in screen.getvalue()

    def test_in_a_log_file(self, capsys, monkeypatch):
        monkeypatch.setattr(progress, "LINE_SECONDS", 0.01)
        monkeypatch.setattr(threads, "POLL_SECONDS", 0.005)
        swept(networks=6000, epochs=400, workers=2, progress=True, engine="loop")
        first, *lines, last = capsys.readouterr().err.splitlines()
        number = r"[\d ]+"
        assert re.fullmatch(rf"6 000 networks, about .* on 2 threads, {number} kB of memory", first)
        assert len(lines) > 1
        for line in lines:
            assert re.fullmatch(rf"{number}/6 000 networks, \d+ %, {number}/s(, .* left)?", line)
        assert re.fullmatch(rf"6 000/6 000 networks, 100 %, {number}/s", last)

    def test_in_silence(self, capsys):
        for quiet in (False, None):  # None: this is no terminal
            swept(progress=quiet)
            assert capsys.readouterr().err == ""


class TestMemory:
    """A million networks of 2-2-1 and their table: 72 MB of parameters, twice, beside what Python takes."""

    @pytest.mark.skipif(sys.platform != "linux", reason="reads the peak in /proc/self/status")
    @pytest.mark.slow  # 6 s
    @pytest.mark.parametrize("engine", ["batched", "lanes", "general"])
    def test_a_million_networks_fit_500_megabytes(self, engine):
        script = f"""
from pathlib import Path
import fastnn

data = fastnn.generate_train_data(10)
data = fastnn.Dataset.from_frame(data, ["n1", "n2"], "n3")
sweep = fastnn.sweep(
    fastnn.Network((2, 2, 1)), data.X, data.y, networks=1_000_000, epochs=2, engine={engine!r}, workers=2
)
frame = sweep.frame()
assert len(frame) == 1_000_000
# Not ru_maxrss: Linux carries that of the process that started this one over into it.
peak, = (line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(peak.split()[1])
"""
        found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
        assert int(found.stdout) * 1024 / 1e6 < 500

"""The optimizer as an axis of a sweep's grid, and the axes in general."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from comparing import DTYPES
from small_sweeps import NET, X, Y, drop, faults, small_shards, store
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.optimizers import OPTIMIZERS
from fastnn.sweeping import cost
from fastnn.sweeping.axes import AXES, Optimizers
from fastnn.sweeping.description import arrays_of, described, design_of
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.contents import fault_of_content
from fastnn.sweeping.store.folder import Store
from fastnn.sweeping.store.manifest import sealed, unsealed

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

__all__ = ["store"]  # a fixture

SGD, Momentum, Nesterov = fastnn.optimizers.SGD, fastnn.optimizers.Momentum, fastnn.optimizers.Nesterov
GIVEN = ["sgd", Momentum(momentum=[0.5, 0.9]), "nesterov"]
SPREAD = [SGD(), Momentum(momentum=0.5), Momentum(momentum=0.9), Nesterov(momentum=0.9)]
EACH = 24  # networks of an optimizer


def swept(optimizer=GIVEN, **changes):
    """A sweep of 96 networks, some of which diverge; 24 of each optimizer."""
    options = {"networks": 6, "learning_rate": [0.02, 2.0], "rows": [5, 12], "epochs": 6, "seed": 3}
    return fastnn.sweep(NET, X, Y, optimizer=optimizer, workers=1, progress=False, **(options | changes))


class TestNumbering:
    def test_the_optimizer_varies_slowest(self):
        frame = swept().frame()
        assert frame["optimizer"].tolist() == ["sgd"] * 24 + ["momentum"] * 48 + ["nesterov"] * 24
        settings = np.repeat([np.nan, 0.5, 0.9, 0.9], EACH)
        assert np.array_equal(frame["momentum"], settings, equal_nan=True)
        assert frame["learning_rate"].tolist() == ([0.02] * 12 + [2.0] * 12) * 4
        assert frame["rows"].tolist() == ([5] * 6 + [12] * 6) * 8

    @pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=pytest.mark.slow)])
    @pytest.mark.parametrize("engine", ["loop", "lanes", "batched"])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_each_part_has_the_bits_of_a_sweep_of_its_own(self, engine, dtype, compiled, monkeypatch):
        options = {"engine": engine, "dtype": dtype, "shuffle": True, "curves": True}
        if not compiled:  # a kernel for each optimizer
            run_as_plain_python(monkeypatch)
        together = swept(**options)
        assert 0 < (together.diverged > 0).sum() < len(together)
        for place, optimizer in enumerate(SPREAD):
            single = swept(optimizer, **options)
            some = slice(place * EACH, (place + 1) * EACH)
            for name in ("parameters", "loss", "diverged", "loss_all_rows", "curves"):
                assert getattr(together, name)[some].tobytes() == getattr(single, name).tobytes()

    @pytest.mark.parametrize(
        "given",
        [
            (SGD(), Momentum(momentum=(0.5, 0.9)), Nesterov()),
            ["sgd", Momentum(momentum=np.array([0.5, 0.9])), "nesterov"],
            ["sgd", Momentum(momentum=np.float32(0.5)), Momentum(momentum=np.array(0.9)), "nesterov"],
            pd.Series(SPREAD),
            iter(SPREAD),
            [SGD(), Momentum(momentum=pd.Series([0.5, 0.9])), Nesterov(momentum=[0.9])],
        ],
    )
    def test_any_sequence_does(self, given):
        assert swept(given).digest() == swept().digest()

    def test_cells_name_what_varies(self):
        sweep = swept(rows=12)
        names = [sweep.grid.name_of(cell) for cell in sweep.grid.cells()]
        assert names[::2] == [
            "sgd, learning rate 0.02",
            "momentum 0.5, learning rate 0.02",
            "momentum 0.9, learning rate 0.02",
            "nesterov 0.9, learning rate 0.02",
        ]
        alone = swept("nesterov", rows=12)
        assert [alone.grid.name_of(cell) for cell in alone.grid.cells()] == [
            "learning rate 0.02",
            "learning rate 2",
        ]
        assert "optimizers SGD(), Momentum(momentum=0.5), Momentum(momentum=0.9), Nes" in repr(sweep)

    def test_close_settings_are_told_apart(self):
        near = [0.5, 0.5 + 1e-9]
        assert len(set(Optimizers.of(Momentum(momentum=near), "float64", 1).texts)) == 2


class TestOneOptimizer:
    """Tables, digests and frames of a sweep with one optimizer are as without the axis."""

    @pytest.mark.parametrize("optimizer", SPREAD, ids=repr)
    def test_a_list_of_one_is_that_one(self, optimizer):
        assert swept([optimizer]).digest() == swept(optimizer).digest()
        assert list(swept([optimizer]).frame()) == [
            *("network", "learning_rate", "rows", "loss", "loss_all_rows", "status"),
            *NET.parameter_names,
        ]

    def test_its_columns_can_be_named(self):
        frame = swept("nesterov").frame(["network", "optimizer", "momentum"], [("network", "<", 2)])
        assert frame.to_dict("list") == {
            "network": [0, 1],
            "optimizer": ["nesterov", "nesterov"],
            "momentum": [0.9, 0.9],
        }
        with pytest.raises(
            fastnn.InputError,
            match=r"each of columns must be one of .*'optimizer', 'batch_size', 'shuffle', 'l2'",
        ):
            swept("sgd").frame(["momentum"])

    def test_the_digest_tells_optimizers_apart(self):
        """Networks of these optimizers have the same bits."""
        same = [["sgd", Momentum(momentum=0)], [Momentum(momentum=0), "sgd"], [Nesterov(momentum=0), "sgd"]]
        sweeps = [swept(given) for given in same]
        assert len({sweep.parameters.tobytes() for sweep in sweeps}) == 1
        assert len({sweep.digest() for sweep in sweeps}) == 3


class TestFrames:
    def test_words_are_categories(self):
        frame = swept().frame()
        assert frame["optimizer"].dtype == pd.CategoricalDtype(["sgd", "momentum", "nesterov"])
        groups = frame.groupby(["optimizer", "momentum"], observed=True, dropna=False).size()
        assert groups.tolist() == [EACH] * 4

    @pytest.mark.parametrize(
        ("filters", "networks"),
        [
            ([("optimizer", "==", "momentum")], range(24, 72)),
            ([("optimizer", "in", ["sgd", "nesterov"])], [*range(24), *range(72, 96)]),
            ([("momentum", ">", 0.6), ("optimizer", "!=", "nesterov")], range(48, 72)),
            ([("optimizer", "==", "adamw")], []),
        ],
    )
    def test_they_are_filtered_by(self, filters, networks):
        assert swept().frame(["network"], filters)["network"].tolist() == list(networks)

    def test_a_filter_takes_words_for_words(self):
        with pytest.raises(
            fastnn.InputError, match=r'must be a word for optimizer; got 1. Write one such as "sgd"'
        ):
            swept().frame(filters=[("optimizer", "==", 1)])

    def test_summaries_quantiles_and_the_best_have_them(self):
        sweep = swept()
        for table in (sweep.summary(), sweep.quantiles([0.5])):
            assert list(table)[:4] == ["optimizer", "momentum", "learning_rate", "rows"]
            assert table["optimizer"].tolist() == ["sgd"] * 4 + ["momentum"] * 8 + ["nesterov"] * 4
        best = sweep.best(3)
        frame = sweep.frame().set_index("network").loc[best["network"]]
        assert best["optimizer"].tolist() == frame["optimizer"].tolist()
        assert list(sweep.summary())[4:6] == ["networks", "diverged"]


class TestReplay:
    @pytest.mark.parametrize("number", [0, 23, 24, 59, 71, 72, 95])
    def test_any_network(self, number):
        sweep = swept()
        again = sweep.replay(number)
        assert again.parameters.tobytes() == sweep.parameters[number].tobytes()
        assert again.optimizer == SPREAD[number // EACH]

    def test_several_of_one_optimizer(self):
        sweep = swept()
        numbers = [50, 62, 49]
        again = sweep.replay(numbers)
        assert again.parameters.tobytes() == sweep.parameters[numbers].tobytes()
        assert again.optimizer == Momentum(momentum=0.9)

    def test_others_are_refused(self):
        message = (
            "number must name networks that were trained by the same optimizer; got sgd and momentum 0.9. "
            "Replay networks of one optimizer at a time."
        )
        with pytest.raises(fastnn.InputError, match=re.escape(message)):
            swept().replay([0, 48])


class TestStores:
    def test_resumed_grown_and_by_workers(self, store):
        whole = swept(networks=30)
        with small_shards():
            assert swept(store=store).digest() == swept().digest()
            drop(store, 1)
            with ThreadPoolExecutor(2) as pool:  # which is handed the same bytes as processes
                assert swept(store=store, networks=30, executor=pool).digest() == whole.digest()
        found = fastnn.open(store)
        assert found.digest() == found.table_digest() == whole.digest()
        assert found.frame().equals(whole.frame())
        assert found.summary().equals(whole.summary())
        assert faults(store) == []
        number = 30 * 4 * 3 - 1
        assert found.replay(number).optimizer == Momentum(momentum=0.9)

    def test_its_files_say_the_optimizer(self, store):
        swept(store=store)
        table = pd.read_parquet(store / "shards")
        assert list(table)[:5] == ["start", "optimizer", "momentum", "learning_rate", "rows"]
        assert table["optimizer"].tolist() == swept().frame()["optimizer"].tolist()

    def test_a_shard_of_another_optimizer_is_found(self, store, tmp_path):
        """Its bytes are intact, and its numbers possible."""
        swept(["sgd", Momentum(momentum=0.5)], store=store)
        swept(["sgd", Momentum(momentum=0.25)], store=tmp_path / "other")
        manifest = Store.at(store).manifest
        first, *_, last = sorted((tmp_path / "other" / "shards").glob("*.parquet"))
        assert fault_of_content(manifest, "shard", 0, first.read_bytes()) == ""  # of plain gradient descent
        found = fault_of_content(manifest, "shard", manifest.shard_count - 1, last.read_bytes())
        assert found == "holds something else: momentum does not fit its networks"

    def test_other_optimizers_are_another_sweep(self, store):
        swept(store=store)
        for other in (GIVEN[:2], GIVEN[::-1], "sgd"):
            with pytest.raises(fastnn.InputError, match="optimizer is "):
                swept(other, store=store)

    @pytest.mark.parametrize(
        "plain",
        [
            [{"optimizer": "momentum", "momentum": 0.5}] * 2,
            [{"optimizer": "momentum", "momentum": 0.5}, {"optimizer": "momentum", "momentum": 1.5}],
            {"optimizer": "sgd"},
            ["sgd"],
            [],
        ],
    )
    def test_a_manifest_that_no_sweep_writes_is_refused(self, store, plain):
        swept(store=store)
        path = store / "manifest.json"
        values = unsealed(path.read_bytes(), "manifest.json")
        path.write_bytes(sealed(values | {"plan": values["plan"] | {"optimizer": plain}}))
        with pytest.raises(StoreError, match=r"must describe a sweep; it does not: (optimizer|momentum)"):
            fastnn.open(store)

    def test_a_design_comes_back_from_its_description(self):
        design = swept().design
        again = design_of(described(design), arrays_of(design))
        assert list(again.grid.cells()) == list(design.grid.cells())
        assert again.grid["optimizer"].plain == design.grid["optimizer"].plain


class TestRefused:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (["sgd", "sgd"], r"optimizer must name each value once; got \[SGD\(\), SGD\(\)\]. Drop the rep"),
            (
                [Momentum(momentum=[0.5, 0.5])],
                "optimizer must name each value once; got .* Drop the repeated",
            ),
            (["momentum", Momentum(momentum=0.9)], "optimizer must name each value once"),
            ([Momentum(momentum=[0.0, -0.0])], "optimizer must name each value once"),
            ([], "optimizer must name at least one optimizer; got none. Leave it out for sgd"),
            (
                ["sgd", "nestrov"],
                r"^optimizer\[1\] must be one of 'sgd', .*; got 'nestrov'.*did you mean nesterov",
            ),
            (["sgd", None], r"^optimizer\[1\] must be one of"),
            ([["sgd"]], r"^optimizer\[0\] must be one of .*; got \['sgd'\]. Choose one of these.$"),
            ({"sgd", "nesterov"}, "^optimizer must be one of"),
            ({"sgd": 1}, "^optimizer must be one of"),
            (["sgd"] * 10_001, "optimizer must be at most 10000 values"),
            (
                [Momentum(momentum=np.linspace(0, 0.9, 6000)), Nesterov(momentum=np.linspace(0, 0.9, 6000))],
                "10000",
            ),
        ],
    )
    def test_by_a_sweep(self, given, message):
        with pytest.raises(fastnn.InputError, match=message):
            swept(given)

    def test_settings_that_its_dtype_makes_equal(self):
        near = Momentum(momentum=[0.5, 0.5 + 1e-12])
        assert len(swept(near)) == 48
        with pytest.raises(fastnn.InputError, match="optimizer must name each value once"):
            swept(near, dtype="float32")

    @pytest.mark.parametrize("kind", [Momentum, Nesterov])
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([0.5, 1.0], r"^momentum\[1\] must be from 0 up to but not including 1; got 1.0. Give"),
            ([0.5, None], r"^momentum\[1\] must be a finite number; got None"),
            ([[0.5]], r"^momentum\[0\] must be a finite number"),
            ([True], r"^momentum\[0\] must be a finite number"),
            ([], "^momentum must name at least one number; got none. Leave it out for 0.9"),
            (np.linspace(0, 0.5, 10_001), "momentum must be at most 10000 values"),
        ],
    )
    def test_by_an_optimizer(self, kind, values, message):
        with pytest.raises(fastnn.InputError, match=message):
            kind(momentum=values)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (
                Momentum(momentum=[0.5, 0.9]),
                r"optimizer must have one momentum here; got Momentum\(momentum=\(0.5, 0.9\)\). "
                "Give one number; several are for fastnn.sweep.",
            ),
            (Nesterov(momentum=[0.5]), "optimizer must have one momentum here"),
            (["sgd", "nesterov"], r"optimizer must be one of .*; got \['sgd', 'nesterov'\]. .* fastnn.sweep"),
        ],
    )
    @pytest.mark.parametrize(
        "use",
        [
            lambda given: fastnn.train(NET, X, Y, optimizer=given),
            lambda given: fastnn.code(NET, optimizer=given),
            lambda given: fastnn.derive(NET, optimizer=given),
            lambda given: fastnn.warmup(NET, optimizer=given),
        ],
        ids=["train", "code", "derive", "warmup"],
    )
    def test_where_one_is_needed(self, use, given, message):
        with pytest.raises(fastnn.InputError, match=message):
            use(given)

    def test_divergence_names_the_cell(self):
        message = r"network 1\d did, in epoch \d+ at sgd, learning rate 2, 5 rows\. Lower the learning rate"
        with pytest.raises(fastnn.DivergenceError, match=message):
            swept(on_divergence="raise")


class TestShuffled:
    def test_each_order_trains_as_it_would_alone(self, store):
        options = {"optimizer": "sgd", "rows": [5, 12], "learning_rate": 0.02, "engine": "batched"}
        both = swept(**options, shuffle=[True, False])
        for place, shuffle in enumerate([True, False]):
            alone = swept(**options, shuffle=shuffle)
            some = both.part(len(alone) * place + np.arange(len(alone)))
            assert some.parameters.tobytes() == alone.parameters.tobytes()
        assert both.frame()["shuffle"].tolist() == [True] * len(alone) + [False] * len(alone)
        assert [both.grid.name_of(cell) for cell in both.grid.cells()][::2] == [
            "shuffled, learning rate 0.02, 5 rows",
            "in file order, learning rate 0.02, 5 rows",
        ]
        for number in (1, len(alone) + 1):
            again = both.replay(number)
            assert again.parameters.tobytes() == both.parameters[number].tobytes()
        with pytest.raises(
            fastnn.InputError, match="in the same order of the rows; got shuffled and in file"
        ):
            both.replay([1, len(alone) + 1])
        assert swept(**options, shuffle=[True, False], store=store).digest() == both.digest()

    @pytest.mark.parametrize("given", [[], [True, True], ["yes"], 1])
    def test_what_is_no_order_is_refused(self, given):
        with pytest.raises(fastnn.InputError, match="shuffle must"):
            swept(shuffle=given)

    def test_a_given_order_is_the_only_one(self):
        with pytest.raises(fastnn.InputError, match="row_order must be the only order of the rows"):
            swept(rows=12, shuffle=[False, True], row_order=np.tile(np.arange(12), (6, 1)))


class TestCost:
    def test_each_rule_and_number_of_rows_counts(self, monkeypatch):
        """A trial of sgd takes 1 s a row and network, one of momentum 3 s, one of nesterov 4 s."""
        tried, seconds = [], {"sgd": 1.0, "momentum": 3.0, "nesterov": 4.0}

        def trial(design, cell, most):
            tried.append(cell["optimizer"].name)
            return seconds[cell["optimizer"].name] * cell["rows"]

        monkeypatch.setattr(cost, "_trial", trial)
        design = swept().design
        assert cost.seconds_per_network(design) == pytest.approx((1 + 3 + 3 + 4) / 4 * (5 + 12) / 2)
        assert set(tried) == set(seconds)
        assert cost.most_seconds_per_network(design) == 4 * 12

    def test_epochs_that_are_calls_of_their_own_count(self, monkeypatch):
        """A trial with a schedule takes 2 s, one without 1 s. One step is beyond the end."""
        seconds = {"constant": 1.0, "exponential": 2.0, "step": 1.0}
        monkeypatch.setattr(
            cost, "_trial", lambda design, cell, most: seconds[cell["schedule"].name] * cell["rows"]
        )
        schedules = ["constant", fastnn.schedules.Step(every=100), "exponential"]
        design = swept(optimizer="sgd", schedule=schedules).design
        assert cost.seconds_per_network(design) == pytest.approx((1 + 1 + 2) / 3 * (5 + 12) / 2)

    @pytest.mark.parametrize(
        ("calls", "expected"),
        [
            ([(0.2, 0.003), *[(0.01, 10)] * 30], 0.001),  # the first waits for a kernel, and is of few rows
            ([(0.2, 16)], 0.0125),  # there is no other
            ([(0.2, 16), (0.1, -3), (0.1, 4)], 0.2),  # some has to be done again
        ],
    )
    def test_the_first_call_of_a_trial_does_not_count(self, monkeypatch, calls, expected):
        now = [0.0]

        def train(design, chunk, room, pause):
            for seconds, networks in calls:
                now[0] += seconds
                pause(networks)

        design = swept().design
        monkeypatch.setattr(type(design), "train", train)
        for clock in ("perf_counter", "thread_time"):
            monkeypatch.setattr(cost, clock, lambda: now[0])
        assert cost._trial(design, design.grid.cell_of(0), 0.1) == pytest.approx(expected)

    def test_a_trial_runs(self):
        assert 0 < cost.seconds_per_network(swept().design) <= 10


class TestTable:
    """What holds for every axis and every optimizer."""

    def test_no_two_columns_have_one_name(self):
        names = [name for axis in AXES.values() for name in axis.names()]
        assert len(set(names)) == len(names)
        assert not {"network", "start", "loss", "status", "diverged", "curve"} & {*names}

    @pytest.mark.parametrize("name", AXES)
    def test_its_columns_are_among_its_names(self, name):
        axis = swept().grid[name]
        assert {*axis.columns} <= {*axis.names()}
        assert getattr(axis, "column", name) == next(iter(axis.columns))
        assert len(axis.texts) == len(set(axis.texts)) == len(axis)

    @pytest.mark.parametrize("kind", OPTIMIZERS.values())
    def test_each_setting_may_be_a_sequence(self, kind):
        for name in kind.settings():
            values = {"eps_hat": (0.0, 1.0), "up": (1.5, 2.0), "least": (0.0, 0.05)}.get(name, (0.25, 0.5))
            given = kind(**{name: list(values)})
            assert given.each() == [kind(**{name: value}) for value in values]
            assert hash(given) == hash(kind(**{name: values}))


@pytest.mark.parametrize("loss", ["cross_entropy", ["squared", "cross_entropy"]])
def test_validation_targets_fit_every_loss(loss):
    network = fastnn.Network((2, 2, 1), output="sigmoid")
    with pytest.raises(fastnn.InputError, match=r"^validation y must be from 0 .* for cross_entropy"):
        fastnn.sweep(network, X, (Y > 0) * 1.0, networks=2, epochs=1, loss=loss, validation=(X, 2 + Y**2))

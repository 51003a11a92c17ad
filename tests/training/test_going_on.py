"""Training that goes on from a run: the same, to the bit, as one longer run; what may change on the way."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from model_fuzzing import unlike
from rules import OPTIMIZERS
from uncompiled import run_as_plain_python

import fastnn
from fastnn.training import train

DRAW = np.random.default_rng(11)
X, Y = DRAW.normal(size=(10, 2)), DRAW.normal(size=10)
FURTHER = DRAW.normal(size=(4, 2)), DRAW.normal(size=4)
NET = fastnn.Network((2, 2, 1))
STARTS = DRAW.normal(size=(3, 9))
ORDER = DRAW.permuted(np.tile(np.arange(10), (7, 1)), axis=1)
WAYS = {
    "in file order": {"batch_size": 1},
    "shuffled": {"batch_size": 4, "shuffle": True, "seed": 8, "l2": 0.01, "clip": 0.5},
    "by a schedule": {"batch_size": 10, "schedule": fastnn.schedules.Cosine(horizon=6, warmup=2)},
    "all at once": {
        "batch_size": 3,
        "shuffle": True,
        "schedule": "exponential",
        "sample_weight": 1.0 + X[:, 0] ** 2,
    },
}
WATCHED = {
    "validation": "validation_loss",
    "training": "training_loss",
    "penalized": "penalized_loss",
    "score": lambda outputs, targets: np.abs(outputs - targets).max(),
}
AGAIN = ("sample_weight", "validation")  # given again with the rows


def trained(start=STARTS, epochs=7, network=NET, **settings):
    return fastnn.train(network, X, Y, start, epochs=epochs, engine="batched", **settings)


def gone_on(run, epochs, **settings):
    return trained(run, epochs, run.network, **settings)


def again(settings):
    return {name: settings[name] for name in AGAIN if name in settings}


class TestOneLongerRun:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
    def test_it_is_the_same_to_the_bit(self, optimizer, way, tmp_path):
        settings = WAYS[way] | {"optimizer": optimizer, "validation": FURTHER}
        if optimizer.learning_rate is None:
            settings.pop("schedule", None)
        long = trained(**settings)
        short = trained(epochs=3, **settings)
        short.save(tmp_path / "run.npz")
        for run in (short, fastnn.Training.load(tmp_path / "run.npz")):
            assert unlike(gone_on(run, 4, **again(settings)), long) == []
        once, twice = (replace(short, **{f: getattr(short, f)}) for f in ("start", "state"))
        assert unlike(gone_on(gone_on(once, 1, **again(settings)), 3, **again(settings)), long) == []
        assert unlike(twice, short) == []  # what went on is as it was

    @pytest.mark.parametrize("dtype", ["float64", "float32"])
    def test_one_network_alone(self, dtype):
        settings = {"optimizer": "adam", "batch_size": 4, "shuffle": True, "seed": 3, "dtype": dtype}
        long, short = trained(STARTS[1], **settings), trained(STARTS[1], 2, **settings)
        assert unlike(gone_on(short, 5), long) == []

    @pytest.mark.parametrize("engine", ["loop", "lanes"])
    def test_in_every_engine(self, engine, monkeypatch):
        run_as_plain_python(monkeypatch)
        settings = {"optimizer": "momentum", "batch_size": 1, "shuffle": True}
        run = fastnn.train(NET, X, Y, trained(epochs=3, **settings), epochs=4, engine=engine)
        assert unlike(replace(run, engine="batched"), trained(**settings)) == []

    def test_a_network_of_a_sweep_goes_on(self):
        sweep = fastnn.sweep(
            NET, X, Y, networks=4, epochs=3, shuffle=True, seed=9, engine="batched", progress=False
        )
        longer = fastnn.sweep(
            NET, X, Y, networks=4, epochs=7, shuffle=True, seed=9, engine="batched", progress=False
        )
        for number in (2, [3, 1]):
            assert unlike(gone_on(sweep.replay(number), 4), longer.replay(number)) == []

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_validation_rows_are_drawn_alike(self, shuffle):
        settings = {"validation": 0.3, "shuffle": shuffle, "seed": 5, "batch_size": 3}
        long, short = trained(**settings), trained(epochs=3, **settings)
        assert unlike(gone_on(short, 4, validation=0.3), long) == []

    @pytest.mark.parametrize("given", ["row_order", "schedule"])
    def test_what_is_given_for_every_epoch_is_given_for_the_further_ones(self, given):
        every = {"row_order": ORDER, "schedule": np.linspace(0.01, 0.1, 7)}[given]
        long, short = trained(**{given: every}), trained(epochs=3, **{given: every[:3]})
        assert unlike(gone_on(short, 4, **{given: every[3:]}), long) == []

    def test_an_interrupted_run_goes_on_from_its_last_kept_epoch(self, monkeypatch):
        settings = {"optimizer": "momentum", "shuffle": True, "validation": FURTHER}

        def ctrl_c(seen):
            if seen.epoch == 5:
                raise KeyboardInterrupt

        monkeypatch.setattr(train, "_interrupted", -np.inf)
        with pytest.warns(RuntimeWarning, match="after 4 of 6 epochs"):
            run = trained(epochs=6, callback=ctrl_c, **settings)
        assert (run.epochs, run.interrupted) == (4, True)
        assert unlike(gone_on(run, 3, **again(settings)), trained(**settings)) == []


class TestDiverged:
    NET = fastnn.Network((1, 1, 1), "identity")

    def run(self, start, epochs):
        with np.errstate(all="ignore"):
            return fastnn.train(
                self.NET, [1.0], [0.0], start, epochs=epochs, learning_rate=1e10, engine="batched"
            )

    def test_the_diverged_stay_so(self, tmp_path):
        starts = [[1e200, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
        short, long = self.run(starts, 2), self.run(starts, 5)
        assert short.status.tolist() == ["diverged", "ok"]
        short.save(tmp_path / "run.npz", finite=False)
        for run in (short, fastnn.Training.load(tmp_path / "run.npz", finite=False)):
            assert unlike(self.run(run, 3), long) == []

    def test_a_last_update_that_overflowed_is_not_the_end_of_the_longer_run(self, tmp_path):
        start = [1e150, 1.0, 0.0, 0.0]
        short, long = self.run(start, 1), self.run(start, 4)
        assert (short.diverged, long.diverged) == (1, 2)
        assert np.isnan(short.parameters).all()
        short.save(tmp_path / "run.npz", finite=False)
        for run in (short, fastnn.Training.load(tmp_path / "run.npz", finite=False)):
            assert unlike(self.run(run, 3), long) == []
        assert long.loss_curve[0] == short.last_loss == 1e150 * 1e150


class TestFromDifferentEpochs:
    """Networks that ended after different epochs: each goes on as it would alone."""

    LAST = np.array([3, 5, 2])

    def stopped(self, **settings):
        return trained(callback=lambda seen: seen.epoch == self.LAST, **settings)

    @pytest.mark.parametrize("way", WAYS)
    def test_each_goes_on_as_alone(self, way, tmp_path):
        settings = WAYS[way] | {"optimizer": "adam", "validation": FURTHER}
        self.stopped(**settings).save(tmp_path / "run.npz")
        run = gone_on(fastnn.Training.load(tmp_path / "run.npz"), 4, **again(settings))
        assert (run.epochs, run.best_epoch.tolist()) == (9, [7, 9, 6])
        assert run.ended.tolist() == ["epochs"] * 3
        for network, start in enumerate(STARTS):
            alone, last = trained(start, self.LAST[network] + 4, **settings), self.LAST[network] + 4
            for name in ("start", "parameters", "state", "loss", "learning_rate", "validation_loss"):
                assert np.array_equal(getattr(run, name)[network], getattr(alone, name)), name
            for name in ("loss_curve", "validation_curve"):
                curve = getattr(run, name)[network]
                assert np.array_equal(curve[:last], getattr(alone, name))
                assert np.isnan(curve[last:]).all()
        run.save(tmp_path / "run.npz")
        assert unlike(fastnn.Training.load(tmp_path / "run.npz"), run) == []
        twice = gone_on(run, 2, **again(settings))
        assert unlike(twice, gone_on(self.stopped(**settings), 6, **again(settings))) == []

    @pytest.mark.parametrize("watched", WATCHED.values(), ids=WATCHED)
    def test_what_stopped_for_itself_goes_on_from_its_best_epoch(self, watched, tmp_path):
        settings = {"optimizer": "adam", "batch_size": 4, "shuffle": True, "learning_rate": 0.05, "l2": 0.01}
        watch = {"watch": watched, "patience": 3, "min_delta": 1e-4, "validation": FURTHER}
        trained(epochs=15, **settings, **watch).save(tmp_path / "run.npz")
        run = fastnn.Training.load(tmp_path / "run.npz")
        assert len(set(run.best_epoch.tolist())) > 1
        on, watching = gone_on(run, 4, validation=FURTHER), gone_on(run, 4, **watch)
        for network, best in enumerate(run.best_epoch.tolist()):
            plain = trained(STARTS[network], best + 4, validation=FURTHER, **settings)
            stopped = trained(STARTS[network], best + 4, **settings, **watch)
            for found, alone in ((on, plain), (watching, stopped)):
                for name in ("parameters", "state", "loss", "validation_loss", "best_epoch", "ended"):
                    assert np.array_equal(getattr(found, name)[network], getattr(alone, name)), name
            assert watching.trained_epochs[network] == stopped.trained_epochs

    def test_rates_and_order_of_the_further_epochs(self):
        run = gone_on(self.stopped(), 2, schedule=[0.02, 0.03], row_order=ORDER[:2])
        for network, start in enumerate(STARTS):
            file_order = np.tile(np.arange(10), (self.LAST[network], 1))
            rates = [*np.full(self.LAST[network], 0.005), 0.02, 0.03]
            order = np.concatenate([file_order, ORDER[:2]])
            alone = trained(start, len(rates), schedule=rates, row_order=order)
            assert np.array_equal(run.parameters[network], alone.parameters)
            assert np.array_equal(run.learning_rates[network, : len(rates)], rates)

    def test_a_diverged_network_stays_with_the_others(self):
        rates = [1e30, 0.01, 0.01]
        run = trained(callback=lambda seen: seen.epoch == self.LAST, learning_rate=rates)
        assert run.diverged.tolist() == [1, 0, 0]
        further = gone_on(run, 2)
        assert (further.diverged.tolist(), further.best_epoch.tolist()) == ([1, 0, 0], [0, 7, 4])

    def test_a_callback_is_refused(self):
        with pytest.raises(
            fastnn.InputError, match=r"callback must be left out .* got networks after epochs 2, 3, 5"
        ):
            gone_on(self.stopped(), 1, callback=lambda seen: None)


class TestWhatMayChange:
    def test_the_learning_rate(self):
        rates = np.repeat([0.01, 0.05], [3, 4])
        run = gone_on(trained(epochs=3, learning_rate=0.01), 4, learning_rate=0.05)
        assert unlike(run, trained(schedule=rates)) == []
        assert run.learning_rates[0].tolist() == rates.tolist()
        assert unlike(gone_on(run, 1, learning_rate=0.05), trained(epochs=8, schedule=[*rates, 0.05])) == []
        same = gone_on(trained(epochs=3, learning_rate=0.01), 4, learning_rate=0.01)
        assert unlike(same, trained(learning_rate=0.01)) == []

    def test_a_schedule_counts_all_epochs(self):
        step = fastnn.schedules.Step(every=2, gamma=0.5)
        run = gone_on(trained(epochs=3), 4, schedule=step)
        assert run.learning_rates[0].tolist() == [0.005] * 3 + [0.0025, 0.00125, 0.00125, 0.000625]

    def test_the_rows(self):
        short = trained(epochs=3, optimizer="momentum")
        run = fastnn.train(NET, X[:5], Y[:5], short, epochs=1, engine="batched")
        assert (run.rows, run.epochs, run.optimizer) == (5, 4, short.optimizer)
        other = fastnn.train(NET, X[5:], Y[5:], short, epochs=1, engine="batched")
        assert (run.loss != other.loss).all()

    def test_a_batch_of_all_rows_stays_one(self):
        run = fastnn.train(NET, X[:5], Y[:5], trained(epochs=1, batch_size=10), epochs=1, engine="batched")
        assert run.batch_size == 5

    def test_the_order(self):
        run = gone_on(trained(epochs=3), 4, row_order=ORDER[3:])
        file_order = np.tile(np.arange(10), (3, 1))
        assert unlike(run, trained(row_order=np.concatenate([file_order, ORDER[3:]]))) == []

    def test_validation_rows(self):
        run = gone_on(trained(epochs=3), 4, validation=FURTHER)
        assert np.isnan(run.validation_curve).tolist() == [[True] * 2 + [False] * 5] * 3
        without = gone_on(trained(epochs=3, validation=FURTHER), 4)
        assert np.isnan(without.validation_curve).tolist() == [[False] * 3 + [True] * 4] * 3


RUN = trained(epochs=2, optimizer=fastnn.optimizers.Momentum(momentum=0.5), batch_size=4)
REFUSED = {
    "network": (
        {"network": fastnn.Network((2, 3, 1))},
        "network must be the run's where training goes on, Network",
    ),
    "dtype": (
        {"dtype": "float32"},
        "dtype must be the run's where training goes on, 'float64'; got 'float32'",
    ),
    "loss": ({"loss": "huber"}, r"loss must be the run's .*, Squared\(\); got Huber"),
    "optimizer": (
        {"optimizer": "sgd"},
        r"optimizer must be the run's .*, Momentum\(momentum=0\.5\); got SGD",
    ),
    "its settings": (
        {"optimizer": "momentum"},
        r"got Momentum\(momentum=0\.9\)\. Leave it out, or begin a new",
    ),
    "batch_size": ({"batch_size": 5}, "batch_size must be the run's where training goes on, 4; got 5"),
    "penalty": ({"l2": 0.1}, r"l2 must be the run's where training goes on, 0\.0; got 0\.1"),
    "clip": ({"clip": 1.0}, r"clip must be the run's where training goes on, None; got 1\.0"),
    "epochs": ({"epochs": 2**31 - 2}, "epochs of the whole run must be a whole number from 1 to"),
}


def test_none_leaves_a_setting_out():
    names = (
        "dtype",
        "shuffle",
        "seed",
        "loss",
        "optimizer",
        "batch_size",
        "schedule",
        "learning_rate",
        "clip",
    )
    nothing = dict.fromkeys([*names, "l2", "l1", "decay", "l2_on", "weights_within"])
    assert unlike(trained(**nothing), trained()) == []


class TestRefused:
    @pytest.mark.parametrize("case", REFUSED)
    def test_what_the_state_cannot_follow(self, case):
        change, words = REFUSED[case]
        with pytest.raises(fastnn.InputError, match=words):
            trained(RUN, **{"epochs": 1} | change)

    def test_the_same_may_be_said_again(self):
        again = gone_on(
            RUN, 1, optimizer=RUN.optimizer, batch_size=4, loss="squared", dtype="float64", l2=0.0
        )
        assert unlike(again, gone_on(RUN, 1)) == []

    def test_fewer_rows_than_a_batch(self):
        with pytest.raises(fastnn.InputError, match=r"X must have at least the 4 rows of a batch .*; got 3"):
            fastnn.train(NET, X[:3], Y[:3], RUN, epochs=1)

    def test_rates_that_nobody_knows(self):
        run = trained(epochs=2, schedule=[0.1, 0.2])
        with pytest.raises(fastnn.InputError, match="learning_rate must be given where training goes on"):
            gone_on(run, 1)

    def test_an_order_that_nobody_knows(self):
        run = trained(epochs=2, row_order=ORDER[:2])
        with pytest.raises(fastnn.InputError, match="row_order must have the order of the further epochs"):
            gone_on(run, 1)
        assert gone_on(run, 1, shuffle=False).order == "file"

    def test_weights_that_are_not_given_again(self):
        run = trained(epochs=2, sample_weight=range(10), weights_within="batch", batch_size=4)
        with pytest.raises(
            fastnn.InputError, match="sample_weight or class_weight must be given with the rows"
        ):
            gone_on(run, 1)
        assert gone_on(run, 1, sample_weight=range(10)).weights_within == "batch"

    def test_another_arithmetic(self):
        with pytest.raises(
            fastnn.InputError, match="start must be a run of this version's arithmetic; arithmetic is"
        ):
            gone_on(replace(RUN, arithmetic="another"), 1)

    def test_other_labels(self):
        net = fastnn.Network((2, 2), output="softmax")
        run = fastnn.train(net, X[:4], ["a", "b", "b", "a"], epochs=1, engine="batched")
        again = fastnn.train(net, X[:4], [[1, 0], [0, 1], [0, 1], [1, 0]], run, epochs=1, engine="batched")
        assert again.labels == run.labels
        with pytest.raises(
            fastnn.InputError, match=r"y must have the labels of the run .*'a', 'b'.* got .*'c'"
        ):
            fastnn.train(net, X[:4], ["a", "c", "c", "a"], run, epochs=1)

    def test_another_scaling(self):
        frames = [pd.DataFrame({"a": [0, 1, top], "b": [3.0, 5, 4], "c": [1.0, 2, 3]}) for top in (2.0, 9.0)]
        one, other = (fastnn.Dataset.from_frame(frame, ["a", "b"], "c") for frame in frames)
        run = fastnn.train(NET, one, epochs=1, engine="batched")
        assert fastnn.train(NET, one.X, one.y, run, epochs=1, engine="batched").scaling is one.scaling
        with pytest.raises(fastnn.InputError, match="X must have the columns and the scaling of the run"):
            fastnn.train(NET, other, start=run, epochs=1)

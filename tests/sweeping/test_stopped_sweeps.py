"""Sweeps whose networks stop for themselves: the same wherever they are trained, and as they stop alone."""

import numpy as np
import pytest
from small_sweeps import NET, X, Y, small_shards, store, swept  # noqa: F401 - a fixture

import fastnn
from fastnn.core.endings import ENDINGS
from fastnn.reporting.sweep_stops import stops
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.store import entries
from fastnn.sweeping.store.manifest import Manifest
from fastnn.sweeping.work.expecting import Expected

VALIDATION = np.linspace(-1, 1, 8).reshape(4, 2), np.array([0.5, -1.0, 0.25, 2.0])
STOPS = {"rows": [12], "learning_rate": [0.01, 0.05, 9.0], "validation": VALIDATION, "patience": 3}
STOPS |= {"min_delta": 1e-3, "engine": "batched", "curves": 1}


@pytest.fixture(scope="module")
def sweep():
    return swept(**STOPS)


def test_each_network_stops_as_it_does_alone(sweep):
    for place in (0, 7, 30, 62):
        start = fastnn.normal(0, 1.5).draw(NET, [place % 21], 0)[0]
        rate = STOPS["learning_rate"][place // 21]
        settings = {"validation": VALIDATION, "patience": 3, "min_delta": 1e-3, "epochs": 25}
        alone = fastnn.train(NET, X, Y, start, learning_rate=rate, engine="batched", **settings)
        again = sweep.replay(place)
        for run in (alone, again):
            assert run.parameters.tobytes() == sweep.parameters[place].tobytes()
            assert run.loss_curve.tobytes() == sweep.curves[place].tobytes()
            found = (run.best_epoch, run.trained_epochs, run.ended, run.loss, run.validation_loss)
            names = ("best_epoch", "trained_epochs", "ended", "loss", "validation_loss")
            expected = [getattr(sweep, name)[place].item() for name in names]
            assert repr([*map(str, found)]) == repr([*map(str, expected)])
    assert len({*sweep.ended}) > 1


def test_best_ranks_by_the_validation_loss_of_best_epochs(sweep):
    assert sweep.ranked_by == "validation_loss"
    assert sweep.best(1)["network"].tolist() == [int(np.nanargmin(sweep.validation_loss))]


def test_the_summary_tells_how_many_stopped(sweep):
    summary, cell = sweep.summary(), slice(21, 42)
    stopped = [word not in ENDINGS[:2] for word in sweep.ended[cell]]
    assert summary["stopped"][1] == sum(stopped)
    assert summary["epochs trained"][1] == pytest.approx(sweep.trained_epochs[cell].mean(), rel=1e-15)
    assert "stopped" not in swept(epochs=2, engine="batched").summary()


def test_stores_and_what_is_left_of_them_go_on(sweep, store):  # noqa: F811
    with small_shards():
        swept(**STOPS, store=store)
        for shard in sorted(store.rglob("*.parquet"))[::2]:
            shard.unlink()
        again = swept(**STOPS, store=store)
    assert 0 < again.ran < len(sweep)
    assert again.digest() == sweep.digest() == fastnn.open(store).table_digest()
    assert fastnn.open(store).frame().equals(sweep.frame())
    assert fastnn.open(store).replay(30).ended == sweep.ended[30]
    for other in ({"patience": 4}, {"min_delta": 0.0}, {"watch": "training_loss"}):
        with pytest.raises(fastnn.InputError, match=r"store must be of the same sweep; in .* stopping"):
            swept(**STOPS | other, store=store)


@pytest.mark.parametrize("watch", ["training_loss", "penalized_loss"])
def test_other_losses_are_watched(watch):
    sweep = swept(**STOPS | {"watch": watch, "l2": 0.01})
    run = sweep.replay(25)
    assert (run.best_epoch, run.ended) == (sweep.best_epoch[25], sweep.ended[25])
    assert watch.replace("_", " ") in sweep.ended
    expected = ((run.predict(VALIDATION[0]) - VALIDATION[1]) ** 2).mean()
    assert sweep.validation_loss[25] == pytest.approx(expected, rel=1e-12)


def test_a_fraction_is_drawn_from_the_seed():
    options = {"rows": None, "validation": 0.25, "patience": 3, "learning_rate": 0.05, "engine": "batched"}
    sweep = swept(**options)
    run = fastnn.train(NET, X, Y, epochs=1, validation=0.25, engine="batched")
    assert sweep.plan.X.tolist() == run.trained_on[0].tolist()
    assert len(sweep.design.validation[0]) == 3
    assert swept(**options, seed=3).plan.X.tolist() != sweep.plan.X.tolist()
    weights = np.arange(1.0, 13)
    with_weights = swept(**options, sample_weight=weights)
    rows = [X.tolist().index(row) for row in sweep.plan.X.tolist()]
    assert with_weights.plan.weights.values.tolist() == weights[rows].tolist()


def _worst(outputs, targets):
    return np.abs(outputs - targets).max()


@pytest.mark.parametrize("validation", [VALIDATION, None])
def test_functions_stop_networks_as_they_do_alone(validation):
    options = {"validation": validation, "watch": _worst, "patience": 2, "engine": "batched"}
    sweep = swept(**STOPS | options, workers=2)
    for place in (0, 7, 25, 62):
        start, rate = fastnn.normal(0, 1.5).draw(NET, [place % 21], 0)[0], STOPS["learning_rate"][place // 21]
        settings = options | {"min_delta": 1e-3, "epochs": 25}
        alone, again = fastnn.train(NET, X, Y, start, learning_rate=rate, **settings), sweep.replay(place)
        for run in (alone, again):
            assert run.parameters.tobytes() == sweep.parameters[place].tobytes()
            assert run.loss_curve.tobytes() == sweep.curves[place].tobytes()
            assert (run.best_epoch, run.ended) == (sweep.best_epoch[place], sweep.ended[place])
    assert "score" in sweep.ended
    (section,) = stops(sweep, sweep.frame(), {})
    assert "2 epochs in a row in which its score by _worst has not become lower" in section.blocks[0]


@pytest.mark.parametrize("whom", [{"store": "kept"}, {"executor": 1}])
def test_functions_are_for_memory_and_threads(whom):
    with pytest.raises(fastnn.InputError, match=r"watch must be one of .* in a sweep with an? (sto|exe)"):
        swept(**STOPS | whom | {"watch": _worst})


def test_what_a_function_does_wrong_is_told():
    with pytest.raises(fastnn.InputError, match="watch must return a number"):
        swept(**STOPS | {"watch": lambda *_: "low"})
    with pytest.raises(ZeroDivisionError):
        swept(**STOPS | {"watch": lambda *_: 1 / 0})


@pytest.mark.parametrize(
    ("stopping", "message"),
    [
        ({"patience": 0, "min_delta": 0.0, "watch": "training_loss"}, "patience"),
        ({"patience": 3, "min_delta": 0, "watch": "training_loss"}, "stopping must be"),
        ({"patience": None, "min_delta": 0.0, "watch": None}, "stopping must be"),
        ({"patience": 3, "min_delta": 0.0}, "stopping"),
        ({"patience": 3, "min_delta": 0.0, "watch": "loss"}, "watch"),
    ],
)
def test_plans_that_stop_otherwise_are_refused(sweep, stopping, message):
    plan = Manifest.of(sweep.design, 0, 16).plan
    entries.checked_plan(plan)
    with pytest.raises(fastnn.InputError, match=message):
        entries.checked_plan(plan | {"stopping": stopping})


def test_impossible_curves_of_stopped_networks_are_noticed(sweep):
    schema, numbers = sweep.design.schema(1, "float64"), Numbers.of(0, len(sweep))
    results = sweep.design.room(numbers, 1)
    for chunk in sweep.design.chunks(numbers):
        sweep.design.train(chunk, results)
    assert Expected(schema).fault(results.arrays, len(sweep)) == ""
    place = int(np.flatnonzero(results["trained_epochs"] < 20)[0])
    results["curves"][place, results["trained_epochs"][place]] = 1.0
    assert "are not numbers from 0 exactly" in Expected(schema).fault(results.arrays, len(sweep))

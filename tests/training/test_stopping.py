"""Early stopping: each network ends as if it had been trained to its best epoch alone, to the bit."""

from functools import partial

import numpy as np
import pytest
from pairing import pairwise
from rules import OPTIMIZERS
from uncompiled import run_as_plain_python

import fastnn
from fastnn.engines import packing
from fastnn.training import calls, reducing, resting, stopping

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NET = fastnn.Network((2, 2, 1))
DRAW = np.random.default_rng(8)
X, Y = DRAW.random((12, 2)), DRAW.uniform(-1, 1, 12)
VALIDATION = DRAW.random((4, 2)), DRAW.uniform(-1, 1, 4)
STARTS = DRAW.normal(0, 1.5, (9, NET.n_parameters))
EPOCHS = 30
RATES = np.array([0.05, 0.2, 0.4, 1.2, 0.1, 5.0, 0.02, 0.6, 0.3])  # the sixth diverges
ENGINES = ["batched", "loop", "lanes"]


def train(start=STARTS, rates=RATES, **options):
    """A training whose networks end in many ways."""
    options = {"epochs": EPOCHS, "engine": "batched", "validation": VALIDATION} | options
    return fastnn.train(NET, X, Y, start, learning_rate=rates, **options)


def by_hand(losses, values, patience, min_delta):
    """When one network is best, when it stops, and why, told from its curves in plain Python."""
    best, bar, since = 0, float("inf"), 0
    for epoch, (loss, value) in enumerate(zip(losses.tolist(), values.tolist(), strict=True), start=1):
        if loss != loss:
            return best, epoch, "diverged"
        if epoch == 1 or value < bar:
            best, bar, since = epoch, value - min_delta if value == value else float("inf"), 0
        else:
            since += 1
        if since >= patience:
            return best, epoch, "stopped"
    return best, len(losses), "epochs"


@pytest.fixture(scope="module")
def unstopped():
    """The same without stopping: the curves that every stop follows from."""
    return train()


def of_epoch(place, epochs, **options):
    """One of the networks trained to an epoch."""
    return train(STARTS[place], RATES[place], epochs=epochs, **options)


@pytest.mark.parametrize(
    ("engine", "watch", "patience", "min_delta"),
    pairwise(ENGINES, ["validation_loss", "training_loss"], [1, 3, EPOCHS], [0.0, 0.004]),
)
def test_each_network_stops_by_its_own_curve(unstopped, engine, watch, patience, min_delta, monkeypatch):
    run_as_plain_python(monkeypatch)
    check_ends(unstopped, engine, watch, patience, min_delta)


@pytest.mark.slow
@pytest.mark.parametrize("watch", ["validation_loss", "training_loss"])
@pytest.mark.parametrize("engine", ["loop", "lanes"])
def test_each_network_stops_by_its_own_curve_compiled(unstopped, engine, watch):
    check_ends(unstopped, engine, watch, 3, 0.004)


def check_ends(unstopped, engine, watch, patience, min_delta):
    """Every network has been stopped where its own curve says, with all that belongs to its best epoch."""
    run = train(engine=engine, watch=watch, patience=patience, min_delta=min_delta)
    values = unstopped.validation_curve if watch == "validation_loss" else unstopped.loss_curve
    for place, whole in enumerate(unstopped.loss_curve):
        best, trained, why = by_hand(whole, values[place], patience, min_delta)
        named = {"stopped": "validation" if watch == "validation_loss" else "training loss"}.get(why, why)
        found = run.best_epoch[place], run.trained_epochs[place], run.ended[place]
        assert found == (best, trained, named), place
        kept = trained - (why == "diverged")
        assert run.loss_curve[place, :kept].tobytes() == whole[:kept].tobytes()
        assert np.isnan(run.loss_curve[place, kept:]).all()
        assert np.isnan(run.validation_curve[place, kept:]).all()
        assert run.loss[place] == whole[best - 1]
        assert run.validation_loss[place] == unstopped.validation_curve[place, best - 1]
        alone = of_epoch(place, best)
        assert run.parameters[place].tobytes() == alone.parameters.tobytes()
    assert len({*run.trained_epochs.tolist()}) > 1 or patience == EPOCHS


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("others", [{}, {"batch_size": 5, "shuffle": True, "schedule": "inverse_scaling"}])
def test_it_ends_with_the_whole_state_of_its_best_epoch(name, others):
    rate = {} if name == "irprop-" else {"learning_rate": 0.3}
    options = {"optimizer": OPTIMIZERS[name], "engine": "batched", "validation": VALIDATION, **rate}
    options |= others if rate else {}
    run = fastnn.train(NET, X, Y, STARTS, epochs=EPOCHS, patience=3, **options)
    for place, best in enumerate(run.best_epoch[:4]):
        alone = fastnn.train(NET, X, Y, STARTS[place], epochs=int(best), **options)
        assert run.state[place].tobytes() == alone.state.tobytes()
        assert run.loss[place] == alone.loss
    assert (run.trained_epochs < EPOCHS).any()


def _at_most(epochs, most):
    return min(epochs, most)


def _score(outputs, targets):
    """The validation loss, added up as kernels do."""
    total = 0.0
    for output, target in zip(outputs.tolist(), targets.tolist(), strict=True):
        error = output - target
        total += error * error
    return total / len(outputs)


def test_it_does_not_depend_on_its_neighbours_nor_on_when_one_looks(monkeypatch):
    together, scored = train(patience=2), train(patience=2, watch=_score)
    assert scored.state.tobytes() == together.state.tobytes()
    for place in range(len(STARTS)):
        alone = train(STARTS[place], RATES[place], patience=2)
        assert alone.parameters.tobytes() == together.parameters[place].tobytes()
        assert (alone.best_epoch, alone.ended) == (together.best_epoch[place], together.ended[place])
    for epochs in (1, 7):
        at_most = partial(_at_most, epochs)
        monkeypatch.setattr(stopping.Watch, "together", lambda *given, most=at_most: most(given[-1]))
        monkeypatch.setattr(calls, "NUMBERS_KEPT", 8 * 9 * 4)  # pieces of four networks
        monkeypatch.setattr(calls, "LOSSES", 4 * epochs)
        for watch, expected in (("validation_loss", together), (_score, scored)):
            again = train(patience=2, watch=watch)
            assert again.state.tobytes() == expected.state.tobytes()
            assert again.loss_curve.tobytes() == expected.loss_curve.tobytes()
            assert again.trained_epochs.tolist() == expected.trained_epochs.tolist()


def test_networks_that_do_not_lie_in_tiles_at_once_stop_alike(monkeypatch):
    expected = train(patience=2)
    run_as_plain_python(monkeypatch)
    monkeypatch.setattr(packing, "FEW_PACKED", 8)
    found = train(patience=2, engine="lanes")
    assert found.state.tobytes() == expected.state.tobytes()
    assert found.validation_curve.tobytes() == expected.validation_curve.tobytes()
    assert found.trained_epochs.tolist() == expected.trained_epochs.tolist()


def test_leaving_out_dead_units_and_settled_networks_changes_nothing(monkeypatch):
    """Dead units are open on the validation rows of some networks, and some networks settle."""
    dead = np.abs(STARTS) * [-1, -1, -1, -1, 1, 1, -0.1, 0.3, 1]
    dead[5:, :2] = 1.0
    rows = {"validation": (-VALIDATION[0], VALIDATION[1]), "rates": 0.2, "patience": 4, "epochs": 400}
    watched = ("validation_loss", "training_loss")
    usual = [train(dead, **rows, watch=watch) for watch in watched]
    monkeypatch.setattr(reducing, "WORTH_A_KERNEL", 1)
    monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
    monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)
    monkeypatch.setattr(resting, "MOST_EPOCHS_UNSEEN", 2)
    taken = []
    columns = reducing.Units._columns
    monkeypatch.setattr(
        reducing.Units, "_columns", lambda units, kept: taken.append(len(kept)) or columns(units, kept)
    )
    for watch, expected in zip(watched, usual, strict=True):
        found = train(dead, **rows, watch=watch)
        for name in ("state", "loss_curve", "validation_curve", "best_epoch", "trained_epochs", "diverged"):
            assert getattr(found, name).tobytes() == getattr(expected, name).tobytes(), name
        assert found.ended.tolist() == expected.ended.tolist()
    assert taken


class TestWatched:
    """What else can be watched."""

    def test_the_training_loss_with_its_penalty(self, unstopped):
        options = {"l2": 0.05, "l1": 0.01, "validation": None, "rates": 0.05}
        run = train(**options, patience=2, watch="penalized_loss")
        for place in range(0, len(STARTS), 2):
            values = []
            for epoch in range(1, int(run.trained_epochs[place]) + 1):
                alone = train(STARTS[place], **options, epochs=epoch)
                weights = alone.parameters[: NET.n_weights]
                values.append(alone.loss + 0.025 * (weights**2).sum() + 0.01 * np.abs(weights).sum())
            best = 1 + int(np.argmin(values))
            assert run.best_epoch[place] == best
            assert run.ended[place] == ("penalized loss" if best + 2 <= EPOCHS else "epochs")

    @pytest.mark.parametrize("validation", [VALIDATION, None])
    def test_a_function_of_outputs_and_targets(self, validation):
        asked = []

        def score(outputs, targets):
            asked.append((outputs.shape, targets.tolist()))
            return np.abs(outputs - targets).max()

        run = train(STARTS[:3], 0.3, validation=validation, patience=2, watch=score)
        rows, targets = VALIDATION if validation else (X, Y)
        assert asked[0] == (targets.shape, targets.tolist())
        for place in range(3):
            options = {"validation": validation, "rates": 0.3}
            ends = [
                train(STARTS[place], epochs=e, **options) for e in range(1, run.trained_epochs[place] + 1)
            ]
            values = np.array([np.abs(end.predict(rows) - targets).max() for end in ends])
            best, trained, why = by_hand(values, values, 2, 0.0)
            assert (run.best_epoch[place], run.trained_epochs[place]) == (best, trained)
            assert run.ended[place] == {"stopped": "score"}.get(why, why)

    def test_nan_is_never_better_and_the_first_epoch_is_taken_as_it_is(self):
        given = iter([np.nan, np.nan, 3.0, np.nan, 3.0, np.inf, 1.0])
        run = train(STARTS[0], 0.01, patience=3, watch=lambda *_: next(given, 9.0), epochs=20)
        assert (run.best_epoch, run.trained_epochs, run.ended) == (3, 6, "score")
        run = train(STARTS[0], 0.01, patience=3, watch=lambda *_: np.nan, epochs=20)
        assert (run.best_epoch, run.trained_epochs, run.status) == (1, 4, "ok")


def test_a_network_that_diverges_ends_with_its_best_epoch_or_diverged(unstopped):
    assert unstopped.diverged[5] > 1
    run = train(patience=EPOCHS)
    assert (run.status[5], run.ended[5], run.diverged[5]) == ("ok", "diverged", 0)
    assert np.isfinite(run.parameters[5]).all()
    at_once = train(np.full(9, 1e200), 0.1, patience=2)
    assert (at_once.status, at_once.ended, at_once.best_epoch) == ("diverged", "diverged", 0)
    assert np.isnan([at_once.loss, at_once.validation_loss]).all()


def test_a_parameter_that_overflows_in_the_last_update_is_of_no_best_epoch():
    """Its bias becomes -inf, which shuts the unit: losses stay finite."""
    network = fastnn.Network((1, 1, 1))
    options = {"learning_rate": 1e300, "epochs": 3, "engine": "batched", "validation": ([1.0], [0.0])}
    run = fastnn.train(network, [1.0], [0.0], [1e4, 1e4, 1e4, 0.0], patience=3, **options)
    assert (run.status, run.best_epoch) == ("diverged", 0)


@pytest.mark.parametrize("engine", fastnn.ENGINES)
def test_a_validation_loss_that_is_infinite_is_never_better(engine, monkeypatch):
    """That of counts becomes minus infinity where a target times its logarithm is too large a number."""
    run_as_plain_python(monkeypatch)
    network = fastnn.Network((1, 1), output="exponential")
    options = {"loss": "poisson", "learning_rate": 0.002, "epochs": 20, "patience": 3, "engine": engine}
    with pytest.warns(fastnn.ScaleWarning):
        run = fastnn.train(
            network, np.ones(4), np.full(4, 30.0), [0.1, 0.0], validation=([1.0], [1e308]), **options
        )
    assert (run.best_epoch, run.trained_epochs, run.ended) == (3, 6, "validation")
    assert run.validation_loss == run.validation_curve[2] < -1e308


def test_model_files_keep_how_networks_ended(tmp_path):
    run = train(np.vstack([STARTS, np.full(9, 1e200)]), np.append(RATES, 0.1), patience=2)
    run.save(tmp_path / "many.npz", finite=False)
    again = fastnn.Training.load(tmp_path / "many.npz", finite=False)
    for name in ("best_epoch", "trained_epochs", "ended", "state", "loss", "validation_loss"):
        assert np.array_equal(getattr(again, name), getattr(run, name), equal_nan=name[-2:] in ("ss", "te"))
    one = train(STARTS[0], patience=2, rates=0.4)
    one.save(tmp_path / "one.npz")
    again = fastnn.Training.load(tmp_path / "one.npz")
    assert (again.best_epoch, again.ended) == (one.best_epoch, one.ended)
    assert repr(again).startswith(repr(one)[:-1])


def test_training_goes_on_from_the_best_epoch():
    stopped = train(STARTS[0], 0.4, patience=2)
    further = train(stopped, None, epochs=3)
    whole = train(STARTS[0], 0.4, epochs=stopped.best_epoch + 3)
    assert stopped.best_epoch < stopped.trained_epochs
    assert further.state.tobytes() == whole.state.tobytes()
    assert further.loss_curve.tobytes() == whole.loss_curve.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 0}, "patience must be"),
        ({"patience": 2.5}, "patience must be"),
        ({"patience": 2, "min_delta": -1}, "min_delta must be 0 or above"),
        ({"min_delta": 0.1}, "min_delta must go with patience"),
        ({"watch": "training_loss"}, "watch must go with patience"),
        ({"patience": 2, "validation": None}, "patience must go with something to watch"),
        ({"patience": 2, "watch": "loss"}, "watch must be one of validation_loss"),
        ({"patience": 2, "watch": ["training_loss"]}, "watch must be one of"),
        ({"patience": 2, "watch": "validation_loss", "validation": None}, "must go with validation rows"),
        ({"patience": 2, "watch": lambda *_: "low"}, "watch must return a number"),
        ({"validation": 1.5}, "validation must be a fraction"),
        ({"validation": 0}, "validation must be a fraction"),
        ({"validation": float("nan")}, "validation must be"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(fastnn.InputError, match=message):
        train(**options)


class TestFraction:
    """Validation rows that are drawn from the seed."""

    def test_rows_are_divided_and_stay_in_file_order(self):
        run = fastnn.train(NET, X, Y, STARTS[0], epochs=3, validation=0.25, seed=4, engine="batched")
        rows = [X.tolist().index(row) for row in run.trained_on[0].tolist()]
        others = [row for row in range(12) if row not in rows]
        assert (rows, len(others)) == (sorted(rows), 3)
        given = {"epochs": 3, "validation": (X[others], Y[others]), "engine": "batched"}
        expected = fastnn.train(NET, X[rows], Y[rows], STARTS[0], **given)
        assert run.parameters.tobytes() == expected.parameters.tobytes()
        assert run.validation_curve.tobytes() == expected.validation_curve.tobytes()
        other = fastnn.train(NET, X, Y, STARTS[0], epochs=3, validation=0.25, seed=5, engine="batched")
        assert other.trained_on[0].tolist() != run.trained_on[0].tolist()

    def test_a_dataset_is_scaled_by_the_training_rows_alone(self):
        import pandas as pd

        frame = pd.DataFrame({"a": X[:, 0] * 7 - 2, "b": X[:, 1] ** 2, "y": Y * 1000})
        data = fastnn.Dataset.from_frame(frame, ["a", "b"], "y")
        run = fastnn.train(NET, data, start=STARTS[0], epochs=3, validation=0.5, engine="batched")
        own = run.trained_on[0] * run.scaling.X.range + run.scaling.X.minimum
        rows = [int(np.abs(frame["a"] - value).argmin()) for value in own[:, 0]]
        train_data = fastnn.Dataset.from_frame(frame.iloc[rows], ["a", "b"], "y")
        others = frame.drop(index=rows)
        given = train_data.scaling.apply(others[["a", "b"]]), train_data.scaling.y.apply(others["y"])
        expected = fastnn.train(
            NET, train_data, start=STARTS[0], epochs=3, validation=given, engine="batched"
        )
        assert len(rows) == 6
        assert run.scaling.same_as(train_data.scaling)
        assert run.parameters.tobytes() == expected.parameters.tobytes()
        assert run.validation_curve.tobytes() == expected.validation_curve.tobytes()

    def test_each_class_has_its_share_and_keeps_a_row_to_train_on(self):
        network = fastnn.Network((2, 2, 3), output="softmax")
        targets = np.eye(3)[np.repeat([0, 1, 2], [8, 3, 1])]
        options = {"epochs": 1, "engine": "batched"}
        run = fastnn.train(network, X, targets, validation=0.5, **options)
        assert run.trained_on[1].sum(axis=0).tolist() == [4, 1, 1]
        with pytest.raises(fastnn.InputError, match="validation must leave a row of every class"):
            fastnn.train(network, X[[0, 8, 11]], np.eye(3), validation=0.5, **options)

    def test_weights_of_rows_go_with_their_rows(self):
        weights = np.arange(1.0, 13)
        options = {"epochs": 2, "engine": "batched", "seed": 4}
        run = fastnn.train(NET, X, Y, STARTS[0], validation=0.25, sample_weight=weights, **options)
        rows = [X.tolist().index(row) for row in run.trained_on[0].tolist()]
        expected = fastnn.train(NET, X[rows], Y[rows], STARTS[0], sample_weight=weights[rows], **options)
        assert run.parameters.tobytes() == expected.parameters.tobytes()

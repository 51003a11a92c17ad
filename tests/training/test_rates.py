"""Schedules in training: every engine against the plain reference, going on, replays, files, refusals."""

import json
from dataclasses import replace

import numpy as np
import pytest
from comparing import DTYPES, trained_plainly
from pairing import in_turns
from rules import OPTIMIZERS
from uncompiled import run_as_plain_python

import fastnn
from fastnn.commands.choice_options import choices_of
from fastnn.commands.cli import main
from fastnn.core.choices import settings_of
from fastnn.core.schedules import Constant, Cosine, Exponential, InverseScaling, Step, WarmUp
from fastnn.engines import ENGINES
from fastnn.plotting.named_curves import named_curves
from fastnn.sweeping.axes import Schedules
from fastnn.training import pace, reducing, resting, running, train

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

EPOCHS = 8
SCHEDULES = {
    "step": Step(every=3, gamma=0.5),
    "exponential": Exponential(gamma=0.7, warmup=2),
    "cosine": Cosine(horizon=5, final=0.1),
    "inverse scaling": InverseScaling(power=0.5, scale=2),
    "warm-up": WarmUp(warmup=3),
}
WITH_A_RATE = [name for name in OPTIMIZERS if name != "irprop-"]
NETWORK = fastnn.Network((2, 3, 2), "tanh")
every_schedule = pytest.mark.parametrize("name", SCHEDULES)


def problem(network=NETWORK, rows=6, networks=3, seed=0):
    """Rows, targets and starts with all their digits."""
    draw = np.random.default_rng(seed)
    shapes = ((rows, network.n_inputs), (rows, network.n_outputs), (networks, network.n_parameters))
    return [draw.normal(0.0, 0.7, shape) for shape in shapes]


def by_reference(X, Y, start, optimizer, dtype, rates, batch_size=1, penalties=None):
    """Parameters and losses by the plain reference, with a learning rate for each epoch."""
    parameters, losses, _ = trained_plainly(
        NETWORK,
        X,
        Y,
        start,
        rates,
        len(rates),
        dtype,
        optimizer=optimizer.name,
        settings=settings_of(optimizer),
        batch_size=batch_size,
        penalties=penalties,
    )
    return np.array(parameters, dtype).tobytes(), np.array(losses, dtype).tobytes()


def check_bits(schedule, optimizer, dtype, engines, batch_size=1):
    X, Y, starts = problem()
    base = np.array([0.05, 0.02, 0.1], dtype)
    factors = [schedule.factor(epoch) for epoch in range(EPOCHS)]
    rates = (base.astype(float)[:, None] * factors).astype(dtype)
    expected = [
        by_reference(X, Y, start, optimizer, dtype, rate.tolist(), batch_size)
        for start, rate in zip(starts, rates, strict=True)
    ]
    options = {"epochs": EPOCHS, "dtype": dtype, "optimizer": optimizer, "batch_size": batch_size}
    for engine in engines:
        run = fastnn.train(
            NETWORK, X, Y, starts, learning_rate=base, schedule=schedule, engine=engine, **options
        )
        found = [
            (p.tobytes(), curve.tobytes()) for p, curve in zip(run.parameters, run.loss_curve, strict=True)
        ]
        assert found == expected, engine
        assert run.learning_rates.tobytes() == rates.tobytes()
        assert run.learning_rate.tobytes() == base.tobytes()
        given = fastnn.train(NETWORK, X, Y, starts, schedule=rates, engine=engine, **options)
        assert given.parameters.tobytes() == run.parameters.tobytes()


@pytest.mark.parametrize(
    ("name", "dtype"),
    in_turns([(name, DTYPES[(n + m) % 2]) for n, name in enumerate(SCHEDULES) for m in range(2)]),
)
def test_bits_of_the_reference_as_plain_python(name, dtype, monkeypatch):
    run_as_plain_python(monkeypatch)
    check_bits(SCHEDULES[name], OPTIMIZERS["sgd"], dtype, ENGINES)


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("optimizer", WITH_A_RATE)
def test_bits_with_every_optimizer(optimizer, batch_size, monkeypatch):
    run_as_plain_python(monkeypatch)
    check_bits(SCHEDULES["exponential"], OPTIMIZERS[optimizer], "float64", ("batched", "loop"), batch_size)


def test_penalties_follow_the_rate():
    """Decay is a part of the learning rate, which is that of the epoch."""
    X, Y, starts = problem()
    options = {"epochs": EPOCHS, "learning_rate": 0.05, "schedule": SCHEDULES["cosine"], "engine": "batched"}
    run = fastnn.train(NETWORK, X, Y, starts[0], decay=0.3, l2=0.1, **options)
    penalties = {"l2": 0.1, "decay": 0.3}
    rates = [0.05 * SCHEDULES["cosine"].factor(epoch) for epoch in range(EPOCHS)]
    expected, _ = by_reference(X, Y, starts[0], OPTIMIZERS["sgd"], "float64", rates, penalties=penalties)
    assert run.parameters.tobytes() == expected


@pytest.mark.slow
@every_schedule
def test_bits_compiled(name):
    check_bits(SCHEDULES[name], OPTIMIZERS["sgd"], "float64", ENGINES)


def test_momentum_with_a_rate_that_changes():
    """The velocity has the rate in it. Gradients 1 and 1, rates .1, .01: -0.2; in PyTorch's form -0.119."""
    K = 1000.0  # so large that the gradient 2*(b - y) stays the same
    optimizer = fastnn.optimizers.Momentum(momentum=0.9)
    options = {"epochs": 2, "engine": "batched", "optimizer": optimizer, "schedule": [0.1 / K, 0.01 / K]}
    with pytest.warns(fastnn.ScaleWarning):
        run = fastnn.train(fastnn.Network((1, 1)), [0.0], [-K / 2], [0.0, 0.0], **options)
    ours = theirs = v = u = 0.0
    for rate in (0.1 / K, 0.01 / K):
        v = 0.9 * v - rate * 2 * (ours + K / 2)
        u = 0.9 * u + 2 * (theirs + K / 2)
        ours, theirs = ours + v, theirs - rate * u
    assert (ours, theirs) == (pytest.approx(-0.2, abs=1e-4), pytest.approx(-0.119, abs=1e-4))
    assert run.parameters[1] == pytest.approx(ours, rel=1e-14)
    assert run.parameters[1] != pytest.approx(theirs, rel=0.1)


def test_constant_is_as_before():
    X, Y, starts = problem()
    plain = fastnn.train(NETWORK, X, Y, starts, epochs=EPOCHS, engine="batched")
    for schedule in (None, "constant", Constant(), WarmUp(warmup=0), Step(every=EPOCHS), [0.005] * EPOCHS):
        found = fastnn.train(NETWORK, X, Y, starts, epochs=EPOCHS, engine="batched", schedule=schedule)
        assert found.parameters.tobytes() == plain.parameters.tobytes()
        assert (found.learning_rates == 0.005).all()
        assert found.learning_rates.shape == (3, EPOCHS)


@every_schedule
def test_a_longer_training_begins_like_a_shorter_one(name):
    X, Y, starts = problem()
    options = {"engine": "batched", "schedule": SCHEDULES[name], "learning_rate": 0.05}
    whole, part = (fastnn.train(NETWORK, X, Y, starts, epochs=n, **options) for n in (EPOCHS, 5))
    assert whole.loss_curve[:, :5].tobytes() == part.loss_curve.tobytes()
    assert whole.learning_rates[:, :5].tobytes() == part.learning_rates.tobytes()
    rest = fastnn.train(
        NETWORK, X, Y, part.parameters, epochs=3, engine="batched", schedule=whole.learning_rates[:, 5:]
    )
    assert rest.parameters.tobytes() == whole.parameters.tobytes()


@pytest.mark.parametrize("order", [{}, {"shuffle": True}])
@pytest.mark.parametrize("visits", [1, 50, 1000])
def test_calls_end_where_the_rate_changes(monkeypatch, visits, order):
    """However short calls of a kernel are, and within epochs."""
    X, Y, starts = problem()
    options = {"epochs": EPOCHS, "engine": "batched", "schedule": SCHEDULES["step"], **order}
    whole = fastnn.train(NETWORK, X, Y, starts, **options)
    monkeypatch.setattr(pace.Pace, "took", lambda pace, seconds, visits: None)
    monkeypatch.setattr(pace.Pace, "visits", visits)
    monkeypatch.setattr(pace.Pace, "__init__", lambda pace: None)
    assert fastnn.train(NETWORK, X, Y, starts, **options).parameters.tobytes() == whole.parameters.tobytes()


def test_a_network_that_rests_while_the_rate_is_small_goes_on(monkeypatch):
    """With a rate so small that nothing moves it seems settled; in the next epoch it does move."""
    monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
    monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)
    X, Y, starts = problem()
    rates = [1e-30, 1e-30, 1e-30, 0.05, 0.05, 0.0, 0.0, 0.05]
    run = fastnn.train(NETWORK, X, Y, starts, epochs=EPOCHS, engine="batched", schedule=rates)
    assert len({*run.loss_curve[0]}) == 5  # the first three are alike, and two with a rate of 0
    expected = [by_reference(X, Y, start, OPTIMIZERS["sgd"], "float64", rates) for start in starts]
    assert [one.tobytes() for one in run.parameters] == [parameters for parameters, _ in expected]


def test_where_the_rate_stays_0_a_network_has_settled(monkeypatch):
    monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
    calls = []
    advance = running._Run._advance
    monkeypatch.setattr(
        running._Run,
        "_advance",
        lambda run, group, epochs: calls.append(epochs) or advance(run, group, epochs),
    )
    X, Y, starts = problem()
    schedule = Cosine(horizon=5)
    run = fastnn.train(NETWORK, X, Y, starts, epochs=1000, engine="batched", schedule=schedule)
    assert sum(map(len, calls)) < 100
    assert (run.loss_curve[:, 5:] == run.loss_curve[:, 5:6]).all()


@pytest.mark.parametrize("optimizer", WITH_A_RATE)
def test_units_left_out_change_no_bit(monkeypatch, optimizer):
    monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
    monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)
    network = fastnn.Network((2, 4, 1))
    X, Y, _ = problem(network)
    schedule = Exponential(gamma=0.9, warmup=5)
    options = {"networks": 200, "epochs": 60, "engine": "batched", "workers": 1, "learning_rate": 0.3}
    digests, groups = [], []
    known = reducing.Units._group
    monkeypatch.setattr(reducing.Units, "_group", lambda *a: groups.append(a[2]) or known(*a))
    for worth in (np.inf, 0):
        monkeypatch.setattr(reducing, "WORTH_A_KERNEL", worth)
        found = fastnn.sweep(network, X, Y, optimizer=OPTIMIZERS[optimizer], schedule=schedule, **options)
        digests.append(found.digest())
    assert groups  # some were left out
    assert digests[0] == digests[1]


class TestGivenRates:
    """The learning rates of all epochs as numbers."""

    def run(self, schedule, **options):
        X, Y, starts = problem()
        return fastnn.train(NETWORK, X, Y, starts, epochs=4, engine="batched", schedule=schedule, **options)

    def test_for_all_networks_or_for_each(self):
        one = self.run([0.1, 0.05, 0.02, 0.0])
        each = self.run(np.tile([0.1, 0.05, 0.02, 0.0], (3, 1)))
        assert one.parameters.tobytes() == each.parameters.tobytes()
        assert one.learning_rates.tolist() == [[0.1, 0.05, 0.02, 0.0]] * 3
        assert one.learning_rate.tolist() == [0.1] * 3
        other = self.run(np.outer([1, 2, 1], [0.1, 0.05, 0.02, 0.0]))
        same = (other.parameters == one.parameters).all(axis=1)
        assert same.tolist() == [True, False, True]

    def test_of_one_network(self):
        X, Y, starts = problem()
        rates = np.array([0.1, 0.05], np.float32)
        run = fastnn.train(NETWORK, X, Y, starts[0], epochs=2, schedule=rates, engine="batched")
        assert run.learning_rates.tolist() == rates.tolist()
        assert run.learning_rate == rates[0]
        assert run.recipe.schedule == Constant()
        assert "a learning rate given for each epoch" in repr(run)

    def test_a_file_keeps_them(self, tmp_path):
        run = self.run([0.1, 0.05, 0.02, 0.0])
        run.save(tmp_path / "m.npz")
        again = fastnn.Training.load(tmp_path / "m.npz")
        assert again.learning_rates.tobytes() == run.learning_rates.tobytes()
        assert np.load(tmp_path / "m.npz")["given_rates"].shape == (3, 4)
        assert repr(again) == repr(run)

    @pytest.mark.parametrize("wrong", [-0.1, np.nan, np.inf, 0.2])
    def test_a_file_cannot_have_others(self, tmp_path, wrong):
        """Not finite, below 0, or another one in the first epoch than the learning rate."""
        run = self.run([0.1, 0.05, 0.02, 0.0])
        rates = run.given_rates.copy()
        rates[1, 0] = wrong
        with pytest.raises(fastnn.InputError, match="learning rates of epochs that cannot be"):
            replace(run, given_rates=rates).save(tmp_path / "m.npz")
        assert not (tmp_path / "m.npz").exists()

    @pytest.mark.parametrize(
        ("schedule", "message"),
        [
            ([0.1] * 3, r"each of 4 epochs, shape \(4,\), .* got shape \(3,\)"),
            ([0.1] * 5, r"got shape \(5,\)"),
            ([], r"schedule must"),
            ([[0.1] * 4] * 2, r"each of 3 networks, shape \(3, 4\); got shape \(2, 4\)"),
            ([[[0.1] * 4] * 3], r"schedule must"),
            ([0.1, 0.1, -0.1, 0.1], r"from 0 on.* got -0.1"),
            ([0.1, np.nan, 0.1, 0.1], r"schedule must"),
            ([0.1, 0.1, np.inf, 0.1], r"schedule must"),
            ([0.1, 0.1, 1e308, 0.1], r"got 1e\+308"),
            (["cosine"], r"schedule must be one of 'constant', .* several are for fastnn.sweep"),
            (["a", "b", "c", "d"], r"schedule must be one of"),
            ("cosin", r"did you mean cosine"),
            (0.1, r"schedule must be one of"),
            (Cosine, r"schedule must be one of"),
            ({"cosine": 3}, r"schedule must be one of"),
            (Cosine(horizon=[1, 2]), r"schedule must have one horizon here"),
        ],
    )
    def test_what_is_no_schedule(self, schedule, message):
        with pytest.raises(fastnn.InputError, match=message):
            self.run(schedule)

    def test_not_beside_a_learning_rate(self):
        with pytest.raises(fastnn.InputError, match=r"learning_rate must be left out .* got 0\.1"):
            self.run([0.1] * 4, learning_rate=0.1)


@pytest.mark.parametrize("schedule", ["cosine", WarmUp(warmup=2), [0.1] * 4])
def test_not_without_a_learning_rate(schedule):
    X, Y, _ = problem()
    with pytest.raises(fastnn.InputError, match="schedule must be left out for irprop-"):
        fastnn.train(NETWORK, X, Y, epochs=4, optimizer="irprop-", schedule=schedule)
    run = fastnn.train(NETWORK, X, Y, epochs=4, optimizer="irprop-", schedule="constant", engine="batched")
    assert np.isnan(run.learning_rates).all()
    if isinstance(schedule, list):
        return
    for several in (schedule, ["constant", schedule]):
        with pytest.raises(fastnn.InputError, match="schedule must be left out for irprop-"):
            fastnn.sweep(NETWORK, X, Y, networks=2, epochs=4, optimizer="irprop-", schedule=several)


def test_interrupted_it_keeps_the_rates_so_far(monkeypatch):
    monkeypatch.setattr(train, "_interrupted", -np.inf)
    X, Y, starts = problem()
    stretch = running._Run.stretch

    def pressed(run, most):
        if run.epoch >= 5:
            raise KeyboardInterrupt
        stretch(run, 1)

    options = {"engine": "batched", "learning_rate": 0.05}
    for schedule in (SCHEDULES["cosine"], np.linspace(0.1, 0.01, EPOCHS)):
        given = options if isinstance(schedule, Cosine) else {"engine": "batched"}
        whole = fastnn.train(NETWORK, X, Y, starts, epochs=EPOCHS, schedule=schedule, **given)
        with monkeypatch.context() as patched:
            patched.setattr(train, "_interrupted", -np.inf)
            patched.setattr(running._Run, "stretch", pressed)
            with pytest.warns(RuntimeWarning, match="interrupted"):
                run = fastnn.train(NETWORK, X, Y, starts, epochs=EPOCHS, schedule=schedule, **given)
        assert run.epochs == 5
        assert run.learning_rates.tobytes() == whole.learning_rates[:, :5].tobytes()
        assert run.loss_curve.tobytes() == whole.loss_curve[:, :5].tobytes()


@every_schedule
def test_stores_workers_replays_and_files_keep_it(name, tmp_path):
    X, Y, _ = problem()
    options = {"networks": 20, "epochs": 5, "engine": "batched", "schedule": ["constant", SCHEDULES[name]]}
    memory = fastnn.sweep(NETWORK, X, Y, **options)
    if name == "step":
        stored = fastnn.sweep(NETWORK, X, Y, store=tmp_path / "s", executor=1, **options)
        assert stored.digest() == memory.digest()
        memory = fastnn.open(tmp_path / "s")
        with pytest.raises(fastnn.InputError, match="schedule is "):
            fastnn.sweep(NETWORK, X, Y, store=tmp_path / "s", **options | {"schedule": "constant"})
    again = memory.replay(27)
    assert again.parameters.tobytes() == memory.parameters[27].tobytes()
    assert again.recipe.schedule == SCHEDULES[name]
    assert memory.replay(7).recipe.schedule == Constant()
    assert memory.parameters[27].tobytes() != memory.parameters[7].tobytes()
    again.save(tmp_path / "m.npz")
    loaded = fastnn.Training.load(tmp_path / "m.npz")
    assert loaded.recipe == again.recipe
    assert loaded.learning_rates.tobytes() == again.learning_rates.tobytes()
    assert repr(SCHEDULES[name]) in repr(loaded)


def test_an_axis_of_a_sweep():
    X, Y, _ = problem()
    schedule = ["constant", Cosine(horizon=[10, 20]), Step(every=2)]
    found = fastnn.sweep(NETWORK, X, Y, networks=2, epochs=4, engine="batched", schedule=schedule)
    frame = found.frame()
    assert frame.schedule.tolist() == ["constant"] * 2 + ["cosine"] * 4 + ["step"] * 2
    assert frame.horizon.dropna().tolist() == [10, 10, 20, 20]
    assert frame.every.dropna().tolist() == [2, 2]
    with pytest.raises(fastnn.InputError, match="Replay networks of one schedule at a time"):
        found.replay([0, 2])
    with pytest.raises(fastnn.InputError, match="schedule must name each value once"):
        fastnn.sweep(NETWORK, X, Y, networks=2, epochs=2, schedule=["cosine", "cosine"])


def test_the_command_line_of_a_network_trains_it_again(capsys):
    """The words that a sweep's page gives for one network, through the parser and back."""
    for schedule in [*SCHEDULES.values(), Constant()]:
        words = Schedules.command({"schedule": schedule})
        if schedule == Constant():
            assert words == []
            continue
        flag, text = words
        assert flag == "--schedule"
        assert choices_of(text, fastnn.schedules.SCHEDULES) == [schedule]
    main(["train", "--data", "simulated", "--rows", "20", "--epochs", "4", "--json", "--schedule", text])
    assert json.loads(capsys.readouterr().out)["recipe"]["schedule"]["schedule"] == "warm_up"


@pytest.mark.parametrize("use", [fastnn.explain, fastnn.derive, fastnn.code, fastnn.warmup])
def test_a_step_has_no_schedule(use):
    with pytest.raises(
        fastnn.InputError, match=r"asked of a step must be among loss, .* got schedule\. Leave"
    ):
        use(NETWORK, schedule="cosine")
    with pytest.raises(
        fastnn.InputError, match=r"must be among .* got optimiser \(did you mean optimizer\?\)"
    ):
        use(NETWORK, optimiser="adam")


def test_curves_are_told_apart_by_their_schedules():
    X, Y, starts = problem()
    options = {"epochs": 3, "engine": "batched"}
    runs = [fastnn.train(NETWORK, X, Y, starts[0], schedule=s, **options) for s in ("constant", "cosine")]
    assert [curve.label for curve in named_curves(runs)] == ["constant", "cosine"]
    swept = fastnn.sweep(
        NETWORK, X, Y, networks=1, curves=True, schedule=["constant", Cosine(horizon=[2, 3])], **options
    )
    assert [curve.label for curve in named_curves(swept)] == [
        "constant",
        "cosine horizon 2",
        "cosine horizon 3",
    ]

"""Penalties on weights: every engine against the plain reference, published conventions, files, refusals."""

import numpy as np
import pytest
from comparing import DTYPES, trained_plainly
from pairing import in_turns, later_but_pairs, pairwise
from rules import OPTIMIZERS
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.choices import settings_of
from fastnn.core.recipe import Recipe
from fastnn.engines import ENGINES
from fastnn.training import reducing, resting

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NETWORKS = {
    "straight line": fastnn.Network((2, 2, 1)),
    "two layers": fastnn.Network((3, 4, 3, 2), ("tanh", "relu"), "sigmoid"),
    "loops": fastnn.Network((2, 24, 2), "leaky_relu"),
}
PENALTIES = {
    "l2": {"l2": 0.7},
    "l1": {"l1": 0.3},
    "decay": {"decay": 0.9},
    "all": {"l2": 0.7, "l1": 0.3, "decay": 0.9},
}
# Of each pair of an optimizer and a penalty, one network, dtype and size of batches.
CASES = [
    (name, which, list(NETWORKS)[(n + m) % 3], DTYPES[(n + m // 2) % 2], (1, 4, 6)[(n + 2 * m) % 3])
    for n, name in enumerate(OPTIMIZERS)
    for m, which in enumerate(PENALTIES)
]


def problem(network, rows=6, networks=3, seed=0):
    """Rows, targets and starts with all their digits; a start has a weight that is 0."""
    draw = np.random.default_rng(seed)
    shapes = ((rows, network.n_inputs), (rows, network.n_outputs), (networks, network.n_parameters))
    X, Y, starts = [draw.normal(0.0, 0.7, shape) for shape in shapes]
    starts[0, 0] = 0.0
    return X, Y, starts


def allowed(name, penalties):
    """The penalties that an optimizer may have."""
    has_rate = OPTIMIZERS[name].learning_rate is not None
    return {key: value for key, value in penalties.items() if has_rate or key != "decay"}


def by_reference(network, X, Y, start, name, dtype, epochs, **options):
    """Parameters, losses and the epoch of divergence by the plain reference."""
    return trained_plainly(
        network,
        X,
        Y,
        start,
        0.01,
        epochs,
        dtype,
        optimizer=OPTIMIZERS[name].name,
        settings=settings_of(OPTIMIZERS[name]),
        **options,
    )


def check_bits(name, network, dtype, batch_size, penalties, engines):
    """Training by engines is that by the plain reference."""
    X, Y, starts = problem(network)
    numbers = {name: value for name, value in penalties.items() if name in PENALTIES}
    others = {name: value for name, value in penalties.items() if name not in PENALTIES}
    given = {"batch_size": batch_size, "penalties": numbers, **others}
    expected = [by_reference(network, X, Y, start, name, dtype, 3, **given) for start in starts]
    rate = {} if OPTIMIZERS[name].learning_rate is None else {"learning_rate": 0.01}
    options = {"epochs": 3, "batch_size": batch_size, "dtype": dtype, **rate, **penalties}
    for engine in engines:
        run = fastnn.train(network, X, Y, starts, optimizer=OPTIMIZERS[name], engine=engine, **options)
        for m, (parameters, losses, _) in enumerate(expected):
            assert np.array(parameters, dtype).tobytes() == run.parameters[m].tobytes(), engine
            assert np.array(losses, dtype).tobytes() == run.loss_curve[m].tobytes(), engine


@pytest.mark.parametrize(
    ("name", "which", "network", "dtype", "batch_size"),
    [
        pytest.param(*case, marks=() if (n + n // 4) % 4 == 0 else pytest.mark.slow)
        for n, case in enumerate(CASES)
    ],
)
def test_bits_of_the_reference_as_plain_python(name, which, network, dtype, batch_size, monkeypatch):
    run_as_plain_python(monkeypatch)
    penalties = allowed(name, PENALTIES[which])
    check_bits(name, NETWORKS[network], dtype, batch_size, penalties, ENGINES)


@pytest.mark.parametrize(
    ("name", "network", "dtype", "batch_size"),
    in_turns(
        [
            ("nesterov", "loops", "float32", 1),
            ("nesterov", "loops", "float32", 4),
            ("adam", "straight line", "float64", 4),
            ("adam", "straight line", "float64", 1),
            ("irprop-", "two layers", "float64", 1),
            ("irprop-", "two layers", "float64", 4),
        ]
    ),
)
def test_l2_on_the_sum(name, network, dtype, batch_size, monkeypatch):
    run_as_plain_python(monkeypatch)
    penalties = {"l2": 0.7, "l1": 0.3, "l2_on": "sum"}
    check_bits(name, NETWORKS[network], dtype, batch_size, penalties, ENGINES)


def test_l2_on_the_sum_is_that_on_the_mean_by_the_rows():
    network = NETWORKS["straight line"]
    X, Y, starts = problem(network)
    options = {"batch_size": 2, "epochs": 3, "engine": "batched"}
    on_sum = fastnn.train(network, X, Y, starts, l2=0.5, l2_on="sum", **options)
    on_mean = fastnn.train(network, X, Y, starts, l2=0.25, **options)
    assert on_sum.parameters.tobytes() == on_mean.parameters.tobytes()
    again = fastnn.train(network, X, Y, starts, l2=0.5, **options)
    assert on_sum.parameters.tobytes() != again.parameters.tobytes()


def test_l2_on_what():
    with pytest.raises(fastnn.InputError, match=r"l2_on must be .*got 'rows'"):
        Recipe.of(NETWORKS["loops"], l2=0.5, l2_on="rows")
    on_sum = Recipe.of(NETWORKS["loops"], l2=0.5, l2_on="sum", batch_size=2)
    assert Recipe.read(on_sum.plain) == on_sum
    assert on_sum.told == ["batch_size=2", "l2=0.5", "l2_on='sum'"]
    assert fastnn.code(NETWORKS["loops"], "loop", l2=0.5, l2_on="sum") == fastnn.code(
        NETWORKS["loops"], "loop", l2=0.5
    )


# Each kernel takes a second or two to compile; every second one has its norms clipped, in test_clipping.py.
COMPILED = pairwise(["sgd", "nesterov", "adam", "irprop-"], [*NETWORKS], [1, 4], DTYPES, ["loop", "lanes"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "network", "batch_size", "dtype", "engine"), COMPILED[::2])
def test_bits_of_the_reference_compiled(name, network, batch_size, dtype, engine):
    check_bits(name, NETWORKS[network], dtype, batch_size, allowed(name, PENALTIES["all"]), [engine])


@pytest.mark.parametrize("engine", ["loop", pytest.param("lanes", marks=pytest.mark.slow)])
def test_bits_of_the_reference_compiled_once(engine):
    check_bits("sgd", NETWORKS["straight line"], "float64", 1, PENALTIES["all"], [engine])


@pytest.mark.parametrize("which", PENALTIES)
def test_a_penalty_on_biases_is_rejected(which):
    network = NETWORKS["straight line"]
    X, Y, starts = problem(network)
    run = fastnn.train(
        network, X, Y, starts[1], learning_rate=0.01, epochs=3, engine="batched", **PENALTIES[which]
    )
    right, wrong = (
        by_reference(network, X, Y, starts[1], "sgd", "float64", 3, penalties=PENALTIES[which], penalised=on)[
            0
        ]
        for on in ("weights", "all")
    )
    assert run.parameters.tolist() == right
    assert run.parameters.tolist() != wrong


def test_by_hand():
    # d = 1: the change is -0.25 for both. l2: 0.25 - 0.125*0.5 = 0.6875 of w; decay: w - 0.125*2*w first.
    one = {"learning_rate": 0.125, "epochs": 1, "engine": "batched"}
    after = {}
    for given in ({"l2": 0.5}, {"l1": 0.5}, {"decay": 2.0}):
        run = fastnn.train(fastnn.Network((1, 1)), [1.0], [0.0], [1.0, 0.0], **one, **given)
        after |= dict.fromkeys(given, run.parameters.tolist())
    assert after == {"l2": [0.6875, -0.25], "l1": [0.6875, -0.25], "decay": [0.5, -0.25]}


def test_losses_have_no_penalty_in_them():
    run = fastnn.train(
        fastnn.Network((1, 1)), [1.0], [0.0], [1.0, 0.0], epochs=1, engine="batched", l2=3.0, l1=2.0
    )
    assert run.loss_curve.tolist() == [1.0]


def test_without_a_penalty_nothing_changes():
    network = NETWORKS["two layers"]
    zero = {"l2": 0.0, "l1": 0.0, "decay": 0.0}
    assert Recipe.of(network, **zero) == Recipe.of(network)
    assert fastnn.code(network, "lanes", **zero) == fastnn.code(network, "lanes")
    assert Recipe.of(network, **zero).plain == {
        "loss": "squared",
        "optimizer": "sgd",
        "batch_size": 1,
        "schedule": {"schedule": "constant"},
    }


class TestDeadUnits:
    """The weights of a dead unit move under a penalty, so it is never left out."""

    @pytest.mark.parametrize("which", PENALTIES)
    def test_same_bits(self, monkeypatch, which):
        monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
        monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)
        network, digests = fastnn.Network((2, 4, 1)), []
        X, Y, _ = problem(network, rows=8)
        for worth in (0, np.inf):
            monkeypatch.setattr(reducing, "WORTH_A_KERNEL", worth)
            penalties = {name: 0.01 * value for name, value in PENALTIES[which].items()}
            options = {"networks": 100, "epochs": 60, "engine": "batched", "workers": 1, "learning_rate": 0.1}
            digests.append(fastnn.sweep(network, X, Y, seed=0, **options, **penalties).digest())
        assert digests[0] == digests[1]


class TestSweeps:
    def swept(self, **options):
        network = NETWORKS["straight line"]
        X, Y, _ = problem(network)
        return fastnn.sweep(network, X, Y, networks=2, epochs=3, engine="batched", workers=1, **options)

    @pytest.mark.parametrize("name", ["l2", "l1", "decay"])
    def test_each_is_an_axis(self, name):
        found = self.swept(**{name: [0.0, 0.25]}, optimizer=["sgd", "adam"], learning_rate=0.01)
        frame = found.frame()
        assert frame[name].tolist() == [0.0, 0.0, 0.25, 0.25] * 2
        for number in range(len(found)):
            again = found.replay(number)
            assert again.parameters.tobytes() == found.parameters[number].tobytes()
            assert getattr(again.recipe, name) == frame[name][number]

    def test_in_a_store(self, tmp_path):
        found = self.swept(l2=[0.0, 0.25], decay=0.5, store=tmp_path / "s")
        again = fastnn.open(tmp_path / "s")
        assert again.digest() == found.digest()
        assert again.grid["decay"].values == (0.5,)
        assert again.grid["l1"].values == (0.0,)
        assert again.replay(3).recipe == Recipe(l2=0.25, decay=0.5)

    def test_l2_on_is_an_axis(self, tmp_path):
        found = self.swept(l2=0.5, l2_on=["mean", "sum"], batch_size=3, store=tmp_path / "s")
        again = fastnn.open(tmp_path / "s")
        assert again.frame()["l2_on"].tolist() == ["mean", "mean", "sum", "sum"]
        assert again.replay(3).parameters.tobytes() == found.parameters[3].tobytes()
        assert found.parameters[3].tobytes() != found.parameters[1].tobytes()

    def test_a_grid_names_its_cells(self):
        found = self.swept(l2=[0.0, 0.25], l1=0.5)
        assert found.grid.name_of(found.grid.cell_of(2)) == "l2 0.25, learning rate 0.005"
        assert "l1 0.5" in found.grid.told

    def test_refusals(self):
        with pytest.raises(fastnn.InputError, match=r"l2\[1\] must be 0 or above it; got -0.5"):
            self.swept(l2=[0.0, -0.5])
        with pytest.raises(fastnn.InputError, match="l1 must name each value once"):
            self.swept(l1=[0.5, 0.5])
        with pytest.raises(fastnn.InputError, match="l2 must be from 1 to"):
            self.swept(l2=[])
        with pytest.raises(fastnn.InputError, match="decay must be left out for irprop-"):
            self.swept(decay=[0.0, 0.5], optimizer="irprop-")


class TestRefusals:
    @pytest.mark.parametrize("name", ["l2", "l1", "decay"])
    @pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "much", [0.1], True])
    def test_no_number_from_zero(self, name, value):
        with pytest.raises(fastnn.InputError, match=name):
            fastnn.train(fastnn.Network((1, 1)), [0.0], [0.0], [0, 0], **{name: value})

    def test_decay_without_a_learning_rate(self):
        with pytest.raises(fastnn.InputError, match=r"decay must be left out for irprop-.*Give l2 instead"):
            fastnn.derive(fastnn.Network((1, 1)), optimizer="irprop-", decay=0.1)


def test_a_model_file_keeps_them(tmp_path):
    run = fastnn.train(fastnn.Network((1, 1)), [0.0], [0.5], [1, 0], l2=0.5, decay=0.25, engine="batched")
    run.save(tmp_path / "m.fastnn")
    again = fastnn.Training.load(tmp_path / "m.fastnn")
    assert again.recipe == run.recipe
    assert again.recipe.told == ["l2=0.5", "decay=0.25"]


@pytest.mark.parametrize(
    "wrong", [{"l2": 0.0}, {"l2": -1.0}, {"l1": 1}, {"decay": "0.5"}, {"l2": float("nan")}]
)
def test_no_other_penalties_in_a_file(wrong):
    with pytest.raises(fastnn.InputError):
        Recipe.read(Recipe().plain | wrong)


@pytest.mark.parametrize(
    ("which", "optimizer", "batch_size"),
    later_but_pairs([*PENALTIES], ["sgd", "nesterov", "rmsprop"], [1, 2]),
)
def test_they_are_explained(which, batch_size, optimizer):
    pytest.importorskip("sympy", reason="the proof needs sympy")
    network, given = fastnn.Network((2, 2, 1), "tanh"), PENALTIES[which]
    explanation = fastnn.explain(network, optimizer=optimizer, batch_size=batch_size, **given)
    assert explanation.proof().holds
    on_sum = fastnn.explain(network, optimizer=optimizer, batch_size=batch_size, l2_on="sum", **given)
    assert on_sum.proof().holds
    said = " ".join(explanation.text().split())
    assert ("of its penalty" in said, "loses the part shrink" in said) == (which != "decay", "decay" in given)
    X, Y, starts = problem(network, rows=batch_size)
    step = explanation.step(starts[0], X if batch_size > 1 else X[0], Y if batch_size > 1 else Y[0])
    options = {"optimizer": optimizer, "batch_size": batch_size, "epochs": 1, "engine": "batched"}
    run = fastnn.train(network, X, Y, starts[0], **options, **given)
    assert step.parameters.tobytes() == run.parameters.tobytes()


def test_log_loss_as_published():
    """The step of scikit-learn's own test of its log-loss with L2: one row, two hidden sigmoids."""
    start = [0.1, 0.3, 0.5, 0.2, 0.1, 0.0, 0.1, 0.2, 0.1, 0.1, 1.0]
    network = fastnn.Network((3, 2, 1), "sigmoid", "sigmoid")
    options = {"loss": "cross_entropy", "learning_rate": 0.1, "epochs": 1, "engine": "batched", "l2": 0.1}
    run = fastnn.train(network, [[0.6, 0.8, 0.7]], [0.0], start, **options)
    published = [0.09799927, 0.29566569, 0.49383248, 0.19575455, 0.09600606, -0.0026197]
    assert run.parameters[:6] == pytest.approx(published, abs=5e-9)
    assert run.parameters[5] != pytest.approx(-0.002244, abs=5e-7)  # a comment there has this

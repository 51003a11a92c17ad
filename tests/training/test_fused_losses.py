"""Cross-entropy and the Poisson loss: bits of the plain reference, published numbers, extremes, refusals."""

import math

import numpy as np
import pytest
from comparing import DTYPES, agrees, all_agree, trained_plainly
from forms import forms_of, trained_by_form
from pairing import in_turns, pairwise
from rules import OPTIMIZERS
from uncompiled import run_as_plain_python

import fastnn
from fastnn.__main__ import main
from fastnn.core.choices import settings_of
from fastnn.core.losses import LOSSES
from fastnn.core.recipe import Recipe
from fastnn.engines import ENGINES

NETWORKS = {
    "softmax": ("cross_entropy", fastnn.Network((2, 3, 3), "tanh", "softmax")),
    "softmax of two": ("cross_entropy", fastnn.Network((3, 2), output="softmax")),
    "softmax in loops": ("cross_entropy", fastnn.Network((3, 9, 4, 6), ("relu", "sine"), "softmax")),
    "sigmoid": ("cross_entropy", fastnn.Network((2, 3, 2), "relu", "sigmoid")),
    "one sigmoid": ("cross_entropy", fastnn.Network((3, 4, 4, 1), ("tanh", "relu"), "sigmoid")),
    "sigmoid in loops": ("cross_entropy", fastnn.Network((3, 13, 3), output="sigmoid")),
    "poisson": ("poisson", fastnn.Network((2, 3, 2), "tanh", "exponential")),
    "one poisson": ("poisson", fastnn.Network((2, 4, 1), "relu", "exponential")),
    "poisson in loops": ("poisson", fastnn.Network((3, 13, 3), output="exponential")),
}
# Compiled in a fraction of the time: one layer, or one loop over hidden units.
SHORT = {
    "softmax of two": NETWORKS["softmax of two"],
    "softmax in a loop": ("cross_entropy", fastnn.Network((2, 14, 2), output="softmax")),
    "a sigmoid": ("cross_entropy", fastnn.Network((2, 2, 1), output="sigmoid")),
}
ROWS = 23
# One row; with one left over; a block of rows with some left over, and a batch of one row; all rows at once.
SIZES = (1, 2, 11, ROWS)
WAYS = pairwise([*NETWORKS], ENGINES, DTYPES, [*OPTIMIZERS], SIZES)
COMPILED = pairwise([*SHORT], ("loop", "lanes"), DTYPES, [(1,), SIZES[1:]])
# In a run of the quick tests: each kind of output, each size; in loops the one that is shortest.
QUICK_FORMS = {
    *(("softmax", 11), ("softmax of two", 1)),
    *(("sigmoid", 1), ("one sigmoid", 11)),
    *(("one poisson", 1), ("poisson in loops", 11)),
}
QUICK = [way for way in COMPILED if way[:2] == ("softmax of two", "loop")]


def problem(which, rows=ROWS, networks=3):
    """Rows, targets that fit the loss, and starts, with all their digits."""
    (_, network), draw = (NETWORKS | SHORT)[which], np.random.default_rng(0)
    X = draw.normal(0.0, 0.7, (rows, network.n_inputs))
    starts = draw.normal(0.0, 0.7, (networks, network.n_parameters))
    if network.output == "softmax":
        return X, np.eye(network.n_outputs)[draw.integers(0, network.n_outputs, rows)], starts
    Y = draw.uniform(0.0, 1.0, (rows, network.n_outputs))
    Y[::3], Y[1::3] = 0.0, 1.0
    return (X, 3 * Y, starts / 4) if network.output == "exponential" else (X, Y, starts)


def by_reference(which, dtype, name, size, networks=3):
    """Parameters and losses of each start by the plain reference."""
    (loss, network), (X, Y, starts) = (NETWORKS | SHORT)[which], problem(which)
    found = []
    for start in starts[:networks]:
        parameters, losses, _ = trained_plainly(
            network,
            X,
            Y,
            start,
            0.1,
            2,
            dtype,
            optimizer=OPTIMIZERS[name].name,
            settings=settings_of(OPTIMIZERS[name]),
            batch_size=size,
            loss=loss,
        )
        found.append((np.array(parameters, dtype).tobytes(), np.array(losses, dtype).tobytes()))
    return found


def check_bits(which, engine, dtype, name, size):
    """Training by an engine is that by the plain reference."""
    (loss, network), (X, Y, starts) = (NETWORKS | SHORT)[which], problem(which)
    options = {} if name == "irprop-" else {"learning_rate": 0.1}
    run = fastnn.train(
        network, X, Y, starts, loss=loss, optimizer=OPTIMIZERS[name], batch_size=size, epochs=2,
        engine=engine, dtype=dtype, **options,
    )  # fmt: skip
    found = [(p.tobytes(), c.tobytes()) for p, c in zip(run.parameters, run.loss_curve, strict=True)]
    assert found == by_reference(which, dtype, name, size)


@pytest.mark.parametrize(("which", "engine", "dtype", "name", "size"), in_turns(WAYS))
def test_bits_of_the_reference_as_plain_python(monkeypatch, which, engine, dtype, name, size):
    run_as_plain_python(monkeypatch)
    check_bits(which, engine, dtype, name, size)


@pytest.mark.parametrize(
    ("which", "engine", "dtype", "sizes"),
    [pytest.param(*way, marks=() if way in QUICK else pytest.mark.slow) for way in COMPILED],
)
def test_bits_of_the_reference_compiled(which, engine, dtype, sizes):
    for size in sizes:
        check_bits(which, engine, dtype, "sgd", size)


@pytest.mark.parametrize(
    ("which", "size"),
    [
        pytest.param(which, size, marks=() if (which, size) in QUICK_FORMS else pytest.mark.slow)
        for which in NETWORKS
        for size in (1, 11)
    ],
)
def test_every_form_of_every_source(monkeypatch, which, size):
    (loss, network), dtype = NETWORKS[which], "float32"
    X, Y, starts = (array.astype(dtype) for array in problem(which))
    recipe = Recipe.of(network, loss, OPTIMIZERS["nesterov"], size)
    settings = recipe.settings(np.full(3, 0.1, dtype))
    expected = by_reference(which, dtype, "nesterov", size, networks=3)
    assert b"\x00\x00\xc0\x7f" not in expected[0][0]  # a NaN
    for form, source in forms_of(monkeypatch, network, dtype, recipe.rule):
        assert trained_by_form(source, recipe, starts[:3], 2, X, Y, settings) == expected, form


# Published numbers: CS231n's notes (softmax), Keras's documentation (cross-entropy from logits), one neuron.


def loss_and_step(layers, output, start, x, y, rate=0.0, loss=None):
    """The loss of a row, and the parameters after its step."""
    network = fastnn.Network(layers, output=output)
    run = fastnn.train(
        network, [x], [y], start, loss=loss, learning_rate=rate or 1e-300, epochs=1, engine="batched"
    )
    return network, run


@pytest.mark.filterwarnings("ignore::fastnn.ScaleWarning")
def test_softmax_of_cs231n():
    W, b = [[0.01, -0.05, 0.1, 0.05], [0.7, 0.2, 0.05, 0.16], [0.0, -0.45, -0.2, 0.03]], [0.0, 0.2, -0.3]
    x, start = [-15.0, 22.0, -44.0, 56.0], [*np.ravel(W), *b]
    network, run = loss_and_step((4, 3), "softmax", start, x, [0.0, 0.0, 1.0], rate=1.0)
    assert agrees(run.loss, "1.0401905694")
    before = fastnn.train(network, [x], [[0, 0, 1]], start, learning_rate=1e-300, epochs=1, engine="batched")
    assert all_agree(before.predict([x])[0], ["0.0154493157", "0.6311633536", "0.3533873307"])
    moved = np.array(b) - run.parameters[-3:]  # by p - y
    assert all_agree(moved, ["0.0154493157", "0.6311633536", "-0.6466126693"])


@pytest.mark.parametrize(
    ("logits", "wanted", "loss"),
    [
        ([8.0, 1.0, 1.0], 0, "0.00182210289"),
        ([0.0, 9.0, 1.0], 1, "0.00045876718"),
        ([2.0, 3.0, 5.0], 2, "0.16984601956"),
    ],
)
def test_cross_entropy_of_keras(logits, wanted, loss):
    _, run = loss_and_step((1, 3), "softmax", [0.0, 0.0, 0.0, *logits], [1.0], np.eye(3)[wanted])
    assert agrees(run.loss, loss)


def test_weights_of_rows_as_published():
    """Divided by the sum of the weights."""
    logits, network = np.array([[8.0, 1, 1], [0, 9, 1], [2, 3, 5]]), fastnn.Network((3, 3), output="softmax")
    start = [*logits.T.ravel(), 0.0, 0.0, 0.0]
    options = {"learning_rate": 1e-300, "epochs": 1, "engine": "batched", "batch_size": 3}
    run = fastnn.train(network, np.eye(3), np.eye(3), start, sample_weight=[1.2, 3.4, 5.6], **options)
    assert agrees(run.loss, "0.09361608")
    assert agrees(fastnn.train(network, np.eye(3), np.eye(3), start, **options).loss, "0.05737562988")


def test_one_neuron():
    _, run = loss_and_step((2, 1), "sigmoid", [0.5, -0.4, 0.0], [2.0, 3.0], [1.0], 0.1, "cross_entropy")
    assert agrees(run.loss, "0.798138869382")
    assert all_agree(run.parameters, ["0.609966799462", "-0.235049800806", "0.054983399731"])


HUGE = {"float64": 1e308, "float32": 3e38}
EXTREME = [
    (1, 1, 1), (-1, -1, -1), (1, 0, 0), (-1, 0, 0), (1, -1, 0), (1, 1, -1), (0, 0, 0), (0.4, -0.4, 1e-300),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_no_finite_sum_gives_nan(monkeypatch, output, dtype, engine):
    """Sums of any size: the loss is right, or beyond the largest float, which is divergence."""
    run_as_plain_python(monkeypatch)
    network = fastnn.Network((1, 3), output=output)
    for signs in EXTREME:
        z = [sign * HUGE[dtype] for sign in signs]
        for wanted in range(3):
            y = np.eye(3)[wanted]
            run = fastnn.train(
                network, [[1.0]], [y], [0.0, 0.0, 0.0, *z], loss="cross_entropy", learning_rate=1e-30,
                epochs=1, engine=engine, dtype=dtype,
            )  # fmt: skip
            exact = true_loss(output, z, wanted)
            if exact > float(np.finfo(dtype).max):
                assert run.status == "diverged"
            else:
                assert run.loss == pytest.approx(exact, rel=1e-6)
                assert np.isfinite(run.parameters).all()
                assert np.isfinite(run.predict([[1.0]])).all()


def true_loss(output, z, wanted):
    """By the definition, in exact differences of the sums."""
    if output == "softmax":
        top = max(z)
        below = top - z[wanted]
        return below + math.log(sum(math.exp(max(z_k - top, -1e4)) for z_k in z))
    return sum(
        max(0.0, -z_k if k == wanted else z_k) + math.log1p(math.exp(-abs(z_k))) for k, z_k in enumerate(z)
    )


class TestRefused:
    X, ONE_HOT = np.ones((3, 2)), np.eye(3)

    def refused(self, match, output, loss=None, y=ONE_HOT):
        network = fastnn.Network((2, 3), output=output)
        with pytest.raises(fastnn.InputError, match=match):
            fastnn.train(network, self.X, y, loss=loss, epochs=1)
        with pytest.raises(fastnn.InputError, match=match):
            fastnn.sweep(network, self.X, y, networks=2, loss=loss, epochs=1)

    @pytest.mark.parametrize(
        ("output", "loss", "fitting"),
        [
            ("identity", "cross_entropy", "loss='squared', or a Network with output='softmax' or 'sigmoid'"),
            ("softmax", "squared", "loss='cross_entropy'"),
            ("softmax", "poisson", "loss='cross_entropy'"),
            ("sigmoid", "poisson", "output='exponential'"),
        ],
    )
    def test_pairs(self, output, loss, fitting):
        pairs = "cross_entropy with softmax or sigmoid; poisson with exponential; "
        match = rf"^loss must go with .*got {loss} with {output} .*{pairs}.*{fitting}"
        self.refused(match, output, loss)
        network = fastnn.Network((2, 3), output=output)
        for ask in (fastnn.derive, fastnn.code, fastnn.warmup):
            with pytest.raises(fastnn.InputError, match=match):
                ask(network, loss=loss)

    @pytest.mark.parametrize(
        "y", [np.ones((3, 3)), np.zeros((3, 3)), 0.5 * np.eye(3), 2 * np.eye(3), -np.eye(3)]
    )
    def test_targets_of_softmax(self, y):
        self.refused(r"^y must be one 1 in each row.* in row 0\. .*loss='squared'", "softmax", y=y)

    @pytest.mark.parametrize("y", [2 * np.eye(3), -np.eye(3)])
    def test_targets_of_sigmoid(self, y):
        self.refused(r"^y must be from 0 .* in row 0", "sigmoid", "cross_entropy", y)

    def test_targets_of_poisson(self):
        y = np.eye(3)
        y[2, 1] = -1
        self.refused(
            r"^y must be 0 or above, for poisson .*\[0\.0, -1\.0, 1\.0\] in row 2",
            "exponential",
            "poisson",
            y,
        )

    def test_validation_rows(self):
        network = fastnn.Network((2, 3), output="softmax")
        with pytest.raises(fastnn.InputError, match=r"^validation y must be one 1 in each row"):
            fastnn.train(network, self.X, self.ONE_HOT, epochs=1, validation=(self.X, 2 * self.ONE_HOT))


def test_the_usual_loss():
    X, Y, starts = problem("softmax")
    network = NETWORKS["softmax"][1]
    run = fastnn.train(network, X, Y, starts, epochs=2, engine="batched")
    assert type(run.recipe.loss) is LOSSES["cross_entropy"]
    sweep = fastnn.sweep(network, X, Y, networks=3, epochs=2, engine="batched")
    assert sweep.replay(1).loss == sweep.loss[1]
    assert np.allclose(run.predict(X).sum(axis=-1), 1.0)
    for output in ("sigmoid", "exponential"):
        usual = fastnn.train(fastnn.Network((2, 3), output=output), X, Y, epochs=1, engine="batched")
        assert usual.recipe.loss.name == "squared"


def test_softmax_on_the_command_line(tmp_path, capsys):
    table = tmp_path / "classes.csv"
    table.write_text("a,b,yes,no\n0.1,0.2,1,0\n0.5,1,0,1\n0.2,0.1,1,0\n")
    command = ["train", "--layers", "2,2,2", "--output", "softmax", "--data", str(table), "--inputs", "a,b"]
    assert main([*command, "--target", "yes", "--target", "no", "--epochs", "2", "--engine", "batched"]) == 0
    assert "CrossEntropy" in capsys.readouterr().out

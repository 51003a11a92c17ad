"""Weights of rows: every engine against the plain reference, invariances, other libraries' ways, refusals."""

import numpy as np
import pytest
from comparing import DTYPES, quiet, trained_plainly
from forms import forms_of, trained_by_form
from pairing import later_but_pairs, pairwise
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core import optimizers
from fastnn.core.choices import settings_of
from fastnn.core.recipe import Recipe
from fastnn.core.rule import Rule
from fastnn.engines import ENGINES, load, self_check
from fastnn.engines.compiling import run_source
from fastnn.training import reducing, resting, running
from fastnn.training.weights import Weights

NETWORKS = {
    "straight line": fastnn.Network((2, 2, 1)),
    "two layers": fastnn.Network((3, 4, 3, 2), ("tanh", "relu"), "sigmoid"),
    "loops": fastnn.Network((2, 24, 2)),
    "kept sums": fastnn.Network((3, 5, 1, 4, 2), ("sine", "square", "gelu_tanh"), "gaussian"),
}
OPTIMIZERS = {
    "sgd": optimizers.SGD(),
    "nesterov": optimizers.Nesterov(momentum=0.6),
    "adam": optimizers.Adam(beta1=0.6, beta2=0.9),
    "irprop-": optimizers.IRpropMinus(delta0=0.01, least=0.004, most=0.012),
}
ROWS = 23
SIZES = (1, 5, ROWS)
RATE = 0.01
WAYS = pairwise([*NETWORKS], ENGINES, DTYPES, [*OPTIMIZERS], SIZES, ("epoch", "batch"))
COMPILED = pairwise([*OPTIMIZERS], ["straight line", "loops"], ("loop", "lanes"), DTYPES, SIZES)


def problem(network, rows=ROWS, networks=3):
    """Rows, targets, starts and weights with all their digits; some weights are 0."""
    draw = np.random.default_rng(1)
    shapes = ((rows, network.n_inputs), (rows, network.n_outputs), (networks, network.n_parameters))
    weights = draw.gamma(1.0, 3.0, rows)
    weights[1::7] = 0.0
    return *(draw.normal(0.0, 0.7, shape) for shape in shapes), weights


def options_of(name):
    """An optimizer and its learning rate, if it has one."""
    rate = {} if name == "irprop-" else {"learning_rate": RATE}
    return {"optimizer": OPTIMIZERS[name], **rate}


def by_reference(network, X, Y, start, weights, dtype, name, size, within="epoch", epochs=3, **more):
    """Parameters and losses by the plain reference."""
    parameters, losses, _ = trained_plainly(
        network,
        X,
        Y,
        start,
        RATE,
        epochs,
        dtype,
        optimizer=OPTIMIZERS[name].name,
        settings=settings_of(OPTIMIZERS[name]),
        batch_size=size,
        row_weights=None if weights is None else weights.tolist(),
        within=within,
        **more,
    )
    return np.array(parameters, dtype).tobytes(), np.array(losses, dtype).tobytes()


def check_bits(which, engine, dtype, name, size, within="epoch"):
    """Training by an engine is that by the plain reference."""
    network = NETWORKS[which]
    X, Y, starts, weights = problem(network)
    draw = np.random.default_rng(2)
    orders = [[*range(ROWS)]] + [draw.permutation(ROWS).tolist() for _ in range(2)]
    how = {"epochs": 3, "engine": engine, "dtype": dtype, "batch_size": size, "row_order": orders}
    run = fastnn.train(
        network, X, Y, starts, sample_weight=weights, weights_within=within, **options_of(name), **how
    )
    assert np.isfinite(run.loss_curve).all()
    for m, start in enumerate(starts):
        found = run.parameters[m].tobytes(), run.loss_curve[m].tobytes()
        assert found == by_reference(network, X, Y, start, weights, dtype, name, size, within, orders=orders)


@pytest.mark.parametrize(("which", "engine", "dtype", "name", "size", "within"), WAYS)
def test_bits_of_the_reference_as_plain_python(monkeypatch, which, engine, dtype, name, size, within):
    run_as_plain_python(monkeypatch)
    check_bits(which, engine, dtype, name, size, within)


@pytest.mark.parametrize(("engine", "name", "size"), later_but_pairs([*ENGINES], ["sgd", "adam"], [1, 5]))
def test_bits_with_penalties(monkeypatch, engine, name, size):
    run_as_plain_python(monkeypatch)
    network, penalties = NETWORKS["two layers"], {"l2": 0.5, "l1": 0.01, "decay": 0.25}
    X, Y, starts, weights = problem(network)
    how = {"epochs": 3, "engine": engine, "batch_size": size, "sample_weight": weights}
    run = fastnn.train(network, X, Y, starts, **options_of(name), **how, **penalties)
    for m, start in enumerate(starts):
        found = run.parameters[m].tobytes(), run.loss_curve[m].tobytes()
        more = {"penalties": penalties}
        assert found == by_reference(network, X, Y, start, weights, "float64", name, size, **more)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "which", "engine", "dtype", "size"), COMPILED)
def test_bits_of_the_reference_compiled(name, which, engine, dtype, size):
    check_bits(which, engine, dtype, name, size)


@pytest.mark.parametrize("engine", ["loop", pytest.param("lanes", marks=pytest.mark.slow)])
def test_bits_of_the_reference_compiled_once(engine):
    check_bits("straight line", engine, "float32", "sgd", 5)


@pytest.mark.parametrize(
    ("which", "size"),
    [
        pytest.param(which, size, marks=() if (n + m) % 2 and which != "kept sums" else pytest.mark.slow)
        for n, which in enumerate(NETWORKS)
        for m, size in enumerate([1, 11])
    ],
)
def test_every_form_of_every_source(monkeypatch, which, size):
    network, dtype = NETWORKS[which], "float32"
    recipe = Recipe(Recipe.of(network).loss, OPTIMIZERS["nesterov"], size)
    rule = Rule(optimizer=optimizers.Nesterov, batched=size > 1, weighted=True)
    *arrays, weights = problem(network, networks=3)
    X, Y, starts = (array.astype(dtype) for array in arrays)
    coefficients = Weights(weights).coefficients(None, size).astype(dtype)
    settings = recipe.settings(np.full(len(starts), RATE, dtype))
    expected = [by_reference(network, X, Y, start, weights, dtype, "nesterov", size) for start in starts]
    for form, source in forms_of(monkeypatch, network, dtype, rule):
        assert trained_by_form(source, recipe, starts, 3, X, Y, coefficients, settings) == expected, form


def test_all_rows_at_once_by_hand():
    run = fastnn.train(
        fastnn.Network((1, 1)), [1.0, 2.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.0], learning_rate=0.1875, epochs=1,
        engine="batched", batch_size=3, sample_weight=[2.0, 0.0, 1.0],
    )  # fmt: skip
    # c = 2, 0, 1; d = 1, 2, -3; factor = -2*0.1875/3 = -0.125; the loss is (2*1 + 0*4 + 1*9)/3.
    # w: -0.125*(2*1*1 + 0 - 1*3*0) = -0.25, b: -0.125*(2*1 + 0 - 1*3) = 0.125.
    assert run.parameters.tolist() == [0.75, 0.125]
    assert run.loss == 11 / 3


@pytest.mark.parametrize("within", ["epoch", "batch"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_two_is_the_row_twice_and_weight_zero_none(name, within):
    network = NETWORKS["two layers"]
    X, Y, starts, _ = problem(network)
    times = np.array([0, 2, 1, 1, 3, 0, 1] + [1] * (ROWS - 7))
    how = {"epochs": 5, "engine": "batched", **options_of(name)}
    weighted = fastnn.train(
        network, X, Y, starts, sample_weight=times, weights_within=within, batch_size=ROWS, **how
    )
    X, Y = np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0)
    repeated = fastnn.train(network, X, Y, starts, batch_size=len(X), **how)
    np.testing.assert_allclose(weighted.parameters, repeated.parameters, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(weighted.loss_curve, repeated.loss_curve, rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_irprop_does_not_change_with_a_power_of_two(engine, monkeypatch):
    """Coefficients four times as large make the loss four times as large, and change no bit of the run."""
    run_as_plain_python(monkeypatch)
    network = NETWORKS["two layers"]
    X, Y, starts, weights = problem(network)
    recipe = Recipe(optimizer=OPTIMIZERS["irprop-"], batch_size=ROWS)
    rule = Rule(optimizer=optimizers.IRpropMinus, batched=True, weighted=True)
    settings, found = recipe.settings(np.full(len(starts), np.nan)), []
    for scale in (1.0, 4.0, 2.0**-8):
        state, totals = recipe.begun(starts.copy()), np.zeros((len(starts), 4))
        coefficients = scale * Weights(weights).coefficients(None, ROWS)
        load(engine).kernel(network, "float64", rule)(state, X, Y, coefficients, settings, totals, ROWS)
        found.append((state[:, : network.n_parameters].tobytes(), (totals / scale).tobytes()))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("scale", [2.0**-1060, 2.0**20, 2.0**1018])
def test_weights_times_a_power_of_two_are_the_same_weights(scale):
    network = NETWORKS["straight line"]
    X, Y, starts, _ = problem(network)
    weights = np.arange(ROWS) % 5.0
    how = {"epochs": 3, "engine": "batched"}
    one = fastnn.train(network, X, Y, starts, sample_weight=weights, **how)
    other = fastnn.train(network, X, Y, starts, sample_weight=scale * weights, **how)
    assert one.loss_curve.tobytes() == other.loss_curve.tobytes()
    assert one.parameters.tobytes() == other.parameters.tobytes()


@pytest.mark.parametrize("weight", [1.0, 0.1, 3])
@pytest.mark.parametrize("within", ["epoch", "batch"])
def test_equal_weights_are_none(weight, within, monkeypatch):
    """The kernel is the one without weights, and so are its bits."""
    asked = []
    known = running.Job.takeover
    monkeypatch.setattr(running.Job, "takeover", lambda job, *a: asked.append(job.rule) or known(job, *a))
    network = NETWORKS["straight line"]
    X, Y, starts, _ = problem(network)
    how = {"epochs": 3, "engine": "batched", "batch_size": 4}
    one = fastnn.train(network, X, Y, starts, sample_weight=[weight] * ROWS, weights_within=within, **how)
    assert not any(rule.weighted for rule in asked)
    assert one.loss_curve.tobytes() == fastnn.train(network, X, Y, starts, **how).loss_curve.tobytes()


def test_within_a_batch_as_scikit_learn_has_it():
    """Every batch is a weighted mean of its own; one whose weights are all 0 moves nothing."""
    weights = Weights(np.array([1.0, 4.0, 0.0, 0.0, 2.0]), "batch")
    assert weights.coefficients(None, 2).tolist() == [0.4, 1.6, 0.0, 0.0, 1.0]
    assert weights.coefficients(np.array([4, 2, 1, 0, 3]), 3).tolist() == [1.0, 0.0, 2.0, 2.0, 0.0]


def test_the_published_mean_of_keras_is_another():
    """Keras divides the weighted losses of three rows by the rows, fastnn by the sum of the weights."""
    logits, weights = [[8, 1, 1], [0, 9, 1], [2, 3, 5]], [1.2, 3.4, 5.6]
    network, start = fastnn.Network((3, 3), output="softmax"), [*np.eye(3).ravel(), 0, 0, 0]
    how = {"epochs": 1, "batch_size": 3, "engine": "batched", "loss": "cross_entropy"}
    ours = fastnn.train(network, logits, np.eye(3), start, sample_weight=weights, **how).loss
    assert ours == pytest.approx(0.09361608, abs=1e-8)
    assert ours * np.mean(weights) == pytest.approx(0.31829468, abs=1e-8)


@pytest.mark.parametrize("size", [1, 4])
def test_units_left_out(monkeypatch, size):
    """A unit is dead if it is shut on every row, those of weight 0 as well; leaving it out changes no bit."""
    monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
    monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)
    network = fastnn.Network((2, 4, 1))
    X, Y, starts, weights = problem(network, rows=8, networks=300)
    how = {"epochs": 240, "engine": "batched", "batch_size": size, "learning_rate": 0.1}
    runs, groups = [], []
    known = reducing.Units._group
    monkeypatch.setattr(reducing.Units, "_group", lambda *a: groups.append(a[2]) or known(*a))
    for worth in (np.inf, 0):
        monkeypatch.setattr(reducing, "WORTH_A_KERNEL", worth)
        runs.append(fastnn.train(network, X, Y, 2 * starts, sample_weight=weights, **how))
        assert bool(groups) == (worth == 0)
    whole, reduced = runs
    assert whole.parameters.tobytes() == reduced.parameters.tobytes()
    assert whole.loss_curve.tobytes() == reduced.loss_curve.tobytes()


WRONG = {
    "no coefficient in the loss": ("total += c*(d*d)", "total += d*d"),
    "none in the share": ("share = step*c", "share = step"),
    "that of the first row": ("c = coefficients[i]", "c = coefficients[0]"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_self_check_tries_weights(wrong, monkeypatch):
    monkeypatch.setattr(self_check, "is_compiled", lambda kernel: True)  # as if these were
    network, rule = NETWORKS["straight line"], Rule(weighted=True)
    source = load("loop").source(network, "float64", rule)
    assert WRONG[wrong][0] in source
    for text in (source, source.replace(*WRONG[wrong])):
        kernel = quiet(run_source(text)["advance"])
        assert self_check._is_right(kernel, "loop", network, "float64", rule) == (text == source)


def test_refusals():
    network, data = NETWORKS["straight line"], problem(NETWORKS["straight line"])[:3]
    wrong = {
        "hold a number for each of 23 rows; got 2": [1, 2],
        "must have 1 dimension": [[1.0] * ROWS],
        "no number below 0; got -0.5 at [3]": [1.0, 1.0, 1.0, -0.5] + [1.0] * (ROWS - 4),
        "must be finite": [np.nan] + [1.0] * (ROWS - 1),
        "above 0 for some row; got 0 for all rows": [0.0] * ROWS,
    }
    for text, given in wrong.items():
        with pytest.raises(fastnn.InputError) as refused:
            fastnn.train(network, *data, sample_weight=given)
        assert text in str(refused.value)
        assert "sample_weight" in str(refused.value)
    with pytest.raises(fastnn.InputError, match="weights_within must be"):
        fastnn.train(network, *data, sample_weight=[2.0] + [1.0] * (ROWS - 1), weights_within="row")
    with pytest.raises(fastnn.InputError, match="weights_within must go with weights of rows"):
        fastnn.train(network, *data, weights_within="batch")


def test_weights_are_read_not_changed():
    network, (X, Y, starts, weights) = NETWORKS["straight line"], problem(NETWORKS["straight line"])
    given = np.array(weights[::-1])[::-1]
    given.flags.writeable = False
    how = {"epochs": 2, "engine": "batched"}
    one = fastnn.train(network, X, Y, starts, sample_weight=given, **how)
    other = fastnn.train(network, X, Y, starts, sample_weight=weights.tolist(), **how)
    assert one.loss_curve.tobytes() == other.loss_curve.tobytes()


def test_the_equations_have_the_share():
    derivation = fastnn.derive(NETWORKS["straight line"], weighted=True, batch_size=4)
    (share,) = derivation.of("share")
    assert (share.target.family, share.stage.name) == ("share", "deltas")
    assert not fastnn.derive(NETWORKS["straight line"]).of("share")
    assert "share = step*c" in fastnn.code(NETWORKS["straight line"], "loop", weighted=True)
    assert "coefficients" not in fastnn.code(NETWORKS["straight line"], "loop")

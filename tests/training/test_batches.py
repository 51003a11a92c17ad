"""Batches of several rows: every engine against the plain reference, units left out, files, refusals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from comparing import DTYPES, trained_plainly
from forms import forms_of, trained_by_form
from pairing import in_turns, pairwise
from rules import OPTIMIZERS
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.choices import settings_of
from fastnn.core.recipe import Recipe
from fastnn.engines import ENGINES
from fastnn.reporting.sweep_page import _lead
from fastnn.training import pace, reducing, resting

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NETWORKS = {
    "straight line": fastnn.Network((2, 2, 1)),
    "no hidden layer": fastnn.Network((3, 2), output="tanh"),
    "two layers": fastnn.Network((3, 4, 3, 2), ("tanh", "relu"), "sigmoid"),
    "one unit": fastnn.Network((1, 4, 1, 2), "tanh"),
    "loops": fastnn.Network((2, 24, 1), "leaky_relu"),
    "exponentials": fastnn.Network((2, 5, 3, 1), ("elu(0.3)", "softplus"), "selu"),
    "kept sums": fastnn.Network((3, 5, 1, 4, 2), ("sine", "square", "gelu_tanh"), "gaussian"),
}
ROWS = 23
# Two rows, with one left over; a block of rows with some left over, and a batch of one row; all rows at once.
SIZES = (2, 11, ROWS)
WAYS = pairwise([*NETWORKS], ENGINES, DTYPES, [*OPTIMIZERS], SIZES)
# Compiling takes 0.3 to 2 s for each; one network for each form of source, which is the same for all sizes
# above one row.
EVERY_PAIR = pairwise([*OPTIMIZERS], ["straight line", "loops"], ("loop", "lanes"), DTYPES, [(1,), SIZES])
# Some of these in a run of the quick tests.
COMPILED = [
    ("momentum", "straight line", "loop", "float32", SIZES),
    pytest.param("rmsprop", "straight line", "lanes", "float32", (1,), marks=pytest.mark.slow),
]


def problem(network, rows=ROWS, networks=3, seed=0):
    """Rows, targets and starts with all their digits."""
    draw = np.random.default_rng(seed)
    shapes = ((rows, network.n_inputs), (rows, network.n_outputs), (networks, network.n_parameters))
    return [draw.normal(0.0, 0.7, shape) for shape in shapes]


def by_reference(network, X, Y, start, dtype, name, size, epochs=3, orders=None):
    """Parameters and losses by the plain reference."""
    parameters, losses, _ = trained_plainly(
        network,
        X,
        Y,
        start,
        0.1,
        epochs,
        dtype,
        optimizer=OPTIMIZERS[name].name,
        settings=settings_of(OPTIMIZERS[name]),
        batch_size=size,
        orders=orders,
    )
    return np.array(parameters, dtype).tobytes(), np.array(losses, dtype).tobytes()


def check_bits(which, engine, dtype, name, size):
    """Training by an engine is that by the plain reference."""
    network = NETWORKS[which]
    X, Y, starts = problem(network)
    options = {"epochs": 3, "engine": engine, "dtype": dtype}
    if name != "irprop-":
        options["learning_rate"] = 0.1
    run = fastnn.train(network, X, Y, starts, optimizer=OPTIMIZERS[name], batch_size=size, **options)
    for m, start in enumerate(starts):
        found = run.parameters[m].tobytes(), run.loss_curve[m].tobytes()
        assert found == by_reference(network, X, Y, start, dtype, name, size)


@pytest.mark.parametrize(("which", "engine", "dtype", "name", "size"), in_turns(WAYS))
def test_bits_of_the_reference_as_plain_python(monkeypatch, which, engine, dtype, name, size):
    run_as_plain_python(monkeypatch)
    check_bits(which, engine, dtype, name, size)


@pytest.mark.parametrize(("name", "which", "engine", "dtype", "sizes"), COMPILED)
def test_bits_of_the_reference_compiled(name, which, engine, dtype, sizes):
    for size in sizes:
        check_bits(which, engine, dtype, name, size)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "which", "engine", "dtype", "sizes"), EVERY_PAIR)
def test_every_pair_compiled(name, which, engine, dtype, sizes):
    for size in sizes:
        check_bits(which, engine, dtype, name, size)


@pytest.mark.parametrize(
    "which",
    [
        pytest.param(which, marks=pytest.mark.slow if which in ("two layers", "kept sums") else ())
        for which in NETWORKS
    ],
)
def test_every_form_of_every_source(monkeypatch, which):
    network, dtype, size = NETWORKS[which], "float32", 11
    X, Y, starts = (array.astype(dtype) for array in problem(network, networks=3))
    recipe = Recipe(optimizer=OPTIMIZERS["nesterov"], batch_size=size)
    settings = recipe.settings(np.full(len(starts), 0.1, dtype))
    expected = [by_reference(network, X, Y, start, dtype, "nesterov", size, 2) for start in starts]
    for form, source in forms_of(monkeypatch, network, dtype, recipe.rule):
        assert trained_by_form(source, recipe, starts, 2, X, Y, settings) == expected, form


def test_the_reference_tells_sizes_apart():
    network = NETWORKS["straight line"]
    X, Y, starts = problem(network)
    found = {by_reference(network, X, Y, starts[0], "float64", "sgd", size) for size in (1, *SIZES)}
    assert len(found) == 1 + len(SIZES)


def test_all_rows_at_once_by_hand():
    run = fastnn.train(
        fastnn.Network((1, 1)), [1.0, 2.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.0], learning_rate=0.1875, epochs=1,
        engine="batched", batch_size=3,
    )  # fmt: skip
    # d = 1, 2, -3; the mean of d*d is 14/3. factor = -2*0.1875/3 = -0.125; what the rows add up to:
    # w: -0.125*(1*1 + 2*2 - 3*0) = -0.625, b: -0.125*(1 + 2 - 3) = 0.
    assert run.parameters.tolist() == [0.375, 0.0]
    assert run.loss == 14 / 3


def test_a_short_batch_has_its_own_mean():
    """Two rows, then one: the third row moves the parameters as it would alone."""
    network, (X, Y, starts) = NETWORKS["straight line"], problem(NETWORKS["straight line"], rows=3)
    options = {"epochs": 1, "learning_rate": 0.1, "engine": "batched", "batch_size": 2}
    both = fastnn.train(network, X[:2], Y[:2], starts, **options).parameters
    last = fastnn.train(network, X[2:], Y[2:], both, **options | {"batch_size": 1}).parameters
    assert last.tobytes() == fastnn.train(network, X, Y, starts, **options).parameters.tobytes()


def test_calls_end_where_batches_end(monkeypatch):
    """However short a call may be, its rows are whole batches, and the bits are the same."""
    network = NETWORKS["two layers"]
    X, Y, starts = problem(network)
    options = {"epochs": 3, "engine": "batched", "batch_size": 5}
    whole = fastnn.train(network, X, Y, starts, **options)
    cut = []

    def shortest(self, seconds, visits):
        cut.append(visits)
        self.visits = 1.0

    monkeypatch.setattr(pace.Pace, "took", shortest)
    monkeypatch.setattr(pace.Pace, "visits", 1.0)
    assert fastnn.train(network, X, Y, starts, **options).parameters.tobytes() == whole.parameters.tobytes()
    assert [visits // starts.size for visits in cut] == 3 * [5, 5, 5, 5, 3]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_diverging_neighbour_changes_nothing(engine, monkeypatch):
    run_as_plain_python(monkeypatch)
    network = NETWORKS["straight line"]
    X, Y, starts = problem(network)
    options = {"epochs": 4, "learning_rate": 0.1, "engine": engine, "batch_size": 4, "optimizer": "momentum"}
    alone = fastnn.train(network, X, Y, starts, **options)
    wild = starts.copy()
    wild[2] = 1e200
    beside = fastnn.train(network, X, Y, wild, **options)
    assert beside.diverged.tolist() == [0, 0, 1]
    others = [0, 1]
    assert beside.parameters[others].tobytes() == alone.parameters[others].tobytes()
    assert beside.loss_curve[others].tobytes() == alone.loss_curve[others].tobytes()


@pytest.mark.parametrize(("name", "size"), [*zip(OPTIMIZERS, 4 * [2, 8], strict=True)])
def test_units_left_out(monkeypatch, name, size):
    monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
    monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)
    network = fastnn.Network((2, 4, 1))
    X, Y, starts = problem(network, rows=8, networks=150)
    X, (weights, biases) = abs(X), network.split(starts)[0]
    for some in (weights, biases):
        some[::10] = -abs(some[::10])  # these have no living unit
    options = {"epochs": 120, "engine": "batched", "batch_size": size}
    if name != "irprop-":
        options["learning_rate"] = 0.4
    runs, groups = [], []
    known = reducing.Units._group
    monkeypatch.setattr(reducing.Units, "_group", lambda *a: groups.append(a[2]) or known(*a))
    for worth in (np.inf, 0):
        monkeypatch.setattr(reducing, "WORTH_A_KERNEL", worth)
        runs.append(fastnn.train(network, X, Y, 2 * starts, optimizer=OPTIMIZERS[name], **options))
        assert bool(groups) == (worth == 0)
    assert 0 in groups
    whole, reduced = runs
    assert whole.parameters.tobytes() == reduced.parameters.tobytes()
    assert whole.loss_curve.tobytes() == reduced.loss_curve.tobytes()


def test_one_row_a_batch_is_the_default():
    network = NETWORKS["straight line"]
    for engine in ENGINES:
        assert fastnn.code(network, engine, batch_size=1) == fastnn.code(network, engine)
        assert fastnn.code(network, engine, batch_size=2) == fastnn.code(network, engine, batch_size=32)
        assert fastnn.code(network, engine, batch_size=2) != fastnn.code(network, engine)
    assert [str(stage) for stage in fastnn.derive(network, batch_size=2).stages] == [
        "begin",
        "forward",
        "error",
        "deltas",
        "gradients",
        "updates",
    ]
    assert "gw1 += s1*x1" in fastnn.code(network, "loop", batch_size=32)


def test_model_files_keep_the_size(tmp_path):
    network = NETWORKS["straight line"]
    X, Y, starts = problem(network)
    run = fastnn.train(network, X, Y, starts[0], epochs=2, engine="batched", batch_size=11)
    run.save(tmp_path / "m.npz")
    assert fastnn.Training.load(tmp_path / "m.npz").batch_size == run.batch_size == 11
    assert "batches of 11" in run._repr_html_()
    assert "batches" not in replace(run, recipe=replace(run.recipe, batch_size=1))._repr_html_()


def test_an_axis_of_a_sweep(tmp_path):
    """Each cell has the bits of a sweep of its own, in a store with workers too; any network is replayed."""
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    options = {"networks": 30, "epochs": 4, "engine": "batched", "learning_rate": [0.1, 0.2]}
    memory = fastnn.sweep(network, X, Y, batch_size=[1, 8], rows=[5, ROWS], **options)
    stored = fastnn.sweep(
        network, X, Y, batch_size=[1, 8], rows=[5, ROWS], store=tmp_path / "s", executor=1, **options
    )
    assert stored.digest() == memory.digest()
    frame = memory.frame()
    assert frame.groupby("batch_size").network.min().to_dict() == {1: 0, 8: 120}
    for size in (1, 8):
        alone = fastnn.sweep(network, X, Y, batch_size=size, rows=[5, ROWS], **options)
        assert alone.parameters.tobytes() == memory.parameters[frame.batch_size == size].tobytes()
    for number, size in ((7, 1), (130, 5), (170, 8)):
        again = fastnn.open(tmp_path / "s").replay(number)
        assert again.parameters.tobytes() == memory.parameters[number].tobytes()
        assert again.batch_size == size


def test_the_default_is_no_column():
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    options = {"networks": 3, "epochs": 1, "engine": "batched"}
    plain, one, more = (
        fastnn.sweep(network, X, Y, **options, **given)
        for given in ({}, {"batch_size": 1}, {"batch_size": 4})
    )
    assert plain.digest() == one.digest() != more.digest()
    assert not {"batch_size"} & {*plain.frame(), *more.frame()}
    assert "batches" not in repr(one)
    assert "batches of 4" in repr(more)


@pytest.mark.parametrize("given", [[], [1, 1], [1, ROWS + 1], [0], [True], "all", [1.5]])
def test_what_is_no_axis_of_sizes(given):
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    with pytest.raises(fastnn.InputError, match=r"^batch_size must"):
        fastnn.sweep(network, X, Y, batch_size=given)


@pytest.mark.parametrize("given", [0, -1, ROWS + 1, 1.5, True, "32", [2]])
def test_what_is_no_batch_size(given):
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    with pytest.raises(fastnn.InputError, match=r"^batch_size must"):
        fastnn.train(network, X, Y, batch_size=given)
    for use in (fastnn.code, fastnn.warmup, fastnn.derive):
        if given != ROWS + 1:
            with pytest.raises(fastnn.InputError, match=r"^batch_size must"):
                use(network, batch_size=given)


def test_a_page_names_the_rows_of_a_batch():
    """Where a cell has fewer rows than a batch, what trains again names those it has."""
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    found = fastnn.sweep(
        network, X, Y, networks=2, epochs=1, engine="batched", batch_size=[1, 8], rows=[5, ROWS]
    )
    sizes = [found.design.settings_of(found.grid.cell_of(number))["batch_size"] for number in range(8)]
    assert sizes == [1, 1, 1, 1, 5, 5, 8, 8]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({}, ""),
        ({"batch_size": 8}, ", batches of 8"),
        ({"optimizer": "momentum"}, ", Momentum(momentum=0.9)"),
        ({"optimizer": "nesterov", "batch_size": 2}, ", Nesterov(momentum=0.9), batches of 2"),
    ],
)
def test_what_a_network_was_trained_by_is_shown_with_it(rule, told):
    network = NETWORKS["straight line"]
    X, Y, starts = problem(network)
    for start in (starts[0], starts):
        run = fastnn.train(network, X, Y, start, epochs=1, engine="batched", **rule)
        shown = f"1 epoch, {ROWS} rows{told}, engine='batched'"
        assert shown in repr(run)
        assert (shown in str(run)) == (start is starts)
        assert f"learning rate 0.005{told}<" in run._repr_html_()


@pytest.mark.parametrize(
    ("size", "told"), [(1, "2 epochs, one row at a time; "), ([1, 8], "2 epochs, batches of 1, 8; ")]
)
def test_a_page_says_what_came_between_two_updates(size, told):
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    data = fastnn.Dataset.from_frame(
        pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": Y[:, 0]}), ["a", "b"], "c"
    )
    found = fastnn.sweep(network, data, networks=2, epochs=2, engine="batched", batch_size=size)
    assert told in _lead(found, found, data)

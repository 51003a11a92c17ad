"""The optimizers: every engine against the plain reference, units left out, files, refusals."""

import numpy as np
import pytest
from comparing import DTYPES, trained_plainly
from rules import OPTIMIZERS
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.choices import settings_of
from fastnn.core.recipe import Recipe
from fastnn.core.rule import PLAIN, Rule
from fastnn.engines import ENGINES, batched
from fastnn.training import gates, reducing, resting

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

WITHOUT_A_RATE = ["irprop-"]
REMEMBERING = [name for name in OPTIMIZERS if name != "sgd"]
NETWORKS = {
    "straight line": fastnn.Network((2, 2, 1)),
    "two layers": fastnn.Network((3, 4, 3, 2), ("tanh", "relu"), "sigmoid"),
    "loops": fastnn.Network((2, 24, 2), "leaky_relu"),
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
# In a run of the quick tests, each optimizer with one or two networks, and with one dtype or the other.
BITS = [
    pytest.param(
        name, which, dtype, marks=() if (n + m) % 2 == 0 and k == (n // 2 + m) % 2 else pytest.mark.slow
    )
    for n, name in enumerate(OPTIMIZERS)
    for m, which in enumerate(NETWORKS)
    for k, dtype in enumerate(DTYPES)
]


def problem(network, rows=6, networks=3, seed=0):
    """Rows, targets and starts with all their digits."""
    draw = np.random.default_rng(seed)
    shapes = ((rows, network.n_inputs), (rows, network.n_outputs), (networks, network.n_parameters))
    return [draw.normal(0.0, 0.7, shape) for shape in shapes]


def rate(name, value):
    """The argument of a learning rate, for optimizers that have one."""
    return {} if name in WITHOUT_A_RATE else {"learning_rate": value}


def by_reference(network, X, Y, start, name, dtype, epochs):
    """Parameters and losses by the plain reference."""
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
    )


def check_bits(name, network, dtype, engines):
    """Training by engines is that by the plain reference."""
    X, Y, starts = problem(network)
    expected = [by_reference(network, X, Y, start, name, dtype, 3) for start in starts]
    for engine in engines:
        options = {"epochs": 3, "batch_size": 1, "engine": engine, "dtype": dtype, **rate(name, 0.01)}
        run = fastnn.train(network, X, Y, starts, optimizer=OPTIMIZERS[name], **options)
        for m, (parameters, losses, _) in enumerate(expected):
            assert np.array(parameters, dtype).tobytes() == run.parameters[m].tobytes(), engine
            assert np.array(losses, dtype).tobytes() == run.loss_curve[m].tobytes(), engine


@pytest.mark.parametrize(("name", "which", "dtype"), BITS)
def test_bits_of_the_reference_as_plain_python(name, which, dtype, monkeypatch):
    run_as_plain_python(monkeypatch)
    check_bits(name, NETWORKS[which], dtype, ENGINES)


@pytest.mark.parametrize("name", REMEMBERING)
def test_the_reference_tells_them_apart(name):
    network = NETWORKS["straight line"]
    X, Y, starts = problem(network)
    others = [other for other in OPTIMIZERS if other != name]
    found = {n: by_reference(network, X, Y, starts[0], n, "float64", 3)[0] for n in (name, *others)}
    assert all(found[name] != found[other] for other in others)


@pytest.mark.parametrize("kind", [fastnn.optimizers.Momentum, fastnn.optimizers.Nesterov])
def test_without_a_memory_it_is_plain_gradient_descent(kind):
    network = NETWORKS["two layers"]
    X, Y, starts = problem(network)
    plain, without = (
        fastnn.train(network, X, Y, starts, epochs=5, engine="batched", optimizer=o)
        for o in ("sgd", kind(momentum=0))
    )
    assert plain.parameters.tobytes() == without.parameters.tobytes()


def test_momentum_by_hand():
    run = fastnn.train(
        fastnn.Network((1, 1)), [1.0, 1.0], [0.0, 0.0], [1.0, 0.0], learning_rate=0.125, epochs=1,
        engine="batched", optimizer=fastnn.optimizers.Momentum(momentum=0.5),
    )  # fmt: skip
    # Row 1: d = 1, change = -0.25: v = -0.25, w = 0.75, b = -0.25. Row 2: d = 0.5, change = -0.125:
    # v = -0.125 - 0.125 = -0.25, w = 0.5, b = -0.5.
    assert run.parameters.tolist() == [0.5, -0.5]


class TestUnitsLeftOut:
    """Sweeps with dead units: the bits are those of the whole networks."""

    @pytest.fixture(autouse=True)
    def _early_looks(self, monkeypatch):
        monkeypatch.setattr(resting, "FEWEST_VISITS_UNSEEN", 1)
        monkeypatch.setattr(resting, "EPOCHS_WORTH_A_LOOK", 1)

    def swept(self, monkeypatch, name, eliminate, seed, rows=8, epochs=60):
        monkeypatch.setattr(reducing, "WORTH_A_KERNEL", 0 if eliminate else np.inf)
        network = fastnn.Network((2, 4, 1))
        X, Y, _ = problem(network, rows=rows, seed=seed)
        options = {"networks": 300, "epochs": epochs, "engine": "batched", "workers": 1, **rate(name, 0.3)}
        return fastnn.sweep(network, X, Y, optimizer=OPTIMIZERS[name], seed=seed, **options)

    @pytest.mark.parametrize(
        ("name", "rows"),
        [
            pytest.param(name, rows, marks=pytest.mark.slow if (n + m) % 2 else ())
            for n, name in enumerate(OPTIMIZERS)
            for m, rows in enumerate([8, 1])
        ],
    )
    def test_same_bits(self, monkeypatch, name, rows):
        epochs = 480 // rows
        whole = self.swept(monkeypatch, name, False, 0, rows, epochs)
        groups = []
        known = reducing.Units._group
        monkeypatch.setattr(reducing.Units, "_group", lambda *a: groups.append(a[2]) or known(*a))
        assert self.swept(monkeypatch, name, True, 0, rows, epochs).digest() == whole.digest()
        assert groups  # some were left out

    @pytest.mark.parametrize("name", ["momentum", "nesterov"])
    def test_a_coasting_parameter_counts(self, monkeypatch, name):
        """With what leads into a unit at rest, what leads out of it may still move."""

        into, *_ = reducing.Units(fastnn.Network((2, 4, 1)), PLAIN, None, None)._columns_of_units
        monkeypatch.setattr(resting, "MOST_EPOCHS_UNSEEN", 1)
        whole = self.swept(monkeypatch, name, False, 0, 1, 480)
        monkeypatch.setattr(reducing.Units, "_columns_of_units", (into, into, into[:, :0]))
        assert self.swept(monkeypatch, name, True, 0, 1, 480).digest() != whole.digest()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("adam with eps_hat", "irprop-") else pytest.mark.slow)
        for name in REMEMBERING
    ],
)
def test_stores_workers_replays_and_files_keep_it(name, tmp_path):
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    options = {"networks": 40, "epochs": 5, "engine": "batched", "optimizer": OPTIMIZERS[name]}
    memory = fastnn.sweep(network, X, Y, **options)
    assert (
        fastnn.sweep(network, X, Y, store=tmp_path / "s", executor=1, **options).digest() == memory.digest()
    )
    opened = fastnn.open(tmp_path / "s")
    again = opened.replay(7)
    assert again.parameters.tobytes() == memory.parameters[7].tobytes()
    assert again.optimizer == OPTIMIZERS[name]
    again.save(tmp_path / "m.npz")
    assert fastnn.Training.load(tmp_path / "m.npz").optimizer == OPTIMIZERS[name]
    with pytest.raises(fastnn.InputError, match="optimizer is "):
        fastnn.sweep(network, X, Y, store=tmp_path / "s", **options | {"optimizer": "sgd"})
    assert memory.digest() != fastnn.sweep(network, X, Y, **options | {"optimizer": "sgd"}).digest()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("adamw", "optimizer must be one of 'sgd', .*'adam'"),
        ("Momentum", "did you mean momentum"),
        (0.9, "optimizer must be one of"),
        (fastnn.optimizers.Momentum, "optimizer must be one of"),
        (fastnn.optimizers.Optimizer(), "optimizer must be one of"),
        (type("Mine", (fastnn.optimizers.Momentum,), {})(), "optimizer must be one of"),
    ],
)
def test_what_is_no_optimizer(given, message):
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    for use in (fastnn.train, fastnn.sweep):
        with pytest.raises(fastnn.InputError, match=message):
            use(network, X, Y, optimizer=given)


@pytest.mark.parametrize("value", [1, 1.0, -0.1, np.nan, np.inf, "0.5", None, {}, []])
@pytest.mark.parametrize("kind", [fastnn.optimizers.Momentum, fastnn.optimizers.Nesterov])
def test_what_is_no_momentum(kind, value):
    with pytest.raises(fastnn.InputError, match=r"^momentum must"):
        kind(momentum=value)


SHOWN = {
    "momentum": "vw1 = momentum*vw1 + s1*x1",
    "nesterov": "w1 += momentum*vw1 + s1*x1",
    "rmsprop": "vw1 = rho*vw1 + rest*(gw1*gw1)",
    "adagrad": "aw1 += gw1*gw1",
    "adam": "w1 = w1 - alpha*mw1/(sqrt(vw1) + eps_t)",
    "irprop-": "ow1 = 0.0 if gw1*ow1 < 0.0 else gw1",
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown_is_what_runs(name):
    network, optimizer = NETWORKS["straight line"], OPTIMIZERS[name]
    equations = fastnn.derive(network, optimizer=optimizer)
    kept = [equations.name(e.target) for e in equations.scalar if e.kind == "state"]
    expected = [f"{letter}{parameter}" for parameter in ("w1", "w2") for letter in optimizer.states]
    assert kept[: len(expected)] == expected
    assert SHOWN[name] in fastnn.code(network, "loop", optimizer=optimizer)
    assert SHOWN[name] not in fastnn.code(network, "loop")
    X, Y, _ = problem(network)
    options = {"networks": 2, "epochs": 1, "engine": "batched"}
    assert repr(optimizer) in repr(fastnn.sweep(network, X, Y, optimizer=optimizer, **options))


def test_what_pushes_is_not_at_rest():
    """Adam's mean gradient moves a parameter by a part that changes: unchanged for an epoch is not enough."""
    network = fastnn.Network((1, 2, 1))
    rule = Rule(optimizer=fastnn.optimizers.Adam)
    rows = gates.Rows(np.zeros((3, 1)))
    parameters = np.array([[1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 0.0]])  # both units are shut
    for pushed, living in ((0.0, [False, False]), (1e-300, [False, True])):
        state = Recipe(optimizer=fastnn.optimizers.Adam()).begun(parameters)
        state[0, network.n_parameters + 1] = pushed  # of w2, which leads into the second unit
        units = reducing.Units.of(network, rule, rows, 1)
        units.look(state, state, np.array([0]))
        assert units.living[0].tolist() == living


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name not in WITHOUT_A_RATE])
def test_the_default_learning_rate(name):
    optimizer, network = OPTIMIZERS[name], NETWORKS["straight line"]
    rate = {"rmsprop": 0.001, "adagrad": 0.01, "adam": 0.001}.get(optimizer.name, 0.005)
    X, Y, _ = problem(network)
    options = {"epochs": 1, "engine": "batched", "optimizer": optimizer}
    assert fastnn.train(network, X, Y, **options).learning_rate == rate
    found = fastnn.sweep(network, X, Y, networks=2, **options)
    assert found.frame().learning_rate.tolist() == 2 * [rate]
    given = fastnn.sweep(network, X, Y, networks=2, learning_rate=rate, **options)
    assert given.digest() == found.digest()


def test_optimizers_of_different_default_rates():
    network = NETWORKS["straight line"]
    X, Y, _ = problem(network)
    options = {"networks": 2, "epochs": 1, "engine": "batched", "optimizer": ["sgd", "adam"]}
    with pytest.raises(
        fastnn.InputError, match=r"learning_rate must be given .*0\.005 for sgd, 0\.001 for adam"
    ):
        fastnn.sweep(network, X, Y, **options)
    assert len(fastnn.sweep(network, X, Y, learning_rate=0.01, **options)) == 4


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (fastnn.optimizers.RMSProp, {"rho": 1.0}, "rho must be from 0 up to but not including 1"),
        (fastnn.optimizers.RMSProp, {"eps": 0.0}, "eps must be"),
        (fastnn.optimizers.Adagrad, {"initial_sum": -0.5}, "initial_sum must be 0 or above it"),
        (fastnn.optimizers.Adam, {"beta2": -0.1}, "beta2 must be from 0 up to but not including 1"),
        (fastnn.optimizers.Adam, {"eps_hat": 2}, "eps_hat must be true or false"),
        (fastnn.optimizers.Adam, {"eps_hat": "yes"}, "eps_hat must be true or false"),
        (fastnn.optimizers.IRpropMinus, {"up": 1.0}, "up must be above 1"),
        (fastnn.optimizers.IRpropMinus, {"down": 1.0}, "down must be above 0 and below 1"),
        (fastnn.optimizers.IRpropMinus, {"down": 0.0}, "down must be above 0 and below 1"),
        (fastnn.optimizers.IRpropMinus, {"least": -1e-6}, "least must be 0 or above it"),
        (fastnn.optimizers.IRpropMinus, {"delta0": 60}, "delta0 must be from least to most"),
        (fastnn.optimizers.IRpropMinus, {"least": 0.2}, "delta0 must be from least to most"),
    ],
)
def test_settings_that_are_refused(kind, settings, message):
    with pytest.raises(fastnn.InputError, match=f"^{message}"):
        kind(**settings)


class TestWithoutALearningRate:
    network = NETWORKS["straight line"]

    def test_a_batch_has_all_rows_unless_another_size_is_given(self):
        X, Y, starts = problem(self.network)
        options = {"epochs": 4, "engine": "batched", "optimizer": "irprop-"}
        found = fastnn.train(self.network, X, Y, starts, **options)
        assert found.batch_size == len(X)
        assert np.isnan(found.learning_rate).all()
        given = fastnn.train(self.network, X, Y, starts, batch_size=len(X), **options)
        assert found.parameters.tobytes() == given.parameters.tobytes()
        alone = fastnn.train(self.network, X, Y, starts, batch_size=1, **options)
        assert found.parameters.tobytes() != alone.parameters.tobytes()
        some = fastnn.sweep(self.network, X, Y, networks=3, rows=[4, 6], **options)
        for number, rows in ((1, 4), (4, 6)):
            again = some.replay(number)
            assert again.batch_size == rows
            assert again.parameters.tobytes() == some.parameters[number].tobytes()
        assert some.frame().learning_rate.isna().all()
        assert "no learning rate" in some.grid.name_of(some.grid.cell_of(0))
        whole = fastnn.code(self.network, "loop", optimizer="irprop-")
        assert whole == fastnn.code(self.network, "loop", optimizer="irprop-", batch_size=6)
        assert whole != fastnn.code(self.network, "loop", optimizer="irprop-", batch_size=1)
        assert fastnn.train(self.network, X, Y, epochs=1).batch_size == 1

    @pytest.mark.parametrize("given", [0.005, [0.1, 0.2], np.nan, "0.1"])
    def test_one_is_refused(self, given):
        X, Y, _ = problem(self.network)
        for use in (fastnn.train, fastnn.sweep):
            with pytest.raises(
                fastnn.InputError,
                match=r"learning_rate must be left out for irprop-.*; got .*\. Leave it out",
            ):
                use(self.network, X, Y, optimizer="irprop-", learning_rate=given)

    @pytest.mark.parametrize("rate", [{}, {"learning_rate": 0.1}])
    def test_beside_optimizers_that_have_one(self, rate):
        X, Y, _ = problem(self.network)
        with pytest.raises(fastnn.InputError, match=r"optimizer must be irprop- alone.*Sweep them apart"):
            fastnn.sweep(self.network, X, Y, optimizer=["sgd", "irprop-"], **rate)

    def test_settings_as_an_axis(self):
        X, Y, _ = problem(self.network)
        optimizer = fastnn.optimizers.IRpropMinus(delta0=[0.1, 0.2])
        found = fastnn.sweep(self.network, X, Y, networks=2, epochs=2, engine="batched", optimizer=optimizer)
        assert found.frame().delta0.tolist() == [0.1, 0.1, 0.2, 0.2]
        assert len({row.tobytes() for row in found.parameters}) == 4

    def test_a_shut_unit_is_at_rest_after_one_update(self):
        """All that is left of its last gradient is then 0, and no further update changes a bit."""
        network = fastnn.Network((1, 2, 1))
        optimizer = fastnn.optimizers.IRpropMinus()
        X, Y = np.array([[1.0], [2.0]]), np.array([[3.0], [1.0]])
        start = np.array([[-1.0, 1.0, 1.0, 1.0, -1.0, 0.0, 0.0]])  # the first unit is shut
        recipe = Recipe(optimizer=optimizer, batch_size=2)
        rule, state, settings = recipe.rule, recipe.begun(start), recipe.settings(np.array([np.nan]))
        size, units = network.n_parameters, reducing.Units.of(network, rule, gates.Rows(X), 1)
        of_the_unit = [0, 2, 4]
        state[:, [2 * size + n for n in of_the_unit]] = 0.5  # gradients of an update before
        kernel, totals = batched.kernel(network, "float64", rule), np.zeros((1, 1))
        seen = []
        for _ in range(3):
            before = state.copy()
            kernel(state, X, Y, settings, totals, 2)
            units.look(before, state, np.array([0]))
            seen.append(
                [before[0, n] == state[0, n] for k in range(3) for n in (k * size + np.array(of_the_unit))]
            )
        assert seen[0] == [True] * 6 + [False] * 3
        assert all(map(all, seen[1:]))
        assert units.living[0].tolist() == [False, True]


@pytest.mark.filterwarnings("ignore::fastnn.ScaleWarning")
@pytest.mark.parametrize("name", ["rmsprop", "adagrad", "adam"])
def test_a_state_that_overflows_is_no_divergence(name):
    """A squared gradient beyond the largest float stops its parameter; the losses stay finite."""
    network, X, Y, start = fastnn.Network((1, 1)), np.array([[1e200]]), np.array([[1e-3]]), np.zeros(2)
    options = {"epochs": 3, "learning_rate": 0.01, "engine": "batched", "optimizer": OPTIMIZERS[name]}
    run = fastnn.train(network, X, Y, start, **options)
    parameters, losses, diverged = by_reference(network, X, Y, start, name, "float64", 3)
    assert (run.diverged, run.parameters.tolist(), run.loss_curve.tolist()) == (diverged, parameters, losses)
    assert diverged == 0

"""The losses: every engine against the plain reference, values by hand, and what follows the loss."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
import reference
from comparing import DTYPES, reference_functions, trained_plainly
from pairing import later_but_pairs, pairwise
from rules import LOSSES
from uncompiled import run_as_plain_python

import fastnn
from fastnn.core.arithmetic import FLOATS
from fastnn.core.choices import settings_of
from fastnn.core.derivation import derive
from fastnn.core.expressions import Symbol
from fastnn.core.loss import Output
from fastnn.engines import ENGINES

OTHERS = [name for name in LOSSES if name != "squared"]
NETWORKS = {
    "straight line": fastnn.Network((2, 2, 1)),
    "two outputs": fastnn.Network((3, 4, 3, 2), ("tanh", "relu"), "sigmoid"),
    "loops": fastnn.Network((2, 24, 3), "leaky_relu"),
}
every_loss = pytest.mark.parametrize("name", LOSSES)
every_other = pytest.mark.parametrize("name", OTHERS)


def problem(network, rows=7, networks=3, seed=0):
    """Rows, targets and starts with all their digits; errors of all sizes."""
    draw = np.random.default_rng(seed)
    shapes = ((rows, network.n_inputs), (rows, network.n_outputs), (networks, network.n_parameters))
    X, Y, starts = (draw.normal(0.0, 0.7, shape) for shape in shapes)
    Y[0], Y[1] = 30.0, -30.0
    return X, Y, starts


def by_reference(network, X, Y, start, name, dtype="float64", optimizer="sgd", settings=None, **options):
    """Parameters and losses of three epochs by the plain reference."""
    return trained_plainly(
        network,
        X,
        Y,
        start,
        0.01,
        3,
        dtype,
        loss=LOSSES[name].name,
        optimizer=optimizer,
        settings=settings_of(LOSSES[name]) | (settings or {}),
        **options,
    )


def check_bits(name, network, dtype, engines, batch_size, optimizer="sgd"):
    """Training by engines is that by the plain reference."""
    X, Y, starts = problem(network)
    settings = {} if optimizer == "sgd" else settings_of(fastnn.optimizers.OPTIMIZERS[optimizer]())
    given = (name, dtype, optimizer, settings)
    expected = [by_reference(network, X, Y, start, *given, batch_size=batch_size) for start in starts]
    options = {"learning_rate": 0.01, "epochs": 3, "dtype": dtype, "optimizer": optimizer}
    for engine in engines:
        run = fastnn.train(
            network, X, Y, starts, loss=LOSSES[name], batch_size=batch_size, engine=engine, **options
        )
        for m, (parameters, losses, _) in enumerate(expected):
            assert np.array(parameters, dtype).tobytes() == run.parameters[m].tobytes(), engine
            assert np.array(losses, dtype).tobytes() == run.loss_curve[m].tobytes(), engine


@pytest.mark.parametrize(
    ("name", "which", "dtype", "batch_size"), later_but_pairs(OTHERS, [*NETWORKS], DTYPES, [1, 3])
)
def test_bits_of_the_reference_as_plain_python(name, which, dtype, batch_size, monkeypatch):
    run_as_plain_python(monkeypatch)
    check_bits(name, NETWORKS[which], dtype, ENGINES, batch_size)


@every_other
def test_bits_where_the_gradient_itself_is_needed(name, monkeypatch):
    run_as_plain_python(monkeypatch)
    check_bits(name, NETWORKS["two outputs"], "float64", ENGINES, 3, "rmsprop")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "which", "engine", "dtype", "batch_size"),
    [
        ("log_cosh", "straight line", "loop", "float32", 1),
        ("quantile", "straight line", "lanes", "float64", 3),
    ],
)
def test_bits_of_the_reference_compiled(name, which, engine, dtype, batch_size):
    check_bits(name, NETWORKS[which], dtype, [engine], batch_size)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "which", "engine", "dtype", "batch_size"),
    pairwise(OTHERS, [*NETWORKS], ["loop", "lanes"], DTYPES, [1, 3]),
)
def test_every_pair_compiled(name, which, engine, dtype, batch_size):
    check_bits(name, NETWORKS[which], dtype, [engine], batch_size)


@every_loss
def test_the_reference_tells_them_apart(name):
    network = NETWORKS["straight line"]
    X, Y, starts = problem(network)
    found = {n: by_reference(network, X, Y, starts[0], n)[0] for n in LOSSES}
    assert all(found[name] != found[other] for other in LOSSES if other != name)


def lost(loss, d):
    """What an output adds for an error, and the derivative by it: by the entry's own expressions."""
    known = {Symbol("d"): d} | {Symbol(name): value for name, value in settings_of(loss).items()}
    given = {name: Symbol(name) for name in loss.settings()}
    output = Output(Symbol("z"), Symbol("yhat"), Symbol("y"), Symbol("d"), "identity")
    return FLOATS(loss.term(output, given), known), loss.factor * FLOATS(loss.slope(output, given), known)


class TestByHand:
    @pytest.mark.parametrize(
        ("loss", "d", "term", "slope"),
        [
            (fastnn.losses.Squared(), -3.0, 9.0, -6.0),
            (fastnn.losses.Absolute(), -3.0, 3.0, -1.0),
            (fastnn.losses.Absolute(), 0.25, 0.25, 1.0),
            (fastnn.losses.Absolute(), 0.0, 0.0, 0.0),
            (fastnn.losses.Huber(), 0.5, 0.25, 1.0),
            (fastnn.losses.Huber(), 1.0, 1.0, 2.0),
            (fastnn.losses.Huber(), -3.0, 5.0, -2.0),  # 2*1*3 - 1: twice PyTorch's and Keras's 2.5
            (fastnn.losses.Huber(delta=0.5), 3.0, 2.75, 1.0),
            (fastnn.losses.Huber(delta=0.5), -0.25, 0.0625, -0.5),
            (fastnn.losses.LogCosh(), 0.0, 0.0, 0.0),
            (fastnn.losses.Quantile(tau=0.75), -2.0, 1.5, -0.75),  # the target is above the output
            (fastnn.losses.Quantile(tau=0.75), 2.0, 0.5, 0.25),
            (fastnn.losses.Quantile(tau=0.75), 0.0, 0.0, 0.0),
        ],
    )
    def test_values_and_slopes(self, loss, d, term, slope):
        assert lost(loss, d) == (term, slope)

    @pytest.mark.parametrize(
        "d", [1e-300, 1e-12, 1e-3, 0.4, 1 - 2**-53, 1.0, 1 + 2**-52, 1.5, 20.0, 400.0, 1e308]
    )
    def test_log_cosh_has_its_digits_everywhere(self, d):
        with localcontext(prec=900):
            x = Decimal(d)
            cosh = (x.exp() + (-x).exp()) / 2 if d < 1000 else None
            exact = x - Decimal(2).ln() if cosh is None else cosh.ln()
            for signed in (d, -d):
                term, slope = lost(fastnn.losses.LogCosh(), signed)
                assert abs(Decimal(term) - exact) <= 4 * Decimal(math.ulp(float(exact)))
                assert slope == pytest.approx(math.tanh(signed), rel=1e-15)

    @every_other
    def test_a_loss_that_is_finite_is_found(self, name):
        huge = 8e307
        term, slope = lost(LOSSES[name], huge)
        assert 0 < term < math.inf
        assert 0 < slope < 10

    @every_loss
    def test_the_slope_is_the_derivative_of_the_term(self, name):
        for d in (-40.0, -3.0, -0.9, -0.1, 0.2, 0.7, 2.0, 25.0):
            above, below = (lost(LOSSES[name], d + shift)[0] for shift in (1e-6, -1e-6))
            assert lost(LOSSES[name], d)[1] == pytest.approx((above - below) / 2e-6, rel=1e-6, abs=1e-8)

    @every_loss
    def test_divergence_shows(self, name, monkeypatch):
        """An output that is infinite, or not a number, is no finite loss, and its network has diverged."""
        run_as_plain_python(monkeypatch)
        for engine in ENGINES:
            run = fastnn.train(
                fastnn.Network((2, 1)), [[10.0, 10.0], [1.0, 1.0]], [0.0, 0.0], [1e308, -1e308, 0.0],
                loss=LOSSES[name], epochs=2, engine=engine,
            )  # fmt: skip
            assert run.diverged == 1, engine

    def test_a_row_at_its_target_changes_nothing(self):
        run = fastnn.train(
            fastnn.Network((1, 1)), [2.0], [1.0], [0.5, 0.0], loss="absolute", epochs=3, engine="batched"
        )
        assert run.parameters.tolist() == [0.5, 0.0]
        assert run.loss_curve.tolist() == [0.0, 0.0, 0.0]

    @pytest.mark.parametrize(("tau", "expected"), [(0.25, 2.0), (0.5, 4.0), (0.75, 6.0)])
    def test_quantile_leads_to_the_quantile_of_the_targets(self, tau, expected):
        """The bias of a network whose input is 0."""
        y = np.arange(9.0)
        run = fastnn.train(
            fastnn.Network((1, 1)), np.zeros(9), y, [0.0, 0.0], loss=fastnn.losses.Quantile(tau=tau),
            learning_rate=0.01, batch_size=9, epochs=8000, engine="loop",
        )  # fmt: skip
        assert run.parameters[1] == pytest.approx(expected, abs=0.02)


class TestWhatFollowsTheLoss:
    """The losses on further rows are those that are trained by, to the bit."""

    NET = NETWORKS["two outputs"]
    X, Y, STARTS = problem(NET)

    def mean_loss(self, name, parameters):
        """The loss before any update, by the reference: the first epoch's with a learning rate of 0."""
        _, losses, _ = reference.train(
            self.NET.layers, self.NET.activations, parameters.tolist(), self.X.tolist(), self.Y.tolist(),
            0.0, 1, reference_functions("float64"),
            loss=LOSSES[name].name, settings=settings_of(LOSSES[name]),
        )  # fmt: skip
        return losses[0]

    @every_loss
    def test_validation_in_training(self, name):
        run = fastnn.train(
            self.NET, self.X, self.Y, self.STARTS, loss=LOSSES[name], epochs=2, engine="batched",
            validation=(self.X, self.Y),
        )  # fmt: skip
        expected = [self.mean_loss(name, parameters) for parameters in run.parameters]
        assert run.validation_curve[:, -1] == pytest.approx(expected, rel=1e-14)

    def test_further_losses_of_a_sweep_are_each_cells_own(self):
        sweep = fastnn.sweep(
            self.NET, self.X, self.Y, loss=[*LOSSES.values()], rows=[4, 7], networks=3, epochs=2,
            engine="batched", workers=1, validation=(self.X, self.Y),
        )  # fmt: skip
        frame = sweep.frame()
        assert sorted(frame.loss_function.unique()) == sorted(LOSSES)
        for place, name in enumerate(frame.loss_function):
            expected = self.mean_loss(name, sweep.parameters[place])
            assert sweep.loss_all_rows[place] == expected
            assert sweep.validation_loss[place] == expected


@every_other
def test_the_equations_are_proved(name):
    proof = fastnn.explain(fastnn.Network((1, 1)), loss=LOSSES[name]).proof()
    assert proof.holds
    assert proof.frame().claim[0] == f"L is the {LOSSES[name].words}"


@pytest.mark.slow
@pytest.mark.parametrize("hidden", ["relu", "tanh"])
@every_other
def test_the_equations_of_two_layers_are_proved(name, hidden):
    assert fastnn.explain(fastnn.Network((2, 2, 1), hidden), loss=LOSSES[name]).proof().holds


@every_other
def test_a_wrong_slope_is_not_proved(name, monkeypatch):
    right = LOSSES[name].slope
    monkeypatch.setattr(type(LOSSES[name]), "slope", staticmethod(lambda *given: 0.5 * right(*given)))
    assert not fastnn.explain(fastnn.Network((1, 1)), loss=LOSSES[name]).proof().holds


@pytest.mark.parametrize("name", ["absolute", "quantile"])
def test_a_step_at_the_kink_says_so(name):
    step = fastnn.explain(fastnn.Network((1, 1)), loss=LOSSES[name]).step([0.5, 0.0], [2.0], 1.0)
    assert step.parameters.tolist() == [0.5, 0.0]
    assert "Here that is so for d," in step.text()
    assert f"The {LOSSES[name].words} has no derivative where d is 0; fastnn takes 0 there." in step.text()


def test_settings_are_columns_of_a_kernel():
    assert [s.family for s in derive(NETWORKS["straight line"], loss="huber").rule.given] == ["step", "delta"]

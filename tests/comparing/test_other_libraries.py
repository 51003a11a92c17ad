"""The same training in scikit-learn and in PyTorch, and what they do otherwise, which is refused."""

import json
import warnings

import numpy as np
import pytest
from alone import _run_here
from uncompiled import compile_nothing_unusual

import fastnn
from fastnn.commands.cli import main
from fastnn.comparing import programs
from fastnn.comparing.comparison import _need_shared_rule, compare
from fastnn.core.optimizers import Adagrad, Adam, Momentum, Nesterov, RMSProp
from fastnn.core.recipe import Recipe

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(11, 3))
NUMBERS = RANDOM.normal(size=(11, 2))
ONE_OF_TWO = np.eye(2)[RANDOM.integers(2, size=11)]
ONE_OF_THREE = np.eye(3)[np.arange(11) % 3]


def apart(program, network, Y, rate, **training):
    """How far the parameters of a program are from fastnn's after three epochs."""
    recipe = Recipe.of(network, rows=len(X), batch_size=4, **training)
    start = RANDOM.normal(size=network.n_parameters) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, _ = programs.with_fastnn(X, Y, network, start, rate, 3, recipe)
        theirs, _ = program(X, Y, network, start, rate, 3, recipe)
    assert np.abs(ours - start).max() > 1e-4
    return np.abs(ours - theirs).max()


@pytest.fixture(autouse=True)
def _uncompiled(monkeypatch):
    compile_nothing_unusual(monkeypatch.setattr)


class TestScikitLearn:
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")

    @pytest.mark.parametrize(
        ("optimizer", "more"),
        [
            ("sgd", {"l2": 0.1, "l2_on": "sum"}),
            (Momentum(momentum=0.5), {}),
            (Nesterov(momentum=0.5), {}),
            (Adam(eps_hat=True, eps=1e-3), {"l2": 0.1, "l2_on": "sum"}),
        ],
    )
    def test_rules_lead_to_the_same_weights(self, optimizer, more):
        network = fastnn.Network((3, 4, 2), "tanh")
        assert apart(programs.with_sklearn, network, NUMBERS, 0.01, optimizer=optimizer, **more) < 1e-12

    @pytest.mark.parametrize(
        ("outputs", "output", "loss", "Y"),
        [
            (3, "softmax", "cross_entropy", ONE_OF_THREE),
            (1, "sigmoid", "cross_entropy", ONE_OF_TWO[:, :1]),
            (2, "sigmoid", "cross_entropy", ONE_OF_TWO),
            (1, "exponential", "poisson", ONE_OF_TWO[:, :1]),
        ],
    )
    def test_losses_lead_to_the_same_weights(self, outputs, output, loss, Y):
        network = fastnn.Network((3, 4, outputs), "relu", output)
        assert apart(programs.with_sklearn, network, Y, 0.01, loss=loss) < 1e-12


class TestTorch:
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("torch", reason="PyTorch is not installed")

    @pytest.mark.parametrize(
        ("optimizer", "more"),
        [
            ("sgd", {"l2": 0.1, "l1": 0.05}),
            (Momentum(momentum=0.5), {"l2": 0.1, "l2_on": "sum"}),
            (Nesterov(momentum=0.5), {}),
            (RMSProp(), {}),
            (Adagrad(initial_sum=0.1), {}),
            (Adam(), {}),
            ("sgd", {"loss": "huber"}),
            ("sgd", {"loss": "absolute"}),
        ],
    )
    def test_rules_lead_to_the_same_weights(self, optimizer, more):
        network = fastnn.Network((3, 4, 2), "tanh")
        assert apart(programs.with_torch, network, NUMBERS, 0.01, optimizer=optimizer, **more) < 1e-11

    @pytest.mark.parametrize(
        ("output", "loss"),
        [("softmax", "cross_entropy"), ("sigmoid", "cross_entropy"), ("exponential", "poisson")],
    )
    def test_fused_losses_lead_to_the_same_weights(self, output, loss):
        network = fastnn.Network((3, 4, 2), "relu", output)
        assert apart(programs.with_torch, network, ONE_OF_TWO, 0.01, loss=loss) < 1e-12


@pytest.mark.parametrize(
    ("library", "output", "training", "words"),
    [
        (
            "sklearn",
            "identity",
            {"optimizer": "rmsprop"},
            "optimizer must be one that scikit-learn has alike",
        ),
        ("sklearn", "identity", {"optimizer": "adam"}, "optimizer must be one that scikit-learn has alike"),
        ("sklearn", "identity", {"loss": "huber"}, "loss must be scikit-learn's"),
        ("sklearn", "identity", {"l1": 0.1}, "l1, decay and clip must be left out"),
        ("sklearn", "identity", {"l2": 0.1, "batch_size": 4}, "l2_on must be 'sum'"),
        ("sklearn", "tanh", {}, "network must have one activation for all hidden layers"),
        ("torch", "identity", {"optimizer": "irprop-"}, "optimizer must be one that PyTorch has alike"),
        ("torch", "identity", {"loss": "log_cosh"}, "loss must be one that PyTorch is given here"),
        ("torch", "identity", {"decay": 0.1}, "decay and clip must be left out for PyTorch"),
        ("torch", "sine", {}, "network must have activations that PyTorch has"),
    ],
)
def test_what_is_done_otherwise_is_refused(library, output, training, words):
    network = fastnn.Network((3, 2, 1), "relu", output)
    recipe = Recipe.of(network, rows=11, **training)
    with pytest.raises(fastnn.InputError, match=words):
        _need_shared_rule(library, network, recipe, 11)


def test_a_library_that_is_missing_is_named(monkeypatch):
    _run_here(monkeypatch)
    monkeypatch.setattr("fastnn.comparing.comparison.find_spec", lambda name: None)
    data = fastnn.load_insurance(simulated=True)
    found = compare(fastnn.Network((2, 2, 1)), data, epochs=1, library="torch")
    assert found.missing[0].startswith("pytorch is not installed")


@pytest.mark.parametrize("library", ["sklearn", "torch"])
def test_the_command_compares_with_it(library, monkeypatch, capsys):
    pytest.importorskip(f"{library}.utils", reason=f"{library} is not installed")
    _run_here(monkeypatch)
    assert main(["compare", "--with", library, "--epochs", "1", "--batch-size", "200", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["programs"]) == 2
    assert told["programs"][1]["apart"] < 1e-10

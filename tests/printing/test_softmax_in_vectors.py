"""Softmax as the engine `lanes` writes it: the bits of the equations for every sum, with less work."""

from dataclasses import dataclass
from itertools import permutations, product
from typing import ClassVar

import numpy as np
import pytest
from comparing import DTYPES, quiet
from forms import forms_of
from pairing import in_squares

import fastnn
from fastnn.core.loss import Loss
from fastnn.core.losses import CrossEntropy
from fastnn.core.rule import Rule
from fastnn.engines import batched, lanes, self_check
from fastnn.engines.compiling import run_source

HUGE = 1.5e38
SUMS = [0.0, 1.0, 1.0, -0.5, -200.0, HUGE, -HUGE, np.inf, -np.inf, np.nan]
FEW, MANY = (2, 3, 4), 11  # outputs that have lines of their own, and those that share a loop


@dataclass(frozen=True, kw_only=True)
class Brier(Loss):
    """A loss of one's own: the squared distance of probabilities, with probabilities as targets."""

    name: ClassVar[str] = "brier"
    words: ClassVar[str] = "Brier score"
    outputs: ClassVar[tuple[str, ...]] = ("softmax",)

    @staticmethod
    def term(output, given):
        return output.error * output.value

    @staticmethod
    def slope(output, given):
        return output.error * output.value


@dataclass(frozen=True, kw_only=True)
class Soft(CrossEntropy):
    """Cross-entropy with probabilities as targets."""

    @staticmethod
    def targets(output):
        return None


def trained(source, network, rule, sums, Y, epochs=2):
    """The state and the totals that a kernel ends with, from networks whose outputs have these sums."""
    dtype, size = sums.dtype, network.n_outputs
    state = np.zeros((len(sums), network.n_parameters), dtype)
    state[:, -size:] = sums
    settings, totals = (
        np.full((len(sums), len(rule.given)), -0.25, dtype),
        np.zeros((len(sums), epochs), dtype),
    )
    coefficients = [np.linspace(0.5, 1.5, len(Y)).astype(dtype)] * rule.weighted
    X = np.full((len(Y), network.n_inputs), 0.5, dtype)
    quiet(run_source(source)["advance"])(state, X, Y, *coefficients, settings, totals, *[2] * rule.batched)
    return state, totals


def check_forms(monkeypatch, network, dtype, rule, sums, Y):
    """Every form of every engine diverges where the first does, and else has its bits, which come back."""
    (_, first), *others = forms_of(monkeypatch, network, dtype, rule)
    state, totals = trained(first, network, rule, sums, Y)
    finite = np.isfinite(totals).all(axis=1)
    for form, source in others:
        other, others_totals = trained(source, network, rule, sums, Y)
        assert np.array_equal(np.isfinite(others_totals).all(axis=1), finite), form
        assert state[finite].tobytes() == other[finite].tobytes(), form
        assert totals[finite].tobytes() == others_totals[finite].tobytes(), form
    return finite, state[finite], totals[finite]


@pytest.mark.parametrize(("outputs", "dtype"), in_squares(product([*FEW, MANY], DTYPES)))
def test_sums_of_every_kind_in_every_place(monkeypatch, outputs, dtype):
    """Ties, both zeros, sums far apart, infinite ones and NaN: what diverges shows alike."""
    draw = np.random.default_rng(outputs)
    every = np.array([*product(SUMS, repeat=2)] if outputs == 2 else draw.choice(SUMS, (50, outputs)), dtype)
    Y = np.eye(outputs, dtype=dtype)[[0, outputs - 1, 1]]
    rule = Rule(CrossEntropy, batched=outputs == 4, weighted=outputs != 3)
    network = fastnn.Network((1, 3, outputs), output="softmax")
    finite, _, totals = check_forms(monkeypatch, network, dtype, rule, every, Y)
    assert (totals >= 0).all()
    assert not finite[np.isnan(every).any(axis=1) | (every == np.inf).any(axis=1)].any()
    assert finite[(np.abs(every) < HUGE).all(axis=1)].all()


def test_the_largest_output_may_be_any():
    """Its exponential is 1, in whatever order the sums come."""
    network, rule = fastnn.Network((1, 3), output="softmax"), Rule(CrossEntropy)
    source, sums = lanes.source(network, "float64", rule), np.array([*permutations([3.0, 1.0, -2.0])])
    state, _ = trained(source, network, rule, sums, np.eye(3)[:1], epochs=1)
    shares = np.exp(sums) / np.exp(sums).sum(axis=1, keepdims=True)
    moved = state[:, -3:] - sums
    np.testing.assert_allclose(moved, -0.25 * (shares - np.eye(3)[0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("outputs", "batch", "loss"),
    in_squares((*size, loss) for size in [(3, False), (3, True), (MANY, False)] for loss in (Brier, Soft)),
)
def test_a_loss_of_ones_own_has_its_own_targets(monkeypatch, loss, outputs, batch):
    draw = np.random.default_rng(0)
    Y = draw.dirichlet(np.ones(outputs), 5)
    network, sums = fastnn.Network((1, 3, outputs), output="softmax"), draw.normal(size=(9, outputs))
    _, _, totals = check_forms(monkeypatch, network, "float64", Rule(loss, batched=batch), sums, Y)
    assert np.isfinite(totals).all()


@pytest.mark.parametrize("layers", [(2, 3), (4, 5, 3), (2, MANY)])
@pytest.mark.parametrize("rule", [Rule(CrossEntropy), Rule(CrossEntropy, batched=True)])
def test_the_self_check_is_one_that_right_kernels_pass(layers, rule):
    """Its targets are classes, too."""
    network = fastnn.Network(layers, output="softmax")
    found, expected = (
        self_check._computed(quiet(run_source(source)["advance"]), network, 9, "float64", rule)
        for source in (module.source(network, "float64", rule) for module in (lanes, batched))
    )
    assert [one.tobytes() for one in found] == [other.tobytes() for other in expected]


def test_no_exponential_of_the_largest_and_no_function_for_all_numbers():
    text = lanes.source(fastnn.Network((4, 5, 3), output="softmax"), "float64", Rule(CrossEntropy))
    assert "def exp(" not in text
    assert "def log(" not in text
    (line,) = [line for line in text.splitlines() if "exp_below_0(side_by_side(" in line]
    assert line.endswith("2)")

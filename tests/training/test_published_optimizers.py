"""The optimizers against numbers that others have published, and against whole trainings by other libraries.

A rule is tried on a bowl with an ordinary network: for the rows x = -sqrt(c) and sqrt(c) with the targets
-sqrt(c)*p and sqrt(c)*p, the mean squared error of 1-1 is c*(w - p)**2 + b**2, and a bias of 0 stays 0.
"""

import sys

import numpy as np
import pytest
from conftest import ROOT

import fastnn
from fastnn.core.optimizers import Adagrad, Adam, IRpropMinus, Momentum, Nesterov

sys.path.insert(0, str(ROOT / "benchmarks"))
import agreement

LINE = fastnn.Network((1, 1))


def rolled(c, start, rate, optimizer, updates, lowest=0.0):
    """Where a weight is after a number of updates on a bowl c*(w - lowest)**2."""
    x = np.sqrt(c) * np.array([-1.0, 1.0])
    options = {"learning_rate": rate, "epochs": updates, "batch_size": 2, "engine": "batched"}
    run = fastnn.train(LINE, x, x * lowest, [start, 0.0], optimizer=optimizer, **options)
    assert run.parameters[1] == 0.0
    return run.parameters[0]


def agree(found, published, digits):
    """Whether numbers are those published with a number of digits after the point, rounded or cut off."""
    return bool(np.all(np.abs(np.array(found) - published) <= 1.01 * 10.0**-digits))


BOWLS = 0.1, 0.2, 0.3
TORCH7 = {  # (published, digits), from 1 in ten updates at a rate of 0.1
    "sgd": ("sgd", (0.81707280688755, 0.66483263599150, 0.53861511409490), 14),
    "momentum": (Momentum(momentum=0.5), (0.6848486952183, 0.44803321781003, 0.27431190123502), 13),
    "adagrad": (Adagrad(eps=1e-10), (0.55373120047759, 0.55373120041518, 0.55373120039438), 14),
}


def in_bowls(optimizer):
    return [rolled(c, 1.0, 0.1, optimizer, 10) for c in BOWLS]


@pytest.mark.parametrize("name", TORCH7)
def test_the_bowls_of_torch7(name):
    optimizer, published, digits = TORCH7[name]
    assert agree(in_bowls(optimizer), published, digits)


def adagrad_with_eps_inside(c):
    w, total = 1.0, 0.0
    for _ in range(10):
        g = 2 * c * w
        total += g * g
        w -= 0.1 * g / np.sqrt(total + 1e-10)
    return w


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sgd", [rolled(c, 1.0, 0.05, "sgd", 10) for c in BOWLS]),  # the loss halved
        ("momentum", in_bowls(Nesterov(momentum=0.5))),
        ("momentum", [rolled(c, 1.0, 0.05, Momentum(momentum=0.5), 10) for c in BOWLS]),  # (1 - mu)*change
        ("adagrad", [adagrad_with_eps_inside(c) for c in BOWLS]),
        ("adagrad", in_bowls(Adagrad(eps=1e-8))),
        ("adagrad", in_bowls(Adagrad(initial_sum=0.1))),
    ],
)
def test_other_conventions_are_not_those_of_torch7(name, wrong):
    _, published, digits = TORCH7[name]
    assert not agree(wrong, published, digits)


ADAM = {  # from (-5, -2) on 0.1*w1**2 + 2*w2**2
    1: (-4.80000020, -1.80000002),
    2: (-4.60025478, -1.60082451),
    3: (-4.40094848, -1.40317262),
    5: (-4.00445033, -1.01592745),
    10: (-3.03606592, -0.15249855),
    15: (-2.12645742, 0.40484195),
    20: (-1.31256067, 0.54230812),
    25: (-0.63179919, 0.36110890),
    30: (-0.11386457, 0.06793529),
}
ADAM_OF_KERAS = (-3.03609661, -0.15250206)  # after 10


def along_adam(updates, **settings):
    settings = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-6, **settings}
    return [rolled(c, start, 0.2, Adam(**settings), updates) for c, start in ((0.1, -5.0), (2.0, -2.0))]


@pytest.mark.parametrize("updates", ADAM)
def test_a_trace_of_adam(updates):
    assert agree(along_adam(updates), ADAM[updates], 8)


def test_the_two_epsilons_of_adam_are_told_apart():
    assert agree(along_adam(10, eps_hat=True), ADAM_OF_KERAS, 8)
    assert not agree(along_adam(10, eps_hat=True), ADAM[10], 8)
    assert not agree(along_adam(10), ADAM_OF_KERAS, 8)


@pytest.mark.parametrize(
    ("updates", "theta", "digits"),
    [(1, 4.9000000001, 10), (2, 4.800057756869, 12), (3, 4.700213291333, 12), (5, 4.500982947818, 12)],
)
def test_adam_by_hand(updates, theta, digits):
    assert agree(rolled(1.0, 5.0, 0.1, Adam(eps=1e-8), updates), theta, digits)
    if updates > 1:  # in the first update both are the same to this many digits
        assert not agree(rolled(1.0, 5.0, 0.1, Adam(eps=1e-8, eps_hat=True), updates), theta, digits)


MOMENTUM_IN_TENTHS = (7.6, 4.0, 0.76, -0.86, -0.374, 1.813, 4.6561, 6.95245)


def test_momentum_in_whole_tenths():
    """On (x - 4)**2, where the velocities are -2.4, -3.6, -3.24, -1.62, ..."""

    def path(optimizer):
        return [rolled(1.0, 10.0, 0.2, optimizer, n, lowest=4.0) for n in range(1, 9)]

    assert np.allclose(path(Momentum(momentum=0.9)), MOMENTUM_IN_TENTHS, rtol=0, atol=1e-13)
    assert not np.allclose(path(Nesterov(momentum=0.9)), MOMENTUM_IN_TENTHS, rtol=0, atol=1e-3)


RPROP = (0.1, 0.12, 0.144, 0.0, 0.072)  # how far, for gradients 1, 1, 1, -1, 1
WRONG_RPROPS = {"optax": (0.0, 0.1, 0.12, 0.0, 0.0), "FANN": (0.12, 0.144, 0.1728, -0.0864, 0.10368)}


def rprop_moves(scale=1.0):
    """The moves of a weight towards targets that are far away on either side, one row at a time."""
    Y = scale * np.array([-8.0, -8.0, -8.0, 8.0, -8.0])
    options = {"epochs": 1, "optimizer": IRpropMinus(), "batch_size": 1, "engine": "batched"}
    runs = [fastnn.train(LINE, np.ones(n), Y[:n], [0.0, 0.0], **options) for n in range(1, 6)]
    return -np.diff([0.0, *(run.parameters[0] for run in runs)])


def test_moves_of_irprop_minus():
    assert np.allclose(rprop_moves(), RPROP, rtol=0, atol=1e-15)
    for wrong in WRONG_RPROPS.values():
        assert not np.allclose(rprop_moves(), wrong, rtol=0, atol=1e-3)
    assert rprop_moves(scale=0.75).tobytes() == rprop_moves().tobytes()  # by the sign alone


@pytest.mark.slow  # a program that imports the library: 1 to 10 s
@pytest.mark.parametrize("library", sorted({library for library, _ in agreement.PAIRS}))
def test_whole_trainings_by_other_libraries(library):
    if not agreement.is_installed(library):
        pytest.skip(f'{library} is not installed: pip install "fastnn-sweep[peers]"')
    trained = agreement.by_library(library)
    assert {(library, rule) for rule in trained} == {pair for pair in agreement.PAIRS if pair[0] == library}
    for rule, theirs in trained.items():
        assert np.abs(theirs - agreement.problem(rule)[2]).max() > 0.1, rule
        assert np.allclose(agreement.by_fastnn(rule), theirs, rtol=1e-12, atol=0), rule
        for other in (*agreement.OURS, *agreement.LOSSES):  # another is told apart, be it the other epsilon
            assert agreement.same(other, rule) or not np.allclose(
                agreement.by_fastnn(other), theirs, rtol=1e-6, atol=0
            ), (rule, other)

"""The schedules alone: their factors, when they change, what is refused."""

import hashlib
import math
import struct

import numpy as np
import pytest

import fastnn
from fastnn.core.choices import settings_of
from fastnn.core.schedules import SCHEDULES, Constant, Cosine, Exponential, InverseScaling, Step, WarmUp

EPOCHS = range(700)
EACH = {
    "constant": (Constant(), lambda t: 1.0),
    "step": (Step(every=7, gamma=0.5), lambda t: 0.5 ** (t // 7)),
    "exponential": (Exponential(gamma=0.99), lambda t: 0.99**t),
    "cosine": (
        Cosine(horizon=300, final=0.1),
        lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * min(t / 300, 1))) / 2,
    ),
    "cosine, odd horizon": (Cosine(horizon=2.5), lambda t: (1 + math.cos(math.pi * min(t / 2.5, 1))) / 2),
    "inverse scaling": (InverseScaling(power=0.5), lambda t: 1 / math.sqrt(1 + t)),
    "inverse scaling of rows": (InverseScaling(power=0.7, scale=150), lambda t: (1 + 150 * t) ** -0.7),
    "warm-up": (WarmUp(warmup=4), lambda t: min((t + 1) / 5, 1)),
}
every_one = pytest.mark.parametrize("name", EACH)


@every_one
def test_the_factors_are_those_of_the_formula(name):
    schedule, formula = EACH[name]
    assert schedule.factor(0) == (0.2 if name == "warm-up" else 1.0)
    found = [schedule.factor(t) for t in EPOCHS]
    assert found == pytest.approx([formula(t) for t in EPOCHS], rel=1e-13, abs=1e-15)


@every_one
@pytest.mark.parametrize("warmup", [1, 5])
def test_a_warm_up_comes_first(name, warmup):
    schedule, _ = EACH[name]
    if "warmup" not in settings_of(schedule) or name == "warm-up":
        return
    risen = type(schedule)(**settings_of(schedule) | {"warmup": warmup})
    assert [risen.factor(t) for t in range(warmup)] == [(t + 1) / (warmup + 1) for t in range(warmup)]
    assert [risen.factor(t + warmup) for t in EPOCHS] == [schedule.factor(t) for t in EPOCHS]
    assert risen.until(0) == 1
    assert risen.until(warmup) == warmup + schedule.until(0)


@every_one
def test_until_then_nothing_changes(name):
    schedule, _ = EACH[name]
    factors = {t: schedule.factor(t) for t in EPOCHS}
    for t in EPOCHS:
        until = schedule.until(t)
        assert {factors[e] for e in EPOCHS if t < e < until} <= {factors[t]}
        assert until > t


def test_those_that_stay_say_so():
    assert Constant().until(0) == math.inf
    assert Step(every=7).until(6) == 7
    assert Step(every=7).until(7) == 14
    assert (Cosine(horizon=10).until(9), Cosine(horizon=10).until(10)) == (10, math.inf)
    assert (WarmUp(warmup=3).until(2), WarmUp(warmup=3).until(3)) == (3, math.inf)


def test_the_same_bits_on_every_machine():
    """By fastnn's own functions: libm's cos, exp and log differ in the last digits."""
    factors = [schedule.factor(t) for schedule, _ in EACH.values() for t in EPOCHS]
    digest = hashlib.sha256(struct.pack(f"<{len(factors)}d", *factors)).hexdigest()
    assert digest[:16] == "a82bccd9328bb3d6"


@every_one
def test_plain_values_and_back(name):
    schedule, _ = EACH[name]
    assert SCHEDULES.read(SCHEDULES.described(schedule)) == schedule
    assert SCHEDULES.one(schedule) is schedule
    assert SCHEDULES.one(schedule.name) == type(schedule)()
    assert fastnn.schedules.SCHEDULES is SCHEDULES


@pytest.mark.parametrize("value", [0, -1, 1.5, np.nan, np.inf, "3", None, True, []])
def test_what_is_no_number_of_epochs(value):
    with pytest.raises(fastnn.InputError, match=r"^every must"):
        Step(every=value)


@pytest.mark.parametrize("value", [-1, 0.5, np.nan, "3"])
@pytest.mark.parametrize("kind", [Step, Exponential, Cosine, InverseScaling, WarmUp])
def test_what_is_no_warm_up(kind, value):
    with pytest.raises(fastnn.InputError, match=r"^warmup must"):
        kind(warmup=value)


@pytest.mark.parametrize(
    ("kind", "setting", "value"),
    [
        (Step, "gamma", 0), (Step, "gamma", 1.01), (Exponential, "gamma", -0.5), (Exponential, "gamma", 2),
        (Cosine, "horizon", 0), (Cosine, "final", -0.1), (Cosine, "final", 1.1),
        (InverseScaling, "power", 0), (InverseScaling, "scale", 0), (InverseScaling, "scale", np.inf),
    ],
)  # fmt: skip
def test_what_is_no_setting(kind, setting, value):
    with pytest.raises(fastnn.InputError, match=f"^{setting} must"):
        kind(**{setting: value})


def test_settings_have_their_names():
    with pytest.raises(TypeError):
        Cosine(300)
    with pytest.raises(TypeError):
        Cosine(gamma=0.5)
    assert Cosine.settings()[0] == "horizon"  # what follows a name on the command line

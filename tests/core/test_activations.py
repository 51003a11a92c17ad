"""The activations by their definitions: values, slopes, extremes; their settings as text."""

import json
import pickle

import mpmath
import numpy as np
import pytest
from comparing import DTYPES, label, reference_functions
from reference import activate, slope, to_float32

import fastnn
from fastnn.checking import InputError
from fastnn.core.activations import ACTIVATIONS, SETTINGS, activation
from fastnn.core.arithmetic import FLOATS
from fastnn.core.expressions import Symbol
from fastnn.core.network import Network
from fastnn.core.precisions import PRECISIONS

# Every activation, and each that has a setting with another one than its default.
NAMES = (*ACTIVATIONS, *(f"{name}(0.3)" for name in SETTINGS))

# 1 + tanh(-986), which GELU's tanh form asks for at -30, begins after 857 zeros.
DIGITS = 900

# In terms of z, not as fastnn computes them.
DEFINITIONS = {
    "relu": lambda z: max(z, 0),
    "leaky_relu": lambda z: z if z > 0 else z * mpmath.mpf("0.01"),
    "leaky_relu(0.3)": lambda z: z if z > 0 else z * mpmath.mpf("0.3"),
    "tanh": mpmath.tanh,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "elu": lambda z: z if z > 0 else mpmath.expm1(z),
    "elu(0.3)": lambda z: z if z > 0 else mpmath.mpf("0.3") * mpmath.expm1(z),
    "selu": lambda z: (
        mpmath.mpf("1.0507009873554804934193349852946")
        * (z if z > 0 else mpmath.mpf("1.6732632423543772848170429916717") * mpmath.expm1(z))
    ),
    "softplus": lambda z: mpmath.log1p(mpmath.exp(z)),
    "sine": mpmath.sin,
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "gelu_tanh": lambda z: (
        z / 2 * (1 + mpmath.tanh(mpmath.sqrt(2 / mpmath.pi) * (z + mpmath.mpf("0.044715") * z**3)))
    ),
    "softsign": lambda z: z / (1 + abs(z)),
    "gaussian": lambda z: mpmath.exp(-(z**2)),
    "exponential": mpmath.exp,
    "square": lambda z: z**2,
    "identity": lambda z: z,
}
# A few roundings of numbers near 1; in GELU's slope at 5, one of them is multiplied by 35.
ROUNDINGS = 40


def of(name, z):
    """The value and the slope of an activation at a float, as the equations give them."""
    entry, symbols = activation(name), [Symbol(letter) for letter in ("arriving", "z", "h")]
    values = dict(zip(symbols, (1.0, z, None), strict=True))
    h = FLOATS(entry.value(symbols[1]), values)
    return h, FLOATS(entry.slope(*symbols), values | {symbols[2]: h})


@pytest.mark.parametrize("name", NAMES)
def test_values_and_slopes_are_those_of_the_definition(name):
    points = [*np.linspace(-6, 6, 17) + 0.013, 1e-8, -1e-8, 30.0, -30.0]
    with mpmath.workdps(DIGITS):
        for z in map(float, points):
            value, derivative = of(name, z)
            exact = (
                DEFINITIONS[name](mpmath.mpf(z)),
                mpmath.diff(DEFINITIONS[name], z, h=mpmath.mpf(10) ** -20),
            )
            for found, expected in zip((value, derivative), exact, strict=True):
                assert abs(found - expected) <= ROUNDINGS * 2.0**-53 * max(1, abs(expected)), z


@pytest.mark.parametrize("name", NAMES)
def test_small_values_keep_their_digits(name):
    """Relative to themselves: where a value is near 0, it is not a difference of two numbers near 1."""
    with mpmath.workdps(DIGITS):
        for z in (-5.0, -1e-3, -1e-100, 1e-100, 1e-3):
            expected = DEFINITIONS[name](mpmath.mpf(z))
            assert abs(of(name, z)[0] - expected) <= 1e-13 * abs(expected), z


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_no_finite_sum_gives_nan(name, dtype):
    """Neither value nor slope; some overflow. For sine up to where it has a value."""
    functions, rounded = reference_functions(dtype), float if dtype == "float64" else to_float32
    largest = PRECISIONS[dtype].far if name == "sine" else float(np.finfo(dtype).max)
    sizes = [
        0.0,
        float(np.finfo(dtype).smallest_subnormal),
        *10.0 ** np.linspace(-30, np.log10(largest) - 0.01, 200),
        largest,
    ]
    for size in map(rounded, map(float, sizes)):
        for z in (size, -size):
            h = activate(name, z, functions, rounded)
            found = (
                [h]
                if name in ("identity", "relu") or "leaky" in name
                else [h, slope(name, z, h, functions, rounded)]
            )
            assert not np.isnan(found).any(), z
            assert np.isfinite(found).all() or name in ("square", "selu", "exponential"), z


@pytest.mark.parametrize("name", NAMES)
def test_saturated_units_train_on(name):
    """Two steps from weights at which a careless slope multiplies infinity by 0."""
    scale = {"square": 1.0, "exponential": 1.0, "sine": 1e15}.get(name, 1e100)
    start = [scale, -scale, 1e-300, 1e-300, 0.0, 0.0, 0.0]
    run = fastnn.train(Network((1, 2, 1), name), [[1.0]], [0.0], start, epochs=2, engine="batched")
    assert np.isfinite(run.parameters).all()


class TestNames:
    @pytest.mark.parametrize(
        ("given", "name"),
        [
            ("leaky_relu(0.1)", "leaky_relu(0.1)"),
            ("leaky_relu(0.10)", "leaky_relu(0.1)"),
            (" leaky_relu ( 1e-1 ) ", "leaky_relu(0.1)"),
            ("leaky_relu(0.01)", "leaky_relu"),
            ("leaky_relu(1e-2)", "leaky_relu"),
            ("leaky_relu(2)", "leaky_relu(2)"),
            ("leaky_relu(2.0)", "leaky_relu(2)"),
            ("leaky_relu(1e-30)", "leaky_relu(1e-30)"),
            ("elu(1)", "elu"),
            ("elu(1.50)", "elu(1.5)"),
        ],
    )
    def test_one_for_all_texts_of_the_same_activation(self, given, name):
        network = Network((2, 3, 3, 1), (given, "tanh"), given)
        assert network.activations == (name, "tanh", name)
        assert network == Network((2, 3, 3, 1), (name, "tanh"), name)
        assert hash(network) == hash(Network((2, 3, 3, 1), (name, "tanh"), name))

    @pytest.mark.parametrize("name", NAMES)
    def test_come_back_from_where_they_are_written(self, name, tmp_path):
        network = Network((2, 2, 1), name, name)
        assert eval(repr(network), {"Network": Network}) == network  # noqa: S307 - our own text
        assert pickle.loads(pickle.dumps(network)) == network  # noqa: S301 - our own bytes
        assert json.loads(json.dumps(network.hidden)) == [name]
        run = fastnn.train(network, [[0.5, 1.0]], [1.0], [0.1] * 9, epochs=1, engine="batched")
        run.save(tmp_path / "model.npz")
        assert fastnn.Training.load(tmp_path / "model.npz").network == network

    def test_settings_tell_networks_apart(self):
        several = [Network((2, 2, 1), f"leaky_relu({slope})") for slope in (0.01, 0.1, 0.3)]
        assert len(set(several)) == len(set(map(label, several))) == 3
        runs = [
            fastnn.train(n, [[-1.0, 1.0]], [1.0], [0.5] * 3 + [-1.0] * 6, epochs=3, engine="batched")
            for n in several
        ]
        assert len({run.loss for run in runs}) == 3

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (
                "relu(0.1)",
                r"only where it has one \(leaky_relu\(slope\).*\); got 'relu\(0.1\)'. Write relu.",
            ),
            ("tanh()", r"got 'tanh\(\)'. Write tanh."),
            ("leaky(0.1)", r"one of 'relu', .*; got 'leaky' \(did you mean leaky_relu\?\)"),
            ("elu(0)", "elu.alpha. with one alpha from 1e-30 to 1e.30; got"),
            ("selu(1)", "only where it has one .*elu.alpha.*Write selu"),
            ("leaky_relu()", "with one slope from 1e-30 to 1e.30; got"),
            ("leaky_relu(0)", "with one slope"),
            ("leaky_relu(-0.1)", "with one slope"),
            ("leaky_relu(nan)", "with one slope"),
            ("leaky_relu(inf)", "with one slope"),
            ("leaky_relu(1e-31)", "with one slope"),
            ("leaky_relu(0.1, 0.2)", "with one slope"),
            ("leaky_relu(0,1)", "with one slope"),
            ("leaky_relu(slope=0.1)", "with one slope"),
            ("leaky_relu((0.1))", "with one slope"),
            ("leaky_relu(0.1", "one of 'relu'"),
            ("leaky_relu 0.1", "one of 'relu'"),
            ("leaky_relu(0.1)tanh", "one of 'relu'"),
            ("gelu", r"got 'gelu' \(did you mean gelu_tanh\?\)"),
        ],
    )
    def test_refusals(self, given, message):
        for what, ask in (
            ("hidden", lambda: Network((2, 2, 1), given)),
            ("each of hidden", lambda: Network((2, 2, 2, 1), ["relu", given])),
            ("output", lambda: Network((2, 2, 1), output=given)),
        ):
            with pytest.raises(InputError, match=f"^{what} must .*{message}"):
                ask()

    def test_only_relu_dies(self):
        assert [name for name, entry in ACTIVATIONS.items() if entry.dies] == ["relu"]


def test_sums_are_kept_only_where_a_slope_needs_them():
    kept = {name for name, entry in ACTIVATIONS.items() if entry.keeps_sum}
    assert kept == {"silu", "gelu_tanh", "sine", "gaussian", "square"}

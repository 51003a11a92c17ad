"""The three metrics: known answers, the edges their docstrings promise, and what they refuse."""

import math
import sys
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import fastnn
from fastnn.checking import InputError
from fastnn.data.metrics import MetricNote, mape, metric_notes, mse, r2

pytestmark = [
    pytest.mark.filterwarnings("ignore::fastnn.MetricNote"),  # TestNotes asks for them
    pytest.mark.usefixtures("compiling_nothing_unusual"),
]

METRICS = [mse, r2, mape]
Y = [3, -0.5, 2, 7]
PREDICTION = [2.5, 0.0, 2, 8]

reasonable = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


def plain(metric, y, prediction):
    """The metric by its definition, in plain Python."""
    errors = [p - t for t, p in zip(y, prediction, strict=True)]
    if metric is mse:
        return math.fsum(e * e for e in errors) / len(y)
    if metric is mape:
        relative = [abs(e / t) for t, e in zip(y, errors, strict=True) if t]
        return math.fsum(relative) / len(relative) if 2 * len(relative) >= len(y) else math.nan
    if len(set(y)) == 1:
        return 0.0 if any(errors) else 1.0
    mean = math.fsum(y) / len(y)
    return 1 - math.fsum(e * e for e in errors) / math.fsum((t - mean) ** 2 for t in y)


def same(found, expected, tolerance=1e-9):
    """Whether two numbers agree; rounding in the sums allows 1e-9 of the larger one or of 1."""
    return math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance) or (
        math.isnan(found) and math.isnan(expected)
    )


def test_the_comparison_can_reject():
    assert not same(0.0, 1.0)
    assert not same(math.nan, 0.0)
    assert not same(1.0, math.nan)
    assert not same(1.0, 1.0 + 1e-7)


def test_known_answers_of_scikit_learn():
    assert r2(Y, PREDICTION) == pytest.approx(0.9486081370449679, rel=1e-15)
    assert mape(Y, PREDICTION) == pytest.approx(0.3273809523809524, rel=1e-15)
    assert mse(Y, PREDICTION) == 0.375


@pytest.mark.parametrize("metric", METRICS)
@given(arrays(float, st.tuples(st.just(2), st.integers(1, 12)), elements=reasonable))
def test_the_definition(metric, pair):
    y, prediction = pair
    found, expected = metric(y, prediction), plain(metric, y.tolist(), prediction.tolist())
    scale = 1 + abs(expected)
    if metric is r2 and len(set(y.tolist())) > 1:  # the quotient of two rounded sums
        scale *= 1 + np.abs(y).max() ** 2 / y.var()
    assert same(found / scale, expected / scale)


@pytest.mark.parametrize("metric", METRICS)
def test_one_network_gives_a_float_and_many_give_one_number_each(metric):
    predictions = np.random.default_rng(0).normal(size=(5, 301))
    y = np.random.default_rng(1).normal(size=301)
    together = metric(y, predictions)
    assert together.shape == (5,)
    assert together.dtype == np.float64
    alone = [metric(y, prediction) for prediction in predictions]
    assert all(type(value) is float for value in alone)
    assert together.tolist() == alone
    assert metric(y, np.asfortranarray(predictions)).tolist() == alone
    assert metric(y, predictions[:1]).shape == (1,)


@pytest.mark.parametrize("metric", METRICS)
def test_every_kind_of_array_is_read_in_float64_and_left_alone(metric):
    y = np.array([3, 1, 2, 7])
    prediction = np.array([2, 0, 2, 8])
    expected = metric(y.astype(float), prediction.astype(float))
    kinds = [">f8", "<f4", ">i2", "i8", "u1"]
    for kind in kinds:
        strided = np.repeat(prediction.astype(kind), 2)[::2]
        strided.setflags(write=False)
        assert metric(y.astype(kind), strided) == expected
        assert strided.tolist() == prediction.tolist()
    assert metric(y.tolist(), tuple(prediction)) == expected
    assert metric(pd.Series(y, index=list("abcd")), pd.Series(prediction)) == expected
    assert metric(pd.Series(y), pd.DataFrame([prediction, prediction])).tolist() == [expected] * 2


def test_small_floats_are_not_summed_in_their_own_precision():
    y = np.zeros(3_000, dtype=np.float32)
    prediction = np.full(3_000, 1e4, dtype=np.float16)
    assert mse(y, prediction) == 1e8


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("y", [[1.0, 2.0, 4.0], [0.0, 2.0, 4.0], [5.0, 5.0, 5.0], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_diverged_network_is_nan_and_its_neighbours_are_not_touched(metric, y, row):
    predictions = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [2.0, 2.0, 2.0]])
    healthy = metric(y, predictions)
    predictions[1, row] = np.nan
    found = metric(y, predictions)
    assert np.isnan(found[1])
    np.testing.assert_array_equal(found[[0, 2]], healthy[[0, 2]])
    assert math.isnan(metric(y, predictions[1]))


def test_infinite_predictions_and_overflow_give_infinity_without_a_warning():
    for far in ([np.inf, 1.0], [1e200, 1.0]):
        assert mse([1.0, 2.0], far) == np.inf
        assert r2([1.0, 2.0], far) == -np.inf
    assert mape([1.0, 2.0], [np.inf, 1.0]) == np.inf
    assert r2([2.0, 2.0], [np.inf, 1.0]) == -np.inf
    assert mape([1e-300, 1.0], [1e300, 1.0]) == np.inf


def test_r2_of_a_constant_target_is_1_if_exact_and_else_0():
    constant = [0.1] * 3  # whose mean, rounded, is not 0.1
    assert r2(constant, constant) == 1.0
    assert r2(constant, [0.1, 0.1, 0.2]) == 0.0
    assert r2(constant, [constant, [0.0, 0.0, 0.0]]).tolist() == [1.0, 0.0]
    assert r2([4], [4]) == 1.0
    assert r2([4], [5]) == 0.0


def test_r2_is_0_for_the_mean_and_has_no_lower_end():
    assert r2([1, 2, 3], [2, 2, 2]) == 0.0
    assert r2([1, 2, 3], [102, 102, 102]) == -15000.0


def test_mape_is_a_fraction_that_leaves_out_rows_of_zero():
    assert mape([1, 2], [2, 2]) == 0.5
    assert mape([0, 1, 2], [7, 2, 2]) == 0.5
    assert mape([-1, 0.0], [1, 1]) == 2.0
    assert math.isnan(mape([0, 0], [0, 1]))
    assert np.isnan(mape([0, 0], [[0, 0], [1, 1]])).all()


def test_there_is_no_mape_where_more_than_half_of_the_targets_are_0():
    assert mape([0, 0, 1, 1], [0.5, 0.2, 1, 2]) == 0.5
    assert math.isnan(mape([0, 0, 1], [0.5, 0.2, 1]))
    assert np.isnan(mape([0, -0.0, 0, 5, 5], np.ones((2, 5)))).all()


class TestNotes:
    @pytest.mark.parametrize(
        ("metric", "y", "expected"),
        [
            (mape, [0, 1, 1], ["MAPE over 2 of 3 rows (1 with target 0 left out)"]),
            (mape, [0, 0, 1], ["no MAPE: 2 of 3 rows with target 0"]),
            (mape, [1, -1, 1e-300], []),
            (mape, [5, 5, 5], []),
            (r2, [5, 5, 5], ["R² is undefined, as each of 3 targets is 5: it counts as 1 if predicted "
                             "exactly, else as 0"]),
            (r2, [7], ["R² is undefined, as the only target is 7: it counts as 1 if predicted exactly, "
                       "else as 0"]),
            (r2, [0, 0, 1], []),
            (mse, [0, 0, 0], []),
        ],
    )  # fmt: skip
    def test_say_what_a_metric_leaves_out(self, metric, y, expected):
        with warnings.catch_warnings(record=True, action="always") as said:
            metric(y, [1.0] * len(y))
        assert [str(warning.message) for warning in said] == expected
        assert all(warning.category is MetricNote and warning.filename == __file__ for warning in said)

    def test_are_of_each_target_of_several(self):
        found = metric_notes(np.array([[0, 1], [1, 1]]), ["cost", "size"])
        assert found == [
            "MAPE of target cost over 1 of 2 rows (1 with target 0 left out)",
            "R² of target size is undefined, as each of 2 targets is 1: it counts as 1 if predicted exactly, "
            "else as 0",
        ]
        assert metric_notes(np.array([[0, 1], [1, 2]])) == [found[0].replace("cost", "1")]

    def test_are_said_beside_scores(self):
        net = fastnn.Network((1, 1))
        X, y = [0.0, 0.5, 1.0], [0.0, 1.0, 2.0]
        for made in (fastnn.train(net, X, y, epochs=1), fastnn.sweep(net, X, y, networks=3, epochs=1)):
            with pytest.warns(MetricNote, match="MAPE over 2 of 3 rows") as said:
                made.score(X, y)
            assert [warning.filename for warning in said] == [__file__]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("y", "prediction", "message"),
    [
        ([1, np.nan], [1, 2], "y must be finite; got 1 NaN or infinite"),
        ([1, np.inf], [1, 2], "y must be finite; got 1 NaN or infinite"),
        ([[1, 2]], [1, 2], "y must have 1 dimension; got 2"),
        ([], [], "y must hold at least one number"),
        ([1, 2], [1, 2, 3], r"shape \(2,\) or \(M, 2\), as y has 2 rows; got \(3,\)"),
        ([1, 2], [[1], [2]], r"shape \(2,\) or \(M, 2\), as y has 2 rows; got \(2, 1\)"),
        ([1, 2], 1.0, r"as y has 2 rows; got \(\)"),
        ([1, 2], np.zeros((2, 2, 2)), r"got \(2, 2, 2\)\. Predict the same rows"),
        ([1, 2], ["a", "b"], "prediction must hold real numbers"),
        ([1, 2], [1j, 2], "prediction must hold real numbers; got dtype complex128"),
        (["a", "b"], [1, 2], "y must hold real numbers"),
    ],
)
def test_refusals(metric, y, prediction, message):
    with pytest.raises(InputError, match=message):
        metric(y, prediction)


def exactly(y, prediction):
    """mse, R² and MAPE by rational numbers: no rounding, no range."""
    y, prediction = [[Fraction(float(value)) for value in values] for values in (y, prediction)]
    errors = [p - t for p, t in zip(prediction, y, strict=True)]
    mean = sum(y) / len(y)
    square = sum(e * e for e in errors)
    spread = sum((t - mean) ** 2 for t in y)
    counted = [abs(e / t) for e, t in zip(errors, y, strict=True) if t]
    return square / len(y), 1 - square / spread, sum(counted) / len(counted)


def as_float(value):
    """The nearest float64; infinity beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def near(found, exact, of=0):
    """Whether a number is the exact one but for some roundings, or for one of a subnormal number."""
    wanted = as_float(exact)
    if math.isinf(found) or math.isinf(wanted):
        return found == wanted or abs(exact) > Fraction(sys.float_info.max) * Fraction(99, 100)
    return abs(Fraction(found) - exact) <= Fraction(1, 10**12) * max(abs(exact), of) + Fraction(1, 2**1070)


EXPONENTS = {"float64": (-1074, 1023), "float32": (-149, 127)}


@st.composite
def anywhere(draw, dtype):
    """A target and predictions of any size, far apart or close, and near each other or not at all."""
    low, high = EXPONENTS[dtype]
    rows = draw(st.integers(2, 6))
    size = draw(st.integers(low, high))
    numbers = st.floats(-1, 1, allow_subnormal=False)
    others = st.integers(low, high) if draw(st.booleans()) else st.just(size)
    largest = float(np.finfo(dtype).max)

    def value():
        return float(np.clip(draw(numbers) * 2.0 ** draw(others) * 2, -largest, largest))

    y = np.array([value() for _ in range(rows)]).astype(dtype)
    if draw(st.booleans()):
        y = (y[0] + y * np.dtype(dtype).type(2.0**-40)).astype(dtype)
    with np.errstate(over="ignore"):
        beside = np.array([draw(numbers) for _ in range(rows)]) * 2.0 ** draw(st.integers(-60, 1))
        prediction = (y * (1 + beside)).astype(dtype) if draw(st.booleans()) else y[::-1].copy()
    assume(np.isfinite(prediction).all() and np.isfinite(y).all() and y.min() < y.max())
    assume(2 * (y == 0).sum() <= rows)
    return y, prediction


@pytest.mark.parametrize("dtype", EXPONENTS)
@settings(max_examples=200)
@given(data=st.data())
def test_metrics_are_right_over_the_whole_range(dtype, data):
    y, prediction = data.draw(anywhere(dtype))
    square, determination, percentage = exactly(y, prediction)
    assert near(mse(y, prediction), square)
    assert near(r2(y, prediction), determination, of=1)
    assert near(mape(y, prediction), percentage)


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e-100, 1.0, 1e100, 1e200, 1e308])
def test_r2_does_not_depend_on_the_unit(size):
    y = np.array([1.0, 0.0, -1.0]) * size
    assert r2(y, y) == 1.0
    assert r2(y, -y) == -3.0
    assert r2(y, 0 * y) == 0.0


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e200])
def test_a_wrong_constant_is_not_exact_however_small(size):
    assert r2([size] * 3, [size] * 3) == 1.0
    assert r2([size] * 3, [0.0] * 3) == 0.0


def test_metrics_of_a_sum_that_overflows():
    assert mse([1e154] * 4, [0.0] * 4) == 1e308
    assert mape([1.7e308, 1.7e308], [-1.7e308, 0.0]) == 1.5
    assert r2([1.7e308, -1.7e308], [-1.7e308, 1.7e308]) == -3.0


def test_near_can_reject():
    assert near(1.0, Fraction(1))
    assert not near(1.0 + 1e-11, Fraction(1))
    assert not near(0.0, Fraction(1, 2**1000))
    assert not near(math.inf, Fraction(1))

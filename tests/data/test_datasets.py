"""Scaling, Dataset and the generated table: round trips, codes, and what is refused."""

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fastnn.checking import InputError
from fastnn.data.datasets import Dataset, Scaling, generate_train_data

ROUNDING = 4 * np.finfo(float).eps
"""Scaling and inverting round four times at most, each relative to the largest number in play."""


def returns_to(scaling, values):
    """Whether scaling and inverting gives `values` back, up to rounding."""
    back = scaling.invert(scaling.apply(values))
    largest = np.maximum(np.abs(values).max(axis=0), scaling.range)
    return back.shape == values.shape and bool((np.abs(back - values) <= ROUNDING * largest).all())


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "age": [20, 30, 40, 60],
            "bmi": np.array([20.5, 30.25, 25.0, 22.0], dtype=np.float32),
            "smoker": ["yes", "no", "no", "yes"],
            "member": [True, False, True, True],
            "size": pd.Categorical(
                ["small", "large", "small", "medium"], ["small", "medium", "large"], ordered=True
            ),
            "charges": [100.1, 200.2, 300.3, 500.5],
        },
        index=["a", "b", "c", "d"],
    )


# --- Scaling ---


@given(arrays(float, array_shapes(min_dims=1, max_dims=2), elements=st.floats(-1e300, 1e300)))
def test_scaling_stays_in_0_1_and_comes_back(values):
    scaling = Scaling.over(values)
    scaled = scaling.apply(values)
    assert scaled.min() >= 0
    assert scaled.max() <= 1
    varying = scaling.range > 0
    assert (scaled.min(axis=0) == 0).all()
    assert (scaled.max(axis=0) == np.where(varying, 1.0, 0.0)).all()
    assert returns_to(scaling, values)


def test_the_round_trip_check_can_reject():
    values = np.array([[1.0, 2.0], [3.0, 5.0]])
    scaling = Scaling.over(values)
    assert returns_to(scaling, values)
    wrong = Scaling(scaling.minimum, scaling.range)
    object.__setattr__(wrong, "apply", lambda rows: scaling.apply(rows) + 1e-14)
    assert not returns_to(wrong, values)
    object.__setattr__(wrong, "apply", lambda rows: scaling.apply(rows)[:1])
    assert not returns_to(wrong, values)


def test_a_constant_column_scales_to_0_and_inverts_to_its_constant():
    scaling = Scaling.over([[7, 1], [7, 3]])
    assert scaling.apply([[7, 1], [7, 3], [9, 2]]).tolist() == [[0, 0], [0, 1], [0, 0.5]]
    assert scaling.invert([[0, 0], [0.5, 1]]).tolist() == [[7, 1], [7, 3]]
    assert Scaling.over([7, 7]).apply([7, 8]).tolist() == [0, 0]


def test_new_rows_may_land_outside_0_1():
    scaling = Scaling.over([10, 20])
    assert scaling.apply([0, 15, 40]).tolist() == [-1, 0.5, 3]
    assert scaling.apply([[0, 15], [40, 10]]).tolist() == [[-1, 0.5], [3, 0]]
    assert Scaling.over([0.0, 1e-300]).apply([1e300]).tolist() == [np.inf]


def test_inverting_lets_diverged_networks_through():
    scaling = Scaling.over([10, 20])
    np.testing.assert_array_equal(
        scaling.invert([np.nan, np.inf, -np.inf, 1e308, 0.5])[:3], [np.nan, np.inf, -np.inf]
    )
    assert np.isnan(Scaling.over([7, 7]).invert([np.nan])).all()
    assert scaling.invert(np.float32([0.5])).dtype == np.float64


def test_scaling_leaves_its_arguments_alone():
    values = np.array([1.0, 2.0, 4.0])
    scaling = Scaling.over(values)
    scaling.apply(values)
    scaling.invert(values)
    assert values.tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Scaling.over([]), "values must hold at least one number"),
        (lambda: Scaling.over([1, np.nan]), "values must be finite"),
        (lambda: Scaling.over([-1e308, 1e308]), "must span less than 1.8e308"),
        (lambda: Scaling.over([[1, 2]]).apply([[1, 2, 3]]), r"values must have 2 columns.*\(1, 3\)"),
        (lambda: Scaling.over([[1, 2]]).invert([1, 2, 3]), r"scaled must have 2 columns.*\(3,\)"),
        (lambda: Scaling.over([[1, 2]]).invert(["a", "b"]), "scaled must hold real numbers"),
    ],
)
def test_what_scaling_refuses(act, message):
    with pytest.raises(InputError, match=message):
        act()


# --- Dataset.from_frame ---


def test_a_frame_becomes_scaled_arrays(frame):
    data = Dataset.from_frame(frame, ["age", "bmi"], "charges", source="a test")
    assert (data.inputs, data.target, data.source, data.rows) == (("age", "bmi"), "charges", "a test", 4)
    assert data.X.shape == (4, 2)
    assert data.y.shape == (4,)
    assert data.X.dtype == data.y.dtype == np.float64
    assert data.X[:, 0].tolist() == [0, 0.25, 0.5, 1]
    assert data.target_values.tolist() == [100.1, 200.2, 300.3, 500.5]
    assert data.X.flags.c_contiguous
    assert data.categories == {}


def test_categories_are_coded_in_sorted_order_and_ordered_ones_in_their_own(frame):
    data = Dataset.from_frame(frame, ["smoker", "member", "size"], "charges")
    assert data.categories == {
        "smoker": ("no", "yes"),
        "member": ("False", "True"),
        "size": ("small", "medium", "large"),
    }
    codes = data.X_scaling.invert(data.X)
    assert codes.tolist() == [[1, 1, 0], [0, 0, 2], [0, 1, 0], [1, 1, 1]]
    unordered = frame.assign(size=frame["size"].astype(str).astype("category"))
    several = Dataset.from_frame(unordered, "size", "charges")
    assert several.categories == {"size": ("large", "medium", "small")}
    assert several.inputs == ("size=large", "size=medium", "size=small")
    assert several.X.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]]


def test_several_targets(frame):
    data = Dataset.from_frame(frame, "age", ["bmi", "charges"])
    assert data.target == ("bmi", "charges")
    assert data.y.shape == (4, 2)
    assert data.target_values[:, 1].tolist() == [100.1, 200.2, 300.3, 500.5]
    np.testing.assert_allclose(data.in_target_unit(data.y), data.target_values, rtol=1e-14)
    many = np.stack([data.y, data.y * 0])
    assert data.in_target_unit(many).shape == (2, 4, 2)
    np.testing.assert_array_equal(data.in_target_unit(many)[1], np.tile([20.5, 100.1], (4, 1)))
    with pytest.raises(InputError, match="scaled must have 2 columns"):
        data.in_target_unit(data.y[:, 0])


def test_one_target_in_a_list_is_one_target(frame):
    data = Dataset.from_frame(frame, ("age",), ["charges"])
    assert data.target == "charges"
    assert data.y.shape == (4,)


def test_predictions_return_to_the_target_unit(frame):
    data = Dataset.from_frame(frame, "age", "charges")
    assert data.in_target_unit(data.y) == pytest.approx(data.target_values, rel=1e-14)
    many = data.in_target_unit(np.stack([data.y, np.full(4, np.nan)]))
    assert many[0] == pytest.approx(data.target_values, rel=1e-14)
    assert np.isnan(many[1]).all()


def test_a_dataset_reads_well(frame):
    data = Dataset.from_frame(frame, ["age", "smoker"], "charges", source="a test")
    assert repr(data) == "Dataset(4 rows, inputs=('age', 'smoker'), target='charges', source='a test')"
    assert str(data).splitlines() == [
        "4 rows: age, smoker -> charges",
        "  age      20 .. 60",
        "  smoker   no = 0, yes = 1",
        "  charges  100.1 .. 500.5",
        "  from a test",
    ]
    assert "bmi      20.5 .. 30.25" in str(Dataset.from_frame(frame, "age", ["bmi", "charges"]))


def test_a_dataset_is_frozen_and_travels(frame):
    data = Dataset.from_frame(frame, ["age", "smoker"], "charges")
    for array in (data.X, data.y, data.target_values, data.X_scaling.range, data.y_scaling.minimum):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(AttributeError):
        data.rows = 3
    twin = pickle.loads(pickle.dumps(data))  # noqa: S301
    assert twin.X.tolist() == data.X.tolist()
    assert str(twin) == str(data)


def test_the_frame_is_left_alone(frame):
    before = frame.copy(deep=True)
    data = Dataset.from_frame(frame, ["age", "bmi", "smoker", "member", "size"], "charges")
    pd.testing.assert_frame_equal(frame, before)
    frame.loc["a", "charges"] = 0.0
    assert data.target_values[0] == 100.1


@pytest.mark.parametrize(
    "ages",
    [
        np.array([20, 30, 40, 60], dtype=">i4"),
        np.array([20, 30, 40, 60], dtype=">f8"),
        np.array([20, 0, 30, 0, 40, 0, 60], dtype=np.uint8)[::2],
        pd.array([20, 30, 40, 60], dtype="Int64"),
        pd.array([20, 30, 40, 60], dtype="Float32"),
        pd.arrays.SparseArray([20.0, 30.0, 40.0, 60.0]),
        np.array([20, 30.0, np.int8(40), 60], dtype=object),
        [Decimal(20), Decimal(30), Decimal(40), Decimal(60)],
    ],
    ids=lambda ages: str(getattr(ages, "dtype", "Decimal")),
)
def test_every_kind_of_number_is_read(frame, ages):
    if isinstance(ages, np.ndarray):
        ages.setflags(write=False)
    data = Dataset.from_frame(frame.assign(age=ages), "age", "charges")
    assert data.X[:, 0].tolist() == [0, 0.25, 0.5, 1]


@pytest.mark.parametrize("dtype", ["object", "str", "string", "category"])
def test_every_kind_of_text_is_read(frame, dtype):
    data = Dataset.from_frame(frame.assign(smoker=frame["smoker"].astype(dtype)), "smoker", "charges")
    assert data.X[:, 0].tolist() == [1, 0, 0, 1]
    assert data.categories == {"smoker": ("no", "yes")}


@pytest.mark.parametrize("dtype", ["object", "boolean", bool])
def test_every_kind_of_bool_is_read(frame, dtype):
    data = Dataset.from_frame(frame.assign(member=frame["member"].astype(dtype)), "member", "charges")
    assert data.X[:, 0].tolist() == [1, 0, 1, 1]


def test_columns_may_be_numbered(frame):
    numbered = pd.DataFrame(np.arange(12).reshape(4, 3))
    data = Dataset.from_frame(numbered, [0, 2], 1)
    assert data.inputs == ("0", "2")
    assert data.target == "1"


def test_one_row_and_a_constant_column(frame):
    data = Dataset.from_frame(frame.iloc[:1], ["age", "bmi"], "charges")
    assert data.X.tolist() == [[0, 0]]
    assert data.in_target_unit(data.y).tolist() == [100.1]


@pytest.mark.parametrize(
    ("inputs", "target", "message"),
    [
        (
            ["age", "weight"],
            "charges",
            "inputs must name columns of the DataFrame; got 'weight'. It has age, bmi",
        ),
        ("age", "price", "target must name columns of the DataFrame; got 'price'"),
        (["age", "age"], "charges", "inputs must name each column once; got 'age' more than once"),
        ("age", ["charges", "charges"], "target must name each column once; got 'charges'"),
        (["age", "charges"], "charges", "target must not be among the inputs; got 'charges' in both"),
        ([], "charges", "inputs must name at least one column; got none"),
        ("age", [], "target must name at least one column"),
        (3, "charges", "inputs must name columns of the DataFrame; got 3"),
        ([["age"]], "charges", "inputs must name columns"),
        (None, "charges", "inputs must name columns of the DataFrame; got None"),
    ],
)
def test_refused_names(frame, inputs, target, message):
    with pytest.raises(InputError, match=message):
        Dataset.from_frame(frame, inputs, target)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            [20, np.nan, 30, None],
            r"no missing cells.*got 2 of 4 rows with some: 2 in 'age' \(the first in row 1 \(index 'b'\)",
        ),
        (["x", "y", None, "z"], r"missing cells.*got 1 of 4.*row 2 \(index 'c'\)"),
        (pd.array([1, 2, 3, pd.NA], dtype="Int64"), r"missing cells.*row 3 \(index 'd'\)"),
        (pd.array([True, False, True, pd.NA], dtype="boolean"), r"missing cells.*row 3"),
        (pd.Categorical(["x", None, "y", "y"]), r"missing cells.*row 1"),
        ([1, 2, np.inf, 4], r"'age' must be finite; got 1 infinite cell.*row 2 \(index 'c'\): inf"),
        ([1, "a", 2, 3], r"'age' must hold either numbers or words; got 'a' in row 1.*categories=\['age'\]"),
        ([1, True, 2, 3], "'age' must hold numbers, text, bools or categories; got bool and number"),
        (
            pd.date_range("2024-01-01", periods=4),
            "'age' must hold numbers, text, bools or categories; got date or time",
        ),
        ([1j, 2j, 3j, 4j], "'age' must hold numbers, text, bools or categories; got complex"),
        ([[1], [2], [3], [4]], "'age' must hold numbers, text, bools or categories; got list"),
        (
            [10**400, 1, 2, 3],
            r"'age' must hold whole numbers that float64 keeps exactly.*got 10+\.\.\. in row 0",
        ),
        (
            [2**60, 1, 2, 3],
            "'age' must hold whole numbers that float64 keeps exactly.*got 1152921504606846976",
        ),
        (pd.Categorical([1, "a", 1, "a"]), "'age' must hold categories of one kind; got number and text"),
    ],
    ids=range(14),
)
def test_refused_cells(frame, column, message):
    column = pd.Series(column, index=frame.index, dtype=object) if isinstance(column, list) else column
    with pytest.raises(InputError, match=message):
        Dataset.from_frame(frame.assign(age=column), "age", "charges")


def test_refused_frames(frame):
    with pytest.raises(InputError, match="the DataFrame must have at least one row; got none"):
        Dataset.from_frame(frame.iloc[:0], "age", "charges")
    with pytest.raises(InputError, match=r"frame must be a DataFrame; got \{'age': \[1\]\}. Wrap it: pandas"):
        Dataset.from_frame({"age": [1]}, "age", "charges")
    twice = pd.concat([frame, frame[["bmi"]]], axis=1)
    with pytest.raises(InputError, match="the DataFrame must name each column once; got bmi more than once"):
        Dataset.from_frame(twice, "age", "charges")
    wide = pd.DataFrame(np.zeros((1, 30)))
    with pytest.raises(InputError, match=r"0, 1, 2, .*19, \.\.\. \(30 in all\)"):
        Dataset.from_frame(wide, "age", 1)


def test_only_the_chosen_columns_need_be_clean(frame):
    data = Dataset.from_frame(frame.assign(bmi=np.nan, member=pd.Timestamp(0)), "age", "charges")
    assert data.rows == 4


# --- generate_train_data ---


def test_generated_data_follow_the_notebook():
    frame = generate_train_data(rows=500, n1=(0, 20), n2=(0, 50), noise=(3, 10), seed=1)
    assert list(frame.columns) == ["n1", "n2", "n3"]
    assert (frame.dtypes == np.int64).all()
    noise = frame["n3"] - frame["n1"] ** 2 - frame["n2"]
    for column, low, high in ((frame["n1"], 0, 20), (frame["n2"], 0, 50), (noise, 3, 10)):
        assert set(column) == set(range(low, high))


def test_generated_data_default_to_the_baseline_and_never_change():
    frame = generate_train_data()
    assert len(frame) == 100
    assert frame["n1"].max() == 4
    assert frame.iloc[:4].to_numpy().tolist() == FIRST_ROWS
    pd.testing.assert_frame_equal(frame, generate_train_data(100, (0, 5), (0, 5), (0, 5), 0))
    assert not frame.equals(generate_train_data(seed=1))


FIRST_ROWS = [[4, 2, 19], [0, 3, 6], [3, 2, 15], [3, 1, 13]]


def test_generated_data_train_directly():
    data = Dataset.from_frame(generate_train_data(rows=7, n1=np.array([2, 3]), n2=[0, 9]), ["n1", "n2"], "n3")
    assert data.rows == 7
    assert (data.X[:, 0] == 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows must be a whole number from 1 to 10000000; got 0"),
        ({"rows": 2.5}, "rows must be a whole number"),
        ({"n1": (5, 5)}, r"n1 must be a range \(low, high\) with low below high.*got \(5, 5\)"),
        ({"n2": (5, 0)}, r"n2 must be a range .*got \(5, 0\)"),
        ({"noise": 5}, r"noise must be two whole numbers \(low, high\); got 5"),
        ({"noise": (0, 1, 2)}, r"noise must be two whole numbers \(low, high\); got \(0, 1, 2\)"),
        ({"noise": "05"}, r"noise must be two whole numbers \(low, high\); got '05'"),
        ({"n1": (0.5, 5)}, "n1's bound must be a whole number"),
        ({"n1": (0, 10**8)}, "n1's bound must be a whole number from -10000000 to 10000000; got 100000000"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295; got -1"),
        ({"seed": None}, "seed must be a whole number"),
    ],
)
def test_refused_ranges(arguments, message):
    with pytest.raises(InputError, match=message):
        generate_train_data(**arguments)

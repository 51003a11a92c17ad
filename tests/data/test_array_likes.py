"""Tables and columns of other libraries where numbers are asked for: the values they hold, or a refusal."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn.checking import InputError
from fastnn.data.arrays import finite_array, numeric_array

BEYOND = 2**53 + 1  # the first whole number that float64 has not


def typed(dtype, *values):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow", reason="columns of Arrow need pyarrow")
    return pd.array(list(values), dtype=dtype)


def test_get_dummies_train_as_the_numbers_they_are():
    frame = pd.DataFrame({"children": [2, 3, 0], "city": ["a", "b", "a"], "smoker": [True, False, True]})
    dummies = pd.get_dummies(frame)
    assert {str(dtype) for dtype in dummies.dtypes} == {"int64", "bool"}
    plain = [[2, 1, 1, 0], [3, 0, 0, 1], [0, 1, 1, 0]]
    assert finite_array(dummies, "X", (2,)).tolist() == plain
    net, y = fastnn.Network((4, 2, 1)), pd.Series([1, 2, 3], dtype="Int64")
    quick = {"epochs": 2, "engine": "batched", "learning_rate": 1e-6}
    one = fastnn.train(net, dummies, y, **quick)
    other = fastnn.train(net, np.array(plain, float), [1.0, 2.0, 3.0], **quick)
    assert one.parameters.tobytes() == other.parameters.tobytes()
    assert one.predict(dummies).tobytes() == other.predict(np.array(plain, float)).tobytes()


@pytest.mark.parametrize(
    "dtype",
    ["Int64", "UInt8", "Float32", "boolean", "object", "int64[pyarrow]", "double[pyarrow]", "bool[pyarrow]"],
)
def test_columns_of_every_kind_of_number(dtype):
    frame = pd.DataFrame({"a": typed(dtype, 1, 0), "b": [0.5, 2.0]})
    assert finite_array(frame, "X", (2,)).tolist() == [[1, 0.5], [0, 2]]
    assert finite_array(frame["a"], "y", (1,)).tolist() == [1, 0]


def test_pythons_own_numbers_in_a_column():
    frame = pd.DataFrame({"a": [Decimal("0.5"), Fraction(1, 4), 2]}, dtype=object)
    assert finite_array(frame, "X", (2,)).tolist() == [[0.5], [0.25], [2]]


def test_columns_of_one_dtype_keep_it():
    assert numeric_array(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), "X").dtype == np.int64
    assert numeric_array(pd.DataFrame({"a": np.float32([1, 2])}), "X").dtype == np.float32


def test_what_is_infinite_passes_where_it_may():
    assert np.isnan(numeric_array(pd.DataFrame({"a": [np.nan], "b": [1]}), "X")).tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [BEYOND, 1], "x": [0.5, 1]}, "column 'id' of X must hold integers .* got 9007199254740993"),
        ({"id": [BEYOND, 1]}, "column 'id' of X must hold integers .* got 9007199254740993"),
        ({"id": pd.array([BEYOND, 1], "Int64"), "x": 1.0}, "column 'id' of X must hold integers"),
        ({"id": pd.Series([BEYOND, 1], dtype=object)}, "column 'id' of X must hold integers"),
        ({"id": [Decimal(BEYOND), 1]}, "column 'id' of X must hold integers"),
        (
            {"a": pd.array([1, None], "Int64"), "x": 1.0},
            "column 'a' of X must hold a number .* got 1 missing",
        ),
        ({"a": pd.array([True, None], "boolean")}, "column 'a' of X must hold a number .* got 1 missing"),
        ({"x": 1.0, "a": [1.0, np.inf]}, "X must be finite; .*the first at row 1 of column 'a'"),
        ({"x": [1, Decimal("Infinity")]}, "X must be finite; .*the first at row 1 of column 'x'"),
        ({"x": [1, Fraction(10**400, 3)]}, "X must be finite; .*the first at row 1 of column 'x'"),
        ({"x": [1, Decimal("1e400")]}, "column 'x' of X must hold integers"),
        ({"x": [1, Decimal("sNaN")]}, "X must be finite; .*the first at row 1 of column 'x'"),
        ({"x": 1.0, "city": ["a", "b"]}, "column 'city' of X must hold real .*Dataset.from_frame"),
        ({"zip": pd.Categorical([8010, 1010])}, "column 'zip' of X must hold real .* got dtype category"),
        ({"x": 1.0, "n": ["1", "2"]}, "column 'n' of X must hold real numbers; got dtype"),
        ({"x": [1, "2"]}, "column 'x' of X must hold real numbers; got dtype object"),
        ({"x": [1, 2j]}, "column 'x' of X must hold real numbers; got dtype"),
    ],
)
def test_a_refusal_names_the_column(columns, message):
    with pytest.raises(InputError, match=message):
        fastnn.train(fastnn.Network((len(columns), 1)), pd.DataFrame(columns), [1, 2], epochs=1)


def test_a_series_is_refused_by_the_name_of_the_argument():
    with pytest.raises(InputError, match="y must hold a number in each cell; got 1 missing"):
        fastnn.train(fastnn.Network((1, 1)), [1, 2], pd.Series([1, None], dtype="Int64"), epochs=1)


def test_structured_arrays():
    table = np.rec.fromarrays([[1, 2], [0.5, 1.5], [True, False]], names="a,b,c")
    assert finite_array(table, "X", (2,)).tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
    with pytest.raises(InputError, match="column 'b' of X must hold real numbers; got dtype <U1"):
        finite_array(np.array([(1, "x")], [("a", int), ("b", "U1")]), "X", (2,))
    with pytest.raises(InputError, match="column 'b' of X must hold one number in each cell"):
        finite_array(np.array([(1, [1, 2])], [("a", int), ("b", float, (2,))]), "X", (2,))


def test_pyarrow():
    pyarrow = pytest.importorskip("pyarrow", reason="its tables need pyarrow")
    table = pyarrow.table({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    assert finite_array(table, "X", (2,)).tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
    assert finite_array(table["b"], "y", (1,)).tolist() == [0.5, 1.5]
    with pytest.raises(InputError, match="column 'a' of X must hold a number in each cell; got 1 missing"):
        finite_array(pyarrow.table({"a": [1, None]}), "X", (2,))
    with pytest.raises(InputError, match="column 'a' of X must hold real numbers; got dtype string"):
        finite_array(pyarrow.table({"a": ["x", "y"]}), "X", (2,))
    with pytest.raises(InputError, match="column 'a' of X must hold real numbers; got dtype dictionary"):
        finite_array(pyarrow.table({"a": pyarrow.array([1, 2]).dictionary_encode()}), "X", (2,))


def test_polars():
    polars = pytest.importorskip("polars", reason="its tables need polars")
    table = polars.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    assert finite_array(table, "X", (2,)).tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
    assert finite_array(table["b"], "y", (1,)).tolist() == [0.5, 1.5]
    with pytest.raises(InputError, match="column 'a' of X must hold a number in each cell; got 1 missing"):
        finite_array(polars.DataFrame({"a": [1, None]}), "X", (2,))
    with pytest.raises(InputError, match="column 'a' of X must hold real numbers; got dtype String"):
        finite_array(polars.DataFrame({"a": ["x", "y"]}), "X", (2,))
    with pytest.raises(InputError, match=r"X must hold real numbers; .*Call \.collect\(\) on it"):
        finite_array(table.lazy(), "X", (2,))


def test_jax():
    jnp = pytest.importorskip("jax.numpy", reason="its arrays need jax")
    assert finite_array(jnp.ones((2, 1)), "X", (2,)).tolist() == [[1], [1]]
    with pytest.raises(InputError, match=r"got dtype bfloat16\. Convert it with \.astype\(float\)"):
        finite_array(jnp.ones((2, 1), jnp.bfloat16), "X", (2,))


class Tensor:
    """Raises what other libraries raise where NumPy asks for an array."""

    def __init__(self, error, **attributes):
        self.error = error
        vars(self).update(attributes)

    def __array__(self, dtype=None, copy=None):
        raise self.error


@pytest.mark.parametrize(
    ("tensor", "remedy"),
    [
        (
            Tensor(RuntimeError("Can't call numpy() on Tensor that requires grad."), requires_grad=True),
            "detach",
        ),
        (
            Tensor(
                TypeError("can't convert cuda:0 device type. Use Tensor.cpu() first."), requires_grad=False
            ),
            "cpu",
        ),
        (Tensor(TypeError("Implicit conversion is not allowed. Use `.get()`")), "get"),
        (Tensor(TypeError("Got unsupported ScalarType BFloat16")), "float"),
    ],
)
def test_tensors_that_numpy_cannot_read(tensor, remedy):
    with pytest.raises(
        InputError, match=rf"X must be a rectangular array of numbers;.*Call \.{remedy}\(\) on"
    ):
        finite_array(tensor, "X", (2,))


def test_whatever_else_a_library_raises_is_a_refusal():
    with pytest.raises(InputError, match=r"got .*no buffer here.*Give a NumPy array of it"):
        finite_array(Tensor(BufferError("no buffer here")), "X", (2,))

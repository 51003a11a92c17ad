"""What becomes of a table's columns: numbers, categories, or a refusal; the same for files and DataFrames."""

import csv
import decimal
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from each_of import each_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import fastnn
from fastnn.checking import InputError
from fastnn.data.columns import Column
from fastnn.data.datasets import Dataset
from fastnn.data.loading import load_csv, new_rows

BEYOND = 2**53 + 1  # the first whole number that float64 has not


def read(cells, **options):
    """A Dataset of one column of inputs, x."""
    frame = pd.DataFrame({"x": cells})
    return Dataset.from_frame(frame.assign(y=np.arange(1.0, len(frame) + 1)), "x", "y", **options)


def refusal(cells, **options):
    with pytest.raises(InputError) as refused:
        read(cells, **options)
    return str(refused.value)


@pytest.fixture
def as_file(tmp_path):
    """The same column through a file."""

    def through(cells, **options):
        path = tmp_path / "table.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("x", "y"), *((cell, n + 1) for n, cell in enumerate(cells))])
        return load_csv(path, "x", "y", **options)

    return through


# --- numbers ---


@pytest.mark.parametrize(
    "cells",
    [
        ["1", " 2.5", "-3e2 "],
        ["1", 2.5, -300],
        [Decimal(1), 2.5, -300],
        np.array(["1", "2.5", "-300"]),
        pd.array(["+1", "2.5", "-300."], dtype="string"),
    ],
)
def test_numbers_held_as_text_are_numbers(cells):
    data = read(cells)
    assert data.scaling.input_columns == (Column("x"),)
    assert data.X_scaling.invert(data.X)[:, 0] == pytest.approx([1, 2.5, -300], rel=1e-15)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=1))
def test_text_is_rounded_as_python_does(numbers):
    frame = pd.DataFrame({"x": np.arange(len(numbers)), "y": [repr(number) for number in numbers]})
    assume(max(numbers) - min(numbers) < 1e308)
    assert Dataset.from_frame(frame, "x", "y").target_values.tolist() == numbers


@pytest.mark.parametrize(
    "cells",
    [
        [str(BEYOND), "1", "2"],
        ["12345678901234567", "12345678901234568", "1"],
        [BEYOND, 1, 2],
        np.array([BEYOND, 1, 2]),
        np.array([2**63, 1, 2], dtype=np.uint64),
        pd.array([BEYOND, 1, 2], dtype="Int64"),
        pd.Series([BEYOND, 1, 0.5], dtype=object),
        [Decimal(BEYOND), 1, 2],
        [-BEYOND, 1, 2],
        [10**400, 1, 2],
        ["9" * 5000, "1", "2"],
    ],
)
def test_whole_numbers_that_float64_cannot_hold(cells):
    assert "'x' must hold whole numbers that float64 keeps exactly, up to 2**53; got" in refusal(cells)


def test_the_largest_whole_numbers_are_read():
    assert read([str(2**53), "-9007199254740992", "000"]).X.tolist() == [[1], [0], [0.5]]
    assert read([2**53, -(2**53), 0]).X.tolist() == [[1], [0], [0.5]]
    assert read(["1e300", "123456789012345678.5", "0"]).rows == 3  # not written as whole numbers


# --- what must not pass for words ---

AROUND = {
    "units": ["1248 CC", "1498 CC", "998 CC", "1248 CC"],
    "decimals with units": ["23.4 kmpl", "21.14 kmpl", "26.6 km/kg", "23.4 kmpl"],
    "glued units": ["83lbs", "159lbs", "83lbs", "159lbs"],
    "a currency's sign": ["€565K", "€1.2M", "€565K", "€0"],
    "a currency's name": ["CHF 900", "CHF 1200", "CHF 900", "EUR 15"],
    "a currency's name, glued": ["CHF900", "CHF1200", "CHF900", "CHF15"],
    "a sign of mathematics": ["−5", "−7", "−5", "−1"],
    "a sign that follows": ["12.00-", "7.50-", "12.00-", "1.00-"],
    "below": ["<18", "18-30", "<18", "30+"],
    "about": ["~30", "~40", "~30", "ca. 50"],
    "ranges": ["10-20", "20-30", "10-20", "30-40"],
    "times": ["10:01", "9:58", "10:01", "11:00"],
    "brackets": ["(900)", "(850)", "(900)", "(1)"],
    "percent": ["12 %", "5%", "12 %", "7%"],
    "grouped": ["1.234,56", "2.000,00", "1.234,56", "3.100,10"],
    "underscores": ["1_000", "2_000", "1_000", "3_000"],
    "broken exponents": ["1e3x", "2e3x", "1e3x", "4e3x"],
    "feet": ["5'11\"", "6'1\"", "5'11\"", "5'9\""],
    "fractions": ["1/2", "3/4", "1/2", "1/3"],
    "vulgar fractions": ["½", "¼", "½", "¾"],
    "full-width digits": ["１２", "１３", "１２", "１４"],
    "Arabic digits": ["١٢", "١٣", "١٢", "١٤"],
    "no-break spaces": ["1\xa0248", "2\xa0500", "1\xa0248", "3\xa0100"],
    "thin spaces": ["1\u2009248", "2\u202f500", "1\u2009248", "3\u2009100"],
    "something unseen": ["\u200b12", "\ufeff13", "\u200b12", "\u200b14"],
    "suffixes": ["12k", "3M", "12k", "5k"],
    "numbered": ["No. 5", "No. 7", "No. 5", "No. 9"],
    "hexadecimal": ["0x1F", "0x20", "0x1F", "0x21"],
    "quarters": ["Q1", "Q2", "Q1", "Q3"],
    "places": ["1st", "2nd", "1st", "3rd"],
    "mostly, by rows": ["0 CC", "0 CC", "0 CC", "unknown", "none", "to be told"],
    "some plain ones among them": ["1,5", "2,5", "1,5", "3"],
    "some words among them": ["1248 CC", "unknown", "998 CC", "1248 CC"],
    "words around": ["Less than 1 year", "More than 50 years", "Less than 1 year", "about 3"],
    "two values alone": ["83lbs", "159lbs", "159lbs", "83lbs"],
    "days first": ["05.01.2020", "17.03.2021", "05.01.2020", "06.01.2020"],
    "years first": ["2020-01-05", "2021-03-17", "2020-01-05", "2020-01-06"],
    "American days": ["1/5/2020", "3/17/2021", "1/5/2020", "1/6/2020"],
    "months": ["Jan 2020", "Feb 2020", "Jan 2020", "Mar 2020"],
    "months, glued": ["Jan20", "Feb20", "Jan20", "Mar20"],
    "days with words": ["5 January 2020", "17 March 2021", "5 January 2020", "6 January 2020"],
    "lengths of time": ["PT1H30M", "PT45M", "PT1H30M", "P1DT2H"],
    "moments": ["2020-01-05T10:00Z", "2021-03-17T11:30Z", "2020-01-05T10:00Z", "2020-01-06T00:00Z"],
}


@each_of("case, role", product(AROUND, ["input", "target"]))
def test_numbers_with_something_around_them_are_refused(case, role):
    frame = pd.DataFrame({"x": AROUND[case]})
    frame["y"] = np.arange(1.0, len(frame) + 1)
    columns = ("x", "y") if role == "input" else ("y", "x")
    with pytest.raises(InputError, match=r"'x' must hold .* got .* \(index \d\).*categories=\['x'\]"):
        Dataset.from_frame(frame, *columns)


@each_of("case", zip(AROUND))
def test_they_are_categories_when_asked(case):
    data = read(AROUND[case], categories="x")
    assert data.categories == {"x": tuple(sorted(set(AROUND[case])))}


@pytest.mark.parametrize(
    "case",
    [
        name
        for name in AROUND
        if name not in ("grouped", "some plain ones among them", "no-break spaces", "thin spaces")
    ],
)
def test_a_file_refuses_them_alike(case, as_file):
    with pytest.raises(InputError, match=r"column 'x' must hold .*line \d"):
        as_file(AROUND[case])


@pytest.mark.parametrize(
    ("cells", "remedy"),
    [
        (["05.01.2020", "06.01.2020", "05.01.2020"], "a date or a time. Count the days"),
        (["10:01", "10:02", "10:01"], "a date or a time. Count the days"),
        (["2020-01", "2020-02", "2020-01"], "a date or a time"),
        (["Q1 2020", "Q2 2020", "Q1 2020"], "a date or a time"),
        (["3 pm", "10am", "3 pm"], "a date or a time"),
        (["48.2,16.4", "47.1,15.4", "48.2,16.4"], "a number with something around it"),
        (["192.168.0.1", "10.0.0.1", "10.0.0.1"], "a number"),
        (["27,9", "3,0", "27,9"], "a number in another notation. Read the file with decimal="),
        (["1248 CC", "998 CC", "998 CC"], "a number with something around it. Keep only the number"),
    ],
)
def test_the_remedy_fits(cells, remedy):
    assert remedy in refusal(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["A1", "B2", "A1", "C3"],
        ["A1", "A2", "B1", "B2", "A1"],
        ["arm64", "x86", "arm64", "riscv"],
        ["north", "south", "north", "may"],
        ["HS-grad", "11th", "Bachelors", "HS-grad"],
        ["x", "y", "x", "-"],
        ["Monday", "Tuesday", "Monday", "Sunday"],
        ["straße", "été", "straße", "東京"],
    ],
)
def test_words_are_categories(cells):
    data = read(cells)
    known = tuple(sorted(set(cells)))
    assert data.categories == {"x": known}
    assert data.inputs == tuple(f"x={word}" for word in known)
    assert data.X.tolist() == [[float(word == cell) for word in known] for cell in cells]


@pytest.mark.parametrize(
    ("cells", "given"),
    [
        (pd.date_range("2020-01-01", periods=3), "date or time"),
        ([date(2020, 1, 1), date(2020, 1, 2), date(2020, 1, 1)], "date or time"),
        ([time(10), time(11), time(10)], "date or time"),
        (pd.period_range("2020-01", periods=3, freq="M"), "date or time"),
        (pd.date_range("2020-01-01", periods=3, tz="UTC"), "date or time"),
        ([timedelta(1), timedelta(2), timedelta(1)], "length of time"),
        (pd.interval_range(0, 3), "Interval"),
        ([b"a", b"b", b"a"], "bytes"),
        ([1j, 2, 3], "complex"),
        ([{"a": 1}, {"b": 2}, {}], "dict"),
        ([True, "yes", "no"], "bool and text"),
        ([True, 1, 0], "bool and number"),
    ],
)
def test_other_kinds_of_cells_are_refused_by_name(cells, given):
    said = refusal(cells)
    assert f"must hold numbers, text, bools or categories; got {given}, such as" in said
    assert said.endswith("to numbers first.")


@pytest.mark.parametrize("cells", [["12", "13", "thin"], [12, 13, "thin"], ["a", "b", "7"], ["a", "b", 7]])
def test_numbers_among_words_are_refused(cells):
    odd = next(cell for cell in cells if cell in ("thin", "7", 7))
    assert f"'x' must hold either numbers or words; got {odd!r} in row 2" in refusal(cells)


def test_names_and_constants_are_refused():
    names = [f"{first} {last}" for first in ("Ann", "Bob", "Eve") for last in ("Bauer", "Huber", "Moser")]
    assert "'x' must hold words that repeat; got 9 different ones in 9 rows" in refusal(names)
    many = [f"{a}{b}" for a in "abcdefgh" for b in "klmnopqr"]
    assert "words that repeat; got 64 different ones in 66 rows" in refusal([*many, *many[:2]])
    assert len(read([*names, *names]).inputs) == 9
    assert "'x' must hold at least two different values; got 'a' in every row" in refusal(["a"] * 3)
    assert "at least two different values" in refusal(pd.Categorical(["a"] * 3))
    assert read(["a", "b"]).X.tolist() == [[0], [1]]


@pytest.mark.parametrize(
    "alike", [("Yes", "yes"), ("new  town", "new town"), ("\u00e9t\u00e9", "e\u0301te\u0301")]
)
def test_words_that_differ_in_their_spelling_are_refused(alike):
    said = refusal([*alike, "no", "no"])
    assert "'x' must hold words that differ by more than their spelling; got " in said
    assert "categories=['x']" in said
    assert len(read([*alike, "no", "no"], categories="x").inputs) == 3


@pytest.mark.parametrize("number", [Decimal("Infinity"), Fraction(10**400, 3), float("inf")])
def test_numbers_beyond_floats_are_infinite(number):
    assert "'x' must be finite; got 1 infinite cell(s), the first in row 1" in refusal(
        [Decimal(1), number, 2]
    )


@pytest.mark.parametrize("nothing", [Decimal("sNaN"), Decimal("-sNaN7"), Decimal("NaN"), pd.NA, None])
@pytest.mark.parametrize("others", [[1.5, 2.5], [Decimal(1), Fraction(1, 3)], ["no", "yes"], ["1", "2"]])
def test_cells_that_equal_nothing_are_missing(nothing, others):
    cells = pd.Series([*others, nothing, *others], dtype=object)
    assert "got 1 of 5 rows with some: 1 in 'x' (the first in row 2" in refusal(cells)
    kept, without = read(cells, missing="drop"), read(pd.Series([*others, *others], dtype=object))
    assert kept.X.tobytes() == without.X.tobytes()
    assert "got 1 of 5 rows" in refusal(cells, categories="x")


@pytest.mark.parametrize("number", ["1e9999999", "-1e9999999", "12345678901234567890123456789"])
def test_no_context_of_decimals_matters(number):
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact, decimal.Overflow])):
        assert "'x' must hold whole numbers that float64 keeps exactly" in refusal([1, Decimal(number), 2])
        assert read([Decimal("1.25"), Decimal("123456789.5"), 2]).scaling.X.range.tolist() == [123456788.25]


def test_at_most_fifty_categories():
    words = [f"{a}{b}" for a in "abcdef" for b in "klmnopqrs"]
    assert len(read(words[:50] * 2).inputs) == 50
    assert "'x' must hold at most 50 categories, as each becomes an input; got 51" in refusal(words[:51] * 2)
    assert "at most 50" in refusal(words[:51] * 2, categories="x")
    assert read(words[:51] * 2, ordered={"x": words[:51]}).X.shape == (102, 1)


# --- categories ---


def test_more_than_two_categories_are_an_input_each_and_have_no_order():
    frame = pd.DataFrame(
        {
            "age": [20, 30, 40, 60],
            "city": ["Wien", "Graz", "Linz", "Graz"],
            "smoker": ["yes", "no", "no", "yes"],
            "y": [1.0, 2, 3, 4],
        }
    )
    data = Dataset.from_frame(frame, ["age", "city", "smoker"], "y")
    assert data.inputs == ("age", "city=Graz", "city=Linz", "city=Wien", "smoker")
    assert data.X.tolist() == [[0, 0, 0, 1, 1], [0.25, 1, 0, 0, 0], [0.5, 0, 1, 0, 0], [1, 1, 0, 0, 1]]
    assert str(data).splitlines() == [
        "4 rows: age, city, smoker (5 inputs) -> y",
        "  age     20 .. 60",
        "  city    3 inputs, 0 or 1: Graz, Linz, Wien",
        "  smoker  no = 0, yes = 1",
        "  y       1 .. 4",
        "  from a DataFrame",
    ]


@pytest.mark.parametrize("cells", [["M", "S", "L", "S"], pd.Categorical(["M", "S", "L", "S"])])
def test_an_order_on_request(cells):
    data = read(cells, ordered={"x": ["S", "M", "L"]})
    assert data.X.tolist() == [[0.5], [0], [1], [0]]
    assert data.inputs == ("x",)
    assert "x  S = 0, M = 1, L = 2" in str(data)
    assert data.scaling.apply(pd.DataFrame({"x": ["L", "S"]})).tolist() == [[1], [0]]


def test_an_ordered_categorical_has_asked_for_its_order():
    sizes = pd.CategoricalDtype(["S", "M", "L", "XL"], ordered=True)
    data = read(pd.Series(["M", "S", "L", "S"], dtype=sizes))
    assert data.categories == {"x": ("S", "M", "L")}
    assert data.X.tolist() == [[0.5], [0], [1], [0]]
    cut = read(pd.cut([1, 5, 9, 2], [0, 3, 6, 10]))
    assert cut.categories == {"x": ("(0, 3]", "(3, 6]", "(6, 10]")}
    assert cut.X.tolist() == [[0], [0.5], [1], [0]]


@pytest.mark.parametrize("cells", [[3, 1, 2, 1], ["3", "1", "2", "1"], [3.0, 1, 2, 1]])
def test_numbers_may_have_an_order_of_their_own(cells):
    assert read(cells, ordered={"x": [1, 3, 2]}).X.tolist() == [[0.5], [0], [1], [0]]
    assert read(cells, ordered={"x": ["1", "3", "2"]}).categories == {"x": ("1", "3", "2")}


@pytest.mark.parametrize(
    ("ordered", "message"),
    [
        ({"x": ["S", "M"]}, "'x' must hold the values that ordered gives, S, M; got 'L' in row 2"),
        ({"x": ["S", "M", "L", "XL"]}, "'x' must hold each value that ordered gives; got no 'XL' in any row"),
        ({"x": ["S", "M", "L", "L"]}, "ordered must give at least two different categories"),
        ({"x": ["S"]}, "ordered must give at least two different categories"),
        ({"x": "SML"}, "ordered must give each column a list; got 'SML' for 'x'"),
        ({"x": {"S"}}, "ordered must give each column a list; got {'S'} for 'x'"),
        ({"size": ["S", "M", "L"]}, "ordered must name chosen columns; got 'size'. Chosen are x, y"),
        (["S", "M", "L"], "ordered must give the order of categories by column"),
    ],
)
def test_refused_orders(ordered, message):
    assert message in refusal(["M", "S", "L", "S"], ordered=ordered)


def test_codes_are_categories_when_asked_and_stay_as_they_are():
    codes = ["01", "1", "01", "8010"]
    assert read(codes).categories == {}
    data = read(codes, categories=["x"])
    assert data.inputs == ("x=01", "x=1", "x=8010")
    assert data.X.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    assert read([8010, 1010, 8010, 9], categories="x").inputs == ("x=9", "x=1010", "x=8010")
    assert read(pd.Categorical([8010.0, 1010, 8010, 9])).inputs == ("x=9", "x=1010", "x=8010")
    ids = read([BEYOND, BEYOND - 1, BEYOND + 1, BEYOND], categories="x")
    assert ids.categories == {"x": (str(BEYOND - 1), str(BEYOND), str(BEYOND + 1))}
    assert "categories must name chosen columns; got 'zip'" in refusal(codes, categories="zip")
    assert "categories of one kind; got number and text" in refusal([1, "1", 2], categories="x")


def test_bools_are_two_categories():
    for dtype in ("bool", "boolean", "object"):
        data = read(pd.Series([True, False, True], dtype=dtype))
        assert (data.categories, data.X.tolist()) == ({"x": ("False", "True")}, [[1], [0], [1]])
    assert read([True, True]).X.tolist() == [[0], [0]]  # one value, scaled as any constant
    for cells in (["TRUE", "FALSE", "TRUE"], ["true", "false", "true"], ["True", "False", "True"]):
        data = read(cells)
        assert (data.categories, data.X.tolist()) == ({"x": ("False", "True")}, [[1], [0], [1]])
        assert data.scaling.apply(pd.DataFrame({"x": [False, True]})).tolist() == [[0], [1]]
        assert read([True, False]).scaling.apply(pd.DataFrame({"x": cells})).tolist() == data.X.tolist()
    assert read(["TRUE", "", "FALSE"], missing="drop").dropped == 1


def test_targets():
    frame = pd.DataFrame({"x": [1, 2, 3, 4], "y": ["no", "yes", "no", "yes"], "z": ["a", "b", "c", "a"]})
    with pytest.raises(
        InputError, match=r"'z' must hold numbers or two categories to be one of several targets; got 3, such"
    ):
        Dataset.from_frame(frame, "x", ["y", "z"])
    asked = Dataset.from_frame(frame, "x", ["y", "z"], ordered={"z": ["c", "b", "a"]})
    assert asked.target_values.tolist() == [[0, 2], [1, 1], [0, 0], [1, 2]]


def test_labels_of_several_levels():
    frame = pd.DataFrame({("a", "x"): [1, 2, 3], ("a", "y"): [3, 4, 7]})
    for inputs in (("a", "x"), [("a", "x")]):
        data = Dataset.from_frame(frame, inputs, ("a", "y"))
        assert (data.inputs, data.target) == (("('a', 'x')",), "('a', 'y')")
    with pytest.raises(InputError, match=r"got '0'. Did you mean 0"):
        Dataset.from_frame(pd.DataFrame([[1, 2], [3, 4]]), "0", 1)


def test_names_have_an_order():
    with pytest.raises(InputError, match=r"inputs must have an order; got a set. Give a list"):
        Dataset.from_frame(pd.DataFrame({"a": [1, 2], "b": [3, 4], "y": [5, 6]}), {"a", "b"}, "y")


def test_names_must_stay_apart():
    cities = pd.DataFrame({"city": ["a", "b", "c", "a"], "city=b": [1, 2, 3, 4], "y": [1, 2, 3, 4]})
    with pytest.raises(
        InputError, match="name of its own; got 'city=b' from the columns 'city' and 'city=b'"
    ):
        Dataset.from_frame(cities, ["city", "city=b"], "y")
    assert Dataset.from_frame(cities, "city", "y").inputs == ("city=a", "city=b", "city=c")
    labels = pd.DataFrame({1: [1, 2], "1": [3, 4], "y": [5, 6]})
    with pytest.raises(InputError, match="name of its own; got '1' from the columns '1' and '1'"):
        Dataset.from_frame(labels, [1, "1"], "y")
    data = Dataset.from_frame(labels, [1], "y")
    with pytest.raises(InputError, match="must have the column '1' of training once; got 2 of that name"):
        data.scaling.apply(labels)


# --- missing cells ---


@pytest.fixture
def gaps():
    return pd.DataFrame(
        {
            "a": [1.0, np.nan, 3, 4, 5],
            "b": ["u", "v", None, "u", "v"],
            "c": pd.array([1, 2, None, 4, 5], dtype="Int64"),
            "other": [None, None, None, None, 1],
            "y": [1.0, 2, 3, 4, 5],
        }
    )


def test_missing_cells_are_refused_and_counted(gaps):
    with pytest.raises(InputError) as refused:
        Dataset.from_frame(gaps, ["a", "b", "c"], "y")
    assert str(refused.value) == (
        "the DataFrame must have no missing cells in the chosen columns; got 2 of 5 rows with some: "
        "1 in 'a' (the first in row 1 (index 1)), 1 in 'b' (the first in row 2 (index 2)), "
        "1 in 'c' (the first in row 2 (index 2)). "
        'Give missing="drop" (--missing drop) to leave these rows out, or fill the cells.'
    )


def test_rows_with_missing_cells_are_dropped_and_said(gaps):
    data = Dataset.from_frame(gaps, ["a", "b", "c"], "y", missing="drop")
    assert (data.rows, data.dropped) == (3, 2)
    assert data.target_values.tolist() == [1, 4, 5]
    assert data.X_scaling.invert(data.X).tolist() == [[1, 0, 1], [4, 0, 4], [5, 1, 5]]
    assert "2 more rows dropped, as a cell is missing" in str(data)
    whole = Dataset.from_frame(gaps, "c", "y", missing="drop")
    assert (whole.rows, whole.dropped) == (4, 1)
    assert Dataset.from_frame(gaps.iloc[3:], "a", "y", missing="drop").dropped == 0
    with pytest.raises(InputError, match="row without missing cells in the chosen columns; got none of 4"):
        Dataset.from_frame(gaps.iloc[:4], "other", "y", missing="drop")
    with pytest.raises(InputError, match="missing must be one of 'refuse', 'drop'"):
        Dataset.from_frame(gaps, "a", "y", missing="ignore")


@pytest.mark.parametrize(
    "mark", ["", " ", "NA", "n/a", "NaN", "null", "?", "-", "N.A.", "#DIV/0!", "unknown"]
)
def test_marks_among_numbers_are_missing(mark, as_file):
    for reader in (read, as_file):
        data = reader(["1", mark, "3"], missing="drop")
        assert (data.rows, data.dropped, data.target_values.tolist()) == (2, 1, [1, 3])
        with pytest.raises(InputError, match=r"1 in 'x' \(the first in (row 1|line 3)"):
            reader(["1", mark, "3"])
    assert read([1, mark, 3], missing="drop").X.tolist() == [[0], [1]]


def test_marks_among_words():
    assert read(["a", "NA", "b", "a"], missing="drop").dropped == 1
    assert read(["a", "-", "b", "a"]).categories == {"x": ("-", "a", "b")}
    for mark in ("?", "\\N", "NaT", "#REF!"):
        assert read(["a", mark, "b", "a"], missing="drop").categories == {"x": ("a", "b")}
    assert read(["a", "?", "b", "a"], categories="x").categories == {"x": ("?", "a", "b")}
    assert read(["NA", "EU", "AS", "NA"], categories="x").inputs == ("x=AS", "x=EU", "x=NA")
    assert read(["NA", "Fa", "Gd", ""], ordered={"x": ["NA", "Fa", "Gd"]}, missing="drop").rows == 3


def test_what_only_dropped_rows_hold_is_no_category(gaps):
    data = Dataset.from_frame(gaps.assign(b=["u", "w", "v", "u", "v"]), ["a", "b"], "y", missing="drop")
    assert data.categories == {"b": ("u", "v")}


# --- other tables ---


def test_tables_of_other_libraries(gaps):
    pyarrow = pytest.importorskip("pyarrow", reason="its tables need pyarrow")
    plain = Dataset.from_frame(gaps, ["a", "b", "c"], "y", missing="drop")
    table = pyarrow.Table.from_pandas(gaps)
    tables = [table]
    try:
        import polars
    except ImportError:
        pass  # its own test says so
    else:
        tables.append(polars.from_arrow(table))
    for other in tables:
        data = Dataset.from_frame(other, ["a", "b", "c"], "y", missing="drop")
        assert data.X.tobytes() == plain.X.tobytes()
        assert data.scaling.apply(other[3:]).tolist() == plain.X[1:].tolist()
    codes = pyarrow.table({"x": pyarrow.array(["01", "1", "01"]).dictionary_encode(), "y": [1, 2, 3]})
    assert Dataset.from_frame(codes, "x", "y").categories == {"x": ("01", "1")}
    ids = pyarrow.table({"x": [BEYOND, None], "y": [1, 2]})
    with pytest.raises(InputError, match="float64 keeps exactly"):
        Dataset.from_frame(ids, "x", "y", missing="drop")


def test_polars():
    polars = pytest.importorskip("polars", reason="its tables need polars")
    frame = polars.DataFrame({"x": ["a", "b", "a"], "y": [1, 2, 4]})
    assert Dataset.from_frame(frame, "x", "y").X.tolist() == [[0], [1], [0]]
    codes = frame.with_columns(x=polars.Series(["01", "1", "01"], dtype=polars.Categorical))
    assert Dataset.from_frame(codes, "x", "y").categories == {"x": ("01", "1")}
    with pytest.raises(InputError, match=r"frame must be a DataFrame; got .*Call \.collect\(\) on it"):
        Dataset.from_frame(frame.lazy(), "x", "y")


def test_records_are_a_table():
    records = np.array([(1, "a", 2.5), (2, "b", 3.5)], [("n", int), ("c", "U1"), ("y", float)])
    data = Dataset.from_frame(records, ["n", "c"], "y")
    assert data.X.tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("frame", "remedy"),
    [
        ({"x": [1, 2], "y": [1, 2]}, r"Wrap it: pandas\.DataFrame\(\.\.\.\)"),
        (np.ones((2, 2)), r"Wrap it: pandas\.DataFrame\(array, columns="),
        (pd.Series([1, 2]), r"Call \.to_frame\(\) on it"),
        ([[1, 2], [3, 4]], "Wrap it"),
        (None, "Wrap it"),
        ("table.csv", "Wrap it"),
    ],
)
def test_what_is_no_table_is_refused_by_name(frame, remedy):
    with pytest.raises(InputError, match=f"frame must be a DataFrame; got .*{remedy}"):
        Dataset.from_frame(frame, "x", "y")


# --- new rows, files, model files ---


def cars():
    """A table with a column of each kind."""
    return pd.DataFrame(
        {
            "age": [3, 1, 4, 1, 5, 9],
            "zip": ["01", "1", "01", "8010", "1", "01"],
            "fuel": ["diesel", "petrol", "petrol", "gas", "diesel", "gas"],
            "size": ["S", "L", "M", "S", "M", "L"],
            "new": [True, False, True, True, False, False],
            "sold": ["yes", "no", "no", "yes", "no", "yes"],
            "price": [9.5, 20, 8, 21.25, 7, 5],
        }
    )


INPUTS = ["age", "zip", "fuel", "size", "new", "sold"]
ASKED = {"ordered": {"size": ["S", "M", "L"]}, "categories": "zip"}


def test_new_rows_become_what_the_table_did():
    frame = cars()
    data = Dataset.from_frame(frame, INPUTS, "price", **ASKED)
    apply = data.scaling.apply
    assert apply(frame).tobytes() == data.X.tobytes()
    assert apply(frame[INPUTS[::-1]].iloc[2:4]).tolist() == data.X[2:4].tolist()
    assert apply(frame[INPUTS].to_numpy()).tolist() == data.X.tolist()
    assert apply(frame[INPUTS].iloc[:1].to_numpy().tolist()).tolist() == data.X[:1].tolist()
    assert apply(data.X_scaling.invert(data.X)) == pytest.approx(data.X, rel=1e-15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"zip": "001"}, "'zip' must hold the categories of training, 01, 1, 8010; got '001' in row 0"),
        ({"zip": 2}, "'zip' must hold the categories of training, 01, 1, 8010; got 2 in row 0"),
        ({"fuel": "hydrogen"}, "'fuel' must hold the categories of training, diesel, gas, petrol; got 'hyd"),
        ({"size": "XL"}, "'size' must hold the categories of training, S, M, L; got 'XL'"),
        ({"sold": "?"}, "'sold' must hold the categories of training, no, yes; got '.'"),
        ({"fuel": None}, "must have no missing cells .*1 in 'fuel' .*Drop or fill these rows"),
        ({"age": "old"}, "'age' must hold numbers, as in training; got 'old' in row 0"),
        ({"age": True}, "'age' must hold numbers, as in training; got True in row 0"),
        ({"age": "n/a"}, "must have no missing cells .*1 in 'age'|must hold numbers"),
        ({"age": np.inf}, "'age' must be finite; got 1 infinite"),
    ],
)
def test_new_rows_that_do_not_fit(change, message):
    data = Dataset.from_frame(cars(), INPUTS, "price", **ASKED)
    with pytest.raises(InputError, match=message):
        data.scaling.apply(cars().iloc[:1].assign(**{name: [value] for name, value in change.items()}))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            np.zeros((1, 6)),
            r"X must have 10 columns, .* of which 'zip' became 3 and 'fuel' became 3; got",
        ),
        (
            [[3, 1, 1, 0, 1, 0, 0, 0, 1, 1]],
            r"categories of 'zip' as 3 inputs, 0 or 1: .*got \[1\.0, 1\.0, 0\.0\]",
        ),
        ([[3, 0, 0, 0, 1, 0, 0, 0, 1, 1]], "categories of 'zip'"),
        ([[3, 1, 0, 0, 1, 0, 0, 3, 1, 1]], r"categories of 'size' as S = 0, .*got \[3\.0\] in row 0"),
        ([[3, 1, 0, 0, 1, 0, 0, 1, 0.5, 1]], "categories of 'new' as False = 0, True = 1"),
        ([3, "01", "diesel", "S", True, "no"], r"rows with a cell for each .*got shape \(6,\)"),
        ([[3, "01", "diesel"]], "a cell for each of the columns age, zip, fuel, size, new, sold"),
    ],
)
def test_arrays_that_do_not_fit(rows, message):
    data = Dataset.from_frame(cars(), INPUTS, "price", **ASKED)
    with pytest.raises(InputError, match=message):
        data.scaling.apply(rows)


def test_a_single_column_may_be_given_alone():
    data = read(["a", "b", "c", "a"])
    assert data.scaling.apply(["c", "a"]).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert data.scaling.apply(pd.Series(["c", "a"])).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_categories_are_shown_on_one_line():
    data = read(pd.Series(["\x1b[2J", "a\nb", "z" * 500, "a\nb"], dtype=object))
    assert f"x  3 inputs, 0 or 1: '\\x1b[2J', 'a\\nb', {'z' * 40}...\n" in str(data)


def test_a_file_is_the_same_table(tmp_path):
    frame = cars()
    frame.to_csv(tmp_path / "cars.csv", index=False)
    one = Dataset.from_frame(frame, INPUTS, "price", **ASKED)
    other = load_csv(tmp_path / "cars.csv", INPUTS, "price", **ASKED)
    assert other.X.tobytes() == one.X.tobytes()
    assert other.scaling.input_columns == one.scaling.input_columns


def test_a_file_keeps_the_texts_of_categories_as_they_are_written(as_file, tmp_path):
    codes = ["1,234,567", "2,345,678", "1,234,567", "01"]
    data = as_file(codes, categories="x")
    assert data.categories == {"x": ("01", "1,234,567", "2,345,678")}
    order = ["2,345,678", "01", "1,234,567"]
    assert as_file(codes, ordered={"x": order}).categories == {"x": tuple(order)}
    new_codes = tmp_path / "new.csv"
    new_codes.write_text('x\n"1,234,567"\n"2,345,678"\n')
    assert new_rows(new_codes, data.scaling, "path").tolist() == [[0, 1, 0], [0, 0, 1]]


def test_a_file_is_as_pandas_reads_it(tmp_path):
    rows = [
        "1,x,TRUE,0.1,NA,1",
        "2,y,FALSE,1e-3,u,2",
        "NaN,z,TRUE,?,v,3",
        "4,x,False,7,u,4",
        "5,y,true,2,v,5",
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,c,d,e,y", *rows]))
    inputs = ["a", "b", "c", "d", "e"]
    one = load_csv(path, inputs, "y", missing="drop")
    other = Dataset.from_frame(pd.read_csv(path), inputs, "y", missing="drop")
    assert (one.rows, one.dropped) == (3, 2)
    assert one.scaling.input_columns == other.scaling.input_columns
    assert one.X.tobytes() == other.X.tobytes()


def test_categories_survive_the_model_file(tmp_path):
    data = Dataset.from_frame(cars(), INPUTS, "price", **ASKED)
    run = fastnn.train(fastnn.Network((10, 1)), data.X, data.y, epochs=3, engine="batched")
    run.save(tmp_path / "cars.npz", data)
    loaded = fastnn.Training.load(tmp_path / "cars.npz")
    assert loaded.scaling.input_columns == data.scaling.input_columns
    assert loaded.scaling.inputs == data.inputs
    assert loaded.predict(cars(), loaded.scaling).tolist() == run.predict(data).tolist()


words = st.text(st.sampled_from("ab1 -.é?"), max_size=3)
numbers = st.one_of(st.integers(-9, 9).map(str), st.floats(-9, 9).map(repr))
columns = st.one_of(
    st.lists(words, min_size=4, max_size=9),
    st.lists(numbers, min_size=4, max_size=9),
    st.lists(st.sampled_from("abc"), min_size=4, max_size=9),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns, st.sampled_from(["refuse", "drop"]))
def test_frames_and_files_agree(as_file, cells, missing):
    """A column is read alike from both, or refused by both; new rows become what they were in training."""
    try:
        data = read(cells, missing=missing)
    except InputError:
        with pytest.raises(InputError):
            as_file(cells, missing=missing)
        return
    other = as_file(cells, missing=missing)
    assert other.scaling.input_columns == data.scaling.input_columns
    assert other.X.tobytes() == data.X.tobytes()
    assert other.dropped == data.dropped
    if not data.dropped:
        assert data.scaling.apply(pd.DataFrame({"x": cells})).tobytes() == data.X.tobytes()


def test_a_network_of_another_size_is_told_what_became_of_the_columns(tmp_path):
    data = Dataset.from_frame(cars(), ["age", "fuel"], "price")
    run = fastnn.train(fastnn.Network((2, 1)), data.X[:, :2], data.y, epochs=1, engine="batched")
    for ask in (run.predict, run.score):
        with pytest.raises(
            InputError, match=r"network's 2 inputs and 1 output; got 4 inputs .*, of which 'fuel' became 3"
        ):
            ask(data)
    with pytest.raises(InputError, match=r"must have 2 inputs .* got 4 and 1, of which 'fuel' became 3"):
        run.save(tmp_path / "m.npz", data)

"""load_csv: what it reads, and that everything else is refused with file, line and column."""

import csv
import io
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.checking import InputError
from fastnn.data.cells import is_number
from fastnn.data.datasets import Dataset
from fastnn.data.loading import dataset_in, load_csv

GOOD = "age,sex,bmi,charges\n19,female,27.9,16884.924\n18,male,33.77,1725.5523\n28,male,33,4449.462\n"


@pytest.fixture
def write(tmp_path):
    """Write bytes or text to table.csv and return its path."""

    def to_file(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


def test_a_file_is_read(write):
    data = load_csv(write(GOOD), ["age", "sex", "bmi"], "charges")
    assert (data.inputs, data.target, data.source) == (("age", "sex", "bmi"), "charges", "table.csv")
    assert data.target_values.tolist() == [16884.924, 1725.5523, 4449.462]
    assert data.X_scaling.invert(data.X)[:, 1].tolist() == [0, 1, 1]
    assert data.categories == {"sex": ("female", "male")}
    assert data.X[:, 0].tolist() == [0.1, 0.0, 1.0]


@pytest.mark.parametrize(
    "content",
    [
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "\ufeff" + GOOD,
        GOOD.replace(",", " , "),
        GOOD.replace("female", '"female"').replace("27.9", '"27.9"'),
        GOOD.replace("\n", "\n\n") + "\n\n",
        GOOD.replace("33,", "+3.3e1,"),
        GOOD.replace(",", ";").replace(".", ","),
    ],
    ids=[
        "no last newline",
        "CRLF",
        "CR",
        "byte order mark",
        "blanks",
        "quotes",
        "empty lines",
        "exponent",
        "decimal commas",
    ],
)
def test_the_same_table_in_other_dress(write, content):
    data = load_csv(str(write(content)), ("age", "sex", "bmi"), ("charges",))
    expected = load_csv(write(GOOD), ["age", "sex", "bmi"], "charges")
    assert data.X.tolist() == expected.X.tolist()
    assert data.target_values.tolist() == expected.target_values.tolist()
    assert data.categories == expected.categories


def test_only_the_chosen_columns_need_be_clean(write):
    messy = "age,note,charges,\n1,,2,\n3,4,5,x\n7,nan,8,\n"
    assert load_csv(write(messy), "age", "charges").rows == 3


def test_cells_may_span_lines_and_hold_commas(write):
    path = write('age,place,charges\n1,"a, b",2\n3,"two\nlines",4\n5,"a, b",x\n')
    assert load_csv(path, "place", "age").categories == {"place": ("a, b", "two\nlines")}
    with pytest.raises(
        InputError, match=r"column 'charges' must hold either numbers or words; got 'x' in line 5"
    ):
        load_csv(path, "place", "charges")


def test_nothing_in_a_file_is_run(write, tmp_path):
    trap = tmp_path / "trap"
    cell = f"__import__('pathlib').Path({str(trap)!r}).touch()"
    table = write(f'age,code,charges\n1,"{cell}",3\n2,"=1+1",4\n')
    assert load_csv(table, "code", "charges", categories="code").categories["code"] == ("=1+1", cell)
    assert not trap.exists()


def changed(old, new):
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " must have a line of column names; got an empty file"),
        ("\n\r\n\n", " must have a line of column names; got an empty file"),
        ("age,sex,bmi,charges\n", " must have at least one row; got only column names"),
        (changed("33.77,1725.5523", "33.77"), ", line 3: must have 4.*got 3, ending at column 'bmi'"),
        (changed("449.462\n", "4,7\n"), ", line 4: must have 4.*got 5, going on after column 'charges'"),
        (GOOD[:-18], ", line 4: must have 4.*got 1, ending at column 'age'"),
        (changed("33.77", ""), " must have no missing cells.*: 1 in 'bmi' \\(the first in line 3\\)"),
        (changed("33.77", "  "), " must have no missing cells.*: 1 in 'bmi' \\(the first in line 3\\)"),
        (changed("female", ""), " must have no missing cells.*: 1 in 'sex' \\(the first in line 2\\)"),
        (changed("33.77", "thin"), ": column 'bmi' must hold either numbers or words; got 'thin' in line 3"),
        (changed("33.77", "1_0"), ": column 'bmi' must hold either numbers or words; got '1_0' in line 3"),
        (changed("33.77", "١٢"), ": column 'bmi' must hold either numbers or words; got '١٢' in line 3"),
        (changed("33.77", "1" * 50 + "x"), r": column 'bmi' .*got '1{39}\.\.\. in line 3"),
        (changed("female", "7"), ": column 'sex' must hold either numbers or words; got '7' in line 2"),
        (changed("33.77", "nan"), " must have no missing cells.*the first in line 3"),
        (changed("33.77", "-Infinity"), ": column 'bmi' must be finite; .* line 3: '-Infinity'"),
        (changed("33.77", "1e999"), ": column 'bmi' must be finite; .* line 3: '1e999'"),
        (changed("33.77", '"33.77'), ", line 3: must close its quotes"),
        (changed("33.77", '"33"x'), ", line 3: must be well-formed CSV"),
        (changed("33.77", "3" * 200_000), ": column 'bmi' must hold whole numbers .* line 3"),
        (changed("bmi", "age"), " must name each column once; got age more than once"),
        (GOOD.encode().replace(b"female", b"f\xe9male"), ", line 2: .*got the byte 0xe9"),
        (b"\xef\xbb\xbf" + GOOD.encode() + b"1,x,2,\xff\n", ", line 5: .*got the byte 0xff"),
        ('age,sex,bmi,charges\n1,a,"$1,027",1\n2,b,$3,2\n', ": column 'bmi' must hold plain .* in line 2"),
        ("age,sex,bmi,charges\n1,a,12 %,1\n2,b,5%,2\n", ": column 'bmi' must hold plain .* in line 2"),
    ],
)  # fmt: skip
def test_refused_content(write, content, message):
    with pytest.raises(InputError, match=f"^table.csv{message}"):
        load_csv(write(content), ["age", "sex", "bmi"], "charges")


def test_refused_names(write):
    with pytest.raises(
        InputError,
        match=r"inputs must name columns of table.csv; got 'BMI'. Did you mean 'bmi'[?] It has age, sex",
    ):
        load_csv(write(GOOD), ["age", "BMI"], "charges")
    with pytest.raises(InputError, match=r"inputs must name columns of table.csv; got 7"):
        load_csv(write(GOOD), 7, "charges")
    with pytest.raises(InputError, match="target must not be among the inputs; got 'age' in both"):
        load_csv(write(GOOD), ["age", "bmi"], "age")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.csv", "path must be an existing file; got '.*missing.csv': nothing there"),
        (".", "path must be an existing file; got '.*': a folder"),
        ("a\0b", "path must be an existing file"),
        ("x" * 5000, "path must be an existing file"),
    ],
)
def test_refused_paths(tmp_path, path, message):
    with pytest.raises(InputError, match=message):
        load_csv(os.path.join(tmp_path, path), "age", "charges")  # noqa: PTH118 - a Path would not take them


def test_refused_path_types():
    for path in (None, 3, b"table.csv"):
        with pytest.raises(InputError, match="path must be the path of a file; got"):
            load_csv(path, "age", "charges")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"an existing file; got '.*pipe': something else"):
        load_csv(tmp_path / "pipe", "age", "charges")


def test_an_unreadable_file_is_refused(write, monkeypatch):
    path = write(GOOD)

    def denied(path, flags):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", denied)
    with pytest.raises(InputError, match=r"table.csv must be readable; got Permission denied"):
        load_csv(path, "age", "charges")


# --- whatever the bytes ---

cells = st.one_of(
    st.sampled_from(["", "1", "-2.5", "nan", "inf", "yes", " ", '"', "a\nb", "1_0", "é", "27,9", "1e999"]),
    st.floats(allow_nan=False).map(repr),
    st.text(max_size=4),
)


def dataset_or_refusal(content):
    """Return the Dataset in these bytes, or None where they are refused; any other exception is a failure."""
    try:
        return dataset_in(content, "fuzz.csv", "a", "b", source="fuzz")
    except InputError:
        return None


def healthy(data):
    return isinstance(data, Dataset) and all(
        np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1 for array in (data.X, data.y)
    )


def test_the_fuzz_check_can_reject():
    assert dataset_or_refusal(b"a,b\n1,\n") is None
    data = dataset_or_refusal(b"a,b\n1,2\n3,4\n")
    assert healthy(data)
    data.X.setflags(write=True)
    data.X[0, 0] = np.nan
    assert not healthy(data)
    assert not healthy(None)
    with pytest.raises(AttributeError):
        dataset_or_refusal(None)


@given(st.one_of(st.binary(), st.binary().map(lambda tail: b"a,b\n1,2\n" + tail)))
def test_any_bytes_give_a_dataset_or_a_refusal(content):
    data = dataset_or_refusal(content)
    assert data is None or healthy(data)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_table_gives_a_dataset_or_a_refusal(rows, ending):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=ending).writerows([("a", "b"), *rows])
    blank = sum(not any(map(str.strip, row)) for row in rows)
    data = dataset_or_refusal(text.getvalue().encode("utf-8", "surrogatepass"))
    assert data is None or (healthy(data) and data.rows in (len(rows), len(rows) - blank))


@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)), min_size=1))
def test_numbers_are_read_exactly(rows):
    content = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in rows)
    data = dataset_or_refusal(content.encode())
    assert data.target_values.tolist() == [b for _, b in rows]


@given(st.text("0123456789+-.eEnaifNty", max_size=9))
def test_a_plain_number_is_what_python_takes_for_one(cell):
    try:
        float(cell)
        taken = True
    except ValueError:
        taken = False
    assert is_number(cell) == taken

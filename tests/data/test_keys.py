"""What is used as a key is one to one: labels, categories, learning rates, names of curves and files."""

from collections.abc import Hashable
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from each_of import each_of
from hypothesis import example, given
from hypothesis import strategies as st

import fastnn
from fastnn.commands.cli import main
from fastnn.plotting import tables
from fastnn.reporting import Page, Picture, Section
from fastnn.showing.lettering import distinct, told_apart

plotting = pytest.importorskip("fastnn.plotting", reason='needs pip install "fastnn-sweep[plot]"')

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

A, B, Y = [1.0, 2.0, 3.0, 5.0], [4.0, 3.0, 1.0, 2.0], [1.0, 5.0, 2.0, 4.0]
NAN = float("nan")
LABELS = [
    *(1, "1", True, "True", 1.0, "1.0", None, "None", NAN, "nan", np.str_("1"), b"a", "b'a'"),
    *(("a", 1), "('a', 1)", ("a", "1"), pd.Timestamp("2020-01-01"), "2020-01-01 00:00:00"),
    *("\u00e9", "e\u0301", "a", " a", "a ", "A", ""),
]


def table(*labels):
    return pd.DataFrame(np.column_stack([A, B, Y])[:, : len(labels)], columns=pd.Index(labels, dtype=object))


@each_of("one, other", combinations(LABELS, 2))
def test_two_labels_are_two_columns_or_refused(one, other):
    frame = table(one, other)
    if str(one) == str(other) or one == other:
        with pytest.raises(fastnn.InputError, match=r"name of its own|name each column once"):
            fastnn.Dataset.from_frame(frame, [one], [other])
    else:
        data = fastnn.Dataset.from_frame(frame, [one], [other])
        assert data.inputs[0] != data.target
        assert data.target_values.tolist() == B
        assert data.X_scaling.invert(data.X)[:, 0].tolist() == A


def test_a_column_of_categories_keeps_its_own_name():
    """Of categories that are an input each, no input has it."""
    frame = pd.DataFrame({1: list("abca"), "1": A, "y": Y})
    with pytest.raises(fastnn.InputError, match="got '1' from the columns '1' and '1'"):
        fastnn.Dataset.from_frame(frame, [1, "1"], "y")


def categories(cells):
    frame = pd.DataFrame({"c": pd.Series(cells, dtype=object), "y": Y})
    return fastnn.Dataset.from_frame(frame, "c", "y", categories="c").categories["c"]


class Same:
    def __repr__(self):
        return "same"


ALIKE = {
    "blanks after": ["a", "a ", "b", "b"],
    "blanks around": [" a", "a ", "b", "b"],
    "objects": [Same(), Same(), Same(), Same()],
    "long arrays": [np.arange(3000), np.where(np.arange(3000) == 1500, 0, np.arange(3000)), [1], [1]],
}


@pytest.mark.parametrize("cells", ALIKE.values(), ids=ALIKE.keys())
def test_categories_that_would_be_one_text_are_refused(cells):
    kinds = [np.asarray(cell) if isinstance(cell, list) else cell for cell in cells]
    with pytest.raises(fastnn.InputError, match="column 'c' must hold categories that differ"):
        categories(kinds)


def test_categories_of_a_dtype_that_would_be_one_text_are_refused():
    frame = pd.DataFrame({"c": pd.Categorical(["a", "a ", "b", "b"]), "y": Y})
    with pytest.raises(fastnn.InputError, match="differ by more than blanks; got 'a' and 'a '"):
        fastnn.Dataset.from_frame(frame, "c", "y")


def test_numbers_of_more_digits_than_a_float_are_categories_of_their_own():
    long = np.longdouble(1) + np.finfo(np.longdouble).eps
    if long == float(long):
        pytest.skip("here a long double is a float64")
    assert len(categories([long, np.longdouble(1), 2, 3])) == 4
    assert set(categories([Fraction(1, 3), 1 / 3, 10**400, 1])) == {
        "1",
        "0.3333333333333333",
        "1/3",
        str(10**400),
    }
    assert categories([1, 1.0, 2, np.float32(2)]) == ("1", "2")


# --- numbers as keys ---


@example([-0.0, 0.0])
@given(st.lists(st.floats(allow_nan=False), max_size=8))
def test_different_numbers_are_told_apart(numbers):
    texts = told_apart(numbers)
    assert len(set(zip(numbers, texts, strict=True))) == len(set(numbers)) == len(set(texts))
    assert list(map(float, told_apart(numbers[:1]))) == pytest.approx(numbers[:1], rel=1e-5)


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "b", 1, "1"]), max_size=8))
def test_names_become_distinct_and_first_ones_stay(names):
    found = distinct(names)
    assert len(set(found)) == len(names)
    first = {str(name): place for place, name in reversed(list(enumerate(names)))}
    assert all(found[place] == name for name, place in first.items())


RATES = [0.01, 0.0100000001]


@pytest.fixture(scope="module")
def near():
    """A sweep of two learning rates that print alike with six digits."""
    net, rows = fastnn.Network((1, 1, 1)), np.array([[0.0], [1.0], [2.0]])
    options = {"networks": 4, "epochs": 3, "learning_rate": RATES, "rows": [2, 3], "curves": True}
    return fastnn.sweep(net, rows, np.array([0.0, 1.0, 1.0]), progress=False, **options)


def test_learning_rates_that_print_alike_are_drawn_apart(near):
    fans = tables.fan(near)
    assert fans["curves"].nunique() == 4
    assert len(fans) == 4 * 3
    labels = [text.get_text() for text in plotting.dead_units(near).get_yticklabels()]
    assert labels == [f"rate {rate!r}, {rows} rows" for rate in RATES for rows in (2, 3)]
    scores = near.frame(["learning_rate", "rows", "loss"]).rename(columns={"loss": "mse"})
    _, labels = plotting.scores_against_rows(scores, "mse").get_legend_handles_labels()
    assert sum(label == "learning rate 0.01" for label in labels) == 1
    assert sum(label == "learning rate 0.0100000001" for label in labels) == 1


def test_the_page_has_a_picture_and_words_for_each(near):
    from fastnn.reporting import sweep_page

    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "y": [0.0, 1.0, 1.0]})
    page = sweep_page(near, fastnn.Dataset.from_frame(frame, "a", "y"))
    names = [picture.name for picture in page.pictures]
    assert {"fan-0_01", "fan-0_0100000001"} <= set(names)
    told = " ".join(picture.alt + picture.caption for picture in page.pictures)
    assert told.count("rate 0.0100000001") >= 4
    cells = next(picture for picture in page.pictures if picture.name == "cells")
    assert cells.data["label"].is_unique


def test_curves_named_by_other_keys_stay_apart(near):
    fans = tables.fan(
        {1: np.ones((2, 3)), "1": np.zeros((2, 3)), "\udc80": np.ones((1, 3)), "\\udc80": np.ones((1, 3))}
    )
    assert fans["curves"].nunique() == 4
    curves = tables.loss_curves({1: near.replay(0), "1": near.replay(0)})
    assert curves["curve"].nunique() == 2


def test_quantiles_that_print_alike_are_two(near):
    assert list(near.quantiles([0.1234567, 0.12345671]).columns)[2:] == ["12.34567 %", "12.345671 %"]
    assert list(near.quantiles([0.5, 0.25]).columns)[2:] == ["50 %", "25 %"]


@pytest.mark.parametrize("inputs", [(0, 0), (0,), (0, 1, 0)])
def test_a_surface_needs_two_different_inputs(inputs):
    rows = np.column_stack([A, B])
    run = fastnn.train(fastnn.Network((2, 1, 1)), rows / 5, np.array(Y) / 5, epochs=1)
    with pytest.raises(fastnn.InputError, match="inputs must be two different ones"):
        plotting.surface(run, rows, Y, inputs=inputs)


@pytest.mark.parametrize("name", [pd.NA, pd.NaT, Decimal("sNaN"), {}, [1], ("a", [1])])
@pytest.mark.parametrize("role", ["inputs", "target", "categories", "ordered"])
def test_what_can_be_no_label_is_refused_in_words(name, role):
    options = {"inputs": ["a"], "target": "b"} | {role: [name]}
    if role == "ordered":
        if not isinstance(name, Hashable) or isinstance(name, tuple | Decimal):
            return  # nor a key
        options["ordered"] = {name: ["x", "y"]}
    with pytest.raises(fastnn.InputError, match=f"{role} must "):
        fastnn.Dataset.from_frame(pd.DataFrame({"a": A, "b": B}), **options)


# --- names of files, and headings ---


def picture(name, data=None):
    return Picture(name, lambda ax: None, "", "", pd.DataFrame({"a": [1]}) if data is None else data)


def test_pictures_whose_files_some_disks_take_for_one_are_refused():
    page = Page("t", "", [Section("s", [picture("loss"), picture("Loss")])])
    with pytest.raises(fastnn.InputError, match="each picture's name must be its own"):
        page.html()


@pytest.mark.parametrize("name", ["CON", "nul", "Com1", "a:b", "x.", "x ", "../x", "", "a/b"])
def test_names_that_are_no_names_of_files_are_refused(name):
    with pytest.raises(fastnn.InputError, match="each picture's name must be its own, made of letters"):
        Page("t", "", [Section("s", [picture(name)])]).html()


def test_headings_of_a_table_stay_apart(tmp_path):
    data = pd.DataFrame([[1, 2, "=3", 4]], columns=["=a", "'=a", "b\x00", "b\x01"])
    picture("p", data).write(tmp_path)
    found = pd.read_csv(tmp_path / "p.csv")
    assert list(found.columns) == ["'=a", "'=a (2)", "b\ufffd", "b\ufffd (2)"]
    assert found.iloc[0].tolist() == [1, 2, "'=3", 4]


def test_an_order_given_twice_is_refused(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("c,y\na,1\nb,2\na,3\n")
    given = ["train", "--data", str(tmp_path / "t.csv"), "--inputs", "c", "--target", "y"]
    assert main([*given, "--ordered", "c=a,b", "--ordered", "c=b,a"]) == 2
    assert "--ordered must give each column once; got 'c' twice" in capsys.readouterr().err

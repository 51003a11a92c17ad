"""A categorical target: its classes, their order and names, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from fastnn import Dataset, InputError, Network, load_csv, train

FRAME = pd.DataFrame(
    {
        "x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        "text": ["rose", "fern", "moss", "rose", "fern", "moss"],
        "held": [True, False, False, True, True, False],
        "code": [3, 1, 1, 3, 3, 1],
        "level": pd.Categorical(list("acbacb"), categories=["c", "a", "b"]),
    }
)


def of(target, **how):
    return Dataset.from_frame(how.pop("frame", FRAME), "x", target, **how)


@pytest.mark.parametrize(
    ("target", "how", "classes", "codes"),
    [
        ("text", {}, ("fern", "moss", "rose"), [2, 0, 1, 2, 0, 1]),
        ("text", {"ordered": {"text": ["rose", "moss", "fern"]}}, ("rose", "moss", "fern"), [0, 2, 1] * 2),
        ("held", {}, ("False", "True"), [1, 0, 0, 1, 1, 0]),
        ("code", {"categories": "code"}, ("1", "3"), [1, 0, 0, 1, 1, 0]),
        ("level", {}, ("c", "a", "b"), [1, 0, 2, 1, 0, 2]),
    ],
)
def test_a_categorical_target_becomes_classes(target, how, classes, codes):
    data = of(target, **how)
    assert data.classes == data.categories[target] == classes
    assert data.y.tolist() == data.target_values.tolist() == np.eye(len(classes))[codes].tolist()
    assert data.labels.tolist() == [classes[code] for code in codes]
    assert (data.target, data.scaling.targets) == (target, tuple(f"{target}={name}" for name in classes))
    assert f"{target}  {len(classes)} classes: {', '.join(classes)}" in " ".join(str(data).split(" " * 3))
    assert data.in_target_unit(data.y / 3).tolist() == (data.y / 3).tolist()


def test_numbers_and_several_targets_are_no_classes():
    assert of("code").classes is None is of("code").labels
    several = of(["held", "code"])
    assert (several.classes, several.y.tolist()) == (None, [[1, 1], [0, 0], [0, 0], [1, 1], [1, 1], [0, 0]])


def test_a_file_of_classes(tmp_path):
    FRAME.to_csv(tmp_path / "plants.csv", index=False)
    data = load_csv(tmp_path / "plants.csv", "x", "text")
    assert data.classes == ("fern", "moss", "rose")
    assert data.digest == of("text").digest


@pytest.mark.parametrize(
    ("frame", "target", "match"),
    [
        (
            FRAME.assign(text="rose"),
            "text",
            "'text' must hold at least two classes .* 'rose' in every row. Take",
        ),
        (FRAME.assign(held=True), "held", "at least two classes to be a target; got 'True' in every row"),
        (
            FRAME[FRAME.level != "a"],
            "level",
            "a row of each of its categories .* none of 'a'. Call .cat.remove",
        ),
    ],
)
def test_a_class_without_a_row_is_refused(frame, target, match):
    with pytest.raises(InputError, match=match):
        of(target, frame=frame)


def test_more_classes_than_inputs_may_have_categories():
    names = [f"{first}{second}" for first in "abcdefgh" for second in "klmnopqr"]
    frame = pd.DataFrame({"x": range(128), "name": names * 2})
    assert len(of("name", frame=frame).classes) == 64
    with pytest.raises(InputError, match="at most 50 categories, as each becomes an input; got 64"):
        Dataset.from_frame(frame, "name", "x")


def test_the_first_rows_keep_the_scaling_of_all():
    few = of("text").first(3)
    assert (few.rows, few.X.tolist(), few.labels.tolist()) == (
        3,
        [[0], [0.2], [0.4]],
        ["rose", "fern", "moss"],
    )
    assert few.scaling.same_as(of("text").scaling)


@pytest.mark.parametrize(
    ("target", "network", "match"),
    [
        (
            "text",
            Network((1, 4, 2), output="softmax"),
            r'class .* fern, moss, rose; .*k\(\(1, 4, 3\), output="softmax"\)',
        ),
        ("text", Network((1, 4, 1), output="sigmoid"), r'Take Network\(\(1, 4, 3\), output="softmax"\)\.'),
        (
            "held",
            Network((1, 4, 1)),
            r'Take Network\(\(1, 4, 2\), output="softmax"\), or .*1\), output="sigmoid"',
        ),
    ],
)
def test_a_network_of_other_outputs_is_refused(target, network, match):
    with pytest.raises(InputError, match=match):
        train(network, of(target), epochs=1)

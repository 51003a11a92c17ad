"""``fastnn train`` and ``fastnn predict`` with a categorical target."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from fastnn import Dataset, Network, Training, normal, train
from fastnn.__main__ import main

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

ROWS = 30


@pytest.fixture(scope="module")
def plants(tmp_path_factory):
    random = np.random.default_rng(3)
    places = np.arange(ROWS) % 3
    x, z = (np.array([[0, 0], [3, 0], [0, 3]])[places] + random.normal(size=(ROWS, 2))).T
    path = tmp_path_factory.mktemp("classes") / "plants.csv"
    names = np.array(["=fern", "moss", "rose"])[places]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [("x", "z", "plant", "tall"), *zip(x, z, names, names == "moss", strict=True)]
        )
    return path


def run(capsys, *words):
    code = main([*map(str, words)])
    told = capsys.readouterr()
    return code, told.out, told.err


def of(plants, target="plant"):
    return "--data", plants, "--inputs", "x,z", "--target", target, "--engine", "batched", "--epochs", 3


def test_whole_numbers_become_classes_where_outputs_are_classes(plants, capsys, tmp_path):
    frame = pd.read_csv(plants)
    own, model = tmp_path / "own.csv", tmp_path / "model.npz"
    frame.assign(**{"a, b": np.arange(ROWS) % 3}).to_csv(own, index=False)
    words = [*of(own, "a, b"), "--output", "softmax", "--validation", 0.2]
    code, _, err = run(capsys, "train", *words, "--save", model)
    assert (code, Training.load(model).classes) == (0, ("0", "1", "2"))
    assert err.startswith("note: a, b holds whole numbers, which become classes (--categories)\n")


def test_softmax_and_cross_entropy_are_chosen_and_it_is_said(plants, capsys, tmp_path):
    model = tmp_path / "model.npz"
    code, out, err = run(capsys, "train", *of(plants), "--save", model)
    assert code == 0
    assert err == "note: plant holds 3 classes: 3 softmax outputs (--output) and cross-entropy (--loss)\n"
    assert "network  2-8-3, relu softmax" in out
    assert "accuracy 0." in out
    assert "log-loss" in out
    assert "R²" not in out
    assert Training.load(model).classes == ("=fern", "moss", "rose")

    _, out, _ = run(capsys, "predict", model, "--data", plants)
    head, *rows = csv.reader(io.StringIO(out))
    assert head == [
        "predicted plant",
        *(f"predicted probability of plant={name}" for name in ("=fern", "moss", "rose")),
    ]
    probabilities = np.array([row[1:] for row in rows], float)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    names = np.array(["'=fern", "moss", "rose"])  # a spreadsheet is to take none for a formula
    assert [row[0] for row in rows] == names[probabilities.argmax(axis=1)].tolist()
    told = json.loads(run(capsys, "predict", model, "--data", plants, "--json")[1])
    assert told["classes"] == ["=fern", "moss", "rose"]
    assert told["labels"][0] == told["classes"][int(np.argmax(told["predictions"][0]))]


@pytest.mark.parametrize(
    ("target", "words", "network", "said"),
    [
        (
            "tall",
            ["--layers", "2,3,1"],
            "2-3-1, relu sigmoid",
            "2 classes: 1 sigmoid output (--output) and cross",
        ),
        (
            "tall",
            ["--output", "sigmoid"],
            "2-8-1, relu sigmoid",
            "tall holds 2 classes: cross-entropy (--loss)",
        ),
        ("tall", [], "2-8-2, relu softmax", "tall holds 2 classes: 2 softmax outputs (--output) and cross"),
        (
            "plant",
            ["--loss", "cross_entropy"],
            "2-8-3, relu softmax",
            "3 classes: 3 softmax outputs (--output)\n",
        ),
        ("plant", ["--loss", "squared"], "2-8-3, relu identity", ""),
    ],
)
def test_what_is_given_is_not_chosen(target, words, network, said, plants, capsys):
    code, out, err = run(capsys, "train", *of(plants, target), *words)
    assert code == 0
    assert f"network  {network}" in out
    assert said in err
    assert bool(said) == bool(err)


def test_layers_of_other_outputs_are_refused(plants, capsys):
    code, _, err = run(capsys, "train", *of(plants), "--layers", "2,4,2")
    assert code == 2
    assert "end with the 3 classes; got 2,4,2. Write --layers 2,4,3." in err


def test_the_first_rows_hold_each_class(plants, capsys, tmp_path):
    head, *rows = plants.read_text().splitlines()
    by_class = sorted(rows, key=lambda row: row.split(",")[2])
    (tmp_path / "sorted.csv").write_text("\n".join([head, *by_class]))
    code, _, err = run(capsys, "train", *of(tmp_path / "sorted.csv"), "--rows", 20)
    assert code == 2
    assert "must hold each class; got none of 'rose'" in err


def test_weights_of_classes(plants, capsys, tmp_path):
    data = Dataset.from_frame(pd.read_csv(plants), ["x", "z"], "plant")
    for told, given in (("balanced", "balanced"), ("rose=2,=fern=0.5", {"rose": 2, "=fern": 0.5})):
        code, _, _ = run(
            capsys, "train", *of(plants), "--class-weight", told, "--save", tmp_path / "model.npz"
        )
        assert code == 0
        start = normal(0, 1.5).draw(Network((2, 8, 3), output="softmax"), [0], 0)[0]
        wanted = train(Network((2, 8, 3), output="softmax"), data, start=start, epochs=3, class_weight=given)
        assert (Training.load(tmp_path / "model.npz").parameters == wanted.parameters).all()
    code, _, err = run(capsys, "train", *of(plants), "--class-weight", "rose")
    assert code == 2
    assert "--class-weight must be balanced, or names of classes and numbers; got 'rose'" in err

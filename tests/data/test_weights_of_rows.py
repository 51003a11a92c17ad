"""Weights of rows from a column of a table: read, refused, named in the digest, taken by the commands."""

import json
import re
import shlex
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastnn
from fastnn.commands import cli

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

FRAME = pd.DataFrame(
    {
        "x": [0.0, 1.0, 2.0, 4.0, 3.0, 1.5],
        "t": [1.0, 3.0, 5.0, 8.0, 7.0, 4.5],
        "n": [2.0, 0.0, 1.5, 1.0, 3.0, None],
        "used": [True, False, True, True, False, True],
        "word": ["a", "b", "a", "b", "a", "b"],
    }
)
WEIGHTS = [2.0, 0.0, 1.5, 1.0, 3.0]


def of(frame=FRAME, **options):
    return fastnn.Dataset.from_frame(frame, "x", "t", **options)


class TestColumns:
    def test_a_column_of_numbers(self):
        data = of(weights="n", missing="drop")
        assert data.weights.tolist() == WEIGHTS
        assert (data.inputs, data.target, data.rows, data.dropped) == (("x",), "t", 5, 1)
        assert not data.weights.flags.writeable
        assert "rows have weights, 0 .. 3" in str(data)
        assert "weights of rows" in data._repr_html_()
        assert of().weights is None

    def test_true_and_false_are_1_and_0(self):
        assert of(weights="used").weights.tolist() == [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]

    def test_a_file(self, tmp_path):
        FRAME.to_csv(tmp_path / "own.csv", index=False)
        data = fastnn.load_csv(tmp_path / "own.csv", "x", "t", weights="n", missing="drop")
        assert data.weights.tolist() == WEIGHTS
        assert data.digest == of(weights="n", missing="drop").digest

    def test_the_digest_tells_of_them(self):
        frame = FRAME.iloc[:5]
        other = frame.assign(n=[2.0, 0.0, 1.5, 1.0, 3.5])
        assert len({of(frame).digest, of(frame, weights="n").digest, of(other, weights="n").digest}) == 3

    @pytest.mark.parametrize(
        ("name", "cells", "message"),
        [
            ("x", None, "weights must name a column that is no input and no target; got 'x'"),
            ("t", None, "weights must name a column that is no input and no target; got 't'"),
            ("N", None, "weights must name columns of the DataFrame; got 'N'. Did you mean 'n'"),
            (["n", "used"], None, "weights must name one column; got n, used"),
            (
                "n",
                None,
                "must have no missing cells in the chosen columns; got 1 of 6 rows with some: 1 in 'n'",
            ),
            (
                "word",
                None,
                "'word' must hold numbers from 0, not all 0, to be the weights of rows; got 'a' in row 0",
            ),
            ("w", ["1", "2 kg", "3", "4", "5", "6"], "to be the weights of rows; got '2 kg' in row 1"),
            ("w", ["x"] * 6, "got 'x' in row 0 (index 0). Write plain numbers in the column"),
            ("w", pd.Categorical([1, 2] * 3), "to be the weights of rows; got the category 1 in row 0"),
            ("w", [1, 2, 3, -1, 5, 6], "got -1.0 in row 3 "),
            ("w", [0] * 6, "got 0 in all rows"),
            ("w", [1, 2, np.inf, 1, 1, 1], "must be finite"),
        ],
    )
    def test_what_is_refused(self, name, cells, message):
        frame = FRAME if cells is None else FRAME.assign(w=cells)
        with pytest.raises(fastnn.InputError) as refused:
            of(frame, weights=name)
        assert message in str(refused.value)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FRAME.to_csv("own.csv", index=False)

    def run(command, *arguments):
        table = ["--data", "own.csv", "--inputs", "x", "--target", "t", "--missing", "drop"]
        whole = [*table, "--epochs", "2", "--engine", "batched"] if "--data=own.csv" not in arguments else []
        code = cli.main([command, *whole, *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


WEIGHTED = ["--weights", "n", "--weights-within", "batch", "--batch-size", "2"]


class TestCommands:
    def test_train(self, run):
        data = of(weights="n", missing="drop")
        code, out, err = run("train", *WEIGHTED, "--rows", "4", "--save", "model.npz", "--json")
        assert (code, err) == (0, "")
        alone = fastnn.train(
            *(fastnn.Network((1, 2, 1)), data.X[:4], data.y[:4]),
            **{"sample_weight": WEIGHTS[:4], "weights_within": "batch", "batch_size": 2, "epochs": 2},
            engine="batched",
        )
        found = json.loads(out)
        assert (found["loss"], found["weights_within"]) == (alone.loss, "batch")
        loaded = fastnn.Training.load("model.npz")
        assert loaded.weights_within == "batch"
        assert "rows with weights within each batch" in repr(loaded)
        out = " ".join(run("train", *WEIGHTED)[1].split())
        assert "learning rate 0.005, batches of 2, rows with weights within each batch" in out

    def test_the_page_of_a_sweep_trains_the_same_network(self, run, undrawn):
        options = ["--networks", "3", "--rows", "4,5", "--no-progress", "--json", "--store", "kept"]
        code, out, err = run("sweep", *WEIGHTED, *options)
        assert (code, err) == (0, "")
        assert json.loads(out)["weights_within"] == "batch"
        page = unescape(Path("fastnn-sweep/index.html").read_text(encoding="utf-8"))
        (command,) = re.findall(r"<pre[^>]*><code>fastnn train (.*?)</code></pre>", page)
        code, out, err = run("train", *shlex.split(command), "--json")
        assert (code, err) == (0, "")
        again = json.loads(out)
        sweep = fastnn.open("kept")
        best = int(sweep.best(1)["network"].iloc[0])
        assert again["loss"] == sweep.replay(best).loss == sweep.loss[best]
        (python,) = re.findall(r"<pre[^>]*><code>(assert .*?)</code></pre>", page, re.DOTALL)
        names = {"fastnn": fastnn, "data": of(weights="n", missing="drop")}
        exec(python, names)  # noqa: S102 - what the page tells a reader to run
        assert names["run"].loss == again["loss"]

    @pytest.mark.parametrize(
        ("options", "complaint"),
        [
            (["--weights", "x"], "--weights must name a column that is no input and no target; got 'x'"),
            (["--weights-within", "batch"], "--weights-within must go with weights of rows; got 'batch'"),
            (["--weights", "word"], "own.csv: column 'word' must hold numbers from 0"),
        ],
    )
    def test_what_is_refused(self, run, options, complaint):
        code, out, err = run("train", *options)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"fastnn: {complaint}")


@pytest.mark.parametrize("within", ["epoch", "batch"])
def test_a_training_tells_of_them_and_its_file_keeps_that(tmp_path, within):
    data = of(weights="n", missing="drop")
    options = {"epochs": 1, "engine": "batched", "batch_size": 2}
    plain = fastnn.train(fastnn.Network((1, 1)), data, **options)
    run = fastnn.train(
        fastnn.Network((1, 1)), data, sample_weight=data.weights, weights_within=within, **options
    )
    assert (plain.weights_within, run.weights_within) == (None, within)
    assert "rows with weights" in repr(run)
    assert "rows with weights" in run._repr_html_()
    assert "weights" not in repr(plain)
    for each in (plain, run):
        each.save(tmp_path / "m.npz")
        loaded = fastnn.Training.load(tmp_path / "m.npz")
        assert repr(loaded) == repr(replace(each, scaling=None)) == repr(each)


def test_a_sweep_tells_of_them():
    data = of(weights="n", missing="drop")
    options = {"networks": 2, "epochs": 1, "engine": "batched", "progress": False}
    found = fastnn.sweep(fastnn.Network((1, 1)), data, sample_weight=data.weights, **options)
    assert "rows with weights" in repr(found)
    assert "rows with weights" in found._repr_html_()
    assert found.replay(1).weights_within == "epoch"

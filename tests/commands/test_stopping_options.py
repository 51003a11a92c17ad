"""The options --validation, --patience, --min-delta and --watch of ``fastnn train`` and ``fastnn sweep``."""

import json
import re
import shlex
from html import unescape
from pathlib import Path

import pytest

import fastnn
from fastnn.commands import cli

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

DATA = ["--data", "table.csv", "--inputs", "n1,n2", "--target", "n3", "--engine", "batched", "--epochs", "20"]
STOP = ["--patience", "2", "--min-delta", "0.001"]


@pytest.fixture(autouse=True)
def tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fastnn.generate_train_data(16).to_csv("table.csv", index=False)
    fastnn.generate_train_data(6, seed=3).to_csv("other.csv", index=False)


def run(capsys, *arguments):
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def loaded(name="table.csv"):
    return fastnn.load_csv(name, inputs=["n1", "n2"], target="n3")


def test_a_fraction_is_that_of_train(capsys):
    code, out, _ = run(capsys, "train", *DATA, "--validation", "0.25", *STOP, "--save", "m.npz", "--json")
    told, network = json.loads(out), fastnn.Network((2, 2, 1))
    asked = {"validation": 0.25, "patience": 2, "min_delta": 0.001, "epochs": 20, "engine": "batched"}
    expected = fastnn.train(network, loaded(), **asked)
    assert code == 0
    assert [*told["parameters"].values()] == expected.parameters.tolist()
    names = ("best_epoch", "trained_epochs", "ended", "validation_loss", "rows")
    assert [told[name] for name in names] == [getattr(expected, name) for name in names]
    saved = fastnn.Training.load("m.npz")
    assert (saved.best_epoch, saved.ended) == (expected.best_epoch, expected.ended)
    assert saved.scaling.same_as(expected.scaling)


def test_another_table_is_scaled_as_the_data_are(capsys):
    options = ["--validation", "other.csv", *STOP, "--watch", "training_loss"]
    _, out, _ = run(capsys, "train", *DATA, *options, "--json")
    data, other = loaded(), fastnn.generate_train_data(6, seed=3)
    further = data.scaling.apply(other[["n1", "n2"]]), data.scaling.y.apply(other["n3"])
    asked = {"validation": further, "patience": 2, "min_delta": 0.001, "watch": "training_loss"}
    expected = fastnn.train(fastnn.Network((2, 2, 1)), data, epochs=20, engine="batched", **asked)
    told = json.loads(out)
    assert (told["ended"], told["validation_loss"]) == (expected.ended, expected.validation_loss)
    _, text, _ = run(capsys, "train", *DATA, *options)
    told = (
        f"ended    best epoch {expected.best_epoch} of {expected.trained_epochs}, ended by {expected.ended}"
    )
    assert told in text


@pytest.mark.usefixtures("undrawn")
def test_a_sweep_tells_how_networks_ended_and_its_page_how_to_train_one(capsys):
    options = [*DATA, "--validation", "0.25", *STOP, "--networks", "6", "--no-progress", "--out", "o"]
    _, out, _ = run(capsys, "sweep", *options, "--json")
    told = json.loads(out)
    assert sum(told["ended"].values()) == 6
    page = unescape(Path("o/index.html").read_text())
    command = shlex.split(re.search(r"fastnn train [^<\n]*", page)[0])
    assert {"--validation=0.25", "--patience=2", "--min-delta=0.001"} <= {*command}
    _, text, _ = run(capsys, "sweep", *options)
    assert "\nLoss of the best epoch: quantiles" in text
    _, out, _ = run(capsys, *command[1:], "--json")
    assert json.loads(out)["validation_loss"] == told["best"][0]["validation_loss"]


def test_a_run_goes_on_with_the_rows_that_it_was_trained_on(capsys):
    run(capsys, "train", *DATA, "--validation", "0.25", "--save", "m.npz")
    for options, message in (
        (
            [],
            "--validation must be given again where the run of m.npz kept rows of the data apart; got none. ",
        ),
        (
            ["--validation", "0.5"],
            "--data must have the columns and the scaling of the run of m.npz; got oth",
        ),
    ):
        code, _, err = run(capsys, "train", *DATA, "--start", "m.npz", *options)
        assert code == 2
        assert message in err
        assert ("Give --validation 0.25 again." in err) == (not options)
    assert run(capsys, "train", *DATA, "--start", "m.npz", "--validation", "0.25")[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--validation", "1.5"], "--validation must be a fraction of the rows"),
        (["--validation", "nan"], "--validation must be a"),
        (["--validation", "none.csv"], "--validation must be a fraction or an existing file, or insurance"),
        (["--validation", "0,25"], "--validation must be a fraction or an existing file"),
        (["--validation", "."], "--validation must be an existing file; got '.': a folder"),
        (["--patience", "2"], "--patience must go with something to watch"),
        (["--min-delta", "0.1"], "--min-delta must go with patience"),
        (["--watch", "training_loss"], "--watch must go with patience"),
    ],
)
def test_what_is_refused(capsys, options, message):
    code, _, err = run(capsys, "train", *DATA, *options)
    assert code == 2
    assert message in err

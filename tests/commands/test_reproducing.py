"""Commands that train a network again: they carry all they need, and refuse other data."""

import argparse
import json
import re
import shlex
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

import fastnn
from fastnn.commands import cli
from fastnn.commands.command_line import command_line
from fastnn.reporting.sweep_page import sweep_page

TABLE = (
    "zip;age, years;pay\n01;20,5;1.000,5\n02;31,25;2.500\n01;44;NA\n03;60;4.000,75\n02;27;1.750\n03;51;9\n"
)
OPTIONS = [
    *("--data", "own.txt", "--inputs", '"age, years"', "--inputs", "zip", "--target", "pay", "--sep", ";"),
    *("--decimal", ",", "--thousands", ".", "--encoding", "latin-1", "--header", "--missing", "drop"),
    *("--ordered", "zip=01,02,03", "--layers", "2,3,1", "--hidden", "tanh", "--start", "normal:-0.5,1"),
    *("--layers", "2,1", "--hidden", "relu"),
    *("--seed", "7", "--epochs", "4", "--shuffle", "--dtype", "float32", "--engine", "batched"),
]
SWEPT = ["--networks", "5", "--rows", "2,5", "--learning-rate", "0.05,0.1", "--no-progress", "--json"]

# Options of a sweep that `fastnn train` has not: none of them changes what becomes of a network.
OF_MANY = {"networks", "on_divergence", "workers", "processes", "dask", "store", "curves", "out", "claim"}
OF_MANY |= {"no_progress", "json"}


pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own.txt").write_text(TABLE, encoding="latin-1")


def run(capsys, *arguments):
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


def command_on_the_page(folder="fastnn-sweep"):
    page = unescape(Path(folder, "index.html").read_text(encoding="utf-8"))
    (command,) = re.findall(r"<pre[^>]*><code>(fastnn train .*?)</code></pre>", page)
    return shlex.split(command)[1:]


@pytest.fixture
def swept(capsys):
    code, _, err = run(capsys, "sweep", *OPTIONS, *SWEPT)
    assert code == 0, err
    return command_on_the_page()


def test_the_command_on_a_page_trains_the_same_network(capsys, swept):
    code, out, _ = run(capsys, *swept, "--json")
    assert code == 0
    again = json.loads(out)
    table = pd.read_parquet("fastnn-sweep/sweep.parquet")
    (network,) = table.index[table["loss"] == again["loss"]]
    told = {option: swept[swept.index(option) + 1] for option in ("--network", "--rows", "--layers")}
    of = table.loc[network]
    assert told == {
        "--network": str(network % 5),
        "--rows": str(of["rows"]),
        "--layers": of["layers"].replace("-", ","),
    }
    assert of["activations"].split() == again["network"]["activations"]


def test_each_layers_are_swept_with_each_activation(swept):
    table = pd.read_parquet("fastnn-sweep/sweep.parquet")
    assert table.groupby(["layers", "activations"], observed=True).size().to_dict() == {
        ("2-3-1", "tanh identity"): 20,
        ("2-3-1", "relu identity"): 20,
        ("2-1", "identity"): 20,
    }


def test_other_data_under_that_name_are_refused(capsys, swept):
    Path("own.txt").write_text(TABLE.replace("2.500", "2.501"), encoding="latin-1")
    code, out, err = run(capsys, *swept, "--json")
    assert (code, out) == (2, "")
    assert "the data must be those that this command was written for" in err
    assert "got other data, 5 rows from own.txt" in err


def test_the_same_data_elsewhere_are_taken(capsys, swept):
    Path("elsewhere").mkdir()
    Path("own.txt").rename("elsewhere/other.txt")
    code, _, _ = run(capsys, *swept, "--data", "elsewhere/other.txt", "--json")
    assert code == 0


def test_the_stand_in_is_not_taken_for_ones_own_insurance_table(capsys, monkeypatch):
    frame = pd.DataFrame({"age": [20, 30, 40], "bmi": [21.0, 35.5, 28], "charges": [1e3, 9e3, 4e3]})
    frame.to_csv("insurance.csv", index=False)
    monkeypatch.setenv("FASTNN_DATA", "insurance.csv")
    assert run(capsys, "sweep", "--networks", "3", "--epochs", "2", "--no-progress")[0] == 0
    command = command_on_the_page()
    assert run(capsys, *command)[0] == 0
    monkeypatch.delenv("FASTNN_DATA")
    code, out, err = run(capsys, *command)
    assert (code, out) == (2, "")
    assert "got other data, 1 338 rows from insurance_simulated.csv" in err


def test_no_option_of_a_sweep_is_forgotten():
    parser = command_line()
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    train, sweep = (
        {action.dest for action in commands.choices[name].filled()._actions} for name in ("train", "sweep")
    )
    assert sweep - train == OF_MANY - {"json"}


@pytest.mark.parametrize("digits", ["", "1234567", "x" * 16, "f" * 64])
def test_what_is_no_digest_of_the_data_is_refused(capsys, digits):
    code, _, err = run(capsys, "train", "--data", "simulated", "--epochs", "1", "--data-digest", digits)
    assert code == 2
    assert "the data must be those" in err


def test_a_page_made_in_python_checks_the_data(tmp_path):
    data = fastnn.load_insurance(simulated=True)
    net = fastnn.Network((2, 2, 1))
    found = fastnn.sweep(net, data.X, data.y, networks=3, epochs=2, progress=False)
    sweep_page(found, data).write(tmp_path)
    page = unescape((tmp_path / "index.html").read_text(encoding="utf-8"))
    (code,) = re.findall(r"<pre[^>]*><code>(assert .*?)</code></pre>", page, re.DOTALL)
    names = {"fastnn": fastnn, "data": data}
    exec(code, names)  # noqa: S102 - what the page tells a reader to run
    assert names["run"].loss_curve[-1] == found.loss.min()
    with pytest.raises(AssertionError, match="these are other data"):
        exec(code, names | {"data": fastnn.load_insurance(simulated=True, inputs=["age", "children"])})  # noqa: S102


class TestDigest:
    frame = pd.DataFrame({"a": [1.0, 2, 3], "c": ["x", "y", "x"], "t": [0.0, 1, 5]})

    def of(self, frame=frame, inputs=("a", "c"), **options):
        return fastnn.Dataset.from_frame(frame, list(inputs), "t", **options).digest

    def test_is_the_same_on_every_machine(self):
        assert self.of() == "b84aa0a2aa397d12e45836003f28aae5dcfb9cdf5adf682b34232edc0323ef38"

    def test_does_not_depend_on_where_the_rows_come_from(self):
        self.frame.to_csv("own.csv", index=False, sep=";")
        assert self.of(source="elsewhere") == self.of()
        assert fastnn.load_csv("own.csv", ["a", "c"], "t").digest == self.of()
        assert self.of(self.frame.set_index("a", drop=False)) == self.of()

    def test_tells_all_other_data_from_these(self):
        others = [
            self.of(self.frame.assign(a=[1, 2, 3 + 1e-15])),
            self.of(self.frame.assign(a=self.frame["a"] * 2)),  # X has the same bits, its scaling has not
            self.of(self.frame.assign(t=self.frame["t"] + 1)),
            self.of(self.frame.assign(c=["x", "z", "x"])),
            self.of(self.frame.iloc[:2]),
            self.of(self.frame.iloc[[0, 2, 1]]),
            self.of(inputs=("c", "a")),
            self.of(inputs=("a",)),
            self.of(self.frame.rename(columns={"a": "b"}), ("b", "c")),
        ]
        assert len({self.of(), *others}) == len(others) + 1

"""The option --optimizer: what it means, what it refuses, and the commands that take it."""

import json
import re
import shlex
from dataclasses import replace
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from alone import compare_alone

import fastnn
from fastnn.commands import cli
from fastnn.commands.choice_options import choices_of
from fastnn.commands.reports import sweep_report
from fastnn.core.optimizers import OPTIMIZERS, SGD, Momentum, Nesterov
from fastnn.core.recipe import Recipe
from fastnn.sweeping.axes import Optimizers

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

QUICK = ["--data", "simulated", "--epochs", "2"]
SWEPT = ["sweep", *QUICK, "--networks", "5", "--rows", "30", "--no-progress", "--json"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(capsys, *arguments):
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("sgd", [SGD()]),
        ("momentum", [Momentum()]),
        ("nesterov:0.5", [Nesterov(momentum=0.5)]),
        ("momentum:momentum=0.5", [Momentum(momentum=0.5)]),
        ("momentum:0.5,0.9", [Momentum(momentum=(0.5, 0.9))]),
        ("sgd,momentum:0.5,0.9,nesterov", [SGD(), Momentum(momentum=(0.5, 0.9)), Nesterov()]),
        (" sgd , nesterov:0.5 , 0.25", [SGD(), Nesterov(momentum=(0.5, 0.25))]),
        ("momentum:lin:0.1..0.9:3,nesterov", [Momentum(momentum=(0.1, 0.5, 0.9)), Nesterov()]),
        ("momentum:0.5,log:0.01..0.1:2", [Momentum(momentum=(0.5, 0.01, 0.1))]),
        ("momentum:0.5,momentum=0.75", [Momentum(momentum=(0.5, 0.75))]),
        ("momentum:.5,5e-1,0", [Momentum(momentum=(0.5, 0.5, 0.0))]),
    ],
)
def test_what_is_meant(text, meant):
    assert choices_of(text, OPTIMIZERS) == meant


@pytest.mark.parametrize("optimizer", [SGD(), Momentum(momentum=1 / 3), Nesterov(momentum=1e-300)])
def test_what_pages_print_is_read_as_the_same(optimizer):
    assert choices_of(Optimizers.spelled(optimizer), OPTIMIZERS) == [optimizer]


FORM = "--optimizer must be optimizers and their settings, separated by commas; got "


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("huber", f"{FORM}'huber', where huber is none of {', '.join(OPTIMIZERS)}. Write them like"),
        ("sgd,nestrov:0.5", f"{FORM}'sgd,nestrov:0.5' (did you mean nesterov?). Write them like"),
        ("SGD", f"{FORM}'SGD' (did you mean sgd?)"),
        ("sgd:0.5", f"{FORM}'sgd:0.5', but sgd has no settings. Write"),
        ("momentum:rate=1", f"{FORM}'momentum:rate=1', but momentum has the settings momentum. Write"),
        ("momentum:", f"{FORM}'momentum:'. Write them like sgd,momentum:0.5,0.9."),
        ("momentum:momentum=", f"{FORM}'momentum:momentum='. Write"),
        ("0.5", f"{FORM}'0.5'. Write"),
        ("lin:0.1..0.9:3", f"{FORM}'lin:0.1..0.9:3'. Write"),
        ("", f"{FORM}''. Write"),
        ("sgd,,nesterov", f"{FORM}'sgd,,nesterov'. Write"),
        ("momentum:x", "--optimizer must be numbers separated by commas; got 'x'"),
        ("momentum:0,05", "--optimizer must be written with decimal points; got '0,05'. Write 0.05"),
        ("momentum:1", "--optimizer: momentum must be from 0 up to but not including 1; got 1.0"),
        ("momentum:0.5,1", "--optimizer: momentum[1] must be from 0 up to but not including 1; got 1.0"),
        ("momentum:nan", "--optimizer: momentum must be a finite number; got nan"),
    ],
)
@pytest.mark.parametrize("command", ["train", "sweep", "compare", "code", "explain"])
def test_what_is_refused(capsys, command, text, complaint):
    code, out, err = run(capsys, command, f"--optimizer={text}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"fastnn: {complaint}")


@pytest.mark.parametrize("command", ["train", "compare", "code", "explain"])
def test_one_is_needed(capsys, command):
    code, _, err = run(capsys, command, "--optimizer", "sgd,nesterov")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("fastnn: --optimizer must name one optimizer here; got 'sgd,nesterov'. Choose one")
    code, _, err = run(capsys, command, "--optimizer", "nesterov:0.5,0.9")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("fastnn: --optimizer must have one momentum here; got Nesterov(momentum=(0.5,")


def test_repeated_ones_are_refused(capsys):
    code, _, err = run(capsys, *SWEPT, "--optimizer", "momentum:0.5,0.5")
    assert code == 2
    assert err.startswith("fastnn: --optimizer must name each value once; got [Momentum(momentum=0.5), Mom")


def test_train_and_code(capsys):
    _, out, _ = run(capsys, "train", *QUICK, "--rows", "30", "--optimizer", "nesterov:0.5", "--json")
    found = json.loads(out)
    data = fastnn.load_insurance(simulated=True)
    start = fastnn.normal(0, 1.5).draw(fastnn.Network((2, 2, 1)), [0], 0)[0]
    alone = fastnn.train(
        *(fastnn.Network((2, 2, 1)), data.X[:30], data.y[:30], start),
        epochs=2,
        optimizer=Nesterov(momentum=0.5),
    )
    assert found["loss"] == alone.loss
    assert found["recipe"] == Recipe(optimizer=Nesterov(momentum=0.5)).plain
    out = run(capsys, "train", *QUICK, "--optimizer", "nesterov:0.5")[1]
    assert "learning rate 0.005, Nesterov(momentum=0.5)" in out
    code = run(capsys, "code", "--optimizer", "momentum", "--engine", "loop")[1]
    assert code == fastnn.code(fastnn.Network((2, 2, 1)), "loop", optimizer="momentum")


def test_compare(capsys, monkeypatch):
    monkeypatch.delenv("FASTNN_DATA", raising=False)  # the command would take the published data
    compare_alone(monkeypatch)
    words = ["compare", "--epochs", "1", "--optimizer", "nesterov:0.5", "--batch-size", "32"]
    found = json.loads(run(capsys, *words, "--json")[1])
    assert found["recipe"] == Recipe(optimizer=Nesterov(momentum=0.5), batch_size=32).plain
    data, net = fastnn.load_insurance(simulated=True), fastnn.Network((2, 2, 1))
    start = fastnn.normal(0, 1.5).draw(net, [0], 0)[0]
    alone = fastnn.train(net, data, start=start, epochs=1, optimizer=Nesterov(momentum=0.5), batch_size=32)
    assert [each["fastnn"] for each in found["weights"]] == alone.parameters.tolist()
    out = " ".join(run(capsys, *words)[1].split())
    assert "learning rate 0.005, Nesterov(momentum=0.5), batches of 32, float64 program" in out


@pytest.mark.parametrize("form", [[], ["--compact"], ["--motion", "--format", "html"]])
def test_explain(capsys, form):
    _, plain, _ = run(capsys, "explain", "--layers", "2,1,1", *form)
    code, out, _ = run(capsys, "explain", "--layers", "2,1,1", "--optimizer", "nesterov:0.125", *form)
    assert code == 0
    assert "Nesterov(momentum=0.125)" in out
    assert "momentum" not in plain


class TestSweep:
    OPTIMIZERS = "sgd,momentum:0.5,0.95,nesterov"
    STOPPED = ("--validation", "0.25", "--patience", "3", "--layers", "2,1,1", "--layers", "2,2,1")

    def test_all_are_swept_and_the_table_says_which(self, capsys, undrawn):
        code, out, _ = run(capsys, *SWEPT, "--optimizer", self.OPTIMIZERS)
        assert code == 0
        found = json.loads(out)
        assert found["networks"] == 20
        assert found["optimizers"][2] == {"optimizer": "momentum", "momentum": 0.95}
        assert [cell["optimizer"] for cell in found["cells"]] == ["sgd", "momentum", "momentum", "nesterov"]
        assert [cell["momentum"] for cell in found["cells"]] == [None, 0.5, 0.95, 0.9]
        table = pd.read_parquet("fastnn-sweep/sweep.parquet")
        assert table["optimizer"].tolist() == ["sgd"] * 5 + ["momentum"] * 10 + ["nesterov"] * 5

    @pytest.mark.parametrize(
        "more", [[], ["--learning-rate", "0.00125,2"], ["--rows", "30,1000"], STOPPED], ids=str
    )
    def test_its_tables_are_80_columns_wide(self, capsys, undrawn, more):
        options = [option for option in SWEPT if option != "--json"]
        _, out, _ = run(capsys, *options, "--optimizer", "sgd,momentum:0.5,0.999,nesterov:0.75", *more)
        assert max(map(len, out.splitlines())) <= 80
        assert re.search(r"^( *2-2-1  )?momentum 0\.999 ", out, re.MULTILINE)

    @pytest.mark.parametrize("place", range(4))
    def test_the_command_on_the_page_trains_the_same_network(self, capsys, undrawn, place):
        optimizer = self.OPTIMIZERS.replace("0.5,0.95", "0.5,momentum:0.95").split(",")[place]
        optimizers = "sgd,nesterov:0.125" if optimizer == "sgd" else f"{optimizer},sgd"
        assert run(capsys, *SWEPT, "--optimizer", optimizers)[0] == 0
        page = unescape(Path("fastnn-sweep/index.html").read_text(encoding="utf-8"))
        (command,) = re.findall(r"<pre[^>]*><code>(fastnn train .*?)</code></pre>", page)
        again = json.loads(run(capsys, *shlex.split(command)[1:], "--json")[1])
        table = pd.read_parquet("fastnn-sweep/sweep.parquet")
        best = table.loc[table["loss"].idxmin()]
        assert (again["loss"], again["recipe"]["optimizer"]) == (best["loss"], best["optimizer"])
        assert again["recipe"].get("momentum") == (None if best["optimizer"] == "sgd" else best["momentum"])
        (python,) = re.findall(r"<pre[^>]*><code>(assert .*?)</code></pre>", page, re.DOTALL)
        names = {"fastnn": fastnn, "data": fastnn.load_insurance(simulated=True)}
        exec(python, names)  # noqa: S102 - what the page tells a reader to run
        assert names["run"].loss == best["loss"]

    def test_a_store_tells_of_them_and_is_filtered_by_them(self, capsys, undrawn):
        assert run(capsys, *SWEPT, "--optimizer", self.OPTIMIZERS, "--store", "night")[0] == 0
        _, out, _ = run(capsys, "store", "info", "night")
        assert re.search(r"^optimizer +SGD\(\), Momentum\(momentum=0.5\), Mom", out, re.MULTILINE)
        assert max(map(len, out.splitlines())) <= 80
        tests = ("--where", "optimizer==momentum", "--where", "momentum>0.6")
        assert run(capsys, "store", "export", "night", "part.csv", *tests)[0] == 0
        part = pd.read_csv("part.csv")
        assert part["network"].tolist() == list(range(10, 15))
        assert run(capsys, "store", "verify", "night")[0] == 0
        code, _, err = run(capsys, "store", "export", "night", "no.csv", "--where", "momentum==momentum")
        assert (code, err.count("\n")) == (2, 1)
        assert "--where must compare momentum with a number" in err


class TestLimits:
    def test_a_sweep_has_several_of_each(self, capsys, undrawn):
        options = ["--clip", "none,0.25", "--l2", "0.5", "--l2-on", "mean,sum", "--batch-size", "5"]
        options += ["--engine", "batched"]
        code, out, _ = run(capsys, *SWEPT, *options)
        assert code == 0
        cells = json.loads(out)["cells"]
        assert [cell["l2_on"] for cell in cells] == ["mean", "mean", "sum", "sum"]
        assert [cell["clip"] for cell in cells] == [None, 0.25] * 2
        page = unescape(Path("fastnn-sweep/index.html").read_text(encoding="utf-8"))
        (command,) = re.findall(r"<pre[^>]*><code>(fastnn train .*?)</code></pre>", page)
        again = json.loads(run(capsys, *shlex.split(command)[1:], "--json")[1])
        table = pd.read_parquet("fastnn-sweep/sweep.parquet")
        assert again["loss"] == table["loss"].min()

    @pytest.mark.parametrize(
        ("option", "complaint"),
        [
            ("--clip=0", "--clip[0] must be a positive finite number; got 0.0"),
            ("--clip=none,none", "--clip must name each value once"),
            ("--l2-on=mean,rows", "--l2-on must be one of 'mean', 'sum'; got 'rows'"),
            ("--l2-on=sum,sum", "--l2-on must name each value once"),
            ("--l2=-1", "--l2[0] must be 0 or above it"),
        ],
    )
    def test_what_is_refused(self, capsys, option, complaint):
        code, out, err = run(capsys, *SWEPT, option)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert err.startswith(f"fastnn: {complaint}")


def test_what_has_no_number_is_a_dash(capsys, undrawn):
    options = [option for option in SWEPT if option != "--json"]
    _, out, _ = run(
        capsys,
        *options,
        "--optimizer",
        "irprop-",
        "--clip",
        "none,1",
        "--engine",
        "batched",
        "--store",
        "night",
    )
    assert "nan" not in out
    assert re.search(r"^clip +rate .*\n +- +- +30 ", out, re.MULTILINE)
    _, out, _ = run(capsys, "store", "info", "night")
    assert "None" not in out
    assert re.search(r"^learning_rate +-$", out, re.MULTILINE)
    assert re.search(r"^clip +-, 1\.0$", out, re.MULTILINE)


def test_without_a_store_nothing_was_found_in_one():
    data = fastnn.load_insurance(simulated=True)
    found = fastnn.sweep(fastnn.Network((2, 2, 1)), data, networks=3, rows=30, epochs=1)
    first, _, _ = sweep_report(replace(found, ran=0), data).text.partition("\n")
    assert first == "3 networks"

"""The command line: what it prints and writes, its exit codes, and that its errors are one line."""

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from interrupting import interrupt_after

import fastnn
from fastnn.commands import sweeping
from fastnn.commands.cli import main
from fastnn.reporting import Page
from fastnn.sweeping.store import parquet

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

QUICK = ["--data", "simulated", "--epochs", "3"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, tmp_path_factory, monkeypatch):
    """Every test in a folder of its own, on a machine without the published file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("FASTNN_DATA", raising=False)


def run(capsys, *arguments):
    """Run the command line in this process: (exit code, standard output, standard error)."""
    try:
        code = main(list(arguments))
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def half_written(error):
    """A writing of a page that fails on the way."""

    def write(self, folder):
        (folder / "pictures").mkdir()
        (folder / "index.html").write_text("half")
        raise error

    return write


def listing(folder="."):
    """The names of what is in a folder."""
    return sorted(path.name for path in Path(folder).iterdir())


class TestTrain:
    def test_prints_the_block_and_the_scores(self, capsys):
        start = "2,2.5,3,-2,-2.5,3.5,-3,2,3"
        code, out, err = run(capsys, "train", *QUICK, f"--start={start}")
        assert (code, err) == (0, "")
        data = fastnn.load_insurance(simulated=True)
        parameters = [float(p) for p in start.split(",")]
        same = fastnn.train(fastnn.Network((2, 2, 1)), data.X, data.y, parameters, epochs=3)
        assert out.startswith(str(same) + "\n")
        assert out.startswith("NEW WEIGHTS AND BIASES\nw1: ")
        assert f"loss {same.loss:.6g}" in out
        assert "MAPE" in out

    def test_trains_one_network_of_a_sweep_alone(self, capsys):
        code, out, _ = run(capsys, "train", *QUICK, "--network", "7", "--json")
        data = fastnn.load_insurance(simulated=True)
        sweep = fastnn.sweep(fastnn.Network((2, 2, 1)), data.X, data.y, networks=8, epochs=3)
        found = json.loads(out)
        assert code == 0
        assert found["loss"] == sweep.loss[7]
        assert list(found["parameters"].values()) == sweep.parameters[7].tolist()

    @pytest.mark.parametrize(
        ("arguments", "number"),
        [
            (["--network=7"], 7),
            (["--network=0"], 0),
            ([], None),
            (["--network=7", "--start=2,2.5,3,-2,-2.5,3.5,-3,2,3"], None),
        ],
    )
    def test_it_has_its_number_there(self, capsys, arguments, number):
        assert run(capsys, "train", *QUICK, *arguments, "--save", "model.npz")[0] == 0
        assert fastnn.Training.load("model.npz").number == number

    def test_plot_writes_a_picture(self, capsys):
        code, _, _ = run(capsys, "train", *QUICK, "--plot", "loss.png")
        assert code == 0
        assert Path("loss.png").read_bytes().startswith(b"\x89PNG")
        assert listing() == ["loss.png"]

    def test_a_picture_of_unknown_kind_leaves_nothing_behind(self, capsys):
        code, _, err = run(capsys, "train", *QUICK, "--plot", "loss.docx")
        assert code == 2
        assert "must end in one of" in err
        assert listing() == []

    def test_save_keeps_the_network_and_the_scaling(self, capsys):
        code, _, _ = run(capsys, "train", *QUICK, "--save", "model.npz")
        data = fastnn.load_insurance(simulated=True)
        kept = fastnn.Training.load("model.npz")
        same = fastnn.train(
            fastnn.Network((2, 2, 1)), data.X, data.y, fastnn.normal(0, 1.5), seed=0, epochs=3
        )
        assert code == 0
        assert kept.parameters.tobytes() == same.parameters.tobytes()
        assert kept.scaling.inputs == ("age", "bmi")
        assert listing() == ["model.npz"]

    def test_a_place_where_nothing_can_be_saved_is_refused_before_the_work(self, capsys, monkeypatch):
        monkeypatch.setattr(fastnn, "train", None)
        code, out, err = run(capsys, "train", *QUICK, "--save", "no/model.npz")
        assert (code, out) == (2, "")
        assert err == (
            "fastnn: --save must be a file in an existing folder; got 'no/model.npz': "
            "there is no such folder. Check the path.\n"
        )

    def test_divergence_is_said_and_no_success(self, capsys):
        code, out, err = run(capsys, "train", *QUICK, "--learning-rate", "1e9", "--save", "model.npz")
        assert code == 1
        assert "\ndiverged in epoch 1: its loss was not finite\n" in out
        assert err == "fastnn: training diverged in epoch 1; try a smaller --learning-rate, such as 1e+08\n"
        assert fastnn.Training.load("model.npz", finite=False).diverged == 1  # saved, as was asked
        code, _, err = run(capsys, "predict", "model.npz", "--data", "new.csv")
        assert code == 2
        assert err == (
            "fastnn: model.npz must hold networks that predict; got one that diverged in epoch 1. "
            "Train again with a smaller --learning-rate.\n"
        )

    def test_divergence_is_reported_as_null(self, capsys):
        code, out, err = run(capsys, "train", *QUICK, "--learning-rate", "1e9", "--json")
        found = json.loads(out)
        assert (code, found["status"], found["loss"]) == (1, "diverged", None)
        assert "try a smaller --learning-rate" in err

    def test_a_dead_network_is_not_plainly_ok(self, capsys):
        dead = "--start=-1,-1,-1,-1,1,1,-5,-5,0.3"
        note = "its 2 hidden units are all dead, shut on every row: it answers all rows with"
        code, out, _ = run(capsys, "train", *QUICK, dead)
        assert (code, out.count(note)) == (0, 1)
        _, out, _ = run(capsys, "train", *QUICK, dead, "--json")
        assert [text[: len(note)] for text in json.loads(out)["notes"]] == [note]
        run(capsys, "train", *QUICK, dead, "--save", "model.npz")
        Path("new.csv").write_text("age,bmi\n20,30\n")
        code, _, err = run(capsys, "predict", "model.npz", "--data", "new.csv")
        assert (code, err.startswith(f"note: {note}"), err.count("\n")) == (0, True, 1)

    @pytest.mark.usefixtures("undrawn")
    def test_a_sweep_that_came_to_nothing_says_so(self, capsys):
        options = ["--networks", "20", *QUICK, "--learning-rate", "0.005,1e9", "--out", "page"]
        code, out, _ = run(capsys, "sweep", *options)
        assert code == 0
        assert "\nlearning rate 1e+09: all networks diverged; a smaller learning rate may help\n" in out
        _, out, _ = run(capsys, "sweep", *options, "--json")
        assert len(json.loads(out)["notes"]) == 1

    def test_other_data_decide_the_inputs(self, capsys):
        Path("some.csv").write_text("a,b,c,y\n1,2,3,4\n2,3,5,1\n0,1,0,2\n")
        options = ["--data", "some.csv", "--inputs", "a,b,c", "--target", "y", "--epochs", "2"]
        code, out, _ = run(capsys, "train", *options)
        assert code == 0
        assert "3-2-1" in out

    @pytest.mark.usefixtures("undrawn")
    def test_says_that_there_is_no_mape(self, capsys):
        Path("own.csv").write_text("a,b\n1,0\n2,0\n3,0\n4,5\n5,9\n")
        options = ["--data", "own.csv", "--inputs", "a", "--target", "b", "--epochs", "2"]
        for command in (["train"], ["sweep", "--networks", "5", "--out", "page"]):
            code, out, _ = run(capsys, *command, *options)
            assert code == 0
            assert "\nno MAPE: 3 of 5 rows with target 0\n" in out
            _, out, _ = run(capsys, *command, *options, "--json")
            assert "no MAPE: 3 of 5 rows with target 0" in json.loads(out)["notes"]
        assert "MAPE none\n" in run(capsys, "train", *options)[1]
        page = Path("page", "index.html").read_text()
        assert "No MAPE: 3 of 5 rows with target 0." in page
        assert "nan" not in page

    def test_generated_data(self, capsys):
        code, out, _ = run(capsys, "train", "--data", "generated", "--epochs", "2")
        assert code == 0
        assert "n1, n2 -> n3" in out


class TestPredict:
    @pytest.fixture
    def model(self):
        """A small model of age and smoker, and the run that it was."""
        data = fastnn.load_insurance(simulated=True, inputs=["age", "smoker"])
        run = fastnn.train(fastnn.Network((2, 2, 1)), data.X, data.y, epochs=2)
        run.save("model.npz", data)
        Path("new.csv").write_text("smoker,name,age\nyes,Ann,30\nno,=1+1,60.5\n")
        return run.predict(pd.DataFrame({"age": [30, 60.5], "smoker": ["yes", "no"]}), data)

    def test_prints_a_line_for_each_row(self, capsys, model):
        code, out, err = run(capsys, "predict", "model.npz", "--data", "new.csv")
        assert (code, err) == (0, "")
        assert out.splitlines()[0] == "predicted charges"
        assert [float(line) for line in out.splitlines()[1:]] == model.tolist()

    def test_as_json(self, capsys, model):
        code, out, _ = run(capsys, "predict", "model.npz", "--data", "new.csv", "--json")
        assert code == 0
        assert json.loads(out) == {"targets": ["charges"], "predictions": model.tolist()}

    def test_several_networks_and_targets_each_have_a_column(self, capsys):
        frame = pd.DataFrame({"a": [1, 2, 4], "u": [1.0, 2, 5], "v,w": [3.0, 2, 1]})
        data = fastnn.Dataset.from_frame(frame, "a", ["u", "v,w"])
        several = fastnn.train(fastnn.Network((1, 2)), data.X, data.y, [[1, 2, 3, 4], [0, 0, 0, 1]], epochs=1)
        several.save("model.npz", data)
        frame.to_csv("new.csv", index=False)
        code, out, _ = run(capsys, "predict", "model.npz", "--data", "new.csv")
        headings, *lines = csv.reader(io.StringIO(out))
        assert code == 0
        assert headings == [f"predicted {target} by network {n}" for n in (0, 1) for target in ("u", "v,w")]
        expected = several.predict(frame, data)
        assert np.array(lines, float).tolist() == np.concatenate(list(expected), axis=1).tolist()

    @pytest.mark.parametrize("count", [1, 3])
    def test_networks_of_a_sweep_are_named_by_their_numbers(self, capsys, count):
        frame = pd.DataFrame({"a": [1, 2, 4], "u": [1.0, 2, 5]})
        data = fastnn.Dataset.from_frame(frame, "a", "u")
        sweep = fastnn.sweep(fastnn.Network((1, 2, 1)), data.X, data.y, networks=9, seed=3, epochs=2)
        numbers = sweep.best(count).network
        assert numbers.tolist() != list(range(count))
        sweep.replay(numbers).save("best.npz", data)
        frame.to_csv("new.csv", index=False)
        out = run(capsys, "predict", "best.npz", "--data", "new.csv")[1]
        assert next(csv.reader(io.StringIO(out))) == [f"predicted u by network {n}" for n in numbers]
        values = json.loads(run(capsys, "predict", "best.npz", "--data", "new.csv", "--json")[1])
        assert values["network"] == (numbers.tolist() if count > 1 else numbers.iloc[0])

    def test_a_formula_in_a_name_stays_a_name(self, capsys):
        frame = pd.DataFrame({"a": [1, 2, 4], "=1+1": [1.0, 2, 5]})
        data = fastnn.Dataset.from_frame(frame, "a", "=1+1")
        fastnn.train(fastnn.Network((1, 1)), data.X, data.y, epochs=1).save("model.npz", data)
        frame.to_csv("new.csv", index=False)
        assert run(capsys, "predict", "model.npz", "--data", "new.csv")[1].startswith("predicted =1+1\n")

    def test_a_model_without_its_scaling_is_refused(self, capsys, model):
        fastnn.Training.load("model.npz")
        fastnn.train(fastnn.Network((2, 1)), [[0, 1]], [1], epochs=1).save("bare.npz")
        code, out, err = run(capsys, "predict", "bare.npz", "--data", "new.csv")
        assert (code, out) == (2, "")
        assert "bare.npz must hold the names and the scaling of its data; got a network alone. Save it" in err

    @pytest.mark.parametrize(
        ("content", "refusal"),
        [
            (
                "age\n1\n",
                "new.csv must have the column 'smoker' of training once; got 0 of that name among age.",
            ),
            ("age,smoker\nold,no\n", "column 'age' must hold numbers, as in training; got 'old' in line 2."),
            (
                "age,smoker\n1,maybe\n",
                "must hold the categories of training, no, yes; got 'maybe' in line 2.",
            ),
            (
                "age,smoker\n1,\n",
                "missing cells in the chosen columns; got 1 of 1 row with some: 1 in 'smoker'",
            ),
            ("age,smoker\n", "new.csv must have at least one row"),
        ],
    )
    def test_rows_that_do_not_fit(self, capsys, model, content, refusal):
        Path("new.csv").write_text(content)
        code, out, err = run(capsys, "predict", "model.npz", "--data", "new.csv")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert refusal in err

    @pytest.mark.parametrize(
        ("arguments", "refusal"),
        [
            (["new.csv", "--data", "new.csv"], "new.csv must be a model file that fastnn wrote"),
            (["none.npz", "--data", "new.csv"], "FILE must be an existing file; got 'none.npz'"),
            (["model.npz", "--data", "none.csv"], "--data must be an existing file; got 'none.csv'"),
            (["model.npz"], "the following arguments are required: --data"),
        ],
    )
    def test_files_that_are_none(self, capsys, model, arguments, refusal):
        code, out, err = run(capsys, "predict", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert refusal in err


class TestSweep:
    @pytest.mark.usefixtures("undrawn")
    def test_prints_writes_and_fits_80_columns(self, capsys):
        grid = ["--learning-rate", "0.005,0.01", "--rows", "30,1338", "--networks", "20"]
        code, out, err = run(capsys, "sweep", *QUICK, *grid, "--no-progress")
        assert (code, err) == (0, "")
        assert max(map(len, out.splitlines())) <= 80
        for heading in ("80 networks in", "Loss of the last epoch", "dead", "Best networks"):
            assert heading in out
        table = pd.read_parquet("fastnn-sweep/sweep.parquet")
        assert len(table) == 80
        assert listing("fastnn-sweep") == [".written-by-fastnn", "index.html", "pictures", "sweep.parquet"]
        assert Path("fastnn-sweep/pictures/losses-1.png").read_bytes().startswith(b"\x89PNG")
        assert "page     fastnn-sweep/index.html" in out

    @pytest.mark.usefixtures("without_matplotlib")
    def test_json_is_all_there_is_on_standard_output(self, capsys):
        code, out, _ = run(capsys, "sweep", *QUICK, "--networks", "20", "--json", "--out", "here")
        found = json.loads(out)
        data = fastnn.load_insurance(simulated=True)
        sweep = fastnn.sweep(fastnn.Network((2, 2, 1)), data.X, data.y, networks=20, epochs=3)
        assert code == 0
        assert found["networks"] == 20
        assert found["cells"][0]["50 %"] == np.median(sweep.loss)
        assert found["best"][0]["network"] == sweep.loss.argmin()
        assert sum(found["dead_units"]) == found["status"]["ok"] == 20
        assert Path(found["written"]["table"]).is_file()

    @pytest.mark.usefixtures("without_matplotlib")
    def test_without_pyarrow_the_table_is_csv(self, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        code, out, _ = run(capsys, "sweep", *QUICK, "--networks", "5")
        assert code == 0
        assert "table    fastnn-sweep/sweep.csv" in out
        assert len(Path("fastnn-sweep/sweep.csv").read_text().splitlines()) == 1 + 5

    @pytest.mark.usefixtures("without_matplotlib")
    def test_without_matplotlib_it_says_what_to_install(self, capsys):
        code, out, _ = run(capsys, "sweep", *QUICK, "--networks", "5")
        assert code == 0
        assert 'pip install "fastnn-sweep[plot]"' in out
        assert listing("fastnn-sweep") == [".written-by-fastnn", "sweep.parquet"]

    @pytest.mark.usefixtures("undrawn")
    def test_large_losses_fit_80_columns_too(self, capsys):
        grid = ["--learning-rate", "0.00001234,0.005", "--rows", "30,1338", "--networks", "200"]
        code, out, _ = run(capsys, "sweep", *QUICK, *grid, "--start", "normal:0,900", "--no-progress")
        assert code == 0
        assert re.search(r" \d\.\d\d\de[5-9] ", out)
        assert max(map(len, out.splitlines())) <= 80

    @pytest.mark.usefixtures("undrawn")
    def test_the_table_is_printed_before_the_page_is_drawn(self, monkeypatch):
        pipe = io.BytesIO()
        printed = io.TextIOWrapper(pipe, "utf-8")  # hands on to the pipe what has been flushed
        draw, seen = sweeping.sweep_page, []

        def drawn(*arguments, **options):
            seen.append((pipe.getvalue().decode(), listing("fastnn-sweep"), [*Path().rglob("*.html")]))
            return draw(*arguments, **options)

        monkeypatch.setattr(sys, "stdout", printed)
        monkeypatch.setattr(sweeping, "sweep_page", drawn)
        assert main(["sweep", *QUICK, "--networks", "9", "--no-progress"]) == 0
        ((before, files, pages),) = seen
        best = before.partition("Best networks, by loss of the last epoch\n")[2]
        assert [len(line.split()) for line in best.splitlines()] == [6, *[7] * 5, 0]
        # The table is in its place, for good, before the first word about it.
        assert (files[-1], pages) == ("sweep.parquet", [])
        rest = pipe.getvalue().decode().removeprefix(before)
        assert rest == "table    fastnn-sweep/sweep.parquet\npage     fastnn-sweep/index.html\n"
        assert Path("fastnn-sweep/index.html").is_file()

    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_ctrl_c_while_the_page_is_drawn_keeps_the_table(self, capsys, monkeypatch, options):
        monkeypatch.setattr(Page, "write", half_written(KeyboardInterrupt()))
        code, out, err = run(capsys, "sweep", *QUICK, "--networks", "5", "--no-progress", *options)
        assert (code, err) == (130, "")
        assert "left out: interrupted while it was drawn" in out
        assert not options or json.loads(out)["networks"] == 5
        assert listing("fastnn-sweep") == [".written-by-fastnn", "sweep.parquet"]

    def test_a_page_that_cannot_be_written_costs_no_result(self, capsys, monkeypatch):
        monkeypatch.setattr(Page, "write", half_written(OSError(28, "No space left on device")))
        code, out, err = run(capsys, "sweep", *QUICK, "--networks", "5", "--no-progress")
        assert code == 1
        assert err == "fastnn: the page could not be made: OSError: [Errno 28] No space left on device\n"
        assert "Best networks" in out
        assert "page" not in out
        assert listing("fastnn-sweep") == [".written-by-fastnn", "sweep.parquet"]
        assert len(pd.read_parquet("fastnn-sweep/sweep.parquet")) == 5

    @pytest.mark.parametrize(
        "error", [KeyError("glyf"), RuntimeError("no font"), RecursionError(), MemoryError()]
    )
    def test_whatever_goes_wrong_with_the_page_the_table_stays(self, capsys, monkeypatch, error):
        monkeypatch.setattr(Page, "write", half_written(error))
        code, out, err = run(capsys, "sweep", *QUICK, "--networks", "5", "--no-progress", "--json")
        assert code == 1
        assert err.startswith(f"fastnn: the page could not be made: {type(error).__name__}: ")
        assert json.loads(out)["written"]["page"].startswith("could not be made: ")
        assert listing("fastnn-sweep") == [".written-by-fastnn", "sweep.parquet"]

    @pytest.mark.usefixtures("undrawn")
    def test_a_later_sweep_without_a_page_leaves_no_page_of_another(self, capsys, monkeypatch):
        run(capsys, "sweep", *QUICK, "--networks", "3", "--no-progress")
        monkeypatch.setattr(Page, "write", half_written(RuntimeError("no font")))
        run(capsys, "sweep", *QUICK, "--networks", "5", "--no-progress")
        assert listing("fastnn-sweep") == [".written-by-fastnn", "sweep.parquet"]

    @pytest.mark.usefixtures("undrawn")
    def test_a_page_never_stands_beside_the_table_of_another_sweep(self, capsys, monkeypatch):
        write = Page.write

        def meanwhile(page, folder):
            with monkeypatch.context() as patch:
                patch.setattr(Page, "write", half_written(RuntimeError("none")))
                main(["sweep", *QUICK, "--networks", "7", "--no-progress"])
            return write(page, folder)

        monkeypatch.setattr(Page, "write", meanwhile)
        code, _, err = run(capsys, "sweep", *QUICK, "--networks", "5", "--no-progress")
        assert code == 1
        assert "another process has written into fastnn-sweep meanwhile" in err
        assert len(pd.read_parquet("fastnn-sweep/sweep.parquet")) == 7
        assert listing("fastnn-sweep") == [".written-by-fastnn", "sweep.parquet"]

    @pytest.mark.usefixtures("undrawn")
    def test_a_reader_who_leaves_stops_nothing(self, capsys, monkeypatch):
        read, written = os.pipe()
        os.close(read)
        with open(written, "w") as left, monkeypatch.context() as patch:  # noqa: PTH123
            patch.setattr(sys, "stdout", left)
            assert main(["sweep", *QUICK, "--networks", "5", "--no-progress"]) == 0
        assert capsys.readouterr().err == ""
        assert "index.html" in listing("fastnn-sweep")

    @pytest.mark.usefixtures("undrawn")
    def test_the_table_ranks_as_best_does(self, capsys):
        options = [*QUICK, "--networks", "40", "--rows", "30,1338", "--no-progress"]
        code, out, _ = run(capsys, "sweep", *options)
        lines = out.partition("Best networks, by loss over all rows\n")[2].splitlines()
        data = fastnn.load_insurance(simulated=True)
        net = fastnn.Network((2, 2, 1))
        sweep = fastnn.sweep(net, data, networks=40, rows=[30, 1338], epochs=3)
        assert code == 0
        assert lines[0].split() == ["network", "rate", "rows", "loss", "all", "rows", "R²", "MAPE"]
        assert [int(line.split()[0]) for line in lines[1:6]] == sweep.best(5)["network"].tolist()
        assert "Loss over all rows: quantiles over the networks that did not diverge" in out
        assert max(map(len, out.splitlines())) <= 80

    @pytest.mark.usefixtures("undrawn")
    def test_all_diverged_is_a_result(self, capsys):
        code, out, err = run(capsys, "sweep", *QUICK, "--networks", "4", "--learning-rate", "1e9,1e10")
        assert code == 1  # there is no network, as after a training that diverged
        assert "Best networks, by loss of the last epoch\nnone" in out
        said = "fastnn: all networks diverged; try a smaller --learning-rate, such as 1e+08"
        assert err.splitlines()[-1] == said
        assert len(pd.read_parquet("fastnn-sweep/sweep.parquet")) == 8
        code, _, err = run(capsys, "sweep", *QUICK, "--networks", "4", "--learning-rate", "1e9,0.01")
        assert (code, "all networks" in err) == (0, False)

    @pytest.mark.usefixtures("without_matplotlib")
    def test_the_stand_in_is_noted_on_standard_error(self, capsys):
        code, _, err = run(capsys, "sweep", "--networks", "2", "--epochs", "1", "--no-progress")
        assert code == 0
        assert err.startswith("note: no published insurance.csv found")
        assert (err.count("\n"), len(err) <= 81) == (1, True)

    @pytest.mark.usefixtures("without_matplotlib")
    def test_the_real_data(self, capsys, monkeypatch, real_insurance):
        monkeypatch.setenv("FASTNN_DATA", str(real_insurance))
        code, out, err = run(capsys, "sweep", "--networks", "2", "--epochs", "1", "--no-progress")
        assert (code, err) == (0, "")
        assert "the published file" in " ".join(out.split())

    @pytest.mark.usefixtures("undrawn")
    def test_ctrl_c_keeps_what_is_finished(self, capsys, monkeypatch):
        interrupt_after(monkeypatch, 2)
        options = ["--data", "simulated", "--networks", "200000", "--rows", "200"]
        code, out, err = run(capsys, "sweep", *options)
        assert code == 130
        assert "Traceback" not in err
        assert "networks of 200 000, interrupted" in out
        assert "page     fastnn-sweep/index.html" in out
        assert Path("fastnn-sweep/index.html").is_file()
        finished = len(pd.read_parquet("fastnn-sweep/sweep.parquet"))
        assert 0 < finished < 200_000


class TestGarbage:
    """Looking for it is a fifth of a short command's time, and nothing to change in another's program."""

    def told(self, call):
        """How often it is looked for after a call of `main`, and whether it is when the process ends."""
        script = (
            "import atexit, gc, sys; from fastnn.commands.cli import main; sys.argv = ['fastnn', '-V']; "
            "atexit.register(lambda: print(gc.get_threshold()[0], gc.get_freeze_count() > 0)); "
            f"before = gc.get_threshold()[0]; {call}; print(before)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        _, before, now, frozen = done.stdout.split()[-4:]
        return int(now) / int(before), frozen

    def test_is_seldom_looked_for_in_a_process_of_our_own(self):
        ratio, frozen = self.told("main()")
        assert (ratio > 20, frozen) == (True, "True")

    def test_as_ever_in_another(self):
        assert self.told("main(['-V'])") == (1, "False")


def test_code_prints_what_runs(capsys):
    code, out, _ = run(capsys, "code", "--layers", "2,3,1", "--hidden", "tanh", "--engine", "batched")
    assert (code, out) == (0, fastnn.code(fastnn.Network((2, 3, 1), "tanh"), "batched"))


COMMANDS = ("train", "predict", "sweep", "studies", "compare", "tutorial", "explain", "cache", "code")
COMMANDS += ("store", "store export", "guide", "completion", "help")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_80_columns(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run(capsys, *command.split(), "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80


REFUSED = {
    "unknown command": (["swep"], "invalid choice: 'swep'"),
    "unknown option": (["sweep", "--netwroks", "3"], "unrecognized arguments"),
    "no networks": (["sweep", "--networks", "0"], "--networks must be a whole number of at least 1; got 0"),
    "text for a number": (["sweep", "--learning-rate", "fast"], "--learning-rate must be numbers"),
    "learning rate": (["sweep", "--learning-rate", "0"], "--learning-rate must be positive"),
    "rows": (["sweep", "--rows", "0"], "--rows must be a whole number from 1 to 1338; got 0"),
    "layers": (["train", "--layers", "2,x,1"], "--layers must be whole numbers"),
    "inputs": (["train", "--layers", "3,2,1"], "--layers must begin with the 2 inputs"),
    "hidden": (["code", "--hidden", "swish"], "--hidden must be one of"),
    "numbers of a start": (["train", "--start", "1,2,3"], "--start must hold 9 numbers"),
    "a sweep's numbers": (["sweep", "--start", "1,2,3"], "--start must hold 9 numbers"),
    "start": (["sweep", "--start", "cauchy:0,1"], "--start must be numbers, normal:MEAN,SD"),
    "start's numbers": (["sweep", "--start", "he:1,2,3"], "--start must be numbers, normal:MEAN,SD"),
    "missing file": (["train", "--data", "no.csv", "--inputs", "a", "--target", "b"], "no.csv"),
    "file alone": (["train", "--data", "no.csv"], "--data must be an existing file, or insurance"),
    "out is a file": (
        ["sweep", "--out", "taken"],
        "output folder must not be a file; got taken, which is one",
    ),
    "store in out": (["sweep", "--out", "new", "--store", "new/s"], "--store must not lie in --out"),
    "claim": (["sweep", "--claim", "nan"], "--claim must be a finite number; got nan"),
}


@pytest.mark.parametrize(("arguments", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_are_one_line_and_exit_2(capsys, arguments, reason):
    Path("taken").write_text("")
    data = [] if not arguments or arguments[0] in ("swep", "code") or "--data" in arguments else QUICK[:2]
    code, out, err = run(capsys, *arguments, *data)
    assert (code, out) == (2, "")
    assert reason in err
    assert err.count("\n") == 1
    assert listing() == ["taken"]


@pytest.mark.usefixtures("without_matplotlib")
def test_a_failed_write_leaves_the_old_file(capsys, monkeypatch):
    run(capsys, "sweep", *QUICK, "--networks", "3")
    before = Path("fastnn-sweep/sweep.parquet").read_bytes()

    def fail(frames, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_frames", fail)
    code, _, err = run(capsys, "sweep", *QUICK, "--networks", "4")
    assert code == 1
    assert "No space left" in err
    assert Path("fastnn-sweep/sweep.parquet").read_bytes() == before
    assert listing("fastnn-sweep") == [".written-by-fastnn", "sweep.parquet"]


def test_a_folder_with_somebody_elses_file_is_refused_before_any_work(capsys, monkeypatch):
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("precious")
    monkeypatch.setattr(fastnn, "sweep", None)
    code, _, err = run(capsys, "sweep", *QUICK, "--out", "mine")
    assert code == 2
    assert "which holds notes.txt" in err
    assert listing("mine") == ["notes.txt"]


@pytest.mark.usefixtures("undrawn")
def test_a_sweep_into_its_own_folder_replaces_what_it_wrote(capsys):
    plain = [*QUICK, "--layers", "2,1", "--engine", "batched"]  # has few pictures, and compiles nothing
    run(capsys, "sweep", *plain, "--networks", "3", "--learning-rate", "0.005,1e9")
    before = listing("fastnn-sweep/pictures")
    code, _, _ = run(capsys, "sweep", *plain, "--networks", "4", "--learning-rate", "1e9")
    assert code == 1  # all of them diverge
    assert len(pd.read_parquet("fastnn-sweep/sweep.parquet")) == 4
    assert set(listing("fastnn-sweep/pictures")) < set(before)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("grid", [["--epochs", "1"], ["--learning-rate", "0.005,0.01", "--rows", "30,99"]])
def test_the_page_tells_how_to_train_a_network_again(capsys, grid):
    options = [
        "--networks",
        "9",
        "--start",
        "normal:-0.5,1",
        "--hidden",
        "tanh",
        "--shuffle",
        "--seed",
        "5",
    ]
    run(capsys, "sweep", *QUICK, *options, *grid)
    page = unescape(Path("fastnn-sweep/index.html").read_text())
    (command,) = re.findall(r"<code>(fastnn train .*?)</code></pre>", page)
    code, out, _ = run(capsys, *shlex.split(command)[1:], "--json")
    assert code == 0
    frame = pd.read_parquet("fastnn-sweep/sweep.parquet")
    assert json.loads(out)["loss"] == frame[frame["rows"] == frame["rows"].max()]["loss"].min()


def test_help_reads_the_options_of_no_command():
    program = (
        "import sys\nfrom fastnn.__main__ import main\nmain(['--help'])\n"
        "assert 'fastnn.commands.command_line' in sys.modules\n"
        "assert 'fastnn.commands.command_options' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

"""``fastnn studies`` and ``fastnn compare`` as users meet them: text, JSON, and the page in a browser."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from alone import compare_alone
from undrawn import leave_sketched

import fastnn
from fastnn import studies
from fastnn.commands.cli import main
from fastnn.comparing import comparison
from fastnn.reporting import studies_pictures
from fastnn.reporting.studies_page import studies_page
from fastnn.studies import report
from fastnn.studies.outcomes import Outcomes
from fastnn.studies.verdicts import VERDICTS

IDS = [line.id for line in report.LINES]
LARGEST = 3_000_000  # bytes of a page


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, tmp_path_factory, monkeypatch):
    """Every test in a folder of its own, on a machine without the published file and without Keras."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    compare_alone(monkeypatch)


def run(capsys, *arguments):
    """Run the command line in this process: (exit code, standard output, standard error)."""
    try:
        code = main(list(arguments))
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


class TestText:
    def test_prints_every_line_and_fits_80_columns(self, capsys):
        code, out, err = run(capsys, "studies", "--networks", "8", "--no-progress")
        assert code == 0
        assert max(map(len, out.splitlines())) <= 80
        assert [line[:2] for line in out.splitlines() if re.match(r"[DILNK]\d  ", line)] == IDS
        for line in report.LINES[:-1]:
            assert line.figure in " ".join(out.split())
        assert "a simulated stand-in for the published insurance.csv" in " ".join(out.split())
        assert "simulated data are used" in err
        assert re.search(r"8 starts for each of 14 lines: about \d+ s$", err, re.MULTILINE)
        assert not list(Path().iterdir())

    def test_json_has_the_tables(self, capsys):
        code, out, _ = run(
            capsys, "studies", "--networks", "8", "--no-progress", "--json", "--data", "simulated"
        )
        found = json.loads(out)
        data = fastnn.load_insurance(simulated=True)
        same = studies.run(studies.Experiment(data, networks=8), progress=False)
        assert code == 0
        assert [claim["verdict"] for claim in found["claims"]] == same.claims()["verdict"].tolist()
        assert [claim["median"] for claim in found["claims"]] == same.claims()["median"].tolist()
        assert found["reasons"] == same.reasons
        assert found["keras"]["missing"] == [comparison.INSTALL]
        assert [row["rows"] for row in found["by_rows"]] == list(same.experiment.row_counts)

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            (
                ["--quick", "--networks", "8"],
                "--quick chooses the number of starts; got --networks 8 as well",
            ),
            (["--networks", "0"], "networks must be a whole number from 2 to 50000; got 0"),
            (["--networks", "60000"], "networks must be a whole number from 2 to 50000; got 60000"),
            (
                ["--inputs", "age", "--networks", "8"],
                "--data must have the network's 2 inputs and 1 output; got 1",
            ),
            (["--data", "nowhere.csv", "--inputs", "a,b", "--target", "c"], "nowhere.csv"),
            (["--workers", "0"], "--workers must be a whole number from 1 to 1024; got 0"),
        ],
    )
    def test_refusals_are_one_line_and_leave_nothing(self, capsys, monkeypatch, options, reason):
        monkeypatch.setattr(studies.Experiment, "prepare", lambda *arguments: pytest.fail("it began"))
        code, out, err = run(capsys, "studies", *options, "--out", "page")
        assert (code, out) == (2, "")
        assert reason in err
        assert err.splitlines()[-1].startswith("fastnn: ")
        assert not list(Path().iterdir())

    def test_compare(self, capsys):
        code, out, err = run(capsys, "compare", "--data", "generated", "--epochs", "2")
        assert code == 0
        assert err == "training with fastnn\n"
        assert max(map(len, out.splitlines())) <= 80
        assert 'Keras is not installed with a backend: pip install "fastnn-sweep[peers]"' in " ".join(
            out.split()
        )
        frame = fastnn.generate_train_data()
        data = fastnn.Dataset.from_frame(frame, ["n1", "n2"], "n3")
        same = fastnn.train(report.NETWORK, data.X, data.y, epochs=2)
        assert f"b3 {same.parameters[-1]:.11f}" in " ".join(out.replace(f"{same.start[-1]:.11f}", "").split())

    def test_compare_as_json(self, capsys):
        code, out, _ = run(capsys, "compare", "--data", "generated", "--epochs", "2", "--json")
        found = json.loads(out)
        assert (code, found["epochs"], len(found["weights"])) == (0, 2, 9)
        assert found["programs"][0]["program"] == "fastnn"


@pytest.fixture(scope="module")
def made():
    """The studies and what their page is, with few starts; its pictures are sketched."""
    data = fastnn.load_insurance(simulated=True)
    found = studies.run(studies.Experiment(data, networks=40, epochs=20), progress=False)
    with pytest.MonkeyPatch.context() as patch:
        compare_alone(patch)
        beside = comparison.compare(report.NETWORK, data, epochs=1, backends=[])
        document = studies_page(found, beside)
        leave_sketched(patch.setattr)
        assert all(not picture.failure for picture in document.pictures)
    return found, document


@pytest.mark.long
class TestPage:
    def test_opens_without_a_fault_with_every_picture(self, page, made):
        _, document = made
        html = document.html()
        page.open(html)
        assert page.evaluate("document.title") == "The classroom report, retold"
        sizes = page.evaluate(
            "[...document.querySelectorAll('figure:has(.files) svg')].map((s) => s.clientHeight)"
        )
        assert len(sizes) == len(document.pictures) > 20
        assert min(sizes) > 100
        assert len(html.encode()) < LARGEST

    def test_fits_a_phone_and_a_desk(self, page, made):
        page.open(made[1].html())
        for width in (360, 1000):
            page.resize(width)
            assert page.evaluate("document.documentElement.scrollWidth") == width

    def test_tells_what_the_tables_tell(self, page, made):
        found, document = made
        page.open(document.html())
        text = page.evaluate("document.body.textContent")
        for line in found.lines:
            assert line.report.figure in text
            assert found.reasons[line.id][0] in text
        claims = page.evaluate("[...document.querySelectorAll('table')].map((t) => t.textContent).join()")
        assert sum(claims.count(verdict) for verdict in VERDICTS) >= len(found.claims()) + len(found.lines)
        assert "a simulated stand-in for the published insurance.csv" in text

    def test_network_in_motion_moves_as_fastnn_train(self, page, made):
        found, document = made
        data = found.experiment.data
        page.open(document.html())
        page.evaluate("document.querySelector('[data-part=epoch]').click()")
        assert page.evaluate("document.querySelector('[data-part=status]').textContent").startswith(
            "Epoch 1 is"
        )
        shown = page.evaluate("document.querySelector('data[data-now=w1]').value")
        run = fastnn.train(report.NETWORK, data.X, data.y, report.LARGE, epochs=1)
        assert float(shown) == run.parameters[0]

    def test_needs_nothing_else(self, made):
        assert not re.search(r'(src|href)="(?!#|data:|pictures/)', made[1].html())


def test_somebody_elses_folder_is_refused_before_any_work(capsys, monkeypatch):
    monkeypatch.setattr(studies.Experiment, "estimate", lambda self: pytest.fail("it began"))
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("mine")
    code, _, err = run(capsys, "studies", "--networks", "8", "--out", "mine")
    assert code == 2
    assert "mine" in err
    assert [path.name for path in Path("mine").iterdir()] == ["thesis.txt"]


def test_a_page_needs_matplotlib_and_says_so_before_any_work(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(studies.Experiment, "estimate", lambda self: pytest.fail("it began"))
    code, _, err = run(capsys, "studies", "--networks", "8", "--out", "page")
    assert code == 2
    assert 'pip install "fastnn-sweep[plot]"' in err
    assert not Path("page").exists()


def test_ctrl_c_leaves_nothing(capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastnn.studies.experiment.Experiment.prepare", interrupted)
    code, out, err = run(capsys, "studies", "--networks", "8", "--no-progress", "--out", "page")
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "fastnn: interrupted"
    assert not Path("page").exists()


def test_all_diverged_can_be_drawn(made):
    """A line whose starts all diverged has an empty histogram, not a fault."""
    found, _ = made
    data = found.experiment.data
    options = {"networks": 5, "learning_rate": 1e200, "epochs": 3, "curves": True, "progress": False}
    gone = Outcomes((fastnn.sweep(report.NETWORK, data.X, data.y, **options),))
    assert gone.shares["diverged"] == 1.0
    line = replace(found["L5"], outcomes=gone)
    for picture in (studies_pictures.histogram(line), *studies_pictures.fans([line])):
        assert not picture.drawn.failure
        assert picture.alt


@pytest.mark.usefixtures("undrawn")
def test_other_data_are_shown_without_the_report_s_figures(capsys):
    random = np.random.default_rng(0)
    rows = [
        f"{x:.6f},{z:.6f},{0 if n < 40 else x + z:.6f}"
        for n, (x, z) in enumerate(random.uniform(size=(60, 2)))
    ]
    Path("own.csv").write_text("\n".join(["age,bmi,charges", *rows]))
    named = ["--data", "own.csv", "--inputs", "age,bmi", "--target", "charges"]
    options = [*named, "--networks", "8"]
    code, out, _ = run(capsys, "studies", "--no-progress", *options, "--out", "page")
    assert code == 0
    assert "no verdicts on these data" in out
    assert "0.0335" not in out
    assert "nan" not in out
    assert max(map(len, out.splitlines())) <= 80
    page = Path("page", "index.html").read_text()
    assert "These are other data" in page
    assert "0.0335" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    names = {path.name for path in Path("page").iterdir()}
    assert names >= {"index.html", "pictures", "claims.csv", "outcomes.csv", "rows.csv", "keras.csv"}
    *expected, of_keras = (line.id for line in report.LINES)
    lines = pd.read_csv("page/claims.csv")["line"]
    assert [line for line in dict.fromkeys(lines) if line != of_keras] == expected
    assert {path.suffix for path in Path("page/pictures").iterdir()} == {".svg", ".png", ".csv"}
    code, out, _ = run(capsys, "studies", "--no-progress", *options, "--json")
    assert json.loads(out)["of_the_report"] is False

"""The tutorial runs as a script, and as a notebook keeps what it printed and drew."""

import ast
import json
import signal
import sys
from pathlib import Path

import pytest

import fastnn
from fastnn import tutorial
from fastnn.commands.cli import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, tmp_path_factory, monkeypatch):
    """Every test in a folder of its own, on a machine without the published file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    monkeypatch.setenv("MPLBACKEND", "agg")


def test_script_runs(capsys):
    with pytest.warns(fastnn.SimulatedDataNote):
        exec(compile(tutorial.script(12), "tutorial", "exec"), {"__name__": "__main__"})  # noqa: S102 - ours
    out = capsys.readouterr().out
    assert "a simulated stand-in for the published insurance.csv" in out
    assert "NEW WEIGHTS AND BIASES" in out
    assert out.rstrip().endswith("True")  # the replayed network had the same bits


def test_another_number_of_starts_changes_that_alone():
    usual, few = tutorial.script(), tutorial.script(12)
    changed = [pair for pair in zip(usual.splitlines(), few.splitlines(), strict=True) if pair[0] != pair[1]]
    assert changed == [("STARTS = 10_000", "STARTS = 12")]


def test_numbers_of_the_text_are_the_report_s_or_computed():
    """Prose names no result of ours: every number in it stands in the report or is a setting."""
    known = {
        "0.0335",
        "0.038",
        "0.041",
        "0.05",
        "189",
        "125",
        "0.005",
        "0.01",
        "0.1",
        "30",
        "300",
        "1",
        "0",
        "2",
    }
    prose = [line for line in tutorial.script().splitlines() if line.startswith("# ") and "%%" not in line]
    words = " ".join(prose).replace("`Network((2, 2, 1))`", "").replace("2,3,1", "").replace("I1", "").split()
    numbers = {word.strip("*.,:;()\"'") for word in words}
    assert {n for n in numbers if n.replace(".", "").isdigit()} <= known


SHORT = """# # A title

# %% [markdown]
# Words.

# %%
import fastnn
from matplotlib import pyplot as plt

# %%
plt.plot([1, 2])
plt.show()
print(fastnn.__version__)
"""


@pytest.mark.parametrize("text", [SHORT, pytest.param(tutorial.script(12), marks=pytest.mark.slow)], ids=len)
def test_notebook_is_executed_and_whole(capsys, monkeypatch, text):
    monkeypatch.setattr(tutorial, "script", lambda networks: {12: text}[networks])
    pytest.importorskip("jupytext", reason='needs pip install "fastnn-sweep[tutorial]"')
    assert main(["tutorial", "--networks", "12", "--out", "some.ipynb"]) == 0
    cells = json.loads(Path("some.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == text.count("plt.show()") > 0
    source = "\n".join("".join(cell["source"]) for cell in code)
    assert ast.unparse(ast.parse(source)) == ast.unparse(ast.parse(text))
    assert capsys.readouterr().out == "notebook some.ipynb\n"


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs a system that blocks signals")
def test_no_signal_ends_a_kernel_before_it_has_a_process_group_of_its_own(monkeypatch):
    """Jupyter would kill ours in its place."""
    pytest.importorskip("jupytext", reason='needs pip install "fastnn-sweep[tutorial]"')
    text = "import signal\n\nsorted(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    monkeypatch.setattr(tutorial, "script", lambda networks: text)
    (cell,) = json.loads(tutorial.notebook())["cells"]
    (output,) = cell["outputs"]
    blocked = "".join(output["data"]["text/plain"])
    assert "SIGINT" in blocked
    assert "SIGTERM" in blocked


def test_refuses_to_overwrite(capsys, tmp_path):
    (tmp_path / "mine.ipynb").write_text("mine")
    assert main(["tutorial", "--out", "mine.ipynb"]) == 2
    assert capsys.readouterr().err == (
        "fastnn: --out must name a new file; got mine.ipynb, which exists. Name another one, or remove it.\n"
    )
    assert (tmp_path / "mine.ipynb").read_text() == "mine"


@pytest.mark.parametrize("missing", ["jupytext", "nbclient", "ipykernel", "matplotlib"])
def test_says_what_to_install(capsys, monkeypatch, tmp_path, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["tutorial"]) == 2
    assert 'pip install "fastnn-sweep[tutorial]"' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_refuses_too_few_starts(capsys, tmp_path):
    assert main(["tutorial", "--networks", "1"]) == 2
    assert "networks must be a whole number of at least 2; got 1" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

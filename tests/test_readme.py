"""The README's code runs as it stands."""

import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT

from fastnn.commands.cli import main
from fastnn.studies import report

TEXT = (ROOT / "README.md").read_text()


def blocks(language):
    """The README's code blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)


def test_blocks_are_found():
    assert len(blocks("python")) >= 3
    assert len(blocks("sh")) >= 3


def test_the_first_two_commands_are_one_line_each():
    for block in blocks("sh")[:2]:
        assert block.count("\n") == 1
        assert block.startswith("python -m pip install ")
        assert " && " in block


def test_the_python_blocks_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own README
    assert "NEW WEIGHTS AND BIASES" in capsys.readouterr().out


LINES = [line for block in blocks("sh")[2:] for line in block.splitlines()]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The folder in which the commands were run, one after the other; how each ended and what it said."""
    folder = tmp_path_factory.mktemp("commands")
    ends = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in LINES:
            said = io.StringIO()
            with redirect_stdout(said), redirect_stderr(said):
                ends[line] = (main(shlex.split(line)[1:]), said)
    return folder, ends


@pytest.mark.parametrize("line", LINES)
def test_the_commands_run(line, done):
    assert line.startswith("fastnn ")
    code, said = done[1][line]
    assert code == 0, said.getvalue()


def test_the_studies_leave_a_page_with_its_pictures_and_tables(done):
    (line,) = (line for line in LINES if line.startswith("fastnn studies") and "--out report" in line)
    folder, ends = done
    assert "page     report/index.html" in ends[line][1].getvalue()
    names = {path.name for path in (folder / "report").iterdir()}
    assert names >= {"index.html", "pictures", "claims.csv", "outcomes.csv", "rows.csv", "keras.csv"}
    claims = pd.read_csv(folder / "report/claims.csv")
    *expected, of_keras = (line.id for line in report.LINES)
    assert [line for line in dict.fromkeys(claims["line"]) if line != of_keras] == expected
    endings = {path.suffix for path in (folder / "report/pictures").iterdir()}
    assert endings == {".svg", ".png", ".csv"}


def test_the_files_it_names_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert Path(ROOT, target).exists(), target

"""The README's code runs as it stands."""

import re
import shlex
from pathlib import Path

import pytest
from conftest import ROOT

from fastnn.cli import main

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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the commands run, one after the other."""
    return tmp_path_factory.mktemp("commands")


@pytest.mark.parametrize("line", [line for block in blocks("sh")[2:] for line in block.splitlines()])
def test_the_commands_run(line, folder, monkeypatch, capsys):
    program, *arguments = shlex.split(line)
    assert program == "fastnn"
    monkeypatch.chdir(folder)
    assert main(arguments) == 0, capsys.readouterr().err


def test_the_files_it_names_are_there():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert Path(ROOT, target).exists(), target

"""The README: short, with code that runs as it stands."""

import re
from pathlib import Path

import pytest
from conftest import ROOT
from documents import blocks, links, run

from fastnn.guide.chapters import CHAPTERS

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 130


def test_it_is_short():
    assert len(TEXT.splitlines()) <= MOST_LINES


def test_the_only_commands_are_two_lines_that_set_up_and_run():
    commands = [code for _, code in blocks(TEXT, "sh")]
    assert len(commands) == 2
    for block in commands:
        assert block.count("\n") == 1
        assert block.startswith("python -m pip install ")
        assert " && " in block


def test_it_has_no_code_that_is_not_run():
    assert {language for language, _ in blocks(TEXT)} == {"python", "sh"}


def test_the_python_blocks_run_in_order(tmp_path, monkeypatch):
    python = "\n".join(f"```python\n{code}```" for _, code in blocks(TEXT, "python"))
    assert "NEW WEIGHTS AND BIASES" in run(python, tmp_path, monkeypatch)


def test_a_block_that_fails_is_noticed(tmp_path, monkeypatch):
    with pytest.raises(ZeroDivisionError):
        run("```python\n1/0\n```", tmp_path, monkeypatch)
    with pytest.raises(AssertionError, match="must be one of"):
        run("```sh\nfastnn code --hidden softmin\n```", tmp_path, monkeypatch)


def test_the_files_it_names_are_there():
    assert links(TEXT)
    for target in links(TEXT):
        assert Path(ROOT, target).exists(), target


def test_every_chapter_of_the_guide_is_named():
    assert set(links(TEXT)) >= {f"fastnn/guide/{name}.md" for name in CHAPTERS}


def test_ci_runs_its_first_two_commands():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"\bblock (\d)\b", script) == ["1", "2"]

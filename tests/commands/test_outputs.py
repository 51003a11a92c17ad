"""The files and folders that the command line is to write: checked before the work, or refused."""

import os
from pathlib import Path

import pytest

import fastnn
from fastnn.commands.cli import main

QUICK = ["--data", "simulated", "--epochs", "3"]
OWN = ["--data", "own.csv", "--inputs", "a", "--target", "y"]
NO_PLACE = "must be a file in an existing folder; got"
TWICE = "must name different files; got"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, tmp_path_factory, monkeypatch):
    """Every test in a folder of its own, on a machine without the published file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("FASTNN_DATA", raising=False)


def run(capsys, *arguments):
    """Run the command line in this process: (exit code, standard output, standard error)."""
    code = main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def listing():
    return sorted(path.name for path in Path().iterdir())


OUTPUTS = {
    "train, no folder": (
        ["train", "--plot", "no/loss.png"],
        "--plot " + NO_PLACE + " 'no/",
    ),
    "train, a folder": (
        ["train", "--plot", "folder"],
        "--plot " + NO_PLACE + " 'folder'",
    ),
    "train, unknown ending": (["train", "--plot", "loss.xyz"], "--plot must end in one of"),
    "train, no ending": (["train", "--plot", "loss"], "--plot must end in one of"),
    "train, below a file": (
        ["train", "--save", "own.csv/m"],
        "--save " + NO_PLACE + " 'own",
    ),
    "train, too long": (["train", "--save", "m" * 300], "--save " + NO_PLACE),
    "train, twice": (
        ["train", "--save", "m.png", "--plot", "./m.png"],
        "--save and --plot " + TWICE,
    ),
    "train, the data": (
        ["train", *OWN, "--save", "own.csv"],
        "--data and --save " + TWICE,
    ),
    "train, the data by a link": (
        ["train", *OWN, "--save", "link.csv"],
        "--data and --save " + TWICE,
    ),
    "sweep, below a file": (
        ["sweep", "--out", "own.csv/p"],
        "got own.csv/p: Not a directory. Name another folder",
    ),
    "sweep, a file": (["sweep", "--out", "own.csv"], "must not be a file; got own.csv"),
    "sweep, in its store": (["sweep", "--store", "s", "--out", "s/page"], "--out must not lie in --store"),
    "studies, a file": (["studies", "--quick", "--out", "own.csv"], "must not be a file; got own.csv"),
    "explain, no folder": (
        ["explain", "--out", "no/e.txt"],
        "--out " + NO_PLACE + " 'no/",
    ),
    "explain, there": (["explain", "--csv", "own.csv"], "--csv must name a new file; got own.csv"),
    "explain, twice": (["explain", "--csv", "a", "--out", "a"], "--csv and --out " + TWICE),
    "tutorial, no folder": (
        ["tutorial", "--out", "no/t.ipynb"],
        "--out " + NO_PLACE + " 'no/",
    ),
    "tutorial, a folder": (
        ["tutorial", "--out", "folder"],
        "--out " + NO_PLACE + " 'folder'",
    ),
}


@pytest.mark.parametrize(("arguments", "reason"), OUTPUTS.values(), ids=OUTPUTS.keys())
def test_outputs_are_refused_before_the_work(capsys, monkeypatch, arguments, reason):
    """Nothing is trained, nothing is made, and the name is the one that was given."""
    Path("own.csv").write_text("a,y\n1,2\n2,3\n3,5\n")
    Path("link.csv").symlink_to("own.csv")
    Path("folder").mkdir()
    for work in ("train", "sweep", "explain"):
        if work != "explain" or arguments[0] != "explain":
            monkeypatch.setattr(fastnn, work, None)
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert reason in err
    assert listing() == ["folder", "link.csv", "own.csv"]
    assert Path("own.csv").read_text().startswith("a,y")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("arguments", [["train", "--save", "shut/m"], ["sweep", "--out", "shut/p"]])
def test_a_folder_that_may_not_be_written_is_refused(capsys, arguments):
    Path("shut").mkdir(0o500)
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert "Permission denied" in err


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, where nobody can write")
@pytest.mark.parametrize("arguments", [["train", "--save", "/proc/m"], ["sweep", "--out", "/proc/p"]])
def test_a_file_system_that_cannot_be_written_is_refused(capsys, arguments):
    code, out, err = run(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert arguments[2] in err


@pytest.mark.usefixtures("without_matplotlib")
def test_a_picture_without_matplotlib_is_refused_before_the_work(capsys, monkeypatch):
    monkeypatch.setattr(fastnn, "train", None)
    code, _, err = run(capsys, "train", *QUICK, "--plot", "loss.png")
    assert code == 2
    assert 'pip install "fastnn-sweep[plot]"' in err
    assert listing() == []


def test_a_disk_that_is_full_names_the_file_that_was_given(capsys, monkeypatch):
    def full(figure, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("fastnn.plotting.save", full)
    code, _, err = run(capsys, "train", *QUICK, "--plot", "loss.png")
    assert (code, listing()) == (1, [])
    assert "No space left on device" in err
    assert err.rstrip().endswith("/loss.png'")

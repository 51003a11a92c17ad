"""Every path that is given, wherever: refused in words before any work where it can be none."""

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from each_of import each_of

import fastnn
from fastnn.commands.cli import main
from fastnn.reporting import published_folder
from fastnn.sweeping.work.places import Stored
from fastnn.training.result import Training

NET = fastnn.Network((1, 1, 1))
X, Y = np.array([[0.0], [1.0]]), np.array([0.0, 1.0])


def saved(path):
    fastnn.train(NET, X, Y, epochs=1).save(path)


def page(path):
    with published_folder(path):
        raise AssertionError("a folder was made")


FILES = {
    "load_csv": lambda path: fastnn.load_csv(path, "a", "y"),
    "load_insurance": fastnn.load_insurance,
    "Training.load": fastnn.Training.load,
    "Training.save": saved,
}
FOLDERS = {
    "sweep": lambda path: fastnn.sweep(NET, X, Y, networks=2, epochs=1, store=path),
    "open": fastnn.open,
    "published_folder": page,
}
DOORS = FILES | FOLDERS


class Raises:
    def __fspath__(self):
        raise ZeroDivisionError("no path today")


class Bytes:
    def __fspath__(self):
        return b"name"


PATHS = {
    "nul": ("a\0b", "it holds a NUL sign"),
    "nul in front": ("\0", "it holds a NUL sign"),
    "long": ("x" * 300, "File name too long"),
    "long in a folder": ("y/" + "x" * 300, "File name too long"),
    "deep": ("x/" * 3000 + "x", "File name too long"),
    "not UTF-8": (os.fsdecode(b"caf\xe9"), "it is no text in UTF-8"),
    "half a sign": ("\ud83d", "it is no text in UTF-8"),
    "empty": ("", "it is empty"),
    "nobody's home": ("~nobody-of-this-name/x", "home"),
    "a link to itself": ("loop", "Too many levels of symbolic links"),
    "below a link to itself": ("loop/x", "Too many levels of symbolic links"),
    "bytes": (b"name", "Give a str or a Path"),
    "a number": (7, "Give a str or a Path"),
    "raises": (Raises(), "Give a str or a Path"),
    "gives bytes": (Bytes(), "Give a str or a Path"),
    "an address": ("s3://bucket/name", "an address"),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Path("home").mkdir()
    Path("loop").symlink_to("loop")


def untouched():
    """Whether nothing was made, but for what other libraries keep hidden in the home folder."""
    made = [*Path().iterdir(), *Path("home").glob("[!.]*")]
    return sorted(path.name for path in made) == ["home", "loop"]


@pytest.mark.skipif(os.name == "nt", reason="other reasons, in Windows' own words")
@each_of("door, name", product(DOORS, PATHS))
def test_a_path_that_can_be_none_is_refused(door, name):
    door, (path, reason) = DOORS[door], PATHS[name]
    with pytest.raises(fastnn.InputError) as refusal:
        door(path)
    words = str(refusal.value)
    assert reason in words
    assert words.isprintable()
    assert len(words) < 250
    assert untouched()


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_a_folder_that_is_gone_is_refused(door, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        with pytest.raises(fastnn.InputError, match="got 'x': the current folder is gone"):
            door("x")
    finally:
        os.chdir(tmp_path)


@pytest.mark.parametrize("door", FILES.values(), ids=FILES.keys())
@pytest.mark.parametrize("name", ["new/", "folder/", "."])
def test_a_folder_is_no_file(door, name):
    Path("folder").mkdir()
    with pytest.raises(fastnn.InputError, match=r"folder|no ordinary file"):
        door(name)


def commands(path):
    """The command line with a path wherever it takes one."""
    quick = ["--data", "simulated", "--epochs", "1", "--no-progress"]
    return [
        ["train", "--data", path, "--inputs", "a", "--target", "y"],
        ["train", *quick[:-1], "--save", path],
        ["train", *quick[:-1], "--plot", path],
        ["predict", path, "--data", "new.csv"],
        ["sweep", *quick, "--networks", "2", "--out", path],
        ["sweep", *quick, "--networks", "2", "--store", path],
        ["studies", "--quick", "--out", path],
        ["explain", "--out", path],
        ["explain", "--csv", path],
        ["tutorial", "--out", path],
        ["store", "info", path],
        ["store", "verify", path],
        ["store", "export", path, "out.csv"],
    ]


REFUSED = ["a\0b", "x" * 300, "\udce9", "~nobody-of-this-name/x", "loop/x"]


@pytest.mark.skipif(os.name == "nt", reason="other reasons, in Windows' own words")
@pytest.mark.parametrize("arguments", range(len(commands(""))))
@pytest.mark.parametrize("path", REFUSED)
def test_the_command_line_refuses_it_before_the_work(arguments, path, capsys, monkeypatch):
    if commands("")[arguments][0] != "explain":
        monkeypatch.setattr(fastnn, "train", None)
        monkeypatch.setattr(fastnn, "sweep", None)
    given = commands(path)[arguments]
    assert main(given) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1, captured.err
    assert "Check the path" in captured.err
    assert untouched()


def test_a_tilde_is_the_home_folder_everywhere(tmp_path, capsys):
    home = tmp_path / "home"
    (home / "own.csv").write_text("a,y\n1,2\n2,3\n3,5\n")
    assert fastnn.load_csv("~/own.csv", "a", "y").rows == 3
    saved("~/m.npz")
    assert fastnn.Training.load(Path("~/m.npz")).epochs == 1
    found = fastnn.sweep(NET, X, Y, networks=2, epochs=1, store="~/store")
    assert found.store == home / "store"
    assert fastnn.open("~/store").digest() == found.digest()
    with published_folder("~/page") as folder:
        (folder / "index.html").write_text("a page")
    own = ["--data", "~/own.csv", "--inputs", "a", "--target", "y", "--epochs", "1"]
    assert main(["train", *own, "--save", "~/own.npz"]) == 0
    assert main(["predict", "~/own.npz", "--data", "~/own.csv"]) == 0
    assert main(["store", "export", "~/store", "~/out.csv"]) == 0
    assert main(["explain", "--out", "~/explained.txt"]) == 0
    assert main(["train", *own, "--save", "~/own.csv"]) == 2
    assert "--data and --save must name different files" in capsys.readouterr().err
    names = {"own.csv", "m.npz", "store", "page", "own.npz", "out.csv", "explained.txt"}
    assert {path.name for path in home.iterdir()} == names
    assert not Path("~").exists()


def test_kernels_may_be_kept_in_the_home_folder(monkeypatch, tmp_path):
    from fastnn.engines import kernel_files

    monkeypatch.setenv(kernel_files.VARIABLE, "~/kept")
    assert kernel_files.folder() == tmp_path / "home" / "kept" / "kernels"


def test_a_file_with_a_long_ending_is_written():
    name = "e." + "x" * 250
    assert main(["explain", "--out", name]) == 0
    assert Path(name).stat().st_size > 0


class TestAnotherFolderMeanwhile:
    """A program may change its folder at any time; what was given before means what it meant."""

    @pytest.fixture
    def elsewhere(self, tmp_path, monkeypatch):
        """Two folders, of which the first is the one to begin in."""
        (tmp_path / "here").mkdir()
        (tmp_path / "there").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        return tmp_path

    def test_a_sweep_can_still_be_asked(self, elsewhere):
        sweep = fastnn.sweep(NET, X, Y, networks=5, epochs=2, curves=1, store="night", progress=False)
        opened = fastnn.open("night")
        digest = sweep.digest()
        os.chdir(elsewhere / "there")
        for each in (sweep, opened):
            assert each.store == elsewhere / "here" / "night"
            assert each.digest() == digest
            assert len(each.frame()) == 5
            assert each.best(2).network.tolist() == sweep.best(2).network.tolist()
            assert each.curves.shape == (5, 2)
            assert each.replay(3).parameters.tobytes() == each.parameters[3].tobytes()
        assert list(Path().iterdir()) == []

    def test_a_sweep_under_way(self, elsewhere, monkeypatch):
        monkeypatch.setattr("fastnn.sweeping.store.manifest.MOST_NETWORKS", 1)
        kept = Stored.keep

        def keep(place, results):
            kept(place, results)
            os.chdir(elsewhere / "there")

        monkeypatch.setattr(Stored, "keep", keep)
        options = {"networks": 5, "epochs": 2, "engine": "batched", "progress": False}
        sweep = fastnn.sweep(NET, X, Y, store="night", **options)
        assert sweep.digest() == fastnn.sweep(NET, X, Y, **options).digest()
        assert list(Path().iterdir()) == []

    def test_a_page_under_way(self, elsewhere):
        with published_folder("page") as unfinished:
            os.chdir(elsewhere / "there")
            (unfinished / "index.html").write_text("<p>page")
        assert (elsewhere / "here" / "page" / "index.html").read_text() == "<p>page"
        assert list(Path().iterdir()) == []

    def test_a_model_under_way(self, elsewhere, monkeypatch):
        notes = Training._own_notes.func

        def leaving(run):
            os.chdir(elsewhere / "there")
            return notes(run)

        monkeypatch.setattr(Training, "_own_notes", property(leaving))
        fastnn.train(NET, X, Y, epochs=1).save("model.npz")
        assert [path.name for path in (elsewhere / "here").iterdir()] == ["model.npz"]

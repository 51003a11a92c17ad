"""`fastnn.report`: the page of the command line, made from Python."""

from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.reporting import published_folder, sweep_page

NET = fastnn.Network((2, 2, 1))


@pytest.fixture(scope="module")
def data():
    """The stand-in."""
    return fastnn.load_insurance(simulated=True)


@pytest.fixture(scope="module")
def found(data):
    """A small sweep."""
    return fastnn.sweep(NET, data.X, data.y, networks=12, epochs=2, curves=True)


def listing(folder):
    """The names in a folder."""
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.usefixtures("undrawn")
def test_is_the_page_of_the_command_line(found, data, tmp_path):
    index = fastnn.report(found, data, tmp_path / "page", claim=0.0335)
    assert index == tmp_path / "page" / "index.html"
    with published_folder(tmp_path / "other") as folder:
        sweep_page(found, data, claim=0.0335).write(folder)
    assert index.read_bytes() == (tmp_path / "other" / "index.html").read_bytes()
    pictures = [listing(tmp_path / name / "pictures") for name in ("page", "other")]
    assert pictures[0] == pictures[1] != []
    assert fastnn.report(found, data, tmp_path / "page") == index  # in place of the old one


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"sweep": 3}, "sweep must be a Sweep; got 3"),
        ({"data": np.ones((3, 2))}, "data must be the Dataset that was swept over; got a ndarray"),
        ({"data": "other"}, "got other rows, Dataset"),
        ({"folder": 3}, "folder must be the path of a folder; got 3"),
        ({"folder": "full"}, "which holds mine.txt"),
        ({"claim": "x"}, "claim must be a finite number"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_refusals_leave_nothing_behind(found, data, tmp_path, monkeypatch, change, refusal):
    monkeypatch.chdir(tmp_path)
    Path("full").mkdir()
    Path("full", "mine.txt").touch()
    arguments = {"sweep": found, "data": data, "folder": "page", **change}
    if isinstance(arguments["data"], str):
        frame = fastnn.generate_train_data(9, seed=1)
        arguments["data"] = fastnn.Dataset.from_frame(frame, ["n1", "n2"], "n3")
    with pytest.raises(fastnn.InputError, match=refusal):
        fastnn.report(**arguments)
    assert listing(".") == ["full"]
    assert listing("full") == ["mine.txt"]

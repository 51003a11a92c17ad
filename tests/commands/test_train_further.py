"""``fastnn train --start FILE``: a saved network goes on, and what is left out is as it was."""

import json

import numpy as np
import pytest

import fastnn
from fastnn.commands.cli import main

QUICK = ("train", "--data", "simulated", "--rows", "40", "--engine", "batched")
ADAM = (
    "--optimizer",
    "adam",
    "--batch-size",
    "16",
    "--shuffle",
    "--seed",
    "4",
    "--hidden",
    "tanh",
    "--l2",
    "0.01",
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(capsys, *arguments):
    code = main([*QUICK, *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_it_is_one_longer_run(capsys):
    _, expected, _ = run(capsys, *ADAM, "--epochs", "5", "--json", "--network", "3")
    run(capsys, *ADAM, "--epochs", "2", "--network", "3", "--save", "run.npz")
    code, out, _ = run(capsys, "--start", "run.npz", "--epochs", "3", "--json", "--save", "run.npz")
    assert (code, json.loads(out)) == (0, json.loads(expected))
    again = fastnn.Training.load("run.npz")
    assert (again.epochs, again.number, again.order, again.seed) == (5, 3, "shuffled", 4)


def test_validation_rows_are_drawn_by_the_seed_of_the_run(capsys):
    drawn = ("--validation", "0.3", "--patience", "2", "--min-delta", "0.5")
    run(capsys, *ADAM, *drawn, "--epochs", "9", "--save", "run.npz")
    _, expected, _ = run(capsys, *ADAM, *drawn, "--epochs", "4", "--json")
    code, out, _ = run(capsys, "--start", "run.npz", *drawn, "--epochs", "3", "--json")
    found, expected = json.loads(out), json.loads(expected)
    assert fastnn.Training.load("run.npz").best_epoch == 1
    assert (code, found["parameters"], found["loss"]) == (0, expected["parameters"], expected["loss"])


REFUSED = {
    "another network": (
        ["--layers", "2,3,1"],
        "--layers must be left out where --start names a saved network; got 2,3,1",
    ),
    "another rule": (
        ["--batch-size", "8"],
        "--batch-size must be the run's where training goes on, 16; got 8",
    ),
    "another start": (
        ["--network", "3"],
        "--network must be left out where --start names a saved network; got 3",
    ),
    "other data": (["--inputs", "age", "--target", "charges"], "inputs"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_go_on_is_refused(case, capsys):
    options, words = REFUSED[case]
    run(capsys, *ADAM, "--epochs", "1", "--save", "run.npz")
    code, out, err = run(capsys, "--start", "run.npz", *options)
    assert (code, out) == (2, "")
    assert words in err


def test_several_networks_are_refused(capsys):
    net = fastnn.Network((2, 1))
    fastnn.train(net, [[0, 1]], [1], np.zeros((2, 3)), epochs=1, engine="batched").save("two.npz")
    code, _, err = run(capsys, "--start", "two.npz")
    assert code == 2
    assert "--start must name the file of one network; got 2 networks. Go on with them from Python" in err


@pytest.mark.parametrize("name", ["none.npz", "./none.npz", "~nobody/run.npz", "x" * 300])
def test_a_file_that_is_not_there(name, capsys):
    code, _, err = run(capsys, "--start", name)
    assert code == 2
    assert "or, for fastnn train, the file of a saved network; got" in err


def test_weights_are_given_again(capsys):
    weighted = ("--weights", "children")
    run(capsys, *ADAM, *weighted, "--epochs", "1", "--save", "run.npz")
    code, _, err = run(capsys, "--start", "run.npz")
    assert code == 2
    assert (
        "--weights or --class-weight must be given again, as the run of run.npz had weights; got neither"
        in err
    )
    assert run(capsys, "--start", "run.npz", *weighted, "--epochs", "1")[0] == 0


def test_very_many_numbers_are_no_file(capsys):
    code, _, err = run(capsys, "--start", ",".join(["0.125"] * 1000))
    assert code == 2
    assert "--start must hold 9 numbers" in err

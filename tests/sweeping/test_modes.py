"""How networks end: the names of the modes, the dead units behind them, and the cells they are counted in."""

import numpy as np
import pytest

import fastnn
from fastnn.sweeping.modes import mode_names, modes
from fastnn.training.evaluating import dead_gates, dead_units

pytestmark = pytest.mark.usefixtures("compiling_nothing_unusual")

NET = fastnn.Network((2, 2, 1))


@pytest.fixture(scope="module")
def data():
    return fastnn.load_insurance(simulated=True)


@pytest.fixture(scope="module")
def grid(data):
    """A sweep with fitted, half-dead, dead and diverged networks in four cells."""
    return fastnn.sweep(
        NET, data.X, data.y, networks=60, epochs=8, learning_rate=[0.005, 40.0], rows=[30, 200], curves=True
    )


def test_the_grid_has_all_of_them(grid):
    assert set(modes(grid)) == {"fitted", "one unit dead", "both units dead", "diverged"}


def test_they_are_the_dead_units_and_the_status(grid):
    ended = np.asarray(modes(grid))
    for units, name in enumerate(["fitted", "one unit dead", "both units dead"]):
        assert np.array_equal(ended == name, (grid.dead_units() == units) & (grid.status == "ok"))
    assert np.array_equal(ended == "diverged", grid.status == "diverged")


@pytest.mark.parametrize(
    ("layers", "hidden", "names"),
    [
        ((2, 1), "relu", ["fitted", "diverged"]),
        ((2, 3, 1), "tanh", ["fitted", "diverged"]),
        ((2, 1, 1), "relu", ["fitted", "its unit dead", "diverged"]),
        ((2, 3, 1), "relu", ["fitted", "one unit dead", "2 units dead", "all 3 units dead", "diverged"]),
        ((2, 4, 4, 1), ("relu", "tanh"), None),
        ((2, 5, 4, 1), "relu", None),
    ],
)
def test_names_of_other_networks(layers, hidden, names):
    network = fastnn.Network(layers, hidden)
    found = mode_names([network])
    if names is None:
        units = 4 if hidden != "relu" else 9
        names = ["fitted", "one unit dead", f"2 to {units - 1} units dead", f"all {units} units dead"]
        names.append("diverged")
    assert found == names


def test_many_dead_units_share_a_mode_and_all_dead_do_not(data):
    network = fastnn.Network((2, 4, 1))
    shut, open_ = np.full((4, 2), -1.0), np.full((4, 2), 1.0)
    for dead, name in enumerate(
        ["fitted", "one unit dead", "2 to 3 units dead", "2 to 3 units dead", "all 4 units dead"]
    ):
        W = np.concatenate([shut[:dead], open_[dead:]])
        b = np.where(np.arange(4) < dead, -1.0, 1.0)
        start = network.join([(W, b), (np.zeros((1, 4)), np.zeros(1))])
        sweep = fastnn.sweep(network, data.X[:9], data.y[:9], networks=1, epochs=1, start=fastnn.given(start))
        assert list(modes(sweep)) == [name]


def test_dead_gates_name_the_units_that_dead_units_counts():
    network = fastnn.Network((1, 2, 2, 1), ("relu", "tanh"))
    X = np.array([[0.0], [1.0]])
    layers = [
        (np.array([[1.0], [-1.0]]), np.array([0.0, -0.5])),
        (np.eye(2), np.zeros(2)),
        (np.ones((1, 2)), np.zeros(1)),
    ]
    parameters = np.stack([network.join(layers), np.full(network.n_parameters, np.nan)])
    assert dead_gates(network, parameters, X).tolist() == [[False, True, False, False], [False] * 4]
    assert dead_units(network, parameters, X).tolist() == [1, 0]


def test_the_cells_of_a_sweep_are_its_parts(grid):
    parts = [grid.only(cell) for cell in grid.grid.cells()]
    for name in ("numbers", "parameters", "loss", "diverged", "curves"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(joined, getattr(grid, name), equal_nan=name != "numbers")
    assert [len(part) for part in parts] == [60] * 4
    assert parts[1].frame().equals(grid.frame()[60:120].reset_index(drop=True))


def test_a_part_of_a_sweep_has_the_networks_that_are_there(grid):
    part = grid.only(next(grid.grid.cells())).part([3, 61, 59])
    assert part.numbers.tolist() == [3, 59]
    assert part.loss.tolist() == grid.loss[[3, 59]].tolist()

"""Pictures: what is drawn is what was found, and nothing is trained for it."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import fastnn
from fastnn import plotting

NET = fastnn.Network((2, 2, 1))


@pytest.fixture(scope="module")
def data():
    return fastnn.load_insurance(simulated=True)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_the_curve_drawn_is_the_loss_curve(data, ax):
    run = fastnn.train(NET, data.X, data.y, epochs=4)
    assert plotting.loss_curves(run, ax) is ax
    (line,) = ax.get_lines()
    assert np.array_equal(line.get_ydata(), run.loss_curve)
    assert np.array_equal(line.get_xdata(), [1, 2, 3, 4])
    assert "epoch" in ax.get_xlabel()


def test_many_curves_and_their_validation_share_one_legend(data, ax):
    starts = fastnn.normal().draw(NET, range(3), 0)
    run = fastnn.train(NET, data.X, data.y, starts, epochs=2, validation=(data.X[:9], data.y[:9]))
    plotting.loss_curves(run, ax)
    assert len(ax.get_lines()) == 6
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]


def test_the_histogram_counts_the_networks_by_dead_units(data, ax):
    sweep = fastnn.sweep(NET, data.X, data.y, networks=200, epochs=2)
    plotting.sweep_histogram(sweep, ax)
    drawn = sum(patch.get_height() for container in ax.containers for patch in container)
    low, high = np.quantile(sweep.loss, plotting.SHOWN)
    assert drawn == ((sweep.loss >= low) & (sweep.loss <= high)).sum()
    assert len(ax.containers) == len(np.unique(sweep.dead_units()))


def test_a_sweep_in_which_all_diverged_has_an_empty_picture(data, ax):
    sweep = fastnn.sweep(NET, data.X, data.y, networks=5, epochs=2, learning_rate=1e9)
    plotting.sweep_histogram(sweep, ax)
    assert not ax.containers
    assert "5 diverged" in ax.get_title()


def test_equal_losses_can_be_drawn(data, ax):
    sweep = fastnn.sweep(NET, data.X, data.y, networks=5, epochs=2, initial=fastnn.constant(1))
    plotting.sweep_histogram(sweep, ax)
    assert sum(patch.get_height() for container in ax.containers for patch in container) == 5

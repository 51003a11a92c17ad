"""When a run looks for what is at rest, and in which epochs."""

import numpy as np
import pytest

import fastnn
from fastnn.training.jobs import Job
from fastnn.training.orders import FILE_ORDER
from fastnn.training.reducing import reduced_sizes
from fastnn.training.resting import EPOCHS_WORTH_A_LOOK, FEWEST_VISITS_UNSEEN, MOST_EPOCHS_UNSEEN, Resting
from fastnn.training.stopping import Seen

NETWORK = fastnn.Network((2, 2, 1))
NETWORKS, ROWS = 1000, 1000
VISITS = NETWORKS * NETWORK.n_parameters * ROWS  # of an epoch
FEWEST = -(-FEWEST_VISITS_UNSEEN // VISITS)


def resting(visits=1e12):
    X, Y = np.zeros((ROWS, 2)), np.zeros((ROWS, 1))
    job = Job(NETWORK, "batched", X, Y, 10**4, FILE_ORDER, reduced_sizes(NETWORK, visits), visits=visits)
    found = Resting(job, np.zeros((NETWORKS, NETWORK.n_parameters)))
    found.before[:] = 0
    return found


def spans(found, epochs):
    """The epochs that are looked at, one look after the other."""
    epoch, all_ = 0, []
    while True:
        found.plan(epoch, epochs - epoch, NETWORKS)
        if not found.span:
            return all_
        all_.append(found.span)
        epoch = found.span.stop
        assert found.is_due(epoch)
        assert not found.is_due(epoch - 1)
        found.look(epoch, np.arange(NETWORKS), NETWORKS)


def test_looks_are_for_one_epoch_and_get_rarer():
    found = spans(resting(), 10_000)
    assert found[0] == range(1)
    assert {len(span) for span in found} == {1}
    between = np.diff([span.start for span in found])
    assert between[0] == FEWEST + 1
    assert (np.diff(between) >= 0).all()
    assert between[-1] == MOST_EPOCHS_UNSEEN + 1 > between[0]


def test_after_a_look_enough_epochs_are_left_to_be_worth_it():
    for epochs in range(1, 3 * FEWEST):
        for span in spans(resting(), epochs):
            assert epochs - span.start > max(FEWEST, EPOCHS_WORTH_A_LOOK - 1)


def test_none_is_planned_anew_before_the_last_one_is_over():
    found = resting()
    found.plan(0, 1000, NETWORKS)
    span = found.span
    found.plan(1, 2, NETWORKS)
    assert found.span is span


def test_it_keeps_the_states_before():
    found = resting()
    group = next(found.units.groups(np.arange(NETWORKS), 8, (2,)))
    found.keep(group, np.ones((NETWORKS, NETWORK.n_parameters)))
    assert (found.before == 1).all()
    assert (found.state == 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_whose_sum_overflows_are_finite(dtype):
    losses = np.ones((3, 4), dtype)
    losses[0] = np.finfo(dtype).max
    with np.errstate(over="ignore"):
        assert Seen(losses).finite.tolist() == [True, True, True]
    losses[1, 2], losses[2, 3] = np.nan, np.inf
    with np.errstate(over="ignore", invalid="ignore"):
        assert Seen(losses).finite.tolist() == [True, False, False]

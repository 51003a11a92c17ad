"""How long calls may be, and what is known of how long they take."""

import pytest

from fastnn.engines import CallSizes
from fastnn.engines.takeover import Ready
from fastnn.training.pace import CALL_SECONDS, Paces


def ready(seconds):
    return Ready(lambda: None, CallSizes(1, 4096, 256, 8, seconds))


def test_before_any_call_a_visit_takes_what_the_engine_says():
    assert Paces().seconds(ready(8e-11)) == 8e-11


def test_the_longest_call_tells_what_a_visit_takes():
    paces, one = Paces(), ready(8e-11)
    for visits in (1000, 10**6, 1000):  # short calls take longer for each visit
        paces.of(one).took(1e-5 + visits * 1e-10, visits)
    assert paces.seconds(one) == pytest.approx(1e-10 + 1e-11)


def test_of_a_kernel_not_called_yet_others_tell_how_wrong_its_engine_is():
    paces, called, new = Paces(), ready(8e-11), ready(2e-11)
    paces.of(called).took(2 * 8e-11 * 10**6, 10**6)
    assert paces.seconds(new) == pytest.approx(2 * 2e-11)


def test_the_next_call_takes_as_long_as_it_may():
    pace = Paces().of(ready(8e-11))
    pace.took(CALL_SECONDS / 10, 10_000)
    assert pace.next_call(parameters=9, epochs_left=1000, rows=100, row=0) == (10_000 * 10 // 900, 100)
    assert pace.next_call(parameters=9, epochs_left=3, rows=100, row=0) == (3, 100)


@pytest.mark.parametrize(("networks", "room"), [(0, 0), (1, 8), (8, 8), (9, 16)])
def test_a_vector_that_is_not_full_costs_as_much(networks, room):
    assert ready(1.0).sizes.filled(networks) == room

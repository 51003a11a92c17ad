"""Threads without work of their own help those that have some; nobody's bits depend on who does what."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import fastnn
from fastnn import Network
from fastnn.sweeping import splitting
from fastnn.training.reducing import Group
from fastnn.training.sharing import WORTH_SHARING, Helpers, Lot, total_seconds

SECONDS = 10.0  # until a thread is no longer waited for


def lots(counts, seconds, vector=8):
    """Groups of some numbers of networks, of which one takes as many seconds."""
    first = 0
    for count, each in zip(counts, seconds, strict=True):
        yield Lot(Group(Network((2, 2, 1)), np.arange(first, first + count)), each, vector)
        first += count


class TestShares:
    @pytest.mark.parametrize(
        ("threads", "busy", "hands"), [(2, 2, 1), (2, 1, 2), (8, 3, 3), (4, 1, 4), (1, 1, 1)]
    )
    def test_as_many_as_threads_for_each_that_is_busy(self, threads, busy, hands):
        helpers = Helpers(None, threads)
        with ExitStack() as those:
            for _ in range(busy):
                those.enter_context(helpers.busy())
            assert len(helpers.among([*lots([800], [1.0])])) == hands
        assert len(helpers.among([*lots([800], [1.0])])) == threads  # they are busy no longer

    def test_all_take_as_long_and_are_cut_between_full_vectors(self):
        whole = [*lots([80, 408, 512], [0.1, 0.5, 0.9])]
        shares = Helpers(None, 3).among(whole)
        seconds = dict(zip((0, 80, 488), (0.1, 0.5, 0.9), strict=True))
        first_of = sorted(seconds)

        def took(group):
            first = max(place for place in first_of if place <= group.numbers[0])
            return len(group.numbers) * seconds[first]

        for share in shares:
            assert abs(sum(map(took, share)) - total_seconds(whole) / 3) <= 8 * 0.9
            assert all(len(group.numbers) % 8 == 0 for group in share)
        assert_array_equal(np.concatenate([g.numbers for share in shares for g in share]), np.arange(1000))

    def test_what_is_done_sooner_than_shared_is_not_shared(self):
        helpers = Helpers(None, 2)
        enough = WORTH_SHARING / 400
        assert len(helpers.among([*lots([800], [0.99 * enough])])) == 1
        assert len(helpers.among([*lots([800], [1.01 * enough])])) == 2

    def test_where_little_is_to_be_done_fewer_help(self):
        helpers = Helpers(None, 64)
        assert len(helpers.among([*lots([800], [5.1 * WORTH_SHARING / 800])])) == 5


class TestHelp:
    def test_all_works_are_done_at_the_same_time(self):
        meeting = threading.Barrier(3, timeout=SECONDS)  # which each must reach before any goes on
        with ThreadPoolExecutor(2) as pool:
            Helpers(pool, 3).each([meeting.wait] * 3)

    def test_works_that_nobody_begins_are_done_all_the_same(self):
        gone, done = threading.Event(), []
        with ThreadPoolExecutor(1) as pool:
            pool.submit(gone.wait, SECONDS)
            Helpers(pool, 2).each([lambda number=number: done.append(number) for number in range(3)])
            gone.set()
        assert done == [0, 1, 2]

    def test_help_is_as_silent_as_the_thread_that_is_helped(self):
        meeting, found = threading.Barrier(2, timeout=SECONDS), []

        def overflow():
            meeting.wait()
            found.append(np.full(2, 1e308) * 10)

        with ThreadPoolExecutor(1) as pool, np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            Helpers(pool, 2).each([overflow, overflow])
        assert_array_equal(found, np.inf)

    @pytest.mark.parametrize("failing", [0, 1])
    def test_an_error_comes_when_nothing_is_under_way(self, failing):
        begun, ended = threading.Event(), threading.Event()

        def fail():
            begun.wait(SECONDS)
            raise ZeroDivisionError

        def go_on():
            begun.set()
            ended.wait(0.1)
            ended.set()

        works = [go_on, go_on]
        works[failing] = fail
        with ThreadPoolExecutor(1) as pool:
            with pytest.raises(ZeroDivisionError):
                Helpers(pool, 2).each(works)
            assert ended.is_set()


SETTINGS = {
    "plain": {},
    "some diverge": {"learning_rate": [0.01, 3.0]},
    "momentum by a schedule": {"optimizer": "momentum", "schedule": "cosine"},
    "until a validation loss is best": {"validation": 0.25, "patience": 5},
    "until a score is best": {"patience": 5, "watch": lambda outputs, targets: float(outputs.mean())},
    "shuffled batches": {"optimizer": "adam", "batch_size": 16, "shuffle": True},
    "curves": {"curves": True},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_help_changes_no_bit(settings, monkeypatch):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 2))
    y = X @ [1.0, -2.0] + rng.normal(size=200)
    given = {"networks": 300, "epochs": 40, "learning_rate": 0.01, "progress": False} | settings
    alone = fastnn.sweep(Network((2, 2, 1)), X, y, workers=1, **given)
    shared = []
    each = Helpers.each
    monkeypatch.setattr(
        Helpers, "each", lambda self, works: (shared.append(len(works)), each(self, works))[1]
    )
    monkeypatch.setattr("fastnn.training.sharing.WORTH_SHARING", 1e-12)
    monkeypatch.setattr(splitting, "SHARE_SECONDS", 1e9)
    helped = fastnn.sweep(Network((2, 2, 1)), X, y, workers=3, **given)
    assert max(shared) > 1
    assert helped.digest() == alone.digest()
    if "curves" in settings:
        assert_array_equal(helped.curves, alone.curves)

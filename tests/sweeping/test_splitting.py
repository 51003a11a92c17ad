"""Networks are split among workers so evenly that none waits for another for long: no clock is read."""

import heapq
import itertools
from types import SimpleNamespace

import pytest

from fastnn.engines import CallSizes
from fastnn.sweeping.design import Part, Results
from fastnn.sweeping.grid import Numbers
from fastnn.sweeping.splitting import SHARE_SECONDS, Stretch, shares_of
from fastnn.training.sharing import shared_out

VECTOR = 16
SECONDS = 2.5e-3  # of a network: even the fewest are worth a share for each of eight workers
SIZES = CallSizes(fewest=2, most=4096, width=64, vector=VECTOR, seconds=1e-10)
CELLS = {
    "one cell": [1],
    "three alike": [1, 1, 1],
    "few rows and many": [30, 1338],
    "small and wide networks": [9, 9, 97, 1441],
    "seven, one of them large": [1, 1, 1, 40, 1, 1, 1],
}
COUNTS = [1000, 1001, 1536, 2047, 2561, 3840, 6144, 10_000, 12_345, 20_480, 99_999]


def stretches(starts, costs, seconds=SECONDS, stops=False):
    """Cells of `starts` networks each, of which one takes so many times `seconds`."""
    for cell, cost in enumerate(costs):
        first = cell * starts
        yield Stretch(cell, range(first, first + starts), first, cost * seconds, SIZES, stops)


def trained(waiting, workers, slow=()):
    """The seconds until the last worker ends, and those of all work; each takes one chunk after another."""
    waiting = list(waiting)
    seconds = {stretch.cell: stretch.seconds for stretch in waiting}
    numbers = Numbers.of(0, sum(len(stretch.numbers) for stretch in waiting))
    part = Part(SimpleNamespace(stretches=lambda _: waiting), Results(numbers, {}), workers)
    free, work, found = [(0.0, worker) for worker in range(workers)], 0.0, []
    last = 0.0
    while free:
        now, worker = heapq.heappop(free)
        chunk = part.next_for(worker)
        if chunk is None:
            last = max(last, now)
            continue
        found.append(range(chunk.first, chunk.first + chunk.count))
        takes = -(-chunk.count // VECTOR) * VECTOR * seconds[chunk.cell] * (0.01 if chunk.cell in slow else 1)
        work += takes
        heapq.heappush(free, (now + takes, worker))
    assert sorted(itertools.chain.from_iterable(found)) == list(range(len(numbers)))
    return last, work


@pytest.mark.parametrize("costs", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("stops", [False, True])
def test_any_number_of_networks_is_split_evenly(costs, stops):
    for count, workers in itertools.product(COUNTS, (1, 2, 3, 8)):
        starts = -(-count // len(costs))
        last, work = trained(stretches(starts, costs, stops=stops), workers)
        assert last <= work / workers + VECTOR * SECONDS * max(costs)
        if len(costs) == 1:
            vectors = -(-count // VECTOR)
            assert last <= -(-vectors // workers) * VECTOR * SECONDS * 1.0001  # the best that can be


@pytest.mark.parametrize("workers", [2, 4])
def test_a_worker_takes_over_what_another_would_do_later(workers):
    # The last cells end at once, which no estimate could know: so do those who have them.
    last, work = trained(stretches(10_000, [1] * 6), workers, slow=(4, 5))
    assert last <= 1.2 * work / workers


def test_few_networks_are_cut_where_vectors_are_full():
    shares = shared_out([*stretches(1000, [1])], 2)
    assert [[len(stretch.numbers) for stretch in share] for share in shares] == [[496], [504]]


def test_fewer_networks_than_a_vector_stay_together():
    assert len(shared_out([*stretches(VECTOR // 2, [1])], 4)) == 1


@pytest.mark.parametrize(("parts", "shares"), [(0.1, 1), (1.9, 1), (2.1, 2), (3.9, 3), (4.1, 4), (100, 4)])
def test_workers_with_little_work_of_their_own_help_another_instead(parts, shares):
    whole = [*stretches(1000, [1], parts * SHARE_SECONDS / 1000)]
    assert len(shares_of(whole, 4)) == shares

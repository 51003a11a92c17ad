"""The cost of a sweep, estimated from a short trial of its own first networks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter, thread_time

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.showing.lettering import counted
from fastnn.sweeping.design import Design
from fastnn.sweeping.grid import Cell, Numbers
from fastnn.system.progress import duration, size

__all__ = ["cost", "most_seconds_per_network", "seconds_per_network"]

TRIAL_SECONDS = 0.1
MOST_SECONDS = 2.0  # for the trials of all kinds of training together


class _Enough(Exception):  # noqa: N818 - the end of a trial, not an error
    """Raised to leave a trial."""


def seconds_per_network(design: Design) -> float:
    """The seconds that one core takes for a network, on average over the grid, from short trials.

    A trial sees the first epochs only. Later epochs are cheaper if units die or networks diverge, and dearer
    if the processor slows down when warm.
    """
    return sum(seconds * networks for seconds, networks in _trials(design)) / design.grid.total


def most_seconds_per_network(design: Design) -> float:
    """The same for a network of the cell that takes longest."""
    return max(seconds for seconds, _ in _trials(design))


def _trials(design: Design) -> Iterator[tuple[float, int]]:
    """The seconds for a network and the number of networks, for each kind of training.

    Epochs of different learning rates are calls of their own: measured on 30 rows, twice the time.
    """
    seconds = min(TRIAL_SECONDS, MOST_SECONDS / len(design.kinds))
    by_row: dict[tuple[Network, Rule, int, float, bool], float] = {}
    for kind, (cell, networks) in design.kinds.items():
        together = min(design.plan_of(cell).rates(cell["learning_rate"], 1).until(0), design.plan.epochs)
        alike = kind.network, kind.recipe.rule, kind.recipe.size, together, kind.order.changes
        if alike not in by_row:
            by_row[alike] = _trial(design, cell, seconds) / kind.rows
        yield by_row[alike] * kind.rows, networks


def _trial(design: Design, cell: Cell, most: float) -> float:
    """The seconds for a network of a cell, from a trial that ends soon after `most` seconds.

    What comes before the end of its first call does not count, if there is an epoch more: that call may be of
    a few rows, and may have waited for a kernel. The seconds are this thread's, as another may be compiling.
    """
    chunk, *_ = design.chunks(Numbers.of(cell.first, cell.first + design.grid.starts))
    room = design.room(Numbers.of(chunk.first, chunk.first + chunk.count))
    began, ends, trained = perf_counter(), [thread_time()], [0.0]
    epoch = chunk.count / design.plan.epochs

    def pause(networks: float) -> None:
        ends.append(thread_time())
        trained.append(networks)
        if perf_counter() - began > most and sum(trained[2:]) >= epoch:
            raise _Enough

    with suppress(_Enough):
        design.train(chunk, room, pause)
    first = 1 if sum(trained[2:]) >= epoch else 0
    return (ends[-1] - ends[first]) / sum(trained[first + 1 :])


def cost(design: Design, networks: int, parallel: int, who: str, bytes_: int, where: str) -> str:
    """One line with the number of networks, about how long they take, and how many bytes they fill, where.

    `parallel` is the number of threads or workers that train them, `who` names which of the two.
    """
    seconds = seconds_per_network(design) * networks / parallel
    by = counted(parallel, who)
    return f"{counted(networks, 'network')}, about {duration(seconds)} on {by}, {size(bytes_)} {where}"

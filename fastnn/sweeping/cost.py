"""The cost of a sweep, estimated from a short trial of its own first networks."""

from __future__ import annotations

from contextlib import suppress
from time import perf_counter

import numpy as np

from fastnn.showing.lettering import counted
from fastnn.sweeping.design import Design
from fastnn.sweeping.grid import Numbers
from fastnn.system.progress import duration, size

__all__ = ["cost", "seconds_per_network"]

TRIAL_SECONDS = 0.1


class _Enough(Exception):  # noqa: N818 - the end of a trial, not an error
    """Raised to leave a trial."""


def seconds_per_network(design: Design) -> float:
    """The seconds that one core takes for a network of average rows, from a short trial.

    A trial sees the first epochs only. Later epochs are cheaper if units die or networks diverge, and dearer
    if the processor slows down when warm.
    """
    _trial(design)  # warms the caches; not counted
    return _trial(design)


def _trial(design: Design) -> float:
    chunk = next(design.chunks(Numbers.of(0, design.grid.total), 1))
    trained = 0.0

    def pause(networks: float) -> None:
        nonlocal trained
        trained += networks
        if perf_counter() - began > TRIAL_SECONDS:
            raise _Enough

    room = design.room(Numbers.of(chunk.first, chunk.first + chunk.count))
    began = perf_counter()
    with suppress(_Enough):
        design.train(chunk, room, pause)
    return (perf_counter() - began) / trained * float(np.mean(design.grid.rows)) / chunk.cell.rows


def cost(design: Design, networks: int, parallel: int, who: str, bytes_: int, where: str) -> str:
    """One line with the number of networks, about how long they take, and how many bytes they fill, where.

    `parallel` is the number of threads or workers that train them, `who` names which of the two.
    """
    seconds = seconds_per_network(design) * networks / parallel
    by = counted(parallel, who)
    return f"{counted(networks, 'network')}, about {duration(seconds)} on {by}, {size(bytes_)} {where}"

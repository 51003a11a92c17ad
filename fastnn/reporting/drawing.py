"""Pictures drawn beside each other, some of them in a process of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from fastnn.reporting.pictures import Drawn, Picture, drawn
from fastnn.sweeping.work.executors import processes
from fastnn.system.processors import available_processors

__all__ = ["draw_together"]

FEW = 20  # pictures: fewer are not worth the second that another process takes to begin
AHEAD = 2  # pictures that are given to it: one that it draws, one that waits


def draw_together(pictures: Sequence[Picture]) -> None:
    """Draw pictures, the first of them here and the last in another process, until both meet.

    What cannot be drawn there, for whatever reason, is drawn here, as everything is with one processor. For
    programs of our own: within another's program it is not known what its interpreter's name would start.
    """
    if len(pictures) < FEW or available_processors() < 2:
        return
    left, asked = deque(pictures), deque[tuple[Picture, Future[Drawn]]]()
    with suppress(Exception), processes(1) as there:
        while left:
            while left and len(asked) < AHEAD:
                picture = left.pop()
                asked.append((picture, there.submit(drawn, picture.name, picture.draw, picture.size)))
            if left:
                left.popleft().drawn  # noqa: B018 - drawn here and now
            while asked and asked[0][1].done():
                _take(*asked.popleft())
        while asked:
            _take(*asked.popleft())


def _take(picture: Picture, future: Future[Drawn]) -> None:
    """Take what was drawn there; if nothing came back, the picture is drawn when it is asked for."""
    with suppress(Exception):  # a drawing that cannot be sent, a process that ended
        found = future.result()
        if not found.failure:
            vars(picture)["drawn"] = found

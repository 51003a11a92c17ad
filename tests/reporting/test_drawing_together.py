"""Pictures drawn beside each other in two processes: the same as those drawn in one."""

import os
from functools import partial

import pandas as pd
import pytest

from fastnn.reporting import Picture, drawing


def draw_bar(ax, height):
    ax.bar([0], [height])


def draw_only_here(ax, process):
    if os.getpid() != process:
        os._exit(1)


def pictures(*draws):
    data = pd.DataFrame({"height": [1]})
    return [Picture(f"bar-{n}", draw, "A bar.", "A bar.", data, (2.0, 2.0)) for n, draw in enumerate(draws)]


@pytest.fixture
def made(monkeypatch):
    """The pools that are made, where two processors are to be had and two pictures are many."""
    found = []
    processes = drawing.processes
    monkeypatch.setattr(drawing, "FEW", 2)
    monkeypatch.setattr(drawing, "available_processors", lambda: 2)
    monkeypatch.setattr(drawing, "processes", lambda count: found.append(processes(count)) or found[-1])
    return found


def kept(some):
    """What was drawn of each picture before anybody asked for it."""
    return [vars(picture).get("drawn") for picture in some]


def draw_number_of_process(ax):
    ax.set_title(str(os.getpid()))


def test_the_bytes_are_the_same_and_some_are_drawn_there_and_some_here(made):
    bars = [partial(draw_bar, height=height) for height in range(1, 4)]
    each = [draw for bar in bars for draw in (draw_number_of_process, bar)]
    together, alone = pictures(*each), pictures(*each)
    drawing.draw_together(together)
    assert len(made) == 1
    assert kept(together)[1::2] == [picture.drawn for picture in alone[1::2]]
    assert not any(picture.failure for picture in together)
    here = [f">{os.getpid()}<" in picture.drawn.svg for picture in together[::2]]
    assert here == sorted(here, reverse=True)
    assert here[0]
    assert not here[-1]


def test_what_cannot_be_sent_is_drawn_here(made):
    some = pictures(*[lambda ax: draw_bar(ax, 1)] * 4)
    drawing.draw_together(some)
    assert all(picture.drawn.svg and not picture.failure for picture in some)


def test_a_process_that_ends_costs_no_picture(made):
    some = pictures(*[partial(draw_only_here, process=os.getpid())] * 4)
    drawing.draw_together(some)
    assert all(picture.drawn.svg and not picture.failure for picture in some)


def test_no_process_is_made_for_few_pictures_or_with_one_processor(monkeypatch, made):
    some = pictures(*[partial(draw_bar, height=1)] * 2)
    monkeypatch.setattr(drawing, "available_processors", lambda: 1)
    drawing.draw_together(some)
    monkeypatch.setattr(drawing, "available_processors", lambda: 2)
    drawing.draw_together(some[:1])
    assert made == []
    assert kept(some) == [None, None]


def test_a_process_that_cannot_be_made_costs_no_picture(monkeypatch, made):
    def refuse(count):
        raise OSError("no processes here")

    monkeypatch.setattr(drawing, "processes", refuse)
    some = pictures(*[partial(draw_bar, height=1)] * 2)
    drawing.draw_together(some)
    assert all(picture.drawn.svg for picture in some)

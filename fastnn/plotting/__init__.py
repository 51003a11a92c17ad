"""Pictures of results: each function takes results and returns matplotlib Axes. Nothing here trains.

The numbers of every picture are at hand: ``tables.fan(sweep)`` returns what ``fan(sweep)`` draws, as a
DataFrame. Pictures are black on white, with colours that people of every colour vision can tell apart (Okabe
and Ito, 2008). Words or strokes repeat everything that a colour says.

Needs matplotlib: ``pip install "fastnn-sweep[plot]"``.
"""

from fastnn.plotting import tables
from fastnn.plotting.canvas import new_figure, save
from fastnn.plotting.curves import fan
from fastnn.plotting.distributions import dead_units, intervals, scores_against_rows, sweep_histogram
from fastnn.plotting.losses import loss_curves
from fastnn.plotting.networks import network
from fastnn.plotting.surfaces import surface

__all__ = [
    "dead_units",
    "fan",
    "intervals",
    "loss_curves",
    "network",
    "new_figure",
    "save",
    "scores_against_rows",
    "surface",
    "sweep_histogram",
    "tables",
]

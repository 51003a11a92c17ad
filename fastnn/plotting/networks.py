"""A network drawn as its units and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, one_of
from fastnn.core.network import Network
from fastnn.data.datasets import Dataset
from fastnn.data.rows import checked_inputs
from fastnn.plotting import tables
from fastnn.plotting.canvas import BLUE, GREY, INK, PAPER, VERMILION, axes, legend, lettered
from fastnn.plotting.settings import under_fixed_settings
from fastnn.showing.lettering import counted
from fastnn.training.evaluating import dead_gates
from fastnn.training.result import Training
from fastnn.training.statuses import OK

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

DRAWN = 1000  # the most weights that are drawn: more would be a grey cloud
NAMED = 12  # the most weights that are written with their names and values
LARGEST = 620.0  # the largest area of a unit's disc, in square points
READABLE = 200.0  # a disc above this area has room for the unit's name
LETTERS = 14  # the most letters of a name beside a unit
MIDDLE = 0.56  # the height of a layer's only unit; layers reach from 0.12 to 1
COLUMN = 125.0  # points that the discs of one layer share
WIDEST = 4.0  # points: the width of the line for the largest weight, before or after


@under_fixed_settings
def network(training: Training, ax: Axes | None = None, *, when: str = "after", X: Any = None) -> Axes:
    """Draw a network: its units as discs and its weights as lines; a large weight has a wide line.

    Positive weights are solid and blue, negative ones dashed and red. The widths before and after training
    share one scale. If there are at most 12 weights, they are written beside their lines and the biases
    beside their units.

    Parameters
    ----------
    training : Training
        The training of one network.
    ax : Axes, optional
        Where to draw; by default a new figure.
    when : str
        "before" or "after" training.
    X : array_like (N, D), or Dataset, optional
        The rows trained on; further rows may follow and are ignored. Hidden ReLU units that are shut on all
        rows trained on are then marked as dead. A Dataset also names the inputs and the outputs.
    """
    one_of(when, "when", ("before", "after"))
    table = tables.network(training)
    net = training.network
    if net.n_weights > DRAWN:
        raise InputError(
            f"a network is drawn with at most {DRAWN} weights; got {net!r}, which has {net.n_weights}. "
            "Look at its parameters as numbers: tables.network(training)."
        )
    ax = axes(ax)
    ax.set_axis_off()
    places = [_places(layer, units) for layer, units in enumerate(net.layers)]
    largest = np.nanmax(np.abs(table[["before", "after"]].to_numpy(float)), initial=0.0)
    _draw_weights(ax, table, when, places, largest or 1.0)
    _draw_units(ax, net, places, _dead(training, when, X))
    if net.n_weights <= NAMED:
        _write_biases(ax, table, when, places)
    if isinstance(X, Dataset):
        _write_names(ax, X.inputs, X.scaling.labels_of(net), places)
    ax.set_xlim(-0.35, len(net.layers) - 0.65)
    ax.set_ylim(-0.28, 1.2)
    ax.set_title("before training" if when == "before" else _after(training), fontsize="medium")
    legend(ax, loc="lower left", ncols=2, borderaxespad=0)
    return ax


def _places(layer: int, units: int) -> NDArray[np.float64]:
    """The places (units, 2) of a layer's units, from top to bottom."""
    heights = np.linspace(1, 2 * MIDDLE - 1, units) if units > 1 else np.array([MIDDLE])
    return np.column_stack([np.full(units, float(layer)), heights])


def _draw_weights(ax: Axes, table: pd.DataFrame, when: str, places: list[Any], largest: float) -> None:
    from matplotlib.collections import LineCollection

    weights = table[table["input"] > 0]
    values = weights[when].to_numpy(float)
    lines = np.array(
        [
            (places[layer - 1][source - 1], places[layer][unit - 1])
            for layer, unit, source in weights[["layer", "unit", "input"]].itertuples(index=False)
        ]
    )
    kinds = (
        (values > 0, BLUE, "solid", "positive"),
        (values < 0, VERMILION, "dashed", "negative"),
        (~(np.abs(values) > 0), GREY, "dotted", None),  # zero, or NaN
    )
    widths = 0.4 + (WIDEST - 0.4) * (np.nan_to_num(np.abs(values)) / largest)
    for chosen, colour, stroke, name in kinds:
        if chosen.any():
            many = LineCollection(
                list(lines[chosen]), colors=colour, linestyles=stroke, linewidths=widths[chosen], label=name
            )
            ax.add_collection(many)
    if len(weights) <= NAMED:
        for (start, end), name, value in zip(lines, weights["parameter"], values, strict=True):
            _write(ax, start + 0.33 * (end - start), f"{name} {_number(value)}", box=True)


def _draw_units(ax: Axes, net: Network, places: list[Any], dead: Any) -> None:
    size = min(LARGEST, (COLUMN / max(net.layers)) ** 2)
    names = [[f"x{n + 1}" for n in range(net.n_inputs)]]
    hidden = iter(range(1, sum(net.layers[1:-1]) + 1))
    names += [[f"h{next(hidden)}" for _ in range(units)] for units in net.layers[1:-1]]
    names.append([f"ŷ{n + 1}" if net.n_outputs > 1 else "ŷ" for n in range(net.n_outputs)])
    if any(closed.any() for closed in dead):
        ax.scatter([], [], s=60, facecolor=GREY, edgecolor=INK, label="dead unit")
    shut = [np.zeros(net.n_inputs, bool), *dead, np.zeros(net.n_outputs, bool)]
    for some, labels, closed in zip(places, names, shut, strict=True):
        faces = [GREY if is_dead else PAPER for is_dead in closed]
        ax.scatter(some[:, 0], some[:, 1], s=size, facecolor=faces, edgecolor=INK, zorder=2)
        if size > READABLE:
            for place, label in zip(some, labels, strict=True):
                _write(ax, place, label)


def _write_biases(ax: Axes, table: pd.DataFrame, when: str, places: list[Any]) -> None:
    last = len(places) - 1
    for bias in table[table["input"] == 0].to_dict("records"):
        place = places[bias["layer"]][bias["unit"] - 1]
        text = f"{bias['parameter']} {_number(bias[when])}"
        _write_beside(ax, place, text, above=place[1] > MIDDLE and bias["layer"] < last)


def _write_names(ax: Axes, inputs: Sequence[str], outputs: Sequence[str], places: list[Any]) -> None:
    for some, names in ((places[0], inputs), (places[-1], outputs)):
        if len(some) <= 8:
            for place, name in zip(some, names, strict=True):
                _write_beside(ax, place, lettered(name, LETTERS), above=True)


def _dead(training: Training, when: str, X: Any) -> list[NDArray[np.bool_]]:
    """For each hidden layer, whether each of its units is dead."""
    net = training.network
    cuts = np.cumsum(net.layers[1:-1])
    if X is None:
        return [np.zeros(units, bool) for units in net.layers[1:-1]]
    inputs = checked_inputs(net, X, training.dtype)[: training.rows]
    parameters = training.start if when == "before" else training.parameters
    return np.split(dead_gates(net, parameters[None], inputs)[0], cuts[:-1]) if len(cuts) else []


def _after(training: Training) -> str:
    if training.status != OK:
        return f"diverged in epoch {training.diverged}"
    return f"after {counted(training.epochs, 'epoch')}"


def _write(ax: Axes, place: Any, text: str, box: bool = False) -> None:
    frame = {"facecolor": PAPER, "edgecolor": "none", "pad": 1} if box else None
    ax.text(place[0], place[1], text, ha="center", va="center", fontsize=9, bbox=frame, zorder=3)


def _write_beside(ax: Axes, place: Any, text: str, above: bool) -> None:
    side, edge = (16, "bottom") if above else (-16, "top")
    ax.annotate(text, place, (0, side), textcoords="offset points", ha="center", va=edge, fontsize=9)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")

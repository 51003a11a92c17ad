"""A network drawn as SVG, its connections and units named, with places for their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import atan2, degrees, hypot

from fastnn.derivation import Derivation
from fastnn.expressions import Symbol

__all__ = ["network_drawing"]

WIDTH, HEIGHT, MARGIN = 480, 260, 34
RADIUS, UNDER = 27, 22  # of a unit, and what its bias takes below it
CLOSEST, FURTHEST = 80, 130  # from unit to unit
MOST_LABELS = 6  # between two layers; more would run into each other

Point = tuple[float, float]


def network_drawing(derivation: Derivation) -> str:
    """The drawing, inputs to the left.

    A script sets the numbers: ``data-weight`` names a connection's weight, ``data-unit`` what a unit passes
    on, ``data-now`` and ``data-found`` are places for numbers.
    """
    places = _places(derivation.network.layers)
    height = max(y for column in places for _, y in column) + RADIUS + UNDER
    # Connections first, or they would cross the units.
    parts = [*_connections(derivation, places), *_units(derivation, places)]
    return (
        f'<svg class="network" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="The network with its weights; the table below has the same numbers">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


def _places(layers: tuple[int, ...]) -> list[list[Point]]:
    """Where each unit stands, layer by layer: a column for each, its middle at the same height."""
    apart = min(FURTHEST, max(CLOSEST, HEIGHT / max(layers)))
    middle = RADIUS + 2 + apart * (max(layers) - 1) / 2
    step = (WIDTH - 2 * MARGIN) / (len(layers) - 1)
    return [
        [(MARGIN + step * layer, middle + apart * (unit - (units - 1) / 2)) for unit in range(units)]
        for layer, units in enumerate(layers)
    ]


def _connections(derivation: Derivation, places: list[list[Point]]) -> Iterator[str]:
    for layer in range(1, len(places)):
        before, after = places[layer - 1], places[layer]
        labelled = len(before) * len(after) <= MOST_LABELS
        for (j, end), (i, begin) in product(enumerate(after), enumerate(before)):
            name = derivation.name(Symbol("w", layer, (j, i)))
            (x1, y1), (x2, y2) = _along(begin, end, 0), _along(begin, end, 1)
            yield f'<line data-weight="{name}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'
            if labelled:
                yield _label(name, begin, end)


def _label(name: str, begin: Point, end: Point) -> str:
    """The weight's name and number, written along its connection, nearer to where it begins."""
    x, y = _along(begin, end, 0.25)
    angle = degrees(atan2(end[1] - begin[1], end[0] - begin[0]))
    place = f"translate({x:g} {y:g}) rotate({angle:g})"
    return f'<text class="weight" transform="{place}" y="-5">{name} <tspan data-now="{name}"/></text>'


def _along(begin: Point, end: Point, share: float) -> Point:
    """Where a connection is after a share of its visible part, from the one circle to the other."""
    across, down = end[0] - begin[0], end[1] - begin[1]
    length = hypot(across, down)
    way = (RADIUS + share * (length - 2 * RADIUS)) / length
    return round(begin[0] + way * across, 1), round(begin[1] + way * down, 1)


def _units(derivation: Derivation, places: list[list[Point]]) -> Iterator[str]:
    last = len(places) - 1
    for layer, column in enumerate(places):
        family = "x" if layer == 0 else "yhat" if layer == last else "h"
        for unit, (x, y) in enumerate(column):
            name = derivation.name(Symbol(family, layer, (unit,)))
            shown = name.replace("yhat", "ŷ")
            place = "data-taken" if layer == 0 else "data-found"
            yield f'<g data-unit="{name}" transform="translate({x:g} {y:g})"><circle r="{RADIUS}"/>'
            yield f'<text y="-4">{shown}</text><text y="12"><tspan {place}="{name}">–</tspan></text>'
            if layer:
                bias = derivation.name(Symbol("b", layer, (unit,)))
                yield f'<text class="bias" y="{RADIUS + 14}">{bias} <tspan data-now="{bias}"/></text>'
            yield "</g>"

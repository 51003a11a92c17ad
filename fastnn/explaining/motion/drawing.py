"""A network drawn as SVG, its connections and units named, with places for their numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from itertools import product
from math import atan2, degrees, hypot

from fastnn.core.equations import Derivation
from fastnn.core.expressions import Symbol
from fastnn.showing.lettering import shortened

__all__ = ["network_drawing"]

WIDTH, HEIGHT, MARGIN = 480, 260, 56
RADIUS, UNDER, ABOVE = 29, 22, 18  # of a unit, what its bias takes below it, and the name of a target above
CLOSEST, FURTHEST = 96, 130  # from unit to unit
MOST_LABELS, LABEL = 6, 90  # between two layers, of so much room each: more would run into each other
LETTERS = 14  # of a name

Point = tuple[float, float]


def network_drawing(derivation: Derivation, names: Mapping[str, str]) -> str:
    """The drawing, inputs to the left; `names` maps x1, x2, ..., y to the names in the data.

    A script sets the numbers: ``data-weight`` names a connection's weight, ``data-unit`` what a unit passes
    on, ``data-now`` and ``data-found`` are places for numbers.
    """
    places = _places(derivation.network.layers)
    height = max(y for column in places for _, y in column) + RADIUS + UNDER
    # Connections first, or they would cross the units.
    parts = [*_connections(derivation, places), *_units(derivation, places, names)]
    return (
        f'<svg class="network" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-label="The network with its weights; the table below has the same numbers">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


def _places(layers: tuple[int, ...]) -> list[list[Point]]:
    """Where each unit stands, layer by layer: a column for each, its middle at the same height."""
    apart = min(FURTHEST, max(CLOSEST, HEIGHT / max(layers)))
    middle = RADIUS + 2 + ABOVE + apart * (max(layers) - 1) / 2
    step = (WIDTH - 2 * MARGIN) / (len(layers) - 1)
    return [
        [(MARGIN + step * layer, middle + apart * (unit - (units - 1) / 2)) for unit in range(units)]
        for layer, units in enumerate(layers)
    ]


def _connections(derivation: Derivation, places: list[list[Point]]) -> Iterator[str]:
    for layer in range(1, len(places)):
        before, after = places[layer - 1], places[layer]
        room = after[0][0] - before[0][0] - 2 * RADIUS
        labelled = len(before) * len(after) <= MOST_LABELS and room >= LABEL
        for (j, end), (i, begin) in product(enumerate(after), enumerate(before)):
            name = derivation.name(Symbol("w", layer, (j, i)))
            (x1, y1), (x2, y2) = _along(begin, end, 0), _along(begin, end, 1)
            yield f'<line data-weight="{name}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'
            if labelled:
                yield _label(name, begin, end)


def _label(name: str, begin: Point, end: Point) -> str:
    """The weight's name and number, written along its connection, nearer to where it begins."""
    x, y = _along(begin, end, 0.28)
    angle = degrees(atan2(end[1] - begin[1], end[0] - begin[0]))
    place = f"translate({x:g} {y:g}) rotate({angle:g})"
    return f'<text class="weight" transform="{place}" y="-5">{name} <tspan data-now="{name}"/></text>'


def _along(begin: Point, end: Point, share: float) -> Point:
    """Where a connection is after a share of its visible part, from the one circle to the other."""
    across, down = end[0] - begin[0], end[1] - begin[1]
    length = hypot(across, down)
    way = (RADIUS + share * (length - 2 * RADIUS)) / length
    return round(begin[0] + way * across, 1), round(begin[1] + way * down, 1)


def _units(derivation: Derivation, places: list[list[Point]], names: Mapping[str, str]) -> Iterator[str]:
    last = len(places) - 1
    for layer, column in enumerate(places):
        family = "x" if layer == 0 else "yhat" if layer == last else "h"
        for unit, (x, y) in enumerate(column):
            name = derivation.name(Symbol(family, layer, (unit,)))
            shown = name.replace("yhat", "ŷ")
            place = "data-taken" if layer == 0 else "data-found"
            yield f'<g data-unit="{name}" transform="translate({x:g} {y:g})"><circle r="{RADIUS}"/>'
            yield f'<text y="-4">{shown}</text>'
            yield f'<text class="value" y="10"><tspan {place}="{name}">–</tspan></text>'
            if given := names.get(name.replace("yhat", "y")):
                yield _name(given, -RADIUS - 7 if layer else RADIUS + 14)
            if layer:
                bias = derivation.name(Symbol("b", layer, (unit,)))
                yield f'<text class="bias" y="{RADIUS + 14}">{bias} <tspan data-now="{bias}"/></text>'
            yield "</g>"


def _name(name: str, y: float) -> str:
    """What the data call an input or a target, in full where the mouse rests."""
    return (
        f'<text class="bias" y="{y}">{escape(shortened(name, LETTERS))}<title>{escape(name)}</title></text>'
    )

"""The picture of what a network of classes predicts, as SVG: regions that a script fills, and the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.data.classes import Names, chosen_classes
from fastnn.data.holding import grid_of_inputs, held_at, inputs_to_draw
from fastnn.showing.lettering import shortened

__all__ = ["Regions"]

Array = NDArray[np.float64]

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 48.0, 330.0, 10.0, 256.0
COLOURS = 6  # of classes, in section.css; of more classes they come again, with another shape
LETTERS, LEGEND = 14, 250.0
R = 3.2  # half of a row's width

Place = tuple[float, float]
SHAPES: tuple[Callable[[float, float], str], ...] = (
    lambda x, y: f"M{x - R:.1f} {y:.1f}a{R} {R} 0 1 0 {2 * R} 0a{R} {R} 0 1 0 {-2 * R} 0",
    lambda x, y: f"M{x - R:.1f} {y - R:.1f}h{2 * R}v{2 * R}h{-2 * R}z",
    lambda x, y: f"M{x:.1f} {y - 1.3 * R:.1f}l{1.3 * R:.2f} {2.3 * R:.2f}h{-2.6 * R:.2f}z",
    lambda x, y: (
        f"M{x:.1f} {y - 1.4 * R:.1f}l{1.4 * R:.2f} {1.4 * R:.2f}l{-1.4 * R:.2f} {1.4 * R:.2f}"
        f"l{-1.4 * R:.2f} {-1.4 * R:.2f}z"
    ),
    lambda x, y: f"M{x:.1f} {y + 1.3 * R:.1f}l{1.3 * R:.2f} {-2.3 * R:.2f}h{-2.6 * R:.2f}z",
    lambda x, y: (
        f"M{x - 0.45 * R:.1f} {y - 1.3 * R:.1f}h{0.9 * R:.2f}v{2.6 * R:.2f}h{-0.9 * R:.2f}z"
        f"M{x - 1.3 * R:.1f} {y - 0.45 * R:.1f}h{2.6 * R:.2f}v{0.9 * R:.2f}h{-2.6 * R:.2f}z"
    ),
    lambda x, y: f"M{x - R:.1f} {y - R:.1f}l{2 * R} {2 * R}m0 {-2 * R}l{-2 * R} {2 * R}",
)


@dataclass(frozen=True, eq=False)
class Regions:
    """The classes that a network tells apart, over two of its inputs or its only one.

    Attributes
    ----------
    network : Network
    classes : tuple of str or int
    data : Dataset, or anything else
        What was given for X: a Dataset has columns of categories, and units.
    X, Y : (N, D), (N, K)
        The rows, scaled.
    names : sequence of str
        Of the inputs.
    """

    network: Network
    classes: Names
    data: Any
    X: Array
    Y: Array
    names: Sequence[str]

    @cached_property
    def chosen(self) -> tuple[int, ...]:
        """The inputs that are drawn over: across, and up."""
        return inputs_to_draw(self.data, self.X, self.codes)

    @property
    def ends(self) -> list[Place]:
        """The least and the most of each of these inputs."""
        found = [(float(self.X[:, place].min()), float(self.X[:, place].max())) for place in self.chosen]
        return [(low, high) if low < high else (low - 0.5, high + 0.5) for low, high in found]

    @property
    def held(self) -> Array:
        """The values (D,) at which the other inputs are held."""
        corner = np.array([[low for low, _ in self.ends]])
        return np.asarray(grid_of_inputs(self.data, self.X, corner, self.chosen)[0])

    @cached_property
    def codes(self) -> NDArray[np.int64]:
        """The class of each row, from 0: (N,)."""
        return chosen_classes(self.network, self.Y, classes=True)

    @property
    def given(self) -> dict[str, Any]:
        """What the script is given."""
        return {
            "box": [LEFT, RIGHT, TOP, BOTTOM],
            "chosen": self.chosen,
            "ends": self.ends,
            "held": self.held.tolist(),
            "codes": self.codes.tolist(),
            "classes": len(self.classes),
            "single": self.network.n_outputs == 1,
        }

    def figure(self) -> str:
        """The figure: ``data-region`` names the path of a class, and parts are those that the script sets."""
        parts = "\n".join([*self._shapes(), *self._axes(), *self._legend()])
        told = held_at(self.data, self.held, self.chosen, self.names)
        held = f" Further inputs are held at {', '.join(map(shortened, told))}." if told else ""
        return (
            f'<figure><svg class="classes" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" data-part="classes" '
            f'aria-label="The class that the network predicts">\n{parts}\n</svg>\n'
            "<figcaption>The class that the network predicts, in the colour of its rows, which are drawn by "
            'the class that they have. The ring is around the row above. <span data-part="right"></span>'
            f"{escape(held)}</figcaption>\n</figure>"
        )

    def _shapes(self) -> Iterator[str]:
        for code in range(len(self.classes)):
            yield f'<path data-region="{code}" class="region {_colour(code)}"/>'
        yield '<path class="edge" data-part="edge"/>'
        codes = self.codes.tolist()
        places = list(map(self._place, self.X, codes))
        for code in range(len(self.classes)):
            own = "".join(
                _shape(code)(*place) for place, each in zip(places, codes, strict=True) if each == code
            )
            yield f'<path class="rows-of {_colour(code)}" d="{own}"/>'
        yield '<circle class="here" data-part="here" r="7"/>'

    def _place(self, row: Array, code: int) -> Place:
        """Where a row stands; with one input, at a height of its class."""
        shares = [
            (row[i] - low) / (high - low) for i, (low, high) in zip(self.chosen, self.ends, strict=True)
        ]
        across, up = (*shares, (code + 0.5) / len(self.classes))[:2]
        return LEFT + across * (RIGHT - LEFT), BOTTOM - up * (BOTTOM - TOP)

    def _axes(self) -> Iterator[str]:
        yield f'<path class="axis" d="M{LEFT:g} {TOP:g}V{BOTTOM:g}H{RIGHT:g}"/>'
        across, *up = self.ends
        middle = (LEFT + RIGHT) / 2, (TOP + BOTTOM) / 2
        for share in (0.0, 0.5, 1.0):
            x = LEFT + share * (RIGHT - LEFT)
            yield f'<text x="{x:g}" y="{BOTTOM + 16:g}">{_number(across, share)}</text>'
            for ends in up if share != 0.5 else ():  # there the name stands
                y = BOTTOM - share * (BOTTOM - TOP) + 4
                yield f'<text class="tick" x="{LEFT - 6:g}" y="{y:g}">{_number(ends, share)}</text>'
        yield f'<text x="{middle[0]:g}" y="{BOTTOM + 34:g}">{self._name(self.chosen[0])}</text>'
        for place in self.chosen[1:]:
            turned = f"translate(12 {middle[1]:g}) rotate(-90)"
            yield f'<text transform="{turned}">{self._name(place)}</text>'

    def _legend(self) -> Iterator[str]:
        step = min(22.0, LEGEND / len(self.classes))
        for code, name in enumerate(self.classes):
            x, y = RIGHT + 18, TOP + 8 + step * code
            yield f'<path class="region {_colour(code)}" d="M{x - 9:g} {y - 7:g}h18v14h-18z"/>'
            yield f'<path class="rows-of {_colour(code)}" d="{_shape(code)(x, y)}"/>'
            yield (
                f'<text class="name" x="{x + 15:g}" y="{y + 4:g}">{escape(shortened(name, LETTERS))}'
                f"<title>{escape(str(name))}</title></text>"
            )

    def _name(self, place: int) -> str:
        return escape(shortened(self.names[place], 2 * LETTERS))


def _shape(code: int) -> Callable[[float, float], str]:
    return SHAPES[code % len(SHAPES)]


def _colour(code: int) -> str:
    return f"class-{code % COLOURS}"


def _number(ends: Place, share: float) -> str:
    return f"{ends[0] + share * (ends[1] - ends[0]):.3g}".replace("-", "−")

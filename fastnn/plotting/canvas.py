"""The parts that all pictures share: axes, colours, names and legends, and the writing of files."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn.checking import InputError
from fastnn.core.losses import Loss, Squared
from fastnn.files import file_to_write
from fastnn.plotting.library import need_matplotlib
from fastnn.plotting.settings import fixed_settings
from fastnn.showing.lettering import LONGEST, grouped, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastnn.plotting.figures import Drawing

# Okabe and Ito (2008): people of every colour vision can tell these apart. They show on white and on black.
BLUE, ORANGE, VERMILION, GREEN, PURPLE, SKY = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
INK, PAPER, GREY = "#000000", "#ffffff", "#8a8d93"
# For text and lines on a coloured ground: a page shown light on dark swaps INK and PAPER, but not these two.
DARK, BRIGHT = "#101114", "#fdfdfd"

LINES = 3  # of a name beside a row of a picture
WIDTH, HEIGHT = 5.0, 3.5  # inches: a picture of this size can still be read on a phone
DOTS_PER_INCH = 144
NEED_LATEX = {"pgf"}  # formats that matplotlib can write only where LaTeX is installed


def loss_label(losses: Iterable[Loss]) -> str:
    """What an axis of losses says: which loss it is, where all are of one kind."""
    kinds = {type(loss) for loss in losses}
    if len(kinds) > 1:
        return "loss"
    (kind,) = kinds
    return f"loss (mean {kind.words}{'' if kind.outputs else ', scaled'})"


LOSS = loss_label([Squared()])


def new_figure(width: float = WIDTH, height: float = HEIGHT) -> tuple[Drawing, Axes]:
    """Return an empty figure that belongs to no window, and its axes: for pictures in a file or a page.

    Parameters
    ----------
    width, height : float
        In inches.
    """
    need_matplotlib()
    from fastnn.plotting.figures import Drawing

    with fixed_settings():
        figure = Drawing(figsize=(width, height), layout="constrained")
        return figure, figure.subplots()


def save(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure to a file; the file's ending (.png, .svg, .pdf) chooses the format.

    Raises
    ------
    InputError
        If `path` is no file in an existing folder, or no format has its ending.
    """
    file = file_to_write(path, "path")
    refuse_ending(file, "a picture's file name")
    with fixed_settings():
        figure.savefig(file, dpi=DOTS_PER_INCH)


def refuse_ending(path: Path, name: str) -> None:
    """Refuse the file name of a picture unless its ending names a format that can be written."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = set(FigureCanvasBase.get_supported_filetypes()) - NEED_LATEX
    if path.suffix.removeprefix(".").lower() not in known:
        raise InputError(
            f"{name} must end in one of {', '.join(sorted(known))}; got {path.name!r}. Use .png or .svg."
        )


def axes(ax: Axes | None) -> Axes:
    """Return `ax`, or the axes of a new figure if it is None, without a frame at the top and the right."""
    if ax is None:
        ax = _axes_of_a_window()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _axes_of_a_window() -> Axes:
    """The axes of a new figure that pyplot shows, or of one without a window if there is no screen."""
    from matplotlib import pyplot

    from fastnn.plotting.figures import Drawing

    try:
        return pyplot.subplots(FigureClass=Drawing, layout="constrained")[1]
    except ImportError:  # the backend needs windows, and there is no screen
        return new_figure()[1]


def lettered(name: object, longest: int = LONGEST) -> str:
    """A name for a text of matplotlib, with each dollar written as ``\\$``.

    Matplotlib would set text between two plain dollars as mathematics.
    """
    return shortened(name, longest).replace("$", r"\$")


def in_lines(name: object) -> str:
    """A name as `lettered`, but on up to `LINES` lines, if it has commas at which it can be parted."""
    first, *others = str(name).split(", ")
    lines = [first]
    for part in others:
        joined = f"{lines[-1]}, {part}"
        if len(joined) < LONGEST or len(lines) == LINES:
            lines[-1] = joined
        else:
            lines.append(part)
    return ",\n".join(map(lettered, lines))


def label(name: object) -> str:
    """A name for a legend, with a leading underscore hidden: matplotlib leaves out names that have one."""
    text = lettered(name)
    return f"\N{ZERO WIDTH SPACE}{text}" if text.startswith("_") else text


def legend(ax: Axes, **options: Any) -> None:
    """Add a legend that holds each name once, if anything has a name."""
    handles, labels = ax.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    if named:
        ax.legend(named.values(), named.keys(), frameon=False, fontsize="small", **options)


def legend_above(ax: Axes, columns: int) -> None:
    """Add a legend of all that has a name above the axes."""
    handles = ax.get_legend_handles_labels()
    ax.figure.legend(*handles, loc="outside upper center", ncols=columns, frameon=False, fontsize="small")


def unbroken(number: int) -> str:
    """A whole number in groups of three digits that stay in one line: 10 000."""
    return grouped(number).replace(" ", "\N{NO-BREAK SPACE}")

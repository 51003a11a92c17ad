"""What all pictures share: where they are drawn, their colours, and how they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn.checking import InputError
from fastnn.core.network import Network
from fastnn.plotting.library import need_matplotlib
from fastnn.plotting.settings import fixed_settings
from fastnn.showing.lettering import LONGEST, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fastnn.plotting.figures import Drawing

# Okabe and Ito (2008): people of every colour vision can tell them apart. These show on white and on black.
BLUE, ORANGE, VERMILION, GREEN, PURPLE, SKY = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
INK, PAPER, GREY = "#000000", "#ffffff", "#8a8d93"
DARK, BRIGHT = (
    "#101114",
    "#fdfdfd",
)  # on a coloured ground: these stay as they are on a page shown light on dark

LOSS = "loss (mean squared error, scaled)"
WIDTH, HEIGHT = 5.0, 3.5  # inches, of a picture that can still be read on a phone
DOTS_PER_INCH = 144
NEED_LATEX = {"pgf"}


def new_figure(width: float = WIDTH, height: float = HEIGHT) -> tuple[Drawing, Axes]:
    """An empty figure that belongs to no window, for pictures that go to a file or a page.

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


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file; its ending (.png, .svg, .pdf) says in which format."""
    refuse_ending(path, "a picture's file name")
    with fixed_settings():
        figure.savefig(path, dpi=DOTS_PER_INCH)


def refuse_ending(path: Path, name: str) -> None:
    """Refuse the name of a picture's file whose ending names no format that can be written."""
    from matplotlib.backend_bases import FigureCanvasBase

    known = set(FigureCanvasBase.get_supported_filetypes()) - NEED_LATEX
    if path.suffix.removeprefix(".").lower() not in known:
        raise InputError(
            f"{name} must end in one of {', '.join(sorted(known))}; got {path.name!r}. Use .png or .svg."
        )


def axes(ax: Axes | None) -> Axes:
    """Where to draw: `ax`, or the axes of a new figure; without a frame at its upper and right end."""
    if ax is None:
        ax = _axes_of_a_window()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def _axes_of_a_window() -> Axes:
    """The axes of a new figure that pyplot shows, where its backend can be used here."""
    from matplotlib import pyplot

    from fastnn.plotting.figures import Drawing

    try:
        return pyplot.subplots(FigureClass=Drawing, layout="constrained")[1]
    except ImportError:  # a backend with windows, and no screen
        return new_figure()[1]


def lettered(name: object, longest: int = LONGEST) -> str:
    """A name for any text of matplotlib, which would take what stands between two dollars for mathematics.

    Only of ``\\$`` it makes a plain dollar.
    """
    return shortened(name, longest).replace("$", r"\$")


def label(name: object) -> str:
    """The name of something in a legend; matplotlib leaves out those that begin with an underscore."""
    text = lettered(name)
    return f"\N{ZERO WIDTH SPACE}{text}" if text.startswith("_") else text


def legend(ax: Axes, **options: Any) -> None:
    """Name what is drawn, each name once."""
    handles, labels = ax.get_legend_handles_labels()
    named = dict(zip(labels, handles, strict=True))
    if named:
        ax.legend(named.values(), named.keys(), frameon=False, fontsize="small", **options)


def shape(network: Network) -> str:
    """The layers of a network: 2-2-1."""
    return "-".join(map(str, network.layers))


def grouped(number: int) -> str:
    """A whole number in groups of three digits: 10 000."""
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")

"""What all pictures share: where they are drawn, their colours, and how they are kept."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnn.checking import InputError
from fastnn.network import Network
from fastnn.plotting.lettering import lettered, shortened
from fastnn.plotting.settings import fixed_settings

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
WIDTH, HEIGHT = 4.4, 3.2  # inches, of a picture that can still be read on a phone
DOTS_PER_INCH = 160
NEED_LATEX = {"pgf"}
LONGEST_REASON = 300  # letters of an error's message


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
    known = set(figure.canvas.get_supported_filetypes()) - NEED_LATEX
    ending = path.suffix.removeprefix(".").lower()
    if ending not in known:
        raise InputError(
            f"a picture's file name must end in one of {', '.join(sorted(known))}; got {path.name!r}. "
            "Use .png or .svg."
        )
    with fixed_settings():
        figure.savefig(path, dpi=DOTS_PER_INCH)


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


def need_matplotlib() -> None:
    """Refuse to go on without matplotlib, saying what to do."""
    try:
        _import_matplotlib()
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise _broken(error) from error
        raise InputError(
            'pictures need matplotlib; it is not installed. Run: pip install "fastnn-sweep[plot]"'
        ) from None
    except Exception as error:
        raise _broken(error) from error


def _import_matplotlib() -> None:
    """Import matplotlib, also where MPLBACKEND names a backend that it does not know: files need none."""
    if "matplotlib" in sys.modules:
        import matplotlib as _  # noqa: F401 - None stands there for one that must not be imported

        return
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):
            mpl.rcParams["backend"] = backend


def _broken(error: Exception) -> InputError:
    return InputError(
        f"pictures need matplotlib; it is installed, but importing it failed: {one_line(error)}. "
        "Mend that, or install it anew: pip install --force-reinstall matplotlib"
    )


def one_line(error: BaseException) -> str:
    """What went wrong, on one line: "ValueError: it is wrong"."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {shortened(words, LONGEST_REASON)}" if words else type(error).__name__


def shape(network: Network) -> str:
    """The layers of a network: 2-2-1."""
    return "-".join(map(str, network.layers))


def grouped(number: int) -> str:
    """A whole number in groups of three digits: 10 000."""
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")

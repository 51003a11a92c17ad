"""Pictures of results: results in, matplotlib Axes out. Nothing here trains.

Needs matplotlib: ``pip install "fastnn-sweep[plot]"``. Colours are those of Okabe and Ito (2008), which
people of every colour vision can tell apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.checking import InputError
from fastnn.sweep_results import Sweep
from fastnn.training import Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["loss_curves", "new_figure", "save", "sweep_histogram"]

BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999"
BY_DEAD_UNITS = (BLUE, ORANGE, VERMILION, GREEN)

BINS = 80
SHOWN = (0.0, 0.98)  # the quantiles between which the histogram runs: a few starts end far out


def loss_curves(training: Training, ax: Axes | None = None) -> Axes:
    """Draw the loss of every epoch, and the validation loss if there is one.

    Parameters
    ----------
    training : Training
        One network or several; a network that diverged has no line from that epoch on.
    ax : Axes, optional
        Where to draw; a new figure without.
    """
    ax = _axes(ax)
    epochs = np.arange(1, training.epochs + 1)
    many = np.atleast_2d(training.loss_curve)
    for curve in many:
        ax.plot(epochs, curve, color=BLUE, alpha=1.0 if len(many) == 1 else 0.4, label="training")
    if training.validation_curve is not None:
        for curve in np.atleast_2d(training.validation_curve):
            ax.plot(epochs, curve, color=ORANGE, linestyle="--", label="validation")
        handles, labels = ax.get_legend_handles_labels()
        named = dict(zip(labels, handles, strict=True))
        ax.legend(named.values(), named.keys(), frameon=False)
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss (mean squared error, scaled)")
    ax.set_title(f"{_shape(training)}, learning rate {np.unique(training.learning_rate)[0]:g}")
    return ax


def sweep_histogram(sweep: Sweep, ax: Axes | None = None) -> Axes:
    """Draw how many networks ended at which loss, stacked by how many of their hidden units are dead.

    Diverged networks have no loss and are counted in the title; the few largest losses lie outside.

    Parameters
    ----------
    sweep : Sweep
    ax : Axes, optional
        Where to draw; a new figure without.
    """
    ax = _axes(ax)
    ok = sweep.diverged == 0
    losses, dead = sweep.loss[ok].astype(float), sweep.dead_units()[ok]
    if len(losses):
        low, high = np.quantile(losses, SHOWN)
        bins = np.linspace(low, high if high > low else low + max(abs(low), 1e-9) * 1e-3, BINS + 1)
        kinds = [count for count in range(len(BY_DEAD_UNITS)) if _of_kind(dead, count).any()]
        ax.hist(
            [losses[_of_kind(dead, count)] for count in kinds],
            bins=bins.tolist(),
            stacked=True,
            color=[BY_DEAD_UNITS[count] for count in kinds],
            label=[_dead_units_label(count) for count in kinds],
        )
        ax.legend(frameon=False)
    ax.set_xlabel("loss of the last epoch (mean squared error, scaled)")
    ax.set_ylabel("networks")
    diverged = f", {(~ok).sum()} diverged" if (~ok).any() else ""
    ax.set_title(f"{_shape(sweep)}: {len(sweep)} networks{diverged}")
    return ax


def new_figure() -> tuple[Figure, Axes]:
    """An empty figure that belongs to no window, for pictures that go to a file."""
    _need_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    return figure, figure.subplots()


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a file; its ending (.png, .svg, .pdf) says in which format."""
    known = figure.canvas.get_supported_filetypes()
    ending = path.suffix.removeprefix(".").lower()
    if ending not in known:
        raise InputError(
            f"a picture's file name must end in one of {', '.join(sorted(known))}; got {path.name!r}. "
            "Use .png or .svg."
        )
    figure.savefig(path, dpi=150)


def _axes(ax: Any) -> Axes:
    if ax is not None:
        return ax  # type: ignore[no-any-return]
    _need_matplotlib()
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


def _need_matplotlib() -> None:
    try:
        import matplotlib as _  # noqa: F401
    except ImportError:
        raise InputError(
            'pictures need matplotlib; it is not installed. Run: pip install "fastnn-sweep[plot]"'
        ) from None


def _of_kind(dead: Any, count: int) -> Any:
    return dead >= count if count == len(BY_DEAD_UNITS) - 1 else dead == count


def _dead_units_label(count: int) -> str:
    if count == len(BY_DEAD_UNITS) - 1:
        return f"{count} or more units dead"
    return ("no unit dead", "1 unit dead")[count] if count < 2 else f"{count} units dead"


def _shape(result: Training | Sweep) -> str:
    return "-".join(map(str, result.network.layers))

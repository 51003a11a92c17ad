"""The losses of single networks over the epochs, each with its own colour and label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.plotting.canvas import COLOURS, GREY, ORANGE, axes, label, loss_label
from fastnn.plotting.named_curves import Curve, named_curves
from fastnn.plotting.scales import drawable, scale_losses, share_in_labels
from fastnn.plotting.settings import under_fixed_settings
from fastnn.showing.lettering import rate_texts, shape, told_apart
from fastnn.sweeping.results import Sweep
from fastnn.training.result import Training

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = 10  # the most curves in a legend; of more curves it names ten, evenly spaced
INSIDE = 3  # a legend of at most this many names fits beside the curves
DECADES = 100.0  # above this ratio of losses, a linear scale would show only the largest
BEYOND = 3.0  # a diverging curve is followed up to this multiple of the others' largest loss
RATE = "learning rate "


@under_fixed_settings
def loss_curves(
    trainings: Training | Sweep | Iterable[Training] | Mapping[Any, Training], ax: Axes | None = None
) -> Axes:
    """Draw the loss of every epoch, and the validation loss (dashed) if there is one.

    Each of several networks has its own colour and label. The label holds the name given to the network, and
    its layers, optimizer, learning rate and number if these differ. More than ten networks have colours from
    dark to bright, first to last, and the legend names ten of them. The scale is logarithmic if all losses
    are above 0 and span more than two decades; the axis then says so. The line of a diverged network ends
    before the epoch in which it diverged, and a cross marks its last loss.

    Parameters
    ----------
    trainings : Training, several of them, a mapping of names to them, or a Sweep with curves
        Up to 500 networks in all; `fan` draws more.
    ax : Axes, optional
        Where to draw; by default a new figure.
    """
    return draw_curves(axes(ax), named_curves(trainings))


def draw_curves(ax: Axes, curves: Sequence[Curve]) -> Axes:
    """Draw labelled curves."""
    alone = len(curves) == 1
    strokes = _strokes(len(curves))
    for curve, (colour, stroke) in zip(curves, strokes, strict=True):
        ax.plot(curve.epochs, drawable(curve.losses), color=colour, linestyle=stroke, label=_label(curve))
        if curve.validation is not None:
            dashed = ORANGE if alone else colour
            ax.plot(curve.epochs, drawable(curve.validation), color=dashed, linestyle="--", linewidth=1.0)
    logarithmic = scale_losses(ax, _of_interest(curves), DECADES)
    for curve, (colour, _) in zip(curves, strokes, strict=True):
        _mark_the_end(ax, curve, colour)
    _name(ax, curves)
    ax.set_xlabel("epoch")
    lost = loss_label(curve.loss for curve in curves)
    ax.set_ylabel(f"{lost}\nlogarithmic" if logarithmic else lost)
    ax.set_title(_shared(curves), fontsize="medium")
    return share_in_labels(ax)


def _of_interest(curves: Sequence[Curve]) -> NDArray[np.float64]:
    """The losses that the picture must show: all of the networks that stayed finite, the start of the others.

    A diverging loss passes 1e300. On a scale that showed it, all other losses would look alike.
    """
    every = [
        (curve, some) for curve in curves for some in (curve.losses, curve.validation) if some is not None
    ]
    kept = [drawable(some[np.isfinite(some)]) for curve, some in every if not curve.diverged]
    lost = [drawable(some[np.isfinite(some)]) for curve, some in every if curve.diverged]
    highest = BEYOND * max((some.max() for some in kept if len(some)), default=np.inf)
    return np.concatenate([*kept, *(np.minimum(some, highest) for some in lost)])


def _strokes(count: int) -> list[tuple[Any, str]]:
    """A colour and a stroke for each curve."""
    from matplotlib import colormaps

    if count <= NAMED:
        return [(COLOURS[n % len(COLOURS)], "-" if n < len(COLOURS) else "-.") for n in range(count)]
    return [(colour, "-") for colour in colormaps["viridis"](np.linspace(0, 0.92, count))]


def _label(curve: Curve) -> str:
    ended = f", diverged in epoch {curve.diverged}" if curve.diverged else ""
    return label((curve.label.removeprefix(RATE) or "training") + ended)


def _mark_the_end(ax: Axes, curve: Curve, colour: Any) -> None:
    """Draw a cross at a diverged network's last loss: without it the line would look like a good one."""
    if not curve.diverged:
        return
    finite = np.flatnonzero(np.isfinite(curve.losses))
    top = ax.get_ylim()[1]
    place = (
        (curve.epochs[finite[-1]], min(top, curve.losses[finite[-1]]))
        if len(finite)
        else (curve.diverged, top)
    )
    ax.plot(*place, "X", color=colour, markersize=8, clip_on=False)


def _name(ax: Axes, curves: Sequence[Curve]) -> None:
    """Add a legend, outside the axes if it is long."""
    from matplotlib.lines import Line2D

    lines = [line for line in ax.get_lines() if not str(line.get_label()).startswith("_")]
    lines = [lines[n] for n in np.linspace(0, len(lines) - 1, min(NAMED, len(lines))).round().astype(int)]
    validated = any(curve.validation is not None for curve in curves)
    if len(curves) == 1 and not validated and not curves[0].diverged:
        return
    named: list[Any] = [*lines]
    if validated:
        colour = ORANGE if len(curves) == 1 else GREY
        named.append(Line2D([], [], color=colour, linestyle="--", linewidth=1.0, label="validation"))
    rates = len(curves) > 1 and all(curve.label.startswith(RATE) for curve in curves)
    title = RATE.strip() if rates else ""
    if len(curves) > NAMED:
        title = f"{title} ({NAMED} of {len(curves)})".strip()
    outside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.0}
    ax.legend(
        handles=named,
        title=title or None,
        title_fontsize="small",
        fontsize="small",
        frameon=False,
        **(outside if len(named) > INSIDE else {}),
    )


def _shared(curves: Sequence[Curve]) -> str:
    """The layers that all curves share, and their learning rates, for the title."""
    shapes = list(dict.fromkeys(shape(curve.network.layers) for curve in curves))
    rates = sorted({curve.learning_rate for curve in curves if curve.optimizer.learning_rate is not None})
    told = shapes[:1] if len(shapes) == 1 else []
    if len(rates) < 2:
        return ", ".join([*told, *rate_texts(rates)])
    texts = told_apart(rates)
    return ", ".join([*told, f"learning rates {texts[0]} to {texts[-1]}"])

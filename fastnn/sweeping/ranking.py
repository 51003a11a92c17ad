"""The ranking of a sweep's networks by a loss: the best ones, quantiles, and a summary of every cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, one_of, whole_number
from fastnn.core.endings import BY_DIVERGENCE
from fastnn.showing.lettering import distinct, told_apart
from fastnn.sweeping.design import Design
from fastnn.sweeping.grid import Cell
from fastnn.sweeping.selecting import checked_levels
from fastnn.sweeping.tables import Table
from fastnn.system.floating_point import ieee

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "QUANTILES",
    "best_numbers",
    "cell_quantiles",
    "checked_loss",
    "loss_quantiles",
    "need_one_loss",
    "summary",
]

Array = NDArray[Any]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def checked_loss(design: Design, by: str | None) -> str:
    """Return the checked name of a sweep's loss; None stands for the loss that ranks its networks."""
    return design.losses[-1] if by is None else one_of(by, "by", design.losses)


def need_one_loss(design: Design) -> None:
    """Refuse to rank networks that are trained by different losses, unless it is told by what."""
    if len(design.grid["loss"]) > 1:
        raise InputError(
            f"by must be given where a sweep has several losses, whose sizes cannot be compared; got none. "
            f"Give by=, one of {', '.join(map(repr, design.losses))}."
        )


def best_numbers(design: Design, table: Table, count: int, by: str | None) -> NDArray[np.int64]:
    """The numbers of the `count` networks with the smallest loss; of equal ones the lower number first.

    Networks that diverged, or whose loss is not a finite number, are left out.
    """
    count, by = whole_number(count, "count", 1), checked_loss(design, by)
    losses, numbers = np.empty(0, design.plan.dtype), np.empty(0, np.int64)
    for piece in table.read(["network", by, "diverged"]):
        ranked = _ranked(piece, by)
        losses = np.concatenate([losses, piece[by][ranked]])
        numbers = np.concatenate([numbers, piece["network"][ranked]])
        first = np.argsort(losses, kind="stable")[:count]
        losses, numbers = losses[first], numbers[first]
    return numbers


@ieee
def loss_quantiles(
    table: Table, levels: Sequence[float], by: str, within: range | None = None
) -> NDArray[np.float64]:
    """The quantiles of a loss over the ok networks, or the ok ones `within`; NaN if there are none."""
    # Filled piece by piece; measured: 81 MB for 10 million networks (against 160 MB by joining the pieces).
    values = np.empty(len(table) if within is None else min(len(table), len(within)))
    count = 0
    for piece in table.read([by, "diverged"], within):
        ranked = piece[by][_ranked(piece, by)]
        values[count : count + len(ranked)] = ranked
        count += len(ranked)
    if not count:
        return np.full(len(levels), np.nan)
    return np.quantile(values[:count], levels, overwrite_input=True)


def cell_quantiles(design: Design, table: Table, levels: Sequence[float], by: str) -> pd.DataFrame:
    """A frame with the settings and the quantiles of a loss for each cell of the grid."""
    import pandas as pd

    checked = list(dict.fromkeys(checked_levels(levels)))
    names = [f"{text} %" for text in distinct(told_apart([100 * level for level in checked]))]
    cells = []
    for cell in design.grid.cells():
        values = loss_quantiles(table, checked, by, _numbers(design, cell))
        cells.append(design.grid.described(cell) | dict(zip(names, values, strict=True)))
    return pd.DataFrame(cells)


def summary(design: Design, table: Table) -> pd.DataFrame:
    """A frame with each cell's networks, its smallest losses, and the quantiles of its networks' loss."""
    found = cell_quantiles(design, table, QUANTILES, "loss")
    rows = [_counted(design, table, _numbers(design, cell)) for cell in design.grid.cells()]
    for place, name in enumerate(rows[0], len(design.grid.shown)):
        found.insert(place, name, [row[name] for row in rows])
    return found


def _counted(design: Design, table: Table, within: range) -> dict[str, Any]:
    """The number of networks in a cell, how many of them diverged and stopped, and the smallest losses."""
    networks = diverged = stopped = trained = 0
    smallest = dict.fromkeys(design.losses, np.inf)
    stops = [] if design.plan.stopping is None else ["ended", "trained_epochs"]
    for piece in table.read([*design.losses, "diverged", *stops], within):
        networks += len(piece["diverged"])
        if stops:
            stopped += int(np.count_nonzero(piece["ended"] > BY_DIVERGENCE))
            trained += int(piece["trained_epochs"].sum())
        diverged += int(np.count_nonzero(piece["diverged"]))
        for name, value in smallest.items():
            smallest[name] = float(np.min(piece[name][_ranked(piece, name)], initial=value))
    best = {"best" if name == "loss" else f"best {name}": value for name, value in smallest.items()}
    best = {name: np.nan if value == np.inf else value for name, value in best.items()}
    told = {"stopped": stopped, "epochs trained": trained / max(1, networks)} if stops else {}
    return {"networks": networks, "diverged": diverged, **told, **best}


def _ranked(piece: dict[str, Array], by: str) -> NDArray[np.bool_]:
    """Whether each network can be ranked by a loss."""
    ranked: NDArray[np.bool_] = (piece["diverged"] == 0) & np.isfinite(piece[by])
    return ranked


def _numbers(design: Design, cell: Cell) -> range:
    return range(cell.first, cell.first + design.grid.starts)

"""The section of a sweep's page on when its networks stopped for themselves, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn.core.endings import ENDINGS
from fastnn.pages.blocks import Block, Section
from fastnn.pages.tables import Table, per_cent, written
from fastnn.plotting import tables
from fastnn.reporting.pictures import intervals_of_cells
from fastnn.showing.lettering import counted
from fastnn.sweeping.results import Sweep
from fastnn.training.stopping import Stopping

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["stops"]

BEST = "best epoch"


def stops(found: Sweep, table: pd.DataFrame, headings: dict[str, str]) -> list[Section]:
    """By what the training of networks ended, and their best epochs; nothing unless they could stop."""
    stopping = found.plan.stopping
    if stopping is None:
        return []
    rows = [_row(word, table[table["ended"] == word], len(table)) for word in ENDINGS]
    blocks: list[Block] = [
        _rule(stopping, found.plan.epochs),
        Table(
            [row for row in rows if row["networks"]],
            "What ended their training, and quantiles of their best epoch",
            headings,
            {"share": per_cent},
        ),
    ]
    cells = _of_cells(found, table)
    if len(cells) > 1:
        labelled = cells.assign(label=tables.cell_labels(cells))
        blocks.append(intervals_of_cells("best-epochs", labelled, BEST, found.grid.nouns))
    return [Section("When they stopped", blocks)]


def _rule(stopping: Stopping, epochs: int) -> str:
    """A sentence on when a network stops."""
    least = f" by more than {written(stopping.min_delta)}" if stopping.min_delta else ""
    return (
        f"A network stops after {counted(stopping.patience, 'epoch')} in a row in which its {stopping.told} "
        f"has not become lower{least}, and at the latest after {written(epochs)}. It has the parameters and "
        "the loss of its best epoch."
    )


def _row(word: str, some: pd.DataFrame, networks: int) -> dict[str, Any]:
    """The numbers of the networks whose training ended by one thing."""
    share = len(some) / max(1, networks)
    return {"ended": word, "networks": len(some), "share": share, **_quantiles(some)}


def _quantiles(some: pd.DataFrame) -> dict[str, float]:
    """The quantiles of the best epoch over the networks that did not diverge; NaN if there are none."""
    best = some["best_epoch"].to_numpy()
    best = best[best > 0]
    if not len(best):
        return dict.fromkeys(tables.QUANTILE_NAMES, np.nan)
    values = tables.worst_last_quantiles(best[:, None])[:, 0]
    return dict(zip(tables.QUANTILE_NAMES, map(int, values), strict=True))


def _of_cells(found: Sweep, table: pd.DataFrame) -> pd.DataFrame:
    """The settings of each cell in which networks have a best epoch, and the quantiles of it."""
    import pandas as pd

    cell_of = table["network"] // found.grid.starts
    rows = [
        found.grid.described(cell) | _quantiles(table[cell_of == place])
        for place, cell in enumerate(found.grid.cells())
    ]
    return pd.DataFrame([row for row in rows if not np.isnan(row["50 %"])])

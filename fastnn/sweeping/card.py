"""The card of a Sweep in a notebook: small, however large the Sweep is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.showing.cards import card, histogram, table
from fastnn.showing.lettering import counted, grouped, with_form
from fastnn.sweeping.network_axis import in_words
from fastnn.training.card import described, relu_units
from fastnn.training.endings import LOOKED_AT
from fastnn.training.statuses import DIVERGED, OK

__all__ = ["sweep_card"]

CELLS = 8


def sweep_card(sweep: Any) -> str:
    """The HTML of a `Sweep`: its summary and the histogram of its losses."""
    unfinished = f" of {grouped(sweep.grid.total)}" if len(sweep) < sweep.grid.total else ""
    losses, diverged = _losses_of(sweep)
    plan = sweep.plan
    trained = [counted(plan.epochs, "epoch"), *sweep.design.told]
    facts = [
        ("ended", f"{grouped(len(sweep) - diverged)} {OK}, {grouped(diverged)} {DIVERGED}"),
        ("but", "; ".join(sweep.notes)),
        ("dead units", _dead_units_of(sweep)),
        ("starts", f"{sweep.start!r}, seed {sweep.seed}"),
        ("trained", f"{', '.join(trained)}, engine {with_form(sweep.engine, sweep.form)}, {plan.dtype}"),
        ("store", "" if sweep.store is None else str(sweep.store)),
    ]
    summary = sweep.summary()
    more = (
        f"and {counted(len(summary) - CELLS, 'further cell')}: sweep.summary()"
        if len(summary) > CELLS
        else ""
    )
    rows = summary.head(CELLS).itertuples(index=False, name=None)
    return card(
        f"Sweep of {_described(sweep.architectures)}: {counted(len(sweep), 'network')}{unfinished}",
        facts,
        histogram(losses, f"{sweep.schema.ranking}, of those that did not diverge"),
        table([str(name) for name in summary.columns], rows, more),
    )


def _described(networks: Sequence[Network]) -> str:
    return described(networks[0]) if len(networks) == 1 else in_words(networks)


def _losses_of(sweep: Any) -> tuple[NDArray[np.float64], int]:
    """The losses that rank up to a million networks that did not diverge, and the number that did."""
    spacing = max(1, len(sweep) // 1_000_000)
    losses, diverged = [np.empty(0)], 0
    for piece in sweep.table.read([sweep.ranked_by, "diverged"]):
        ok = piece["diverged"] == 0
        losses.append(piece[sweep.ranked_by][ok][::spacing].astype(np.float64))
        diverged += int((~ok).sum())
    return np.concatenate(losses), diverged


def _dead_units_of(sweep: Any) -> str:
    """In words, the numbers of networks by their dead units; empty if counting would take long."""
    relu = any(map(relu_units, sweep.architectures))
    if sweep.foreign or not relu or len(sweep) * len(sweep.plan.X) > LOOKED_AT:
        return ""
    counts = enumerate(sweep.dead_unit_counts().tolist())
    return ", ".join(f"{units or 'none'} in {grouped(count)}" for units, count in counts if count)

"""The notes of a sweep in which most networks diverged or answer all rows with one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.data.classes import classes_of, label_notes
from fastnn.showing.lettering import counted
from fastnn.sweeping.grid import Cell
from fastnn.training.endings import quiet_networks

__all__ = ["sweep_notes"]

ASKED = 1000
MOST = 0.5
NAMED = 6


def sweep_notes(sweep: Any) -> tuple[str, ...]:
    """A sentence for each cell of a `Sweep` in which most networks diverged or predict one and the same.

    Before these stands one on the labels that became classes, if there were any.

    Answers are computed for a thousand networks in all, the first ones of each cell.
    """
    cells = list(sweep.grid.cells())
    found = [(cell, text) for cell in cells if (text := _note(sweep, cell, max(1, ASKED // len(cells))))]
    labels = label_notes(sweep.plan.labels)
    if len(found) == len(cells) and len({text for _, text in found}) == 1:
        return (*labels, found[0][1])
    said = [f"{sweep.grid.name_of(cell)}: {text}" if len(cells) > 1 else text for cell, text in found]
    more = [f"similar in {counted(len(said) - NAMED, 'further cell')}"] if len(said) > NAMED else []
    return (*labels, *said[:NAMED], *more)


def _note(sweep: Any, cell: Cell, asked: int) -> str | None:
    within = range(cell.first, cell.first + sweep.grid.starts)
    ended = [piece["diverged"] > 0 for piece in sweep.table.read(["diverged"], within)]
    networks, diverged = sum(map(len, ended)), int(sum(piece.sum() for piece in ended))
    if not networks:
        return None
    if diverged >= MOST * networks:
        return f"{_most(diverged / networks)} diverged; a smaller learning rate may help"
    some = sweep.part(np.arange(cell.first, cell.first + min(asked, sweep.grid.starts)))
    network = cell["network"]
    fine = sweep.grid.networks.parameters_of(network, some.parameters[some.diverged == 0])
    if not len(fine):
        return None
    plan = sweep.design.plan_of(cell)
    names = classes_of(network, type(plan.recipe.loss), plan.named)
    quiet = quiet_networks(network, fine, plan.X, plan.Y, None if names is None else len(names))
    share = float((quiet.dead | quiet.alike).mean())
    if share < MOST:
        return None
    seen = "" if len(some) == networks else f" (of {len(some)} looked at)"
    one = "answer all rows with one number" if names is None else "predict one class for all rows"
    return f"{_most(share)} {one}, as dead networks do{seen}"


def _most(share: float) -> str:
    return "all networks" if share == 1 else f"most networks ({100 * share:.0f} %)"

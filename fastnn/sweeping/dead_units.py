"""The dead units of a sweep's networks, counted a few networks at a time, in memory or in a store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.sweeping.design import Design
from fastnn.sweeping.evaluating import evaluated
from fastnn.sweeping.tables import Columns, Table
from fastnn.training.evaluating import dead_units

__all__ = ["dead_unit_pieces"]

AT_ONCE = 1 << 18  # networks


def dead_unit_pieces(
    design: Design, table: Table, names: Sequence[str]
) -> Iterator[tuple[Columns, NDArray[np.int64]]]:
    """Yield some columns and the dead units of their networks, piece by piece; see `fastnn.Sweep`."""
    grid, X = design.grid, design.plan.X
    for columns, parameters in _pieces(table, tuple(dict.fromkeys(["network", *names]))):
        dead = np.empty(len(parameters), np.int64)
        rows = grid.column("rows", columns["network"])
        for count in grid["rows"].values:
            some = np.flatnonzero(rows == count)
            counted = partial(_counted, X[:count])
            dead[some] = evaluated(grid, columns["network"][some], parameters[some], counted)
        yield columns, dead


def _counted(X: NDArray[Any], network: Network, parameters: NDArray[Any]) -> NDArray[np.int64]:
    return dead_units(network, parameters, X)


def _pieces(table: Table, names: tuple[str, ...]) -> Iterator[tuple[Columns, NDArray[Any]]]:
    for columns, parameters in table.parameters(names):
        for first in range(0, max(1, len(parameters)), AT_ONCE):
            some = slice(first, first + AT_ONCE)
            yield {name: column[some] for name, column in columns.items()}, parameters[some]

"""The layout of a store's files of results: the columns of each kind of file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.sweeping.columns import Kind, Per, Schema
from fastnn.sweeping.design import Results
from fastnn.sweeping.grid import Grid
from fastnn.sweeping.store.parquet import table_bytes

__all__ = ["RESULTS", "arrays_in", "kinds_in", "results_bytes"]

Array = NDArray[Any]

# The files of results: what their columns have a number for, or several.
RESULTS: dict[str, tuple[Per, ...]] = {"shard": ("network", "parameter"), "curves": ("epoch",)}


def kinds_in(kind: str, grid: Grid, schema: Schema) -> dict[str, Kind]:
    """What the columns of a kind of file hold, by name: start, settings of the grid, results."""
    settings = {name: Kind(grid.kind(name), few=True) for name in _settings(kind, grid)}
    return {"start": Kind("int64"), **settings, **schema.kinds(*RESULTS[kind])}


def results_bytes(kind: str, grid: Grid, schema: Schema, results: Results, metadata: dict[str, str]) -> bytes:
    """Results as a file of a kind."""
    kinds = kinds_in(kind, grid, schema)
    for name, has in zip(schema.names, grid.has(results.numbers.first), strict=True):
        if name in kinds and not has:  # NaN in every row, since a shard is of one cell: written once
            kinds[name] = replace(kinds[name], few=True)
    return table_bytes(_columns_for(kind, grid, schema, results), kinds, metadata)


def _columns_for(kind: str, grid: Grid, schema: Schema, results: Results) -> dict[str, Array]:
    """The columns of a file, from results; words as their places."""
    numbers = results.numbers.array()
    found = {"start": grid.start_of(numbers)}
    found |= {name: grid.column(name, numbers) for name in _settings(kind, grid)}
    arrays = {column.name: results[column.array] for column in schema.kept if column.array in results.arrays}
    for column in schema.ordered:
        if column.per == "parameter" and column.per in RESULTS[kind]:
            found |= dict(zip(schema.names, arrays[column.name].T, strict=True))
        elif column.per in RESULTS[kind]:
            found[column.name] = column.codes(arrays)
    return found


def arrays_in(schema: Schema, columns: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of results by name, from the columns of a file."""

    def joined(name: str, names: tuple[str, ...]) -> Array:
        return np.column_stack([columns[each] for each in names]) if names else columns[name]

    names = {"parameter": schema.names}
    return {column.array: joined(column.name, names.get(column.per, ())) for column in schema.kept}


def _settings(kind: str, grid: Grid) -> list[str]:
    return grid.shown if "network" in RESULTS[kind] else []

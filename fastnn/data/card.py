"""The card of a Dataset in a notebook: the conversion of each column, and the first rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.showing.cards import card, fold, number, table
from fastnn.showing.lettering import counted

__all__ = ["dataset_card"]

ROWS = 5
COLUMNS = 20


def dataset_card(data: Any) -> str:
    """The HTML of a `Dataset`: the conversion of each column, and the first rows."""
    scaling = data.scaling
    columns = [*scaling.input_columns, *scaling.target_columns]
    names = [*data.inputs, *scaling.targets]
    low = np.append(data.X_scaling.minimum, data.y_scaling.minimum)
    extents = {
        name: f"numbers {number(float(least))} .. {number(float(least + span))}"
        for name, least, span in zip(
            names, low, np.append(data.X_scaling.range, data.y_scaling.range), strict=True
        )
    }
    kinds = ["input"] * len(scaling.input_columns) + ["target"] * len(scaling.target_columns)
    told = [column.coding for column in scaling.input_columns]
    told += [column.coded for column in scaling.target_columns]
    became = [
        (column.name, kind, text or extents[column.name])
        for column, kind, text in zip(columns, kinds, told, strict=True)
    ]
    more = f"and {counted(len(became) - COLUMNS, 'further column')}" if len(became) > COLUMNS else ""
    weights = data.weights
    facts = [
        ("source", data.source),
        ("scaled", "every input to 0 .. 1" if data.classes else "every input and target to 0 .. 1"),
        ("weights of rows", "" if weights is None else f"{number(weights.min())} .. {number(weights.max())}"),
        ("dropped", f"{counted(data.dropped, 'row')} with a missing cell" if data.dropped else ""),
    ]
    return card(
        f"Dataset of {counted(data.rows, 'row')}: {counted(len(data.inputs), 'input')}",
        facts,
        "",
        table(["column", "is", "became"], became[:COLUMNS], more),
        fold(f"first {counted(min(ROWS, data.rows), 'row')}, in their own units", _first_rows(data, names)),
    )


def _first_rows(data: Any, names: list[str]) -> str:
    some = data.X_scaling.invert(data.X[:ROWS]), data.target_values[:ROWS].reshape(min(ROWS, data.rows), -1)
    own = dict(zip(names, np.column_stack(some).T, strict=True))
    columns = [*data.scaling.input_columns, *data.scaling.target_columns]
    shown = columns if len(columns) <= COLUMNS else [*columns[: COLUMNS - 1], columns[-1]]
    cells = [_cells(column, [own[name] for name in column.inputs]) for column in shown]
    return table([column.name for column in shown], zip(*cells, strict=True))


def _cells(column: Any, values: list[Any]) -> list[Any]:
    """A column's first cells before scaling and coding: numbers, or categories."""
    if column.one_hot:
        return [column.categories[place] for place in np.argmax(values, axis=0)]
    if column.categories:
        return [column.categories[round(code)] for code in values[0]]
    return list(values[0])

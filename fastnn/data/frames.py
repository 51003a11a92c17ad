"""The conversion of DataFrames, given or read from a file, to a network's inputs and targets."""

from collections.abc import Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fastnn.checking import InputError, all_of, one_of, shown
from fastnn.data.array_likes import columns_in, holds_categories
from fastnn.data.cell_kinds import cells_of
from fastnn.data.columns import (
    Column,
    Table,
    chosen_names,
    is_among,
    listed,
    refuse_other_columns,
    refuse_shared_names,
    refuse_unwritable,
)
from fastnn.data.converting import Cells, Place, text_of
from fastnn.showing.lettering import counted

__all__ = ["numbers_like", "table_of", "told_categories"]


def table_of(
    frame: Any,
    inputs: Hashable | Iterable[Hashable],
    target: Hashable | Iterable[Hashable],
    *,
    missing: str = "refuse",
    ordered: Mapping[Any, Sequence[Any]] | None = None,
    categories: Hashable | Iterable[Hashable] = (),
    weights: Hashable | None = None,
    file: str | None = None,
    lines: Sequence[int] | None = None,
) -> Table:
    """Return the chosen columns of `frame` as numbers, or refuse, naming column and row.

    See `Dataset.from_frame`. If the frame was read from a file, `file` is its name and `lines` has the line
    of each row, for errors.
    """
    one_of(missing, "missing", ("refuse", "drop"))
    title = "the DataFrame" if file is None else file
    chosen = chosen_names(inputs, target, _labels(frame), title, weights)
    labels = (*chosen.inputs, *chosen.targets)
    orders = _orders(ordered, labels)
    told = told_categories(None, categories)
    _refuse_unchosen(told, "categories", labels)
    place = _place(frame, title, file, lines)
    columns = [
        cells_of(_series(frame, label), str(label), place, orders.get(label), label in told)
        for label in chosen.all
    ]
    kept = _kept(columns, missing, title)
    count = len(chosen.inputs)
    if len(chosen.targets) == 1:
        columns[count] = replace(columns[count], classes=True)
    converted = [cells.converted(kept) for cells in columns[: len(labels)]]
    _refuse_classes(converted[count:], place)
    found = [column for column, _ in converted]
    _refuse_unmet(orders, dict(zip(labels, found, strict=True)), place)
    refuse_shared_names(found[:count], found[count:])
    refuse_unwritable(found, title)
    return Table(
        tuple(found[:count]),
        tuple(found[count:]),
        np.column_stack([column.spread(numbers) for column, numbers in converted[:count]]),
        np.column_stack([column.spread(numbers) for column, numbers in converted[count:]]),
        len(frame) - len(kept),
        _weights(columns[-1], kept) if chosen.weights else None,
    )


def numbers_like(
    frame: Any,
    columns: Sequence[Column],
    *,
    file: str | None = None,
    lines: Sequence[int] | None = None,
) -> NDArray[np.float64]:
    """Return new rows as inputs (N, D), converted as the `columns` of training were; refuse what differs."""
    title = "the DataFrame" if file is None else file
    place = _place(frame, title, file, lines)
    labels = {str(label): label for label in _labels(frame)}  # a Dataset's names are texts, labels can be any
    refuse_other_columns([column.name for column in columns], list(map(str, _labels(frame))), title)
    named = [(column.name, column.categories) for column in columns]
    found = [cells_of(_series(frame, labels[name]), name, place, known or None) for name, known in named]
    rows = _kept(found, "refuse", title, "Drop or fill these rows.")
    spread = [
        column.spread(cells.coded_as(column, rows)) for column, cells in zip(columns, found, strict=True)
    ]
    return np.column_stack(spread)


def _labels(frame: Any) -> list[Hashable]:
    """Return the labels of a table's columns; refuse anything that is no table."""
    if isinstance(frame, pd.DataFrame):
        return list(frame.columns)
    columns = columns_in(frame)
    if columns is not None:
        return [column.label for column in columns]
    remedy = "Wrap it: pandas.DataFrame(...)"
    if isinstance(frame, pd.Series):
        remedy = "Call .to_frame() on it"
    elif isinstance(frame, np.ndarray):
        remedy = "Wrap it: pandas.DataFrame(array, columns=[...])"
    elif hasattr(frame, "collect"):
        remedy = "Call .collect() on it"
    raise InputError(f"frame must be a DataFrame; got {shown(frame)}. {remedy}.")


def _series(frame: Any, label: Hashable) -> pd.Series:
    """Return a column of a table; those of other libraries as Python objects, which keep all values."""
    if isinstance(frame, pd.DataFrame):
        found: pd.Series = frame[label]
        return found
    column = next(column.cells for column in columns_in(frame) or [] if column.label == label)
    ways = (getattr(column, name, None) for name in ("to_pylist", "to_list", "tolist"))
    values = next(way for way in ways if way)()
    return pd.Series(pd.Categorical(values) if holds_categories(column) else pd.Series(values, dtype=object))


def _place(frame: Any, title: str, file: str | None, lines: Sequence[int] | None) -> Place:
    if len(frame) == 0:
        raise InputError(f"{title} must have at least one row; got none. Check what filled or filtered it.")
    return Place(frame.index if isinstance(frame, pd.DataFrame) else range(len(frame)), file, lines)


def _orders(
    ordered: Mapping[Any, Iterable[Any]] | None, labels: Sequence[Hashable]
) -> dict[Hashable, tuple[str, ...]]:
    """Return the given orders of columns' categories, as texts."""
    if ordered is None:
        return {}
    if not isinstance(ordered, Mapping):
        raise InputError(
            f"ordered must give the order of categories by column; got {shown(ordered)}. "
            'Write ordered={"size": ["S", "M", "L"]}.'
        )
    _refuse_unchosen(ordered, "ordered", labels)
    orders = {}
    for label, values in ordered.items():
        if not isinstance(values, Iterable) or isinstance(values, str | Set | Mapping):
            raise InputError(
                f"ordered must give each column a list; got {shown(values)} for {label!r}. "
                'Write ordered={"size": ["S", "M", "L"]}.'
            )
        order = tuple(all_of(map(text_of, values), f"ordered[{label!r}]"))
        if len(set(order)) < max(2, len(order)):
            raise InputError(
                f"ordered must give at least two different categories of a column; got {shown(values)} for "
                f"{label!r}. List each once, from low to high."
            )
        orders[label] = order
    return orders


def _refuse_unmet(
    orders: Mapping[Hashable, tuple[str, ...]], columns: Mapping[Hashable, Column], place: Place
) -> None:
    """Refuse an order with a category that is in no row: no network can learn its meaning."""
    for label, order in orders.items():
        unmet = [text for text in order if text not in columns[label].categories]
        if unmet:
            raise InputError(
                f"{place.column(str(label))} must hold each value that ordered gives; got no {unmet[0]!r} in "
                "any row. Leave it out of the order."
            )


def told_categories(ordered: Any, categories: Any) -> tuple[Any, ...]:
    """Return the columns that the user calls categories, with or without an order; not checked."""
    several = isinstance(categories, Iterable) and not isinstance(categories, str)
    names = tuple(all_of(categories, "categories")) if several else (categories,)
    return (*names, *ordered) if isinstance(ordered, Mapping) else names


def _refuse_unchosen(names: Iterable[Hashable], option: str, labels: Sequence[Hashable]) -> None:
    for name in names:
        if not is_among(name, labels):
            raise InputError(f"{option} must name chosen columns; got {name!r}. Chosen are {listed(labels)}.")


def _kept(columns: Sequence[Cells], missing: str, title: str, remedy: str | None = None) -> NDArray[np.int64]:
    """Return the rows without a missing cell; refuse any missing cell unless missing is "drop"."""
    gone = np.logical_or.reduce([cells.missing for cells in columns])
    if gone.any() and missing == "refuse":
        faulty = [cells for cells in columns if cells.missing.any()]
        each = [
            f"{int(cells.missing.sum())} in {cells.name!r} "
            f"(the first in {cells.place.row(int(cells.missing.argmax()))})"
            for cells in faulty[:5]
        ]
        more = f" and more in {counted(len(faulty) - 5, 'other column')}" if len(faulty) > 5 else ""
        remedy = remedy or 'Give missing="drop" (--missing drop) to leave these rows out, or fill the cells.'
        raise InputError(
            f"{title} must have no missing cells in the chosen columns; got {int(gone.sum())} of "
            f"{counted(len(gone), 'row')} with some: {', '.join(each)}{more}. {remedy}"
        )
    if gone.all():
        raise InputError(
            f"{title} must have a row without missing cells in the chosen columns; got none of {len(gone)}. "
            "Leave out the columns that are mostly empty."
        )
    return np.flatnonzero(~gone)


def _weights(cells: Cells, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weights of rows in a column: numbers from 0, not all 0; False and True are 0 and 1."""
    word = cells.first_word(rows)
    numbers = np.zeros(0) if word else cells.converted(rows)[1]
    wrong = np.flatnonzero(numbers < 0)
    if word:
        got, remedy = word, "Write plain numbers in the column, or name another."
    elif len(wrong):
        got = f"{float(numbers[wrong[0]])!r} in {cells.place.row(int(rows[wrong[0]]))}"
        remedy = "Give a row that is not to count the weight 0."
    elif not numbers.any():
        got, remedy = "0 in all rows", "Give one of them a weight."
    else:
        return np.asarray(numbers, np.float64)
    raise InputError(
        f"{cells.place.column(cells.name)} must hold numbers from 0, not all 0, to be the weights of rows; "
        f"got {got}. {remedy}"
    )


def _refuse_classes(targets: Sequence[tuple[Column, Any]], place: Place) -> None:
    """Refuse more than two categories beside another target: an output is a number, or a yes or no."""
    for column, _ in targets if len(targets) > 1 else ():
        if column.one_hot:
            raise InputError(
                f"{place.column(column.name)} must hold numbers or two categories to be one of several "
                f"targets; got {len(column.categories)}, such as {listed(column.categories, 3)}. Predict "
                "it alone: its categories are then classes, each an output of its own."
            )

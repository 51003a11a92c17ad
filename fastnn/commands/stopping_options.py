"""The options of validation rows and of stopping, and the division of the data that they ask for."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import numpy as np

from fastnn.checking import InputError, seed_number
from fastnn.commands.data_options import data_of
from fastnn.commands.parsing import number, whole
from fastnn.core.rule import WATCHED
from fastnn.data.datasets import Dataset
from fastnn.training.dividing import validation_rows

__all__ = ["add_stopping", "divided_data", "stopping_asked"]


def add_stopping(group: Any) -> None:
    """Add the options."""
    group.add_argument(
        "--validation",
        metavar="FRACTION|FILE",
        help="rows to validate on: a fraction of the rows, which are not trained on, or another table",
    )
    group.add_argument(
        "--patience",
        type=whole,
        metavar="E",
        help="stop after this number of epochs without a better one, and end with the best",
    )
    group.add_argument(
        "--min-delta", type=number, default=0.0, metavar="D", help="better is lower by more than this"
    )
    group.add_argument("--watch", choices=WATCHED, help="what has to become lower; default validation_loss")


def stopping_asked(options: Namespace) -> dict[str, Any]:
    """What these options ask of `fastnn.train` and `fastnn.sweep`, but for the validation rows."""
    return {"patience": options.patience, "min_delta": options.min_delta or 0.0, "watch": options.watch}


def divided_data(options: Namespace, data: Dataset) -> tuple[Dataset, Dataset | None]:
    """The rows that are trained on, and those that validate, scaled as the former are."""
    given = options.validation
    if given is None:
        return data, None
    try:
        fraction = float(given)
    except ValueError:
        return data, _of_a_file(options, data)
    chosen = validation_rows(fraction, data.y.reshape(data.rows, -1), seed_number(options.seed or 0))
    rows = data.part(~chosen)
    return rows, data.part(chosen, rows.scaling)


def _of_a_file(options: Namespace, data: Dataset) -> Dataset:
    """The rows of another table with the columns of the data, as the data are scaled."""
    named = Namespace(**vars(options) | {"data": options.validation, "data_digest": None, "weights": None})
    other = data_of(named, "--validation", "a fraction or an existing file")
    columns = (other.scaling.input_columns, other.scaling.target_columns)
    if columns != (data.scaling.input_columns, data.scaling.target_columns):
        raise InputError(
            f"--validation must be a fraction, or a table with the columns and categories of --data; got "
            f"{options.validation!r}, which has others. Give such a table, or a fraction such as 0.2."
        )
    return other.part(np.ones(other.rows, bool), data.scaling)

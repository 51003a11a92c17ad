"""The kind of a column's cells: numbers, bools, categories or text; anything else is refused."""

from collections.abc import Set
from decimal import Decimal, InvalidOperation

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.data import cells
from fastnn.data.cell_types import REMEDIES, kind_of
from fastnn.data.converting import BOOLS, Cells, Place, short_of, text_of

__all__ = ["cells_of"]


def cells_of(
    series: pd.Series, name: str, place: Place, order: tuple[str, ...] | None = None, told: bool = False
) -> Cells:
    """Find out the kind of a column's cells, and which are missing.

    `told` or an `order` makes them categories, whatever they look like. Then only empty cells are missing.
    Else the marks that pandas reads as missing, ? and \\N are missing, too, and among numbers further marks
    such as - and :.
    """
    series = _without_signals(series)
    missing = series.isna().to_numpy(dtype=bool, copy=True)
    categorical = isinstance(series.dtype, pd.CategoricalDtype)
    if told or order is not None or categorical or str(series.dtype).startswith("dictionary<"):
        declared: tuple[str, ...] = ()
        if order is None and isinstance(series.dtype, pd.CategoricalDtype):
            declared = tuple(dict.fromkeys(text_of(value) for value in series.dtype.categories))
            order = declared if series.dtype.ordered else None
        values = _stripped(series)
        absent = missing | _among(values, {""})
        found = Cells(name, "categories", values, absent, place, order, declared)
        found.refuse_blanks(series)
        return found
    kind = series.dtype.kind
    if kind in "iufb":
        filled = series.fillna(False if kind == "b" else 0) if missing.any() else series
        numbers = filled.to_numpy(dtype=bool) if kind == "b" else filled.to_numpy()
        missing |= np.isnan(numbers) if kind == "f" else False
        return Cells(name, "bools" if kind == "b" else "numbers", numbers, missing, place)
    if (plain := cells.numbers_of(series.tolist())) is not None:
        return Cells(name, "numbers", plain, missing, place)
    return _of_objects(_stripped(series), missing, name, place)


def _without_signals(series: pd.Series) -> pd.Series:
    """The cells, with a quiet NaN in place of each signaling NaN, which cannot even be compared."""
    try:
        series.isna()
    except InvalidOperation:
        given = series.tolist()
        quiet = [Decimal("NaN") if isinstance(cell, Decimal) and cell.is_snan() else cell for cell in given]
        return pd.Series(quiet, series.index, object, series.name)
    return series


def _stripped(series: pd.Series) -> NDArray[np.object_]:
    values = np.empty(len(series), object)
    values[:] = [value.strip() if isinstance(value, str) else value for value in series.tolist()]
    return values


def _of_objects(values: NDArray[np.object_], missing: NDArray[np.bool_], name: str, place: Place) -> Cells:
    kinds = {kind_of(each) for each in set(map(type, values[~missing].tolist()))}
    if "text" in kinds and kinds <= {"text", "number"}:
        texts = {value for value in values[~missing].tolist() if isinstance(value, str)}
        if kinds == {"text"} and {text.capitalize() for text in texts - cells.MISSING} <= set(BOOLS):
            held = _among(values, {text for text in texts if text.capitalize() == "True"})
            return Cells(name, "bools", held, missing | _among(values, cells.MISSING), place)
        numeric = "number" in kinds or any(map(cells.is_number, texts - cells.MISSING))
        is_missing = cells.is_missing_among_numbers if numeric else cells.is_missing
        return Cells(name, "text", values, missing | _among(values, set(filter(is_missing, texts))), place)
    if kinds <= {"number"}:
        values[missing] = 0
        return Cells(name, "numbers", values, missing, place)
    if kinds == {"bool"}:
        values[missing] = False
        return Cells(name, "bools", values, missing, place)
    remedy = REMEDIES.get(next(iter(kinds)), "Convert it") if len(kinds) == 1 else "Convert it"
    first = int((~missing).argmax())
    raise InputError(
        f"{place.column(name)} must hold numbers, text, bools or categories; "
        f"got {' and '.join(sorted(kinds))}, such as {short_of(values[first])} "
        f"in {place.row(first)}. {remedy} to numbers first."
    )


def _among(values: NDArray[np.object_], texts: Set[str]) -> NDArray[np.bool_]:
    """Whether each cell is one of the texts: (N,)."""
    if not texts:
        return np.zeros(len(values), bool)
    return np.array([isinstance(value, str) and value in texts for value in values.tolist()], bool)

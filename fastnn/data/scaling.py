"""Min-max scaling and its inverse, for columns and for whole tables with names and categories."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError
from fastnn.core.network import Network
from fastnn.data.array_likes import columns_in
from fastnn.data.arrays import finite_array, numeric_array
from fastnn.data.classes import two_as_one
from fastnn.data.columns import Column, input_names, listed, quoted_if_odd
from fastnn.showing.lettering import counted
from fastnn.system.floating_point import ieee

__all__ = ["Scaling", "TableScaling", "frozen"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Min-max scaling, column by column: (value - minimum) / range.

    The rows it was made from are scaled to [0, 1], the smallest value exactly to 0 and the largest exactly to
    1; other values may fall outside. A constant column has range 0: every value scales to 0, and scales back
    to the constant.

    Attributes
    ----------
    minimum, range : float64 arrays of shape (D,) for a table of D columns, () for a single column
        They are in the columns' own units.
    """

    minimum: Floats
    range: Floats

    @classmethod
    @ieee
    def over(cls, values: ArrayLike) -> "Scaling":
        """Measure the scaling of `values`, a table (N, D) or a single column (N,), over all its rows.

        Raises InputError for values that are not finite, or that span more than a float64 can hold.
        """
        numbers = finite_array(values, "values", (1, 2))
        minimum = numbers.min(axis=0)
        with np.errstate(over="ignore"):
            span = numbers.max(axis=0) - minimum
        if not np.isfinite(span).all():
            raise InputError("values must span less than 1.8e308; got more in a column. Rescale them first.")
        return cls(frozen(minimum), frozen(span))

    @ieee
    def apply(self, values: ArrayLike) -> Floats:
        """Return `values` scaled, in float64 and of the same shape: (N,) for one column, (..., D) for D."""
        numbers = finite_array(values, "values", (1, 2, 3))
        self._refuse_other_width(numbers, "values")
        scaled = np.zeros_like(numbers)
        with np.errstate(over="ignore"):
            np.divide(numbers - self.minimum, self.range, out=scaled, where=self.range > 0)
        return scaled

    @ieee
    def invert(self, scaled: ArrayLike) -> Floats:
        """Return scaled numbers in the columns' own units; NaN and infinity pass through."""
        numbers = numeric_array(scaled, "scaled")
        self._refuse_other_width(numbers, "scaled")
        with np.errstate(all="ignore"):
            own: Floats = np.multiply(numbers, self.range, dtype=np.float64)
            own += self.minimum
        return own

    def _refuse_other_width(self, numbers: NDArray[Any], name: str) -> None:
        if self.minimum.ndim and numbers.shape[-1:] != self.minimum.shape:
            raise InputError(
                f"{name} must have {counted(len(self.minimum), 'column')}, as the scaled table has; "
                f"got shape {numbers.shape}. Give the same columns in the same order."
            )


@dataclass(frozen=True, eq=False, repr=False)
class TableScaling:
    """The columns of a table and their scaling, which a network needs to predict new rows.

    A Dataset has one as `scaling`; a model file keeps it.

    Attributes
    ----------
    input_columns, target_columns : tuple of Column
        The conversion of each column of the table.
    X, y : Scaling
        The scaling of the D inputs, (D,), and of the target, () or, for K > 1 targets, (K,). Classes are not
        scaled: for them y is 0 .. 1 in each of K columns.
    """

    input_columns: tuple[Column, ...]
    target_columns: tuple[Column, ...]
    X: Scaling
    y: Scaling

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the D inputs, in the order in which the network takes them."""
        return input_names(self.input_columns)

    @property
    def target(self) -> str | tuple[str, ...]:
        """The name of the target, or the names of several."""
        names = tuple(column.name for column in self.target_columns)
        return names[0] if len(names) == 1 else names

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the K columns of y: those of the targets, or species=setosa, ... for classes."""
        return input_names(self.target_columns)

    def outputs_of(self, network: Network) -> tuple[str, ...]:
        """The names of a network's outputs, if it fits: the targets, or the second class for one output."""
        return self.targets[1:] if two_as_one(network, len(self.classes or ())) else self.targets

    def labels_of(self, network: Network) -> tuple[str, ...]:
        """The same as pictures have them: the name of its class alone, where each output is one."""
        outputs, classes = self.outputs_of(network), self.classes
        return classes if classes is not None and len(classes) == len(outputs) else outputs

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the K classes, in the order of the columns of y; None for numbers."""
        found = [column.categories for column in self.target_columns if column.one_hot]
        return found[0] if found else None

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """The categories of each column with categories, by its name."""
        columns = (*self.input_columns, *self.target_columns)
        return {column.name: column.categories for column in columns if column.categories}

    @property
    def marks(self) -> dict[str, tuple[str, ...]]:
        """For inputs and targets from categories, the meanings of their values 0, 1, 2, ..., by name."""
        columns = (*self.input_columns, *self.target_columns)
        return {name: texts for column in columns for name, texts in column.marks.items()}

    @property
    def ends(self) -> tuple[int, int]:
        """The whole numbers that a single target of numbers had where y is 0 and 1; else these."""
        low, high = np.ravel(self.y.minimum)[0], np.ravel(self.y.minimum + self.y.range)[0]
        whole = self.y.minimum.ndim == 0 and low < high and low.is_integer() and high.is_integer()
        return (int(low), int(high)) if whole else (0, 1)

    def columns_in_words(self, arrow: str = "->") -> str:
        """In words, the names of input and target columns, with the number of inputs if it differs."""
        names = ", ".join(quoted_if_odd(column.name) for column in self.input_columns)
        count = len(self.inputs)
        inputs = "" if count == len(self.input_columns) else f" ({counted(count, 'input')})"
        targets = ", ".join(quoted_if_odd(column.name) for column in self.target_columns)
        return f"{names}{inputs} {arrow} {targets}"

    @property
    def spread_in_words(self) -> str:
        """The end of a phrase that names the columns that became several inputs; empty if none did."""
        spread = [column for column in self.input_columns if column.one_hot]
        told = " and ".join(f"{column.name!r} became {len(column.inputs)}" for column in spread)
        return told and f", of which {told}"

    @property
    def codings(self) -> list[str]:
        """In words, the coding of each column of categories."""
        told = [(column.name, column.coding) for column in self.input_columns]
        told += [(column.name, column.coded) for column in self.target_columns]
        return [f"{name}: {coding}" for name, coding in told if coding]

    def same_as(self, other: "TableScaling") -> bool:
        """Whether two scalings turn tables into numbers in the same way."""
        columns = (self.input_columns, self.target_columns) == (other.input_columns, other.target_columns)
        pairs = ((self.X, other.X), (self.y, other.y))
        return columns and all(
            np.array_equal(mine.minimum, theirs.minimum) and np.array_equal(mine.range, theirs.range)
            for mine, theirs in pairs
        )

    def apply(self, rows: Any) -> Floats:
        """Scale new rows, given in their own units, as the table was scaled.

        Parameters
        ----------
        rows : pandas.DataFrame or array_like (N, D)
            The columns of a DataFrame are found by name, and its categories are coded as the table's were. An
            array of numbers has the D inputs in order, with codes, or 0 and 1, for categories. Rows with
            texts have a cell for each input column of the table.

        Returns
        -------
        float64 array (N, D)
            Values beyond the table's own fall outside [0, 1].

        Raises
        ------
        InputError
            If a column or a cell is missing or of another kind, or a category was not in the table.
        """
        table = rows if columns_in(rows) is not None else self._table_of_texts(rows)
        if table is not None:
            from fastnn.data.frames import numbers_like

            return self.X.apply(numbers_like(table, self.input_columns))
        numbers = finite_array(rows, "X", (1, 2) if len(self.inputs) == 1 else (2,))
        numbers = numbers.reshape(len(numbers), -1)
        self._refuse_other_inputs(numbers)
        return self.X.apply(numbers)

    def invert(self, scaled_y: ArrayLike) -> Floats:
        """Convert predictions (N,) or (M, N), for K > 1 (N, K) or (M, N, K), to the target's own unit.

        For classes they stay as they are.
        """
        return self.y.invert(scaled_y) if self.classes is None else numeric_array(scaled_y, "scaled_y")

    def _table_of_texts(self, rows: Any) -> Any:
        """Return rows (N, columns) with texts as a DataFrame; None for other rows."""
        if getattr(getattr(rows, "dtype", None), "kind", "O") not in "OU":
            return None
        try:
            cells = np.asarray(rows, dtype=object)
        except ValueError:  # ragged
            return None
        if not any(isinstance(cell, str) for cell in cells.flat):
            return None
        import pandas as pd

        names = [column.name for column in self.input_columns]
        cells = cells.reshape(-1, 1) if cells.ndim == 1 == len(names) else cells
        if cells.ndim != 2 or cells.shape[1] != len(names):
            raise InputError(
                f"X must be rows with a cell for each of the columns {listed(names)}; "
                f"got shape {cells.shape}. Give a list of rows, each in that order, or a DataFrame."
            )
        return pd.DataFrame(cells, columns=names)

    def _refuse_other_inputs(self, numbers: Floats) -> None:
        """Refuse an array that has another number of inputs, or categories that are not 0, 1, 2, ..."""
        if numbers.shape[1] != len(self.inputs):
            raise InputError(
                f"X must have {counted(len(self.inputs), 'column')}, one for each "
                f"input{self.spread_in_words}; "
                f"got shape {numbers.shape}. Give the inputs in order, or a DataFrame."
            )
        first = 0
        for column in self.input_columns:
            part = numbers[:, first : first + len(column.inputs)]
            first += len(column.inputs)
            if column.one_hot:
                wrong = ((part != 0) & (part != 1)).any(axis=1) | (part.sum(axis=1) != 1)
            elif column.categories:
                wrong = ~np.isin(part[:, 0], np.arange(len(column.categories)))
            else:
                continue
            if wrong.any():
                row = int(wrong.argmax())
                raise InputError(
                    f"X must hold the categories of {column.name!r} as {column.coding}; "
                    f"got {part[row].tolist()} in row {row}. Give a DataFrame with the categories themselves."
                )

    def __repr__(self) -> str:
        return f"TableScaling(inputs={self.inputs!r}, target={self.target!r})"


def frozen(array: ArrayLike) -> Floats:
    """Return the array, made read-only: a scaling or a Dataset is shared by everything made with it."""
    kept: Floats = np.asarray(array, dtype=np.float64)
    kept.setflags(write=False)
    return kept

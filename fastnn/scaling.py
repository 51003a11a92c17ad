"""Min-max scaling: of columns, and of whole tables with their names and categories; and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, finite_array, numeric_array
from fastnn.columns import ChosenColumns, Column, listed

__all__ = ["Scaling", "TableScaling", "frozen"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scaling:
    """Min-max scaling, column by column: (value - minimum) / range.

    The rows it was made from land in [0, 1], their smallest value on 0 and their largest on 1 exactly;
    other values may land outside. A constant column has range 0: everything in it scales to 0, and
    everything comes back as the constant.

    Attributes
    ----------
    minimum, range : float64 arrays of shape (D,) for a table of D columns, () for a single column
        In the columns' own units.
    """

    minimum: Floats
    range: Floats

    @classmethod
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

    def apply(self, values: ArrayLike) -> Floats:
        """Return `values` scaled, in float64 and of the same shape: (N,) for one column, (..., D) for D."""
        numbers = finite_array(values, "values", (1, 2, 3))
        self._refuse_other_width(numbers, "values")
        scaled = np.zeros_like(numbers)
        with np.errstate(over="ignore"):
            np.divide(numbers - self.minimum, self.range, out=scaled, where=self.range > 0)
        return scaled

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
                f"{name} must have {len(self.minimum)} columns, as the scaled table has; "
                f"got shape {numbers.shape}. Give the same columns in the same order."
            )


@dataclass(frozen=True, eq=False, repr=False)
class TableScaling:
    """What a network needs to know of its table to predict new rows: names, scaling and categories.

    `Dataset.scaling` is one; a model file keeps it.

    Attributes
    ----------
    inputs : tuple of str
        The names of the D input columns, in the order in which the network takes them.
    target : str, or tuple of str for K > 1 targets
    X, y : Scaling
        Of the inputs, (D,), and of the target, () or (K,).
    categories : dict of str to tuple
        For each column that held no numbers, its distinct values; a value's code is its place there.
    """

    inputs: tuple[str, ...]
    target: str | tuple[str, ...]
    X: Scaling
    y: Scaling
    categories: Mapping[str, tuple[Any, ...]]

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the K target columns."""
        return (self.target,) if isinstance(self.target, str) else self.target

    def apply(self, rows: Any) -> Floats:
        """Return new rows, given in their own units, scaled as the table was.

        Parameters
        ----------
        rows : pandas.DataFrame or array_like (N, D)
            A DataFrame's columns are found by name, and its categories coded as the table's were; an
            array has the D inputs in their order.

        Returns
        -------
        float64 array (N, D)
            Values beyond the table's own land outside [0, 1].

        Raises
        ------
        InputError
            A column is missing or holds something else than it did; a category was not in the table.
        """
        if hasattr(rows, "columns"):
            from fastnn.frames import columns_of_frame

            labels = {str(label): label for label in rows.columns}  # names in a table are text, labels any
            inputs = [labels.get(name, name) for name in self.inputs]
            return self.of_columns(columns_of_frame(rows, inputs))
        numbers = finite_array(rows, "X", (1, 2) if len(self.inputs) == 1 else (2,))
        return self.X.apply(numbers.reshape(len(numbers), -1))

    def of_columns(self, chosen: ChosenColumns) -> Floats:
        """Return the columns that a reader has checked, scaled as the table was: (N, D)."""
        table = [self._coded_alike(name, chosen.columns[name]) for name in self.inputs]
        return self.X.apply(np.column_stack(table))

    def invert(self, scaled_y: ArrayLike) -> Floats:
        """Return predictions (N,) or (M, N), for K > 1 (N, K) or (M, N, K), in the target's own unit."""
        return self.y.invert(scaled_y)

    def __repr__(self) -> str:
        return f"TableScaling(inputs={self.inputs!r}, target={self.target!r})"

    def _coded_alike(self, name: str, column: Column) -> Floats:
        """A column's numbers, where they are codes, those of the table and not its own."""
        known = self.categories.get(name)
        if known is None:
            if column.categories:
                raise InputError(
                    f"column {name!r} must hold numbers, as in training; got {listed(column.categories, 5)}. "
                    "Convert it to numbers first."
                )
            return column.numbers
        given = (
            [column.categories[int(code)] for code in column.numbers]
            if column.categories
            else (column.numbers.tolist())
        )
        code = {str(value): place for place, value in enumerate(known)}  # a CSV file writes True as text
        code |= {value: place for place, value in enumerate(known)}
        unknown = [value for value in given if value not in code]
        if unknown:
            raise InputError(
                f"column {name!r} must hold the categories of training, {listed(known)}; "
                f"got {unknown[0]!r}. Drop its rows, or train on a table that has it."
            )
        return np.array([code[value] for value in given], np.float64)


def frozen(array: ArrayLike) -> Floats:
    """Return the array, made read-only: a scaling or a Dataset is shared by all that was made with it."""
    kept: Floats = np.asarray(array, dtype=np.float64)
    kept.setflags(write=False)
    return kept

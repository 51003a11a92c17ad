"""Tables made ready for training: columns chosen, categories coded, everything min-max scaled, and back."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, shown, whole_number
from fastnn.columns import ChosenColumns, listed
from fastnn.csv_files import columns_of_csv, content_of, existing_file
from fastnn.scaling import Scaling, TableScaling, frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "dataset_of", "generate_train_data", "load_csv", "scaling_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """N rows of D inputs and a target, min-max scaled to [0, 1] and ready for training.

    Make one with `load_insurance`, `load_csv` or `Dataset.from_frame`. The arrays are read-only.

    Attributes
    ----------
    X : float64 array of shape (N, D)
        The inputs, scaled to [0, 1] over all rows.
    y : float64 array of shape (N,), or (N, K) for K > 1 targets
        The target, scaled to [0, 1] over all rows.
    inputs : tuple of str
        The names of the D input columns.
    target : str, or tuple of str for K > 1 targets
    X_scaling, y_scaling : Scaling
        The way back to the columns' own units.
    target_values : float64 array of the shape of y
        The target in its own unit: the very values that were read, not y scaled back.
    source : str
        Where the rows come from, in a few words.
    categories : dict of str to tuple
        For each column that held no numbers, its distinct values; a value's code is its place there.
    """

    X: Floats
    y: Floats
    inputs: tuple[str, ...]
    target: str | tuple[str, ...]
    X_scaling: Scaling
    y_scaling: Scaling
    target_values: Floats
    source: str
    categories: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @classmethod
    def from_frame(
        cls,
        frame: "pd.DataFrame",
        inputs: Hashable | Iterable[Hashable],
        target: Hashable | Iterable[Hashable],
        source: str = "a DataFrame",
    ) -> "Dataset":
        """Take columns of a DataFrame.

        Text, bool and categorical columns are coded 0, 1, 2, ... in the sorted order of their distinct
        values (an ordered categorical in its own order), and `categories` keeps the values. The frame
        is not modified.

        Parameters
        ----------
        frame : pandas.DataFrame
            At least one row; columns of any dtype, as only the chosen ones are read.
        inputs : column name or sequence of them
        target : column name or sequence of them
        source : str
            A few words on where the rows come from; shown when the Dataset is printed.

        Raises
        ------
        InputError
            A name is unknown, given twice, or among both inputs and targets; there are no rows; a
            cell is missing, infinite, or of a kind that is neither number nor category (a date, say).

        Examples
        --------
        >>> import pandas as pd
        >>> columns = {"age": [20, 60, 30], "smoker": ["no", "yes", "no"], "charges": [2e3, 3e4, 5e3]}
        >>> frame = pd.DataFrame(columns)
        >>> data = Dataset.from_frame(frame, ["age", "smoker"], "charges")
        >>> data.X
        array([[0.  , 0.  ],
               [1.  , 1.  ],
               [0.25, 0.  ]])
        >>> print(data)
        3 rows: age, smoker -> charges
          age      20 .. 60
          smoker   no, yes
          charges  2000 .. 30000
          from a DataFrame
        """
        from fastnn.frames import columns_of_frame

        return dataset_of(columns_of_frame(frame, inputs, target), source)

    @property
    def rows(self) -> int:
        """N, the number of rows."""
        return len(self.X)

    @property
    def scaling(self) -> TableScaling:
        """Names, scaling and categories without the rows: what new rows need to be predicted."""
        return TableScaling(self.inputs, self.target, self.X_scaling, self.y_scaling, self.categories)

    def in_target_unit(self, scaled_y: ArrayLike) -> Floats:
        """Return scaled targets or predictions in the target's own unit.

        Parameters
        ----------
        scaled_y : array_like of shape (N,) or (M, N); for K > 1 targets (N, K) or (M, N, K)
            NaN and infinity (networks that diverged) pass through.

        Returns
        -------
        float64 array of the same shape
        """
        return self.y_scaling.invert(scaled_y)

    def __repr__(self) -> str:
        columns = f"inputs={self.inputs!r}, target={self.target!r}"
        return f"Dataset({self.rows} rows, {columns}, source={self.source!r})"

    def __str__(self) -> str:
        targets = self.scaling.targets
        names = [*self.inputs, *targets]
        width = max(map(len, names))
        low = np.append(self.X_scaling.minimum, self.y_scaling.minimum)
        high = low + np.append(self.X_scaling.range, self.y_scaling.range)
        lines = [f"{self.rows} rows: {', '.join(self.inputs)} -> {', '.join(targets)}"]
        for name, least, most in zip(names, low, high, strict=True):
            coded = self.categories.get(name)
            extent = listed(coded) if coded else f"{least:.7g} .. {most:.7g}"
            lines.append(f"  {name:{width}}  {extent}")
        return "\n".join([*lines, f"  from {self.source}"])


def load_csv(
    path: str | PathLike[str],
    inputs: str | Iterable[str],
    target: str | Iterable[str],
) -> Dataset:
    """Read columns of a CSV file (comma-separated, UTF-8, names in the first line).

    Only the chosen columns are converted; the others need only be there. A column of numbers is read
    as float64. A column without a single number is taken as categories and coded 0, 1, 2, ... in
    their sorted order (`Dataset.categories` keeps them). Blanks around cells are dropped, empty lines
    are skipped. The file is only read: nothing in it is run. (One thing no reader can see: a file cut
    off within the last cell of its last row.)

    Parameters
    ----------
    path : str or path
    inputs : column name or sequence of them
    target : column name or sequence of them

    Raises
    ------
    InputError
        Naming file, line and column: no such file or no file at all, no rows, bytes that are not
        UTF-8, a broken quotation, a row too short or too long, a chosen cell that is empty, NaN or
        infinite, a column that mixes numbers and text or writes numbers in another notation (27,9 or
        $27), column names that are unknown or met twice.

    Examples
    --------
    >>> data = load_csv("insurance.csv", inputs=["age", "smoker"], target="charges")  # doctest: +SKIP
    """
    file = existing_file(path, "path")
    return dataset_of(columns_of_csv(content_of(file), file.name, inputs, target), source=file.name)


def dataset_of(chosen: ChosenColumns, source: str) -> Dataset:
    """Scale and put together columns that a reader has checked."""
    if not chosen.targets:
        raise InputError("target must name the column to predict; got None. Name one, or several.")
    table = np.column_stack([chosen.columns[name].numbers for name in chosen.inputs])
    targets = np.column_stack([chosen.columns[name].numbers for name in chosen.targets])
    single = len(chosen.targets) == 1
    target_values = targets[:, 0].copy() if single else targets
    X_scaling, y_scaling = Scaling.over(table), Scaling.over(target_values)
    return Dataset(
        X=frozen(X_scaling.apply(table)),
        y=frozen(y_scaling.apply(target_values)),
        inputs=chosen.inputs,
        target=chosen.targets[0] if single else chosen.targets,
        X_scaling=X_scaling,
        y_scaling=y_scaling,
        target_values=frozen(target_values),
        source=source,
        categories={name: column.categories for name, column in chosen.columns.items() if column.categories},
    )


def scaling_of(value: Any, name: str) -> TableScaling:
    """`value`, if it is a TableScaling; that of a Dataset; else refuse it."""
    if isinstance(value, Dataset):
        return value.scaling
    if not isinstance(value, TableScaling):
        raise InputError(
            f"{name} must be a Dataset or its scaling; got {shown(value)}. "
            "Give the Dataset that the network was trained on."
        )
    return value


def generate_train_data(
    rows: int = 100,
    n1: tuple[int, int] = (0, 5),
    n2: tuple[int, int] = (0, 5),
    noise: tuple[int, int] = (0, 5),
    seed: int = 0,
) -> "pd.DataFrame":
    """Generate the classroom notebook's table: whole numbers n1 and n2, and n3 = n1² + n2 + noise.

    Parameters
    ----------
    rows : int
        How many rows, at least 1.
    n1, n2, noise : (low, high)
        Ranges of whole numbers, each drawn evenly from low .. high - 1 (half-open, as in
        `numpy.random.randint`); between -10**7 and 10**7.
    seed : int
        From 0 to 2**32 - 1. The same seed gives the same table on every machine and with every
        version of NumPy: the numbers come from `numpy.random.RandomState`, whose stream NumPy has
        frozen (NEP 19).

    Returns
    -------
    pandas.DataFrame
        Columns n1, n2, n3 of int64. Hand it to ``Dataset.from_frame(frame, ["n1", "n2"], "n3")``.

    Raises
    ------
    InputError
        A range is not two whole numbers with low < high, or another argument is out of bounds.

    Examples
    --------
    >>> generate_train_data(3, seed=1)
       n1  n2  n3
    0   3   1  10
    1   4   3  20
    2   0   0   4
    """
    import pandas as pd

    count = whole_number(rows, "rows", minimum=1)
    bounds = [_half_open(pair, name) for name, pair in (("n1", n1), ("n2", n2), ("noise", noise))]
    random = np.random.RandomState(whole_number(seed, "seed", 0, 2**32 - 1))
    first, second, third = (random.randint(low, high, size=count, dtype=np.int64) for low, high in bounds)
    return pd.DataFrame({"n1": first, "n2": second, "n3": first**2 + second + third})


def _half_open(pair: Any, name: str) -> tuple[int, int]:
    if not isinstance(pair, Sequence | np.ndarray) or isinstance(pair, str) or len(pair) != 2:
        raise InputError(
            f"{name} must be two whole numbers (low, high); got {shown(pair)}. Give (0, 5), say."
        )
    low, high = (whole_number(bound, f"{name}'s bound", -(10**7), 10**7) for bound in pair)
    if low >= high:
        raise InputError(
            f"{name} must be a range (low, high) with low below high, as high itself is never drawn; "
            f"got ({low}, {high}). Give ({low}, {low + 1}) for {low} alone."
        )
    return low, high

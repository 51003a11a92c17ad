"""Datasets: tables ready for training, with chosen columns, coded categories and min-max scaling."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, seed_number, shown, whole_number
from fastnn.data.card import dataset_card
from fastnn.data.columns import Table
from fastnn.data.digest import digest_of
from fastnn.data.scaling import Scaling, TableScaling, frozen
from fastnn.showing.cards import shown_or_none
from fastnn.showing.lettering import counted
from fastnn.system.floating_point import ieee

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Dataset", "dataset_of", "generate_train_data", "scaling_of"]

Floats = NDArray[np.float64]

MOST_GENERATED = 10_000_000  # rows


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """N rows of D inputs and a target, min-max scaled to [0, 1] and ready for training.

    Make one with `load_insurance`, `load_csv` or `Dataset.from_frame`. The arrays are read-only.

    Attributes
    ----------
    X : float64 array of shape (N, D)
        The inputs, scaled to [0, 1] over all rows.
    y : float64 array of shape (N,), or (N, K) for K > 1 targets
        The target, scaled to [0, 1] over all rows. For K classes (N, K): 1 for the class of a row, else 0.
    scaling : TableScaling
        The conversion of each column, and the way back to its own unit; predictions for new rows need it.
    target_values : float64 array of the shape of y
        The target in its own unit: the values as they were read, not y scaled back. For classes it is y.
    input_values : float64 array of shape (N, D)
        The inputs in their own units, as they were read.
    source : str
        The source of the rows, in a few words.
    dropped : int
        The number of rows left out because of missing cells.
    weights : float64 array of shape (N,), or None
        The weights of the rows, from a column of their own. Training takes them as
        ``sample_weight=data.weights``.
    """

    X: Floats
    y: Floats
    scaling: TableScaling
    target_values: Floats
    input_values: Floats
    source: str
    dropped: int = 0
    weights: Floats | None = None

    @classmethod
    def from_frame(
        cls,
        frame: "pd.DataFrame",
        inputs: Hashable | Iterable[Hashable],
        target: Hashable | Iterable[Hashable],
        *,
        missing: str = "refuse",
        ordered: Mapping[Any, Sequence[Any]] | None = None,
        categories: Hashable | Iterable[Hashable] = (),
        weights: Hashable | None = None,
        source: str = "a DataFrame",
    ) -> "Dataset":
        """Take columns of a DataFrame.

        A target of words, bools or categories, if it is the only target, makes classes, each an output: in
        sorted order, or in that of the categories of its dtype or of `ordered`.

        Of inputs, numbers stay numbers, even if they are stored as text. Words, bools and categorical columns
        are coded. Two categories become one input, 0 and 1 in sorted order. More than two become one input
        each, 0 or 1, with names such as city=Graz. Categories with an order become one input, 0, 1, 2, ...
        Other text (numbers with a unit, dates, names) is refused. The frame is not modified.

        Parameters
        ----------
        frame : pandas.DataFrame
            It has at least one row. Only the chosen columns are read; others may have any dtype.
        inputs : column name or sequence of them
        target : column name or sequence of them
            Numbers, or classes. One of several targets has numbers, or two categories, which become 0 and 1.
        missing : str
            How to treat rows with a missing cell in a chosen column: "refuse", or "drop" to leave them out
            and count them. Missing are None, NaN, NA, empty text, ?, and the marks that pandas reads as
            missing, such as NA and null; among numbers also marks such as -, : and unknown.
        ordered : dict of column name to sequence, optional
            Columns of categories with an order, such as ``{"size": ["S", "M", "L"]}``. Each becomes one
            input, 0, 1, 2, ...; of a target it is the order of the classes.
        categories : column name or sequence of them
            Columns whose cells are categories though they look like numbers, such as postal codes. Their
            texts are kept as they are: 01 is not 1.
        weights : column name, optional
            A column of numbers from 0 that says how much each row counts. It is no input, and not scaled.
        source : str
            The source of the rows, in a few words; shown when the Dataset is printed.

        Raises
        ------
        InputError
            If a name is unknown, given twice, or both input and target; if there are no rows; if a cell is
            missing, infinite, a whole number that float64 does not keep exactly, or neither number nor
            category; if a column has one category in all rows, more than 50 (1000 classes), or nearly as many
            as rows; if a category of a target is in no row; if one of several targets has more than two
            categories.

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
          smoker   no = 0, yes = 1
          charges  2000 .. 30000
          from a DataFrame
        """
        from fastnn.data.frames import table_of

        conversion: dict[str, Any] = {"missing": missing, "ordered": ordered, "categories": categories}
        table = table_of(frame, inputs, target, weights=weights, **conversion)
        return dataset_of(table, source)

    @property
    def rows(self) -> int:
        """N, the number of rows."""
        return len(self.X)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the D inputs."""
        return self.scaling.inputs

    @property
    def target(self) -> str | tuple[str, ...]:
        """The name of the target, or the names of several."""
        return self.scaling.target

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the K classes, in the order of the columns of y; None for numbers."""
        return self.scaling.classes

    @property
    def labels(self) -> NDArray[np.str_] | None:
        """The class of each row by its name, (N,); None for numbers."""
        return None if self.classes is None else np.array(self.classes)[self.y.argmax(axis=1)]

    @property
    def X_scaling(self) -> Scaling:  # noqa: N802 - X, as everywhere
        """The way back from X to the inputs' own units."""
        return self.scaling.X

    @property
    def y_scaling(self) -> Scaling:
        """The way back from y to the target's own unit."""
        return self.scaling.y

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """The categories of each column with categories, by its name."""
        return self.scaling.categories

    @property
    def digest(self) -> str:
        """The SHA-256 of the bits of X, y and any weights, and of the columns' conversion: it names the data.

        It has 64 hexadecimal digits and is the same on every machine. `source` is not part of it: the same
        table under another name has the same digest.
        """
        return digest_of(self.X, self.y, self.scaling, self.weights)

    @property
    def told(self) -> list[str]:
        """In words, what the rows have beside their columns: weights, and rows that were left out."""
        found = []
        if self.weights is not None:
            found.append(f"rows have weights, {self.weights.min():.7g} .. {self.weights.max():.7g}")
        if self.dropped:
            found.append(f"{counted(self.dropped, 'more row')} dropped, as a cell is missing")
        return found

    def in_target_unit(self, scaled_y: ArrayLike) -> Floats:
        """Convert scaled targets or predictions to the target's own unit.

        Parameters
        ----------
        scaled_y : array_like of shape (N,) or (M, N); for K > 1 targets (N, K) or (M, N, K)
            NaN and infinity (networks that diverged) pass through.

        Returns
        -------
        float64 array of the same shape
        """
        return self.scaling.invert(scaled_y)

    def first(self, rows: int) -> "Dataset":
        """Return the first rows, from 1 to N, with the scaling of all."""
        count = whole_number(rows, "rows", 1, self.rows)
        some = {name: getattr(self, name)[:count] for name in ("X", "y", "target_values", "input_values")}
        return replace(self, **some, weights=None if self.weights is None else self.weights[:count])

    @ieee
    def part(self, chosen: NDArray[np.bool_], scaling: TableScaling | None = None) -> "Dataset":
        """Return the rows `chosen` (N,), scaled anew over them alone, or as a given scaling does."""
        inputs, targets = self.input_values[chosen], self.target_values[chosen]
        if scaling is None:
            y_scaling = self.scaling.y if self.classes else Scaling.over(targets)
            scaling = replace(self.scaling, X=Scaling.over(inputs), y=y_scaling)
        return replace(
            self,
            X=frozen(scaling.X.apply(inputs)),
            y=frozen(scaling.y.apply(targets)),
            scaling=scaling,
            target_values=frozen(targets),
            input_values=frozen(inputs),
            weights=None if self.weights is None else frozen(self.weights[chosen]),
        )

    def __repr__(self) -> str:
        columns = f"inputs={self.inputs!r}, target={self.target!r}"
        return f"Dataset({counted(self.rows, 'row')}, {columns}, source={self.source!r})"

    def _repr_html_(self) -> str | None:
        return shown_or_none(lambda: dataset_card(self))

    def __str__(self) -> str:
        scaling = self.scaling
        columns = [*scaling.input_columns, *scaling.target_columns]
        width = max(len(column.name) for column in columns)
        low = np.append(self.X_scaling.minimum, self.y_scaling.minimum)
        high = low + np.append(self.X_scaling.range, self.y_scaling.range)
        extent = {
            name: f"{least:.7g} .. {most:.7g}"
            for name, least, most in zip([*self.inputs, *scaling.targets], low, high, strict=True)
        }
        lines = [f"{counted(self.rows, 'row')}: {scaling.columns_in_words()}"]
        told = [column.coding for column in scaling.input_columns]
        told += [column.coded for column in scaling.target_columns]
        lines += [
            f"  {column.name:{width}}  {text or extent[column.name]}"
            for column, text in zip(columns, told, strict=True)
        ]
        lines += [f"  {told}" for told in self.told]
        return "\n".join([*lines, f"  from {self.source}"])


@ieee
def dataset_of(table: Table, source: str) -> Dataset:
    """Scale a table of numbers and make a Dataset of it."""
    single = table.targets.shape[1] == 1
    target_values = table.targets[:, 0].copy() if single else table.targets
    X_scaling, y_scaling = Scaling.over(table.inputs), Scaling.over(target_values)
    return Dataset(
        X=frozen(X_scaling.apply(table.inputs)),
        y=frozen(y_scaling.apply(target_values)),
        scaling=TableScaling(table.input_columns, table.target_columns, X_scaling, y_scaling),
        target_values=frozen(target_values),
        input_values=frozen(table.inputs),
        source=source,
        dropped=table.dropped,
        weights=None if table.weights is None else frozen(table.weights),
    )


def scaling_of(value: Any, name: str) -> TableScaling:
    """Return `value` if it is a TableScaling, or the scaling of a Dataset; else refuse it."""
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
        The number of rows, from 1 to ten million.
    n1, n2, noise : (low, high)
        Ranges of whole numbers, drawn uniformly from low .. high - 1 (half-open, as in
        `numpy.random.randint`); bounds from -10**7 to 10**7.
    seed : int
        From 0 to 2**32 - 1. The same seed gives the same table on every machine and with every version of
        NumPy: the numbers come from `numpy.random.RandomState`, whose stream NumPy has frozen (NEP 19).

    Returns
    -------
    pandas.DataFrame
        Columns n1, n2, n3 of int64. Hand it to ``Dataset.from_frame(frame, ["n1", "n2"], "n3")``.

    Raises
    ------
    InputError
        If a range is not two whole numbers with low < high, or another argument is out of bounds.

    Examples
    --------
    >>> generate_train_data(3, seed=1)
       n1  n2  n3
    0   3   1  10
    1   4   3  20
    2   0   0   4
    """
    import pandas as pd

    count = whole_number(rows, "rows", 1, MOST_GENERATED)
    bounds = [_half_open(pair, name) for name, pair in (("n1", n1), ("n2", n2), ("noise", noise))]
    random = np.random.RandomState(seed_number(seed, bits=32))
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

"""Table files made Datasets: their bytes are read as text, or as Parquet, and converted as frames are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from fastnn.checking import InputError
from fastnn.data.columns import chosen_names, refuse_other_columns
from fastnn.data.datasets import Dataset, dataset_of
from fastnn.data.reading.dialect import Dialect
from fastnn.data.reading.files import content_of, existing_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fastnn.data.scaling import TableScaling

__all__ = ["dataset_in", "load_csv", "new_rows"]

AS_SEEN = Dialect()


def load_csv(
    path: str | PathLike[str],
    inputs: str | Iterable[str],
    target: str | Iterable[str],
    *,
    sep: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    header: Any = "infer",
    missing: str = "refuse",
    ordered: Mapping[Any, Sequence[Any]] | None = None,
    categories: str | Iterable[str] = (),
) -> Dataset:
    """Read columns of a table file: CSV in any of its dialects, packed (gz, bz2, xz, zip) or not, or Parquet.

    What no option names is seen from the file: the separator (comma, semicolon, tab, bar, or blanks
    between numbers), a byte order mark, decimal commas and grouped digits where they can only be that,
    comments (#) and a title above the names, a first line ``sep=;``, rows that end in a separator, row
    names without a name above them, as R writes them. `Dataset.source` says what was seen. What can be
    read in two ways is refused, naming the option that says which. pandas parses the cells, pyarrow reads
    Parquet.

    Only the chosen columns are converted; the others need only be there. What their cells become is said
    at `Dataset.from_frame`: the cells are handed to it as they are written, without the blanks around
    them. Blank lines are no rows, nor are rows of empty cells at the end. The file is only read: nothing
    in it is run. (One thing no reader can see: a file cut off within the last cell of its last row.)

    Parameters
    ----------
    path : str or path
        A regular file of at most 2 GiB, unpacked too.
    inputs : column name or sequence of them
    target : column name or sequence of them
    sep : str, optional
        What stands between cells: one character, or comma, semicolon, tab, pipe, space, whitespace.
    decimal : str, optional
        The decimal sign: "." or ",".
    thousands : str, optional
        The sign between groups of three digits, such as "," or "'" or "space".
    encoding : str, optional
        Such as "latin-1" or "cp1252"; UTF-8, or what a byte order mark says, if None.
    header : "infer", 0 or None
        None: no line holds names, and the columns are x1, x2, ...; 0: the first line does; "infer": it
        does, and is refused if it looks like a row.
    missing, ordered, categories
        As in `Dataset.from_frame`.

    Raises
    ------
    InputError
        Naming file, line and column where they are known: no such file or no file at all, another kind
        of file, no rows, bytes that are not of the encoding, a broken quotation, a row too short or too
        long, column names that are unknown or met twice, an option that is not one of those above, and
        all that `Dataset.from_frame` refuses.

    Examples
    --------
    >>> data = load_csv("insurance.csv", inputs=["age", "smoker"], target="charges")  # doctest: +SKIP
    """
    file = existing_file(path, "path")
    dialect = Dialect(sep, decimal, thousands, encoding, header)
    conversion: dict[str, Any] = {"missing": missing, "ordered": ordered, "categories": categories}
    return dataset_in(content_of(file), file.name, inputs, target, dialect, **conversion)


def dataset_in(
    content: bytes,
    file: str,
    inputs: str | Iterable[str],
    target: str | Iterable[str],
    dialect: Dialect = AS_SEEN,
    *,
    source: str | None = None,
    **conversion: Any,
) -> Dataset:
    """Return the Dataset in a table file's bytes.

    `file` is its name, for refusals, and its source, unless another one is given; `conversion` are the
    options of `Dataset.from_frame`.
    """
    from fastnn.data.frames import table_of, told_categories
    from fastnn.data.reading.tables import table_in

    def chosen(names: Sequence[str]) -> list[Any]:
        if len(names) == 1:
            raise InputError(
                f"{file} must have at least two columns; got one, {names[0]!r}. If a sign that is not seen "
                "stands between its cells, name it: sep=':', say (--sep)."
            )
        some = chosen_names(inputs, target, names, file)
        return [*some.inputs, *some.targets]

    words = told_categories(conversion.get("ordered"), conversion.get("categories", ()))
    read = table_in(content, file, chosen, dialect, words)
    table = table_of(read.frame, inputs, target, **conversion, file=file, lines=read.lines)
    return dataset_of(table, source or ", ".join((file, *read.seen)))


def new_rows(
    path: str | PathLike[str], scaling: TableScaling, name: str, dialect: Dialect = AS_SEEN
) -> NDArray[np.float64]:
    """Return the rows of a table file, scaled as the table of training was: (N, D).

    `name` is what refusals call the path.

    Raises InputError where `load_csv` does, for a column of training that is missing, and for what it did
    not hold in training.
    """
    from fastnn.data.frames import numbers_like
    from fastnn.data.reading.tables import table_in

    file = existing_file(path, name)
    wanted = [column.name for column in scaling.input_columns]

    def chosen(names: Sequence[str]) -> list[str]:
        refuse_other_columns(wanted, names, file.name)
        return wanted

    read = table_in(content_of(file), file.name, chosen, dialect, scaling.categories)
    return scaling.X.apply(numbers_like(read.frame, scaling.input_columns, file=file.name, lines=read.lines))

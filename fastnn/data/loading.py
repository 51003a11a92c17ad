"""The loading of table files as Datasets: bytes are read as text or Parquet, then converted as frames are."""

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
    weights: str | None = None,
) -> Dataset:
    """Read columns of a table file: CSV in any of its dialects, packed (gz, bz2, xz, zip) or not, or Parquet.

    Everything that no option names is found out from the file: the separator (comma, semicolon, tab, bar, or
    blanks between numbers), a byte order mark, decimal commas and grouped digits if they are unambiguous,
    comments (#) and a title above the names, a first line ``sep=;``, rows that end in a separator, and row
    names without a header, as R writes them. `Dataset.source` names the findings. A file that can be read in
    two ways is refused; the error names the option that decides. pandas parses the cells, pyarrow reads
    Parquet.

    Only the chosen columns are converted; `Dataset.from_frame` gets their cells as they are written, without
    the blanks around them. Blank lines are no rows, nor are rows of empty cells at the end. The file is only
    read; nothing in it is run. (No reader can notice that a file was cut off within its last cell.)

    Parameters
    ----------
    path : str or path
        A regular file of at most 2 GiB, also when unpacked.
    inputs : column name or sequence of them
    target : column name or sequence of them
    sep : str, optional
        The separator of cells: one character, or comma, semicolon, tab, pipe, space, whitespace.
    decimal : str, optional
        The decimal sign: "." or ",".
    thousands : str, optional
        The sign between groups of three digits, such as "," or "'" or "space".
    encoding : str, optional
        Such as "latin-1" or "cp1252". None: as a byte order mark says, else UTF-8.
    header : "infer", 0 or None
        0: the first line holds the names. None: no line does, and the columns are x1, x2, ... "infer": the
        first line does, and is refused if it looks like a row.
    missing, ordered, categories, weights
        As in `Dataset.from_frame`.

    Raises
    ------
    InputError
        If the file is missing or is no regular file, is of another kind, has no rows, has bytes outside the
        encoding, a broken quotation, or a row that is too short or too long; if a column name is unknown or
        occurs twice; if an option is wrong; and in all cases of `Dataset.from_frame`. The error names file,
        line and column if they are known.

    Examples
    --------
    >>> data = load_csv("insurance.csv", inputs=["age", "smoker"], target="charges")  # doctest: +SKIP
    """
    file = existing_file(path, "path")
    dialect = Dialect(sep, decimal, thousands, encoding, header)
    conversion: dict[str, Any] = {"missing": missing, "ordered": ordered, "categories": categories}
    conversion["weights"] = weights
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

    `file` is the file's name in errors, and the Dataset's source unless `source` is given. `conversion` are
    the options of `Dataset.from_frame`.
    """
    from fastnn.data.frames import table_of, told_categories
    from fastnn.data.reading.tables import table_in

    def chosen(names: Sequence[str]) -> list[Any]:
        if len(names) == 1:
            raise InputError(
                f"{file} must have at least two columns; got one, {names[0]!r}. If a sign that is not seen "
                "stands between its cells, name it: sep=':', say (--sep)."
            )
        return list(chosen_names(inputs, target, names, file, conversion.get("weights")).all)

    words = told_categories(conversion.get("ordered"), conversion.get("categories", ()))
    read = table_in(content, file, chosen, dialect, words)
    table = table_of(read.frame, inputs, target, **conversion, file=file, lines=read.lines)
    return dataset_of(table, source or ", ".join((file, *read.seen)))


def new_rows(
    path: str | PathLike[str], scaling: TableScaling, name: str, dialect: Dialect = AS_SEEN
) -> NDArray[np.float64]:
    """Return the rows of a table file, scaled as the table of training was: (N, D).

    `name` is the path's name in errors.

    Raises InputError as `load_csv` does, and if a column of training is missing or holds a new category.
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

"""Tables of a file's cells as they are written, parsed by pandas. Only this part of reading needs pandas."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from io import BytesIO
from typing import NamedTuple

import pandas as pd

from fastnn.checking import InputError, needing
from fastnn.data.reading.decoding import decoded
from fastnn.data.reading.dialect import Dialect
from fastnn.data.reading.kinds import PARQUET, refuse_other_kinds, unpacked
from fastnn.data.reading.layout import Chosen, Layout, layout_with
from fastnn.data.reading.numerals import rewritten
from fastnn.showing.lettering import counted

__all__ = ["FileTable", "table_in"]


class FileTable(NamedTuple):
    """Some columns of a file.

    Attributes
    ----------
    frame : pandas.DataFrame
        For a text file, the cells as texts, without blanks around them. Numbers with decimal commas or
        grouped digits are rewritten in Python's notation. For a Parquet file, its columns.
    lines : list of int, or None
        The line in which each row begins, counted from 1; None for a Parquet file.
    seen : tuple of str
        Unusual findings about the file's layout and notation, in words.
    """

    frame: pd.DataFrame
    lines: list[int] | None
    seen: tuple[str, ...]


def table_in(
    content: bytes, file: str, chosen: Chosen, dialect: Dialect, words: Collection[str] = ()
) -> FileTable:
    """Read some columns of a table file, CSV or Parquet, packed or not.

    Parameters
    ----------
    content : bytes
    file : str
        The file's name, for errors.
    chosen : callable
        Gets the names of all columns and returns those to read, or raises InputError.
    dialect : Dialect
    words : collection of str
        Columns whose cells are texts, even if they look like numbers.

    Raises
    ------
    InputError
        If the file cannot be read; it names the file, and line and column if they are known.
    """
    content = unpacked(content, file)
    if content.startswith(PARQUET):
        return FileTable(_of_parquet(content, file, chosen), None, ())
    refuse_other_kinds(content, file)
    layout, names = layout_with(decoded(content, dialect.encoding, file), dialect, file, chosen)
    cells, lines = _parsed(layout, names, file), layout.rows.begins.tolist()
    numbers = {name: column for name, column in cells.items() if name not in words}
    changed, notation = rewritten(numbers, dialect, layout.sep, file, lines)
    return FileTable(pd.DataFrame(cells | changed, dtype=object), lines, (*layout.seen, *notation))


def _parsed(layout: Layout, chosen: Sequence[str], file: str) -> dict[str, list[str]]:
    """The cells of some columns as pandas parses them."""
    places = [layout.names.index(name) for name in chosen]
    # Bytes, not text, which pandas would encode piece by piece; measured: x0.8 of the time.
    body = BytesIO(layout.rows.body().encode("utf-8", "surrogatepass"))
    try:
        parsed = pd.read_csv(
            body,
            encoding_errors="surrogatepass",
            sep=layout.sep,
            header=None,
            names=range(len(layout.names)),
            usecols=sorted(places),
            index_col=False,
            dtype=object,
            na_filter=False,
            skipinitialspace=True,
            engine="c",
            low_memory=False,
        )
    except pd.errors.ParserError as error:
        raise InputError(f"{file} must be well-formed CSV; got {error}. Check the quotes.") from None
    if len(parsed) != len(layout.rows):  # pandas reads some quotes otherwise
        raise InputError(
            f"{file} must be well-formed CSV; got {counted(len(layout.rows), 'row')} or {len(parsed)}. "
            f"Check the quotes."
        )
    return {
        name: list(map(str.strip, parsed[place].tolist())) for name, place in zip(chosen, places, strict=True)
    }


def _of_parquet(content: bytes, file: str, chosen: Chosen) -> pd.DataFrame:
    """The chosen columns of a Parquet file, in their own types."""
    with needing(f"{file} is a Parquet file, which needs pyarrow", "store"):
        import pyarrow
        from pyarrow import parquet
    try:
        opened = parquet.ParquetFile(BytesIO(content))
        names = list(chosen(opened.schema_arrow.names))
        table = opened.read(columns=names)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(
            f"{file} must be a whole Parquet file; got one that cannot be read ({error}). Write it again."
        ) from None
    if table.num_rows == 0:
        raise InputError(f"{file} must have at least one row; got only column names. Check what wrote it.")
    frame: pd.DataFrame = table.select(names).to_pandas(ignore_metadata=True, integer_object_nulls=True)
    return frame

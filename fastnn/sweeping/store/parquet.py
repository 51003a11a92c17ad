"""Parquet files of results, written and read. Only this module and the reading of data know pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, needing
from fastnn.showing.lettering import counted
from fastnn.sweeping.columns import Kind
from fastnn.sweeping.store import StoreError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "columns_of",
    "exact_columns",
    "is_installed",
    "matrix_bytes",
    "need_pyarrow",
    "table_bytes",
    "write_frames",
]

Array = NDArray[Any]

MOST_GROUPS = 1000  # groups of rows; pyarrow puts a million rows into each


def need_pyarrow() -> Any:
    """Return pyarrow, with pyarrow.parquet imported; if it is missing, InputError says how to install it."""
    with needing("store needs pyarrow", "store"):
        import pyarrow
        import pyarrow.parquet
    return pyarrow


def is_installed() -> bool:
    """Whether pyarrow is installed."""
    try:
        need_pyarrow()
    except InputError:
        return False
    return True


def table_bytes(columns: Mapping[str, Array], kinds: Mapping[str, Kind], metadata: dict[str, str]) -> bytes:
    """Columns of these kinds, words as their places, as a parquet file."""
    arrays = {name: _as_arrow(columns[name], kind) for name, kind in kinds.items()}
    return _written(arrays, metadata, [name for name, kind in kinds.items() if kind.few])


def _as_arrow(column: Array, kind: Kind) -> Any:
    pyarrow = need_pyarrow()
    if kind.words:
        return pyarrow.DictionaryArray.from_arrays(pyarrow.array(column), pyarrow.array(kind.words))
    if kind.length:
        numbers = np.ascontiguousarray(column, kind.dtype)
        return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(numbers.reshape(-1)), kind.length)
    return column


def matrix_bytes(matrices: dict[str, Array], metadata: dict[str, str]) -> bytes:
    """Matrices of equal height as a parquet file, column by column: x1, x2, ..., y1, ..."""
    columns = {
        f"{name}{j + 1}": matrix[:, j] for name, matrix in matrices.items() for j in range(matrix.shape[1])
    }
    return _written(columns, metadata, [])


def write_frames(frames: Iterable[pd.DataFrame], path: Path) -> None:
    """Write tables of the same columns, at least one, as one parquet file, piece by piece."""
    pyarrow = need_pyarrow()
    pieces = iter(frames)
    first = pyarrow.Table.from_pandas(next(pieces), preserve_index=False)
    with pyarrow.parquet.ParquetWriter(path, first.schema, write_page_checksum=True) as writer:
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(pyarrow.Table.from_pandas(piece, first.schema, preserve_index=False))


def columns_of(path: Path, kinds: Mapping[str, Kind], rows: int) -> dict[str, Array]:
    """Columns of these kinds of a file, as arrays: lists as (rows, n), words as their places.

    Raises
    ------
    StoreError
        If it is not such a file, or has another number of rows.
    """
    with need_pyarrow().memory_map(str(path)) as content:
        reader = _reader(content)
        schema = reader.schema_arrow
        if reader.metadata.num_rows != rows or not set(kinds) <= set(schema.names):
            raise StoreError(
                f"a shard must have {counted(rows, 'row')} and the columns {', '.join(kinds)}; it has others."
            )
        for name, kind in kinds.items():
            _refuse_other(name, schema.field(name).type, kind)
        table = _read(reader, list(kinds))
    return {name: _converted(table.column(name), kind, rows) for name, kind in kinds.items()}


def _refuse_other(name: str, type_: Any, kind: Kind) -> None:
    """Raise StoreError unless an Arrow type fits the kind of a column."""
    if not _is_of(type_, kind):
        raise StoreError(f"column {name} must be {kind}; it is {str(type_)[:60]}.")


def exact_columns(
    content: bytes, columns: Mapping[str, Kind], rows: int, *, others: bool = False
) -> dict[str, Array]:
    """All columns of a file by name. Names, types, rows and sizes are checked before anything is read.

    Parameters
    ----------
    columns : mapping
        The kind of each column by name, in the order of the file.
    others : bool
        Whether there may be other columns, which are not read.

    Raises
    ------
    StoreError
        If it is not such a file, or has another number of rows.
    """
    reader = _reader(content)
    metadata, schema = reader.metadata, reader.schema_arrow
    names = [name for name in schema.names if name in columns] if others else schema.names
    if names != list(columns) or metadata.num_rows != rows:
        raise StoreError(
            f"it must have {counted(rows, 'row')} and the columns {', '.join([*columns][:9])} ..."
        )
    for name, kind in columns.items():
        _refuse_other(name, schema.field(name).type, kind)
    # The chunks of a column are not looked at: if they are nonsense, pyarrow ends the process.
    groups = (metadata.row_group(group) for group in range(min(metadata.num_row_groups, MOST_GROUPS)))
    if metadata.num_row_groups > MOST_GROUPS or sum(group.total_byte_size for group in groups) > len(content):
        raise StoreError("it must be written as fastnn does, without compression; it unpacks to more.")
    table = _read(reader, list(columns))
    try:
        return {name: _converted(table.column(name), kind, rows) for name, kind in columns.items()}
    except Exception as error:  # pyarrow's, for codes beyond the dictionary
        raise StoreError(f"its columns must hold values; they do not: {_reason(error)}.") from None


def _converted(column: Any, kind: Kind, rows: int) -> Array:
    """A column as an array (rows,), or (rows, n) for lists; a word becomes its place in `words`."""
    if column.null_count:
        raise StoreError(f"a column must have a value in each row; {column.null_count} are missing.")
    whole = column.combine_chunks()
    if kind.words:
        codes = whole.indices.to_numpy()
        places = np.array([kind.words.index(word) for word in whole.dictionary.to_pylist()], kind.dtype)
        if (codes < 0).any():
            raise StoreError("codes of words must not be below 0.")
        found: Array = places[codes]
        return found
    if not kind.length:
        values: Array = whole.to_numpy(zero_copy_only=False)
        return values
    losses = whole.flatten()
    if losses.null_count:
        raise StoreError(f"curves must have a value for each epoch; {losses.null_count} are missing.")
    curves: Array = losses.to_numpy(zero_copy_only=False).reshape(rows, -1)
    return curves


def _is_of(type_: Any, kind: Kind) -> bool:
    """Whether an Arrow type fits the kind of a column."""
    types = need_pyarrow().types
    if kind.dtype == "text":
        return bool(types.is_string(type_))
    numbers = need_pyarrow().from_numpy_dtype(np.dtype(kind.dtype))
    if kind.words:
        return bool(types.is_dictionary(type_) and types.is_string(type_.value_type))
    if kind.length:
        lists = types.is_fixed_size_list(type_) and type_.value_type == numbers
        return bool(lists and type_.list_size == kind.length)
    return bool(type_ == numbers)


def _reader(content: Any) -> Any:
    pyarrow = need_pyarrow()
    source = pyarrow.BufferReader(content) if isinstance(content, bytes) else content
    try:
        return pyarrow.parquet.ParquetFile(source, page_checksum_verification=True)
    except Exception as error:  # pyarrow raises whatever its C++ throws
        raise StoreError(
            f"a file of the store must be parquet; reading it failed: {_reason(error)}."
        ) from None


def _read(reader: Any, names: list[str]) -> Any:
    try:
        return reader.read(names, use_threads=False)
    except Exception as error:
        raise StoreError(
            f"a file of the store must be parquet; reading it failed: {_reason(error)}."
        ) from None


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")


def _written(columns: dict[str, Any], metadata: dict[str, str], repeated: list[str]) -> bytes:
    """A table as the bytes of a parquet file; `repeated` columns have few different values."""
    pyarrow = need_pyarrow()
    table = pyarrow.table(columns).replace_schema_metadata(metadata)
    sink = pyarrow.BufferOutputStream()
    # Trained parameters do not compress; measured: zstd saves 6 % and takes longer than the disk.
    pyarrow.parquet.write_table(
        table,
        sink,
        compression="none",
        use_dictionary=repeated,
        column_encoding={"start": "DELTA_BINARY_PACKED"} if "start" in columns else None,
        write_statistics=True,
        write_page_checksum=True,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content

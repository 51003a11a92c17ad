"""Parquet files of results, written and read. Only this module and the reading of data know pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, needing
from fastnn.showing.lettering import counted
from fastnn.sweeping.design import Design, Results
from fastnn.sweeping.store import StoreError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "columns_of",
    "curves_bytes",
    "exact_columns",
    "is_installed",
    "matrix_bytes",
    "need_pyarrow",
    "results_bytes",
    "write_frames",
]

Array = NDArray[Any]

STATUS = ("ok", "diverged")
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


def results_bytes(design: Design, results: Results, metadata: dict[str, str]) -> bytes:
    """Results as a parquet file: start, settings, losses, status, diverged, w1..., b1...

    The settings are learning_rate, rows and what else the grid varies, such as optimizer and momentum.
    """
    pyarrow = need_pyarrow()
    numbers = results.numbers.array()
    codes = pyarrow.array((results.diverged > 0).astype(np.int8))
    settings = {name: design.grid.column(name, numbers) for name in design.grid.shown}
    columns = {
        "start": design.grid.start_of(numbers),
        **settings,
        "loss": results.loss,
        **results.measured,
        "status": pyarrow.DictionaryArray.from_arrays(codes, pyarrow.array(STATUS)),
        "diverged": results.diverged,
    }
    columns |= dict(zip(design.plan.network.parameter_names, results.parameters.T, strict=True))
    return _written(columns, metadata, [*settings, "status", "diverged"])


def curves_bytes(design: Design, results: Results, metadata: dict[str, str]) -> bytes:
    """Loss curves as a parquet file: start, curve (a list of float32, one for each epoch kept)."""
    pyarrow = need_pyarrow()
    assert results.curves is not None  # noqa: S101 - only plans with curves come here
    losses = np.ascontiguousarray(results.curves, np.float32)
    curve = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(losses.reshape(-1)), losses.shape[1])
    starts = design.grid.start_of(results.numbers.array())
    return _written({"start": starts, "curve": curve}, metadata, [])


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


def columns_of(path: Path, names: Sequence[str], dtype: str, rows: int) -> dict[str, Array]:
    """Columns of a file of results or of curves, as arrays; `curve` is (m, n).

    Raises
    ------
    StoreError
        If it is not such a file, or has another number of rows.
    """
    with need_pyarrow().memory_map(str(path)) as content:
        reader = _reader(content)
        if reader.metadata.num_rows != rows or not set(names) <= set(reader.schema_arrow.names):
            raise StoreError(
                f"a shard must have {counted(rows, 'row')} and the columns {', '.join(names)}; it has others."
            )
        table = _read(reader, list(names))
    found = {}
    for name in names:
        column = table.column(name).combine_chunks()
        if name == "curve":
            found[name] = column.flatten().to_numpy().reshape(rows, -1)
        else:
            found[name] = column.to_numpy(zero_copy_only=False)
            kind = {"diverged": "int32"}.get(name, dtype)
            if found[name].dtype != kind:
                raise StoreError(f"column {name} of a shard must be {kind}; it is {found[name].dtype}.")
    return found


def exact_columns(
    content: bytes, columns: Mapping[str, str], rows: int, *, others: bool = False
) -> dict[str, Array]:
    """All columns of a file by name. Names, types, rows and sizes are checked before anything is read.

    Parameters
    ----------
    columns : mapping
        The kind of each column by name, in the order of the file: a dtype, "text", "status", or "curve 25"
        for lists of 25 losses.
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
        if not _is_of(schema.field(name).type, kind):
            raise StoreError(f"column {name} must be {kind}; it is {str(schema.field(name).type)[:60]}.")
    # The chunks of a column are not looked at: if they are nonsense, pyarrow ends the process.
    groups = (metadata.row_group(group) for group in range(min(metadata.num_row_groups, MOST_GROUPS)))
    if metadata.num_row_groups > MOST_GROUPS or sum(group.total_byte_size for group in groups) > len(content):
        raise StoreError("it must be written as fastnn does, without compression; it unpacks to more.")
    table = _read(reader, list(columns))
    try:
        return {name: _converted(table.column(name), kind, rows) for name, kind in columns.items()}
    except Exception as error:  # pyarrow's, for codes beyond the dictionary
        raise StoreError(f"its columns must hold values; they do not: {_reason(error)}.") from None


def _converted(column: Any, kind: str, rows: int) -> Array:
    """A column as an array (rows,), or (rows, n) for curves; a status becomes its place in `STATUS`."""
    if column.null_count:
        raise StoreError(f"a column must have a value in each row; {column.null_count} are missing.")
    whole = column.combine_chunks()
    if kind == "status":
        codes = whole.indices.to_numpy()
        places = np.array([STATUS.index(status) for status in whole.dictionary.to_pylist()])
        if (codes < 0).any():
            raise StoreError("codes of a status must not be below 0.")
        statuses: Array = places[codes]
        return statuses
    if not kind.startswith("curve"):
        values: Array = whole.to_numpy(zero_copy_only=False)
        return values
    losses = whole.flatten()
    if losses.null_count:
        raise StoreError(f"curves must have a value for each epoch; {losses.null_count} are missing.")
    curves: Array = losses.to_numpy(zero_copy_only=False).reshape(rows, -1)
    return curves


def _is_of(type_: Any, kind: str) -> bool:
    """Whether an Arrow type fits the kind of a column: a dtype, "text", "status" or "curve 25"."""
    types = need_pyarrow().types
    if kind == "text":
        return bool(types.is_string(type_))
    if kind == "status":
        return bool(types.is_dictionary(type_) and types.is_string(type_.value_type))
    if kind.startswith("curve"):
        lists = types.is_fixed_size_list(type_) and types.is_float32(type_.value_type)
        return bool(lists and type_.list_size == int(kind.partition(" ")[2]))
    return bool(type_ == need_pyarrow().from_numpy_dtype(np.dtype(kind)))


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

"""Results as parquet, and back. The only module of the library that knows pyarrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.designing import Design, Results
from fastnn.network import Network
from fastnn.storing import StoreError

__all__ = ["columns_of", "curves_bytes", "matrix_bytes", "matrix_of", "need_pyarrow", "results_bytes"]

Array = NDArray[Any]

STATUS = ("ok", "diverged")


def need_pyarrow() -> Any:
    """The packages pyarrow and pyarrow.parquet, or a refusal that says how to install them."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            'store needs pyarrow; it is not installed. Run: pip install "fastnn-sweep[store]"'
        ) from None
    return pyarrow


def results_bytes(design: Design, results: Results, metadata: dict[str, str]) -> bytes:
    """Networks as a parquet file: start, learning_rate, rows, losses, status, diverged, w1..., b1..."""
    pyarrow = need_pyarrow()
    numbers = results.numbers.array()
    codes = pyarrow.array((results.diverged > 0).astype(np.int8))
    columns = {
        "start": design.grid.start_of(numbers),
        "learning_rate": design.grid.learning_rate_of(numbers),
        "rows": design.grid.rows_of(numbers),
        "loss": results.loss,
        **results.measured,
        "status": pyarrow.DictionaryArray.from_arrays(codes, pyarrow.array(STATUS)),
        "diverged": results.diverged,
    }
    columns |= dict(zip(design.plan.network.parameter_names, results.parameters.T, strict=True))
    return _written(columns, metadata, ["learning_rate", "rows", "status", "diverged"])


def curves_bytes(design: Design, results: Results, metadata: dict[str, str]) -> bytes:
    """Loss curves as a parquet file: start, curve (a list of float32, one for each epoch kept)."""
    pyarrow = need_pyarrow()
    assert results.curves is not None  # noqa: S101 - asked for by a plan with curves
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


def matrix_of(content: Any, name: str) -> Array:
    """The matrix of this name in a file that `matrix_bytes` wrote."""
    reader = _reader(content)
    wanted = [column for column in reader.schema_arrow.names if column.startswith(name)]
    table = reader.read(wanted, use_threads=False)
    return np.column_stack([table.column(column).to_numpy() for column in wanted])


def columns_of(
    content: Any, names: Sequence[str], network: Network, dtype: str, rows: int
) -> dict[str, Array]:
    """Columns of a file of results or of curves, as arrays; `curve` is (m, n).

    Raises
    ------
    StoreError
        If it is not such a file, of so many rows.
    """
    reader = _reader(content)
    if reader.metadata.num_rows != rows or not set(names) <= set(reader.schema_arrow.names):
        raise StoreError(f"a shard must have {rows} rows and the columns {', '.join(names)}; it has others.")
    table = reader.read(list(names), use_threads=False)
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


def _reader(content: Any) -> Any:
    pyarrow = need_pyarrow()
    source = pyarrow.BufferReader(content) if isinstance(content, bytes) else content
    try:
        return pyarrow.parquet.ParquetFile(source, page_checksum_verification=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise StoreError(f"a file of the store must be parquet; reading it failed: {error}.") from None


def _written(columns: dict[str, Any], metadata: dict[str, str], repeated: list[str]) -> bytes:
    """A table as the bytes of a parquet file; `repeated` columns have few different values."""
    pyarrow = need_pyarrow()
    table = pyarrow.table(columns).replace_schema_metadata(metadata)
    sink = pyarrow.BufferOutputStream()
    # Trained parameters do not compress (zstd saves 6 %, and takes longer than the disk).
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

"""The content of a store's files, compared with its manifest: an intact file may hold something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.sweeping.columns import Kind
from fastnn.sweeping.design import Results
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.store.layout import RESULTS, arrays_in, kinds_in
from fastnn.sweeping.store.manifest import Manifest
from fastnn.sweeping.store.parquet import exact_columns
from fastnn.sweeping.work.expecting import Expected
from fastnn.training.identity import content_hash

__all__ = [
    "INPUTS",
    "check_results",
    "fault_of_content",
    "input_arrays",
    "input_matrices",
    "inputs_of",
    "most_bytes",
]

Array = NDArray[Any]

# The kinds of input files. Each has the arrays of a design by the letters of their columns.
INPUTS = {
    "data": {"x": "X", "y": "Y"},
    "starts": {"p": "starts"},
    "order": {"r": "row_order"},
    "rates": {"l": "epoch_rates"},
    "weights": {"w": "sample_weight"},
    "validation": {"x": "validation_X", "y": "validation_Y"},
}


def inputs_of(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The entry of the plan for each kind of input that the sweep was given."""
    plan = manifest.plan
    found = {"data": plan["data"]}
    if plan["start"]["rule"] == "given":
        found["starts"] = plan["start"]
    if "row_order" in plan:
        found["order"] = plan["row_order"]
    if "epoch_rates" in plan:
        found["rates"] = plan["epoch_rates"]
    if "sample_weight" in plan:
        found["weights"] = plan["sample_weight"]
    return found | ({"validation": plan["validation"]} if "validation" in plan else {})


def most_bytes(manifest: Manifest, kind: str, number: int) -> int:
    """The largest size in bytes that a file of this kind and number may have."""
    if kind in INPUTS:
        rows, columns = _rows_of(manifest, kind), len(_input_columns(manifest, kind))
        width = 8 * columns
    else:
        rows, columns = manifest.shards.rows(number), len(kinds_in(kind, manifest.grid, manifest.schema))
        width = manifest.schema.bytes_per_network(*RESULTS[kind])
    return 2 * rows * (width + 32) + 4096 * columns + 65536


def fault_of_content(
    manifest: Manifest, kind: str, number: int, content: bytes, shard: bytes | None = None
) -> str:
    """In words, what is wrong with the content of a file whose bytes are intact; empty if it may be right.

    For a file of curves, `shard` holds the bytes of the shard with the same networks, if it exists.
    """
    try:
        if kind in INPUTS:
            input_arrays(manifest, kind, content)
            return ""
        return (_fault_of_curves if kind == "curves" else _fault_of_shard)(manifest, number, content, shard)
    except StoreError as error:
        return f"holds something else: {error}"


def check_results(manifest: Manifest, number: int, results: Results) -> None:
    """Raise StoreError unless these may be the results of shard `number`; curves are not checked."""
    fault = "" if results.numbers == manifest.numbers(number) else f"they are of networks {results.numbers}"
    expected = manifest.expected(number)
    kept = {column.array for column in expected.schema.kept}
    arrays = {name: array for name, array in results.arrays.items() if name in kept}
    fault = fault or expected.fault(arrays, len(results))
    if fault:
        raise StoreError(
            f"results must be those of shard {number} of the sweep; they cannot be: {fault}. They were not "
            "kept. Run the same sweep again with this store."
        )


def input_arrays(manifest: Manifest, kind: str, content: bytes) -> dict[str, Array]:
    """Return the arrays in an input file.

    Raises
    ------
    StoreError
        If the manifest names others.
    """
    told, columns = inputs_of(manifest)[kind], _input_columns(manifest, kind)
    found = exact_columns(content, columns, _rows_of(manifest, kind))
    arrays = {
        name: np.column_stack([found[column] for column in columns if column[0] == letter])
        for letter, name in INPUTS[kind].items()
    }
    if kind == "starts":
        arrays["starts"] = arrays["starts"].reshape(told["shape"])
    if kind == "order":
        arrays["row_order"] = arrays["row_order"].reshape(manifest.plan["epochs"], -1)
    if kind in ("weights", "rates"):
        arrays = {name: array.ravel() for name, array in arrays.items()}
    if content_hash(*arrays.values()) != told["sha256"]:
        raise StoreError(f"the {kind} in the store must have the digest in its manifest; they have another.")
    return arrays


def input_matrices(kind: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of an input file as matrices of equal height, by the letters of their columns."""
    given = {letter: arrays[name] for letter, name in INPUTS[kind].items()}
    return {
        letter: array.reshape(-1, 1) if kind in ("order", "rates", "weights") else np.atleast_2d(array)
        for letter, array in given.items()
    }


def _input_columns(manifest: Manifest, kind: str) -> dict[str, Kind]:
    network, dtype = manifest.grid.networks.values[0], manifest.plan["dtype"]
    if kind == "starts":
        return {f"p{j + 1}": Kind("float64") for j in range(network.n_parameters)}
    if kind == "order":
        return {"r1": Kind("int32")}  # the epochs one after the other
    if kind == "rates":
        return {"l1": Kind(dtype)}
    if kind == "weights":
        return {"w1": Kind("float64")}
    widths = {"x": network.n_inputs, "y": network.n_outputs}
    return {f"{letter}{j + 1}": Kind(dtype) for letter, width in widths.items() for j in range(width)}


def _rows_of(manifest: Manifest, kind: str) -> int:
    told = inputs_of(manifest)[kind]
    if kind == "order":
        return int(manifest.plan["epochs"] * manifest.plan["rows"][0])
    if kind == "rates":
        return int(manifest.plan["epochs"])
    if kind == "weights":
        return int(manifest.plan["data"]["rows"])
    if kind != "starts":
        return int(told["rows"])
    return int(told["shape"][0]) if len(told["shape"]) == 2 else 1


def _starts(manifest: Manifest, number: int) -> Array:
    starts: Array = manifest.grid.start_of(manifest.numbers(number).array())
    return starts


def _fault_of_shard(manifest: Manifest, number: int, content: bytes, _: bytes | None) -> str:
    grid, schema, rows = manifest.grid, manifest.schema, manifest.shards.rows(number)
    found = exact_columns(content, kinds_in("shard", grid, schema), rows)
    numbers = manifest.numbers(number).array()
    known = {
        "start": _starts(manifest, number),
        **{name: grid.column(name, numbers) for name in grid.shown},
        **{name: column.codes(found) for name, column in schema.derived.items()},
    }
    for name, column in known.items():
        if not np.array_equal(found[name], column, equal_nan=column.dtype.kind == "f"):
            return f"holds something else: {name} does not fit its networks"
    expected = manifest.expected(number)
    fault = expected.fault(arrays_in(expected.schema, found), rows)
    return f"holds impossible results: {fault}" if fault else ""


def _fault_of_curves(manifest: Manifest, number: int, content: bytes, shard: bytes | None) -> str:
    grid, schema, rows = manifest.grid, manifest.schema, manifest.shards.rows(number)
    found = exact_columns(content, kinds_in("curves", grid, schema), rows)
    if not np.array_equal(found["start"], _starts(manifest, number)):
        return "holds something else: start does not fit its networks"
    if shard is None:
        return ""
    columns = [column for column in schema.kept if column.per == "epoch"]
    needed = {"diverged", "trained_epochs", "ended", *(column.ends for column in columns)}
    kinds = {name: kind for name, kind in schema.kinds("network").items() if name in needed}
    ends = exact_columns(shard, kinds, rows, others=True)
    arrays = ends | {column.array: found[column.name] for column in columns}
    expected = Expected(schema)
    fault = next((fault for column in columns if (fault := expected.fault_of(column, arrays))), "")
    return f"holds impossible results: {fault}" if fault else ""

"""The digest of data as training sees them, which tells one table from another."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastnn.data.scaling import TableScaling

__all__ = ["SHORT", "digest_of"]

SHORT = 16  # digits that are shown; two tables share them by chance once in 2**64


def digest_of(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    scaling: TableScaling,
    weights: NDArray[np.float64] | None = None,
) -> str:
    """Return the SHA-256 of the bits of X and y, of their shapes, and of the conversion of each column.

    If rows have weights, their bits come last.

    It has 64 hexadecimal digits. It is the same on every machine and for any source of the rows.
    """
    columns = [
        [[column.name, column.categories, column.one_hot] for column in some]
        for some in (scaling.input_columns, scaling.target_columns)
    ]
    digest = sha256(json.dumps([columns, X.shape, y.shape]).encode("ascii"))
    further = () if weights is None else (weights,)
    for array in (X, y, scaling.X.minimum, scaling.X.range, scaling.y.minimum, scaling.y.range, *further):
        digest.update(np.ascontiguousarray(array, "<f8").tobytes())
    return digest.hexdigest()

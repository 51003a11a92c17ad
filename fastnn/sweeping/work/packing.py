"""Packed bytes for workers and their answers: plain values and arrays, with a digest.

The form: 32 bytes of SHA-256 over all that follows; 8 bytes, the length of the header; the header in JSON;
the arrays one after the other, C-ordered and little-endian. Reading runs nothing, and allocates nothing
before the digest and every size are checked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.rule import DTYPES as FLOATS
from fastnn.sweeping.columns import WHOLE

__all__ = ["DamageError", "pack", "unpack"]

Array = NDArray[Any]

DTYPES = {name: np.dtype(name).newbyteorder("<").str for name in (*FLOATS, *WHOLE)}


class DamageError(ValueError):
    """Bytes differ from those that were written."""


def pack(values: Mapping[str, Any], arrays: Mapping[str, Array | None]) -> bytes:
    """Return plain values and arrays as bytes; an array that is None is left out."""
    present = {name: array for name, array in arrays.items() if array is not None}
    described = {name: [str(array.dtype), list(array.shape)] for name, array in present.items()}
    header = json.dumps({"values": values, "arrays": described}).encode()
    parts = [len(header).to_bytes(8, "little"), header]
    parts += [np.ascontiguousarray(array, DTYPES[str(array.dtype)]).tobytes() for array in present.values()]
    body = b"".join(parts)
    return sha256(body).digest() + body


def unpack(packed: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the values and the arrays of packed bytes; the arrays are read-only views of the bytes.

    Raises
    ------
    DamageError
        If a bit has changed.
    """
    if not isinstance(packed, bytes) or sha256(packed[32:]).digest() != packed[:32] or len(packed) < 40:
        raise DamageError("the bytes do not have the digest that they came with")
    end = 40 + int.from_bytes(packed[32:40], "little")
    try:
        header = json.loads(packed[40:end])
        values, announced = header["values"], header["arrays"]
        found, end = _arrays(packed, announced, end)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise DamageError(f"the bytes do not have the form of an answer: {type(error).__name__}") from None
    if end != len(packed) or not isinstance(values, dict):
        raise DamageError(f"{end} bytes were announced, {len(packed)} arrived")
    return values, found


def _arrays(packed: bytes, announced: dict[str, Any], end: int) -> tuple[dict[str, Array], int]:
    """Return the arrays that begin at `end`, and the position after them."""
    found = {}
    for name, (dtype, shape) in announced.items():
        kind = np.dtype(DTYPES[dtype])
        if not all(type(length) is int and length >= 0 for length in shape):
            raise ValueError(shape)
        count = math.prod(shape)
        if count * kind.itemsize > len(packed) - end:
            raise ValueError(shape)
        array = np.frombuffer(packed, kind, count, end).reshape(shape)
        found[name] = array.astype(kind.newbyteorder("="), copy=False)
        end += count * kind.itemsize
    return found, end

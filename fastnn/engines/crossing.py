"""What goes from lane to lane: numbers put into lanes, lanes added up, the rows of a square made its columns.

As in `fastnn.engines.simd`, a vector is a NumPy array in plain Python, and Numba compiles it to LLVM's.
Imports Numba: to be imported by what is compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable
from numpy.typing import NDArray

from fastnn.engines.vector_types import VectorType, from_registers, registers_of, types

__all__ = ["in_lanes", "plus_lanes", "transposed"]


def in_lanes(numbers: tuple[float, ...]) -> NDArray[Any]:
    """A vector of some numbers, one in each lane."""
    return np.array(numbers)


def plus_lanes(total: Any, vector: NDArray[Any], number: int) -> Any:
    """A number plus those in the first lanes, as many as the literal `number`, one after the other."""
    for lane in vector[:number]:
        total = total + lane
    return total


def transposed(vectors: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
    """For each lane of some vectors, a register with that of each: 1, 2, 4, ... of them for each lane."""
    return tuple(np.stack(vectors, axis=1))


def _type_of_lanes(numbers: Any) -> VectorType | None:
    if not isinstance(numbers, types.UniTuple) or not isinstance(numbers.dtype, types.Float):
        return None
    return VectorType(numbers.dtype, 1, len(numbers))


def _type_of_plus_lanes(total: Any, vector: Any, number: Any) -> Any:
    literal = isinstance(number, types.IntegerLiteral)
    return total if literal and isinstance(vector, VectorType) and total == vector.number else None


def _type_of_transposed(vectors: Any) -> Any:
    if not isinstance(vectors, types.UniTuple) or not isinstance(vectors.dtype, VectorType):
        return None
    one, several = vectors.dtype, len(vectors)
    fits = several % one.lanes == 0 and (several // one.lanes).bit_count() == 1
    return types.UniTuple(VectorType(one.number, 1, several), one.size) if fits else None


def _lower_in_lanes(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    part = ir.Constant(signature.return_type.part, ir.Undefined)
    for lane, number in enumerate(cgutils.unpack_tuple(builder, values[0])):
        part = builder.insert_element(part, number, ir.IntType(32)(lane))
    return from_registers(builder, [part])


def _lower_plus_lanes(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    total, (_, vector, number) = values[0], signature.args
    registers = registers_of(builder, values[1])
    for unit in range(number.literal_value):
        register, lane = divmod(unit, vector.lanes)
        total = builder.fadd(total, builder.extract_element(registers[register], ir.IntType(32)(lane)))
    return total


def _lower_transposed(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    kind, columns = signature.return_type, []
    every = [registers_of(builder, vector) for vector in cgutils.unpack_tuple(builder, values[0])]
    for square in zip(*every, strict=True):
        columns += _columns(builder, [*square])
    vectors = [from_registers(builder, [column]) for column in columns]
    return context.make_tuple(builder, kind, vectors)


def _columns(builder: Any, rows: list[Any]) -> list[Any]:
    """Those of a square, or of several: lanes of a row of the first half and of one of the second take turns.

    Each time doubles the rows whose lanes lie side by side: first in longer rows, until a row holds a number
    of every row; then in two rows, one for either half of the lanes.
    """
    squares, lanes = len(rows) // rows[0].type.count, rows[0].type.count
    for doubled in [True] * (squares.bit_length() - 1) + [False] * (lanes.bit_length() - 1):
        half, pair = len(rows) // 2, 2 * rows[0].type.count
        order = [n // 2 + pair // 2 * (n % 2) for n in range(pair)]
        orders = [order] if doubled else [order[: pair // 2], order[pair // 2 :]]
        masks = [ir.Constant(ir.VectorType(ir.IntType(32), len(each)), each) for each in orders]
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [builder.shuffle_vector(*pair, mask) for pair in pairs for mask in masks]
    return rows


type_callable(in_lanes)(lambda context: _type_of_lanes)
lower_builtin(in_lanes, types.UniTuple)(_lower_in_lanes)
type_callable(plus_lanes)(lambda context: _type_of_plus_lanes)
lower_builtin(plus_lanes, types.Float, VectorType, types.IntegerLiteral)(_lower_plus_lanes)
type_callable(transposed)(lambda context: _type_of_transposed)
lower_builtin(transposed, types.UniTuple)(_lower_transposed)

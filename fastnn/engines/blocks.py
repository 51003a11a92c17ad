"""Blocks: one vector for each of some rows, on which every operation works as on one longer vector.

A vector beside a block stands in each of its rows. Each row has the bits that it would have alone.

As plain Python a block is a NumPy array of its vectors. In compiled code it is a value as any vector is, so
that Numba has one statement for all rows: general kernels in batches are compiled in x0.8, wide ones of
`lanes` in x0.6.
Imports Numba: to be imported by what is compiled.
"""

from __future__ import annotations

import operator
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable
from numpy.typing import NDArray

from fastnn.engines.vector_types import (
    VectorType,
    from_registers,
    in_every_lane,
    operands_in_registers,
    registers_of,
    types,
    vector_among,
)

__all__ = ["Blocks", "Rows", "every_row", "first_row", "plus_products", "plus_rows"]


class Blocks:
    """Blocks in memory, one behind the other: ``[j]`` is block j, ``[j, row]`` the vector of one of its rows.

    Parameters
    ----------
    memory : ndarray, shape (n, registers*lanes)
        As `fastnn.engines.simd.Vectors` takes it.
    rows, registers, lanes : int
        How many vectors a block has, how many registers each fills, and how many lanes each has. Literals.
    first : int
        The row of `memory` with the first vector of the first block.
    """

    def __init__(self, memory: NDArray[Any], rows: int, registers: int, lanes: int, first: int) -> None:
        vectors = memory.reshape(-1, registers * lanes)[first:]
        self._blocks = vectors[: len(vectors) // rows * rows].reshape(-1, rows, registers * lanes)

    def __getitem__(self, index: int | tuple[int, int]) -> NDArray[Any]:
        found: NDArray[Any] = self._blocks[index].copy()
        return found

    def __setitem__(self, index: int | tuple[int, int], vectors: NDArray[Any]) -> None:
        self._blocks[index] = vectors


class Rows:
    """The rows of an array: ``[row, i]``, or ``[row]``, is the block of what rows from `row` on hold there.

    Each number stands in every lane.

    Parameters
    ----------
    array : ndarray, shape (rows, columns) or (rows,)
        C-ordered.
    rows, registers, lanes : int
        Those of a block, as `Blocks` takes them.
    """

    def __init__(self, array: NDArray[Any], rows: int, registers: int, lanes: int) -> None:
        self._array, self._rows = array.reshape(len(array), -1), rows

    def __getitem__(self, index: int | tuple[int, int]) -> NDArray[Any]:
        row, column = index if isinstance(index, tuple) else (index, 0)
        return self._array[row : row + self._rows, column, np.newaxis].copy()


def plus_rows(vector: NDArray[Any], block: NDArray[Any]) -> NDArray[Any]:
    """A vector to which the rows of a block are added, one after the other."""
    for row in block:
        vector = vector + row
    return vector


def plus_products(vector: NDArray[Any], block: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """A vector to which the rows of the product of two blocks are added, one after the other.

    Each product is added before the next is worked out, which takes fewer registers than all at once.
    """
    return plus_rows(vector, block * other)


def every_row(vector: NDArray[Any], rows: int) -> NDArray[Any]:
    """The block of which every row is a vector; `rows` is a literal."""
    return np.tile(vector, (rows, 1))


def first_row(block: NDArray[Any]) -> NDArray[Any]:
    """The vector of a block's first row."""
    found: NDArray[Any] = block[0].copy()
    return found


# -- their types ---------------------------------------------------------------------------------------


class BlocksType(types.Type):  # type: ignore[misc]  # Numba is not typed
    def __init__(self, block: VectorType) -> None:
        self.block = block
        super().__init__(f"Blocks({block})")


class RowsType(types.Type):  # type: ignore[misc]
    def __init__(self, block: VectorType) -> None:
        self.block = block
        super().__init__(f"Rows({block})")


@register_model(BlocksType)
class _BlocksModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: BlocksType) -> None:
        super().__init__(manager, kind, [("first", types.CPointer(kind.block.number))])


@register_model(RowsType)
class _RowsModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: RowsType) -> None:
        members = [("first", types.CPointer(kind.block.number)), ("columns", types.intp)]
        super().__init__(manager, kind, members)


def _type_of_block(number: Any, rows: Any, registers: Any, lanes: Any) -> VectorType | None:
    sizes = (registers, lanes, rows)
    if not all(isinstance(size, types.IntegerLiteral) for size in sizes):
        return None
    return VectorType(number, *(size.literal_value for size in sizes))


def _type_of_blocks(memory: Any, rows: Any, registers: Any, lanes: Any, first: Any) -> BlocksType | None:
    block = _type_of_block(memory.dtype, rows, registers, lanes)
    return BlocksType(block) if block else None


def _type_of_rows(array: Any, rows: Any, registers: Any, lanes: Any) -> RowsType | None:
    block = _type_of_block(array.dtype, rows, registers, lanes)
    return RowsType(block) if block else None


def _type_of_item(several: Any, index: Any) -> VectorType | None:
    if isinstance(several, BlocksType):
        return _vectors_at(several, index)
    return several.block if isinstance(several, RowsType) else None


def _type_in_every_row(vector: Any, rows: Any) -> VectorType | None:
    return _type_of_block(vector.number, rows, *map(types.literal, (vector.registers, vector.lanes)))


def _vectors_at(blocks: BlocksType, index: Any) -> VectorType:
    """A block, or with two indices the vector of one of its rows."""
    block: VectorType = blocks.block
    return block.of_a_row if isinstance(index, types.BaseTuple) else block


# -- their instructions of LLVM ------------------------------------------------------------------------


def _lower_blocks(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    kind, memory = signature.return_type, signature.args[0]
    array = context.make_array(memory)(context, builder, values[0])
    first = context.cast(builder, values[4], signature.args[4], types.intp)
    blocks = cgutils.create_struct_proxy(kind)(context, builder)
    blocks.first = builder.gep(array.data, [builder.mul(first, first.type(kind.block.size))])
    return blocks._getvalue()


def _lower_rows(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, values[0])
    _, *columns = cgutils.unpack_tuple(builder, array.shape)
    rows = cgutils.create_struct_proxy(signature.return_type)(context, builder)
    rows.first = array.data
    rows.columns = columns[0] if columns else ir.Constant(context.get_value_type(types.intp), 1)
    return rows._getvalue()


def _indices(context: Any, builder: Any, value: Any, kind: Any) -> list[Any]:
    """One index or two."""
    indices = [(value, kind)]
    if isinstance(kind, types.BaseTuple):
        indices = [*zip(cgutils.unpack_tuple(builder, value), kind, strict=True)]
    return [context.cast(builder, index, given, types.intp) for index, given in indices]


def _addresses(context: Any, builder: Any, signature: Any, values: Any) -> list[Any]:
    """Where what is in each register of a block, or of one row of it, lies."""
    kind, index_kind = signature.args[:2]
    block = kind.block
    blocks = cgutils.create_struct_proxy(kind)(context, builder, value=values[0])
    number, *row = _indices(context, builder, values[1], index_kind)
    vector = builder.mul(number, number.type(block.rows))
    vector = builder.add(vector, row[0]) if row else vector
    first = builder.gep(blocks.first, [builder.mul(vector, vector.type(block.size))])
    first = builder.bitcast(first, block.part.as_pointer())
    count = block.registers if row else block.count
    return [builder.gep(first, [vector.type(register)]) for register in range(count)]


def _lower_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    alignment = signature.return_type.alignment
    addresses = _addresses(context, builder, signature, values)
    return from_registers(builder, (builder.load(address, align=alignment) for address in addresses))


def _lower_store(context: Any, builder: Any, signature: Any, values: Any) -> None:
    blocks, index, given = signature.args
    parts = in_every_lane(context, builder, values[2], given, _vectors_at(blocks, index))
    for part, address in zip(parts, _addresses(context, builder, signature, values), strict=True):
        builder.store(part, address, align=blocks.block.alignment)


def _lower_row(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """The numbers in a column of some rows, each in every lane of a vector."""
    kind = signature.args[0]
    rows = cgutils.create_struct_proxy(kind)(context, builder, value=values[0])
    row, *column = _indices(context, builder, values[1], signature.args[1])
    place = builder.mul(row, rows.columns)
    place = builder.add(place, column[0]) if column else place
    parts: list[Any] = []
    for _ in range(kind.block.rows):
        number = builder.load(builder.gep(rows.first, [place]))
        parts += in_every_lane(context, builder, number, kind.block.number, kind.block.of_a_row)
        place = builder.add(place, rows.columns)
    return from_registers(builder, parts)


def _lower_plus_rows(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """The sum; of several blocks, the product is added."""
    vector, *factors = values
    sums, kinds = registers_of(builder, vector), signature.args[1:]
    parts = operands_in_registers(context, builder, kinds, factors)
    for number, (first, *others) in enumerate(parts):
        register = number % len(sums)
        sums[register] = builder.fadd(sums[register], reduce(builder.fmul, others, first))
    return from_registers(builder, sums)


def _lower_every_row(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vector, block = signature.args[0], signature.return_type
    return from_registers(builder, in_every_lane(context, builder, values[0], vector, block))


def _lower_first_row(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    return from_registers(builder, registers_of(builder, values[0])[: signature.return_type.registers])


type_callable(Blocks)(lambda context: _type_of_blocks)
type_callable(Rows)(lambda context: _type_of_rows)
type_callable(operator.getitem)(lambda context: _type_of_item)
type_callable(operator.setitem)(
    lambda context: lambda several, index, value: types.none if isinstance(several, BlocksType) else None
)
type_callable(plus_rows)(lambda context: lambda vector, block: vector_among((vector, block)) and vector)
type_callable(plus_products)(
    lambda context: lambda vector, block, other: vector_among((vector, block, other)) and vector
)
type_callable(every_row)(lambda context: _type_in_every_row)
type_callable(first_row)(lambda context: lambda block: block.of_a_row)
lower_builtin(every_row, VectorType, types.Any)(_lower_every_row)
lower_builtin(first_row, VectorType)(_lower_first_row)
lower_builtin(plus_products, VectorType, types.Any, types.Any)(_lower_plus_rows)
lower_builtin(Blocks, types.Array, *[types.Any] * 4)(_lower_blocks)
lower_builtin(Rows, types.Array, *[types.Any] * 3)(_lower_rows)
lower_builtin(operator.getitem, BlocksType, types.Any)(_lower_load)
lower_builtin(operator.getitem, RowsType, types.Any)(_lower_row)
lower_builtin(operator.setitem, BlocksType, types.Any, types.Any)(_lower_store)
lower_builtin(plus_rows, VectorType, VectorType)(_lower_plus_rows)

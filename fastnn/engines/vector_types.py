"""The types of vectors and of vectors in memory, for Numba, and what their values are in LLVM.

Imports Numba: to be imported by what is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numba
from llvmlite import ir
from numba.extending import models, register_model

from fastnn.printing.vectors import ALIGNMENT

__all__ = [
    "MaskType",
    "VectorType",
    "VectorsType",
    "from_registers",
    "in_every_lane",
    "operands_in_registers",
    "registers_of",
    "types",
    "vector_among",
]

types: Any = numba.types


class VectorType(types.Type):  # type: ignore[misc]  # Numba is not typed
    """A vector of numbers, or a block: one such vector for each of some `rows`."""

    def __init__(self, number: Any, registers: int, lanes: int, rows: int = 1) -> None:
        self.number, self.registers, self.lanes, self.rows = number, registers, lanes, rows
        super().__init__(f"{rows} x {registers} x {lanes} x {number}")

    @property
    def part(self) -> ir.VectorType:
        """What is in one register."""
        return ir.VectorType(ir.DoubleType() if self.number == types.float64 else ir.FloatType(), self.lanes)

    @property
    def size(self) -> int:
        """How many numbers it holds for a row."""
        return self.registers * self.lanes

    @property
    def count(self) -> int:
        """How many registers it fills for all its rows."""
        return self.rows * self.registers

    @property
    def of_a_row(self) -> VectorType:
        """The type of one of its rows."""
        return VectorType(self.number, self.registers, self.lanes)

    @property
    def llvm(self) -> ir.ArrayType:
        return ir.ArrayType(self.part, self.count)

    @property
    def alignment(self) -> int:
        """Of each register's part in memory, in bytes."""
        size: int = self.lanes * self.number.bitwidth // 8
        return min(ALIGNMENT, size)


class MaskType(types.Type):  # type: ignore[misc]
    """What a comparison of vectors gives."""

    def __init__(self, vector: VectorType) -> None:
        self.vector = vector
        self.llvm = ir.ArrayType(ir.VectorType(ir.IntType(1), vector.lanes), vector.count)
        super().__init__(f"comparison of {vector}")


class VectorsType(types.Type):  # type: ignore[misc]
    """Vectors in memory, or blocks."""

    def __init__(self, vector: VectorType) -> None:
        self.vector = vector
        super().__init__(f"Vectors({vector})")


def vector_among(kinds: Sequence[Any]) -> VectorType | None:
    """The type of an operation's result: the type of its vectors. Numbers may be among the operands.

    With a block it is a block.
    """
    found = {kind for kind in kinds if isinstance(kind, VectorType)}
    fits = all(isinstance(kind, VectorType | types.Number) for kind in kinds)
    if len({kind.of_a_row for kind in found}) != 1 or not fits:
        return None
    return max(found, key=lambda kind: kind.rows)


def _primitive(llvm_type: Callable[[Any], ir.Type]) -> type:
    class Model(models.PrimitiveModel):  # type: ignore[misc]
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, llvm_type(kind))

    return Model


class _VectorsModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: VectorsType) -> None:
        members = [("first", types.CPointer(kind.vector.number)), ("inner", types.intp)]
        super().__init__(manager, kind, members)


def in_every_lane(context: Any, builder: Any, value: Any, kind: Any, vector: VectorType) -> list[Any]:
    """What is in each register of `value`; a number is put in every lane, a vector stands for every row."""
    if isinstance(kind, VectorType):
        return registers_of(builder, value) * (vector.rows // kind.rows)
    empty = ir.Constant(vector.part, ir.Undefined)
    number = context.cast(builder, value, kind, vector.number)
    one = builder.insert_element(empty, number, ir.IntType(32)(0))
    lane_0 = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
    return [builder.shuffle_vector(one, empty, lane_0)] * vector.count


def registers_of(builder: Any, value: Any) -> list[Any]:
    """What is in each register of a vector or a mask."""
    return [builder.extract_value(value, register) for register in range(value.type.count)]


def from_registers(builder: Any, parts: Iterable[Any]) -> Any:
    """One vector or mask from what is in its registers."""
    first, *others = parts
    whole = ir.Constant(ir.ArrayType(first.type, 1 + len(others)), ir.Undefined)
    for register, part in enumerate((first, *others)):
        whole = builder.insert_value(whole, part, register)
    return whole


def operands_in_registers(
    context: Any, builder: Any, kinds: Any, values: Any, vector: VectorType | None = None
) -> Iterable[tuple[Any, ...]]:
    """The operands of an operation in each register."""
    vector = vector or vector_among(kinds)
    assert vector is not None  # noqa: S101 - or Numba had not come here
    operands = zip(values, kinds, strict=True)
    return zip(
        *(in_every_lane(context, builder, value, kind, vector) for value, kind in operands), strict=True
    )


register_model(VectorType)(_primitive(lambda kind: kind.llvm))
register_model(MaskType)(_primitive(lambda kind: kind.llvm))
register_model(VectorsType)(_VectorsModel)

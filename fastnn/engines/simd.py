"""Vectors: one number in each lane, and every operation on all lanes at once.

Printed code calculates with vectors as it does with numbers: ``+ - * /``, comparisons, `choose`, `sqrt`,
`power_of_two` and `exponent_of`; a number beside a vector stands in every lane. `Vectors` reads and writes
them in memory.

As plain Python, which is how NUMBA_DISABLE_JIT=1 runs a kernel, a vector is a NumPy array. Numba compiles
it to vectors of LLVM, one for each register that it fills, and each operation to one of LLVM's for each of
them, rounded once, with nothing left to a vectoriser.
Imports Numba: to be imported by what is compiled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import lower_builtin, type_callable
from numpy.typing import NDArray

from fastnn.core.precisions import PRECISIONS
from fastnn.engines.vector_types import (
    MaskType,
    VectorsType,
    VectorType,
    from_registers,
    in_every_lane,
    operands_in_registers,
    registers_of,
    types,
    vector_among,
)
from fastnn.printing.vectors import ALIGNMENT

__all__ = [
    "Vectors",
    "apart",
    "choose",
    "exponent_of",
    "filled",
    "power_of_two",
    "read_again",
    "side_by_side",
    "sqrt",
]


class Vectors:
    """Vectors in memory, one behind the other, or in rows of `inner`.

    Parameters
    ----------
    memory : ndarray, shape (n, registers*lanes)
        C-ordered, beginning at a multiple of `ALIGNMENT` bytes.
    registers, lanes : int
        How many registers a vector fills, and how many lanes each has. Literals, for the compiler.
    first : int
        The row of `memory` with the first of these vectors.
    inner : int
        ``[j, i]`` is vector ``j*inner + i``; ``[j]`` is vector j.
    """

    def __init__(self, memory: NDArray[Any], registers: int, lanes: int, first: int, inner: int) -> None:
        self._rows, self._inner = memory.reshape(-1, registers * lanes)[first:], inner

    def __getitem__(self, index: int | tuple[int, int]) -> NDArray[Any]:
        vector: NDArray[Any] = self._rows[self._place(index)].copy()
        return vector

    def __setitem__(self, index: int | tuple[int, int], vector: NDArray[Any]) -> None:
        self._rows[self._place(index)] = vector

    def _place(self, index: int | tuple[int, int]) -> int:
        return index[0] * self._inner + index[1] if isinstance(index, tuple) else index


def choose(mask: Any, yes: Any, no: Any) -> Any:
    """Lane by lane: the value of `yes` where `mask` holds, else that of `no`. One mask may be for all."""
    return np.where(mask, yes, no)


def power_of_two(exponent: NDArray[Any]) -> NDArray[Any]:
    """Exactly 2**exponent, for whole exponents within the range of normal numbers."""
    precision = PRECISIONS[exponent.dtype.name]
    integer = exponent.dtype.name.replace("float", "int")
    rounder = exponent.dtype.type(precision.rounder + precision.bias)
    bits = (exponent + rounder).view(integer) << (precision.digits - 1)
    power: NDArray[Any] = bits.view(exponent.dtype)
    return power


def exponent_of(number: NDArray[Any]) -> NDArray[Any]:
    """The exponent of a normal number above 0, in every lane."""
    precision = PRECISIONS[number.dtype.name]
    bits = number.view(number.dtype.name.replace("float", "int"))
    exponent: NDArray[Any] = ((bits >> (precision.digits - 1)) - precision.bias).astype(number.dtype)
    return exponent


def sqrt(square: NDArray[Any]) -> NDArray[Any]:
    """The square root in every lane, rounded once; NaN below 0."""
    root: NDArray[Any] = np.sqrt(square)
    return root


def filled(like: NDArray[Any], number: float) -> NDArray[Any]:
    """A vector like another, with a number in every lane."""
    return np.full_like(like, number)


def side_by_side(vectors: tuple[NDArray[Any], ...]) -> NDArray[Any]:
    """One longer vector, with all lanes of several equally long ones: the first's, the second's, ..."""
    return np.concatenate(vectors)


def apart(vector: NDArray[Any], number: int) -> tuple[NDArray[Any], ...]:
    """The vectors that lie side by side in a longer one, as many as the literal `number`."""
    return tuple(np.split(vector, number))


def read_again() -> None:
    """What was read from memory before need not stay in registers: from here on it is read again."""


# -- the types of their results, as Numba infers them --------------------------------------------------


def _type(function: Any, result_of: Callable[..., Any]) -> None:
    """Tell Numba the type that `function` gives for the types of its arguments; None: none of ours."""
    type_callable(function)(lambda context: result_of)


def _type_of_vectors(memory: Any, registers: Any, lanes: Any, first: Any, inner: Any) -> VectorsType | None:
    literal = isinstance(registers, types.IntegerLiteral) and isinstance(lanes, types.IntegerLiteral)
    if literal and isinstance(memory, types.Array):
        return VectorsType(VectorType(memory.dtype, registers.literal_value, lanes.literal_value))
    return None


def _type_of_comparison(left: Any, right: Any) -> MaskType | None:
    vector = vector_among((left, right))
    return MaskType(vector) if vector else None


def _type_of_same(operand: Any) -> Any:
    """The type of what has an operand's own: a vector, or a number."""
    return operand if isinstance(operand, VectorType) else _type_of_number(operand)


def _type_of_number(kind: Any) -> Any:
    return kind if isinstance(kind, types.Float) else None


def _type_of_longer(vectors: Any) -> VectorType | None:
    if not isinstance(vectors, types.UniTuple) or not isinstance(vectors.dtype, VectorType):
        return None
    one = vectors.dtype
    return VectorType(one.number, len(vectors) * one.registers, one.lanes)


def _type_of_parts(vector: Any, number: Any) -> Any:
    if not isinstance(vector, VectorType) or not isinstance(number, types.IntegerLiteral):
        return None
    part = VectorType(vector.number, vector.registers // number.literal_value, vector.lanes)
    return types.UniTuple(part, number.literal_value)


# -- their instructions of LLVM ------------------------------------------------------------------------


def _type_of_choice(mask: Any, yes: Any, no: Any) -> VectorType | None:
    """The type of a choice: that of the vectors compared and of its values; for numbers, that of a number."""
    if isinstance(mask, types.Boolean):
        return vector_among((yes, no)) or _type_of_number(no if yes == no else None)
    return vector_among((mask.vector, yes, no)) if isinstance(mask, MaskType) else None


def _arithmetic(instruction: str) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        operands = operands_in_registers(context, builder, signature.args, values)
        return from_registers(builder, (getattr(builder, instruction)(*some) for some in operands))

    return lower


def _comparison(sign: str) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        operands = operands_in_registers(context, builder, signature.args, values)
        # "Ordered": does not hold with NaN.
        return from_registers(builder, (builder.fcmp_ordered(sign, *some) for some in operands))

    return lower


def _lower_choose(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    operands = operands_in_registers(context, builder, signature.args[1:], values[1:], signature.return_type)
    masks = registers_of(builder, values[0]) if isinstance(signature.args[0], MaskType) else [values[0]]
    masks *= signature.return_type.count // len(masks)
    return from_registers(
        builder, (builder.select(mask, *some) for mask, some in zip(masks, operands, strict=True))
    )


def _lower_power_of_two(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vector = signature.return_type
    precision = PRECISIONS[str(vector.number)]
    integers = ir.VectorType(ir.IntType(vector.number.bitwidth), vector.lanes)
    rounder = ir.Constant(vector.part, [precision.rounder + precision.bias] * vector.lanes)
    digits = ir.Constant(integers, [precision.digits - 1] * vector.lanes)

    def power(exponent: Any) -> Any:
        bits = builder.shl(builder.bitcast(builder.fadd(exponent, rounder), integers), digits)
        return builder.bitcast(bits, vector.part)

    return from_registers(builder, map(power, registers_of(builder, values[0])))


def _lower_exponent_of(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vector = signature.return_type
    precision = PRECISIONS[str(vector.number)]
    integers = ir.VectorType(ir.IntType(vector.number.bitwidth), vector.lanes)
    digits = ir.Constant(integers, [precision.digits - 1] * vector.lanes)
    # A whole number stands in the lowest bits of its sum with this one.
    one = 2.0 ** (precision.digits - 1)
    added = ir.Constant(vector.part, [one] * vector.lanes)
    taken = ir.Constant(vector.part, [one + precision.bias] * vector.lanes)

    def exponent(number: Any) -> Any:
        bits = builder.lshr(builder.bitcast(number, integers), digits)
        bits = builder.or_(bits, builder.bitcast(added, integers))
        return builder.fsub(builder.bitcast(bits, vector.part), taken)

    return from_registers(builder, map(exponent, registers_of(builder, values[0])))


def _lower_sqrt(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vector = signature.return_type
    name = f"llvm.sqrt.v{vector.lanes}f{vector.number.bitwidth}"
    kind = ir.FunctionType(vector.part, [vector.part])
    root = cgutils.get_or_insert_function(builder.module, kind, name)
    return from_registers(builder, (builder.call(root, [part]) for part in registers_of(builder, values[0])))


def _lower_filled(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    like, number = signature.args
    return from_registers(builder, in_every_lane(context, builder, values[1], number, like))


def _lower_side_by_side(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vectors = cgutils.unpack_tuple(builder, values[0])
    return from_registers(builder, (part for vector in vectors for part in registers_of(builder, vector)))


def _lower_apart(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    kind, every = signature.return_type, registers_of(builder, values[0])
    size = kind.dtype.registers
    vectors = [from_registers(builder, every[n : n + size]) for n in range(0, len(every), size)]
    return context.make_tuple(builder, kind, vectors)


def _lower_read_again(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    nothing = ir.InlineAsm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", side_effect=True)
    builder.call(nothing, [])
    return context.get_dummy_value()


def _of_numbers(lower: Callable[..., Any]) -> Callable[..., Any]:
    """The same for numbers, as vectors of one lane."""

    def lower_numbers(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vector, kinds, vectors = VectorType(signature.return_type, 1, 1), [], []
        for kind, value in zip(signature.args, values, strict=True):
            is_number = isinstance(kind, types.Float)
            kinds.append(vector if is_number else kind)
            parts = in_every_lane(context, builder, value, kind, vector) if is_number else ()
            vectors.append(from_registers(builder, parts) if is_number else value)
        (part,) = registers_of(builder, lower(context, builder, vector(*kinds), vectors))
        return builder.extract_element(part, ir.IntType(32)(0))

    return lower_numbers


def _lower_vectors(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    kind, memory = signature.return_type, signature.args[0]
    _align_stack(builder.function)
    first, inner = (
        context.cast(builder, value, number, types.intp)
        for value, number in zip(values[3:], signature.args[3:], strict=True)
    )
    array = context.make_array(memory)(context, builder, values[0])
    vectors = cgutils.create_struct_proxy(kind)(context, builder)
    vectors.first = builder.gep(array.data, [builder.mul(first, first.type(kind.vector.size))])
    vectors.inner = inner
    return vectors._getvalue()


def _align_stack(function: Any) -> None:
    """Have vectors that do not stay in registers kept where they do not lie across two lines of the cache.

    Without it 2-2-1 took 1.2 to 2.2 times as long with 16 registers, as chance laid the stack.
    """
    function.attributes.add("nounwind")  # llvmlite writes none of them where the stack's is the only one
    function.attributes.alignstack = ALIGNMENT


def _addresses(context: Any, builder: Any, signature: Any, values: Any) -> list[Any]:
    """Where what is in each register of the vector at an index of `Vectors` lies."""
    kind, index_kind = signature.args[:2]
    vectors = cgutils.create_struct_proxy(kind)(context, builder, value=values[0])
    parts, index = [(values[1], index_kind)], ir.Constant(context.get_value_type(types.intp), 0)
    if isinstance(index_kind, types.BaseTuple):
        parts = list(zip(cgutils.unpack_tuple(builder, values[1]), index_kind, strict=True))
    for value, part in parts:
        index = builder.add(builder.mul(index, vectors.inner), context.cast(builder, value, part, types.intp))
    first = builder.gep(vectors.first, [builder.mul(index, index.type(kind.vector.size))])
    first = builder.bitcast(first, kind.vector.part.as_pointer())
    return [builder.gep(first, [index.type(register)]) for register in range(kind.vector.registers)]


def _lower_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    alignment = signature.args[0].vector.alignment
    addresses = _addresses(context, builder, signature, values)
    return from_registers(builder, (builder.load(address, align=alignment) for address in addresses))


def _lower_store(context: Any, builder: Any, signature: Any, values: Any) -> None:
    vector, addresses = signature.args[0].vector, _addresses(context, builder, signature, values)
    parts = in_every_lane(context, builder, values[2], signature.args[2], vector)
    for part, address in zip(parts, addresses, strict=True):
        builder.store(part, address, align=vector.alignment)


def _register() -> None:
    pairs = ((VectorType, VectorType), (VectorType, types.Number), (types.Number, VectorType))
    for name, instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
        for function in (getattr(operator, name), getattr(operator, f"i{name}")):
            _type(function, lambda left, right: vector_among((left, right)))
            for pair in pairs:
                lower_builtin(function, *pair)(_arithmetic(instruction))
    for function, sign in ((operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.ge, ">=")):
        _type(function, _type_of_comparison)
        for pair in pairs:
            lower_builtin(function, *pair)(_comparison(sign))
    _type(choose, _type_of_choice)
    for mask in (MaskType, types.Boolean):
        lower_builtin(choose, mask, types.Any, types.Any)(_lower_choose)
    lower_builtin(choose, types.Boolean, types.Float, types.Float)(_of_numbers(_lower_choose))
    functions = (
        (power_of_two, _lower_power_of_two),
        (exponent_of, _lower_exponent_of),
        (sqrt, _lower_sqrt),
    )
    for function, lower in functions:
        _type(function, _type_of_same)
        lower_builtin(function, VectorType)(lower)
        lower_builtin(function, types.Float)(_of_numbers(lower))
    _type(filled, lambda like, number: like if isinstance(like, VectorType) else None)
    lower_builtin(filled, VectorType, types.Number)(_lower_filled)
    _type(side_by_side, _type_of_longer)
    lower_builtin(side_by_side, types.UniTuple)(_lower_side_by_side)
    _type(apart, _type_of_parts)
    lower_builtin(apart, VectorType, types.IntegerLiteral)(_lower_apart)
    _type(read_again, lambda: types.none)
    lower_builtin(read_again)(_lower_read_again)
    _type(Vectors, _type_of_vectors)
    lower_builtin(Vectors, types.Array, *[types.Any] * 4)(_lower_vectors)
    _type(operator.getitem, lambda a, index: a.vector if isinstance(a, VectorsType) else None)
    lower_builtin(operator.getitem, VectorsType, types.Any)(_lower_load)
    _type(operator.setitem, lambda a, index, value: types.none if isinstance(a, VectorsType) else None)
    lower_builtin(operator.setitem, VectorsType, types.Any, types.Any)(_lower_store)


_register()

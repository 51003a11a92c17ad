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
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable
from numpy.typing import NDArray

from fastnn.core.precisions import PRECISIONS
from fastnn.printing.vectors import ALIGNMENT

__all__ = ["Vectors", "choose", "exponent_of", "filled", "power_of_two", "read_again", "sqrt"]

types: Any = numba.types


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


def read_again() -> None:
    """What was read from memory before need not stay in registers: from here on it is read again."""


# -- their types, as Numba infers them -----------------------------------------------------------------


class _Vector(types.Type):  # type: ignore[misc]  # Numba is not typed
    """A vector of numbers."""

    def __init__(self, number: Any, registers: int, lanes: int) -> None:
        self.number, self.registers, self.lanes = number, registers, lanes
        super().__init__(f"{registers} x {lanes} x {number}")

    @property
    def part(self) -> ir.VectorType:
        """What is in one register."""
        return ir.VectorType(ir.DoubleType() if self.number == types.float64 else ir.FloatType(), self.lanes)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return self.registers * self.lanes

    @property
    def llvm(self) -> ir.ArrayType:
        return ir.ArrayType(self.part, self.registers)

    @property
    def alignment(self) -> int:
        """Of each register's part in memory, in bytes."""
        size: int = self.lanes * self.number.bitwidth // 8
        return min(ALIGNMENT, size)


class _Mask(types.Type):  # type: ignore[misc]
    """What a comparison of vectors gives."""

    def __init__(self, vector: _Vector) -> None:
        self.vector = vector
        self.llvm = ir.ArrayType(ir.VectorType(ir.IntType(1), vector.lanes), vector.registers)
        super().__init__(f"comparison of {vector}")


class _Vectors(types.Type):  # type: ignore[misc]
    """Vectors in memory."""

    def __init__(self, vector: _Vector) -> None:
        self.vector = vector
        super().__init__(f"Vectors({vector})")


def _vector_among(kinds: Sequence[Any]) -> _Vector | None:
    """The type of an operation's result: the type of its vectors. Numbers may be among the operands."""
    found = {kind for kind in kinds if isinstance(kind, _Vector)}
    fits = all(isinstance(kind, _Vector | types.Number) for kind in kinds)
    return found.pop() if len(found) == 1 and fits else None


def _type(function: Any, result_of: Callable[..., Any]) -> None:
    """Tell Numba the type that `function` gives for the types of its arguments; None: none of ours."""
    type_callable(function)(lambda context: result_of)


def _type_of_vectors(memory: Any, registers: Any, lanes: Any, first: Any, inner: Any) -> _Vectors | None:
    literal = isinstance(registers, types.IntegerLiteral) and isinstance(lanes, types.IntegerLiteral)
    if literal and isinstance(memory, types.Array):
        return _Vectors(_Vector(memory.dtype, registers.literal_value, lanes.literal_value))
    return None


def _type_of_comparison(left: Any, right: Any) -> _Mask | None:
    vector = _vector_among((left, right))
    return _Mask(vector) if vector else None


# -- what they are in LLVM -----------------------------------------------------------------------------


def _primitive(llvm_type: Callable[[Any], ir.Type]) -> type:
    class Model(models.PrimitiveModel):  # type: ignore[misc]
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, llvm_type(kind))

    return Model


class _VectorsModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: _Vectors) -> None:
        members = [("first", types.CPointer(kind.vector.number)), ("inner", types.intp)]
        super().__init__(manager, kind, members)


def _in_every_lane(context: Any, builder: Any, value: Any, kind: Any, vector: _Vector) -> list[Any]:
    """What is in each register of `value`; a number is put in every lane."""
    if isinstance(kind, _Vector):
        return _parts(builder, value)
    empty = ir.Constant(vector.part, ir.Undefined)
    number = context.cast(builder, value, kind, vector.number)
    one = builder.insert_element(empty, number, ir.IntType(32)(0))
    lane_0 = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
    return [builder.shuffle_vector(one, empty, lane_0)] * vector.registers


def _parts(builder: Any, value: Any) -> list[Any]:
    """What is in each register of a vector or a mask."""
    return [builder.extract_value(value, register) for register in range(value.type.count)]


def _together(builder: Any, parts: Iterable[Any]) -> Any:
    """One vector or mask from what is in its registers."""
    first, *others = parts
    whole = ir.Constant(ir.ArrayType(first.type, 1 + len(others)), ir.Undefined)
    for register, part in enumerate((first, *others)):
        whole = builder.insert_value(whole, part, register)
    return whole


def _type_of_choice(mask: Any, yes: Any, no: Any) -> _Vector | None:
    """The type of a choice: that of its values or, for two numbers, that of the vectors compared."""
    if isinstance(mask, types.Boolean):
        return _vector_among((yes, no))
    if not isinstance(mask, _Mask):
        return None
    numbers = isinstance(yes, types.Number) and isinstance(no, types.Number)
    return mask.vector if numbers else _vector_among((yes, no))


def _vector_operands(
    context: Any, builder: Any, kinds: Any, values: Any, vector: _Vector | None = None
) -> Iterable[tuple[Any, ...]]:
    """The operands of an operation in each register."""
    vector = vector or _vector_among(kinds)
    assert vector is not None  # noqa: S101 - or Numba had not come here
    operands = zip(values, kinds, strict=True)
    return zip(
        *(_in_every_lane(context, builder, value, kind, vector) for value, kind in operands), strict=True
    )


def _arithmetic(instruction: str) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        operands = _vector_operands(context, builder, signature.args, values)
        return _together(builder, (getattr(builder, instruction)(*some) for some in operands))

    return lower


def _comparison(sign: str) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        operands = _vector_operands(context, builder, signature.args, values)
        # "Ordered": does not hold with NaN.
        return _together(builder, (builder.fcmp_ordered(sign, *some) for some in operands))

    return lower


def _lower_choose(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    operands = _vector_operands(context, builder, signature.args[1:], values[1:], signature.return_type)
    of_lanes = isinstance(signature.args[0], _Mask)
    masks = _parts(builder, values[0]) if of_lanes else [values[0]] * signature.return_type.registers
    return _together(
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

    return _together(builder, map(power, _parts(builder, values[0])))


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

    return _together(builder, map(exponent, _parts(builder, values[0])))


def _lower_sqrt(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vector = signature.return_type
    name = f"llvm.sqrt.v{vector.lanes}f{vector.number.bitwidth}"
    kind = ir.FunctionType(vector.part, [vector.part])
    root = cgutils.get_or_insert_function(builder.module, kind, name)
    return _together(builder, (builder.call(root, [part]) for part in _parts(builder, values[0])))


def _lower_filled(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    like, number = signature.args
    return _together(builder, _in_every_lane(context, builder, values[1], number, like))


def _lower_read_again(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    nothing = ir.InlineAsm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", side_effect=True)
    builder.call(nothing, [])
    return context.get_dummy_value()


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
    return _together(builder, (builder.load(address, align=alignment) for address in addresses))


def _lower_store(context: Any, builder: Any, signature: Any, values: Any) -> None:
    vector, addresses = signature.args[0].vector, _addresses(context, builder, signature, values)
    parts = _in_every_lane(context, builder, values[2], signature.args[2], vector)
    for part, address in zip(parts, addresses, strict=True):
        builder.store(part, address, align=vector.alignment)


def _register() -> None:
    register_model(_Vector)(_primitive(lambda kind: kind.llvm))
    register_model(_Mask)(_primitive(lambda kind: kind.llvm))
    register_model(_Vectors)(_VectorsModel)
    pairs = ((_Vector, _Vector), (_Vector, types.Number), (types.Number, _Vector))
    for name, instruction in (("add", "fadd"), ("sub", "fsub"), ("mul", "fmul"), ("truediv", "fdiv")):
        for function in (getattr(operator, name), getattr(operator, f"i{name}")):
            _type(function, lambda left, right: _vector_among((left, right)))
            for pair in pairs:
                lower_builtin(function, *pair)(_arithmetic(instruction))
    for function, sign in ((operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.ge, ">=")):
        _type(function, _type_of_comparison)
        for pair in pairs:
            lower_builtin(function, *pair)(_comparison(sign))
    _type(choose, _type_of_choice)
    for mask in (_Mask, types.Boolean):
        lower_builtin(choose, mask, types.Any, types.Any)(_lower_choose)
    _type(power_of_two, lambda exponent: exponent if isinstance(exponent, _Vector) else None)
    lower_builtin(power_of_two, _Vector)(_lower_power_of_two)
    _type(exponent_of, lambda number: number if isinstance(number, _Vector) else None)
    lower_builtin(exponent_of, _Vector)(_lower_exponent_of)
    _type(sqrt, lambda square: square if isinstance(square, _Vector) else None)
    lower_builtin(sqrt, _Vector)(_lower_sqrt)
    _type(filled, lambda like, number: like if isinstance(like, _Vector) else None)
    lower_builtin(filled, _Vector, types.Number)(_lower_filled)
    _type(read_again, lambda: types.none)
    lower_builtin(read_again)(_lower_read_again)
    _type(Vectors, _type_of_vectors)
    lower_builtin(Vectors, types.Array, *[types.Any] * 4)(_lower_vectors)
    _type(operator.getitem, lambda a, index: a.vector if isinstance(a, _Vectors) else None)
    lower_builtin(operator.getitem, _Vectors, types.Any)(_lower_load)
    _type(operator.setitem, lambda a, index, value: types.none if isinstance(a, _Vectors) else None)
    lower_builtin(operator.setitem, _Vectors, types.Any, types.Any)(_lower_store)


_register()

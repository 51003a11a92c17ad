"""Vectors: one number in each lane, and every operation on all lanes at once.

Printed code calculates with vectors as it does with numbers: ``+ - * /``, comparisons, `choose` and
`power_of_two`; a number beside a vector stands in every lane. `Vectors` reads and writes them in memory.

As plain Python, which is how NUMBA_DISABLE_JIT=1 runs a kernel, a vector is a NumPy array. Numba compiles
it to a vector of LLVM, each operation to one of LLVM's, rounded once, with nothing left to a vectoriser.
Imports Numba: to be imported by what is compiled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable
from numpy.typing import NDArray

from fastnn.elementary import PRECISIONS
from fastnn.engines.vector_printing import ALIGNMENT

__all__ = ["Vectors", "choose", "power_of_two", "read_again"]

types: Any = numba.types


class Vectors:
    """Vectors in memory, one behind the other, or in rows of `inner`.

    Parameters
    ----------
    memory : ndarray, shape (n, lanes)
        C-ordered, beginning at a multiple of `ALIGNMENT` bytes.
    lanes : int
        Written as a literal, for the compiler.
    first : int
        The row of `memory` with the first of these vectors.
    inner : int
        ``[j, i]`` is vector ``j*inner + i``; ``[j]`` is vector j.
    """

    def __init__(self, memory: NDArray[Any], lanes: int, first: int, inner: int) -> None:
        self._rows, self._inner = memory.reshape(-1, lanes)[first:], inner

    def __getitem__(self, index: int | tuple[int, int]) -> NDArray[Any]:
        vector: NDArray[Any] = self._rows[self._place(index)].copy()
        return vector

    def __setitem__(self, index: int | tuple[int, int], vector: NDArray[Any]) -> None:
        self._rows[self._place(index)] = vector

    def _place(self, index: int | tuple[int, int]) -> int:
        return index[0] * self._inner + index[1] if isinstance(index, tuple) else index


def choose(mask: Any, yes: Any, no: Any) -> Any:
    """Each lane of `yes` where that of `mask` holds, else of `no`."""
    return np.where(mask, yes, no)


def power_of_two(exponent: NDArray[Any]) -> NDArray[Any]:
    """Exactly 2**exponent, for whole exponents within the range of normal numbers."""
    precision = PRECISIONS[exponent.dtype.name]
    integer = exponent.dtype.name.replace("float", "int")
    rounder = exponent.dtype.type(precision.rounder + precision.bias)
    bits = (exponent + rounder).view(integer) << (precision.digits - 1)
    power: NDArray[Any] = bits.view(exponent.dtype)
    return power


def read_again() -> None:
    """What was read from memory before need not stay in registers: from here on it is read again."""


# -- their types, as Numba infers them -----------------------------------------------------------------


class _Vector(types.Type):  # type: ignore[misc]  # Numba is not typed
    """A vector of numbers."""

    def __init__(self, number: Any, lanes: int) -> None:
        self.number, self.lanes = number, lanes
        super().__init__(f"{lanes} x {number}")

    @property
    def llvm(self) -> ir.VectorType:
        return ir.VectorType(ir.DoubleType() if self.number == types.float64 else ir.FloatType(), self.lanes)

    @property
    def bytes(self) -> int:
        size: int = self.lanes * self.number.bitwidth // 8
        return size


class _Mask(types.Type):  # type: ignore[misc]
    """What a comparison of vectors gives."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(f"{lanes} x bool")


class _Vectors(types.Type):  # type: ignore[misc]
    """Vectors in memory."""

    def __init__(self, vector: _Vector) -> None:
        self.vector = vector
        super().__init__(f"Vectors({vector})")


def _vector_among(kinds: Sequence[Any]) -> _Vector | None:
    """The type of an operation's result: that of its vectors, beside which numbers may stand."""
    found = {kind for kind in kinds if isinstance(kind, _Vector)}
    fits = all(isinstance(kind, _Vector | types.Number) for kind in kinds)
    return found.pop() if len(found) == 1 and fits else None


def _type(function: Any, result_of: Callable[..., Any]) -> None:
    """Tell Numba the type that `function` gives for the types of its arguments; None: none of ours."""
    type_callable(function)(lambda context: result_of)


def _type_of_vectors(memory: Any, lanes: Any, first: Any, inner: Any) -> _Vectors | None:
    if isinstance(lanes, types.IntegerLiteral) and isinstance(memory, types.Array):
        return _Vectors(_Vector(memory.dtype, lanes.literal_value))
    return None


def _type_of_comparison(left: Any, right: Any) -> _Mask | None:
    vector = _vector_among((left, right))
    return _Mask(vector.lanes) if vector else None


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


def _in_every_lane(context: Any, builder: Any, value: Any, kind: Any, vector: _Vector) -> Any:
    """`value` as a vector: a number is put in every lane."""
    if isinstance(kind, _Vector):
        return value
    empty = ir.Constant(vector.llvm, ir.Undefined)
    number = context.cast(builder, value, kind, vector.number)
    one = builder.insert_element(empty, number, ir.IntType(32)(0))
    lane_0 = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
    return builder.shuffle_vector(one, empty, lane_0)


def _vector_operands(context: Any, builder: Any, kinds: Any, values: Any) -> list[Any]:
    vector = _vector_among(kinds)
    assert vector is not None  # noqa: S101 - or Numba had not come here
    return [
        _in_every_lane(context, builder, value, kind, vector)
        for value, kind in zip(values, kinds, strict=True)
    ]


def _arithmetic(instruction: str) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return getattr(builder, instruction)(*_vector_operands(context, builder, signature.args, values))

    return lower


def _comparison(sign: str) -> Callable[..., Any]:
    def lower(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        operands = _vector_operands(context, builder, signature.args, values)
        return builder.fcmp_ordered(sign, *operands)  # does not hold with NaN

    return lower


def _lower_choose(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    operands = _vector_operands(context, builder, signature.args[1:], values[1:])
    return builder.select(values[0], *operands)


def _lower_power_of_two(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    vector = signature.return_type
    precision = PRECISIONS[str(vector.number)]
    integers = ir.VectorType(ir.IntType(vector.number.bitwidth), vector.lanes)
    rounder = ir.Constant(vector.llvm, [precision.rounder + precision.bias] * vector.lanes)
    digits = ir.Constant(integers, [precision.digits - 1] * vector.lanes)
    bits = builder.shl(builder.bitcast(builder.fadd(values[0], rounder), integers), digits)
    return builder.bitcast(bits, vector.llvm)


def _lower_read_again(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    nothing = ir.InlineAsm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", side_effect=True)
    builder.call(nothing, [])
    return context.get_dummy_value()


def _lower_vectors(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    kind, memory = signature.return_type, signature.args[0]
    _align_stack(builder.function)
    first, inner = (
        context.cast(builder, value, number, types.intp)
        for value, number in zip(values[2:], signature.args[2:], strict=True)
    )
    array = context.make_array(memory)(context, builder, values[0])
    vectors = cgutils.create_struct_proxy(kind)(context, builder)
    vectors.first = builder.gep(array.data, [builder.mul(first, first.type(kind.vector.lanes))])
    vectors.inner = inner
    return vectors._getvalue()


def _align_stack(function: Any) -> None:
    """Have vectors that do not stay in registers kept where they do not lie across two lines of the cache.

    Without it 2-2-1 took 1.2 to 2.2 times as long with 16 registers, as chance laid the stack.
    """
    function.attributes.add("nounwind")  # llvmlite writes none of them where the stack's is the only one
    function.attributes.alignstack = ALIGNMENT


def _address(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Where the vector at an index of `Vectors` lies."""
    kind, index_kind = signature.args[:2]
    vectors = cgutils.create_struct_proxy(kind)(context, builder, value=values[0])
    parts, index = [(values[1], index_kind)], ir.Constant(context.get_value_type(types.intp), 0)
    if isinstance(index_kind, types.BaseTuple):
        parts = list(zip(cgutils.unpack_tuple(builder, values[1]), index_kind, strict=True))
    for value, part in parts:
        index = builder.add(builder.mul(index, vectors.inner), context.cast(builder, value, part, types.intp))
    number = builder.gep(vectors.first, [builder.mul(index, index.type(kind.vector.lanes))])
    return builder.bitcast(number, kind.vector.llvm.as_pointer())


def _lower_load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    address = _address(context, builder, signature, values)
    return builder.load(address, align=min(ALIGNMENT, signature.args[0].vector.bytes))


def _lower_store(context: Any, builder: Any, signature: Any, values: Any) -> None:
    vector, address = signature.args[0].vector, _address(context, builder, signature, values)
    whole = _in_every_lane(context, builder, values[2], signature.args[2], vector)
    builder.store(whole, address, align=min(ALIGNMENT, vector.bytes))


def _register() -> None:
    register_model(_Vector)(_primitive(lambda kind: kind.llvm))
    register_model(_Mask)(_primitive(lambda kind: ir.VectorType(ir.IntType(1), kind.lanes)))
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
    _type(choose, lambda mask, yes, no: _vector_among((yes, no)) if isinstance(mask, _Mask) else None)
    lower_builtin(choose, _Mask, types.Any, types.Any)(_lower_choose)
    _type(power_of_two, lambda exponent: exponent if isinstance(exponent, _Vector) else None)
    lower_builtin(power_of_two, _Vector)(_lower_power_of_two)
    _type(read_again, lambda: types.none)
    lower_builtin(read_again)(_lower_read_again)
    _type(Vectors, _type_of_vectors)
    lower_builtin(Vectors, types.Array, *[types.Any] * 3)(_lower_vectors)
    _type(operator.getitem, lambda a, index: a.vector if isinstance(a, _Vectors) else None)
    lower_builtin(operator.getitem, _Vectors, types.Any)(_lower_load)
    _type(operator.setitem, lambda a, index, value: types.none if isinstance(a, _Vectors) else None)
    lower_builtin(operator.setitem, _Vectors, types.Any, types.Any)(_lower_store)


_register()

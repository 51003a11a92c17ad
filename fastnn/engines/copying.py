"""Copies of a few neighbouring numbers of a row at once, in compiled code.

Imports Numba: to be imported by what is compiled.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["copying"]


def copying(width: int) -> Any:
    """What copies so many numbers from a row of one table to a row of another, read before any is written.

    It is called with the table and the row to write to, those to read from, and the first column. Written as
    a loop over columns, LLVM copies number by number, as the tables might overlap.
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        (kind, _, source_kind, _, _), (to, n, source, row, first) = signature.args, values

        def vector(kind: Any, table: Any, row: Any) -> Any:
            array = context.make_array(kind)(context, builder, table)
            place = cgutils.get_item_pointer(context, builder, kind, array, [row, first], wraparound=False)
            return builder.bitcast(place, ir.VectorType(place.type.pointee, width).as_pointer())

        size = kind.dtype.bitwidth // 8
        numbers = builder.load(vector(source_kind, source, row), align=size)
        builder.store(numbers, vector(kind, to, n), align=size)
        return context.get_dummy_value()

    @intrinsic  # type: ignore[untyped-decorator]  # Numba is not typed
    def copy(typing_context: Any, to: Any, n: Any, source: Any, row: Any, first: Any) -> Any:
        return types.none(to, types.intp, source, types.intp, types.intp), codegen

    return copy

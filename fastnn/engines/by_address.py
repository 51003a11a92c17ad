"""Calls of compiled functions of which only the address is known.

Imports Numba: to be imported by what is compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["calling"]


def calling(kinds: Sequence[Any]) -> Any:
    """What calls, in compiled code, the function at an address with arguments of some types.

    The function returns nothing; an error in it is passed on.
    """

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address, arguments = values
        given = zip(cgutils.unpack_tuple(builder, arguments), signature.args[1], kinds, strict=True)
        cast = [context.cast(builder, value, kind, wanted) for value, kind, wanted in given]
        convention = context.call_conv
        function = convention.get_function_type(types.none, kinds).as_pointer()
        pointer = builder.inttoptr(address, function)
        status, _ = convention.call_function(builder, pointer, types.none, kinds, cast)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return context.get_dummy_value()

    @intrinsic  # type: ignore[untyped-decorator]  # Numba is not typed
    def call(typing_context: Any, address: Any, *arguments: Any) -> Any:
        return types.none(address, types.StarArgTuple(arguments)), codegen

    return call

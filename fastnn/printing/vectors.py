"""Vectors of networks in printed code: how values are spelled, and the module around a kernel.

See `fastnn.engines.simd`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastnn.core.elementary import functions_of
from fastnn.core.equations import GRADIENTS, UPDATES, Derivation, Equation
from fastnn.core.expressions import Symbol, nodes, substitute
from fastnn.core.values import TOTAL, activation_of
from fastnn.printing.infix import Python, import_line, larger_helper, python_function
from fastnn.printing.scalars import NUMPY_NAMES

__all__ = [
    "ALIGNMENT",
    "CALLS",
    "PythonOfVectors",
    "from_values",
    "vector_module",
    "way_back",
]

CALLS = "# Functions are called, not inlined.\n"  # how a kernel's source tells that to its compiler

ALIGNMENT = 64  # bytes: a vector that lies across two lines of the cache takes twice as long

VECTOR_NAMES = (
    "Vectors",
    "apart",
    "choose",
    "exponent_of",
    "filled",
    "power_of_two",
    "read_again",
    "side_by_side",
    "sqrt",
)
BLOCK_NAMES = ("Blocks", "Rows", "every_row", "first_row", "plus_products", "plus_rows")
CROSSING_NAMES = ("in_lanes", "plus_lanes", "transposed")
MEMORY_NAMES = ("aligned_zeros",)


class PythonOfVectors(Python):
    """Python in which every value is a vector, one number in each lane."""

    def choice(self, condition: str, yes: str, no: str) -> str:
        """The choice in every lane.

        ReLU's is a maximum, and with `<` for `<=` it is compiled to one operation instead of two (measured:
        2-2-1 x0.95). They differ for -0.0, which no weighted sum is, as no bias is: see the contract.
        """
        if condition == f"{no} <= {yes}":
            condition = f"{no} < {yes}"
        return f"choose({condition}, {yes}, {no})"

    def zero(self) -> str:
        """Zero in every lane."""
        return f"filled({TOTAL.family}, {self.number(0.0)})"


def vector_module(derivation: Derivation, dtype: str, body: str, *, called: bool = False) -> str:
    """The function `body` behind the imports and the functions it needs, so that it runs as it stands.

    Where functions are to be `called`, not inlined, and always with blocks, it begins with `CALLS`.
    """
    functions = [
        python_function(function, dtype, PythonOfVectors)
        for function in functions_of(derivation.functions, dtype)
    ]
    if "larger(" in body:
        functions.append(larger_helper(dtype, PythonOfVectors))
    text = "\n\n".join([*functions, body])
    sources = {"numpy": {*NUMPY_NAMES} - {*VECTOR_NAMES}, "fastnn.engines.simd": VECTOR_NAMES}
    sources |= {"fastnn.engines.blocks": BLOCK_NAMES, "fastnn.engines.crossing": CROSSING_NAMES}
    sources |= {"fastnn.engines.memory": MEMORY_NAMES}
    imported = (import_line(module, names, text) for module, names in sources.items())
    imports = "\n".join(line for line in imported if line)
    called = bool(functions) and (called or "fastnn.engines.blocks" in imports)
    return f"{CALLS * called}{imports}\n\n\n{text}"


def way_back(derivation: Derivation) -> Iterator[Equation]:
    """The written-out deltas and what a row makes of them, in an order in which few values wait.

    Where rows have weights, the row's share comes first.

    Each delta is followed by the updates that need no later delta and whose parameter no later delta reads;
    in batches, by the gradients. A delta is computed from h where z need not be kept, as in `LayerByLayer`.
    """
    yield from (e for e in derivation.scalar if e.kind == "share")
    deltas = [e for e in derivation.scalar if e.kind == "delta"]
    waiting = [e for e in derivation.scalar if e.stage == (GRADIENTS if derivation.rule.batched else UPDATES)]
    for position, delta in enumerate(deltas, start=1):
        yield from_values(derivation, delta)
        missing = {later.target for later in deltas[position:]}
        needed = {node for later in deltas[position:] for node in nodes(later.expression)}
        left = []
        for update in waiting:
            if update.target in needed or not missing.isdisjoint(nodes(update.expression)):
                left.append(update)
                missing.add(update.target)  # what reads it has to wait, too
            else:
                yield update
        waiting = left


def from_values(derivation: Derivation, delta: Equation) -> Equation:
    """A delta computed from its unit's value h instead of the sum z, where z need not be kept."""
    layer, (unit,) = delta.layer, delta.target.indices
    if derivation.keeps_sums(layer):
        return delta
    value = activation_of(derivation.network, layer, unit)
    return replace(delta, expression=substitute(delta.expression, Symbol("z", layer, (unit,)), value))

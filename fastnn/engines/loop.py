"""The engine `loop`: one network after the other, one row at a time, compiled by Numba.

For a small network the source has one scalar for each parameter and reads like the classroom notebook;
for a larger one the same equations run in loops over units and inputs, so that compiling stays quick.
"""

from __future__ import annotations

from functools import cache

from fastnn.derivation import STAGES, Derivation, Equation, derive
from fastnn.elementary import functions_of
from fastnn.engines import Kernel
from fastnn.engines.compiling import compile_kernel
from fastnn.engines.printing import (
    Lines,
    Spelling,
    assignment,
    import_line,
    layer_array,
    number_speller,
    scalar_function,
    scalar_power_of_two,
)
from fastnn.expressions import Index, Sum, Symbol, bind, nodes, substitute
from fastnn.network import Network

__all__ = ["blocks", "kernel", "source"]

# Straight-line code runs in 0.6 to 0.7 of the time of loops (bench_engines), but its compile time grows:
# 0.5 s for 17 parameters, 1.4 s for 49, 3.3 s for 97, where loops take 0.9 s whatever the size.
STRAIGHT_LINE_PARAMETERS = 64

NUMPY_NAMES = ("empty", "float32", "float64", "int32", "int64", "isfinite", "nan")
ACCUMULATOR = Symbol("accumulated")


def blocks(network: Network, dtype: str) -> tuple[int, int]:
    """Between how many networks a call is efficient: any number; 1024 hide the cost of a call for certain."""
    return 1, 1024


@cache
def kernel(network: Network, dtype: str) -> Kernel:
    """The compiled kernel; compiled once for each network and dtype in a process."""
    return compile_kernel(source(network, dtype), dtype)


def source(network: Network, dtype: str) -> str:
    """The source of the kernel: straight-line for a small network, loops for a larger one."""
    printer = _StraightLine if network.n_parameters <= STRAIGHT_LINE_PARAMETERS else _Loops
    functions = functions_of(network.activations, dtype)
    parts = [scalar_power_of_two(dtype)] if functions else []
    parts += [scalar_function(function, dtype) for function in functions]
    body = "\n\n".join([*parts, printer(derive(network), dtype).write()])
    return f"{import_line('numpy', NUMPY_NAMES, body)}\n\n\n{body}"


class _Scalar:
    """The frame around the equations of one row: networks, epochs, rows, the loss."""

    row: str

    def __init__(self, derivation: Derivation, dtype: str) -> None:
        self.derivation = derivation
        self.network = derivation.network
        self.dtype = dtype
        self.spelling = Spelling(self.spell, number_speller(dtype))

    def write(self) -> str:
        """The whole function."""
        lines = Lines()
        with lines.block("def advance(parameters, X, Y, steps, totals):"):
            lines("rows = X.shape[0]", *self.scratch())
            with lines.block("for m in range(parameters.shape[0]):"):
                lines("step = steps[m]")
                self.load(lines)
                with lines.block("for e in range(totals.shape[1]):"):
                    lines("total = totals[m, e]")
                    with lines.block(f"for {self.row} in range(rows):"):
                        self.write_row(lines)
                    lines("totals[m, e] = total")
                    with lines.block("if not isfinite(total):"):
                        lines("totals[m, e:] = nan", "break")
                self.store(lines)
        return str(lines)

    def write_row(self, lines: Lines) -> None:
        self.load_row(lines)
        for stage in STAGES:
            lines(f"# {stage}")
            self.write_stage(stage, lines)

    def spell(self, symbol: Symbol) -> str:
        raise NotImplementedError

    def scratch(self) -> list[str]:
        return []

    def load(self, lines: Lines) -> None:
        raise NotImplementedError

    def load_row(self, lines: Lines) -> None:
        """Give names to the row's values, where the equations use names."""

    def write_stage(self, stage: str, lines: Lines) -> None:
        raise NotImplementedError

    def store(self, lines: Lines) -> None:
        """Write the parameters back, where they were copied out."""


class _StraightLine(_Scalar):
    """One scalar for every value: w1, z2, yhat, s1, ..."""

    row = "i"

    def spell(self, symbol: Symbol) -> str:
        return self.derivation.name(symbol)

    def load(self, lines: Lines) -> None:
        for position, name in enumerate(self.network.parameter_names):
            lines(f"{name} = parameters[m, {position}]")

    def load_row(self, lines: Lines) -> None:
        for family, array, size in (("x", "X", self.network.n_inputs), ("y", "Y", self.network.n_outputs)):
            for position in range(size):
                lines(f"{self.spell(Symbol(family, 0, (position,)))} = {array}[i, {position}]")

    def write_stage(self, stage: str, lines: Lines) -> None:
        for equation in self.derivation.scalar:
            if equation.stage == stage:
                lines(assignment(equation.target, equation.expression, self.spelling))

    def store(self, lines: Lines) -> None:
        for position, name in enumerate(self.network.parameter_names):
            lines(f"parameters[m, {position}] = {name}")


class _Loops(_Scalar):
    """An array for every layer's values: W1[j, i], Z1[j], S1[j], ..."""

    row = "row"

    def spell(self, symbol: Symbol) -> str:
        indices = ", ".join(i.name if isinstance(i, Index) else str(i) for i in symbol.indices)
        if symbol.family in ("x", "y"):
            return f"{symbol.family.upper()}[row, {indices}]"
        return f"{layer_array(symbol)}[{indices}]" if indices else symbol.family

    def scratch(self) -> list[str]:
        arrays = {
            layer_array(e.target): e.over[0].size for e in self.derivation if e.stage != "updates" and e.over
        }
        return [f"{name} = empty({size}, {self.dtype})" for name, size in arrays.items()]

    def load(self, lines: Lines) -> None:
        lines("flat = parameters[m]")
        for layer, (weights, biases) in enumerate(self.network.slices, start=1):
            units, inputs = self.network.layers[layer], self.network.layers[layer - 1]
            lines(f"W{layer} = flat[{weights.start}:{weights.stop}].reshape({units}, {inputs})")
            lines(f"B{layer} = flat[{biases.start}:{biases.stop}]")

    def write_stage(self, stage: str, lines: Lines) -> None:
        for group in self.derivation.groups:
            if group[0].stage == stage:
                self.write_group(group, lines)

    def write_group(self, group: tuple[Equation, ...], lines: Lines) -> None:
        if not group[0].over:
            for equation in group:
                self.write_equation(equation, lines)
            return
        unit = group[0].over[0]
        with lines.block(f"for {unit.name} in range({unit.size}):"):
            for equation in group:
                if len(equation.over) == 1:
                    self.write_equation(equation, lines)
                    continue
                inner = equation.over[1]
                with lines.block(f"for {inner.name} in range({inner.size}):"):
                    self.write_equation(equation, lines)

    def write_equation(self, equation: Equation, lines: Lines) -> None:
        """One assignment, after the loop that adds up its sum, if it has one."""
        expression = equation.expression
        for inner in [node for node in nodes(expression) if isinstance(node, Sum)]:
            self.write_sum(inner, lines)
            expression = substitute(expression, inner, ACCUMULATOR)
        lines(assignment(equation.target, expression, self.spelling))

    def write_sum(self, inner: Sum, lines: Lines) -> None:
        lines(assignment(ACCUMULATOR, bind(inner.term, {inner.index: 0}), self.spelling))
        if inner.index.size > 1:
            with lines.block(f"for {inner.index.name} in range(1, {inner.index.size}):"):
                lines(assignment(ACCUMULATOR, ACCUMULATOR + inner.term, self.spelling))

"""Expressions as calls of NumPy ufuncs that write into buffers allocated beforehand.

One call for each operation, in the order of the expression. An intermediate result goes to the target's own
buffer, unless its old content is still needed; then it goes to a spare buffer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from fastnn.core.elementary import Function, called_by, elementary
from fastnn.core.expressions import (
    Binary,
    Call,
    Exponent,
    Expression,
    Larger,
    Number,
    PowerOfTwo,
    Select,
    SquareRoot,
    Symbol,
    Visitor,
    nodes,
)
from fastnn.printing.infix import Lines

__all__ = ["COMPARISONS", "UFUNCS", "ArrayWriter", "array_function", "computed", "slots"]

UFUNCS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
COMPARISONS = {"<": "less", "<=": "less_equal", ">": "greater"}


class ArrayWriter(Visitor):
    """Writes the ufunc calls for expressions; subclasses say where symbols live.

    Each method gets a buffer `out`, writes the calls that compute the node (into `out`, if it needs a
    buffer), and returns where the value is.

    `spare` names the buffers that are free for intermediate results. They and the boolean buffer `condition`
    have the target's shape.
    """

    def __init__(self, lines: Lines, spare: list[str], condition: str) -> None:
        self.lines = lines
        self.spare = spare
        self.condition = condition

    def spell(self, symbol: Symbol) -> str:
        """The text of a symbol's buffer."""
        raise NotImplementedError

    def assign(self, node: Expression, out: str) -> None:
        """Write the calls that put the value of `node` into the buffer `out`."""
        value = self.visit(node, out)
        if value != out:
            self.lines(f"copyto({out}, {value})")

    def visit_symbol(self, node: Symbol, out: str) -> str:
        """A value that has a buffer."""
        return self.spell(node)

    def visit_number(self, node: Number, out: str) -> str:
        """A constant."""
        return repr(node.value)

    def visit_binary(self, node: Binary, out: str) -> str:
        """One ufunc call, after those for the operands."""
        return self._two_operands(UFUNCS[node.operator], node.left, node.right, out)

    def _two_operands(self, ufunc: str, left: Expression, right: Expression, out: str) -> str:
        with self._spare_if(computed(left) and self._reads(right, out), out) as home:
            first = self.visit(left, home)
            with self._spare_if(computed(right) and first == out, out) as other:
                self.lines(f"{ufunc}({first}, {self.visit(right, other)}, out={out})")
        return out

    def visit_larger(self, node: Larger, out: str) -> str:
        """One ufunc call, after those for the operands."""
        return self._two_operands("maximum", node.left, node.right, out)

    def visit_select(self, node: Select, out: str) -> str:
        """A choice. A floor or a ceiling is one call, which keeps NaN as the choice does."""
        if isinstance(node.yes, Number) and (node.yes, node.no) == (node.right, node.left):
            ufunc = "minimum" if node.comparison == ">" else "maximum"
            self.lines(f"{ufunc}({self.visit(node.left, out)}, {self.visit(node.right, out)}, out={out})")
            return out
        read_later = any(self._reads(part, out) for part in (node.left, node.right, node.yes))
        if read_later and (computed(node.no) or self.visit(node.no, out) != out):
            with self._spare_if(True, out) as home:
                self.lines(f"copyto({out}, {self.visit_select(node, home)})")
            return out
        self.assign(node.no, out)
        with (
            self._spare_if(computed(node.yes), out) as home,
            self._spare_if(computed(node.left), out) as first,
            self._spare_if(computed(node.right), out) as second,
        ):
            yes = self.visit(node.yes, home)
            compared = f"{self.visit(node.left, first)}, {self.visit(node.right, second)}"
            self.lines(f"{COMPARISONS[node.comparison]}({compared}, out={self.condition})")
            self.lines(f"copyto({out}, {yes}, where={self.condition})")
        return out

    def visit_power_of_two(self, node: PowerOfTwo, out: str) -> str:
        """The helper for it."""
        self.lines(f"power_of_two({self.visit(node.exponent, out)}, out={out})")
        return out

    def visit_call(self, node: Call, out: str) -> str:
        """A function; its argument is not in `out` where the function reads it until the end."""
        kept = computed(node.argument) and not works_in_place(elementary(node.function, "float64"))
        with self._spare_if(kept, out) as home:
            self.lines(f"{node.function}({self.visit(node.argument, home)}, {out}, {self.scratch()})")
        return out

    def scratch(self) -> str:
        """The last two arguments of a function: its scratch buffers, and a boolean buffer."""
        raise NotImplementedError

    def visit_exponent(self, node: Exponent, out: str) -> str:
        """The helper for it."""
        self.lines(f"exponent_of({self.visit(node.number, out)}, out={out})")
        return out

    def visit_square_root(self, node: SquareRoot, out: str) -> str:
        """One ufunc call, after those for the square."""
        self.lines(f"sqrt({self.visit(node.square, out)}, out={out})")
        return out

    def _reads(self, node: Expression, buffer: str) -> bool:
        return any(isinstance(part, Symbol) and self.spell(part) == buffer for part in nodes(node))

    @contextmanager
    def _spare_if(self, needed: bool, out: str) -> Iterator[str]:
        """A spare buffer for an intermediate result if one is needed, else `out`."""
        if not needed:
            yield out
            return
        spare = self.spare.pop(0)
        yield spare
        self.spare.insert(0, spare)


def computed(node: Expression) -> bool:
    """Whether a node takes a call, as values and constants do not."""
    return not isinstance(node, Symbol | Number)


class _FunctionWriter(ArrayWriter):
    """Writes a function of one array. Its intermediate values live in slots, freed after their last use."""

    def __init__(self, lines: Lines, function: Function) -> None:
        super().__init__(lines, [f"t{n}" for n in range(len(function.steps))], "condition")
        self.homes = {function.argument: function.argument.family}
        self.function = function

    def spell(self, symbol: Symbol) -> str:
        return self.homes[symbol]

    def scratch(self) -> str:
        """The scratch buffers that are left."""
        return "further, condition"

    def write(self) -> None:
        """Write all assignments; the last value goes to `out`."""
        last_use = {
            part: n
            for n, step in enumerate(self.function.steps)
            for part in nodes(step.expression)
            if isinstance(part, Symbol)
        }
        for n, step in enumerate(self.function.steps):
            last = step.target == self.function.result
            home = "out" if last else self.spare.pop(0)
            self.assign(step.expression, home)
            self.homes[step.target] = home
            done = [symbol for symbol, use in last_use.items() if use == n and symbol in self.homes]
            self.spare = sorted({*self.spare, *(self.homes[s] for s in done if s != self.function.argument)})


def array_function(function: Function) -> str:
    """A function of `fastnn.core.elementary` over arrays: ``f(x, out, scratch, condition)``.

    `x` and `out` have the same shape; `scratch` holds `slots` buffers of that shape, `condition` is a
    boolean buffer. Those that `works_in_place` names may have x as their `out`.
    """
    body = _function_body(function)
    lines = Lines()
    with lines.block(f"def {function.name}(x, out, scratch, condition):"):
        rest = "*further" if "further" in body else "*_"
        lines(f"{', '.join(_slot_names(body))}, {rest} = scratch", *body.splitlines())
    return str(lines)


def works_in_place(function: Function) -> bool:
    """Whether a function's `out` may be its x: its last step, which alone writes `out`, does not read x."""
    return function.argument not in nodes(function.steps[-1].expression)


def slots(function: Function, dtype: str) -> int:
    """How many scratch buffers a function takes, including the functions that it calls."""
    inner = max((slots(elementary(name, dtype), dtype) for name in called_by(function)), default=0)
    return len(_slot_names(_function_body(function))) + inner


@cache
def _function_body(function: Function) -> str:
    lines = Lines()
    _FunctionWriter(lines, function).write()
    return str(lines)


def _slot_names(body: str) -> list[str]:
    return sorted(set(re.findall(r"\bt\d+\b", body)), key=lambda name: int(name[1:]))

"""Expressions as calls of NumPy ufuncs that write into buffers allocated beforehand.

One call for each operation, in the order of the expression. Intermediate results go to the target's own
buffer where nothing still needs what it holds, else to a spare one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from fastnn.core.elementary import Function, elementary
from fastnn.core.expressions import Binary, Call, Expression, Number, PowerOfTwo, Select, Sum, Symbol, nodes
from fastnn.printing.infix import Lines

__all__ = ["ArrayWriter", "array_function", "slots"]

UFUNCS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
COMPARISONS = {"<": "less", "<=": "less_equal", ">": "greater"}


class ArrayWriter:
    """Writes the ufunc calls for expressions; subclasses say where symbols live.

    `spare` names the buffers that are free for intermediate results; they have the target's shape.
    """

    def __init__(self, lines: Lines, spare: list[str]) -> None:
        self.lines = lines
        self.spare = spare

    def spell(self, symbol: Symbol) -> str:
        """The text of a symbol's buffer."""
        raise NotImplementedError

    def assign(self, node: Expression, out: str) -> None:
        """Write the calls that put the value of `node` into the buffer `out`."""
        value = self.emit(node, out)
        if value != out:
            self.lines(f"copyto({out}, {value})")

    def emit(self, node: Expression, out: str) -> str:
        """Write the calls that compute `node`, into `out` if it needs any; return where its value is."""
        match node:
            case Symbol():
                return self.spell(node)
            case Number(value):
                return repr(value)
            case Binary(operator, left, right):
                self._binary(UFUNCS[operator], left, right, out)
            case Select():
                self.select(node, out)
            case Call(function, argument):
                self.call(function, argument, out)
            case PowerOfTwo(exponent):
                self.lines(f"power_of_two({self.emit(exponent, out)}, out={out})")
            case Sum():
                return self.sum(node, out)
        return out

    def call(self, function: str, argument: Expression, out: str) -> None:
        """Write the call of one of the functions of `fastnn.core.elementary`."""
        raise NotImplementedError

    def sum(self, node: Sum, out: str) -> str:
        """Write the calls that add up a sum."""
        raise NotImplementedError

    def select(self, node: Select, out: str) -> None:
        """Write a choice; a floor or a ceiling is one call, which keeps NaN just as the choice does."""
        if isinstance(node.yes, Number) and (node.yes, node.no) == (node.right, node.left):
            ufunc = "minimum" if node.comparison == ">" else "maximum"
            self.lines(f"{ufunc}({self.emit(node.left, out)}, {self.emit(node.right, out)}, out={out})")
            return
        self.assign(node.no, out)
        with self._spare_if(_computed(node.yes), out) as home:
            yes = self.emit(node.yes, home)
            condition = f"{self.emit(node.left, out)}, {self.emit(node.right, out)}"
            self.lines(f"{COMPARISONS[node.comparison]}({condition}, out=condition)")
            self.lines(f"copyto({out}, {yes}, where=condition)")

    def _binary(self, ufunc: str, left: Expression, right: Expression, out: str) -> None:
        with self._spare_if(_computed(left) and self._reads(right, out), out) as home:
            first = self.emit(left, home)
            with self._spare_if(_computed(right) and first == out, out) as other:
                self.lines(f"{ufunc}({first}, {self.emit(right, other)}, out={out})")

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


def _computed(node: Expression) -> bool:
    return not isinstance(node, Symbol | Number)


class _FunctionWriter(ArrayWriter):
    """Writes a function of one array; its steps live in slots, freed after their last use."""

    def __init__(self, lines: Lines, function: Function) -> None:
        super().__init__(lines, [f"t{n}" for n in range(len(function.steps))])
        self.homes = {function.argument: function.argument.family}
        self.function = function

    def spell(self, symbol: Symbol) -> str:
        return self.homes[symbol]

    def call(self, function: str, argument: Expression, out: str) -> None:
        self.lines(f"{function}({self.emit(argument, out)}, {out}, further, condition)")

    def write(self) -> None:
        """Write all steps; the last one goes to `out`."""
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
    boolean one. Only `exp`, which reads x first and never again, may have x as its out.
    """
    body = _function_body(function)
    lines = Lines()
    with lines.block(f"def {function.name}(x, out, scratch, condition):"):
        rest = "*further" if "further" in body else "*_"
        lines(f"{', '.join(_slot_names(body))}, {rest} = scratch", *body.splitlines())
    return str(lines)


def slots(function: Function, dtype: str) -> int:
    """How many scratch buffers a function takes, with those of the functions that it calls."""
    called = {
        node.function for step in function.steps for node in nodes(step.expression) if isinstance(node, Call)
    }
    inner = max((slots(elementary(name, dtype), dtype) for name in called), default=0)
    return len(_slot_names(_function_body(function))) + inner


@cache
def _function_body(function: Function) -> str:
    lines = Lines()
    _FunctionWriter(lines, function).write()
    return str(lines)


def _slot_names(body: str) -> list[str]:
    return sorted(set(re.findall(r"\bt\d+\b", body)), key=lambda name: int(name[1:]))

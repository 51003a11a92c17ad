"""What all printers share: indented lines, and expressions in infix notation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from fastnn.core.elementary import Function
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
)
from fastnn.core.precisions import PRECISIONS

__all__ = [
    "Infix",
    "Lines",
    "Python",
    "assignment",
    "import_line",
    "larger_helper",
    "layer_array",
    "python_function",
    "scalar_helpers",
]

PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}


class Lines:
    """Source text that grows line by line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def __call__(self, *lines: str) -> None:
        """Add lines at the current depth."""
        self._lines += ["    " * self._depth + line if line else "" for line in lines]

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Add a header. Lines added inside the ``with`` are indented one level deeper."""
        self(header)
        self._depth += 1
        yield
        self._depth -= 1

    def __len__(self) -> int:
        return len(self._lines)

    def since(self, start: int) -> str:
        """The lines from number `start` on."""
        return "\n".join(self._lines[start:])

    def insert(self, start: int, *lines: str) -> None:
        """Add lines before number `start`, at the current depth."""
        self._lines[start:start] = ["    " * self._depth + line for line in lines]

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"


class Infix(Visitor):
    """Expressions in infix notation, with no more parentheses than the order of operations needs.

    Sums are written as loops or written out before: no language here has a form for them. Each method gets
    the precedence of the operator outside; an operator that binds less tightly gets parentheses.
    """

    def __init__(self, symbol: Callable[[Symbol], str]) -> None:
        self.symbol = symbol

    def __call__(self, node: Expression) -> str:
        """Spell an expression that stands alone."""
        return self._spell(node, 0)

    def _spell(self, node: Expression, outer: int) -> str:
        text: str = self.visit(node, outer)
        return text

    def number(self, value: float) -> str:
        """A constant."""
        return repr(value)

    def zero(self) -> str:
        """What a sum begins with."""
        return self.number(0.0)

    def addition(self, target: Symbol, value: Expression) -> str:
        """The statement that adds to a variable."""
        return f"{self.symbol(target)} += {self(value)}"

    def choice(self, condition: str, yes: str, no: str) -> str:
        """One of two values by a condition: Python's conditional expression."""
        return f"{yes} if {condition} else {no}"

    def visit_symbol(self, node: Symbol, outer: int) -> str:
        """The name of a value."""
        return self.symbol(node)

    def visit_number(self, node: Number, outer: int) -> str:
        """A constant."""
        return self.number(node.value)

    def visit_binary(self, node: Binary, outer: int) -> str:
        """Two operands around their operator."""
        own = PRECEDENCE[node.operator]
        gap = " " if own == 1 else ""
        text = f"{self._spell(node.left, own)}{gap}{node.operator}{gap}{self._spell(node.right, own + 1)}"
        return f"({text})" if own < outer else text

    def visit_select(self, node: Select, outer: int) -> str:
        """One of two values."""
        condition = f"{self._spell(node.left, 1)} {node.comparison} {self._spell(node.right, 1)}"
        text = self.choice(condition, self._spell(node.yes, 1), self._spell(node.no, 1))
        return f"({text})" if outer else text

    def visit_call(self, node: Call, outer: int) -> str:
        """A function of its argument."""
        return f"{node.function}({self(node.argument)})"

    def visit_power_of_two(self, node: PowerOfTwo, outer: int) -> str:
        """A call of the helper that every language has."""
        return f"power_of_two({self(node.exponent)})"

    def visit_exponent(self, node: Exponent, outer: int) -> str:
        """A call of the helper that every language has."""
        return f"exponent_of({self(node.number)})"

    def visit_larger(self, node: Larger, outer: int) -> str:
        """A call of the helper that every language has: the choice would write each operand twice."""
        return f"larger({self(node.left)}, {self(node.right)})"

    def visit_square_root(self, node: SquareRoot, outer: int) -> str:
        """A call of NumPy's square root, or of the one for vectors."""
        return f"sqrt({self(node.square)})"


class Python(Infix):
    """Python as Numba compiles it in a precision."""

    def __init__(self, symbol: Callable[[Symbol], str], dtype: str) -> None:
        super().__init__(symbol)
        self.dtype = dtype

    def number(self, value: float) -> str:
        """A constant of the precision: in Numba a bare literal would widen float32 to float64."""
        return repr(value) if self.dtype == "float64" else f"float32({value!r})"


def assignment(target: Symbol, expression: Expression, language: Infix) -> str:
    """``target = expression``, or ``target += ...`` where it adds to itself."""
    match expression:
        case Binary("+", left, right) if left == target:
            return language.addition(target, right)
        case Number(0.0):
            return f"{language.symbol(target)} = {language.zero()}"
    return f"{language.symbol(target)} = {language(expression)}"


def layer_array(symbol: Symbol) -> str:
    """The name of the array that holds a layer's values: W1, B1, H1, S1, ..., D, Yhat."""
    family = symbol.family.capitalize()
    return family if symbol.family in ("d", "yhat", "e") else f"{family}{symbol.layer}"


def python_function(function: Function, dtype: str, language: type[Python] = Python) -> str:
    """A function of `fastnn.core.elementary` as a Python function of one number, or of one vector."""
    lines, spelled = Lines(), language(lambda symbol: symbol.family, dtype)
    with lines.block(f"def {function.name}({function.argument.family}):"):
        for step in function.steps[:-1]:
            lines(assignment(step.target, step.expression, spelled))
        lines(f"return {spelled(function.steps[-1].expression)}")
    return str(lines)


def import_line(module: str, names: Iterable[str], body: str) -> str:
    """The line that imports from `module` each of `names` that occurs in `body`; "" if none does."""
    used = sorted({*names} & {*re.findall(r"\w+", body)})
    return f"from {module} import {', '.join(used)}" if used else ""


def scalar_helpers(dtype: str, body: str) -> list[str]:
    """The helpers that `body` calls."""
    written = {"power_of_two": _power_of_two, "exponent_of": _exponent_of, "larger": larger_helper}
    return [write(dtype) for name, write in written.items() if re.search(rf"\b{name}\b", body)]


def larger_helper(dtype: str, language: type[Python] = Python) -> str:
    """The function that gives the larger of two numbers, or of two vectors."""
    lines, spelled = Lines(), language(lambda symbol: symbol.family, dtype)
    with lines.block("def larger(left, right):"):
        lines(f"return {spelled.choice('left < right', 'right', 'left')}")
    return str(lines)


def _exponent_of(dtype: str) -> str:
    """The function that takes the exponent bits of a number above 0."""
    precision = PRECISIONS[dtype]
    integer = dtype.replace("float", "int")
    lines = Lines()
    with lines.block("def exponent_of(number):"):
        lines(f"bits = {dtype}(number).view({integer})")
        lines(f"return {dtype}((bits >> {integer}({precision.digits - 1})) - {integer}({precision.bias}))")
    return str(lines)


def _power_of_two(dtype: str) -> str:
    """The function that puts a whole exponent into the exponent bits of a number.

    Adding `rounder` + bias leaves exponent + bias in the lowest bits of the sum. The shift moves it to its
    place and every other bit out.
    """
    precision = PRECISIONS[dtype]
    integer = dtype.replace("float", "int")
    offset = Python(lambda symbol: symbol.family, dtype).number(precision.rounder + precision.bias)
    lines = Lines()
    with lines.block("def power_of_two(exponent):"):
        lines(f"bits = {dtype}(exponent + {offset}).view({integer})")
        lines(f"return {integer}(bits << {integer}({precision.digits - 1})).view({dtype})")
    return str(lines)

"""What all printers share: lines with indentation, and expressions in infix notation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastnn.core.elementary import PRECISIONS, Function
from fastnn.core.expressions import Binary, Call, Expression, Number, PowerOfTwo, Select, Symbol

__all__ = [
    "Choice",
    "Lines",
    "Spelling",
    "assignment",
    "import_line",
    "infix",
    "layer_array",
    "number_speller",
    "python_choice",
    "scalar_function",
    "scalar_power_of_two",
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
        """Add a header; what is added inside the ``with`` stands one level deeper."""
        self(header)
        self._depth += 1
        yield
        self._depth -= 1

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"


Choice = Callable[[str, str, str], str]


def python_choice(condition: str, yes: str, no: str) -> str:
    """Python's conditional expression."""
    return f"{yes} if {condition} else {no}"


@dataclass(frozen=True)
class Spelling:
    """How a printer spells symbols, numbers, and a choice by a condition."""

    symbol: Callable[[Symbol], str]
    number: Callable[[float], str] = field(default=repr)
    choice: Choice = python_choice


def number_speller(dtype: str) -> Callable[[float], str]:
    """Spell numbers so that Numba keeps them in `dtype`: a bare literal would widen float32 to float64."""
    return repr if dtype == "float64" else lambda value: f"float32({value!r})"


def infix(node: Expression, spelling: Spelling) -> str:
    """`node` in infix notation, with no more parentheses than its order of operations needs."""
    return _infix(node, spelling, 0)


def _infix(node: Expression, spelling: Spelling, outer: int) -> str:
    """`node`, in parentheses where an operator of precedence `outer` would otherwise bind tighter."""
    match node:
        case Symbol():
            return spelling.symbol(node)
        case Number(value):
            return spelling.number(value)
        case Binary(operator, left, right):
            own = PRECEDENCE[operator]
            gap = " " if own == 1 else ""
            text = f"{_infix(left, spelling, own)}{gap}{operator}{gap}{_infix(right, spelling, own + 1)}"
            return f"({text})" if own < outer else text
        case Select(left, comparison, right, yes, no):
            condition = f"{_infix(left, spelling, 1)} {comparison} {_infix(right, spelling, 1)}"
            text = spelling.choice(condition, _infix(yes, spelling, 1), _infix(no, spelling, 1))
            return f"({text})" if outer else text
        case Call(function, argument):
            return f"{function}({_infix(argument, spelling, 0)})"
        case PowerOfTwo(exponent):
            return f"power_of_two({_infix(exponent, spelling, 0)})"
    raise TypeError(f"no infix notation for {type(node).__name__}")


def assignment(target: Symbol, expression: Expression, spelling: Spelling) -> str:
    """``target = expression``, or ``target += ...`` where it adds to itself."""
    match expression:
        case Binary("+", left, right) if left == target:
            return f"{spelling.symbol(target)} += {infix(right, spelling)}"
    return f"{spelling.symbol(target)} = {infix(expression, spelling)}"


def layer_array(symbol: Symbol) -> str:
    """The name of the array that holds a layer's values: W1, B1, H1, S1, ..., D, Yhat."""
    family = symbol.family.capitalize()
    return family if symbol.family in ("d", "yhat") else f"{family}{symbol.layer}"


def scalar_function(function: Function, dtype: str, choice: Choice = python_choice) -> str:
    """A function of `fastnn.core.elementary` as a Python function of one number, or of one vector."""
    lines = Lines()
    spelling = Spelling(lambda symbol: symbol.family, number_speller(dtype), choice)
    with lines.block(f"def {function.name}({function.argument.family}):"):
        for step in function.steps[:-1]:
            lines(assignment(step.target, step.expression, spelling))
        lines(f"return {infix(function.steps[-1].expression, spelling)}")
    return str(lines)


def import_line(module: str, names: Iterable[str], body: str) -> str:
    """The line that imports those of `names` from `module` that occur in `body`."""
    used = sorted(name for name in names if re.search(rf"\b{name}\b", body))
    return f"from {module} import {', '.join(used)}"


def scalar_power_of_two(dtype: str) -> str:
    """The function that puts a whole exponent into the exponent bits of a number.

    Adding `rounder` + bias leaves exponent + bias in the lowest bits of the sum; the shift moves it to
    its place and everything else out.
    """
    precision = PRECISIONS[dtype]
    integer = dtype.replace("float", "int")
    offset = number_speller(dtype)(precision.rounder + precision.bias)
    lines = Lines()
    with lines.block("def power_of_two(exponent):"):
        lines(f"bits = {dtype}(exponent + {offset}).view({integer})")
        lines(f"return {integer}(bits << {integer}({precision.digits - 1})).view({dtype})")
    return str(lines)

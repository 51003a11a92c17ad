"""The small language in which equations are written: what a printer has to be able to spell.

Every operation is one IEEE operation, in the order in which it is written; nothing is ever reordered,
fused or simplified. So two printings of the same expression compute the same bits.

Code that spells, computes or rewrites expressions is a `Visitor`: it has one method for each kind of node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, ClassVar

__all__ = [
    "Assignment",
    "Binary",
    "Call",
    "Exponent",
    "Expression",
    "Folded",
    "Index",
    "Larger",
    "Largest",
    "Number",
    "PowerOfTwo",
    "Select",
    "SquareRoot",
    "Sum",
    "Symbol",
    "Visitor",
    "bind",
    "expression",
    "folded",
    "nodes",
    "sign",
    "sqrt",
    "substitute",
]


@dataclass(frozen=True, slots=True)
class Index:
    """A running index: its letter and how many values it takes, from 0."""

    name: str
    size: int


class Expression:
    """Anything that has a value. ``+ - * /`` build larger expressions.

    `kind` names its method in a `Visitor`.
    """

    __slots__ = ()
    kind: ClassVar[str]

    def __add__(self, other: Expression | float) -> Binary:
        return Binary("+", self, expression(other))

    def __radd__(self, other: float) -> Binary:
        return Binary("+", expression(other), self)

    def __sub__(self, other: Expression | float) -> Binary:
        return Binary("-", self, expression(other))

    def __rsub__(self, other: float) -> Binary:
        return Binary("-", expression(other), self)

    def __mul__(self, other: Expression | float) -> Binary:
        return Binary("*", self, expression(other))

    def __rmul__(self, other: float) -> Binary:
        return Binary("*", expression(other), self)

    def __truediv__(self, other: Expression | float) -> Binary:
        return Binary("/", self, expression(other))


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A constant."""

    kind: ClassVar[str] = "number"
    value: float


@dataclass(frozen=True, slots=True)
class Symbol(Expression):
    """A named value; in an equation of a layer, one element of that layer's family of values.

    `family` says what it is (``w``, ``z``, ``s``, ...), `layer` which layer it belongs to (0: none, or
    the inputs), `indices` which element: running indices, or numbers once they are bound.
    """

    kind: ClassVar[str] = "symbol"
    family: str
    layer: int = 0
    indices: tuple[Index | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """One of ``+ - * /``, rounded once."""

    kind: ClassVar[str] = "binary"
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Sum(Expression):
    """The terms for index = 0, 1, ..., added in that order, starting from the first term."""

    kind: ClassVar[str] = "sum"
    index: Index
    term: Expression


@dataclass(frozen=True, slots=True)
class Largest(Expression):
    """The largest of the terms for index = 0, 1, ..., compared in that order, from the first one on."""

    kind: ClassVar[str] = "largest"
    index: Index
    term: Expression


@dataclass(frozen=True, slots=True)
class Larger(Expression):
    """`right` where ``left < right``, else `left`.

    Of two zeros it is either; of a number and NaN, too: what is worked out from it may not depend on that.
    """

    kind: ClassVar[str] = "larger"
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Select(Expression):
    """`yes` where ``left comparison right`` holds, else `no`; a comparison with NaN does not hold."""

    kind: ClassVar[str] = "select"
    left: Expression
    comparison: str
    right: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """One of the functions of `fastnn.core.elementary`, by name."""

    kind: ClassVar[str] = "call"
    function: str
    argument: Expression


@dataclass(frozen=True, slots=True)
class PowerOfTwo(Expression):
    """Exactly 2**exponent, for a whole exponent within the range of normal numbers."""

    kind: ClassVar[str] = "power_of_two"
    exponent: Expression


@dataclass(frozen=True, slots=True)
class Exponent(Expression):
    """The largest whole number e with 2**e <= number, for a number above 0 that is normal, from its bits.

    For any other number it is some whole number, not the same everywhere.
    """

    kind: ClassVar[str] = "exponent"
    number: Expression


@dataclass(frozen=True, slots=True)
class SquareRoot(Expression):
    """The square root, rounded once as IEEE has it; NaN below 0, and -0.0 for -0.0."""

    kind: ClassVar[str] = "square_root"
    square: Expression


@dataclass(frozen=True, slots=True)
class Assignment:
    """`target` takes the value of `expression`."""

    target: Symbol
    expression: Expression


Folded = Sum | Largest
"""What is worked out term by term, over an index."""


class Visitor:
    """A walk over expressions, with one method for each kind of node: ``visit_binary``, ``visit_select``, ...

    A language defines all of them, or takes them from another one and overrides what it spells otherwise.
    """

    def visit(self, node: Expression, *given: Any, **named: Any) -> Any:
        """Call the method for the node's kind with the node and with whatever else is given."""
        method = getattr(self, f"visit_{node.kind}", None)
        if method is None:
            raise TypeError(f"{type(self).__name__} has no form for {type(node).__name__}")
        return method(node, *given, **named)


def expression(value: Expression | float) -> Expression:
    """Return `value`, a plain number wrapped as a `Number`."""
    return value if isinstance(value, Expression) else Number(float(value))


def sqrt(square: Expression | float) -> SquareRoot:
    """The square root of a value, as an expression."""
    return SquareRoot(expression(square))


def sign(value: Expression) -> Select:
    """1 above 0 and -1 below; of 0 it is 0, and of NaN it is NaN."""
    zero = Number(0.0)
    return Select(value, ">", zero, Number(1.0), Select(value, "<", zero, Number(-1.0), value))


def operands(node: Expression) -> tuple[Expression, ...]:
    """The expressions that `node` is made of, left to right."""
    match node:
        case Binary(_, left, right) | Larger(left, right):
            return (left, right)
        case Select(left, _, right, yes, no):
            return (left, right, yes, no)
        case Sum(_, inner) | Largest(_, inner) | Call(_, inner):
            return (inner,)
        case PowerOfTwo(inner) | Exponent(inner) | SquareRoot(inner):
            return (inner,)
    return ()


def nodes(node: Expression) -> Iterator[Expression]:
    """`node` and everything it is made of."""
    yield node
    for operand in operands(node):
        yield from nodes(operand)


def folded(node: Folded, so_far: Expression, term: Expression) -> Expression:
    """What a sum, or a largest, makes of its next term."""
    return so_far + term if isinstance(node, Sum) else Larger(so_far, term)


def bind(node: Expression, values: Mapping[Index, Index | int]) -> Expression:
    """Put numbers, or other indices, for running indices; write out every sum that is left, term by term."""
    match node:
        case Symbol(family, layer, indices):
            return Symbol(family, layer, tuple(_bound(i, values) for i in indices))
        case Sum(index, term) | Largest(index, term):
            terms = [bind(term, {**values, index: n}) for n in range(index.size)]
            return reduce(partial(folded, node), terms)
    return rebuild(node, lambda operand: bind(operand, values))


def substitute(node: Expression, old: Expression, new: Expression) -> Expression:
    """`node` with `new` wherever it has `old`."""
    return new if node == old else rebuild(node, lambda operand: substitute(operand, old, new))


def rebuild(node: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The same kind of node over changed operands."""
    match node:
        case Binary(operator, left, right):
            return Binary(operator, change(left), change(right))
        case Select(left, comparison, right, yes, no):
            return Select(change(left), comparison, change(right), change(yes), change(no))
        case Sum(index, term):
            return Sum(index, change(term))
        case Largest(index, term):
            return Largest(index, change(term))
        case Larger(left, right):
            return Larger(change(left), change(right))
        case Call(function, argument):
            return Call(function, change(argument))
        case PowerOfTwo(exponent):
            return PowerOfTwo(change(exponent))
        case Exponent(number):
            return Exponent(change(number))
        case SquareRoot(square):
            return SquareRoot(change(square))
    return node


def _bound(index: Index | int, values: Mapping[Index, Index | int]) -> Index | int:
    return values.get(index, index) if isinstance(index, Index) else index

"""exp, tanh and sigmoid as equations, so that every engine computes the same bits.

The last digits of libm's and NumPy's functions differ between machines and between their scalar and
vector forms. These are written with ``+ - * /``, comparisons and exact powers of two only; each printer
spells them in its own language. The largest errors, measured against 60 correct digits, stand in
tests/test_elementary.py: below 2 units in the last place (ulp) everywhere, subnormal results included.

exp   x = k*ln2 + r with |r| <= ln2/2; Taylor's series in r; times 2**k in two exact steps, so that a
      subnormal result is rounded once.
tanh  for small |x| Lambert's continued fraction x/(1 + x**2/(3 + x**2/(5 + ...))), cut off and written
      as x + x*p(x**2)/q(x**2); else 1 - 2/(exp(2*|x|) + 1). Both share one division. It is exactly
      odd, but for the sign of 0: tanh(-0.0) is 0.0.
sigmoid  1/(1 + exp(-x)) for x >= 0, exp(x)/(1 + exp(x)) below: exp never overflows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import factorial

import numpy as np

from fastnn.core.expressions import (
    Assignment,
    Call,
    Expression,
    Number,
    PowerOfTwo,
    Select,
    Symbol,
    expression,
    nodes,
)

__all__ = ["PRECISIONS", "Function", "Precision", "called_by", "elementary", "functions_of"]

LN2 = Fraction("0.693147180559945309417232121458176568075500134360255254120680009493393621969694716")


@dataclass(frozen=True)
class Precision:
    """What the functions need to know of a floating-point format.

    `digits` bits of significand; `exp_terms`, the highest power in exp's series; `tanh_levels`, the
    levels kept of tanh's continued fraction; `tanh_split`, where |x| is no longer small;
    `lowest` and `highest`, between which exp(x) is neither 0 nor infinite.
    """

    name: str
    digits: int
    exp_terms: int
    tanh_levels: int
    tanh_split: float
    lowest: float
    highest: float

    @property
    def bias(self) -> int:
        """What the format adds to an exponent before it stores it."""
        return 1023 if self.digits == 53 else 127

    @property
    def rounder(self) -> float:
        """Adding and taking away this number rounds to a whole number, ties to even."""
        return 1.5 * 2.0 ** (self.digits - 1)

    def round(self, value: Fraction) -> float:
        """`value` rounded to this format."""
        return float(np.dtype(self.name).type(float(value)))


PRECISIONS = {
    "float64": Precision("float64", 53, 13, 8, 0.625, -746.0, 710.0),
    "float32": Precision("float32", 24, 7, 6, 0.625, -104.0, 89.0),
}


@dataclass(frozen=True)
class Function:
    """A function of one argument as a sequence of assignments; the last one is its value."""

    name: str
    argument: Symbol
    steps: tuple[Assignment, ...]

    @property
    def result(self) -> Symbol:
        """The symbol that holds the value."""
        return self.steps[-1].target


class _Steps:
    """Collects assignments while a function is written down."""

    def __init__(self) -> None:
        self.steps: list[Assignment] = []

    def let(self, name: str, value: Expression) -> Symbol:
        """Note ``name = value`` and return the symbol for what follows."""
        self.steps.append(Assignment(Symbol(name), value))
        return self.steps[-1].target


@cache
def elementary(name: str, dtype: str) -> Function:
    """The function `name` ("exp", "tanh" or "sigmoid") for "float64" or "float32"."""
    x, steps = Symbol("x"), _Steps()
    _WRITERS[name](x, steps, PRECISIONS[dtype])
    return Function(name, x, tuple(steps.steps))


def functions_of(names: Iterable[str], dtype: str) -> list[Function]:
    """These functions and those that they call, each after those it calls."""
    wanted = set(names)
    for name in reversed(_WRITERS):
        if name in wanted:
            wanted |= called_by(elementary(name, dtype))
    return [elementary(name, dtype) for name in _WRITERS if name in wanted]


def called_by(function: Function) -> set[str]:
    """The names of the functions that a function calls."""
    every = (node for step in function.steps for node in nodes(step.expression))
    return {node.function for node in every if isinstance(node, Call)}


def _write_exp(x: Symbol, steps: _Steps, precision: Precision) -> None:
    def rounded(value: Expression) -> Expression:
        return (value + precision.rounder) - precision.rounder

    # k takes up to 11 (8) bits, so k*high is exact.
    bits = precision.digits - (11 if precision.digits == 53 else 8)
    high = Fraction(int(LN2 * 2**bits), 2**bits)
    low = precision.round(LN2 - high)
    capped = Select(x, ">", Number(precision.highest), Number(precision.highest), x)
    c = steps.let("capped", capped)
    c = steps.let("clipped", Select(c, "<", Number(precision.lowest), Number(precision.lowest), c))
    k = steps.let("k", rounded(c * precision.round(1 / LN2)))
    above = steps.let("above", c - k * float(high))
    below = steps.let("below", k * low)
    r = steps.let("r", above - below)
    tail = _polynomial(
        r, [precision.round(Fraction(1, factorial(n))) for n in range(2, precision.exp_terms + 1)]
    )
    # What rounding r and 1 + r lost goes back in with the small terms: exp is then 0.72 ulp off at worst
    # (0.81 where its result is subnormal) instead of 1.29, and sigmoid 2.00 instead of 2.95.
    one_r = steps.let("one_r", 1.0 + r)
    lost = steps.let("lost", ((above - r) - below) + (r - (one_r - 1.0)))
    p = steps.let("p", one_r + ((r * r) * tail + lost))
    half = steps.let("half", rounded(k * 0.5))
    steps.let("value", (p * PowerOfTwo(half)) * PowerOfTwo(k - half))


def _write_tanh(x: Symbol, steps: _Steps, precision: Precision) -> None:
    p, q = (
        [precision.round(Fraction(c)) for c in coefficients]
        for coefficients in _tanh_fraction(precision.tanh_levels)
    )
    size = steps.let("size", Select(x, "<", Number(0.0), -1.0 * x, x))
    e = steps.let("e", Call("exp", 2.0 * size))
    z = steps.let("z", size * size)
    split = Number(precision.tanh_split)

    def either(small: Expression, large: Expression | float) -> Select:
        return Select(size, "<", split, small, expression(large))

    above = steps.let("above", either((size * z) * _polynomial(z, p), -2.0))
    below = steps.let("below", either(_polynomial(z, q), e + 1.0))
    magnitude = steps.let("magnitude", either(size, 1.0) + above / below)
    steps.let("value", Select(x, "<", Number(0.0), -1.0 * magnitude, magnitude))


def _write_sigmoid(x: Symbol, steps: _Steps, precision: Precision) -> None:
    e = steps.let("e", Call("exp", Select(x, "<", Number(0.0), x, -1.0 * x)))
    below = steps.let("below", 1.0 + e)
    quotient = steps.let("quotient", Select(x, "<", Number(0.0), e, Number(1.0)) / below)
    # What rounding 1 + e lost, times the derivative of the quotient: 2.00 ulp at worst instead of 2.48.
    lost = steps.let("lost", e - (below - 1.0))
    inverse = Select(x, "<", Number(0.0), 1.0 - quotient, quotient)
    steps.let("value", quotient - (quotient * lost) * inverse)


# Each after those it calls.
_WRITERS: dict[str, Callable[[Symbol, _Steps, Precision], None]] = {
    "exp": _write_exp,
    "tanh": _write_tanh,
    "sigmoid": _write_sigmoid,
}


def _polynomial(x: Symbol, coefficients: list[float]) -> Expression:
    """c[0] + x*(c[1] + x*(c[2] + ...)), Horner's form."""
    value: Expression = Number(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = c + x * value
    return value


def _tanh_fraction(levels: int) -> tuple[list[int], list[int]]:
    """p and q with tanh(x) = x + x*z*p(z)/q(z), z = x*x, from `levels` levels of Lambert's fraction.

    Evaluated from the innermost level outwards: tanh(x)/x = 1/(1 + z/(3 + z/(5 + ...))).
    """
    top, bottom = [2 * levels - 1], [1]
    for odd in range(2 * levels - 3, 0, -2):
        top, bottom = _add([odd * c for c in top], [0, *bottom]), top
    difference = _add(bottom, [-c for c in top])
    return difference[1:], top


def _add(a: list[int], b: list[int]) -> list[int]:
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    return [c + (shorter[n] if n < len(shorter) else 0) for n, c in enumerate(longer)]

"""exp, log, tanh and their like as equations, so that every engine computes the same bits.

The last digits of libm's and NumPy's functions differ between machines and between their scalar and
vector forms. These are written with ``+ - * /``, comparisons and exponents taken or put as bits only; each
printer spells them in its own language. The largest errors, measured against 60 correct digits, stand in
tests/core/test_elementary.py: below 2 units in the last place (ulp) everywhere, subnormal results included.

exp   x = k*ln2 + r with |r| <= ln2/2; Taylor's series in r; times 2**k in two exact steps, so that a
      subnormal result is rounded once.
tanh  for small |x| Lambert's continued fraction x/(1 + x**2/(3 + x**2/(5 + ...))), cut off and written
      as x + x*p(x**2)/q(x**2); else 1 - 2/(exp(2*|x|) + 1). Both share one division. It is exactly
      odd, but for the sign of 0: tanh(-0.0) is 0.0.
sigmoid  1/(1 + exp(-x)) for x >= 0, exp(x)/(1 + exp(x)) below: exp never overflows.
log   x = 2**k * m with sqrt(1/2) <= m <= sqrt(2), but for rounding; log(m) by the series of
      2*atanh(s), s = (m - 1)/(m + 1). log(0) is -infinity, and NaN below.
log1p log of 1 + x rounded, whose series also takes what the rounding lost: x itself, where x is tiny.
expm1 as exp, but 2**k * (r + ...) + (2**k - 1), with what the first sum lost. Both give 0.0 for -0.0.
sin, cos   see `fastnn.core.circular`.

exp_below_0, log_from_1   exp for x <= 0, and log for x from 1 to 2**100: the same bits in fewer operations,
      where no result is large and no argument small. NaN stays NaN. Softmax needs no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import factorial
from typing import NamedTuple

from fastnn.core.circular import write_cos, write_sin
from fastnn.core.expressions import (
    Assignment,
    Call,
    Exponent,
    Expression,
    Number,
    PowerOfTwo,
    Select,
    Symbol,
    expression,
    nodes,
)
from fastnn.core.precisions import LN2, PRECISIONS, SQRT2, Precision, Steps, polynomial, rounded

__all__ = ["FUNCTIONS", "Function", "called_by", "elementary", "functions_of"]


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


@cache
def elementary(name: str, dtype: str) -> Function:
    """The function `name`, one of `FUNCTIONS`, for "float64" or "float32"."""
    x, steps = Symbol("x"), Steps()
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


class _Reduced(NamedTuple):
    """x, at or above a limit, as k*ln2 + r, with what rounding r lost, and ``(exp(r) - 1 - r)/r**2``."""

    k: Symbol
    r: Symbol
    lost: Expression
    tail: Expression


def _capped(x: Symbol, steps: Steps, precision: Precision) -> Symbol:
    return steps.let("capped", Select(x, ">", Number(precision.highest), Number(precision.highest), x))


def _reduced(x: Symbol, lowest: float, steps: Steps, precision: Precision) -> _Reduced:
    high, low = precision.ln2
    c = steps.let("clipped", Select(x, "<", Number(lowest), Number(lowest), x))
    k = steps.let("k", rounded(c * precision.round(1 / LN2), precision))
    above = steps.let("above", c - k * high)
    below = steps.let("below", k * low)
    r = steps.let("r", above - below)
    terms = range(2, precision.exp_terms + 1)
    tail = polynomial(r, [precision.round(Fraction(1, factorial(n))) for n in terms])
    return _Reduced(k, r, (above - r) - below, tail)


def _times_power(value: Expression, k: Symbol, steps: Steps, precision: Precision) -> Expression:
    """2**k times `value` for a k as large as 1024 (128), or so small that the product is subnormal."""
    half = steps.let("half", rounded(k * 0.5, precision))
    return (value * PowerOfTwo(half)) * PowerOfTwo(k - half)


def _write_exp(x: Symbol, steps: Steps, precision: Precision) -> None:
    k, p = _exp_parts(_capped(x, steps, precision), steps, precision)
    steps.let("value", _times_power(p, k, steps, precision))


def _write_exp_below_0(x: Symbol, steps: Steps, precision: Precision) -> None:
    k, p = _exp_parts(x, steps, precision)
    # Raised by so much, no product is subnormal: the last one alone is rounded, as in exp.
    raised = precision.digits + 8
    steps.let("value", (p * PowerOfTwo(k + float(raised))) * 2.0**-raised)


def _exp_parts(x: Symbol, steps: Steps, precision: Precision) -> tuple[Symbol, Symbol]:
    """k and p with exp(x) = 2**k * p."""
    k, r, lost_of_r, tail = _reduced(x, precision.lowest, steps, precision)
    # What rounding r and 1 + r lost goes back in with the small terms: exp is then 0.72 ulp off at worst
    # (0.81 where its result is subnormal) instead of 1.29, and sigmoid 2.00 instead of 2.95.
    one_r = steps.let("one_r", 1.0 + r)
    lost = steps.let("lost", lost_of_r + (r - (one_r - 1.0)))
    return k, steps.let("p", one_r + ((r * r) * tail + lost))


def _write_expm1(x: Symbol, steps: Steps, precision: Precision) -> None:
    # Below the limit the result is -1; beyond 2**(digits + 7) the 1 is nothing beside 2**k.
    most = float(precision.digits + 7)
    capped = _capped(x, steps, precision)
    k, r, lost_of_r, tail = _reduced(capped, -0.75 * precision.digits, steps, precision)
    one = steps.let("one", 1.0 - PowerOfTwo(-1.0 * Select(k, "<", Number(most), k, Number(most))))
    q = steps.let("q", one + r)
    # `one` is 0 or larger than r, so that this is all that the sum lost.
    lost = steps.let("lost", lost_of_r + (r - (q - one)))
    p = steps.let("p", q + ((r * r) * tail + lost))
    steps.let("value", _times_power(p, k, steps, precision))


def _write_log(x: Symbol, steps: Steps, precision: Precision) -> None:
    # Subnormal numbers become normal, and the largest ones leave room for what they are multiplied with.
    small = Number(2.0 ** (2 * (precision.digits + 1) - precision.bias))
    up = precision.digits + 1
    scaled = steps.let("scaled", Select(x, "<", small, x * 2.0**up, x * 0.25))
    offset = steps.let("offset", Select(x, "<", small, Number(-1.0 * up), Number(2.0)))
    value = _log_of(scaled, offset, None, steps, precision)
    steps.let("value", _where_log_is_finite(x, value, steps, precision))


def _write_log_from_1(x: Symbol, steps: Steps, precision: Precision) -> None:
    steps.let("value", _log_of(x, None, None, steps, precision))


def _write_log1p(x: Symbol, steps: Steps, precision: Precision) -> None:
    y = steps.let("y", 1.0 + x)
    lost = steps.let("lost", x - (y - 1.0))
    scaled = steps.let("scaled", y * 0.25)
    value = _log_of(scaled, Number(2.0), lost, steps, precision)
    steps.let("value", _where_log_is_finite(y, value, steps, precision))


def _log_of(
    scaled: Symbol, offset: Expression | None, lost: Symbol | None, steps: Steps, precision: Precision
) -> Expression:
    """log(scaled * 2**offset + lost), where `lost` is small beside the rest or the rest is 1; None is 0."""
    high, low = precision.ln2
    e = steps.let("e", Exponent(scaled * precision.round(SQRT2)))
    power = steps.let("power", PowerOfTwo(-1.0 * e))
    f = steps.let("f", scaled * power - 1.0)
    s = steps.let("s", f / (f + 2.0))
    z = steps.let("z", s * s)
    k = e if offset is None else steps.let("k", e + offset)
    half = steps.let("half", (f * f) * 0.5)
    series = [precision.round(Fraction(2, 2 * n + 1)) for n in range(1, precision.log_terms + 1)]
    small = steps.let("small", s * (half + z * polynomial(z, series)) + k * low)
    if lost is not None:
        # 1/(1 + f) = (1 - s)/(1 + s), but for 1 in 1000.
        inverse = (1.0 - s) * (1.0 - s) * (1.0 + z)
        small = steps.let("all_small", small + ((lost * power) * 0.25) * inverse)
    return k * high - ((half - small) - f)


def _where_log_is_finite(x: Symbol, value: Expression, steps: Steps, precision: Precision) -> Expression:
    """The logarithm of x, by `value` where it is finite; NaN below 0."""
    largest = Number(precision.largest)
    infinity = steps.let("infinity", largest * 2.0)
    otherwise = Select(x, "<", Number(0.0), infinity - infinity, x - infinity)
    finite = steps.let("finite", value)
    return Select(x, ">", Number(0.0), Select(x, ">", largest, x, finite), otherwise)


def _write_tanh(x: Symbol, steps: Steps, precision: Precision) -> None:
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

    above = steps.let("above", either((size * z) * polynomial(z, p), -2.0))
    below = steps.let("below", either(polynomial(z, q), e + 1.0))
    magnitude = steps.let("magnitude", either(size, 1.0) + above / below)
    steps.let("value", Select(x, "<", Number(0.0), -1.0 * magnitude, magnitude))


def _write_sigmoid(x: Symbol, steps: Steps, precision: Precision) -> None:
    e = steps.let("e", Call("exp", Select(x, "<", Number(0.0), x, -1.0 * x)))
    below = steps.let("below", 1.0 + e)
    quotient = steps.let("quotient", Select(x, "<", Number(0.0), e, Number(1.0)) / below)
    # What rounding 1 + e lost, times the derivative of the quotient: 2.00 ulp at worst instead of 2.48.
    lost = steps.let("lost", e - (below - 1.0))
    inverse = Select(x, "<", Number(0.0), 1.0 - quotient, quotient)
    steps.let("value", quotient - (quotient * lost) * inverse)


# Each after those it calls.
_WRITERS: dict[str, Callable[[Symbol, Steps, Precision], None]] = {
    "exp": _write_exp,
    "expm1": _write_expm1,
    "log": _write_log,
    "log1p": _write_log1p,
    "sin": write_sin,
    "cos": write_cos,
    "tanh": _write_tanh,
    "sigmoid": _write_sigmoid,
}
FUNCTIONS = tuple(_WRITERS)

# What has the same bits on a part of the numbers alone.
_WRITERS |= {"exp_below_0": _write_exp_below_0, "log_from_1": _write_log_from_1}


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

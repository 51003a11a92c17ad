"""sin and cos as equations: x less a multiple of pi/2, and the two series of what is left.

Up to `Precision.reach`, 2**27 (2**16 in float32), the multiple k*pi/2 is taken away part by part: each part
of pi/2 is so short that its product with k is exact, and what the differences lose is kept. So a result
close to 0 has all its digits: both functions are less than 1 ulp off.

Beyond it a rounded multiple of 2*pi comes off first. The result is that of an argument that differs from x
by less than 2 of its ulp. Beyond `Precision.far`, 2**78 (2**38), where only a network that diverges comes
to, it is NaN, as of infinity.
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial

from fastnn.core.expressions import Expression, Number, Select, Symbol
from fastnn.core.precisions import PI, Precision, Steps, polynomial, rounded

__all__ = ["write_cos", "write_sin"]


def write_sin(x: Symbol, steps: Steps, precision: Precision) -> None:
    """The sine, in radians."""
    _write(x, 0, steps, precision)


def write_cos(x: Symbol, steps: Steps, precision: Precision) -> None:
    """The cosine: the sine a quarter of a turn further."""
    _write(x, 1, steps, precision)


def _write(x: Symbol, quarters: int, steps: Steps, precision: Precision) -> None:
    k, r, lost = _less_quarters(x, steps, precision)
    z = steps.let("z", r * r)
    tail = z * _series(z, range(3, precision.sine_power + 1, 2), precision)
    sine = steps.let("sine", r + (r * tail + lost * (1.0 - z * 0.5)))
    half = steps.let("half", z * 0.5)
    near = steps.let("near_cosine", 1.0 - half)
    tail = (z * z) * _series(z, range(4, precision.sine_power + 1, 2), precision)
    cosine = steps.let("cosine", near + (((1.0 - near) - half) + (tail - r * lost)))
    # 0, 1, 2, -1 for the quarters of a turn; 2 may be -2.
    turned = steps.let("turned", k + float(quarters)) if quarters else k
    quarter = steps.let("quarter", turned - 4.0 * rounded(turned * 0.25, precision))
    square = steps.let("square", quarter * quarter)
    second = Select(square, ">", Number(2.0), -1.0 * sine, quarter * cosine)
    steps.let("value", Select(square, "<", Number(0.5), sine, second))


def _less_quarters(x: Symbol, steps: Steps, precision: Precision) -> tuple[Symbol, Symbol, Symbol]:
    """k, r and what r lost, with x = k*pi/2 + r + lost and |r| <= pi/4, but for rounding."""
    size = steps.let("size", x * x)
    turns = rounded(x * precision.round(1 / (2 * PI)), precision)
    less = x - turns * precision.round(2 * PI)
    infinity = steps.let("infinity", Number(precision.largest) * 2.0)
    further = Select(size, "<=", Number(precision.far**2), less, infinity - infinity)
    near = steps.let("near", Select(size, "<=", Number(precision.reach**2), x, further))
    k = steps.let("k", rounded(near * precision.round(2 / PI), precision))
    *parts, last = precision.half_pi
    r, lost = near, None
    for n, part in enumerate(parts, start=1):
        product: Expression = k * part
        if n * precision.pi_bits - 1 <= precision.digits:  # the difference is exact
            r = steps.let(f"r{n}", r - product)
            continue
        taken = steps.let(f"taken{n}", product if lost is None else product - lost)
        before, r = r, steps.let(f"r{n}", r - taken)
        lost = steps.let(f"lost{n}", (before - r) - taken)
    assert lost is not None  # noqa: S101 - there are more parts
    return k, r, steps.let("lost", lost - k * last)


def _series(z: Symbol, powers: range, precision: Precision) -> Expression:
    """The coefficients of these powers in the series of sin or cos, as a polynomial in z."""
    return polynomial(z, [precision.round(Fraction((-1) ** (n // 2), factorial(n))) for n in powers])

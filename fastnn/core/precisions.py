"""The two floating-point formats, and what all functions written for them are written with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fastnn.core.expressions import Assignment, Expression, Number, Symbol

__all__ = ["LN2", "PI", "PRECISIONS", "SQRT2", "Precision", "Steps", "polynomial", "rounded"]

LN2 = Fraction("0.693147180559945309417232121458176568075500134360255254120680009493393621969694716")
SQRT2 = Fraction("1.41421356237309504880168872420969807856967187537694807317667973799")
PI = Fraction(
    "3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170"
)


@dataclass(frozen=True)
class Precision:
    """What the functions need to know of a floating-point format.

    `digits` bits of significand; `exp_terms`, the highest power in exp's series; `tanh_levels`, the
    levels kept of tanh's continued fraction; `tanh_split`, where |x| is no longer small;
    `lowest` and `highest`, between which exp(x) is neither 0 nor infinite; `log_terms`, how many of the
    series of atanh; `largest`, the largest number; `sine_power`, the highest power in the series of sin and
    cos; `pi_parts`, how many short parts of pi/2 are taken from x, each of `pi_bits` bits.
    """

    name: str
    digits: int
    exp_terms: int
    tanh_levels: int
    tanh_split: float
    lowest: float
    highest: float
    log_terms: int
    largest: float
    sine_power: int
    pi_parts: int
    pi_bits: int

    @property
    def bias(self) -> int:
        """What the format adds to an exponent before it stores it."""
        return 1023 if self.digits == 53 else 127

    @property
    def rounder(self) -> float:
        """Adding and taking away this number rounds to a whole number, ties to even."""
        return 1.5 * 2.0 ** (self.digits - 1)

    @property
    def ln2(self) -> tuple[float, float]:
        """ln 2 in two parts; the product of the first one and an exponent, of 11 (8) bits, is exact."""
        bits = self.digits - (11 if self.digits == 53 else 8)
        high = Fraction(int(LN2 * 2**bits), 2**bits)
        return float(high), self.round(LN2 - high)

    @property
    def reach(self) -> float:
        """Up to which |x| the product of each part of pi/2 and the whole number next to 2*x/pi is exact."""
        return 2.0 ** (self.digits - self.pi_bits)

    @property
    def far(self) -> float:
        """Up to which |x| less a rounded multiple of 2*pi is within `reach`."""
        return self.reach * 2.0 ** (self.digits - 2)

    @property
    def half_pi(self) -> list[float]:
        """pi/2 in parts, the largest first: `pi_parts` of `pi_bits` bits, and what is left."""
        parts: list[float] = []
        for bits in range(self.pi_bits, self.pi_bits * (self.pi_parts + 1), self.pi_bits):
            left = PI / 2 - sum(map(Fraction, parts))
            parts.append(float(Fraction(int(left * 2 ** (bits - 1)), 2 ** (bits - 1))))
        return [*parts, self.round(PI / 2 - sum(map(Fraction, parts)))]

    def round(self, value: Fraction) -> float:
        """`value` rounded to this format."""
        return float(np.dtype(self.name).type(float(value)))


PRECISIONS = {
    "float64": Precision(
        "float64", 53, 13, 8, 0.625, -746.0, 710.0, 10, float(np.finfo("float64").max), 17, 4, 26
    ),
    "float32": Precision(
        "float32", 24, 7, 6, 0.625, -104.0, 89.0, 4, float(np.finfo("float32").max), 11, 6, 8
    ),
}


class Steps:
    """Collects assignments while a function is written down."""

    def __init__(self) -> None:
        self.steps: list[Assignment] = []

    def let(self, name: str, value: Expression) -> Symbol:
        """Note ``name = value`` and return the symbol for what follows."""
        self.steps.append(Assignment(Symbol(name), value))
        return self.steps[-1].target


def rounded(value: Expression, precision: Precision) -> Expression:
    """`value` as a whole number, ties to even."""
    return (value + precision.rounder) - precision.rounder


def polynomial(x: Symbol, coefficients: list[float]) -> Expression:
    """c[0] + x*(c[1] + x*(c[2] + ...)), Horner's form."""
    value: Expression = Number(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = c + x * value
    return value

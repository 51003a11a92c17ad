"""Numbers on which functions of one number are tried: every size, every seam, and any bits at all."""

from functools import cache

import numpy as np
from comparing import bits, scalar_functions

from fastnn.core.precisions import PRECISIONS

# Where these were found in float64: exp, tanh, sigmoid twice.
WORST = (-708.7446272370802, 0.6256988443261137, -15.942385136580688, -14.556090544376252)


def scalar_form(name, x):
    """A function of each number of an array, by the scalar form run as plain Python."""
    function = scalar_functions(str(x.dtype))[name]
    with np.errstate(all="ignore"):
        return np.array([function(value) for value in x], x.dtype)


def spread(count):
    """Numbers in [0, 1) that lie evenly, whatever their count: multiples of the golden ratio."""
    return np.arange(count) * 0.6180339887498949 % 1.0


def near(place, dtype, count):
    """A number and its next neighbours, `count` on each side."""
    pattern = bits(np.array([place], dtype))
    return (pattern + np.arange(-count, count + 1, dtype=pattern.dtype)).view(dtype)


def quarters(precision):
    """Multiples of pi/2 within the reach of sin and cos, one in each row."""
    k = np.concatenate([np.arange(-40, 41), 2.0 ** np.arange(6, 30), 3.0 ** np.arange(4, 18)])
    k = np.concatenate([k, np.floor(precision.reach / 2 * spread(400))])
    return k[np.abs(k) * np.pi / 2 < precision.reach][:, None] * (np.pi / 2)


def next_to(numbers, dtype, steps):
    """The same numbers, each so many of a precision further."""
    return (bits(numbers[numbers != 0].astype(dtype)) + steps).view(dtype)


@cache
def points(dtype):
    """Where an error may show: every size, near every seam, near 0 and at both ends."""
    p, limits, k = PRECISIONS[dtype], np.finfo(dtype), np.arange(1, 60)[:, None]
    sizes = 2.0 ** np.arange(-60, 10)[:, None] * (1 + spread(12))
    seams = -np.log(2) * k + 2.0**-k * spread(30)
    halves = np.log(2) * (k + 0.5) + 1e-3 * (spread(10) - 0.5)
    tiny = float(limits.smallest_subnormal) * np.array([1, 2, 3, 1e3]), float(limits.tiny) * np.array([1, 7])
    numbers = [
        *(sizes, -sizes, seams, -seams, halves, -halves, *tiny, -tiny[0], -tiny[1]),
        np.linspace(p.lowest - 2, p.highest + 2, 1501),
        np.linspace(p.lowest, np.log(float(limits.tiny)) + 1, 500),
        np.linspace(-40, 40, 2000),
        np.linspace(-1, 1, 1000),
        np.array(WORST),
        1 + sizes[:61] * spread(12),
        2.0 ** np.arange(limits.minexp - limits.nmant, limits.maxexp)[:, None] * (1 + spread(3)),
        2.0 ** np.arange(-6, 6)[:, None] * np.linspace(0.7, 1.45, 200),
        np.linspace(-p.reach, p.reach, 1000),
        quarters(p) + spread(3) * 1e-3,
        *(next_to(quarters(p), dtype, steps) for steps in (-1, 0, 1)),
    ]
    ends = [near(x, dtype, 20) for x in (p.tanh_split, -p.tanh_split, p.lowest, p.highest, 1e-4, 1, -1)]
    ends += [near(x, dtype, 20) for x in (0.5**0.5 - 1, 2**0.5 - 1, -0.75 * p.digits)]
    ends.append(near(limits.max, dtype, 20)[:21])
    return np.concatenate([*(array.astype(dtype).ravel() for array in numbers), *ends])


def domain(name, x):
    """Those numbers of which a function gives a value that is right to the last digits."""
    if name in ("sin", "cos"):
        return x[np.abs(x) <= PRECISIONS[str(x.dtype)].reach]
    return x[x > {"log": 0, "log1p": -1}.get(name, -np.inf)]


def anything(dtype, count):
    """Numbers of every kind: any bits at all, NaN and infinity among them, and moderate ones."""
    draw, info = np.random.default_rng(0), np.iinfo(dtype.replace("float", "int"))
    any_bits = draw.integers(info.min, info.max, count // 2, info.dtype, endpoint=True).view(dtype)
    moderate = draw.uniform(-50, 50, count // 2).astype(dtype)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan], dtype)
    return np.concatenate([any_bits, moderate, special, points(dtype)])

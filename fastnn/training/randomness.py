"""Random numbers by counter: number j of stream i depends on (seed, purpose, i, j) and on nothing else.

With a generator that walks from state to state, a network's start would depend on what was drawn before it.
Here every number is a function of its address, so any network of a sweep can be drawn alone, in any order,
in any chunk and on any machine, with the same bits. The function is Philox4x32-10; the address is laid out as

    key      (seed low, seed high)
    counter  (block, purpose, stream low, stream high)

and each block of four 32-bit words gives two 64-bit words, numbers 2*block and 2*block + 1 of its stream.

Only exact integer operations, IEEE + - * / sqrt and comparisons are used. NumPy's log, exp and cos are not
used: their last digits differ between machines.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, seed_number, whole_number

__all__ = [
    "SHUFFLE",
    "START",
    "VALIDATION",
    "Streams",
    "normals",
    "permutation",
    "permutations",
    "philox4x32",
    "stream_numbers",
    "uniforms",
]

START = 1
"""Purpose of the numbers for starting parameters; the stream is the network's number."""
SHUFFLE = 2
"""Purpose of the numbers that shuffle the rows; the stream is the epoch."""
VALIDATION = 3
"""Purpose of the numbers that choose the validation rows; there is one stream, 0."""

Words = NDArray[np.uint64]
Floats = NDArray[np.float64]
Streams = Sequence[int] | NDArray[Any]
Number = TypeVar("Number", bound=np.generic)

_LARGEST_64_BIT = 2**64 - 1
_LOW = 2**32 - 1
_LARGEST_COUNT = 2 * 2**32

# Philox's multipliers and Weyl steps (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
# as 1, 2, 3", SC11, 2011).
_ROUNDS = 10
_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL_STEPS = 0x9E3779B9, 0xBB67AE85

# Blocks of a tile: each temporary is 128 KiB, so a core's cache holds them. Measured: a million streams of
# nine uniform numbers 0.20 s (against 0.67 s with 2**10 blocks; AMD EPYC 7003, one core).
_TILE = 2**14


def philox4x32(counter: NDArray[np.uint32], key: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Scramble 128-bit counters under 64-bit keys with Philox4x32-10.

    Parameters
    ----------
    counter : (..., 4) uint32
        Least significant word first.
    key : (2,) or (..., 2) uint32
        Broadcast against the counters.

    Returns
    -------
    (..., 4) uint32
        Four random words per counter, ordered as in Random123 and in C++26's ``std::philox4x32``.
    """
    x0, x1, x2, x3 = np.moveaxis(np.asarray(counter, dtype=np.uint32).astype(np.uint64), -1, 0)
    k0, k1 = np.moveaxis(np.asarray(key, dtype=np.uint32).astype(np.uint64), -1, 0)
    return np.stack(_philox((x0, x1, x2, x3), (k0, k1)), axis=-1).astype(np.uint32)


def uniforms(seed: int, purpose: int, streams: Streams, count: int) -> Floats:
    """Draw the first `count` numbers of each stream, uniform on [0, 1).

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    purpose : int
        What the numbers are for (`START`, `SHUFFLE`); numbers of two purposes never share a counter.
    streams : (m,) whole numbers
        Each 0 <= stream < 2**64; a range, a list or an integer array.
    count : int
        Numbers per stream, at most 2**33.

    Returns
    -------
    (m, count) float64
        Multiples of 2**-53, from 0 to 1 - 2**-53. Element [i, j] depends only on (seed, purpose, streams[i],
        j), neither on `count` nor on the other streams.

    Raises
    ------
    InputError
        If an argument is no whole number or lies outside its range.
    """
    return _filled(np.float64, _to_uniform, seed, purpose, streams, count)


def normals(seed: int, purpose: int, streams: Streams, count: int) -> Floats:
    """Draw the first `count` numbers of each stream, standard normal.

    Arguments, shape and errors are as in `uniforms`. Let u be element [i, j] of `uniforms`: the result is the
    normal quantile at the middle of the cell [u, u + 2**-53). So both rise together (but for rounding), the
    tails are symmetric to the bit, and the largest magnitude is 8.293.

    The relative error is at most 6e-16 (measured); the bits are the same on every IEEE machine.
    """
    return _filled(np.float64, _to_normal, seed, purpose, streams, count)


def permutation(seed: int, epoch: int, rows: int) -> NDArray[np.int64]:
    """Return the order in which `rows` rows are visited in one epoch; see `permutations`."""
    order: NDArray[np.int64] = permutations(seed, [epoch], rows)[0]
    return order


def permutations(seed: int, epochs: Streams, rows: int, purpose: int = SHUFFLE) -> NDArray[np.int64]:
    """Return the order in which rows are visited in each of some epochs, or put for another purpose.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**64.
    epochs : (e,) whole numbers
        Numbers of the epochs, given as `uniforms` takes streams.
    rows : int
        The number of rows, at least 1.
    purpose : int

    Returns
    -------
    (e, rows) int64
        For each epoch 0 .. rows - 1, sorted by 64-bit random keys. Equal keys keep file order; they occur
        about once in 2**65 / rows**2 epochs. The order depends only on (seed, purpose, epoch, rows).

    Raises
    ------
    InputError
        If an argument is no whole number or lies outside its range.
    """
    rows = whole_number(rows, "rows", 1, _LARGEST_COUNT)
    keys = _filled(np.uint64, _unchanged, seed, purpose, stream_numbers(epochs, "epochs"), rows)
    return np.argsort(keys, axis=1, kind="stable").astype(np.int64, copy=False)


def stream_numbers(values: Streams, name: str) -> Words:
    """Return the numbers of streams (or networks, or epochs) as a uint64 array of one dimension.

    Parameters
    ----------
    values : (m,) whole numbers
        A range, a list or tuple of ints, or an integer array of any width and byte order; m may be 0.
    name : str
        The caller's name for them, used in the error.

    Raises
    ------
    InputError
        If they are not whole numbers from 0 to 2**64 - 1 in one dimension.
    """
    if isinstance(values, range):
        return _from_range(values, name)
    if isinstance(values, list | tuple):
        # one by one: NumPy turns a list that mixes 1 and 2**63 into floats
        return np.array([whole_number(value, name, 0, _LARGEST_64_BIT) for value in values], dtype=np.uint64)
    array = np.asarray(values)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise InputError(
            f"{name} must be whole numbers in one dimension; got dtype {array.dtype}, shape {array.shape}. "
            "Give a range, a list of ints or an integer array."
        )
    if array.size:
        whole_number(array.min(), name, 0, _LARGEST_64_BIT)
    return array.astype(np.uint64)


def _from_range(values: range, name: str) -> Words:
    """Turn a range into uint64 numbers without a Python int for each."""
    if not values:
        return np.empty(0, dtype=np.uint64)
    for end in (values[0], values[-1]):
        whole_number(end, name, 0, _LARGEST_64_BIT)
    # arithmetic modulo 2**64, so that the range may descend
    offsets = np.arange(len(values), dtype=np.uint64) * np.uint64(values.step % 2**64)
    return offsets + np.uint64(values[0])


def _filled(
    dtype: type[Number],
    convert: Callable[[Words], NDArray[Number]],
    seed: int,
    purpose: int,
    streams: Streams,
    count: int,
) -> NDArray[Number]:
    """Fill (m, count) numbers, tile by tile; `convert` turns each 64-bit word into a number."""
    seed = seed_number(seed)
    purpose = whole_number(purpose, "purpose", 0, _LOW)
    count = whole_number(count, "count", 0, _LARGEST_COUNT)
    numbers = stream_numbers(streams, "streams")
    key = seed & _LOW, seed >> 32
    out = np.empty((numbers.size, count), dtype=dtype)
    for rows, columns in _tiles(numbers.size, count):
        out[rows, columns] = convert(_words(key, purpose, numbers[rows], columns)).T
    return out


def _tiles(streams: int, count: int) -> Iterator[tuple[slice, slice]]:
    """Cut (streams, count) numbers into tiles of at most `_TILE` blocks; each starts at an even column."""
    wide = min(max(count, 1), 2 * _TILE)
    high = max(1, 2 * _TILE // wide)
    for row in range(0, streams, high):
        for column in range(0, count, wide):
            yield slice(row, min(row + high, streams)), slice(column, min(column + wide, count))


def _words(key: tuple[int, int], purpose: int, streams: Words, columns: slice) -> Words:
    """Return the 64-bit words (c, m) of some columns of m streams; the first column is even.

    Streams lie along the last axis: NumPy's inner loops are long then, though a network has few parameters.
    """
    blocks = np.arange(columns.start // 2, (columns.stop + 1) // 2, dtype=np.uint64)[:, np.newaxis]
    counter = blocks, np.uint64(purpose), streams & _LOW, streams >> 32
    x0, x1, x2, x3 = _philox(counter, key)
    words = np.empty((len(blocks), 2, len(streams)), dtype=np.uint64)
    words[:, 0] = (x0 << 32) | x1
    words[:, 1] = (x2 << 32) | x3
    return words.reshape(-1, len(streams))[: columns.stop - columns.start]


def _philox(counter: tuple[Any, Any, Any, Any], key: tuple[Any, Any]) -> tuple[Words, Words, Words, Words]:
    """Run the ten rounds on 32-bit words held in uint64, where no product or sum can overflow."""
    x0, x1, x2, x3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        p = x0 * _MULTIPLIERS[0]
        q = x2 * _MULTIPLIERS[1]
        x0, x1 = (q >> 32) ^ x1 ^ k0, q & _LOW
        x2, x3 = (p >> 32) ^ x3 ^ k1, p & _LOW
        k0 = (k0 + _WEYL_STEPS[0]) & _LOW
        k1 = (k1 + _WEYL_STEPS[1]) & _LOW
    return x0, x1, x2, x3


def _unchanged(words: Words) -> Words:
    return words


def _to_uniform(words: Words) -> Floats:
    """The 53 highest bits of each word, as a multiple of 2**-53 in [0, 1)."""
    return (words >> 11).astype(np.float64) * 2.0**-53


def _to_normal(words: Words) -> Floats:
    """The standard normal quantile at the middle of each word's cell of width 2**-53.

    Near 1 the middle needs 54 bits, one more than a double holds. The distance to the nearer end of (0, 1),
    the tail, needs 53. So the quantile is computed from the exact tail, and its sign is set last.
    """
    lower = _to_uniform(words)
    tail = np.minimum(lower, (1 - 2.0**-53) - lower) + 2.0**-54
    return np.copysign(_upper_quantile(tail), lower - 0.5)


# The rational approximations of AS 241: numerator, denominator, lowest power first.
# fmt: off
_CENTRE = (
    (
        3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
        1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
        3.3430575583588128105e4, 2.5090809287301226727e3,
    ),
    (
        1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
        5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
        2.8729085735721942674e4, 5.2264952788528545610e3,
    ),
)
_SHOULDER = (
    (
        1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
        3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
        2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ),
    (
        1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
        6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
        5.47593808499534494600e-4, 1.05075007164441684324e-9,
    ),
)
_FAR = (
    (
        6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
        2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
        2.71155556874348757815e-5, 2.01033439929228813265e-7,
    ),
    (
        1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
        1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
        1.42151175831644588870e-7, 2.04426310338993978564e-15,
    ),
)
# fmt: on


def _upper_quantile(tail: Floats) -> Floats:
    """The z with P(Z > z) = tail, for 0 < tail < 0.5, by Wichura's AS 241.

    Source: M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution",
    Applied Statistics 37 (1988) 477-484, PPND16.
    """
    q = 0.5 - tail
    # where q > 0.425 another formula replaces this one; clipped there, so that no denominator is 0
    r = np.maximum(0.180625 - q * q, 0.0)
    z: Floats = q * _ratio(r, _CENTRE)
    outer = q > 0.425
    z[outer] = _outer_quantile(tail[outer])
    return z


def _outer_quantile(tail: Floats) -> Floats:
    """The quantile for a tail below 0.075."""
    r = np.sqrt(-_log(tail))
    z = _ratio(r - 1.6, _SHOULDER)
    far = r > 5.0
    if far.any():
        z[far] = _ratio(r[far] - 5.0, _FAR)
    return z


def _ratio(x: Floats, coefficients: tuple[Sequence[float], Sequence[float]]) -> Floats:
    numerator, denominator = coefficients
    return _polynomial(x, numerator) / _polynomial(x, denominator)


def _polynomial(x: Floats, coefficients: Sequence[float]) -> Floats:
    """A polynomial by Horner's rule; coefficients with the lowest power first."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value *= x
        value += coefficient
    return value


_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_ATANH_SERIES = tuple(2 / (2 * k + 1) for k in range(11))


def _log(x: Floats) -> Floats:
    """The natural logarithm of positive normal numbers, within 0.8 ulp (measured).

    x = 2**e * m with m in [sqrt(1/2), sqrt(2)), and log m = 2 atanh(s) with s = (m - 1) / (m + 1). The series
    in s*s <= 0.0295 is cut where its terms fall below 2**-56. As in fdlibm's ``e_log.c``, 2 s is written as
    f - f*f/2 + s*f*f/2 with f = m - 1. This f is exact, so only small terms bring rounding errors.
    """
    m, e = np.frexp(x)
    small = m < np.sqrt(0.5)
    f = np.where(small, m + m, m) - 1.0
    e = (e - small).astype(np.float64)
    s = f / (2.0 + f)
    rest = s * s * _polynomial(s * s, _ATANH_SERIES[1:])
    half = 0.5 * f * f
    log: Floats = e * _LN2_HIGH - ((half - (s * (half + rest) + e * _LN2_LOW)) - f)
    return log

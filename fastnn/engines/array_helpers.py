"""What the printed NumPy sources call besides NumPy's own ufuncs. Most write into buffers given to them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.precisions import PRECISIONS

__all__ = ["columns", "exponent_of", "gate", "penalties", "power_of_two"]


def columns(flat: NDArray[Any], *shape: int) -> NDArray[Any]:
    """Parameters (networks, n) as a new contiguous array (*shape, networks)."""
    return np.ascontiguousarray(flat.T).reshape(*shape, len(flat))


def gate(value: NDArray[Any], opened_by: NDArray[Any], mask: NDArray[Any]) -> None:
    """Put 0 in place of `value` where `opened_by`, which is 0, above 0 or NaN, is 0.

    The bits of a number above 0 are a positive integer; its negative, shifted to the right, is a mask of
    ones. Exact where a product with 0 or 1 would not be (infinity, the sign of 0); 0.6 times the time of
    ``copyto(value, 0, where=...)``. For NaN either may result: such a network has diverged.

    Parameters
    ----------
    value, opened_by : array
        Of the same shape and floating dtype; `value` is overwritten.
    mask : array of integers
        Of the same shape and item size; overwritten.
    """
    np.negative(opened_by.view(mask.dtype), out=mask)
    np.right_shift(mask, 8 * mask.dtype.itemsize - 1, out=mask)
    bits = value.view(mask.dtype)
    np.bitwise_and(bits, mask, out=bits)


def penalties(weights: NDArray[Any], half_l2: float, l1: float) -> NDArray[np.float64]:
    """The penalties on the weights (m, n) of networks, (m,), added up weight by weight."""
    each = weights.astype(np.float64)
    each = half_l2 * (each * each) + l1 * np.abs(each)
    return np.add.accumulate(each, axis=1)[:, -1] if each.size else np.zeros(len(each))


def exponent_of(number: NDArray[Any], out: NDArray[Any]) -> None:
    """Write into `out` the exponents of normal numbers above 0, as floating-point numbers.

    A whole number stands in the lowest bits of its sum with 2**(digits - 1), and those bits are the shifted
    ones of `number`.
    """
    precision = PRECISIONS[str(out.dtype)]
    one = out.dtype.type(2.0 ** (precision.digits - 1))
    bits = out.view(f"i{out.dtype.itemsize}")
    np.right_shift(number.view(bits.dtype), precision.digits - 1, out=bits)
    np.bitwise_or(bits, one.view(bits.dtype), out=bits)
    np.subtract(out, float(one) + precision.bias, out=out)


def power_of_two(exponent: NDArray[Any], out: NDArray[Any]) -> None:
    """Write exactly 2**exponent into `out`, for whole exponents within the range of normal numbers.

    Adding `rounder` + bias leaves exponent + bias in the lowest bits of the sum; the shift moves it to
    its place and everything else out.
    """
    precision = PRECISIONS[str(out.dtype)]
    np.add(exponent, precision.rounder + precision.bias, out=out)
    bits = out.view(f"i{out.dtype.itemsize}")
    np.left_shift(bits, precision.digits - 1, out=bits)

"""Starting parameters: those of network i are a function of (seed, i) alone.

A `Start` is a small frozen description; `Start.draw` makes the numbers. Parameter j of network i comes from
number j of stream i (`fastnn.training.randomness`), whatever the distribution. So with one seed, normal and
uniform starts rise and fall together, parameter by parameter, and comparing them compares like with like.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, finite_number, seed_number, shown
from fastnn.core.network import Network, checked_network
from fastnn.data.arrays import MOST_NUMBERS, finite_array
from fastnn.showing.lettering import counted
from fastnn.system.floating_point import ieee
from fastnn.training.randomness import START, Streams, normals, stream_numbers, uniforms

__all__ = [
    "DEFAULT_START",
    "Start",
    "constant",
    "given",
    "glorot",
    "he",
    "normal",
    "rule_of",
    "starting_parameters",
    "uniform",
]

Floats = NDArray[np.float64]

_LARGEST = 1e300
"""Largest magnitude of a setting; no start with such settings can overflow."""
_SHOWN = 12
"""The largest number of given parameters that are shown one by one."""


@dataclass(frozen=True, repr=False)
class Start:
    """A rule for starting parameters, from `constant`, `given`, `normal`, `uniform`, `he` or `glorot`."""

    @ieee
    def draw(self, network: Network, networks: Streams, seed: int) -> Floats:
        """Return the starting parameters of some networks.

        Parameters
        ----------
        network : Network
        networks : (m,) whole numbers
            The networks' numbers, each 0 <= i < 2**64, in any order: a range, a list or an integer array.
        seed : int
            0 <= seed < 2**64. `constant` and `given` do not use it.

        Returns
        -------
        (m, P) float64
            A new array. Element [k] depends only on (seed, networks[k]): it has the same bits on any machine,
            whatever else is drawn.

        Raises
        ------
        InputError
            If the start does not fit the network's shape, holds no such network, or a number is out of range.
        """
        self.check(checked_network(network))
        seed = seed_number(seed)
        _refuse_too_many(network, networks)
        return self._values(network, stream_numbers(networks, "networks"), seed)

    def check(self, network: Network) -> None:
        """Refuse a network that this start does not fit. Only `given` has a length that could be wrong."""

    def __repr__(self) -> str:
        settings = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"{type(self).__name__.removeprefix('_').lower()}({settings})"

    def _values(self, network: Network, numbers: NDArray[np.uint64], seed: int) -> Floats:
        raise NotImplementedError


def constant(value: float) -> Start:
    """Start every weight and bias of every network at one value.

    Raises
    ------
    InputError
        If `value` is not a number of magnitude at most 1e300.

    Examples
    --------
    >>> constant(1).draw(Network((1, 1)), [0, 1], seed=0)
    array([[1., 1.],
           [1., 1.]])
    """
    return _Constant(_setting(value, "value"))


def given(parameters: Any) -> Start:
    """Start from given parameters.

    Parameters
    ----------
    parameters : (P,) or (M, P) array of finite numbers
        (P,): every network starts there. (M, P): network i starts at ``parameters[i]``, for M networks. The
        array is copied; later changes to it have no effect.

    Raises
    ------
    InputError
        If they are not finite numbers in one or two dimensions. `Start.check` and `Start.draw` refuse a P
        that does not fit the network.

    Examples
    --------
    >>> given([[0.5, 0], [-0.5, 0]]).draw(Network((1, 1)), [1], seed=0)
    array([[-0.5,  0. ]])
    """
    return _Given.of(parameters, "parameters")


def normal(mean: float = 0.0, sd: float = 1.5) -> Start:
    """Start every weight and bias at a normally distributed number.

    Parameters
    ----------
    mean : float
    sd : float
        Standard deviation, not below 0. With 0, every parameter is `mean`.

    Raises
    ------
    InputError
        If one is not a number of magnitude at most 1e300, or `sd` is below 0.

    Examples
    --------
    >>> start = normal(0, 1.5)
    >>> start.draw(Network((1, 1)), range(10_000), seed=0).std().round(2)
    np.float64(1.5)
    >>> (start.draw(Network((1, 1)), [7], seed=0) == start.draw(Network((1, 1)), range(9), seed=0)[7]).all()
    np.True_
    """
    mean, sd = _setting(mean, "mean"), _setting(sd, "sd")
    if sd < 0:
        raise InputError(f"sd must not be below 0; got {sd}. Give a standard deviation such as 1.5.")
    return _Normal(mean, sd)


def uniform(low: float = -1.0, high: float = 1.0) -> Start:
    """Start every weight and bias at a uniformly distributed number in [low, high).

    The number is low + (high - low)*u with u < 1, rounded. By rounding it can be `high`, but never above it.

    Raises
    ------
    InputError
        If one is not a number of magnitude at most 1e300, or `low` is not below `high`.

    Examples
    --------
    >>> values = uniform(-1, 1).draw(Network((2, 2, 1)), range(1000), seed=0)
    >>> values.min().round(2), values.max().round(2)
    (np.float64(-1.0), np.float64(1.0))
    """
    low, high = _setting(low, "low"), _setting(high, "high")
    if low >= high:
        raise InputError(
            f"low must be below high; got low={low}, high={high}. Swap them, or use constant() for one value."
        )
    return _Uniform(low, high)


def he() -> Start:
    """Start weights at normal(0, sqrt(2/fan_in)), biases at 0; fan_in is the number of the unit's inputs.

    Source: K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015. The tails are kept,
    as in PyTorch; Keras's ``he_normal`` cuts them at two standard deviations.

    Examples
    --------
    >>> he().draw(Network((2, 2, 1)), [0], seed=0)[0, 6:]
    array([0., 0., 0.])
    """
    return _He()


def glorot() -> Start:
    """Start weights uniformly within +-sqrt(6/(fan_in + fan_out)), biases at 0, as Keras does by default.

    fan_in and fan_out are the units of the layers before and after the weight. Source: X. Glorot and
    Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> glorot().draw(Network((3, 3)), range(1000), seed=0).max().round(2)  # sqrt(6/(3 + 3))
    np.float64(1.0)
    """
    return _Glorot()


@dataclass(frozen=True, repr=False)
class _Constant(Start):
    value: float

    def _values(self, network: Network, numbers: NDArray[np.uint64], seed: int) -> Floats:
        return np.full((numbers.size, network.n_parameters), self.value)


@dataclass(frozen=True, repr=False)
class _Normal(Start):
    mean: float
    sd: float

    def _values(self, network: Network, numbers: NDArray[np.uint64], seed: int) -> Floats:
        values = normals(seed, START, numbers, network.n_parameters)
        values *= self.sd
        values += self.mean
        return values


@dataclass(frozen=True, repr=False)
class _Uniform(Start):
    low: float
    high: float

    def _values(self, network: Network, numbers: NDArray[np.uint64], seed: int) -> Floats:
        values = uniforms(seed, START, numbers, network.n_parameters)
        values *= self.high - self.low
        values += self.low
        return values


@dataclass(frozen=True, repr=False)
class _He(Start):
    def _values(self, network: Network, numbers: NDArray[np.uint64], seed: int) -> Floats:
        values = normals(seed, START, numbers, network.n_parameters)
        return _scaled(values, network, lambda fan_in, fan_out: math.sqrt(2 / fan_in))


@dataclass(frozen=True, repr=False)
class _Glorot(Start):
    def _values(self, network: Network, numbers: NDArray[np.uint64], seed: int) -> Floats:
        values = uniforms(seed, START, numbers, network.n_parameters)
        values *= 2.0
        values -= 1.0
        return _scaled(values, network, lambda fan_in, fan_out: math.sqrt(6 / (fan_in + fan_out)))


@dataclass(frozen=True, repr=False, eq=False)
class _Given(Start):
    parameters: Floats

    @classmethod
    def of(cls, values: Any, name: str, dimensions: tuple[int, ...] = (1, 2)) -> _Given:
        copied = finite_array(values, name, dimensions)
        copied.flags.writeable = False
        return cls(copied)

    def check(self, network: Network) -> None:
        if self.parameters.shape[-1] != network.n_parameters:
            raise InputError(
                f"start must hold {network.n_parameters} numbers per network for {network}; "
                f"got shape {self.parameters.shape}. Give all weights first, then all biases."
            )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Given) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        if self.parameters.size <= _SHOWN:
            return f"given({self.parameters.tolist()})"
        shape, digest = self._identity()
        return f"given(array of shape {shape}, sha256 {digest[:16]})"

    def _identity(self) -> tuple[tuple[int, ...], str]:
        """Shape and checksum, the same on any machine."""
        return self.parameters.shape, sha256(self.parameters.astype("<f8").tobytes()).hexdigest()

    def _values(self, network: Network, numbers: NDArray[np.uint64], seed: int) -> Floats:
        if self.parameters.ndim == 1:
            return np.tile(self.parameters, (numbers.size, 1))
        held = len(self.parameters)
        if numbers.size and numbers.max() >= held:
            raise InputError(
                f"start must hold a row for every network; got {held}, for networks 0 to {held - 1}, "
                f"where network {numbers.max()} starts. Give more rows or train fewer networks."
            )
        return self.parameters[numbers.astype(np.intp)]


def rule_of(start: Any) -> Start:
    """A start as a rule: numbers, (P,) or (M, P), are `given`.

    Raises
    ------
    InputError
        If it is neither a rule nor finite numbers.
    """
    if isinstance(start, list | tuple) and any(isinstance(one, Start) for one in start):
        raise InputError(f"start must be one rule, or numbers; got {shown(start)}. Begin by one at a time.")
    return start if isinstance(start, Start) else _numbers(start)


def starting_parameters(
    start: Any, network: Network, seed: int, dimensions: tuple[int, ...] = (1, 2)
) -> Floats:
    """The parameters to begin with: numbers, (P,) or (M, P), or what a rule draws for network 0 of `seed`.

    Raises
    ------
    InputError
        If they are no finite numbers of as many `dimensions`, or do not fit the network.
    """
    if isinstance(start, Start):
        return np.array(start.draw(network, [0], seed)[0])
    numbers = _numbers(start, dimensions)
    numbers.check(network)
    return numbers.parameters


def _numbers(start: Any, dimensions: tuple[int, ...] = (1, 2)) -> _Given:
    """Numbers that were given as a start."""
    if start is None or isinstance(start, str) or callable(start):
        raise InputError(
            f"start must be numbers, or a rule such as fastnn.he(); got {shown(start)}. "
            "Leave it out for fastnn.normal(0, 1.5)."
        )
    return _Given.of(start, "start", dimensions)


def _setting(value: Any, name: str) -> float:
    number = finite_number(value, name)
    if abs(number) > _LARGEST:
        raise InputError(
            f"{name} must be of magnitude at most {_LARGEST}; got {number}. Give a number such as 0.5."
        )
    return number


def _scaled(values: Floats, network: Network, scale: Callable[[int, int], float]) -> Floats:
    """Multiply the weights (m, P) of each layer by scale(fan_in, fan_out) and zero the biases, in place."""
    for (inputs, units), (weights, biases) in zip(pairwise(network.layers), network.slices, strict=True):
        values[:, weights] *= scale(inputs, units)
        values[:, biases] = 0.0
    return values


def _refuse_too_many(network: Network, networks: Streams) -> None:
    """Refuse to draw more starting parameters at once than an array may hold."""
    count = networks.size if isinstance(networks, np.ndarray) else 0
    if isinstance(networks, range | list | tuple):
        count = len(networks[: MOST_NUMBERS + 1])
    if count * network.n_parameters > MOST_NUMBERS:
        raise InputError(
            f"starts drawn at once must be at most {MOST_NUMBERS} parameters, which take 2 GiB; "
            f"got {counted(count, 'network')} of {network.n_parameters}. Draw fewer at a time."
        )


DEFAULT_START = normal(0.0, 1.5)
"""The start of networks unless another is given."""

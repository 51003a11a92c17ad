"""The description of a network: its layers, its activations, the names and layout of its parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, all_of, shown, whole_number
from fastnn.core.activations import SOFTMAX, checked_activation
from fastnn.showing.lettering import counted

__all__ = ["Network", "checked_network", "without_first"]

MOST_LAYERS = 32  # a kernel of 34 layers takes half a minute to compile
MOST_PARAMETERS = 10_000_000


@dataclass(frozen=True)
class Network:
    """A fully connected network: a small frozen description, which holds no parameters.

    Its P parameters are one flat vector: all weights first, layer by layer, unit by unit, input by
    input, then all biases, layer by layer. They are named w1, w2, ... and b1, b2, ... in that order.
    M networks are an array (M, P).

    Parameters
    ----------
    layers : sequence of int
        Units per layer, inputs first and outputs last: ``(2, 2, 1)``. Two to 32 numbers, each >= 1.
    hidden : str or sequence of str
        Activation of the hidden layers, one for all or one for each: a name in `fastnn.core.activations`,
        and in parentheses a setting that is not the default: ``"leaky_relu(0.1)"``.
    output : str
        Activation of the output layer: one of these, or "softmax", which makes probabilities of K >= 2
        outputs.

    Raises
    ------
    InputError
        Where a layer is not a whole number above 0 or an activation is not known or does not fit its layer,
        and for more than ten million parameters.

    Examples
    --------
    >>> net = Network((2, 2, 1))
    >>> net.n_parameters, net.parameter_names
    (9, ('w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'b1', 'b2', 'b3'))
    """

    layers: tuple[int, ...]
    hidden: tuple[str, ...]
    output: str

    def __init__(
        self, layers: Sequence[int], hidden: str | Sequence[str] = "relu", output: str = "identity"
    ) -> None:
        sizes = _checked_layers(layers)
        object.__setattr__(self, "layers", sizes)
        object.__setattr__(self, "hidden", _checked_hidden(hidden, len(sizes) - 2))
        object.__setattr__(self, "output", _checked_output(output, sizes[-1]))

    def __repr__(self) -> str:
        alike = len(set(self.hidden)) == 1
        hidden = f", hidden={(self.hidden[0] if alike else self.hidden)!r}" if self.hidden else ""
        return f"Network({self.layers}{hidden}, output={self.output!r})"

    @property
    def n_inputs(self) -> int:
        """D, the number of inputs."""
        return self.layers[0]

    @property
    def n_outputs(self) -> int:
        """K, the number of outputs."""
        return self.layers[-1]

    @property
    def activations(self) -> tuple[str, ...]:
        """The activation of each layer after the inputs."""
        return (*self.hidden, self.output)

    @cached_property
    def n_weights(self) -> int:
        """The number of weights, which come first in the layout."""
        return sum(inputs * units for inputs, units in pairwise(self.layers))

    @cached_property
    def n_parameters(self) -> int:
        """P, the number of weights and biases."""
        return self.n_weights + sum(self.layers[1:])

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of the parameters in their order: w1, w2, ..., b1, b2, ..."""
        weights = (f"w{n + 1}" for n in range(self.n_weights))
        biases = (f"b{n + 1}" for n in range(sum(self.layers[1:])))
        return (*weights, *biases)

    @cached_property
    def slices(self) -> tuple[tuple[slice, slice], ...]:
        """Where each layer's weights and biases lie in the flat vector: (weights, biases) per layer."""
        found = []
        weight, bias = 0, self.n_weights
        for inputs, units in pairwise(self.layers):
            found.append((slice(weight, weight + inputs * units), slice(bias, bias + units)))
            weight, bias = weight + inputs * units, bias + units
        return tuple(found)

    def split(self, parameters: NDArray[Any]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """View flat parameters as one ``(W, b)`` per layer.

        Parameters
        ----------
        parameters : array (..., P)

        Returns
        -------
        list of (W, b)
            W of shape (..., units, inputs), b of shape (..., units): views where NumPy can make them.
        """
        flat = np.asarray(parameters)
        if flat.ndim == 0 or flat.shape[-1] != self.n_parameters:
            raise InputError(
                f"parameters must hold {self.n_parameters} numbers for {self!r}; got shape {flat.shape}. "
                f"Give them in the order {', '.join(self.parameter_names[:3])}, ..."
            )
        shapes = ((units, inputs) for inputs, units in pairwise(self.layers))
        return [
            (flat[..., weights].reshape(*flat.shape[:-1], *shape), flat[..., biases])
            for (weights, biases), shape in zip(self.slices, shapes, strict=True)
        ]

    def join(self, layers: Sequence[tuple[Any, Any]]) -> NDArray[Any]:
        """Flatten one ``(W, b)`` per layer into parameters (..., P): the inverse of `split`."""
        try:
            pairs = [(np.asarray(W), np.asarray(b)) for W, b in layers]
        except (TypeError, ValueError):
            raise InputError(
                f"layers must hold a pair of arrays (W, b) for each layer; got {shown(layers)}. "
                "Give them as `split` returns them."
            ) from None
        wanted = [((units, inputs), (units,)) for inputs, units in pairwise(self.layers)]
        leading = {shape for W, b in pairs for shape in (W.shape[:-2], b.shape[:-1])}
        if [(W.shape[-2:], b.shape[-1:]) for W, b in pairs] != wanted or len(leading) > 1:
            given = [(W.shape, b.shape) for W, b in pairs]
            raise InputError(
                f"layers must hold (W, b) of shapes {wanted} for {self!r}; got {given}. "
                "W has one row per unit and one column per input: transpose it if it is the other way round."
            )
        weights = [W.reshape(*W.shape[:-2], -1) for W, _ in pairs]
        return np.concatenate([*weights, *(b for _, b in pairs)], axis=-1)


def without_first(network: Network) -> Network:
    """The layers after the first hidden one, without inputs: all that moves while that one gives zeros.

    Its first layer has 0 units; no other network is made so.
    """
    left: Network = object.__new__(Network)
    parts = {"layers": (0, *network.layers[2:]), "hidden": network.hidden[1:], "output": network.output}
    for name, value in parts.items():
        object.__setattr__(left, name, value)
    return left


def checked_network(network: Any) -> Network:
    """`network`, if it is one."""
    if not isinstance(network, Network):
        raise InputError(
            f"network must be a fastnn.Network; got {shown(network)}. Make one, such as Network((2, 2, 1))."
        )
    return network


def _checked_layers(layers: Any) -> tuple[int, ...]:
    advice = "Give the units of each layer, inputs first, such as (2, 2, 1)."
    if isinstance(layers, str | bytes | set | frozenset | Mapping) or not hasattr(layers, "__iter__"):
        raise InputError(f"layers must be a sequence of whole numbers; got {layers!r}. {advice}")
    sizes = tuple(all_of((whole_number(size, "each of layers", 1) for size in layers), "layers", MOST_LAYERS))
    if len(sizes) < 2:
        raise InputError(f"layers must name at least inputs and outputs; got {sizes}. {advice}")
    count = sum(inputs * units + units for inputs, units in pairwise(sizes))
    if count > MOST_PARAMETERS:
        raise InputError(
            f"layers must make at most {MOST_PARAMETERS} parameters, as fastnn is for small networks; "
            f"got {shown(count)}. Take smaller layers."
        )
    return sizes


def _checked_output(output: Any, n_outputs: int) -> str:
    name = checked_activation(output, "output", (SOFTMAX.name,))
    if name == SOFTMAX.name and n_outputs == 1:
        raise InputError(
            "output must be another activation than 'softmax' for one output, whose share of the whole is "
            "always 1; got 'softmax'. Take 'sigmoid' for a yes or no, or one output for each class."
        )
    return name


def _checked_hidden(hidden: Any, n_hidden: int) -> tuple[str, ...]:
    if isinstance(hidden, str | set | frozenset | Mapping) or not hasattr(hidden, "__iter__"):
        return (_of_hidden(hidden, "hidden"),) * n_hidden
    checked = (_of_hidden(name, "each of hidden") for name in hidden)
    names = tuple(all_of(checked, "hidden", MOST_LAYERS))
    if len(names) != n_hidden:
        raise InputError(
            f"hidden must name one activation for each of {counted(n_hidden, 'hidden layer')}; got {names}. "
            "Give one name for all of them, or one for each."
        )
    return names


def _of_hidden(given: Any, what: str) -> str:
    if given == SOFTMAX.name:
        raise InputError(
            f"{what} must be an activation of single units; got 'softmax', whose values share 1 out among "
            "the units of a layer and whose derivative is fused with the loss. Take it for outputs alone."
        )
    return checked_activation(given, what)

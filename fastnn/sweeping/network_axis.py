"""The axis of the networks themselves, and where the parameters of each lie in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, all_of, shown
from fastnn.core.choices import MOST, is_sequence
from fastnn.core.network import Network, checked_network
from fastnn.showing.lettering import counted, shape
from fastnn.sweeping.axis import Array, Axis, each_once

__all__ = ["Networks", "in_words", "network_in"]

NAMED = 6  # networks in a sentence
IN_A_TITLE = 3


@dataclass(frozen=True, eq=False)
class Networks(Axis):
    """The networks; tables have a column for their layers, and one for their activations.

    The tables of all have one set of columns of parameters: w1, w2, ..., as many as the largest number of
    weights, then b1, b2, ..., as many as the largest number of biases. A network's own weights and biases
    come first among them; the others are NaN.
    """

    name = "network"
    column = "layers"
    noun = "architecture"
    alike = "with the same architecture"
    values: tuple[Network, ...]

    @classmethod
    def of(cls, given: Any, dtype: str, rows: int) -> Self:
        several = all_of(given, cls.name, MOST) if is_sequence(given) else [given]
        if not several:
            raise InputError("network must name at least one; got none. Give Network((2, 2, 1)), say.")
        if not any(isinstance(one, Network) for one in several):
            checked_network(given)  # layers, say: refused as a whole
        first, *others = found = [checked_network(one) for one in several]
        for other in others:
            if (other.n_inputs, other.n_outputs) != (first.n_inputs, first.n_outputs):
                raise InputError(
                    "network must name networks of the same inputs and outputs, which are those of the data; "
                    f"got {shape(first.layers)} and {shape(other.layers)}. Sweep them apart."
                )
        each_once(found, cls.name, found)
        return cls(tuple(found))

    @staticmethod
    def read(plain: Any) -> Network:
        return network_in(plain)

    @property
    def plain(self) -> list[Any]:
        return [
            {"layers": list(one.layers), "hidden": list(one.hidden), "output": one.output}
            for one in self.values
        ]

    @cached_property
    def columns(self) -> dict[str, Array]:
        texts = {
            "layers": [shape(one.layers) for one in self.values],
            "activations": [" ".join(one.activations) for one in self.values],
        }
        return {name: np.array(column, object) for name, column in texts.items()}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return ("layers", "activations")

    @classmethod
    def texts_of(cls, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        layers, activations = ([str(text) for text in columns[name]] for name in cls.names())
        hidden = [_alike(text.split()[:-1]) for text in activations]
        outputs = [text.split()[-1] for text in activations]
        some = len({one for one in hidden if one}) > 1
        ends = [f"to {one}" for one in outputs] if len(set(outputs)) > 1 else [""] * len(outputs)
        texts = zip(layers, hidden if some else [""] * len(hidden), ends, strict=True)
        return [" ".join(part for part in parts if part) for parts in texts]

    @classmethod
    def command(cls, settings: Mapping[str, Any]) -> list[str]:
        network: Network = settings[cls.name]
        hidden = ["--hidden", _alike(network.hidden, ",")] if {*network.hidden} - {"relu"} else []
        return ["--layers", ",".join(map(str, network.layers)), *hidden, "--output", network.output]

    @property
    def told(self) -> str:
        if len(self) == 1:
            return ""
        more = f" and {len(self) - NAMED} more" if len(self) > NAMED else ""
        return f"architectures {', '.join(self.texts[:NAMED])}{more}"

    @cached_property
    def weights(self) -> int:
        """The largest number of weights."""
        return max(one.n_weights for one in self.values)

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of the columns of parameters (P)."""
        biases = max(one.n_parameters - one.n_weights for one in self.values)
        weights = (f"w{n + 1}" for n in range(self.weights))
        return (*weights, *(f"b{n + 1}" for n in range(biases)))

    @cached_property
    def has(self) -> NDArray[np.bool_]:
        """Whether each network has each parameter: (networks, P)."""
        found = np.zeros((len(self), len(self.parameter_names)), bool)
        for row, one in zip(found, self.values, strict=True):
            row[_places(one, self.weights)] = True
        return found

    def parameters_of(self, network: Network, columns: Array) -> Array:
        """The parameters (m, p) of one network's m networks, from the columns (m, P) of all."""
        if network.n_parameters == columns.shape[1]:
            return columns
        return np.take(columns, _places(network, self.weights), axis=1)

    def put(self, network: Network, parameters: Array, columns: Array) -> None:
        """Write the parameters (m, p) of one network's m networks into the columns (m, P) of all."""
        if network.n_parameters == columns.shape[1]:
            columns[:] = parameters
            return
        columns[:] = np.nan
        columns[:, _places(network, self.weights)] = parameters


def in_words(networks: Sequence[Network]) -> str:
    """The architectures of some networks in a title: 2-2-1, 2-2-1 and 2-4-1, or 12 architectures."""
    if len(networks) > IN_A_TITLE:
        return counted(len(networks), "architecture")
    *most, last = Networks(tuple(networks)).texts
    return f"{', '.join(most)} and {last}" if most else last


def network_in(described: Any) -> Network:
    """The network that an entry of a description has.

    Raises
    ------
    InputError
        If it is anything else.
    """
    told = described if isinstance(described, dict) else {}
    lists = all(isinstance(told.get(name), list) for name in ("layers", "hidden"))
    if told.keys() != {"layers", "hidden", "output"} or not lists:
        raise InputError(
            f"network must have lists of layers and hidden, and an output; got {shown(described)}."
        )
    return Network(told["layers"], told["hidden"], told["output"])


def _places(network: Network, weights: int) -> NDArray[np.intp]:
    """The columns of a network's parameters, where `weights` columns come before the biases."""
    biases = network.n_parameters - network.n_weights
    return np.concatenate([np.arange(network.n_weights), weights + np.arange(biases)])


def _alike(names: Sequence[str], between: str = " ") -> str:
    """Names of the activations of hidden layers; one name if all are the same."""
    return between.join(names if len(set(names)) > 1 else names[:1])

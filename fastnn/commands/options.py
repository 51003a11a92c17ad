"""The networks, starts and settings that the options of the command line describe."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

import fastnn
from fastnn.checking import InputError, meant, whole_number
from fastnn.commands.parsing import numbers, whole_numbers
from fastnn.core.network import Network
from fastnn.data.datasets import Dataset
from fastnn.showing.lettering import counted
from fastnn.training.starts import Start

__all__ = [
    "network_for",
    "network_of",
    "row_count",
    "shared",
    "start_of",
    "starting_at",
]


def network_of(options: Namespace, layers: str) -> Network:
    """The network that --layers, --hidden and --output describe; `layers` if there is no --layers."""
    hidden = options.hidden.split(",") if "," in options.hidden else options.hidden
    return Network(whole_numbers(options.layers or layers, "--layers"), hidden, options.output)


def network_for(options: Namespace, data: Dataset) -> Network:
    """The network that the options describe; refuse one that does not fit the data's inputs and targets."""
    inputs, targets = len(data.inputs), len(data.scaling.targets)
    network = network_of(options, f"{inputs},2,{targets}")
    if (network.n_inputs, network.n_outputs) != (inputs, targets):
        hidden = ",".join(map(str, network.layers[1:-1]))
        raise InputError(
            f"--layers must begin with the {counted(inputs, 'input')} of the data"
            f"{data.scaling.spread_in_words}, "
            f"and end with the {counted(targets, 'target')}; got {options.layers}. "
            f"Write --layers {inputs},{hidden + ',' if hidden else ''}{targets}."
        )
    return network


def shared(options: Namespace) -> dict[str, Any]:
    """The options that `fastnn.train` and `fastnn.sweep` share."""
    names = "epochs", "engine", "dtype", "shuffle", "seed", "weights_within"
    return {name: getattr(options, name) for name in names}


def row_count(rows: int | None, data: Dataset) -> int | None:
    """--rows, checked against the data."""
    return None if rows is None else whole_number(rows, "--rows", 1, data.rows)


def starting_at(options: Namespace, network: Network) -> Any:
    """The parameters to begin with: the given numbers, or the start of a network of a sweep."""
    start = start_of(options.start)
    if not isinstance(start, Start):
        return start
    return start.draw(network, [options.network or 0], options.seed)[0]


def start_of(text: str) -> Start | list[float]:
    """The start that a text names: a rule such as ``normal:0,1.5``, or numbers."""
    name, _, settings = text.partition(":")
    if not name[:1].isalpha():
        return numbers(text, "--start")
    makers: dict[str, Callable[..., Start]] = {
        maker.__name__: maker
        for maker in (fastnn.constant, fastnn.glorot, fastnn.he, fastnn.normal, fastnn.uniform)
    }
    values = numbers(settings, "--start") if settings else []
    try:
        return makers[name](*values)
    except (KeyError, TypeError):
        meaning = "" if name in makers else meant(name, makers)
        raise InputError(
            "--start must be numbers, or normal:MEAN,SD, uniform:LOW,HIGH, he, glorot or constant:VALUE; "
            f"got {text!r}{meaning}. Give one of these, such as normal:0,1.5."
        ) from None

"""The networks, starts and settings that the options of the command line describe."""

from __future__ import annotations

import csv
import re
from argparse import Namespace
from collections.abc import Callable
from itertools import product
from typing import Any

import fastnn
from fastnn.checking import InputError, meant, whole_number
from fastnn.commands.parsing import numbers, whole_numbers
from fastnn.core.activations import SOFTMAX
from fastnn.core.losses import CrossEntropy
from fastnn.core.network import Network
from fastnn.data.classes import SIGMOID
from fastnn.data.datasets import Dataset
from fastnn.showing.lettering import counted
from fastnn.system.telling import note
from fastnn.training.starts import Start
from fastnn.training.weights import BALANCED

__all__ = [
    "names_a_rule",
    "network_for",
    "network_of",
    "networks_for",
    "row_count",
    "shared",
    "start_of",
    "starting_at",
]

NUMBER = re.compile(r"[-+]?\.?\d")
HIDDEN, HIDDEN_FOR_CLASSES = 2, 8  # units of the hidden layer unless --layers tells

OF_A_NETWORK = ("layers", "hidden", "output")
"""The options that describe a network."""


def network_of(options: Namespace, layers: str) -> Network:
    """The network that --layers, --hidden and --output describe; `layers` if there is no --layers."""
    hidden = options.hidden.split(",") if "," in options.hidden else options.hidden
    output = options.output or "identity"
    return Network(whole_numbers(options.layers or layers, "--layers"), hidden, output)


def network_for(options: Namespace, data: Dataset) -> Network:
    """The network that the options describe; refuse one that does not fit the data's inputs and targets.

    For classes --output and --loss are chosen where they were left out, and the options then have them.
    """
    _note([_choose_for_classes(options, data)])
    return _fitting(options, data)


def _fitting(options: Namespace, data: Dataset) -> Network:
    """The network that the options describe, checked."""
    inputs, targets = len(data.inputs), len(data.scaling.targets)
    hidden, outputs = (HIDDEN_FOR_CLASSES, targets) if data.classes else (HIDDEN, targets)
    outputs = 1 if targets == 2 and options.output == SIGMOID else outputs
    network = network_of(options, f"{inputs},{hidden},{outputs}")
    if (network.n_inputs, network.n_outputs) != (inputs, len(data.scaling.outputs_of(network))):
        between = ",".join(map(str, network.layers[1:-1]))
        ends = f"{targets} classes" if data.classes else counted(targets, "target")
        raise InputError(
            f"--layers must begin with the {counted(inputs, 'input')} of the data"
            f"{data.scaling.spread_in_words}, "
            f"and end with the {ends}; got {options.layers}. "
            f"Write --layers {inputs},{between + ',' if between else ''}{targets}."
        )
    return network


def networks_for(options: Namespace, data: Dataset) -> list[Network]:
    """The networks of a sweep: each --layers with each --hidden and each --output, each network once.

    As in `network_for`, what is left out is chosen for classes; the options then have the loss.
    """
    given = (getattr(options, name) or [options.train.filled().get_default(name)] for name in OF_A_NETWORK)
    found, losses, said = [], [], []
    for one in product(*given):
        each = Namespace(**vars(options) | dict(zip(OF_A_NETWORK, one, strict=True)))
        said.append(_choose_for_classes(each, data))
        found.append(_fitting(each, data))
        losses.append(each.loss)
    if len(set(losses)) == 1:
        options.loss = losses[0]
    _note(said)
    return list(dict.fromkeys(found))


def _choose_for_classes(options: Namespace, data: Dataset) -> str:
    """Choose outputs that are probabilities, and cross-entropy, where the options leave it open; say so."""
    chosen = []
    classes = len(data.classes or ())
    if classes and options.output is None and options.loss in (None, CrossEntropy.name):
        one = classes == 2 and (options.layers or "").rpartition(",")[2].strip() == "1"
        options.output = SIGMOID if one else SOFTMAX.name
        chosen.append(f"{counted(1 if one else classes, f'{options.output} output')} (--output)")
    if classes and options.loss is None and options.output in CrossEntropy.outputs:
        options.loss = CrossEntropy.name
        chosen.append("cross-entropy (--loss)")
    return f"{data.target} holds {classes} classes: {' and '.join(chosen)}" if chosen else ""


def _note(texts: list[str]) -> None:
    """Note each text once."""
    for text in dict.fromkeys(texts):
        if text:
            note(text)


def shared(options: Namespace) -> dict[str, Any]:
    """The options that `fastnn.train` and `fastnn.sweep` share."""
    names = "epochs", "engine", "dtype", "shuffle", "seed", "weights_within"
    return {name: getattr(options, name) for name in names} | {"class_weight": _class_weight(options)}


def _class_weight(options: Namespace) -> str | dict[str, float] | None:
    """--class-weight: what each class counts, from a text such as rose=2,moss=0.5."""
    given = options.class_weight
    if given is None or given == BALANCED:
        return None if given is None else BALANCED
    parts = [part.rpartition("=") for part in next(csv.reader([given], skipinitialspace=True), [])]
    if not parts or not all(name and value for name, _, value in parts):
        raise InputError(
            f"--class-weight must be {BALANCED}, or names of classes and numbers; got {given!r}. "
            "Write it like rose=2,moss=0.5."
        )
    return {name.strip(): numbers(value, "--class-weight")[0] for name, _, value in parts}


def row_count(rows: int | None, data: Dataset) -> int | None:
    """--rows, checked against the data."""
    return None if rows is None else whole_number(rows, "--rows", 1, data.rows)


def starting_at(options: Namespace, network: Network) -> Any:
    """The parameters to begin with: the given numbers, or the start of a network of a sweep."""
    start = start_of(options.start)
    if not isinstance(start, Start):
        return start
    return start.draw(network, [options.network or 0], options.seed)[0]


def names_a_rule(text: str) -> bool:
    """Whether a text names a rule for starts, such as ``normal:0,1.5``."""
    return text.partition(":")[0] in _rules()


def start_of(text: str) -> Start | list[float]:
    """The start that a text names: a rule such as ``normal:0,1.5``, or numbers."""
    name, _, settings = text.partition(":")
    if NUMBER.match(text):
        return numbers(text, "--start")
    values = numbers(settings, "--start") if settings else []
    try:
        return _rules()[name](*values)
    except (KeyError, TypeError):
        meaning = "" if names_a_rule(text) else meant(name, _rules())
        raise InputError(
            "--start must be numbers, normal:MEAN,SD, uniform:LOW,HIGH, he, glorot, constant:VALUE or, for "
            f"fastnn train, the file of a saved network; got {text!r}{meaning}. Give one of these, such as "
            "normal:0,1.5."
        ) from None


def _rules() -> dict[str, Callable[..., Start]]:
    makers = fastnn.constant, fastnn.glorot, fastnn.he, fastnn.normal, fastnn.uniform
    return {maker.__name__: maker for maker in makers}

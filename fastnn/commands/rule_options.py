"""The options that tell which network a kernel is for, and what it computes."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn.commands.choice_options import add_training
from fastnn.commands.parsing import whole
from fastnn.core.activations import ACTIVATIONS, SOFTMAX
from fastnn.core.rule import DTYPES
from fastnn.engines import ENGINES

__all__ = ["add_batch_size", "add_dtype", "add_engine", "add_network", "add_rule", "add_weighted"]


def add_rule(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell what a kernel computes."""
    add_network(parser)
    add_training(parser)
    add_batch_size(parser, None)
    add_weighted(parser)
    add_dtype(parser)


class Activations(tuple[str, ...]):
    """The names of the activations; a name with a setting in parentheses is left to `Network` to check."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return (isinstance(name, str) and "(" in name) or super().__contains__(name)


def add_network(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add the options that describe a network; with `several` each may be given more than once."""
    group = parser.add_argument_group("network" + ("; each may be given several times" if several else ""))
    repeated: dict[str, Any] = {"action": "append", "default": None} if several else {}
    group.add_argument(
        "--layers",
        metavar="N,N,..",
        help="inputs first, outputs last; default what fits the data, with 2 hidden units, 8 for classes",
        **repeated,
    )
    known = f"{', '.join(ACTIVATIONS)}; one, or one per layer; with a setting 'leaky_relu(0.1)'"
    group.add_argument("--hidden", metavar="NAME,..", help=known, **{"default": "relu", **repeated})
    group.add_argument(
        "--output",
        metavar="NAME",
        choices=Activations((*ACTIVATIONS, SOFTMAX.name)),
        help="an activation, as for --hidden, or softmax; default identity, for classes softmax",
        **repeated,
    )


def add_batch_size(group: Any, default: int | None = 1) -> None:
    said = "rows of a batch; default 1" + ("" if default else ", for irprop- all")
    group.add_argument("--batch-size", type=whole, default=default, metavar="B", help=said)


def add_weighted(group: Any) -> None:
    group.add_argument("--weighted", action="store_true", help="as it is for rows with weights")


def add_engine(group: Any) -> None:
    group.add_argument("--engine", default="auto", choices=("auto", *ENGINES), help="all give the same bits")


def add_dtype(group: Any) -> None:
    group.add_argument("--dtype", default="float64", choices=DTYPES, help="precision")

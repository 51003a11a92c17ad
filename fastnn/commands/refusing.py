"""Refusals in the words of the command line: they name the option, not the function's argument."""

from __future__ import annotations

import re
from argparse import Namespace

from fastnn.core.optimizers import OPTIMIZERS

__all__ = ["in_options"]

NAMED = re.compile(r"(each of )?([a-z][a-z0-9]*(?:_[a-z]+)*)(?=(?:\[\d+\])? (?:must|requires)\b|=)")
NO_OPTIONS = {"action", "command", "file", "parser", "shell", "store", "train"}
OF_START = {"high", "low", "mean", "sd", "value"}  # arguments of the starts that --start can name
OF_OPTIMIZER = {name for optimizer in OPTIMIZERS.values() for name in optimizer.settings()}
CHOICE = re.compile(r'([a-z]+(?:_[a-z]+)+)="(\w+)"')


def in_options(refusal: str, options: Namespace) -> str:
    """A refusal of an argument, with the name of the option in place of the argument's name."""
    known = set(vars(options)) - (NO_OPTIONS - {"store"} if options.command == "sweep" else NO_OPTIONS)

    def option(name: str) -> str:
        return f"--{name.replace('_', '-')}" if name in known else name

    said = CHOICE.sub(lambda choice: f"{option(choice[1])} {choice[2]}", refusal)
    named = NAMED.match(said)
    if named is None:
        return said
    each, name = named[1] or "", named[2]
    rest = said[named.end() :]
    if name == "executor" and "processes" in known:
        return f"{each}--processes{rest}"
    if name == "path" and "data" in known:  # the path of the table
        return f"{each}--data{rest}"
    if name in OF_START and "start" in known:
        return f"--start: {said}"
    if name in OF_OPTIMIZER and "optimizer" in known:
        return f"--optimizer: {said}"
    return f"{each}{option(name)}{rest}"

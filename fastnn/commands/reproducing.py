"""Command lines that repeat a training: they are written from the parser, so no option is forgotten."""

from __future__ import annotations

import argparse
import shlex
from argparse import Namespace
from collections.abc import Collection
from typing import Any

from fastnn.data.datasets import Dataset
from fastnn.data.digest import SHORT
from fastnn.sweeping.axes import AXES

__all__ = ["train_command"]

OF_ONE_NETWORK = ("layers", "hidden", "output", *AXES)
"""The options of ``fastnn train`` that differ from network to network of a sweep."""


def train_command(options: Namespace, data: Dataset) -> str:
    """The command line of ``fastnn train`` for any network of a sweep, without the options that choose it.

    `options` are the options of ``fastnn sweep``. The line holds each option that the two commands share,
    unless it is the default of ``fastnn train``. It also holds the digest of the data, so that
    ``fastnn train`` refuses other data of the same name.
    """
    told = Namespace(**vars(options) | {"data_digest": data.digest[:SHORT]})
    return shlex.join(["fastnn", "train", *_words(options.train.filled(), told, OF_ONE_NETWORK)])


def _words(parser: argparse.ArgumentParser, options: Namespace, without: Collection[str]) -> list[str]:
    """The options of a parser that are not at their defaults, as words of a command line."""
    words: list[str] = []
    for group in parser._action_groups:
        if group.title == "output":  # output options do not change results
            continue
        for action in group._group_actions:
            value = getattr(options, action.dest, action.default)
            if action.dest not in without and value != action.default:
                words += _spelled(action, value)
    return words


def _spelled(action: argparse.Action, value: Any) -> list[str]:
    name = action.option_strings[0]
    if isinstance(value, bool):
        return [name if value else action.option_strings[-1]]  # --header, --no-header
    return [f"{name}={each}" for each in (value if isinstance(value, list) else [value])]

"""Command lines that do the same again: written from the parser, so that no option can be forgotten."""

from __future__ import annotations

import argparse
import shlex
from argparse import Namespace
from collections.abc import Collection
from typing import Any

from fastnn.data.datasets import Dataset
from fastnn.data.digest import SHORT

__all__ = ["train_command"]

OF_ONE_NETWORK = ("network", "learning_rate", "rows")
"""Options of ``fastnn train`` that say which network of a sweep is meant."""


def train_command(options: Namespace, data: Dataset) -> str:
    """The command line of ``fastnn train`` for the networks of a sweep, but for which of them.

    `options` are those of ``fastnn sweep``. Each that the two commands share is in it if it is not the
    default of ``fastnn train``, and the digest of the data, so that other data under that name are refused.
    """
    told = Namespace(**vars(options) | {"data_digest": data.digest[:SHORT]})
    return shlex.join(["fastnn", "train", *_words(options.train, told, OF_ONE_NETWORK)])


def _words(parser: argparse.ArgumentParser, options: Namespace, without: Collection[str]) -> list[str]:
    """The options of a parser that are not at their defaults, as words of a command line."""
    words: list[str] = []
    for group in parser._action_groups:
        if group.title == "output":  # where results go changes none
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

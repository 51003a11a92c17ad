"""``fastnn completion``: a script with which a shell completes command lines."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn.checking import needing
from fastnn.system.telling import give

__all__ = ["completion"]


def completion(options: argparse.Namespace) -> int:
    """``fastnn completion``."""
    with needing("completion needs shtab", "completion"):
        import shtab
    _mark_files(options.parser, {"FILE": shtab.FILE, "FOLDER": shtab.DIRECTORY})
    give(shtab.complete(options.parser, options.shell))
    return 0


def _mark_files(parser: argparse.ArgumentParser, kinds: dict[str, Any]) -> None:
    """Mark the options that take a file or a folder, so that the shell completes its name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _mark_files(command.filled(), kinds)
        elif isinstance(action.metavar, str) and (kind := kinds.get(action.metavar.split("|")[-1])):
            action.complete = kind  # type: ignore[attr-defined]

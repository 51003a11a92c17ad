"""The commands of the command line: each takes the parsed options and returns the exit code."""

from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

__all__ = ["DONE", "FAILED", "INTERRUPTED", "REFUSED", "TERMINATED", "command"]

DONE, FAILED, REFUSED, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143  # exit codes

# The module of each command.
HOMES = {
    "cache": "kernels",
    "code": "explaining",
    "compare": "studying",
    "completion": "completing",
    "explain": "explaining",
    "guide": "guiding",
    "predict": "training",
    "store": "storing",
    "studies": "studying",
    "sweep": "sweeping",
    "train": "training",
    "tune": "kernels",
    "tutorial": "studying",
    "warmup": "kernels",
}


def command(name: str) -> Callable[[Namespace], int]:
    """Import and return one command, and not the others: that saves a tenth of the time to a first table."""
    from fastnn.system.floating_point import ieee  # imports NumPy, which --help does not need

    home = ieee(import_module)(f"fastnn.commands.{HOMES[name]}")
    found: Callable[[Namespace], int] = ieee(getattr(home, name))
    return found

"""The parser of the command line: its commands, each of which gets its options when it is asked for."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from fastnn.commands.parsing import Parser
from fastnn.version import __version__

__all__ = ["command_line"]

DESCRIPTION = "Train very small neural networks very fast: one of them, or thousands."

EXAMPLES = """\
examples:
  fastnn sweep                         10 000 random starts of the 2-2-1 network
  fastnn sweep --learning-rate 0.005,0.05 --rows 30,1338    a grid of four cells
  fastnn sweep --networks 10000000 --store night    resumes where it was stopped
  fastnn train --network 4711          trains network 4711 of that sweep again
  fastnn train --save model.npz        keep the network, with its scaling ...
  fastnn predict model.npz --data new.csv      ... and predict new rows
  fastnn train --start=1,1,1,1,1,1,1,1,1 --plot loss.png
  fastnn explain --layers 2,3,1        its backpropagation, and one step
  fastnn studies                       the report again, 10 000 starts a line
  fastnn compare                       the same training in fastnn and Keras
  fastnn tutorial                      the report's story as a notebook
  fastnn code --layers 2,3,1           the loop that trains the network
  fastnn guide                         opens the guide in a browser

`fastnn COMMAND --help` lists the options of a command.
"""

COMMANDS = {
    "train": "train one network and print its weights and biases",
    "predict": "predict new rows with a saved network",
    "sweep": "train many networks from different starts",
    "tutorial": "write the report's story as an executed notebook",
    "explain": "print the equations of backpropagation and a step",
    "studies": "repeat the classroom report with thousands of starts",
    "compare": "train the same network in fastnn and elsewhere",
    "store": "look at, check or export a sweep on the disk",
    "code": "print the loop that trains a network",
    "warmup": "compile the kernels for a network ahead",
    "tune": "find the fastest form of the kernels for a network",
    "cache": "show or clear the compiled kernels on disk",
    "guide": "open the guide in the browser",
    "completion": "print a completion script for your shell",
    "help": "print this help, or the help of a command",
}


def command_line() -> argparse.ArgumentParser:
    """The parser of ``fastnn``, with one for each command."""
    layout: Any = argparse.RawDescriptionHelpFormatter
    parser = Parser("fastnn", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=layout)
    parser.add_argument("-V", "--version", action="version", version=f"fastnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command, said in COMMANDS.items():
        commands.add_parser(command, help=said, fill=partial(_fill, command))
    # The sweep's page shows the train command for each network.
    commands.choices["sweep"].set_defaults(train=commands.choices["train"])
    commands.choices["completion"].set_defaults(parser=parser)
    return parser


def _fill(command: str, parser: argparse.ArgumentParser) -> None:
    # Imported here, since it imports half of fastnn, which `fastnn --help` does not need.
    from fastnn.commands.command_options import OPTIONS

    OPTIONS[command](parser)

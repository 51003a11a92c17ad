"""Sweeps that print "chunk" whenever a chunk is finished. Run as a script: ``fastnn``, pictures empty."""

import sys

from undrawn import leave_undrawn

from fastnn.commands.cli import main
from fastnn.sweeping.design import Design


def tell():
    """From now on, print a line on standard error when a chunk is finished."""
    original = Design.train

    def train(*arguments):
        original(*arguments)
        print("chunk", file=sys.stderr, flush=True)

    Design.train = train


def wait_for_chunks(process, count):
    """Return when a process that runs this file has finished `count` more chunks."""
    while count:
        line = process.stderr.readline()
        assert line, "it has ended"
        count -= line == "chunk\n"


if __name__ == "__main__":
    tell()
    leave_undrawn()
    sys.exit(main())

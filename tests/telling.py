"""Sweeps that say "block" whenever a block is finished, for who waits for it. Run, it is ``fastnn``."""

import sys

from fastnn.commands.cli import main
from fastnn.sweeping.design import Design


def tell():
    """From now on, say on standard error when a block is finished."""
    original = Design.train

    def train(*arguments):
        original(*arguments)
        print("block", file=sys.stderr, flush=True)

    Design.train = train


def wait_for_blocks(process, count):
    """Return when a process that tells has finished so many more."""
    while count:
        line = process.stderr.readline()
        assert line, "it has ended"
        count -= line == "block\n"


if __name__ == "__main__":
    tell()
    sys.exit(main())

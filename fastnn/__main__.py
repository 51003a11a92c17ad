"""The command line's entry: ``fastnn`` and ``python -m fastnn``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["main"]

INTERRUPTED = 130  # the shells' convention; all codes are in fastnn.commands, which is not yet imported here


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        from fastnn.system.floating_point import default_mode

        with default_mode():  # Python parses the numbers in its source in the thread's mode, too
            from fastnn.commands.cli import main as run

            return run(arguments)
    except KeyboardInterrupt:  # during the imports; fastnn.commands.cli handles later ones
        eval("0")  # noqa: S307 - CPython then forgets the interrupt and exits with this code: see cli.py
        with suppress(Exception):  # the stream may be closed or None
            print("fastnn: interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

"""The command line's entry: ``fastnn`` and ``python -m fastnn``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["main"]

INTERRUPTED = 130  # as shells have it; fastnn.commands has all codes, and is not read by now


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        from fastnn.system.floating_point import default_mode

        with default_mode():  # Python reads the numbers of its source in the mode of the thread, too
            from fastnn.commands.cli import main as run

            return run(arguments)
    except KeyboardInterrupt:  # while Python reads the source; later ones are answered there
        eval("0")  # noqa: S307 - so that CPython forgets it, and ends with this code: see fastnn.commands.cli
        with suppress(Exception):  # the stream may be closed, or none
            print("fastnn: interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

"""The command line's entry: ``fastnn`` and ``python -m fastnn``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    from fastnn.floating_point import default_mode

    with default_mode():  # Python reads the numbers of its source in the mode of the thread, too
        from fastnn.cli import main as run

        return run(arguments)


if __name__ == "__main__":
    sys.exit(main())

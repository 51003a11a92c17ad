"""Pages whose pictures are empty, for questions that are not about pictures. Run as a script: ``fastnn``."""

import sys

from fastnn.commands import pages
from fastnn.commands.cli import main
from fastnn.reporting.pictures import Drawn, Picture

EMPTY = Drawn(svg='<svg viewBox="0 0 1 1"></svg>', png=b"\x89PNG")


def leave_undrawn(replace=setattr):
    """From now on, draw no picture of a page: each is there, and empty. matplotlib is not imported."""
    replace(Picture, "drawn", EMPTY)
    replace(pages, "draw_together", lambda pictures: None)


if __name__ == "__main__":
    leave_undrawn()
    sys.exit(main())

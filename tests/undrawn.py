"""Pages whose pictures are empty, or sketched, for questions that are not about what is seen.

Run as a script, this file is ``fastnn`` with empty pictures.
"""

import sys
from io import StringIO

from fastnn.commands import pages
from fastnn.commands.cli import main
from fastnn.plotting.canvas import new_figure
from fastnn.reporting import pictures
from fastnn.reporting.pictures import Drawn, Picture
from fastnn.showing.lettering import plain

EMPTY = Drawn(svg='<svg viewBox="0 0 1 1"></svg>', png=b"\x89PNG")


def leave_undrawn(replace=setattr):
    """From now on, draw no picture of a page: each is there, and empty. matplotlib is not imported."""
    replace(Picture, "drawn", EMPTY)
    replace(pages, "draw_together", lambda pictures: None)


def sketch(name, draw, size):
    """What `fastnn.reporting.pictures._drawn` draws, as SVG alone, without finding places for its parts."""
    figure, ax = new_figure(*size)
    draw(ax)
    figure.set_layout_engine(None)  # a placeholder would have everything drawn twice
    figure.further = {"svg.fonttype": "none", "svg.hashsalt": name}
    svg = StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    return Drawn(plain(svg.getvalue()), missing_signs=frozenset(figure.signs_told))


def leave_sketched(replace=setattr):
    """From now on, sketch the pictures of pages, in this process: half the time that drawing takes."""
    replace(pictures, "_drawn", sketch)
    replace(pages, "draw_together", lambda pictures: None)


if __name__ == "__main__":
    leave_undrawn()
    sys.exit(main())

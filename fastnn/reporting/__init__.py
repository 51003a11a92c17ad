"""Results as one self-contained HTML page that opens from disk, with its pictures and their data as files.

A page is made of sections, a section of blocks::

    page = Page(
        title="500 networks of 2-2-1",
        lead="Trained from random starts on the insurance data.",
        sections=[
            Section("Losses", [
                "A paragraph is a string; markup in it is shown, not obeyed.",
                Table(sweep.summary(), "Quantiles of the loss", formats={"diverged": "{:d}"}),
                Picture("losses", draw, "What one who cannot see it has to know.", "Its caption.", data),
                Code("fastnn train --network 4711"),
                Fragment("<b>Ready-made HTML</b>"),
            ]),
            *fastnn.explain(network).sections(),
        ],
    )
    with published_folder("fastnn-sweep") as folder:      # whole or not at all
        page.write(folder)

That leaves ``index.html``, and for every picture ``pictures/losses.svg``, ``.png`` and ``.csv``. The page
fetches nothing, follows the reader's light or dark, and prints. `sweep_page` makes the page of a sweep.

Pictures need matplotlib: ``pip install "fastnn-sweep[plot]"``.
"""

from fastnn.pages.blocks import Code, Fragment, Section
from fastnn.pages.tables import Table, per_cent, written
from fastnn.reporting.page import Page
from fastnn.reporting.pictures import Picture
from fastnn.reporting.publishing import published_folder, published_list
from fastnn.reporting.sweep_page import sweep_page

__all__ = [
    "Code",
    "Fragment",
    "Page",
    "Picture",
    "Section",
    "Table",
    "per_cent",
    "published_folder",
    "published_list",
    "sweep_page",
    "written",
]

"""The page of a sweep: how its networks ended, how they got there, what some of them learned."""

from __future__ import annotations

import numpy as np

from fastnn.checking import finite_number
from fastnn.data.datasets import Dataset
from fastnn.pages.blocks import Section
from fastnn.pages.tables import written
from fastnn.reporting import sweep_endings, sweep_networks, sweep_stops
from fastnn.reporting.page import Page
from fastnn.reporting.sweep_endings import evenly
from fastnn.showing.lettering import counted, with_form
from fastnn.sweeping.modes import modes
from fastnn.sweeping.network_axis import in_words
from fastnn.sweeping.results import Sweep
from fastnn.training.scoring import told_scores

__all__ = ["data_in_words", "sweep_page"]

SHOWN = 100_000  # networks: their page takes 7 s of one processor (2-2-1, 1 338 rows)


def sweep_page(
    found: Sweep,
    data: Dataset,
    *,
    claim: float | None = None,
    train_command: str | None = None,
    digest: str | None = None,
) -> Page:
    """The page of a sweep. Its pictures, tables and sentences all come from the sweep.

    Of a sweep of more than 100 000 networks, quantiles of the loss and the best networks are of all; the
    rest is of 100 000, evenly spaced, as the page says.

    Parameters
    ----------
    found : Sweep
        With its curves, or without: then the fans show up to 300 starts, trained again.
    data : Dataset
        What was swept over.
    claim : float, optional
        A loss that somebody reported, to be set beside the losses found.
    train_command : str, optional
        The command line that trains on the same data from the same starts, ``fastnn train ...`` without
        --network, --learning-rate and --rows; it is shown completed for single networks.
    digest : str, optional
        That of the data as they were given, if their target has become classes since.

    Raises
    ------
    InputError
        The claim is not a finite number, or matplotlib is missing.
    """
    claim = None if claim is None else finite_number(claim, "claim")
    shown = found if len(found) <= SHOWN else _evenly_spaced(found)
    return Page(
        title=f"{counted(len(found), 'network', written)} of {in_words(found.architectures)}",
        lead=_lead(found, shown, data),
        sections=[
            *(_sections(found, shown, data, claim) if len(found) else _nothing()),
            sweep_networks.replaying(shown, data, digest or data.digest, train_command),
        ],
    )


def _sections(found: Sweep, shown: Sweep, data: Dataset, claim: float | None) -> list[Section]:
    scored = shown.quiet_score(data)[["network", *told_scores(shown.scores)]]
    table = shown.frame().assign(mode=modes(shown)).merge(scored)
    return [
        sweep_endings.endings(shown, table),
        *sweep_stops.stops(shown, table, sweep_endings.HEADINGS),
        sweep_endings.losses(found, shown, claim),
        sweep_networks.epochs(shown),
        sweep_endings.scores(shown, table, found.score_notes(data)),
        sweep_networks.learned(shown, data),
    ]


def _nothing() -> list[Section]:
    return [Section("How they ended", ["No network was finished."])]


def _evenly_spaced(found: Sweep) -> Sweep:
    """The same starts in every cell, evenly spaced, and the best networks of all."""
    cells = list(found.grid.cells())
    starts = np.array(evenly(range(found.grid.starts), max(1, SHOWN // len(cells))))
    return found.part(
        np.concatenate(
            [*(cell.first + starts for cell in cells), found.best(5, by=found.ranked_by)["network"]]
        )
    )


def _lead(found: Sweep, shown: Sweep, data: Dataset) -> str:
    stopped = f" It was interrupted: {written(found.grid.total)} were asked for." if found.interrupted else ""
    if shown is not found:
        stopped += f" All but the table of losses shows {written(len(shown))} of them, evenly spaced."
    units = " and ".join(dict.fromkeys(name for one in found.architectures for name in one.activations))
    batched = any(size > 1 for size in found.grid["batch_size"].values)
    trained = [
        counted(found.plan.epochs, "epoch"),
        *([] if batched else ["one row at a time"]),
        *found.design.told,
    ]
    engine = with_form(found.engine, found.form)
    return (
        f"{data_in_words(data)} "
        f"Starts {found.start!r}, seed {found.seed}; {', '.join(trained)}; "
        f"{units} units; engine {engine}, {found.plan.dtype}, {found.seconds:.1f} s.{stopped}"
    )


def data_in_words(data: Dataset) -> str:
    """The columns and rows of the data, where they come from, and what became of what was no number."""
    columns = data.scaling.columns_in_words("\N{RIGHTWARDS ARROW}")
    more = [*data.scaling.codings, *data.told]
    return " ".join(
        [
            f"{columns}, {counted(data.rows, 'row', written)} from {data.source}.",
            *(f"{told}." for told in more),
        ]
    )

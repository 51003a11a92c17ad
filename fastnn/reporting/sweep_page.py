"""The page of a sweep: how its networks ended, how they got there, what some of them learned."""

from __future__ import annotations

from fastnn.checking import finite_number
from fastnn.datasets import Dataset
from fastnn.modes import modes
from fastnn.plotting.canvas import shape
from fastnn.reporting import sweep_endings, sweep_networks
from fastnn.reporting.blocks import Section, written
from fastnn.reporting.page import Page
from fastnn.sweep_results import Sweep

__all__ = ["sweep_page"]


def sweep_page(
    found: Sweep, data: Dataset, *, claim: float | None = None, train_command: str | None = None
) -> Page:
    """The page of a sweep. Its pictures, tables and sentences all come from the sweep.

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

    Raises
    ------
    InputError
        The claim is not a finite number, or matplotlib or Jinja2 is missing.
    """
    claim = None if claim is None else finite_number(claim, "claim")
    return Page(
        title=f"{written(len(found))} networks of {shape(found.network)}",
        lead=_lead(found, data),
        sections=[
            *(_sections(found, data, claim) if len(found) else _nothing()),
            sweep_networks.replaying(found, train_command),
        ],
    )


def _sections(found: Sweep, data: Dataset, claim: float | None) -> list[Section]:
    table = found.frame().assign(mode=modes(found)).merge(found.score(data)[["network", "r2", "mape"]])
    return [
        sweep_endings.endings(found, table),
        sweep_endings.losses(found, claim),
        sweep_networks.epochs(found),
        sweep_endings.scores(found, table),
        sweep_networks.learned(found, data),
    ]


def _nothing() -> list[Section]:
    return [Section("How they ended", ["No network was finished."])]


def _lead(found: Sweep, data: Dataset) -> str:
    target = data.target if isinstance(data.target, str) else ", ".join(data.target)
    stopped = f" It was interrupted: {written(found.grid.total)} were asked for." if found.interrupted else ""
    units = " and ".join(dict.fromkeys(found.network.activations))
    return (
        f"{', '.join(data.inputs)} → {target}, {written(data.rows)} rows from {data.source}. "
        f"Starts {found.initial!r}, seed {found.seed}; {found.plan.epochs} epochs, one row at a time; "
        f"{units} units; engine {found.engine}, {found.plan.dtype}, {found.seconds:.1f} s.{stopped}"
    )

"""`fastnn.report`: the page of a sweep, made from Python."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.checking import InputError, finite_number, shown
from fastnn.data.datasets import Dataset
from fastnn.data.recoding import with_classes
from fastnn.plotting.library import need_matplotlib_installed
from fastnn.reporting.publishing import published_folder
from fastnn.reporting.sweep_page import sweep_page
from fastnn.sweeping.results import Sweep
from fastnn.system.paths import folder_given
from fastnn.system.telling import warn

__all__ = ["report"]


def report(sweep: Sweep, data: Dataset, folder: str | PathLike[str], *, claim: float | None = None) -> Path:
    """Write the page of a sweep, as ``fastnn sweep`` does: one file to look at and send, and its pictures.

    Parameters
    ----------
    sweep : Sweep
        If it kept its curves (``curves=True``), the page shows the curves of all networks. Otherwise some
        networks are trained again for them.
    data : Dataset
        What was swept over.
    folder : str or path
        New, empty, or holding nothing but what fastnn wrote there; then that is replaced.
    claim : float, optional
        A loss that somebody reported, to be set beside the losses found.

    Returns
    -------
    Path
        Of ``index.html`` in the folder.

    Raises
    ------
    InputError
        For anything that does not fit, other data than were swept over, a folder that holds anything else,
        or where matplotlib is missing. Nothing is written.
    OSError
        The folder cannot be made or written.

    Warns
    -----
    RuntimeWarning
        Of a picture that could not be drawn; the page is without it.

    Examples
    --------
    >>> from fastnn import load_insurance, Network, sweep
    >>> data = load_insurance(simulated=True)
    >>> found = sweep(Network((2, 2, 1)), data, networks=500, curves=True)  # doctest: +SKIP
    >>> report(found, data, "page")  # doctest: +SKIP
    PosixPath('page/index.html')
    """
    if not isinstance(sweep, Sweep):
        raise InputError(f"sweep must be a Sweep; got {shown(sweep)}. Give what fastnn.sweep returns.")
    given, data = data, with_classes(sweep.plan.network, data, sweep.plan.named)
    _refuse_other_data(sweep, data)
    claim = None if claim is None else finite_number(claim, "claim")
    place = folder_given(folder, "folder")
    need_matplotlib_installed()
    with published_folder(place) as unfinished:
        missing = sweep_page(sweep, data, claim=claim, digest=given.digest).write(unfinished)
    for picture in missing:
        warn(picture, RuntimeWarning, stacklevel=2)
    return place / "index.html"


def _refuse_other_data(sweep: Sweep, data: Any) -> None:
    if not isinstance(data, Dataset):
        raise InputError(
            f"data must be the Dataset that was swept over; got {shown(data)}. "
            "Make one with fastnn.Dataset.from_frame and sweep over it."
        )
    plan = sweep.plan
    swept = (plan.X, plan.Y)
    given = (data.X.astype(plan.dtype), data.y.reshape(len(data.y), -1).astype(plan.dtype))
    if not all(np.array_equal(one, other) for one, other in zip(swept, given, strict=True)):
        raise InputError(
            f"data must be the Dataset that was swept over; got other rows, {data!r}. "
            "Give the one that was given to sweep."
        )

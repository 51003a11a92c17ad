"""``fastnn train`` from a saved network: what is left out is as it was in the run."""

from __future__ import annotations

from argparse import Namespace
from inspect import signature
from pathlib import Path

import fastnn
from fastnn.checking import InputError
from fastnn.commands.command_line import command_line
from fastnn.commands.options import names_a_rule
from fastnn.commands.stopping_options import divided_data
from fastnn.data.datasets import Dataset
from fastnn.showing.lettering import counted

__all__ = ["left_out", "need_scaling", "saved_run"]

OF_THE_NETWORK = ("layers", "hidden", "output", "network")


def saved_run(options: Namespace) -> fastnn.Training | None:
    """The run whose file --start names; None if it names no file."""
    if names_a_rule(options.start) or not _is_a_file(options.start):
        return None
    run = fastnn.Training.load(options.start, finite=False)
    if run.parameters.ndim > 1:
        raise InputError(
            f"--start must name the file of one network; got {counted(len(run.parameters), 'network')}. "
            "Go on with them from Python: fastnn.train(..., start=run)."
        )
    return run


def left_out(options: Namespace, run: fastnn.Training) -> Namespace:
    """The options with None for settings that are as by default; refuse what does not go with the run."""
    if run.weights_within and options.weights is None and options.class_weight is None:
        raise InputError(
            f"--weights or --class-weight must be given again, as the run of {options.start} had weights; "
            "got neither. Give them, or begin a new training."
        )
    usual = vars(command_line().parse_args(["train"]))
    given = {name: value for name, value in vars(options).items() if value != usual.get(name)}
    for name in OF_THE_NETWORK:
        if name in given:
            raise InputError(
                f"--{name} must be left out where --start names a saved network; got {given[name]}. "
                "Leave it out, or begin a new training with other starts."
            )
    settings = signature(fastnn.train).parameters.items()
    none = {name: None for name, setting in settings if setting.default is None and name in usual}
    return Namespace(**vars(options) | none | {"seed": run.seed} | given)


def need_scaling(options: Namespace, run: fastnn.Training, data: Dataset) -> None:
    """Refuse rows to train on that are scaled otherwise than those of the run, and say what to give."""
    if run.scaling is None or run.scaling.same_as(data.scaling):
        return
    fraction = _fraction(options, run, data)
    if fraction:
        raise InputError(
            f"--validation must be given again where the run of {options.start} kept rows of the data apart; "
            f"got none. Give --validation {fraction} again."
        )
    raise InputError(
        f"--data must have the columns and the scaling of the run of {options.start}; got others. Give "
        "--data, --inputs, --target, --validation and --seed as in that run, or begin a new training."
    )


def _fraction(options: Namespace, run: fastnn.Training, data: Dataset) -> str:
    """The fraction of the data that validated the run, if leaving it out explains another scaling."""
    if options.validation is not None or data.rows <= run.rows:
        return ""
    fraction = f"{1 - run.rows / data.rows:.2g}"
    divided, _ = divided_data(Namespace(**vars(options) | {"validation": fraction}), data)
    assert run.scaling is not None  # noqa: S101 - the caller has seen to it
    return fraction if run.scaling.same_as(divided.scaling) else ""


def _is_a_file(name: str) -> bool:
    try:
        return Path(name).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # many numbers are too long for a name
        return False

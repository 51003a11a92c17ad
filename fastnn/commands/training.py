"""``fastnn train`` and ``fastnn predict``."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

import fastnn
from fastnn.checking import InputError
from fastnn.commands import DONE, FAILED, INTERRUPTED
from fastnn.commands.choice_options import training_of
from fastnn.commands.data_options import data_of, dialect_of
from fastnn.commands.going_on import left_out, need_scaling, saved_run
from fastnn.commands.options import names_a_rule, network_for, row_count, shared, starting_at
from fastnn.commands.output import output_files, show
from fastnn.commands.reports import prediction_report, training_report
from fastnn.commands.stopping_options import divided_data, stopping_asked
from fastnn.data.loading import new_rows
from fastnn.data.reading.files import existing_file
from fastnn.files import publish_together
from fastnn.plotting.library import one_line
from fastnn.system.telling import note, tell
from fastnn.training.statuses import OK

__all__ = ["predict", "train"]


def train(options: Namespace) -> int:
    """``fastnn train``."""
    begun = saved_run(options)
    if begun is not None:
        options = left_out(options, begun)
    data, further = divided_data(options, data_of(options))
    if begun is not None:
        need_scaling(options, begun, data)
    network = network_for(options, data) if begun is None else begun.network
    rows = row_count(options.rows, data)
    files = output_files({"--save": options.save, "--plot": options.plot}, read={"--data": options.data})
    if options.plot:
        _refuse_picture(files["--plot"])
    run = fastnn.train(
        network,
        data if rows is None else data.first(rows),
        start=begun or starting_at(options, network),
        **training_of(options),
        sample_weight=None if data.weights is None else data.weights[:rows],
        learning_rate=options.learning_rate,
        validation=further,
        **stopping_asked(options),
        **shared(options),
    )
    if names_a_rule(options.start):
        run = replace(run, number=options.network)
    if options.save:
        run.save(options.save, data, finite=False)
    show(training_report(run, data), options.json, beside=bool(files))
    drawn = options.plot is None or _draw(run, files["--plot"], options.plot)
    if run.interrupted:
        return INTERRUPTED
    if run.status == OK:
        return DONE if drawn else FAILED
    advice = "smaller numbers in the data, or a smaller most=, the largest step"
    if run.optimizer.learning_rate is not None:
        advice = f"a smaller --learning-rate, such as {run.learning_rate / 10:.1g}"
    tell(f"fastnn: training diverged in epoch {run.diverged}; try {advice}")
    return FAILED


def _refuse_picture(path: Path) -> None:
    """Refuse, before the training, a picture that could not be drawn after it."""
    from fastnn.plotting.canvas import refuse_ending
    from fastnn.plotting.library import need_matplotlib

    need_matplotlib()
    refuse_ending(path, "--plot")


def _draw(run: fastnn.Training, path: Path, given: str) -> bool:
    """Draw the loss of every epoch and return whether that succeeded; the results are printed by now."""
    from fastnn import plotting

    try:
        figure, ax = plotting.new_figure()
        plotting.loss_curves(run, ax)
        publish_together({path: lambda beside: plotting.save(figure, beside)})
    except Exception as error:
        tell(f"fastnn: {given} could not be drawn: {one_line(error)}")
        return False
    return True


def predict(options: Namespace) -> int:
    """``fastnn predict``."""
    run = fastnn.Training.load(existing_file(options.file, "FILE"), finite=False)
    if np.any(run.diverged):
        ended = f"one that {run.fate}" if run.parameters.ndim == 1 else run.fate
        raise InputError(
            f"{options.file} must hold networks that predict; got {ended}. "
            "Train again with a smaller --learning-rate."
        )
    if run.scaling is None:
        raise InputError(
            f"{options.file} must hold the names and the scaling of its data; got a network alone. "
            "Save it with fastnn train --save, or with run.save(path, data)."
        )
    rows = new_rows(options.data, run.scaling, "--data", dialect_of(options))
    predictions = run.scaling.invert(run.predict(rows))
    for text in run.notes:
        note(text)
    labels = run.predict_classes(rows) if run.classes else None
    show(prediction_report(run, predictions, labels), options.json)
    return 0

"""``fastnn train`` and ``fastnn predict``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import fastnn
from fastnn.checking import InputError
from fastnn.commands.data_options import data_of, dialect_of
from fastnn.commands.options import layers_for, network_of, row_count, shared, start_of
from fastnn.commands.output import published, show
from fastnn.commands.reports import prediction_report, training_report
from fastnn.loading import new_rows
from fastnn.publishing import file_to_write

__all__ = ["predict", "train"]


def train(options: Namespace) -> int:
    """``fastnn train``."""
    data = data_of(options)
    network = network_of(options, layers_for(data))
    rows = row_count(options.rows, data)
    if options.save:
        file_to_write(options.save, "--save")  # better refused now than after the work
    run = fastnn.train(
        network,
        data.X[:rows],
        data.y[:rows],
        start_of(options, network),
        learning_rate=options.learning_rate,
        **shared(options),
    )
    if options.save:
        run.save(options.save, data)
    if options.plot:
        from fastnn import plotting

        figure, ax = plotting.new_figure()
        plotting.loss_curves(run, ax)
        published(Path(options.plot), lambda path: plotting.save(figure, path))
    show(training_report(run, data), options.json, beside=bool(options.save or options.plot))
    return 0


def predict(options: Namespace) -> int:
    """``fastnn predict``."""
    run = fastnn.Training.load(options.file)
    if run.scaling is None:
        raise InputError(
            f"{options.file} must hold the names and the scaling of its data; got a network alone. "
            "Save it with fastnn train --save, or with run.save(path, data)."
        )
    rows = new_rows(options.data, run.scaling, "--data", dialect_of(options))
    predictions = run.scaling.invert(run.predict(rows))
    show(prediction_report(run, run.scaling.targets, predictions), options.json)
    return 0

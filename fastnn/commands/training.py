"""``fastnn train`` and ``fastnn predict``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import fastnn
from fastnn.checking import InputError
from fastnn.commands.data_options import data_of, dialect_of
from fastnn.commands.options import layers_for, network_of, row_count, shared, start_of
from fastnn.commands.output import output_files, published, show
from fastnn.commands.reports import prediction_report, training_report
from fastnn.loading import new_rows
from fastnn.telling import tell

__all__ = ["predict", "train"]


def train(options: Namespace) -> int:
    """``fastnn train``."""
    data = data_of(options)
    network = network_of(options, layers_for(data))
    rows = row_count(options.rows, data)
    files = output_files({"--save": options.save, "--plot": options.plot}, read={"--data": options.data})
    if options.plot:
        _refuse_picture(files["--plot"])
    run = fastnn.train(
        network,
        data.X[:rows],
        data.y[:rows],
        start_of(options, network),
        learning_rate=options.learning_rate,
        **shared(options),
    )
    if options.save:
        run.save(options.save, data, finite=False)
    show(training_report(run, data), options.json, beside=bool(files))
    if options.plot:
        _draw(run, files["--plot"])
    if run.status == "ok":
        return 0
    rate = f"{run.learning_rate / 10:.1g}"
    tell(f"fastnn: training diverged in epoch {run.diverged}; try a smaller --learning-rate, such as {rate}")
    return 1


def _refuse_picture(path: Path) -> None:
    """Refuse, before the work, a picture that could not be drawn after it."""
    from fastnn.plotting.canvas import refuse_ending
    from fastnn.plotting.library import need_matplotlib

    need_matplotlib()
    refuse_ending(path, "--plot")


def _draw(run: fastnn.Training, path: Path) -> None:
    from fastnn import plotting

    figure, ax = plotting.new_figure()
    plotting.loss_curves(run, ax)
    published(path, lambda beside: plotting.save(figure, beside))


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

"""What the commands about the report do: ``fastnn studies``, ``fastnn compare``, ``fastnn tutorial``."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from fastnn import studies as studies_
from fastnn.checking import InputError
from fastnn.comparing import Comparison, compare
from fastnn.comparing.comparison import installed_backends
from fastnn.datasets import Dataset
from fastnn.network import Network
from fastnn.reports import Report, grouped
from fastnn.studies.report import NETWORK
from fastnn.study_reports import comparison_report, studies_report

__all__ = ["run_comparison", "run_studies"]

NETWORKS, QUICK_NETWORKS = 10_000, 500
KERAS_EPOCHS, QUICK_KERAS_EPOCHS = 5, 2


def run_studies(options: Namespace, data: Dataset) -> Report:
    """Retell the report; say before how long it will take."""
    if options.quick and options.networks is not None:
        raise InputError(
            f"--quick chooses the number of starts; got --networks {options.networks} as well. Leave one out."
        )
    networks = options.networks or (QUICK_NETWORKS if options.quick else NETWORKS)
    experiment = studies_.Experiment(
        data, networks=networks, seed=options.seed, engine=options.engine, workers=options.workers
    )
    seconds = experiment.estimate()
    starts = f"{grouped(networks)} starts for each of {len(studies_.lines.MAKERS)} lines"
    threads = f"{experiment.threads} thread{'' if experiment.threads == 1 else 's'}"
    print(f"{starts}: about {_duration(seconds)} on {threads}", file=sys.stderr)
    found = studies_.run(experiment, False if options.no_progress else None)
    comparison = _keras_beside(data, options.quick)
    return studies_report(found, comparison, {})


def run_comparison(options: Namespace, data: Dataset, network: Network, start: Any) -> Report:
    """Train the same in fastnn and in Keras."""
    found = compare(
        network,
        data,
        start,
        learning_rate=options.learning_rate,
        epochs=options.epochs,
        told=lambda name: print(f"training with {name}", file=sys.stderr),
    )
    return comparison_report(found)


def _keras_beside(data: Dataset, quick: bool) -> Comparison:
    """K1, with few epochs, as Keras takes up to two seconds for one; with one backend if it must be quick."""
    backends = installed_backends()
    if backends:
        print(f"and Keras on {' and '.join(backends[:1] if quick else backends)}", file=sys.stderr)
    epochs = QUICK_KERAS_EPOCHS if quick else KERAS_EPOCHS
    return compare(
        NETWORK,
        data,
        epochs=epochs,
        backends=backends[:1] if quick else None,
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

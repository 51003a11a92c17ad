"""The commands about the report: ``fastnn studies``, ``fastnn compare`` and ``fastnn tutorial``."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from fastnn import comparing
from fastnn import studies as studies_
from fastnn.checking import InputError
from fastnn.commands import DONE, FAILED
from fastnn.commands.choice_options import training_of
from fastnn.commands.data_options import data_of
from fastnn.commands.options import network_for, starting_at
from fastnn.commands.output import output_files, show
from fastnn.commands.proben1 import studied_sets
from fastnn.commands.reports import Report
from fastnn.commands.study_reports import comparison_report, studies_report
from fastnn.comparing import Comparison
from fastnn.core.network import Network
from fastnn.data.datasets import Dataset
from fastnn.files import publish_together
from fastnn.models.keras import installed_backends
from fastnn.showing.lettering import counted
from fastnn.studies import Experiment, Studies
from fastnn.studies.lines import MAKERS
from fastnn.studies.report import NETWORK
from fastnn.system.paths import folder_given
from fastnn.system.progress import Bar
from fastnn.system.telling import is_terminal, say, tell

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare", "studies", "tutorial"]

NETWORKS, QUICK_NETWORKS = 10_000, 500
TABLES = ("claims", "outcomes", "rows", "keras")
KERAS_EPOCHS, QUICK_KERAS_EPOCHS = 5, 2


def studies(options: Namespace) -> int:
    """``fastnn studies``: write the tables, then draw the page, then print the report."""
    if options.proben1 is not None:
        return studied_sets(options)
    report, code = _run_studies(options, data_of(options))
    show(report, options.json, beside=options.out is not None)
    return code


def compare(options: Namespace) -> int:
    """``fastnn compare``."""
    data = data_of(options)
    network = network_for(options, data)
    report = _run_comparison(options, data, network, starting_at(options, network))
    show(report, options.json)
    return 0


def tutorial(options: Namespace) -> int:
    """``fastnn tutorial``."""
    file = output_files({"--out": options.out}, new=True)["--out"]
    text = _tutorial_notebook(options)
    publish_together({file: lambda path: path.write_text(text, encoding="utf-8")})
    say(f"notebook {options.out}")
    return 0


def _run_studies(options: Namespace, data: Dataset) -> tuple[Report, int]:
    """Run the studies, and return their report and the exit code."""
    if options.quick and options.networks is not None:
        raise InputError(
            f"--quick chooses the number of starts; got --networks {options.networks} as well. Leave one out."
        )
    networks = options.networks
    if networks is None:
        networks = QUICK_NETWORKS if options.quick else NETWORKS
    experiment = studies_.Experiment(
        data, networks=networks, seed=options.seed, engine=options.engine, workers=options.workers
    )
    if options.out is None:
        return studies_report(*_studied(experiment, options), {}), DONE
    from fastnn.commands.pages import publish_page
    from fastnn.plotting.library import need_matplotlib_installed
    from fastnn.reporting import published_folder, published_list
    from fastnn.reporting.studies_page import studies_page

    need_matplotlib_installed()
    out = folder_given(options.out, "--out")
    with published_folder(out) as folder:
        found, comparison = _studied(experiment, options)
        for name, table in _tables(found, comparison).items():
            table.to_csv(folder / f"{name}.csv", index=False)
    beside = published_list(out)
    page, code = publish_page(out, lambda: studies_page(found, comparison), beside)
    tables = {"tables": ", ".join(str(out / f"{name}.csv") for name in TABLES)}
    if code == FAILED:
        tell(f"fastnn: the page {page['page']}")
    return studies_report(found, comparison, tables | page), code


def _studied(experiment: Experiment, options: Namespace) -> tuple[Studies, Comparison]:
    """Say how long the studies will take, and run them."""
    seconds = experiment.estimate()
    starts = f"{counted(experiment.networks, 'start')} for each of {len(MAKERS)} lines"
    tell(f"{starts}: about {_duration(seconds)}")
    found = studies_.run(experiment, False if options.no_progress else None)
    return found, _keras_beside(experiment.data, options.quick)


def _tables(found: Studies, comparison: Comparison) -> dict[str, pd.DataFrame]:
    tables = (found.claims(), found.outcomes(), found.by_rows(), comparison.frame())
    return dict(zip(TABLES, tables, strict=True))


def _run_comparison(options: Namespace, data: Dataset, network: Network, start: Any) -> Report:
    """Train the same network in fastnn and in another library."""
    found = comparing.compare(
        network,
        data,
        start,
        learning_rate=options.learning_rate,
        epochs=options.epochs,
        library=options.library,
        **training_of(options),
        told=lambda name: tell(f"training with {name}"),
    )
    return comparison_report(found)


def _tutorial_notebook(options: Namespace) -> str:
    """Run the tutorial, and return it as an executed notebook."""
    from fastnn import tutorial

    tutorial.need_libraries()
    tutorial.script(options.networks)  # refuses an invalid number of starts
    tell(f"running the tutorial with {counted(options.networks, 'start')}")
    bar: Bar | None = None

    def told(done: int, cells: int) -> None:
        nonlocal bar
        if bar is None and is_terminal(sys.stderr):
            bar = Bar(cells, unit=" cells")
        if bar is not None:
            bar.reach(done)

    try:
        return tutorial.notebook(options.networks, told=told)
    finally:
        if bar is not None:
            bar.close()


def _keras_beside(data: Dataset, quick: bool) -> Comparison:
    """Compare with Keras for K1, over few epochs of up to two seconds each; `quick` uses one backend."""
    backends = installed_backends()
    if backends:
        tell(f"and Keras on {' and '.join(backends[:1] if quick else backends)}")
    epochs = QUICK_KERAS_EPOCHS if quick else KERAS_EPOCHS
    return comparing.compare(
        NETWORK,
        data,
        epochs=epochs,
        backends=backends[:1] if quick else None,
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

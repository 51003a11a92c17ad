"""``fastnn sweep``."""

from __future__ import annotations

import warnings
from argparse import Namespace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import fastnn
from fastnn.checking import InputError, finite_number, needing
from fastnn.commands import DONE, FAILED, INTERRUPTED
from fastnn.commands.choice_options import TABLES, choices_of, penalties_of
from fastnn.commands.data_options import data_of
from fastnn.commands.options import networks_for, shared, start_of
from fastnn.commands.output import as_json
from fastnn.commands.pages import publish_page
from fastnn.commands.parsing import numbers, whole_numbers
from fastnn.commands.reports import sweep_report, written_lines
from fastnn.commands.reproducing import train_command
from fastnn.commands.stopping_options import divided_data, stopping_asked
from fastnn.core.network import Network
from fastnn.data.datasets import Dataset
from fastnn.reporting import published_folder, published_list, sweep_page
from fastnn.showing.lettering import counted, grouped
from fastnn.sweeping.store import parquet
from fastnn.system.interrupting import undisturbed
from fastnn.system.paths import folder_given
from fastnn.system.telling import give, say, tell
from fastnn.training.statuses import OK

__all__ = ["sweep"]

KEPT_CURVES = 256 << 20  # bytes: a sweep keeps loss curves up to this size for its page


def sweep(options: Namespace) -> int:
    """``fastnn sweep``: write the table, then print the report, then draw the page."""
    whole = data_of(options)
    data, further = divided_data(options, whole)
    networks = networks_for(options, data)
    _check_sweep(options)
    with warnings.catch_warnings(), published_folder(options.out) as folder:
        warnings.simplefilter("ignore", RuntimeWarning)  # failures are listed below
        found = _swept(options, networks, data, further)
        quick = found.interrupted and found.store is not None
        with undisturbed():
            written = {} if quick else _write_table(found, folder, options)
    if quick:
        # The report reads every network, so that the program would end minutes after Ctrl-C.
        _print_interrupted(found, options)
        return _ended(found, options, DONE)
    report = sweep_report(found, data)
    if not options.json:
        say(f"{report.text}\n")
    page, code = _write_page(found, data, options, train_command(options, whole))
    if options.json:
        give(as_json(report.values | {"written": written | page}))
    else:
        say("\n".join(written_lines(written if code == FAILED else written | page)))
    if code == FAILED:
        tell(f"fastnn: the page {page['page']}")
    if len(found) and not report.values["status"][OK]:
        rates, advice = found.grid["learning_rate"].values, "smaller numbers in the data, or a smaller most="
        if rates[0] is not None:
            advice = f"a smaller --learning-rate, such as {min(rates) / 10:.1g}"
        tell(f"fastnn: all networks diverged; try {advice}")
        code = FAILED
    return _ended(found, options, code)


def _print_interrupted(found: fastnn.Sweep, options: Namespace) -> None:
    if options.json:
        give(as_json({"networks": len(found), "of": found.grid.total, "interrupted": True}))
    else:
        say(f"{counted(len(found), 'network')} of {grouped(found.grid.total)}, interrupted")


def _ended(found: fastnn.Sweep, options: Namespace, code: int) -> int:
    """Tell what is missing, and return the exit code: the page's `code`, unless networks are missing."""
    for failure in found.failures:
        tell(f"fastnn: could not be done: {failure}")
    if len(found) < found.grid.total:
        tell(f"fastnn: {_how_to_go_on(options.store)}")
    if found.interrupted:
        return INTERRUPTED
    return code or (FAILED if len(found) < found.grid.total else DONE)


def _swept(
    options: Namespace, networks: list[Network], data: Dataset, further: Dataset | None
) -> fastnn.Sweep:
    rates = None if options.learning_rate is None else numbers(options.learning_rate, "--learning-rate")
    rows = [data.rows] if options.rows is None else whole_numbers(options.rows, "--rows")
    chosen: dict[str, Any] = {
        table.noun: [one for some in choices_of(getattr(options, table.noun), table) for one in some.each()]
        for table in TABLES
        if getattr(options, table.noun) is not None
    }
    sizes = None if options.batch_size is None else whole_numbers(options.batch_size, "--batch-size")
    penalties = penalties_of(options)
    cells = (
        prod(map(len, [networks, *chosen.values(), *penalties.values()]))
        * len(sizes or [1])
        * len(rates or [1])
        * len(rows)
    )
    curves = 8 * options.networks * cells * options.epochs
    return fastnn.sweep(
        networks,
        data,
        networks=options.networks,
        start=start_of(options.start),
        **chosen,
        **penalties,
        batch_size=sizes,
        learning_rate=rates,
        rows=rows,
        sample_weight=data.weights,
        workers=options.workers,
        progress=not options.no_progress,
        store=options.store,
        curves=options.store is None and curves <= KEPT_CURVES if options.curves is None else options.curves,
        executor=_executor(options),
        on_divergence=options.on_divergence,
        validation=further,
        **stopping_asked(options),
        **shared(options),
    )


def _check_sweep(options: Namespace) -> None:
    """Check the options that only the command line has, before the work begins."""
    options.out = folder_given(options.out, "--out")
    if options.claim is not None:
        finite_number(options.claim, "--claim")
    if options.store is None:
        if options.curves is not None:
            raise InputError(
                "--curves needs a place for them; got no --store. Name a folder: --store FOLDER."
            )
        return
    options.store = folder_given(options.store, "--store")
    store, out = options.store.resolve(), options.out.resolve()
    if store.is_relative_to(out):
        raise InputError(
            f"--store must not lie in --out, whose files are replaced; got {options.store} in {options.out}. "
            "Name two folders side by side."
        )
    if out.is_relative_to(store):
        raise InputError(
            f"--out must not lie in --store, a folder of its own; got {options.out} in {options.store}. "
            "Name two folders side by side."
        )


def _how_to_go_on(store: Path | None) -> str:
    if store is None:
        return "what was not reached is lost; with --store FOLDER a sweep can go on where it was stopped"
    return f"what is finished is in {store}; run the same command again to go on"


def _executor(options: Namespace) -> Any:
    if options.processes is not None and options.dask is not None:
        raise InputError("--processes and --dask exclude each other; got both. Leave one out.")
    if options.dask is None:
        return options.processes
    if not options.dask:
        raise InputError(f"--dask must be an address; got {options.dask!r}. Write it like tcp://HOST:8786.")
    with needing("--dask needs Dask", "dask"):
        from distributed import Client
    return partial(Client, options.dask)


def _write_page(
    found: fastnn.Sweep, data: Dataset, options: Namespace, command: str
) -> tuple[dict[str, str], int]:
    if not len(found):
        return {"page": "left out: no network was finished"}, DONE
    beside = published_list(options.out) if found.store is None else None
    return publish_page(
        options.out, lambda: sweep_page(found, data, claim=options.claim, train_command=command), beside
    )


def _write_table(found: fastnn.Sweep, folder: Path, options: Namespace) -> dict[str, str]:
    if found.store is not None:
        return {"table": str(options.store / "shards" / "*.parquet"), "digest": found.digest()}
    frame = found.frame()
    if parquet.is_installed():
        parquet.write_frames([frame], folder / "sweep.parquet")
        return {"table": str(options.out / "sweep.parquet")}
    frame.to_csv(folder / "sweep.csv", index=False)
    return {"table": str(options.out / "sweep.csv")}

"""What the commands of the command line do with their checked options."""

from __future__ import annotations

import shlex
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import fastnn
from fastnn.checking import InputError, finite_number
from fastnn.csv_files import columns_of_csv, content_of, existing_file
from fastnn.datasets import Dataset
from fastnn.engines import kernel_files
from fastnn.explaining.document import Document, together
from fastnn.explaining.explanation import Explanation, RunningCode
from fastnn.explaining.motion import motion
from fastnn.initial import Start
from fastnn.network import Network
from fastnn.option_values import numbers, whole_numbers
from fastnn.output import as_json, published, published_together
from fastnn.progress import grouped
from fastnn.publishing import file_to_write
from fastnn.reporting import need_libraries, published_folder, sweep_page
from fastnn.reports import prediction_report, sweep_report, training_report
from fastnn.store_commands import store

__all__ = [
    "cache",
    "code",
    "compare",
    "explain",
    "predict",
    "store",
    "studies",
    "sweep",
    "train",
    "tutorial",
]


def cache(options: Namespace) -> int:
    """``fastnn cache``."""
    place = kernel_files.folder()
    if place is None:
        print(f"no kernels are kept on disk: {kernel_files.VARIABLE}=0, or there is no home folder")
        return 0
    sizes = kernel_files.held().values()
    megabytes = f"{sum(sizes) / 1e6:.1f} MB"
    if options.action == "clear":
        print(f"{kernel_files.clear()} kernels removed, {megabytes}, from {place}")
    else:
        print(f"{len(sizes)} kernels, {megabytes}, in {place}")
    return 0


KEPT_CURVES = 256 << 20  # bytes: the loss curves of a sweep that are kept for its page


def code(options: Namespace) -> int:
    """``fastnn code``."""
    layers = options.layers or "2,2,1"
    print(fastnn.code(_network(options, layers), options.engine, options.dtype), end="")
    return 0


def explain(options: Namespace) -> int:
    """``fastnn explain``."""
    network = _network(options, "2,2,1")
    new_files = _new_files({"--csv": options.csv, "--out": options.out})
    explanation = fastnn.explain(network, compact=options.compact)
    _refuse_unused(options)
    parts: list[Document] = [explanation]
    writers: dict[Path, Callable[[Path], object]] = {}
    if not options.compact:
        given = _step_arguments(options, network)
        parts.append(step := explanation.step(*given))
        parts += _proof(explanation)
        if options.slip:
            parts.append(explanation.slip(*given))
        if options.csv:
            writers[new_files["--csv"]] = lambda path: step.frame().to_csv(path, index=False)
    parts.append(RunningCode(explanation))
    page = _explained(parts, options)
    if options.out:
        writers[new_files["--out"]] = lambda path: path.write_text(page, encoding="utf-8")
    published_together(writers)
    if not options.out:
        print(page, end="")
    return 0


def train(options: Namespace) -> int:
    """``fastnn train``."""
    data = _data(options)
    network = _network(options, f"{data.X.shape[1]},2,1")
    rows = _row_count(options.rows, data)
    if options.save:
        file_to_write(options.save, "--save")  # better refused now than after the work
    run = fastnn.train(
        network,
        data.X[:rows],
        data.y[:rows],
        _start(options, network),
        learning_rate=options.learning_rate,
        **_shared(options),
    )
    if options.save:
        run.save(options.save, data)
    if options.plot:
        from fastnn import plotting

        figure, ax = plotting.new_figure()
        plotting.loss_curves(run, ax)
        published(Path(options.plot), lambda path: plotting.save(figure, path))
    report = training_report(run, data)
    print(as_json(report.values) if options.json else report.text)
    return 0


def predict(options: Namespace) -> int:
    """``fastnn predict``."""
    run = fastnn.Training.load(options.file)
    if run.scaling is None:
        raise InputError(
            f"{options.file} must hold the names and the scaling of its data; got a network alone. "
            "Save it with fastnn train --save, or with run.save(path, data)."
        )
    file = existing_file(options.data, "--data")
    rows = run.scaling.of_columns(columns_of_csv(content_of(file), file.name, run.scaling.inputs))
    predictions = run.scaling.invert(run.predict(rows))
    report = prediction_report(run, run.scaling.targets, predictions)
    print(as_json(report.values) if options.json else report.text)
    return 0


def sweep(options: Namespace) -> int:
    """``fastnn sweep``."""
    data = _data(options)
    network = _network(options, f"{data.X.shape[1]},2,1")
    _check_sweep(options)
    with published_folder(options.out) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what could not be done is listed below
        found = _swept(options, network, data)
        if found.interrupted and found.store is not None:
            written = None
        else:
            written = _write(found, data, folder, options)
    if written is None:
        # The report looks at every network: the answer to Ctrl-C would come minutes later.
        counts = {"networks": len(found), "of": found.grid.total, "interrupted": True}
        text = f"{grouped(len(found))} networks of {grouped(found.grid.total)}, interrupted"
        print(as_json(counts) if options.json else text)
    else:
        report = sweep_report(found, data, written)
        print(as_json(report.values) if options.json else report.text)
    for failure in found.failures:
        print(f"fastnn: could not be done: {failure}", file=sys.stderr)
    if len(found) < found.grid.total:
        print(f"fastnn: {_how_to_go_on(options.store)}", file=sys.stderr)
    return 130 if found.interrupted else int(len(found) < found.grid.total)


def _swept(options: Namespace, network: Network, data: Dataset) -> fastnn.Sweep:
    rates = numbers(options.learning_rate, "--learning-rate")
    rows = [data.rows] if options.rows is None else whole_numbers(options.rows, "--rows")
    curves = 8 * options.networks * len(rates) * len(rows) * options.epochs
    return fastnn.sweep(
        network,
        data.X,
        data.y,
        networks=options.networks,
        initial=_initial(options.initial),
        learning_rate=rates,
        rows=rows,
        workers=options.workers,
        progress=not options.no_progress,
        store=options.store,
        curves=options.curves or (options.store is None and curves <= KEPT_CURVES),
        executor=_executor(options),
        on_divergence=options.on_divergence,
        **_shared(options),
    )


def _check_sweep(options: Namespace) -> None:
    """Refuse, before the work begins, what only the command line asks for."""
    if options.claim is not None:
        finite_number(options.claim, "--claim")
    if options.store is None:
        if options.curves is not None:
            raise InputError(
                "--curves needs a place for them; got no --store. Name a folder: --store FOLDER."
            )
    elif Path(options.store).resolve().is_relative_to(Path(options.out).resolve()):
        raise InputError(
            f"--store must not lie in --out, whose files are replaced; got {options.store} in {options.out}. "
            "Name two folders side by side."
        )


def _how_to_go_on(store: str | None) -> str:
    if store is None:
        return "what was not reached is lost; with --store FOLDER a sweep can go on where it was stopped"
    return f"what is finished is in {store}; run the same command again to go on"


def _executor(options: Namespace) -> Any:
    if options.processes is not None and options.dask is not None:
        raise InputError("--processes and --dask exclude each other; got both. Leave one out.")
    if options.dask is None:
        return options.processes
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            '--dask needs Dask; it is not installed. Run: pip install "fastnn-sweep[dask]"'
        ) from None
    return partial(Client, options.dask)


def studies(options: Namespace) -> int:
    """``fastnn studies``."""
    from fastnn.study_commands import run_studies

    report = run_studies(options, _data(options))
    print(as_json(report.values) if options.json else report.text)
    return 0


def compare(options: Namespace) -> int:
    """``fastnn compare``."""
    from fastnn.study_commands import run_comparison

    data = _data(options)
    network = _network(options, f"{data.X.shape[1]},2,1")
    report = run_comparison(options, data, network, _start(options, network))
    print(as_json(report.values) if options.json else report.text)
    return 0


def tutorial(options: Namespace) -> int:
    """``fastnn tutorial``."""
    from fastnn.study_commands import write_tutorial

    file = _new_files({"--out": options.out})["--out"]
    text = write_tutorial(options)
    published(file, lambda path: path.write_text(text, encoding="utf-8"))
    print(f"notebook {file}")
    return 0


def _network(options: Namespace, layers: str) -> Network:
    hidden = options.hidden.split(",") if "," in options.hidden else options.hidden
    return Network(whole_numbers(options.layers or layers, "--layers"), hidden, options.output)


def _shared(options: Namespace) -> dict[str, Any]:
    """The options that `fastnn.train` and `fastnn.sweep` take alike."""
    return {name: getattr(options, name) for name in ("epochs", "engine", "dtype", "shuffle", "seed")}


def _data(options: Namespace) -> Dataset:
    columns = {"inputs": options.inputs and options.inputs.split(","), "target": options.target}
    given = {name: value for name, value in columns.items() if value}
    if options.data == "generated":
        frame = fastnn.generate_train_data()
        columns = {"inputs": ["n1", "n2"], "target": "n3"} | given
        return Dataset.from_frame(frame, **columns, source="generate_train_data()")
    if options.data in ("insurance", "simulated"):
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always")
            data = fastnn.load_insurance(simulated=options.data == "simulated", **given)
        for note in notes:
            print(f"note: {note.message}", file=sys.stderr)
        return data
    if len(given) < 2:
        raise InputError(
            f"--data with a file needs --inputs and --target; got {options.data} alone. "
            "Name its columns, such as --inputs age,bmi --target charges."
        )
    return fastnn.load_csv(options.data, **given)


def _row_count(rows: int | None, data: Dataset) -> int | None:
    return None if rows is None else fastnn.checking.whole_number(rows, "--rows", 1, data.rows)


def _start(options: Namespace, network: Network) -> Any:
    """Where `fastnn train` begins: at numbers, or as one of the networks of a sweep."""
    if options.parameters:
        return numbers(options.parameters, "--parameters")
    return _initial(options.initial).draw(network, [options.network], options.seed)[0]


def _step_arguments(options: Namespace, network: Network) -> tuple[Any, Any, Any, float]:
    """Parameters, x, y and learning rate of the step that ``fastnn explain`` shows."""
    parameters = fastnn.initial.DEFAULT_START.draw(network, [0], 0)[0]
    if options.parameters:
        parameters = numbers(options.parameters, "--parameters")
    inputs, outputs = network.n_inputs, network.n_outputs
    row = [round(i / (inputs + 1), 2) for i in range(1, inputs + 1)]
    row += [round(k / (outputs + 1), 2) for k in range(1, outputs + 1)]
    if options.row:
        row = numbers(options.row, "--row")
    if len(row) != inputs + outputs:
        raise InputError(
            f"--row must hold {inputs} inputs and then {outputs} targets for {network!r}; "
            f"got {len(row)} numbers. Give {inputs + outputs}, separated by commas."
        )
    return parameters, row[:inputs], row[inputs:], _rate(options)


def _refuse_unused(options: Namespace) -> None:
    """Refuse options of ``fastnn explain`` that would have no effect beside the others."""

    def given(*names: str) -> list[str]:
        values = {name: getattr(options, name) for name in names}
        return [f"--{name.replace('_', '-')}" for name, value in values.items() if value not in (None, False)]

    of_the_step = given("parameters", "row", "learning_rate", "csv", "slip", "motion")
    if options.compact and of_the_step:
        raise InputError(
            "--compact gives the equations and the code alone, without the numbers of a step; "
            f"got {of_the_step[0]} as well. Leave one of the two out."
        )
    if options.motion and options.format != "html":
        raise InputError(
            f"--motion needs a page that runs in a browser; got --format {options.format}. "
            "Give --format html as well."
        )
    of_the_motion = given("data", "inputs", "target")
    if of_the_motion and not options.motion:
        raise InputError(
            f"{of_the_motion[0]} needs --motion, which trains on these data; got it alone. "
            "Give --motion as well, or the row of the step by --row."
        )


def _proof(explanation: Explanation) -> list[Document]:
    """The proof, or a note that says what to install for it."""
    try:
        return [explanation.proof()]
    except InputError as missing:
        print(f"note: {missing}", file=sys.stderr)
        return []


def _explained(parts: list[Document], options: Namespace) -> str:
    """All parts in the format asked for."""
    document = together(parts)
    if not options.motion:
        return str(getattr(document, options.format)())
    network = document.derivation.network
    options.data = options.data or "generated"
    data = _data(options)
    starts = None
    if options.parameters:
        starts = {"as given": numbers(options.parameters, "--parameters")}
    return document.html(motion(network, data.X, data.y, starts, learning_rate=_rate(options)))


def _rate(options: Namespace) -> float:
    return 0.005 if options.learning_rate is None else float(options.learning_rate)


def _initial(text: str) -> Start:
    """The start that ``normal:0,1.5`` and the like name."""
    name, _, settings = text.partition(":")
    makers: dict[str, Callable[..., Start]] = {
        maker.__name__: maker
        for maker in (fastnn.constant, fastnn.glorot, fastnn.he, fastnn.normal, fastnn.uniform)
    }
    values = numbers(settings, "--initial") if settings else []
    try:
        return makers[name](*values)
    except (KeyError, TypeError):
        raise InputError(
            "--initial must be normal:MEAN,SD, uniform:LOW,HIGH, he, glorot or constant:VALUE; "
            f"got {text!r}. Give one of these, such as normal:0,1.5."
        ) from None


def _new_files(named: dict[str, str | None]) -> dict[str, Path]:
    """The output files by their options, refused before the work begins where one is there already."""
    files = {option: Path(name) for option, name in named.items() if name}
    for option, path in files.items():
        if path.exists() or path.is_symlink():
            raise InputError(
                f"{option} must name a new file; got {path}, which exists. Name another one, or remove it."
            )
        if not path.parent.is_dir():
            raise InputError(
                f"{option} must name a file in a folder that exists; got {path}. Make the folder first."
            )
    if len({path.resolve() for path in files.values()}) < len(files):
        raise InputError(f"{' and '.join(files)} must name different files; got {path} twice. Rename one.")
    return files


def _write(found: fastnn.Sweep, data: Dataset, folder: Path, options: Namespace) -> dict[str, str]:
    """Write the table and the page; return what was written, or what to install for it."""
    written = _write_table(found, folder, options)
    if found.interrupted:
        return written | {"page": "left out: the sweep was interrupted"}
    try:
        need_libraries()
    except InputError as missing:
        return written | {"page": str(missing)}
    sweep_page(found, data, claim=options.claim, train_command=_train_command(options)).write(folder)
    return written | {"page": str(Path(options.out, "index.html"))}


def _write_table(found: fastnn.Sweep, folder: Path, options: Namespace) -> dict[str, str]:
    if found.store is not None:
        return {"table": str(found.store / "shards" / "*.parquet"), "digest": found.digest()}
    frame = found.frame()
    try:
        import pyarrow as _  # noqa: F401

        frame.to_parquet(folder / "sweep.parquet", index=False)
        return {"table": str(Path(options.out, "sweep.parquet"))}
    except ImportError:
        frame.to_csv(folder / "sweep.csv", index=False)
        return {"table": str(Path(options.out, "sweep.csv"))}


def _train_command(options: Namespace) -> str:
    """The command line of ``fastnn train`` for the networks of a sweep, but for which of them."""
    named = ("data", "inputs", "target", "layers", "hidden", "output", "initial", "seed", "epochs", "dtype")
    words = [f"--{name}={value}" for name in named if (value := getattr(options, name)) is not None]
    return shlex.join(["fastnn", "train", *words, *(["--shuffle"] if options.shuffle else [])])

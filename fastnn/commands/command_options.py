"""The options of each command, and their texts for ``--help``."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn.commands.choice_options import TABLES, add_choice, add_library, add_penalties, add_training
from fastnn.commands.data_options import add_data, add_reading
from fastnn.commands.parsing import number, whole
from fastnn.commands.rule_options import (
    add_batch_size,
    add_dtype,
    add_engine,
    add_network,
    add_rule,
    add_weighted,
)
from fastnn.commands.stopping_options import add_stopping
from fastnn.core.rule import WITHIN

__all__ = ["OPTIONS"]

START = "normal:0,1.5"


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Train one network; print its weights and biases, its loss, R² and MAPE; for classes its accuracy, "
        "log-loss and F1."
    )
    add_network(parser)
    add_data(parser)
    group = parser.add_argument_group("training")
    _add_number(group)
    _add_training(group, "; the file of a saved network to go on from, with all that is left out")
    add_training(group, TABLES)
    add_batch_size(group, None)
    _add_rate_of_the_optimizer(group)
    group.add_argument("--rows", type=whole, metavar="N", help="train on the first N rows; default all")
    add_stopping(group)
    output = parser.add_argument_group("output")
    output.add_argument("--plot", metavar="FILE", help="draw the loss of every epoch (.png, .svg, .pdf)")
    output.add_argument("--save", metavar="FILE", help="save the network, for `fastnn predict`")
    _add_json(output)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Predict new rows, in their own units, with a network that `fastnn train --save FILE` saved; "
        "print the predictions as CSV, one line for each row."
    )
    parser.add_argument("file", metavar="FILE", help="the file of a saved network")
    parser.add_argument("--data", required=True, metavar="FILE", help="a table with the input columns")
    add_reading(parser.add_argument_group("format of the table, if it cannot be recognised"))
    _add_json(parser)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Train many networks from different starts, over a grid of settings. "
        "Print how they ended, write a table with one line for each network, and write a page to look at, "
        "FOLDER/index.html, which opens in any browser. The page's pictures and their data are files beside "
        "it. FOLDER must be new, empty, or the output of an earlier sweep, which is replaced."
    )
    add_network(parser, several=True)
    add_data(parser)
    group = parser.add_argument_group("sweep")
    _add_networks(group)
    _add_training(group)
    for table in TABLES:
        add_choice(group, table, several=True)
    add_penalties(group)
    group.add_argument("--batch-size", metavar="B,..", help="rows of a batch; default 1, for irprop- all")
    group.add_argument(
        "--learning-rate",
        metavar="RATE,..",
        help="default that of the optimizer, 0.005 for sgd; "
        "ranges: log:1e-4..1:5 (equal ratios), lin:0.01..0.05:5 (equal distances)",
    )
    group.add_argument("--rows", metavar="N,..", help="train on the first N rows; default all; also ranges")
    add_stopping(group)
    group.add_argument(
        "--on-divergence", default="record", choices=("record", "raise"), help="raise stops at the first one"
    )
    group = parser.add_argument_group("workers")
    _add_workers(group)
    group.add_argument("--processes", type=whole, metavar="N", help="use N processes instead of threads")
    group.add_argument("--dask", metavar="ADDRESS", help="use the workers of this Dask scheduler instead")
    output = parser.add_argument_group("output")
    output.add_argument("--store", metavar="FOLDER", help="write results here as they come; resume a sweep")
    output.add_argument("--curves", type=whole, metavar="K", help="with --store: the loss of every Kth epoch")
    output.add_argument("--out", default="fastnn-sweep", metavar="FOLDER", help="default fastnn-sweep")
    output.add_argument("--claim", type=number, metavar="LOSS", help="a reported loss, for comparison")
    _add_no_progress(output)
    _add_json(output)


def _add_studies(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Repeat the classroom report from which fastnn grew: each line was one run, and is trained here from "
        "thousands of starts. Print the report's figures beside the distributions, with verdicts and reasons."
    )
    add_data(parser)
    group = parser.add_argument_group("studies")
    group.add_argument(
        "--networks", type=whole, metavar="M", help="starts for each line; default 10000, with --proben1 60"
    )
    group.add_argument(
        "--proben1",
        nargs="+",
        metavar="FILE",
        help="instead of the report: published errors of these Proben1 sets (cancer1.dt, ...), beside ours",
    )
    group.add_argument("--quick", action="store_true", help="a first look: 500 starts for each line")
    group.add_argument("--seed", type=whole, default=0, metavar="N", help="seed of the starts; default 0")
    add_engine(group)
    _add_workers(group)
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="FOLDER", help="write a page with pictures and tables; default none")
    _add_no_progress(output)
    _add_json(output)


def _add_tutorial(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write the report's story, from one run to ten thousand, as an executed Jupyter notebook. It uses "
        "your copy of the insurance data (FASTNN_DATA), or else the embedded stand-in."
    )
    _add_networks(parser)
    parser.add_argument(
        "--out", default="fastnn-tutorial.ipynb", metavar="FILE", help="default fastnn-tutorial.ipynb"
    )


def _add_compare(parser: argparse.ArgumentParser) -> None:
    said = "Train the same network from the same start on the same rows in the same order, here and there. "
    parser.description = f"{said}Print lines of code, seconds, weights, R² and MAPE."
    add_network(parser)
    add_data(parser)
    group = parser.add_argument_group("training")
    _add_number(group)
    _add_start(group)
    add_library(group)
    group.add_argument("--epochs", type=whole, default=10, metavar="E", help="default 10: Keras is slow")
    add_training(group)
    add_batch_size(group)
    _add_rate_of_the_optimizer(group)
    _add_json(parser.add_argument_group("output"))


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Explain backpropagation through a network: every equation, numbered, in the names of the "
        "parameters; every number of one training step on one row; a proof by sympy; the code that runs."
    )
    add_network(parser)
    group = parser.add_argument_group("the step")
    add_training(group)
    group.add_argument("--start", metavar="START", help="as for fastnn sweep; default its network 0")
    add_batch_size(group, None)
    group.add_argument(
        "--row",
        action="append",
        metavar="X1,..,Y1,..",
        help="inputs and targets; once for each row of a batch, where two rows are the default",
    )
    group.add_argument(
        "--coefficient",
        metavar="C,..",
        help="of rows with weights: how much each counts, its weight by the mean weight; default 1 each",
    )
    add_weighted(group)
    _add_rate_of_the_optimizer(group)
    parts = parser.add_argument_group("parts")
    parts.add_argument("--slip", action="store_true", help="also the step if each layer is updated too early")
    parts.add_argument("--compact", action="store_true", help="the equations in matrix notation, no step")
    parts.add_argument("--motion", action="store_true", help="also train the network in the page (html)")
    _add_weights_of_rows(parts)
    add_data(parser, "data for --motion; default generated")
    parser.set_defaults(data=None)
    output = parser.add_argument_group("output")
    output.add_argument("--format", default="text", choices=("text", "latex", "html"), help="default text")
    output.add_argument("--out", metavar="FILE", help="write to a new file instead of standard output")
    output.add_argument("--csv", metavar="FILE", help="write every number of the step to a new file")


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.description = "Look at, check or export a sweep that was written with --store."
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    info = actions.add_parser("info", help="print the sweep's settings and how many networks are done")
    verify = actions.add_parser("verify", help="read every byte and say what is damaged or missing")
    export = actions.add_parser("export", help="write the table, or a part of it, into one file")
    for action in (info, verify, export):
        action.add_argument("store", metavar="FOLDER")
    export.add_argument("file", metavar="FILE", help="ends in .parquet or .csv")
    export.add_argument("--columns", metavar="NAME,..", help="default all")
    export.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="TEST",
        help="such as 'loss<0.01' or 'status==ok'; may be given several times",
    )
    for action in (info, verify):
        _add_json(action)


def _add_code(parser: argparse.ArgumentParser) -> None:
    parser.description = "Print the source that an engine runs for a network, derived from its layers."
    add_rule(parser)
    add_engine(parser)


def _add_warmup(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Compile what training one or many such networks needs, and what networks of other sizes with the "
        "same activations begin with. Kernels are kept on the disk: once is enough."
    )
    add_rule(parser)
    add_engine(parser)


def _add_tune(parser: argparse.ArgumentParser) -> None:
    parser.description = "Try the forms of kernels and remember the fastest; FASTNN_TUNE=0 uses none."
    add_rule(parser)


def _add_cache(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Show the folder of the compiled kernels, their number and the fastest forms found; or remove all. "
        "FASTNN_CACHE=0 keeps none; FASTNN_CACHE=FOLDER keeps them in that folder."
    )
    parser.add_argument("action", nargs="?", default="show", choices=("show", "clear"), help="default show")


def _add_guide(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make the guide's pages from its texts and the docstrings; open them in the browser."
    parser.add_argument(
        "--out", metavar="FOLDER", help="the folder of the pages; default in the cache folder"
    )
    parser.add_argument(
        "--no-open", action="store_true", help="print the path of the pages, and open no browser"
    )


def _add_completion(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print a script with which your shell completes commands, options and file names. For bash: "
        'eval "$(fastnn completion bash)"; for zsh: fastnn completion zsh > FOLDER/_fastnn, with a folder of '
        "$fpath; for fish: fastnn completion fish > ~/.config/fish/completions/fastnn.fish."
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def _add_help(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("about", nargs="*", metavar="COMMAND", help="default all commands")


def _add_number(group: Any) -> None:
    group.add_argument("--network", type=whole, metavar="I", help="start as network I of a sweep; default 0")


def _add_start(group: Any, more: str = "") -> None:
    said = "normal:MEAN,SD uniform:LOW,HIGH he glorot constant:VALUE, or the numbers W1,..,B1,..; default "
    group.add_argument("--start", default=START, metavar="START", help=said + START + more)
    group.add_argument("--seed", type=whole, default=0, metavar="N", help="seed of the starts; default 0")


def _add_training(group: Any, more: str = "") -> None:
    _add_start(group, more)
    group.add_argument("--epochs", type=whole, default=300, metavar="E", help="default 300")
    group.add_argument("--shuffle", action="store_true", help="visit the rows in a new order every epoch")
    _add_weights(group)
    add_engine(group)
    add_dtype(group)


def _add_weights(group: Any) -> None:
    _add_weights_of_rows(group)
    said = "balanced, or what each class counts, such as rose=2,moss=0.5; default 1 each"
    group.add_argument("--class-weight", metavar="NAME=W,..", help=said)


def _add_weights_of_rows(group: Any) -> None:
    said = "column that says how much each row counts; it is no input"
    group.add_argument("--weights", metavar="NAME", help=said)
    said = "within what the weights count, by their mean; batch is scikit-learn's; default epoch"
    group.add_argument("--weights-within", default=WITHIN[0], choices=WITHIN, help=said)


def _add_rate_of_the_optimizer(group: Any) -> None:
    rate = "default that of the optimizer, 0.005 for sgd"
    group.add_argument("--learning-rate", type=number, metavar="RATE", help=rate)


def _add_networks(group: Any) -> None:
    group.add_argument("--networks", type=whole, default=10_000, metavar="M", help="starts; default 10000")


def _add_workers(group: Any) -> None:
    group.add_argument("--workers", type=whole, metavar="N", help="threads; default one for each processor")


def _add_no_progress(group: Any) -> None:
    group.add_argument("--no-progress", action="store_true", help="show no progress")


def _add_json(group: Any) -> None:
    group.add_argument("--json", action="store_true", help="print the results as JSON")


OPTIONS = {
    "train": _add_train,
    "predict": _add_predict,
    "sweep": _add_sweep,
    "studies": _add_studies,
    "tutorial": _add_tutorial,
    "compare": _add_compare,
    "explain": _add_explain,
    "store": _add_store,
    "code": _add_code,
    "warmup": _add_warmup,
    "tune": _add_tune,
    "cache": _add_cache,
    "guide": _add_guide,
    "completion": _add_completion,
    "help": _add_help,
}
"""For each command, the function that gives a parser its options."""

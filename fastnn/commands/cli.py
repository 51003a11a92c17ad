"""The command line: ``fastnn`` and ``python -m fastnn``.

Exit codes: 0 done; 1 could not be done (a file, memory), or all training
diverged; 2 refused what was asked for; 130 Ctrl-C;
143 SIGTERM, which is answered as Ctrl-C is.
An error is one line on standard error. Standard output carries the results alone. That it cannot be written
is an error where it is all that was asked for; beside results in files it is a note. A reader who leaves
early, as ``head`` does, had all that it wanted.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from fastnn.checking import InputError, OneSentenceError
from fastnn.commands import DONE, FAILED, INTERRUPTED, REFUSED, TERMINATED, command
from fastnn.commands.data_options import add_data, add_reading
from fastnn.commands.parsing import Parser, number, whole
from fastnn.commands.refusing import in_options
from fastnn.core.activations import ACTIVATIONS
from fastnn.engines import ENGINES
from fastnn.system.telling import drop_notes, note, settle, tell, tell_notes
from fastnn.version import __version__

__all__ = ["main"]

DESCRIPTION = "Train very small neural networks very fast: one of them, or thousands."

SELDOM = 50_000  # new objects, between two looks for garbage: libraries bring 200 000 that stay

EXAMPLES = """\
examples:
  fastnn sweep                         10 000 random starts of the 2-2-1 network
  fastnn sweep --learning-rate 0.005,0.05 --rows 30,1338    a grid of four cells
  fastnn sweep --networks 10000000 --store night    goes on where it was stopped
  fastnn train --network 4711          network 4711 of that sweep again, alone
  fastnn train --save model.npz        keep the network, with its scaling ...
  fastnn predict model.npz --data new.csv      ... and predict new rows
  fastnn train --parameters=1,1,1,1,1,1,1,1,1 --plot loss.png
  fastnn explain --layers 2,3,1        its backpropagation, and one step
  fastnn studies                       the report retold, 10 000 starts a line
  fastnn compare                       fastnn beside Keras
  fastnn tutorial                      the report's story as a notebook
  fastnn code --layers 2,3,1           the loop that runs
  fastnn guide                         all of this, told in a browser

`fastnn COMMAND --help` tells each command's options.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Without `arguments` the process is its own."""
    if arguments is None:
        _look_for_garbage_seldom()
    with _termination() as terminated:
        code = _run(arguments)
    if not settle() and code == DONE:
        code = _fail(FAILED, "standard output could not be written")
    if code == INTERRUPTED:
        # CPython remembers a KeyboardInterrupt that came while a text was run, of which a dataclass is made,
        # and would end by a signal instead of with this code. Running another text has it forgotten.
        eval("0")  # noqa: S307
    return TERMINATED if terminated and code == INTERRUPTED else code


def _look_for_garbage_seldom() -> None:
    """Let Python look for it seldom, and not at all when it ends: a fifth of a short command's time saved."""
    gc.set_threshold(SELDOM)
    atexit.register(gc.freeze)


@contextlib.contextmanager
def _termination() -> Iterator[list[int]]:
    """Have SIGTERM answered as Ctrl-C is; it is listed once it has come."""
    came: list[int] = []

    def interrupt(number: int, frame: object) -> NoReturn:
        came.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(arguments: Sequence[str] | None) -> int:
    drop_notes()
    options = argparse.Namespace(command=None)
    try:
        with _warnings_as_notes():
            options = _parser().parse_args(_asked(sys.argv[1:] if arguments is None else list(arguments)))
            return command(options.command)(options)
    except InputError as error:
        drop_notes()
        return _fail(REFUSED, in_options(str(error), options))
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "interrupted")
    except SystemExit as stop:  # argparse's, after --help or a complaint
        return int(stop.code or DONE)
    except (OneSentenceError, OSError, MemoryError, ArithmeticError) as error:
        return _fail(FAILED, in_options(str(error), options) or type(error).__name__)
    except Exception as error:
        if os.environ.get("FASTNN_DEBUG"):
            raise
        where = "a fault in fastnn (FASTNN_DEBUG=1 shows where)"
        return _fail(FAILED, f"{where}: {type(error).__name__}: {error}")


@contextlib.contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Have warnings told as short notes, without the lines of code that gave them."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *where: note(str(message))
        yield
    tell_notes()


def _fail(code: int, reason: object) -> int:
    tell(f"fastnn: {' '.join(str(reason).split())}")
    return code


def _parser() -> argparse.ArgumentParser:
    layout: Any = argparse.RawDescriptionHelpFormatter
    parser = Parser("fastnn", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=layout)
    parser.add_argument("-V", "--version", action="version", version=f"fastnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    train = commands.add_parser("train", help="train one network and print its weights and biases")
    _add_train(train)
    _add_predict(commands.add_parser("predict", help="predict new rows with a network that train saved"))
    _add_sweep(commands.add_parser("sweep", help="train many networks from different starts"), train)
    _add_tutorial(commands.add_parser("tutorial", help="write the report's story as an executed notebook"))
    _add_explain(commands.add_parser("explain", help="print the equations of backpropagation and a step"))
    _add_studies(commands.add_parser("studies", help="the classroom report with thousands of starts"))
    _add_compare(commands.add_parser("compare", help="the same training in fastnn and in Keras"))
    _add_store(commands.add_parser("store", help="look at, check or export a sweep on the disk"))
    _add_code(commands.add_parser("code", help="print the loop that runs, derived from the network"))
    _add_cache(commands.add_parser("cache", help="show or clear the compiled kernels on disk"))
    _add_guide(commands.add_parser("guide", help="open the guide in the browser"))
    _add_completion(commands.add_parser("completion", help="print what completes commands in your shell"))
    commands.choices["completion"].set_defaults(parser=parser)
    _add_help(commands.add_parser("help", help="print this, or the help of a command"))
    return parser


def _asked(words: list[str]) -> list[str]:
    """What to read: help where nothing is asked for; it is asked for in more ways than argparse knows."""
    if words[:1] == ["help"]:
        return [*words[1:], "--help"]
    if words in ([], ["store"]):
        return [*words, "--help"]
    if words[0].startswith("-") and words[0] not in ("-h", "--help", "-V", "--version"):
        raise InputError(
            f"fastnn must be given a command first; got {words[0]}. Write fastnn COMMAND {words[0]}."
        )
    return words


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.description = "Train one network; print its weights and biases, its loss, R² and MAPE."
    _add_network(parser)
    add_data(parser)
    group = parser.add_argument_group("training")
    _add_one_start(group)
    _add_training(group)
    group.add_argument("--learning-rate", type=number, default=0.005, metavar="RATE", help="default 0.005")
    group.add_argument("--rows", type=whole, metavar="N", help="train on the first N rows; default all")
    output = parser.add_argument_group("output")
    output.add_argument("--plot", metavar="FILE", help="draw the loss of every epoch (.png, .svg, .pdf)")
    output.add_argument("--save", metavar="FILE", help="keep the network, for `fastnn predict`")
    _add_json(output)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Predict new rows, in their own units, with a network that `fastnn train --save FILE` kept; "
        "print the predictions as CSV, one line for each row."
    )
    parser.add_argument("file", metavar="FILE", help="what train saved")
    parser.add_argument("--data", required=True, metavar="FILE", help="a table with the input columns")
    add_reading(parser.add_argument_group("how the table is written, where it cannot be seen from it"))
    _add_json(parser)


def _add_sweep(parser: argparse.ArgumentParser, train: argparse.ArgumentParser) -> None:
    parser.description = (
        "Train many networks from different starts, over a grid of learning rates and numbers of rows; "
        "print how they ended, write a table with one row for each network and a page to look at: FOLDER/"
        "index.html, which opens in any browser, with its pictures and their data as files. FOLDER must be "
        "new or empty, or hold nothing but what an earlier sweep wrote: that is replaced."
    )
    _add_network(parser)
    add_data(parser)
    parser.set_defaults(train=train)  # by which its page tells how to train a network again
    group = parser.add_argument_group("sweep")
    group.add_argument("--networks", type=whole, default=10_000, metavar="M", help="starts; default 10000")
    _add_training(group)
    group.add_argument(
        "--learning-rate",
        default="0.005",
        metavar="RATE,..",
        help="default 0.005; log:1e-4..1:5 are five, evenly spread by their logarithms, lin:0.01..0.05:5 by "
        "themselves",
    )
    group.add_argument("--rows", metavar="N,..", help="train on the first N rows; default all; also ranges")
    group.add_argument(
        "--on-divergence", default="record", choices=("record", "raise"), help="stop at the first one?"
    )
    group = parser.add_argument_group("workers")
    group.add_argument("--workers", type=whole, metavar="N", help="threads; default one for each processor")
    group.add_argument("--processes", type=whole, metavar="N", help="so many processes instead")
    group.add_argument("--dask", metavar="ADDRESS", help="the workers of this Dask scheduler instead")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--store",
        metavar="FOLDER",
        help="keep results there as they come; go on if some are there",
    )
    output.add_argument("--curves", type=whole, metavar="K", help="with --store: the loss of every K epochs")
    output.add_argument("--out", default="fastnn-sweep", metavar="FOLDER", help="default fastnn-sweep")
    output.add_argument(
        "--claim", type=number, metavar="LOSS", help="a reported loss to set beside those found"
    )
    output.add_argument("--no-progress", action="store_true", help="say nothing while it runs")
    _add_json(output)


def _add_studies(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Retell the classroom report that fastnn grew out of: each of its lines, which was one run, with "
        "thousands of starts; print the report's figures beside the distributions, with verdicts and reasons."
    )
    add_data(parser)
    group = parser.add_argument_group("studies")
    group.add_argument("--networks", type=whole, metavar="M", help="starts for each line; default 10000")
    group.add_argument("--quick", action="store_true", help="a first look: 500 starts for each line")
    group.add_argument("--seed", type=whole, default=0, metavar="N", help="of the starts; default 0")
    group.add_argument("--engine", default="auto", choices=("auto", *ENGINES), help="all give the same bits")
    group.add_argument("--workers", type=whole, metavar="N", help="threads; default one for each processor")
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="FOLDER", help="write a page with pictures and tables; default none")
    output.add_argument("--no-progress", action="store_true", help="show no progress bar")
    _add_json(output)


def _add_tutorial(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write the report's story, from one run to ten thousand, as a Jupyter notebook that has been run: "
        "on your copy of the insurance data (FASTNN_DATA), else on the embedded stand-in."
    )
    parser.add_argument("--networks", type=whole, default=10_000, metavar="M", help="starts; default 10000")
    parser.add_argument(
        "--out", default="fastnn-tutorial.ipynb", metavar="FILE", help="default fastnn-tutorial.ipynb"
    )


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Train the same network from the same start on the same rows in the same order, in fastnn and in "
        "Keras on every backend that is installed: lines of code, seconds, weights, R² and MAPE."
    )
    _add_network(parser)
    add_data(parser)
    group = parser.add_argument_group("training")
    _add_one_start(group)
    _add_initial(group)
    group.add_argument("--epochs", type=whole, default=10, metavar="E", help="default 10: Keras is slow")
    group.add_argument("--learning-rate", type=number, default=0.005, metavar="RATE", help="default 0.005")
    _add_json(parser.add_argument_group("output"))


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Explain backpropagation through a network: every equation, numbered, in the names of its "
        "parameters; every number of one training step on one row; a proof by sympy; the code that runs."
    )
    _add_network(parser)
    group = parser.add_argument_group("the step")
    group.add_argument("--parameters", metavar="W1,..,B1,..", help="default network 0 of fastnn sweep")
    group.add_argument("--row", metavar="X1,..,Y1,..", help="inputs and targets")
    group.add_argument("--learning-rate", type=number, metavar="RATE", help="default 0.005")
    parts = parser.add_argument_group("parts")
    parts.add_argument("--slip", action="store_true", help="also the step if each layer is updated too early")
    parts.add_argument("--compact", action="store_true", help="the equations in matrix notation, no step")
    parts.add_argument("--motion", action="store_true", help="also the network training, in the page (html)")
    add_data(parser, "data of --motion, generated if not given")
    parser.set_defaults(data=None)
    output = parser.add_argument_group("output")
    output.add_argument("--format", default="text", choices=("text", "latex", "html"), help="default text")
    output.add_argument("--out", metavar="FILE", help="write to a new file instead of standard output")
    output.add_argument("--csv", metavar="FILE", help="write every number of the step to a new file")


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.description = "Look at, check or export a sweep that was kept with --store."
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    info = actions.add_parser("info", help="print what the store is of and how far it is")
    verify = actions.add_parser("verify", help="read every byte and say what is damaged or missing")
    export = actions.add_parser("export", help="write the table, or some of it, into one file")
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
    _add_network(parser)
    _add_engine(parser)


def _add_cache(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Show where compiled kernels are kept and how many there are, or remove them. "
        "FASTNN_CACHE=0 keeps none, FASTNN_CACHE=FOLDER keeps them there."
    )
    parser.add_argument("action", nargs="?", default="show", choices=("show", "clear"), help="default show")


def _add_guide(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make the guide's pages from its texts and the docstrings; open them in the browser."
    parser.add_argument("--out", metavar="FOLDER", help="where the pages go; default in the cache folder")
    parser.add_argument("--no-open", action="store_true", help="print where they are, and open nothing")


def _add_completion(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print a script that has your shell complete commands, options and file names. For bash: "
        'eval "$(fastnn completion bash)"; for zsh: fastnn completion zsh > a folder of $fpath, as _fastnn; '
        "for fish: fastnn completion fish > ~/.config/fish/completions/fastnn.fish."
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def _add_help(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("about", nargs="*", metavar="COMMAND", help="default all of them")


def _add_network(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("network")
    group.add_argument("--layers", metavar="N,N,..", help="inputs first, outputs last; default 2,2,1")
    known = ", ".join(ACTIVATIONS)
    group.add_argument("--hidden", default="relu", metavar="NAME", help=f"{known}; one, or one a layer")
    group.add_argument("--output", default="identity", choices=ACTIVATIONS, help="default identity")


def _add_one_start(group: Any) -> None:
    group.add_argument("--parameters", metavar="W1,..,B1,..", help="where to begin")
    group.add_argument("--network", type=whole, metavar="I", help="begin as network I of a sweep; default 0")


def _add_initial(group: Any) -> None:
    group.add_argument(
        "--initial",
        default="normal:0,1.5",
        metavar="START",
        help="normal:MEAN,SD uniform:LOW,HIGH he glorot constant:VALUE; default normal:0,1.5",
    )
    group.add_argument("--seed", type=whole, default=0, metavar="N", help="of the starts; default 0")


def _add_training(group: Any) -> None:
    _add_initial(group)
    group.add_argument("--epochs", type=whole, default=300, metavar="E", help="default 300")
    group.add_argument("--shuffle", action="store_true", help="visit the rows in a new order every epoch")
    _add_engine(group)


def _add_engine(group: Any) -> None:
    group.add_argument("--engine", default="auto", choices=("auto", *ENGINES), help="all give the same bits")
    group.add_argument("--dtype", default="float64", choices=("float64", "float32"), help="precision")


def _add_json(group: Any) -> None:
    group.add_argument("--json", action="store_true", help="print the results as JSON")

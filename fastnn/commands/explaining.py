"""``fastnn explain`` and ``fastnn code``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastnn
from fastnn.checking import InputError
from fastnn.commands.choice_options import training_of
from fastnn.commands.data_options import OF_THE_DATA, data_of
from fastnn.commands.options import network_for, network_of, start_of
from fastnn.commands.output import output_files
from fastnn.commands.parsing import numbers
from fastnn.core.network import Network
from fastnn.data.datasets import Dataset
from fastnn.explaining.document import Document, together
from fastnn.explaining.explanation import Explanation, RunningCode
from fastnn.files import publish_together
from fastnn.showing.lettering import counted
from fastnn.system.telling import give, note
from fastnn.training.starts import DEFAULT_START, starting_parameters

__all__ = ["code", "explain"]


def code(options: Namespace) -> int:
    """``fastnn code``."""
    layers = options.layers or "2,2,1"
    network = network_of(options, layers)
    how = {"weighted": options.weighted, **training_of(options)}
    give(fastnn.code(network, options.engine, options.dtype, **how), end="")
    return 0


def explain(options: Namespace) -> int:
    """``fastnn explain``."""
    _refuse_unused(options)
    data = _data_of_motion(options)
    network = network_of(options, "2,2,1") if data is None else network_for(options, data)
    named = {"--csv": options.csv, "--out": options.out}
    files = output_files(named, new=True, read={"--data": options.data})
    weighted = options.weighted or options.coefficient is not None or options.weights is not None
    how = {"compact": options.compact, "weighted": weighted, **training_of(options)}
    explanation = fastnn.explain(network, **how)
    parts: list[Document] = [explanation]
    writers: dict[Path, Callable[[Path], object]] = {}
    if not options.compact:
        given = _step_arguments(options, explanation)
        parts.append(step := explanation.step(*given))
        parts += _proof(explanation)
        if options.slip:
            parts.append(explanation.slip(*given))
        if options.csv:
            writers[files["--csv"]] = lambda path: step.frame().to_csv(path, index=False)
    parts.append(RunningCode(explanation))
    page = _explained(parts, options, data, explanation)
    if options.out:
        writers[files["--out"]] = lambda path: path.write_text(page, encoding="utf-8")
    publish_together(writers)
    if not options.out:
        # LaTeX and HTML documents name their encoding, UTF-8.
        give(page, end="", encoding=None if options.format == "text" else "utf-8")
    return 0


def _step_arguments(options: Namespace, explanation: Explanation) -> tuple[Any, Any, Any, float | None, Any]:
    """Parameters, x, y, learning rate and coefficients of the step that ``fastnn explain`` shows."""
    network = explanation.network
    parameters = _start(options, network)
    inputs, batched = network.n_inputs, explanation.recipe.batch_size != 1
    rows = [_default_row(explanation, n) for n in range(2 if batched else 1)]
    if options.row:
        rows = [_given_row(network, text) for text in options.row]
    x, y = [row[:inputs] for row in rows], [row[inputs:] for row in rows]
    counted_as = None if options.coefficient is None else numbers(options.coefficient, "--coefficient")
    if batched:
        return parameters, x, y, _rate(options), counted_as
    if len(rows) > 1:
        raise InputError(
            f"--row must be given once, for one row; got it {len(rows)} times. "
            "Give --batch-size as well for a step on several."
        )
    return parameters, x[0], y[0], _rate(options), counted_as


def _start(options: Namespace, network: Network) -> Any:
    start = start_of(options.start) if options.start else DEFAULT_START
    return starting_parameters(start, network, 0)


def _default_row(explanation: Explanation, number: int) -> list[float]:
    """Inputs and targets between 0 and 1, those of each row smaller than those of the one before.

    Where targets have to be classes, each row is of the next one.
    """
    network = explanation.network
    x, y = (
        [round(i / (size + 1) / (number + 1), 2) for i in range(1, size + 1)]
        for size in (network.n_inputs, network.n_outputs)
    )
    wanted = explanation.recipe.loss.targets(network.output)
    if wanted is not None and not wanted.right(np.array([y])).all():
        y = [float(k == number % len(y)) for k in range(len(y))]
    return x + y


def _given_row(network: Network, text: str) -> list[float]:
    """The numbers of one --row."""
    row, inputs, outputs = numbers(text, "--row"), network.n_inputs, network.n_outputs
    if len(row) != inputs + outputs:
        raise InputError(
            f"--row must hold {counted(inputs, 'input')} and then {counted(outputs, 'target')} for "
            f"{network!r}; "
            f"got {counted(len(row), 'number')}. Give {inputs + outputs}, separated by commas."
        )
    return row


def _refuse_unused(options: Namespace) -> None:
    """Refuse options of ``fastnn explain`` that would have no effect together with the others."""

    def given(*names: str) -> list[str]:
        values = {name: getattr(options, name) for name in names}
        return [f"--{name.replace('_', '-')}" for name, value in values.items() if value not in (None, False)]

    of_the_step = given("start", "row", "coefficient", "learning_rate", "csv", "slip", "motion")
    if options.compact and of_the_step:
        raise InputError(
            "--compact gives only the equations and the code, without the numbers of a step; "
            f"got {of_the_step[0]} as well. Leave one of the two out."
        )
    if options.motion and options.format != "html":
        raise InputError(
            f"--motion needs a page that runs in a browser; got --format {options.format}. "
            "Give --format html as well."
        )
    of_the_motion = given("data", *OF_THE_DATA, "weights")
    if of_the_motion and not options.motion:
        raise InputError(
            f"{of_the_motion[0]} needs --motion, which trains on these data; got it alone. "
            "Give --motion as well, or the row of the step by --row."
        )


def _proof(explanation: Explanation) -> list[Document]:
    """Return the proof; if sympy is missing, note what to install and return nothing."""
    try:
        return [explanation.proof()]
    except InputError as missing:
        note(str(missing))
        return []


def _explained(
    parts: list[Document], options: Namespace, data: Dataset | None, explanation: Explanation
) -> str:
    """All parts as one document, in the format of --format."""
    document = together(parts)
    if data is None:
        return str(getattr(document, options.format)())
    starts = None
    if options.start:
        starts = {"as given": _start(options, explanation.network)}
    weights = {"sample_weight": data.weights, "weights_within": options.weights_within}
    return document.html(explanation.motion(data, starts=starts, learning_rate=_rate(options), **weights))


def _data_of_motion(options: Namespace) -> Dataset | None:
    """The data that --motion trains on; None without --motion."""
    if not options.motion:
        return None
    options.data = options.data or "generated"
    return data_of(options)


def _rate(options: Namespace) -> float | None:
    return None if options.learning_rate is None else float(options.learning_rate)

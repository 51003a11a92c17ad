"""The page of the studies: the report's claims beside thousands of starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnn.comparing import Comparison
from fastnn.explaining.motion import motion
from fastnn.pages.blocks import Block, Code, Section
from fastnn.pages.tables import Table, per_cent, written
from fastnn.reporting import studies_pictures as pictures
from fastnn.reporting.page import Page
from fastnn.reporting.sweep_networks import learned
from fastnn.reporting.sweep_page import data_in_words
from fastnn.showing.lettering import counted
from fastnn.studies.keras_line import keras_claims
from fastnn.studies.lines import Line
from fastnn.studies.report import NETWORK, REPORT, START
from fastnn.studies.results import Studies
from fastnn.studies.verdicts import RULES, VERDICTS, Claim, portion
from fastnn.training.scoring import score_notes
from fastnn.training.starts import normal

__all__ = ["studies_page"]

LARGE = 1000.0
PER_CENT = "\N{NARROW NO-BREAK SPACE}%"
INSURANCE = ("I0", "I1", "I2", "I3", "I4", "L2", "L3", "L4")
OTHER_DATA = (
    "The report's figures are of the insurance table. These are other data: of them there are distributions, "
    "but no verdicts."
)
RANDOM_STARTS = 10  # to choose from, beside the report's own
GROUPS = (
    ("Generated data", ("D1", "D2")),
    ("Starting parameters", ("I0", "I1", "I2", "I3", "I4")),
    ("Learning rates", ("L1", "L2", "L3", "L4", "L5")),
    ("Rows trained on", ("N1", "N2")),
)


def studies_page(found: Studies, comparison: Comparison) -> Page:
    """The page of the studies. Its pictures, tables and sentences all come from them.

    Raises
    ------
    InputError
        Matplotlib is missing.
    """
    sections = [_brief(found), *(_group(found, heading, ids) for heading, ids in GROUPS)]
    sections += [_keras(comparison), learned(found.experiment.plain().sweeps[0], found.experiment.data)]
    return Page(
        title="The classroom report, retold",
        lead=_lead(found),
        sections=[*sections, _in_motion(found), _judging()],
    )


def _lead(found: Studies) -> str:
    experiment = found.experiment
    data = experiment.data
    sweep = found.lines[0].outcomes.sweeps[0]
    return (
        "A classroom report trained a network of two inputs, two ReLU units and one output by hand, once for "
        f"each question. Here every line of it is asked of {written(experiment.networks)} starts. Data: "
        f"{data_in_words(data)} Seed "
        f"{experiment.seed}, {counted(experiment.epochs, 'epoch')}, engine {sweep.engine}, "
        f"{found.seconds:.0f} s."
    )


def _brief(found: Studies) -> Section:
    rows = [_claim_row(line, line.claims[0]) for line in found.lines]
    judged = [line for line in found.lines if line.judged]
    outside = [line.id for line in judged if not line.claims[0].within_percentiles]
    but = f" but {_listed(outside)}, where the reason is told," if outside else ""
    verdicts = [line.verdict for line in judged]
    counted = ", ".join(f"{verdicts.count(name)} {name}" for name in VERDICTS if name in verdicts)
    return Section(
        "In brief",
        [
            *([] if len(judged) == len(rows) else [OTHER_DATA]),
            f"Of {len(judged)} of the report's lines: {counted}. All figures{but} fall between the 1st and "
            "the 99th percentile of their starts.",
            Table(rows, "The report's figures beside our starts"),
            pictures.overview([found[id] for id in ("D1", "D2")], "overview-generated"),
            pictures.overview([found[id] for id in INSURANCE], "overview-insurance"),
            pictures.endings(found),
        ],
    )


def _group(found: Studies, heading: str, ids: Iterable[str]) -> Section:
    lines = [found[id] for id in ids]
    blocks: list[Block] = []
    for line in lines:
        rows = [_claim_row(line, claim) for claim in line.claims]
        figure = f": {line.report.figure}. The report reads it as: {line.report.reading}"
        blocks += [
            f"{line.id}, {line.changed}{figure if line.judged else ''}.",
            Table(rows, f"{'Claims' if line.judged else 'Starts'} of {line.id}"),
        ]
        blocks.append(" ".join(found.reasons[line.id]))
        blocks += _pictures(found, line)
    if heading == "Rows trained on":
        scored = found.experiment.scores()
        metrics = [metric for metric in ("r2", "mape") if not np.isnan(scored[metric]).all()]
        blocks += [pictures.against_rows(found, metric) for metric in metrics]
    return Section(heading, blocks)


def _pictures(found: Studies, line: Line) -> list[Block]:
    if line.id in ("I4", "L2", "N2"):  # the same starts as I0
        return []
    if line.start is not None:
        experiment = found.experiment
        shown = (pictures.own_run(line, experiment), pictures.distances(line, experiment))
        return [*shown, pictures.histogram(line)]
    drawn: list[Block] = [pictures.histogram(line)]
    return [*drawn, *pictures.fans([line])] if line.id[0] in "LI" else drawn


def _claim_row(line: Line, claim: Claim) -> dict[str, Any]:
    place, agree = "", ""
    if claim.judged:
        below, up_to = (100 * share for share in claim.percentiles)
        place = "" if claim.in_words else f"{below:.3g}\N{EN DASH}{up_to:.3g}"
        agree = portion(claim.agree).replace(" %", PER_CENT)
    return {
        "line": line.id,
        "the report says": claim.says,
        "verdict": claim.verdict,
        "median": _value(claim, claim.quantile(0.5)),
        "5 %": _value(claim, claim.quantile(0.05)),
        "95 %": _value(claim, claim.quantile(0.95)),
        "falls at percentile": place,
        "agree": agree,
        "measured": claim.quantity,
    }


def _value(claim: Claim, value: float) -> str:
    if not np.isfinite(value):
        return "diverged"
    return f"{_number(100 * value)}{PER_CENT}" if claim.percent else _number(value)


def _number(value: float) -> str:
    """As `written`, but large ones without digits that say nothing: 15 320."""
    return written(round(value)) if abs(value) >= LARGE else written(value)


def _keras(comparison: Comparison) -> Section:
    k1 = REPORT["K1"]
    blocks: list[Block] = [
        f"K1, {k1.changed}. The report reads it as: {k1.reading}. Both trained "
        f"{counted(comparison.epochs, 'epoch')} in "
        "float64 from one start, row by row in order, each in a process of its own."
    ]
    claims = [
        {"the report says": claim.says, "measured": claim.numbers, "verdict": claim.verdict}
        for claim in keras_claims(comparison)
    ]
    if claims:
        blocks.append(Table(claims, "Claims of K1"))
    headings = {"first": "first epoch (s)", "per_epoch": "each after (s)", "r2": "R²", "mape": "MAPE"}
    formats: dict[str, Any] = {"first": "{:.2f}", "mape": per_cent, "per_epoch": "{:.2g}", "apart": "{:.1g}"}
    blocks.append(Table(comparison.frame(), "The same training by each program", headings, formats))
    blocks.append(
        f"The loop derived by hand takes {comparison.by_hand} lines. The first epoch includes importing and "
        "compiling; apart is the largest difference of a final weight or bias from fastnn's."
    )
    notes = [f"{note[0].upper()}{note[1:]}." for note in score_notes(comparison.network, comparison.data)]
    return Section("Keras, side by side", [*blocks, *notes, *comparison.missing])


def _in_motion(found: Studies) -> Section:
    """The network training in the browser, from the report's own starts and from some of ours."""
    data = found.experiment.data
    starts = {
        f"{line.id}, {line.report.changed}": line.start for line in found.lines if line.start is not None
    }
    drawn = normal(0.0, START).draw(NETWORK, range(RANDOM_STARTS), found.experiment.seed)
    starts |= {f"start {number}": start for number, start in enumerate(drawn)}
    return Section(
        "The network in motion",
        [
            "The same network on the same rows, trained here by the reader's browser, one row at a time, "
            "with the same operations in the same order: its parameters are those of fastnn.train to the "
            "last bit. All its equations, step by step, with a proof:",
            Code("fastnn explain"),
            motion(NETWORK, data, starts=starts).block,
        ],
    )


def _judging() -> Section:
    rows = [{"verdict": name, "if": rule} for name, rule in RULES]
    return Section(
        "How it is judged",
        [
            "The rules are asked in this order, of the numbers alone. A start agrees with a figure if it "
            "ends within 5 % of it, or at a number that rounds to it; with a claim in words, if that holds. "
            "Nothing changed: the line that the report compares with, other starts.",
            Table(rows, "The verdicts"),
        ],
    )


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""The studies as text for people, 80 columns wide, and as plain values for machines."""

from __future__ import annotations

from dataclasses import asdict
from textwrap import wrap
from typing import Any

import numpy as np

from fastnn.commands.reports import Report, data_lines, labelled, rule_words, written_lines
from fastnn.comparing import Comparison
from fastnn.showing.lettering import counted, grouped
from fastnn.studies.keras_line import keras_claims
from fastnn.studies.lines import Line
from fastnn.studies.report import NETWORK, REPORT
from fastnn.studies.results import Studies
from fastnn.studies.verdicts import RULES, Claim, portion
from fastnn.training.scoring import SCORES, score_notes

__all__ = ["comparison_report", "studies_report"]

WIDTH = 80
BAND = 15
COLUMNS = f"  {'':20} {'median':>8} {'5 % .. 95 %':>{BAND}} {'agree':>8} verdict"
LEGEND = (
    "Median and 5 % .. 95 % are quantiles over the starts. Agree: the share of the starts that end within "
    "5 % of the report's figure or round to it, or for which a claim in words holds."
)
OTHER_DATA = (
    "figures  the report's belong to the insurance table: no verdicts on these data,",
    "         only on the generated ones (D1, D2)",
)
NAMES = 20  # the most parameters that are shown one by one


def studies_report(found: Studies, comparison: Comparison, written: dict[str, str]) -> Report:
    """The report of ``fastnn studies``."""
    experiment = found.experiment
    engine = found.lines[0].outcomes.sweeps[0].engine
    head = [
        *data_lines(experiment.data),
        *([] if experiment.of_the_report else OTHER_DATA),
        f"starts   {grouped(experiment.networks)} for each line, seed {experiment.seed}",
        f"trained  {counted(experiment.epochs, 'epoch')}, engine {engine}, in {found.seconds:.1f} s",
    ]
    lines = [line for each in found.lines for line in _line_text(each, found.reasons[each.id])]
    legend = wrap(LEGEND, WIDTH)
    rules = [text for name, rule in RULES for text in wrap(f"{name}: {rule}.", WIDTH, subsequent_indent="  ")]
    names = written_lines(written)
    text = [
        *(*head, "", COLUMNS, *lines, *_keras_text(comparison), "", *_rows_text(found)),
        *(*legend, *rules, *([""] if names else []), *names),
    ]
    values = {
        "data": experiment.data.source,
        "of_the_report": experiment.of_the_report,
        "networks": experiment.networks,
        "seed": experiment.seed,
        "epochs": experiment.epochs,
        "engine": engine,
        "seconds": found.seconds,
        "claims": found.claims().to_dict("records"),
        "outcomes": found.outcomes().to_dict("records"),
        "by_rows": found.by_rows().to_dict("records"),
        "reasons": found.reasons,
        "keras": _comparison_values(comparison),
        "written": written,
    }
    return Report("\n".join(text), values)


def compact(value: float, percent: bool = False, digits: int = 3) -> str:
    """A number in few characters: 0.0335, 1.5e4, 131 %."""
    value = 100 * value if percent else value
    text = f"{value:.{digits}g}" if np.isfinite(value) else ("inf" if value > 0 else "-inf")
    text = text.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{text}%" if percent else text


def band(claim: Claim) -> str:
    """The 5th and the 95th percentile, with up to three digits, as many as fit."""
    low, high = claim.quantile(0.05), claim.quantile(0.95)
    for digits in (3, 2, 1):
        below, above = (compact(value, claim.percent, digits) for value in (low, high))
        text = f"{below.removesuffix('%')}..{above}"
        if len(text) <= BAND:
            break
    return text


def _line_text(line: Line, why: list[str]) -> list[str]:
    figure = f": {line.report.figure} ({line.report.reading})" if line.judged else ""
    said = f"{line.id}  {line.changed}{figure}"
    sentences = wrap(" ".join(why), WIDTH, initial_indent="  ", subsequent_indent="  ")
    claims = [_claim_text(claim) for claim in line.claims]
    return [*wrap(said, WIDTH, subsequent_indent="    "), *claims, *sentences, ""]


def _claim_text(claim: Claim) -> str:
    median = compact(claim.quantile(0.5), claim.percent)
    agree = portion(claim.agree) if claim.judged else ""
    return f"  {claim.says:20} {median:>8} {band(claim):>{BAND}} {agree:>8} {claim.verdict}".rstrip()


def _rows_text(found: Studies) -> list[str]:
    lines = ["R² and MAPE over all rows, by the rows trained on: median, 5 % .. 95 %"]
    for each in found.by_rows().to_dict("records"):
        lines.append(
            f"  {each['rows']:>6} rows   R² {_spread(each, 'r2', False)}   MAPE {_spread(each, 'mape', True)}"
        )
    said = score_notes(NETWORK, found.experiment.data)
    notes = (line for text in said for line in wrap(text, WIDTH))
    return [*lines, *notes, ""]


def _spread(quantiles: dict[Any, Any], name: str, percent: bool) -> str:
    low, middle, high = (quantiles[f"{name}_p{q}"] for q in (5, 50, 95))
    if np.isnan(middle):
        return "  none"
    scale, digits = (100, 0) if percent else (1, 3)
    unit = " %" if percent else ""
    text = f"{scale * middle:6.{digits}f}  {scale * low:6.{digits}f} .. {scale * high:.{digits}f}{unit}"
    return f"{text:26}" if not percent else text


def comparison_report(found: Comparison) -> Report:
    """The report of ``fastnn compare``."""
    frame = found.weights()
    weights: list[str] = []
    if len(frame) <= NAMES:
        header = f"  {'':9} " + " ".join(f"{name:>16}" for name in frame.columns[1:])
        lines = [
            f"  {name:9} " + " ".join(f"{value:16.11f}" for value in values)
            for name, *values in frame.itertuples(index=False, name=None)
        ]
        weights = ["", f"Weights and biases after {counted(found.epochs, 'epoch')}", header, *lines]
    trained = f"{counted(found.epochs, 'epoch')}, rows in order, {rule_words(found)}, float64"
    text = [
        *data_lines(found.data),
        *labelled("trained", trained),
        "",
        *_programs_text(found),
        *weights,
    ]
    return Report("\n".join(text), _comparison_values(found))


def _programs_text(found: Comparison) -> list[str]:
    names = [SCORES[name] for name in found.scores]
    headings = " ".join(f"{name:>8}" for name in ("loss", *names))
    lines = [f"  {'program':18} lines   first  an epoch {headings} {'apart':>7}"]
    for each in found.frame().to_dict("records"):
        measured = [_score(name, each[name]) for name in found.scores]
        numbers = " ".join(f"{number:>8}" for number in (f"{each['loss']:.5f}", *measured))
        lines.append(
            f"  {each['program']:18} {each['lines']:>5} {each['first']:5.2f} s {_time(each['per_epoch']):>9} "
            f"{numbers} {compact(each['apart'], digits=2):>7}"
        )
    legend = (
        f"Lines: lines of code; the loop derived by hand has {found.by_hand}. First: time to import, compile "
        f"and end the first epoch. An epoch: time of each later epoch. {' and '.join(names)}: over all rows. "
        "Apart: the largest difference of a weight or bias from fastnn's."
    )
    theirs = {result.name for result in found.results[1:]}
    if "scikit-learn" in theirs:
        legend += " Scikit-learn's loss has its penalty in it; its squared error is halved."
    elif (found.recipe.l1 or found.recipe.l2) and "pytorch" not in theirs:
        legend += " Keras's losses have the penalties in them."
    said = (legend, *score_notes(found.network, found.data, names=found.scores), *found.missing)
    return [*lines, *(line for text in said for line in wrap(text, WIDTH))]


def _keras_text(found: Comparison) -> list[str]:
    k1 = REPORT["K1"]
    said = f"{k1.id}  {k1.changed} ({k1.reading}); {counted(found.epochs, 'epoch')}"
    claims = [f"  {claim.says:20} {claim.numbers:>33} {claim.verdict}" for claim in keras_claims(found)]
    return [*wrap(said, WIDTH, subsequent_indent="    "), *claims, *_programs_text(found)]


def _comparison_values(found: Comparison) -> dict[str, Any]:
    return {
        "data": found.data.source,
        "epochs": found.epochs,
        "learning_rate": found.learning_rate,
        "recipe": found.recipe.plain,
        "lines_by_hand": found.by_hand,
        "programs": found.frame().to_dict("records"),
        "weights": found.weights().to_dict("records"),
        "missing": found.missing,
        "claims": [asdict(claim) for claim in keras_claims(found)],
    }


def _score(name: str, value: float) -> str:
    return _per_cent(value) if name == "mape" else f"{value:.4f}"


def _per_cent(share: float) -> str:
    return "none" if np.isnan(share) else f"{100 * share:.1f} %"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{1000 * seconds:.2g} ms"

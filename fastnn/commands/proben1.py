"""The study of Proben1 sets: ``fastnn studies --proben1 FILE ...``."""

from __future__ import annotations

import sys
from argparse import Namespace
from textwrap import wrap
from typing import Any

from fastnn.checking import InputError
from fastnn.commands.data_options import OF_THE_DATA
from fastnn.commands.output import show
from fastnn.commands.reports import Report
from fastnn.showing.lettering import counted
from fastnn.studies import proben1
from fastnn.studies.proben1.published import SOURCE
from fastnn.studies.proben1.study import OPTIMIZER, START
from fastnn.system.progress import Bar
from fastnn.system.telling import is_terminal, tell

__all__ = ["studied_sets"]

WIDTH = 80
COLUMNS = f"{'set':10} {'hidden':6} {'test':7} {'median':>6} {'10 % .. 90 %':>14} {'published':>14}  mean is"
TOLD = (
    "Test: E is the squared error percentage; class. is the per cent of rows whose largest output is of "
    "another class. Published: mean ± standard deviation of 60 runs.",
    "Stopped as the report says: every 5 epochs, if the validation loss is 5 % above its smallest or "
    "training progresses by less than 0.1 per thousand, or after 3000 epochs; "
    "tested at the smallest validation loss.",
    "What differs: the report draws each weight's first step between 0.05 and 0.2, here it is 0.1; its Rprop "
    "may take a step back, iRprop- does not. Outputs are linear, an assumption.",
)


def studied_sets(options: Namespace) -> int:
    """Train the sets, each from many starts, and print the published errors beside the distributions."""
    _refuse_other_options(options)
    sets = [proben1.read(path, "--proben1") for path in options.proben1]
    starts = proben1.STARTS if options.networks is None else options.networks
    found = []
    for data in sets:
        tell(f"{data.name}: {counted(starts, 'start')}")
        shown = is_terminal(sys.stderr) and not options.no_progress
        bar = Bar(starts, unit=" starts") if shown else None
        try:
            told = None if bar is None else bar.reach
            found.append(proben1.run(data, starts, seed=options.seed, engine=options.engine, told=told))
        finally:
            if bar is not None:
                bar.close()
    show(_report(found, options.seed), options.json)
    return 0


def _refuse_other_options(options: Namespace) -> None:
    """Refuse what belongs to the classroom report: this study has data and settings of its own."""
    defaults: dict[str, Any] = dict.fromkeys((*OF_THE_DATA, "workers", "out"))
    defaults |= {"data": "insurance", "missing": "refuse", "quick": False}
    for name, default in defaults.items():
        if getattr(options, name) != default:
            raise InputError(
                f"--proben1 goes with --networks, --seed, --engine, --no-progress and --json; "
                f"got --{name.replace('_', '-')} as well. Leave it out."
            )


def _report(found: list[proben1.Outcome], seed: int) -> Report:
    starts = len(found[0].stops)
    head = (
        f"starts   {starts} for each set, {START!r}, seed {seed}",
        f"trained  softsign, {OPTIMIZER!r}, in {sum(each.seconds for each in found):.1f} s",
        f"figures  {SOURCE}",
    )
    text = [line for each in head for line in wrap(each, WIDTH, subsequent_indent=" " * 9)]
    text += ["", COLUMNS, *(line for each in found for line in _lines(each)), ""]
    text += [line for each in TOLD for line in wrap(each, WIDTH)]
    values = {
        "source": SOURCE,
        "starts": starts,
        "seed": seed,
        "sets": proben1.table(found).to_dict("records"),
        "ended": {each.name: each.reasons for each in found},
        "seconds": {each.name: each.seconds for each in found},
    }
    return Report("\n".join(text), values)


def _lines(each: proben1.Outcome) -> list[str]:
    lines = []
    hidden = "+".join(map(str, each.published.hidden))
    for name, spread in (("E %", each.error), ("class.%", each.misclassified)):
        band = f"{spread.low:.2f} .. {spread.high:.2f}"
        mean, deviation = spread.published
        said = f"{mean:.2f} ± {deviation:.2f}"
        lines.append(
            f"{each.name:10} {hidden:6} {name:7} {spread.median:6.2f} {band:>14} {said:>14}  {spread.verdict}"
        )
    ended = ", ".join(f"{count} by {reason}" for reason, count in each.reasons.items())
    return [*lines, f"  best after epoch {each.best_epoch:g} (median); ended {ended}"]

"""Sentences that explain how a line's starts ended, written only where the numbers show it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

import fastnn.studies.report as report
from fastnn.studies.experiment import Experiment
from fastnn.studies.lines import Line
from fastnn.studies.outcomes import AT_FIRST, KINDS, Outcomes
from fastnn.studies.verdicts import NOT_REPRODUCED, Claim, portion
from fastnn.system.interrupting import to_the_end
from fastnn.training.scoring import scores
from fastnn.training.starts import normal
from fastnn.training.train import train

__all__ = ["reasons"]

FEW = 0.005  # a smaller share is not worth a sentence
BOTH_DEAD = KINDS.index("both units dead")
USEFUL = 0.01  # up to this R² a network is no better than the mean
WATCHED = 1000  # the error of the last row is watched in this many starts: 20 epochs of them take a second


def reasons(line: Line, experiment: Experiment) -> list[str]:
    """Return sentences on what the numbers show about a line, the most telling first."""
    return [
        *_own_start(line, experiment),
        *_alike(line),
        *_at_the_figure(line),
        *_narrow(line),
        *_mean_predictors(line),
        *_compared(line),
        *_diverged(line.outcomes),
        *_rising(line, experiment),
    ]


def _own_start(line: Line, experiment: Experiment) -> Iterator[str]:
    """How the report's own start ends, and how near to it other starts end otherwise."""
    if line.start is None:
        return
    ended = line.outcomes
    r2 = scores(report.NETWORK, ended.sweeps[0].parameters[:1], experiment.data)["r2"][0]
    good = f"R² {r2:.4f}" if r2 > USEFUL else f"R² {r2:.4f}: no better than the mean"
    yield (
        f"The report's own start ends at {ended.loss[0]:.4g} ({KINDS[ended.kind[0]]}, {good}), within 5 % of "
        f"that from epoch {ended.settled[0]:.0f} on."
    )
    same = ended.kind == ended.kind[0]
    if not same.all():
        first = experiment.distances[~same][0]
        yield (
            f"Of the starts around it {portion(same.mean())} end the same way ({KINDS[ended.kind[0]]}); the "
            f"nearest that does not lies {portion(first)} of the start's size away."
        )


def _alike(line: Line) -> Iterator[str]:
    """Whether two units that begin equal stay equal: they get the same updates, and act as one unit."""
    if line.start is None:
        return
    first, last = (_units(p) for p in (line.start, line.outcomes.sweeps[0].parameters[0]))
    if np.array_equal(first[0], first[1]):
        stay = "stay equal to the last bit" if np.array_equal(last[0], last[1]) else "drift apart"
        yield f"Its two hidden units begin equal and {stay}: in effect a network of one hidden unit."


def _at_the_figure(line: Line) -> Iterator[str]:
    """How the networks that agree with the report's figure ended."""
    claim = line.claims[0]
    agree = claim.agreeing
    if claim.in_words or not agree.any():
        return
    ended = line.outcomes.kind
    counts = np.bincount(ended[agree], minlength=len(KINDS))
    most = int(counts.argmax())
    share, usual = counts[most] / agree.sum(), (ended == most).mean()
    text = (
        f"{portion(claim.agree)} of the starts agree with the figure; "
        f"of these {portion(share)} are {_named(most)}"
    )
    yield f"{text}, of all starts {portion(usual)}."


def _narrow(line: Line) -> Iterator[str]:
    """Whether the report's number lies outside the percentiles although numbers that agree with it do not."""
    claim = line.claims[0]
    low, high = claim.quantile(0.01), claim.quantile(0.99)
    if claim.number is None or claim.verdict == NOT_REPRODUCED or low <= claim.number <= high:
        return
    side = "above" if claim.number > high else "below"
    yield (
        f"The number {claim.number:g} itself lies {side} the 1st to 99th percentile of the starts, "
        f"{low:.4g} to {high:.4g}; numbers that agree with it do not."
    )


def _mean_predictors(line: Line) -> Iterator[str]:
    """The share of the networks whose units are both dead, and their loss."""
    ended = line.outcomes
    dead = ended.kind == BOTH_DEAD
    if dead.mean() < FEW:
        return
    losses = ended.loss[dead]
    low, high = losses.min(), losses.max()
    lost = f"all lose {low:.4g}" if high - low < 1e-3 * high else f"lose {low:.3g} to {high:.3g}"
    yield (
        f"Both units are dead in {portion(dead.mean())} of the starts: such a network answers every row "
        f"with one number, and they {lost}."
    )
    rate = float(ended.sweeps[0].grid["learning_rate"].values[0])
    if rate >= 1.0:
        yield (
            "Then the output's bias alone moves, and each row multiplies its distance from the row's target "
            f"by {1 - 2 * rate:g} (1 - 2 x learning rate): it is thrown to and fro and can come no closer."
        )


def _compared(line: Line) -> Iterator[str]:
    """How far the change alone moves a loss, and how far another start moves it."""
    for claim in line.claims:
        if claim.quantity.startswith("loss relative") and claim.unchanged is not None:
            low, high = 100 * np.quantile(claim.unchanged, [0.05, 0.95], method="inverted_cdf")
            yield (
                f"The loss is {claim.says} for {portion(claim.agree)} of the starts, by "
                f"{_signed(100 * claim.quantile(0.5))} % at the median; another start, with nothing changed, "
                f"moves it by {_signed(low)} to {_signed(high)} % (5-95 %)."
            )


def _diverged(ended: Outcomes) -> Iterator[str]:
    share = ended.shares["diverged"]
    if share >= FEW:
        yield f"{portion(share)} of the starts diverged: their loss became infinite."


def _rising(line: Line, experiment: Experiment) -> Iterator[str]:
    """How many losses rise before they fall, and why the report may have seen a rise where none does."""
    rises = line.outcomes.rise_at_first
    share = float((rises > 0.01).mean())
    if share >= FEW:
        yield (
            f"Within the first {AT_FIRST} epochs the loss rises by more than 1 % "
            f"in {portion(share)} of the starts."
        )
    for claim in line.claims:
        if claim.says == "rises at first" and claim.verdict == NOT_REPRODUCED:
            yield _no_rise(claim, experiment)


def _no_rise(claim: Claim, experiment: Experiment) -> str:
    some = min(WATCHED, experiment.networks)
    share = _last_row_rises(experiment, some)
    happened = int(claim.agreeing.sum())
    return (
        f"The mean loss rises at first in {happened or 'none'} of the {len(claim.values)} starts: a step "
        "this small follows the slope of the mean downhill. The error of one row alone may rise: the last "
        f"row's error does in {portion(share)} of {some} starts. If the report printed the error of the last "
        "row instead of the mean, it may have seen that."
    )


def _last_row_rises(experiment: Experiment, some: int) -> float:
    """The share of starts whose error on the last row alone rises in one of the first epochs."""
    data = experiment.data
    watched = train(
        report.NETWORK,
        data,
        start=normal(0.0, report.START).draw(report.NETWORK, range(some), experiment.seed),
        learning_rate=report.LEARNING_RATES[0],
        epochs=AT_FIRST,
        engine=experiment.engine,
        validation=(data.X[-1:], data.y[-1:]),
    )
    curve = np.asarray(to_the_end(watched).validation_curve)
    return float((curve[:, 1:] > curve[:, :-1]).any(axis=1).mean())


def _units(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """(hidden units, ...) the parameters of each hidden unit: weights in, bias, weight out."""
    (W, b), (out, _) = report.NETWORK.split(parameters)
    return np.column_stack([W, b, out[0]])


def _named(kind: int) -> str:
    return f"networks with {KINDS[kind]}" if KINDS[kind].endswith("dead") else KINDS[kind]


def _signed(percent: float) -> str:
    return f"{percent:+.0f}" if abs(percent) >= 10 else f"{percent:+.2g}"

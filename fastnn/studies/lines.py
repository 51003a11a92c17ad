"""The fourteen lines of the report, one function for each: its claims and the values of its starts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

import fastnn.studies.report as report
from fastnn.studies.experiment import Experiment
from fastnn.studies.outcomes import AT_FIRST, Outcomes
from fastnn.studies.report import ReportLine
from fastnn.studies.verdicts import Claim, around, figure, in_words, measured

__all__ = [
    "MAKERS",
    "Line",
    "data_size",
    "generated_data",
    "learning_rates",
    "line_of",
    "starting_parameters",
]

Floats = NDArray[np.float64]

LOSS, R2, MAPE = "loss of the last epoch", "R² on all rows", "MAPE on all rows"
SETTLED = "epochs until the loss stays within 5 % of its last, minus the epochs of"
NEAR_ZERO = 0.05
STEADY = 0.01  # a loss that never rises by more than this fraction is stable
NEARLY_ALL = 5  # of the 6 weights
ABOVE_0 = (math.nextafter(0.0, 1.0), np.inf)
BELOW_0 = (-np.inf, 0.0)


@dataclass(frozen=True, eq=False)
class Line:
    """A line of the report, the outcomes of its starts, and its judged claims.

    Attributes
    ----------
    report : ReportLine
    outcomes : Outcomes
        How the starts of this line ended. For I1, I2 and I3 the first start is the report's own.
    claims : sequence of Claim
        The claim of its figure comes first.
    start : (P,), optional
        The report's own start, if it names one.
    """

    report: ReportLine
    outcomes: Outcomes
    claims: Sequence[Claim]
    start: Floats | None = None

    @property
    def id(self) -> str:
        """The line's name in the report."""
        return self.report.id

    @property
    def verdict(self) -> str:
        """The verdict on its figure; empty if the report's figure belongs to other data."""
        return self.claims[0].verdict

    @property
    def judged(self) -> bool:
        """Whether the report's figure belongs to these data."""
        return self.claims[0].judged

    @property
    def changed(self) -> str:
        """What the line changes; for data other than the report's, without the report's name for them."""
        return self.report.changed if self.judged else self.report.changed.removeprefix("insurance data, ")

    def measured(self) -> Line:
        """The line for data other than the report's: the distributions of its starts, without claims."""
        ended = self.outcomes
        told = [measured(self.id, "loss", LOSS, ended.loss)]
        for name in (R2, MAPE):
            values = next((claim.values for claim in self.claims if claim.quantity == name), None)
            if values is not None and np.isfinite(values).any():
                told.append(measured(self.id, name.partition(" ")[0], name, values, percent=name == MAPE))
        return replace(self, claims=told)


def generated_data(experiment: Experiment) -> list[Line]:
    """D1 and D2: data generated from narrow and from wide ranges."""
    return [line_of(line, experiment) for line in ("D1", "D2")]


def starting_parameters(experiment: Experiment) -> list[Line]:
    """I0 to I4: the insurance data, with the report's starts, starts around them and random ones."""
    return [line_of(line, experiment) for line in ("I0", "I1", "I2", "I3", "I4")]


def learning_rates(experiment: Experiment) -> list[Line]:
    """L1 to L5: the same starts at five learning rates."""
    return [line_of(line, experiment) for line in ("L1", "L2", "L3", "L4", "L5")]


def data_size(experiment: Experiment) -> list[Line]:
    """N1 and N2: the same starts, trained on 30 rows and on all, scored on all."""
    return [line_of(line, experiment) for line in ("N1", "N2")]


def _d1(experiment: Experiment) -> Line:
    ended = experiment.generated(report.SIMPLE)
    return Line(report.REPORT["D1"], ended, [figure("D1", "0.0109", LOSS, ended.loss)])


def _d2(experiment: Experiment) -> Line:
    ended, narrow = experiment.generated(report.WIDE), experiment.generated(report.SIMPLE)
    smaller = _compared_loss("D2", "smaller than D1", ended, narrow, BELOW_0)
    claims = [figure("D2", "0.0047", LOSS, ended.loss, unchanged=narrow.loss), smaller]
    return Line(report.REPORT["D2"], ended, claims)


def _i0(experiment: Experiment) -> Line:
    ended = experiment.plain()
    claims = [figure("I0", "0.0335", LOSS, ended.loss), _steady("I0", ended)]
    return Line(report.REPORT["I0"], ended, claims)


def _i1(experiment: Experiment) -> Line:
    ended = experiment.near(report.LARGE)
    claims = [around("I1", "almost 0.0335", 0.0335, LOSS, ended.loss, run=ended.loss[0])]
    return Line(report.REPORT["I1"], ended, claims, report.LARGE)


def _i2(experiment: Experiment) -> Line:
    ended, usual = experiment.near(report.SMALL), experiment.plain()
    slower = _compared_speed("I2", "slower than I0", ended, usual, ABOVE_0)
    claims = [around("I2", "the same, 0.0335", 0.0335, LOSS, ended.loss, run=ended.loss[0]), slower]
    return Line(report.REPORT["I2"], ended, claims, report.SMALL)


def _i3(experiment: Experiment) -> Line:
    ended, usual = experiment.near(report.ONES), experiment.plain()
    faster = _compared_speed("I3", "faster than I0", ended, usual, BELOW_0)
    claims = [figure("I3", "0.0335", LOSS, ended.loss, run=ended.loss[0]), faster]
    return Line(report.REPORT["I3"], ended, claims, report.ONES)


def _i4(experiment: Experiment) -> Line:
    ended = experiment.plain()
    return Line(report.REPORT["I4"], ended, [around("I4", "almost 0.0335", 0.0335, LOSS, ended.loss)])


def _l1(experiment: Experiment) -> Line:
    ended, usual = experiment.plain(0.00005), experiment.plain()
    quantity = f"largest rise from one of the first {AT_FIRST} epochs to the next"
    rises = in_words("L1", "rises at first", quantity, ended.rise_at_first, ABOVE_0, percent=True)
    slower = _compared_speed("L1", "slower than L2", ended, usual, ABOVE_0)
    return Line(report.REPORT["L1"], ended, [rises, slower, _steady("L1", ended)])


def _l2(experiment: Experiment) -> Line:
    ended, slow = experiment.plain(), experiment.plain(0.00005)
    faster = _compared_speed("L2", "faster than L1", ended, slow, BELOW_0)
    claims = [figure("L2", "0.0335", LOSS, ended.loss), faster, _steady("L2", ended)]
    return Line(report.REPORT["L2"], ended, claims)


def _l3(experiment: Experiment) -> Line:
    ended, usual = experiment.plain(0.01), experiment.plain()
    higher = _compared_loss("L3", "higher than L2", ended, usual, ABOVE_0)
    claims = [
        figure("L3", "0.038", LOSS, ended.loss, unchanged=usual.loss),
        higher,
        _steady("L3", ended),
    ]
    return Line(report.REPORT["L3"], ended, claims)


def _l4(experiment: Experiment) -> Line:
    ended, usual = experiment.plain(0.1), experiment.plain()
    higher = _compared_loss("L4", "higher than L2", ended, usual, ABOVE_0)
    negative = in_words(
        "L4",
        "5-6 weights negative",
        "weights below 0, of 6",
        ended.negative_weights,
        (NEARLY_ALL, np.inf),
        unchanged=usual.negative_weights,
    )
    claims = [figure("L4", "0.041", LOSS, ended.loss, unchanged=usual.loss), higher, negative]
    return Line(report.REPORT["L4"], ended, claims)


def _l5(experiment: Experiment) -> Line:
    ended = experiment.plain(1.0)
    variance = float(np.var(experiment.data.y))
    increases = in_words(
        "L5", "loss increases", "rise from the first epoch to the last", ended.growth, ABOVE_0, percent=True
    )
    horrible = in_words("L5", "worse than the mean", LOSS, ended.loss, (variance, np.inf))
    return Line(report.REPORT["L5"], ended, [increases, horrible])


def _n1(experiment: Experiment) -> Line:
    few = min(experiment.row_counts)
    ended, usual = experiment.plain(rows=few), experiment.plain()
    score, full = experiment.scores(few), experiment.scores()
    claims = [
        figure("N1", "0.05", R2, score["r2"], unchanged=full["r2"]),
        figure("N1", "189 %", MAPE, score["mape"], unchanged=full["mape"]),
        _compared_speed("N1", "slower than N2", ended, usual, ABOVE_0),
        _compared_mape("N1", "MAPE above N2's", score["mape"], full["mape"], ABOVE_0),
    ]
    return Line(report.REPORT["N1"], ended, claims)


def _n2(experiment: Experiment) -> Line:
    few, full = experiment.scores(min(experiment.row_counts)), experiment.scores()
    moved = full["r2"] - few["r2"]
    claims = [
        figure("N2", "125 %", MAPE, full["mape"]),
        in_words("N2", "R² near 0", R2, full["r2"], (-NEAR_ZERO, NEAR_ZERO)),
        _compared_mape("N2", "MAPE below N1's", full["mape"], few["mape"], BELOW_0),
        in_words("N2", "R² as with N1", "R² minus N1's", moved, (-NEAR_ZERO, NEAR_ZERO)),
    ]
    return Line(report.REPORT["N2"], experiment.plain(), claims)


def _steady(line: str, ended: Outcomes) -> Claim:
    quantity = "largest rise from one epoch to the next"
    return in_words(line, "stable", quantity, ended.largest_rise, (-np.inf, STEADY), percent=True)


def _compared(
    line: str,
    says: str,
    quantity: str,
    pair: tuple[Floats, Floats],
    agrees: tuple[float, float],
    by: Callable[[Floats, Floats], Floats] | None = None,
    percent: bool = False,
) -> Claim:
    """A claim that compares each start, with the line's change, with the same start of another line.

    To see what differs when nothing is changed, it also compares each start of that other line with the next
    one, both ways.
    """
    differ = by or _less
    changed, usual = pair
    other = np.roll(usual, -1)
    unchanged = np.concatenate([differ(other, usual), differ(usual, other)])
    values = differ(changed, usual)
    return in_words(line, says, quantity, values, agrees, unchanged=unchanged, percent=percent)


def _compared_speed(
    line: str, says: str, changed: Outcomes, usual: Outcomes, agrees: tuple[float, float]
) -> Claim:
    quantity = f"{SETTLED} {says.split()[-1]}"
    return _compared(line, says, quantity, (changed.settled, usual.settled), agrees)


def _compared_mape(
    line: str, says: str, changed: Floats, usual: Floats, agrees: tuple[float, float]
) -> Claim:
    quantity = f"MAPE minus {says.split()[-1]}"
    return _compared(line, says, quantity, (changed, usual), agrees, percent=True)


def _compared_loss(
    line: str, says: str, changed: Outcomes, usual: Outcomes, agrees: tuple[float, float]
) -> Claim:
    quantity = f"loss relative to the loss of {says.split()[-1]}"
    return _compared(line, says, quantity, (changed.loss, usual.loss), agrees, _relative, percent=True)


def _less(these: Floats, those: Floats) -> Floats:
    """The differences of values; 0 where both are infinite, because both networks diverged."""
    with np.errstate(invalid="ignore"):
        return np.where(these == those, 0.0, these - those)


def _relative(these: Floats, those: Floats) -> Floats:
    """The relative differences of values; 0 where both are equal, also where both are infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(these == those, 0.0, these / those - 1.0)


OF_GENERATED_DATA = ("D1", "D2")


def line_of(id: str, experiment: Experiment) -> Line:
    """A line of the report; it is judged only if its figure belongs to the experiment's data."""
    line = MAKERS[id](experiment)
    return line if id in OF_GENERATED_DATA or experiment.of_the_report else line.measured()


MAKERS: dict[str, Callable[[Experiment], Line]] = {
    "D1": _d1,
    "D2": _d2,
    "I0": _i0,
    "I1": _i1,
    "I2": _i2,
    "I3": _i3,
    "I4": _i4,
    "L1": _l1,
    "L2": _l2,
    "L3": _l3,
    "L4": _l4,
    "L5": _l5,
    "N1": _n1,
    "N2": _n2,
}

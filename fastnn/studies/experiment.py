"""The sweeps behind the studies: each is trained once, even if several lines of the report use it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastnn.studies.report as report
from fastnn.checking import InputError, seed_number, shown, whole_number
from fastnn.data.datasets import Dataset, generate_train_data
from fastnn.studies.outcomes import Outcomes
from fastnn.sweeping.results import Sweep
from fastnn.sweeping.sweep import sweep
from fastnn.system.interrupting import to_the_end
from fastnn.system.progress import Bar
from fastnn.system.telling import is_terminal
from fastnn.training.plan import Plan
from fastnn.training.scoring import scores
from fastnn.training.starts import Start, given, normal

__all__ = ["Experiment"]

Floats = NDArray[np.float64]

MOST_NETWORKS = 50_000  # 120 MB of loss curves a sweep; the 54 sweeps, some of them smaller, hold 1.8 GB
TABLES = 20
FARTHEST = 0.5  # the largest distance from a given start, as a share of the start's size
TRIAL_SECONDS = 0.2
TRIAL_NETWORKS = 512

Ranges = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Experiment:
    """The settings that all lines of the report share, and the sweeps trained so far.

    Parameters
    ----------
    data : Dataset
        Two inputs and one target: age, bmi -> charges in the report. The report's figures belong to the
        insurance table; data other than this table or its stand-in get distributions, but no verdicts.
    networks : int
        Starts for each line, at most 50 000. Start i is the same in every line that draws its starts.
    seed : int
    epochs : int
        At least 2, since the report speaks of losses that rise or fall from one epoch to the next.
    engine : str
        One of `fastnn.ENGINES`, or "auto". All give the same bits.
    workers : int, optional
        Threads; by default one for each processor that this process may use.

    Raises
    ------
    InputError
        For any argument that does not fit, before any work is done.
    """

    data: Dataset
    networks: int = 10_000
    seed: int = 0
    epochs: int = report.EPOCHS
    engine: str = "auto"
    workers: int | None = None
    _trained: dict[Any, Outcomes] = field(default_factory=dict, repr=False)
    _scored: dict[Any, dict[str, Floats]] = field(default_factory=dict, repr=False)
    _after: list[Callable[[int], None]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.data, Dataset):
            raise InputError(
                f"data must be a fastnn.Dataset; got {shown(self.data)}. "
                "Make one, such as fastnn.load_insurance()."
            )
        whole_number(self.networks, "networks", 2, MOST_NETWORKS)
        seed_number(self.seed)
        whole_number(self.epochs, "epochs", 2)
        Plan.of(report.NETWORK, self.data, None, self.epochs, self.engine, "float64")

    @property
    def row_counts(self) -> tuple[int, ...]:
        """The numbers of rows trained on: 30 to all."""
        return (*(rows for rows in report.ROWS if rows < self.data.rows), self.data.rows)

    @property
    def of_the_report(self) -> bool:
        """Whether the data are the report's own, so that its figures can be judged."""
        return report.is_of(self.data)

    def plain(self, learning_rate: float = report.LEARNING_RATE, rows: int | None = None) -> Outcomes:
        """Starts from normal(0, 1.5), trained on the first `rows` rows, by default on all."""
        rows = self.data.rows if rows is None else rows
        return self._once(("plain", learning_rate, rows), lambda: [self._sweep(learning_rate, rows)])

    def near(self, start: Floats) -> Outcomes:
        """Starts around a given one, the nearest first: see `distances`."""
        return self._once(("near", *start), lambda: [self._sweep(start=self.around(start))])

    def generated(self, ranges: Ranges) -> Outcomes:
        """Starts from normal(0, 1.5), trained on generated tables: each table gets a part of the starts."""
        return self._once(("generated", *ranges.values()), lambda: self._generated(ranges))

    def scores(self, rows: int | None = None) -> dict[str, Floats]:
        """r2 and mape (M,) on all rows, in the target's unit, of networks trained on the first `rows` rows.

        A diverged network has the worst scores, minus infinity and infinity. If most targets are 0, there is
        no MAPE: it is NaN for all networks.
        """
        rows = self.data.rows if rows is None else rows
        if rows not in self._scored:
            (trained,) = self.plain(rows=rows).sweeps
            found = scores(trained.network, trained.parameters, self.data)
            worst = {"r2": -np.inf, "mape": np.inf}
            self._scored[rows] = {
                name: np.where(trained.diverged > 0, value, found[name]) for name, value in worst.items()
            }
        return self._scored[rows]

    @property
    def distances(self) -> Floats:
        """(M,) the distance of each start from the given one, as a share of the given start's size.

        The size is the root of the start's mean square. Distance times size is the standard deviation of the
        normal numbers added to each parameter. The distance grows evenly from 0 to 0.5.
        """
        return FARTHEST * np.arange(self.networks) / (self.networks - 1)

    def around(self, start: Floats) -> Start:
        """The starts at `distances` from a given one; the first is the given one itself."""
        drawn = normal(0.0, 1.0).draw(report.NETWORK, range(self.networks), self.seed)
        size = np.sqrt(np.mean(start * start))
        return given(start + drawn * (self.distances * size)[:, None])

    def prepare(self, progress: bool | None = None) -> None:
        """Train every sweep that the lines need, with a progress bar (by default on a terminal only)."""
        shown = is_terminal(sys.stderr) if progress is None else progress
        bar = Bar(self.visits(), bar_format="{l_bar}{bar}| {elapsed}, {remaining} to go") if shown else None
        asked = self._everything()
        try:
            for number, train in enumerate(asked, 1):
                if bar is not None:
                    bar.name(f"sweep {number} of {len(asked)}")
                    self._after[:] = [bar.update]
                train()
        finally:
            self._after.clear()
            if bar is not None:
                bar.close()

    def visits(self) -> int:
        """The number of updates in all sweeps together: networks times rows times epochs."""
        rows = sum(self.row_counts) + self.data.rows * (4 + 3) + 2 * self.generated_rows
        return rows * self.networks * self.epochs

    @property
    def generated_rows(self) -> int:
        """The number of rows of each generated table."""
        return 100

    def estimate(self) -> float:
        """Estimate the seconds of the training from a trial of less than a second; compile before it."""
        some = min(self.networks, TRIAL_NETWORKS)
        self._trial(some, 1)  # the first use of everything takes longer, and is not measured
        epochs = 1
        while True:
            seconds = self._trial(some, epochs)
            if seconds > TRIAL_SECONDS or epochs >= self.epochs:
                return seconds * self.visits() / (some * epochs * self.data.rows)
            epochs = min(4 * epochs, self.epochs)

    def _everything(self) -> list[Callable[[], Outcomes]]:
        """The calls that train every sweep that the lines need."""
        rates = dict.fromkeys((*report.LEARNING_RATES, report.LEARNING_RATE))
        return [
            *(partial(self.plain, learning_rate) for learning_rate in rates),
            *(partial(self.plain, rows=rows) for rows in self.row_counts if rows < self.data.rows),
            *(partial(self.near, start) for start in (report.LARGE, report.SMALL, report.ONES)),
            *(partial(self.generated, ranges) for ranges in (report.SIMPLE, report.WIDE)),
        ]

    def _trial(self, networks: int, epochs: int) -> float:
        found = sweep(
            report.NETWORK,
            self.data,
            networks=networks,
            seed=self.seed,
            epochs=epochs,
            engine=self.engine,
            workers=self.workers,
            progress=False,
        )
        return to_the_end(found).seconds

    def _once(self, key: Any, train: Callable[[], list[Sweep]]) -> Outcomes:
        if key not in self._trained:
            self._trained[key] = Outcomes(tuple(train()))
        return self._trained[key]

    def _generated(self, ranges: Ranges) -> list[Sweep]:
        """Train each part of the starts on a generated table of its own."""
        found = []
        tables = min(TABLES, self.networks)
        drawn = normal(0.0, report.START).draw(report.NETWORK, range(self.networks), self.seed)
        for table, starts in enumerate(np.array_split(drawn, tables)):
            frame = generate_train_data(self.generated_rows, seed=table, **ranges)
            data = Dataset.from_frame(frame, ["n1", "n2"], "n3")
            found.append(self._sweep(start=given(starts), data=data, networks=len(starts)))
        return found

    def _sweep(
        self,
        learning_rate: float = report.LEARNING_RATE,
        rows: int | None = None,
        start: Start | None = None,
        data: Dataset | None = None,
        networks: int | None = None,
    ) -> Sweep:
        data = self.data if data is None else data
        rows = data.rows if rows is None else rows
        found = sweep(
            report.NETWORK,
            data,
            networks=networks or self.networks,
            start=start or normal(0.0, report.START),
            seed=self.seed,
            learning_rate=learning_rate,
            rows=rows,
            epochs=self.epochs,
            engine=self.engine,
            workers=self.workers,
            progress=False,
            curves=True,
        )
        to_the_end(found)
        for told in self._after:
            told(len(found) * rows * self.epochs)
        return found

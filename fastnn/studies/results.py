"""All lines of the report together, and tables of them."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastnn.studies.experiment import Experiment
from fastnn.studies.lines import MAKERS, Line, line_of
from fastnn.studies.reasons import reasons
from fastnn.system.floating_point import ieee

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Studies", "run"]

BANDS = (0.05, 0.5, 0.95)


@dataclass(frozen=True, eq=False)
class Studies:
    """The report's lines, each with the outcomes of its starts.

    Attributes
    ----------
    experiment : Experiment
        It holds every sweep behind the lines.
    lines : tuple of Line
        D1, D2, I0-I4, L1-L5, N1, N2.
    reasons : dict of str to list of str
        For each line's name, sentences on what the numbers show.
    seconds : float
        The time of the whole run, with compiling.
    """

    experiment: Experiment
    lines: tuple[Line, ...]
    reasons: dict[str, list[str]]
    seconds: float

    def __getitem__(self, id: str) -> Line:
        """A line by its name in the report."""
        return next(line for line in self.lines if line.id == id)

    def claims(self) -> pd.DataFrame:
        """Return a table of the claims of all lines.

        Columns: line; changed, says (the report's figure or words); quantity; p5, median, p95 of the
        starts; percentile_low, percentile_high, the percentiles between which the report's figure falls;
        agree, the share of the starts that agree with the claim; unchanged, the share that agree with it
        although nothing was changed; run, the value of the report's own start; verdict.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "line": claim.line,
                "changed": line.changed,
                "says": claim.says,
                "quantity": claim.quantity,
                "p5": claim.quantile(0.05),
                "median": claim.quantile(0.5),
                "p95": claim.quantile(0.95),
                "percentile_low": 100 * claim.percentiles[0] if claim.judged else None,
                "percentile_high": 100 * claim.percentiles[1] if claim.judged else None,
                "agree": claim.agree if claim.judged else None,
                "unchanged": claim.agree_unchanged,
                "run": claim.run,
                "verdict": claim.verdict or None,
            }
            for line in self.lines
            for claim in line.claims
        )

    def outcomes(self) -> pd.DataFrame:
        """A table of the lines: the number of starts, the share that ended each way, the loss's quantiles."""
        import pandas as pd

        return pd.DataFrame(
            {
                "line": line.id,
                "networks": len(line.outcomes),
                **line.outcomes.shares,
                **_quantiles("loss", line.outcomes.loss),
            }
            for line in self.lines
        )

    def by_rows(self) -> pd.DataFrame:
        """A table of the numbers of rows trained on: quantiles of R² and MAPE over all rows of the data."""
        import pandas as pd

        return pd.DataFrame(
            {
                "rows": rows,
                **_quantiles("r2", self.experiment.scores(rows)["r2"]),
                **_quantiles("mape", self.experiment.scores(rows)["mape"]),
            }
            for rows in self.experiment.row_counts
        )


@ieee
def run(experiment: Experiment, progress: bool | None = None) -> Studies:
    """Train all starts of all lines and judge the report's claims.

    Parameters
    ----------
    experiment : Experiment
        Sweeps that it has trained already are not trained again.
    progress : bool, optional
        Whether to show a bar; by default on a terminal only.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C; finished sweeps stay in the experiment.
    """
    began = perf_counter()
    experiment.prepare(progress)
    lines = tuple(line_of(id, experiment) for id in MAKERS)
    why = {line.id: reasons(line, experiment) for line in lines}
    return Studies(experiment, lines, why, perf_counter() - began)


def _quantiles(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    found = np.quantile(values, BANDS, method="inverted_cdf")
    return {f"{name}_p{100 * q:g}": float(v) for q, v in zip(BANDS, found, strict=True)}

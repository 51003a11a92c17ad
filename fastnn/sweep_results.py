"""The results of a sweep: one table, and the questions one asks of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, whole_number, whole_numbers
from fastnn.evaluating import dead_units, predictions, scores
from fastnn.grid import Cell, Grid
from fastnn.initial import Start
from fastnn.network import Network
from fastnn.planning import Plan
from fastnn.training import Training, train

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Sweep"]

Array = NDArray[Any]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """What a sweep found: m networks, one row each, in the order of their numbers.

    Attributes
    ----------
    plan : Plan
        The checked request: network, rows, epochs, engine, dtype.
    grid : Grid
        How networks are numbered over learning rates, rows and starts.
    initial : Start
    seed : int
    numbers : (m,) int64
        The numbers of the networks in the table: all, unless the sweep was interrupted.
    parameters : (m, P)
        After the last epoch; all NaN where a network diverged.
    loss : (m,)
        Of the last epoch; NaN where a network diverged.
    diverged : (m,) int32
        The epoch, from 1, in which a network diverged; 0 for never.
    curves : (m, E), or None
        Every network's loss curve, if they were asked for.
    interrupted : bool
        Ctrl-C stopped the sweep; what was unfinished is not in the table.
    seconds : float
        How long it took, without compiling.
    """

    plan: Plan
    grid: Grid
    initial: Start
    seed: int
    numbers: NDArray[np.int64]
    parameters: Array
    loss: Array
    diverged: NDArray[np.int32]
    curves: Array | None
    interrupted: bool
    seconds: float

    @property
    def network(self) -> Network:
        """The network that was swept."""
        return self.plan.network

    @property
    def engine(self) -> str:
        """The engine that ran."""
        return self.plan.engine_for(self.grid.total)

    @property
    def status(self) -> NDArray[np.str_]:
        """Whether each network stayed "ok" or "diverged"."""
        return np.where(self.diverged > 0, "diverged", "ok")

    def __len__(self) -> int:
        return len(self.numbers)

    def frame(self) -> pd.DataFrame:
        """The table: network, learning_rate, rows, loss, status, and every parameter by name."""
        return self._frame(slice(None))

    def best(self, count: int = 5) -> pd.DataFrame:
        """The rows of the `count` networks with the smallest loss, best first; diverged ones never."""
        count = whole_number(count, "count", 1)
        healthy = int((self.diverged == 0).sum())
        return self._frame(np.argsort(self.loss, kind="stable")[: min(count, healthy)])  # NaN comes last

    def summary(self) -> pd.DataFrame:
        """For each cell of the grid: its networks, and the quantiles of the loss of those that are ok."""
        import pandas as pd

        cells = []
        for cell in self.grid.cells():
            inside = (self.numbers >= cell.first) & (self.numbers < cell.first + self.grid.starts)
            ok = self.loss[inside & (self.diverged == 0)].astype(np.float64)
            row = {
                "learning_rate": float(cell.learning_rate),
                "rows": cell.rows,
                "networks": int(inside.sum()),
                "diverged": int(inside.sum()) - len(ok),
                "best": ok.min() if len(ok) else np.nan,
            }
            found = np.quantile(ok, QUANTILES) if len(ok) else np.full(len(QUANTILES), np.nan)
            cells.append(row | {f"{100 * q:g} %": value for q, value in zip(QUANTILES, found, strict=True)})
        return pd.DataFrame(cells)

    def only(self, cell: Cell) -> Sweep:
        """The part of the table that belongs to one cell of the grid."""
        return self.part(np.arange(cell.first, cell.first + self.grid.starts))

    def part(self, numbers: ArrayLike) -> Sweep:
        """The part of the table with the networks of some numbers; numbers that it lacks are left out."""
        inside = np.isin(self.numbers, np.asarray(numbers))
        columns = {
            name: getattr(self, name)[inside] for name in ("numbers", "parameters", "loss", "diverged")
        }
        return replace(self, **columns, curves=None if self.curves is None else self.curves[inside])

    def replay(self, number: int) -> Training:
        """Train network `number` again, alone: the same bits, with its loss curve.

        Any network of the grid can be replayed, also one that an interrupted sweep did not reach.
        """
        number = whole_number(number, "number", 0, self.grid.total - 1)
        rows = int(self.grid.rows_of(number))
        start = int(self.grid.start_of(number))
        return train(
            self.network,
            self.plan.X[:rows],
            self.plan.Y[:rows],
            self.initial.draw(self.network, [start], self.seed)[0],
            learning_rate=float(self.grid.learning_rate_of(number)),
            epochs=self.plan.epochs,
            engine=self.plan.engine,
            dtype=self.plan.dtype,
            shuffle=self.plan.shuffle_seed is not None,
            seed=self.seed,
        )

    def dead_units(self) -> NDArray[np.int64]:
        """How many hidden ReLU units of each network are shut on every row it was trained on: (m,).

        Such a unit is constant and gets no gradient. Diverged networks count as 0.
        """
        dead = np.empty(len(self), np.int64)
        rows = self.grid.rows_of(self.numbers)
        for count in self.grid.rows:
            some = np.flatnonzero(rows == count)
            dead[some] = dead_units(self.network, self.parameters[some], self.plan.X[:count])
        return dead

    def predict(self, X: Any, numbers: ArrayLike | None = None) -> Array:
        """The outputs of some networks, or of all, for some rows.

        Parameters
        ----------
        X : array_like (N, D), or Dataset
            With a Dataset the predictions come back in the target's own unit.
        numbers : array_like of int, optional
            The networks' numbers.

        Returns
        -------
        array (M, N), or (M, N, K) for K > 1 outputs
        """
        parameters = self.parameters if numbers is None else self.parameters[self._places(numbers)]
        return predictions(self.network, parameters, X, "Name fewer networks with numbers=[...].")

    def score(self, X: Any, y: ArrayLike | None = None) -> pd.DataFrame:
        """network, mse, r2 and mape of every network on some rows, as `Training.score` computes them."""
        import pandas as pd

        return pd.DataFrame({"network": self.numbers, **scores(self.network, self.parameters, X, y)})

    def __repr__(self) -> str:
        stopped = f" of {self.grid.total}, interrupted" if self.interrupted else ""
        return (
            f"<Sweep of {self.network!r}: {len(self)} networks{stopped}, {self.plan.epochs} epochs, "
            f"initial={self.initial!r}, seed={self.seed}, engine={self.engine!r}, dtype={self.plan.dtype!r}>"
        )

    def _places(self, numbers: Any) -> NDArray[np.intp]:
        wanted = np.array(whole_numbers(numbers, "each of numbers", 0, self.grid.total - 1), np.int64)
        missing = wanted[~np.isin(wanted, self.numbers)]
        if len(missing):
            raise InputError(
                f"numbers must name networks that were finished; got {missing[0]}, which the interrupted "
                "sweep did not reach. Replay it instead."
            )
        return np.searchsorted(self.numbers, wanted)

    def _frame(self, rows: Any) -> pd.DataFrame:
        import pandas as pd

        numbers = self.numbers[rows]
        codes = (self.diverged[rows] > 0).astype(np.int8)
        columns = {
            "network": numbers,
            "learning_rate": self.grid.learning_rate_of(numbers),
            "rows": self.grid.rows_of(numbers),
            "loss": self.loss[rows],
            "status": pd.Categorical.from_codes(codes, pd.Index(["ok", "diverged"])),
        }
        parameters = self.parameters[rows]
        for place, name in enumerate(self.network.parameter_names):
            columns[name] = parameters[:, place]
        return pd.DataFrame(columns)

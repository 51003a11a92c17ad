"""The results of a sweep: one table, and the questions one asks of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.data.metrics import note
from fastnn.showing.cards import shown_or_none
from fastnn.showing.lettering import counted, grouped
from fastnn.sweeping.card import sweep_card
from fastnn.sweeping.columns import SweepColumns
from fastnn.sweeping.dead_units import dead_unit_pieces
from fastnn.sweeping.grid import Cell
from fastnn.sweeping.notes import sweep_notes
from fastnn.sweeping.ranking import (
    QUANTILES,
    best_numbers,
    cell_quantiles,
    checked_loss,
    loss_quantiles,
    summary,
)
from fastnn.sweeping.replaying import network_numbers, replayed
from fastnn.sweeping.selecting import (
    Filters,
    as_frame,
    checked_columns,
    checked_levels,
    columns_of,
    no_rows,
    selected,
)
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.tables import Columns, MemoryTable, table_digest
from fastnn.training.evaluating import predictions, score_notes, scores
from fastnn.training.result import Training

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["QUANTILES", "Sweep"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(SweepColumns):
    """What a sweep found: m networks, one row each, in the order of their numbers.

    The rows lie in memory, or in a store (`fastnn.open`). Of a store, `frame` with filters, `pieces`,
    `best`, `summary`, `quantiles`, `dead_unit_counts`, `digest` and `replay` read shard by shard, in
    memory that does not grow with the sweep, but for quantiles: they take 8 bytes for each network of a cell,
    or of all cells together. An attribute of m rows loads all of them when it is asked for.

    Attributes
    ----------
    design : Design
        The checked sweep: its plan (network, rows, epochs, engine, dtype), how its grid numbers the
        networks over learning rates, rows and starts, its initial start and its seed.
    table : Table
        Where the rows lie.
    interrupted : bool
        Ctrl-C stopped the sweep; what was unfinished is not in the table.
    seconds : float
        How long that took by the clock, without compiling and estimating here. With an executor it holds
        what workers take to begin.
    ran : int
        How many networks were trained by the call that gave this; 0 by `fastnn.open`.
    store : Path, or None
        The folder in which the rows lie.
    failures : tuple of str
        What could not be done, in words: shards that failed three times, and what an executor that does not
        work left. With the table they add up to all networks, unless the sweep was interrupted.
    foreign : str
        How the rows were computed otherwise than they would be here, where a store tells of it. They can be
        read then; what would be computed anew, or computed from them, is refused.
    numbers : (m,) int64
        The numbers of the networks in the table: all, unless something is unfinished.
    parameters : (m, P)
        After the last epoch; all NaN where a network diverged.
    loss : (m,)
        Of the last epoch, over the rows trained on; NaN where a network diverged.
    loss_all_rows : (m,), or None
        Where the networks are trained on different numbers of rows, the loss of each as it ended over all
        rows, the same for all of them. NaN also where that is not a finite number.
    validation_loss : (m,), or None
        The same over the rows given as ``validation``, if any.
    ranked_by : str
        The loss that compares all networks, by which `best` ranks: "loss", "loss_all_rows" where they are
        trained on different numbers of rows, "validation_loss" where there is one.
    diverged : (m,) int32
        The epoch, from 1, in which a network diverged; 0 for never.
    curves : (m, n), or None
        Every network's loss in the epochs `curve_epochs`, if they were asked for.
    """

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Where most networks of the sweep, or of a cell of it, diverged or answer all rows with one number.

        The latter is asked of a thousand networks, the first of each cell.
        """
        if self.foreign:
            return (f"computed otherwise than it would be here, so that it can only be read: {self.foreign}",)
        return sweep_notes(self)

    def frame(self, columns: Sequence[str] | None = None, filters: Filters = ()) -> pd.DataFrame:
        """The table: network, learning_rate, rows, losses, status, and every parameter by name.

        Parameters
        ----------
        columns : sequence of str, optional
            Which columns; also "diverged".
        filters : sequence of (column, comparison, value)
            Which rows: those for which all hold, such as ``[("loss", "<", 0.01), ("rows", "==", 30)]``. A
            comparison is ==, !=, <, <=, >, >= or in.
        """
        import pandas as pd

        pieces = list(self.pieces(columns, filters))
        return pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)

    def pieces(self, columns: Sequence[str] | None = None, filters: Filters = ()) -> Iterator[pd.DataFrame]:
        """The table of `frame` piece by piece, in memory that does not grow with the sweep."""
        return selected(self.design, self.table, columns, filters)

    def best(self, count: int = 5, by: str | None = None) -> pd.DataFrame:
        """The rows of the `count` networks with the smallest loss, best first; diverged ones never.

        Parameters
        ----------
        count : int
        by : str, optional
            By which loss: one of those that the sweep has. By default the one that compares all its networks,
            `ranked_by`.
        """
        numbers = best_numbers(self.design, self.table, count, by)
        return as_frame(columns_of(self.design, self.table, numbers, checked_columns(self.design)))

    def summary(self) -> pd.DataFrame:
        """For each cell of the grid: its networks, and the quantiles of the loss of those that are ok.

        ``best`` and the quantiles are of the last epoch's loss, over the rows that the cell was trained on.
        Cells of different rows are compared by ``best loss_all_rows`` and ``best validation_loss``, where the
        sweep has these losses.
        """
        return summary(self.design, self.table)

    def quantiles(self, levels: Sequence[float] = QUANTILES, by: str = "loss") -> pd.DataFrame:
        """For each cell of the grid: the quantiles of a loss of the networks that are ok.

        By linear interpolation, exact however many networks there are; NaN where there are none.

        Parameters
        ----------
        levels : sequence of float
        by : str
            Of which loss: one of those that the sweep has.
        """
        return cell_quantiles(self.design, self.table, levels, checked_loss(self.design, by))

    def loss_quantiles(self, levels: Sequence[float]) -> NDArray[np.float64]:
        """The quantiles of the last epoch's loss of all networks that are ok, of all cells together."""
        return loss_quantiles(self.table, checked_levels(levels), "loss")

    def digest(self) -> str:
        """One digest over the table: SHA-256 over every bit of every row, in the order of their numbers.

        The same whatever engine, threads, workers and interruptions the rows came by, in memory and in a
        store.
        """
        return self.table.kept_digest() or self.table_digest()

    def table_digest(self) -> str:
        """The digest, computed anew from the rows."""
        return table_digest(self.design, self.table)

    def only(self, cell: Cell) -> Sweep:
        """The part of the table that belongs to one cell of the grid, in memory."""
        return self.part(np.arange(cell.first, cell.first + self.grid.starts))

    def part(self, numbers: ArrayLike) -> Sweep:
        """The part of the table with the networks of some numbers, in memory; those it lacks are left out."""
        names = self.network.parameter_names
        needed = ["network", *self.design.losses, "diverged", *names]
        nothing = no_rows(self.plan.dtype, needed)
        if self.curves_every:
            needed.append("curve")
            nothing["curve"] = np.empty((0, len(self.curve_epochs)), np.float32)
        pieces = list(
            self.table.take(needed, np.unique(network_numbers(numbers, "each of numbers", self.grid.total)))
        )
        found = {
            name: np.concatenate([piece[name] for piece in pieces] or [nothing[name]]) for name in needed
        }
        matrix = np.column_stack([found.pop(name) for name in names])
        return replace(self, table=MemoryTable(names, matrix, found), store=None)

    def replay(self, number: int | ArrayLike) -> Training:
        """Train network `number` again, alone: the same bits, with its loss curve.

        Any network of the grid can be replayed, also one that an interrupted sweep did not reach. Several
        that were trained on the same rows come back as one Training, in the order in which they are named:
        ``sweep.replay(sweep.best(5).network).save("best.npz")``. The Training knows their numbers.

        Parameters
        ----------
        number : int, or sequence of them
            A sequence of one number, such as ``sweep.best(1).network``, is one network.
        """
        self.refuse_foreign()
        return replayed(self.design, number)

    def refuse_foreign(self) -> None:
        """Raise a StoreError if the rows come of another arithmetic: nothing is computed from them here."""
        if self.foreign:
            raise StoreError(
                f"what is computed must be computed as the rows of {self.store or 'the store'} were; "
                f"{self.foreign}. Read them here, or compute with the version of fastnn that wrote them."
            )

    def dead_units(self) -> NDArray[np.int64]:
        """How many hidden ReLU units of each network are shut on every row it was trained on: (m,).

        Such a unit is constant and gets no gradient. Diverged networks count as 0.
        """
        return np.concatenate([np.empty(0, np.int64), *(dead for _, dead in self.dead_unit_pieces(()))])

    def dead_unit_pieces(self, names: Sequence[str]) -> Iterator[tuple[Columns, NDArray[np.int64]]]:
        """Some columns and the dead units of their networks, piece by piece."""
        self.refuse_foreign()
        return dead_unit_pieces(self.design, self.table, names)

    def dead_unit_counts(self) -> NDArray[np.int64]:
        """How many networks that are ok have 0, 1, 2, ... dead units, up to the most that any has."""
        total = np.zeros(1, np.int64)
        for columns, dead in self.dead_unit_pieces(("diverged",)):
            counted = np.bincount(dead[columns["diverged"] == 0], minlength=len(total))
            counted[: len(total)] += total
            total = counted
        return total

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
        self.refuse_foreign()
        if numbers is None:
            parameters = self.parameters
        else:
            wanted = network_numbers(numbers, "each of numbers", self.grid.total)
            rows = columns_of(self.design, self.table, wanted, self.network.parameter_names)
            parameters = np.column_stack(list(rows.values()))
        return predictions(self.network, parameters, X, "Name fewer networks with numbers=[...].")

    def score(self, X: Any, y: ArrayLike | None = None) -> pd.DataFrame:
        """network, mse, r2 and mape of every network on some rows, as `Training.score` computes them."""
        found = self.quiet_score(X, y)
        note(score_notes(X, y))
        return found

    def quiet_score(self, X: Any, y: ArrayLike | None = None) -> pd.DataFrame:
        """The same without its notes, for whoever says them in another way."""
        self.refuse_foreign()
        import pandas as pd

        pieces = [
            pd.DataFrame({"network": columns["network"], **scores(self.network, parameters, X, y)})
            for columns, parameters in self.table.parameters(["network"])
        ]
        return pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)

    def _repr_html_(self) -> str | None:
        return shown_or_none(lambda: sweep_card(self))

    def __str__(self) -> str:
        return "\n".join([repr(self), *self.notes])

    def __repr__(self) -> str:
        why = "interrupted" if self.interrupted else "unfinished"
        stopped = f" of {grouped(self.grid.total)}, {why}" if len(self) < self.grid.total else ""
        where = "" if self.store is None else f", store={str(self.store)!r}"
        return (
            f"<Sweep of {self.network!r}: {counted(len(self), 'network')}{stopped}, "
            f"{counted(self.plan.epochs, 'epoch')}, "
            f"initial={self.initial!r}, seed={self.seed}, engine={self.engine!r}, "
            f"dtype={self.plan.dtype!r}{where}>"
        )

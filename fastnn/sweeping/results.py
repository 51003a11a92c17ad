"""The results of a sweep: one table, with its frames, best networks, quantiles, replays and scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError
from fastnn.data.classes import class_names, classes_of
from fastnn.data.datasets import Dataset
from fastnn.data.metrics import note
from fastnn.data.recoding import with_classes
from fastnn.data.rows import checked_inputs
from fastnn.showing.cards import shown_or_none
from fastnn.showing.lettering import counted, grouped
from fastnn.sweeping.attributes import SweepAttributes
from fastnn.sweeping.card import sweep_card
from fastnn.sweeping.dead_units import dead_unit_pieces
from fastnn.sweeping.evaluating import predicted, scored
from fastnn.sweeping.grid import Cell
from fastnn.sweeping.notes import sweep_notes
from fastnn.sweeping.ranking import (
    QUANTILES,
    best_numbers,
    cell_quantiles,
    checked_loss,
    loss_quantiles,
    need_one_loss,
    summary,
)
from fastnn.sweeping.replaying import network_numbers, replayed
from fastnn.sweeping.selecting import (
    Filters,
    as_frame,
    checked_columns,
    checked_levels,
    columns_of,
    selected,
)
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.tables import Columns, MemoryTable, table_digest
from fastnn.training.result import Training
from fastnn.training.scoring import score_notes, scores_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["QUANTILES", "Sweep"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(SweepAttributes):
    """The results of a sweep: m networks, one row each, in the order of their numbers.

    The rows lie in memory, or in a store (`fastnn.open`). From a store, `frame` with filters, `pieces`,
    `best`, `summary`, `quantiles`, `dead_unit_counts`, `digest` and `replay` read shard by shard. Their
    memory does not grow with the sweep, except for quantiles, which take 8 bytes for each network of a cell,
    or of all cells together. An attribute of m rows loads all rows at its first use.

    Attributes
    ----------
    design : Design
        The checked sweep: its plan (network, rows, epochs, engine, dtype), the grid that numbers its networks
        over its axes (optimizers, batch sizes, learning rates, rows) and starts, its start and its seed.
    table : Table
        The rows.
    interrupted : bool
        Ctrl-C stopped the sweep; unfinished networks are not in the table.
    seconds : float
        The wall-clock time of training, without compiling and estimating in this process. With an executor
        it includes the time that workers take to start.
    form : str
        In which form the kernels were printed that trained in this process, and those that took over; all
        give the same bits. Empty if none trained here.
    ran : int
        The number of networks that this call trained; 0 from `fastnn.open`.
    store : Path, or None
        The folder that holds the rows.
    failures : tuple of str
        The networks that could not be trained, in words: shards that failed three times, and the rest if the
        executor does not work. With the table they add up to all networks, unless the sweep was interrupted.
    foreign : str
        How the arithmetic of a store's rows differs from this version's; empty if it does not. Such rows can
        be read, but nothing is computed from them, and no network is trained again.
    numbers : (m,) int64
        The numbers of the networks in the table: all, unless some are unfinished.
    architectures : tuple of Network
        The networks of which the table has some; `network` is the only one, if there is one.
    parameters : (m, P)
        The parameters after the last epoch, or after the best one where networks stop for themselves; all NaN
        if the network diverged. In a sweep of several networks they are in the columns of the largest,
        ``schema.names``: a network's weights and biases come first among those called w and those called b,
        and the others are NaN. `replay` has a network's own.
    loss : (m,)
        The loss of the last epoch, or of the best one where networks stop for themselves, over the training
        rows; NaN if the network diverged.
    loss_all_rows : (m,), or None
        The trained network's loss over all rows, if networks are trained on different numbers of rows. NaN if
        the network diverged or the loss is not a finite number.
    validation_loss : (m,), or None
        The same over the rows given as ``validation``, if any.
    ranked_by : str
        The loss by which `best` ranks all networks: "validation_loss" if there is one; else "loss_all_rows"
        if networks are trained on different numbers of rows; else "loss".
    diverged : (m,) int32
        The epoch, from 1, in which a network diverged; 0 for never.
    curves : (m, n), or None
        Every network's loss in the epochs `curve_epochs`, if curves are kept.
    """

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences on cells in which most networks diverged or answer all rows with one number.

        Answers are computed for a thousand networks in all, the first ones of each cell.
        """
        if self.foreign:
            computed = "computed by another arithmetic than this version's, so it can only be read"
            return (f"{computed}: {self.foreign}",)
        return sweep_notes(self)

    def frame(self, columns: Sequence[str] | None = None, filters: Filters = ()) -> pd.DataFrame:
        """The table: network, learning_rate, rows, losses, status, and every parameter by name.

        If the grid varies the network, the columns layers and activations come before learning_rate, and a
        network has NaN for the parameters that it has not got. If the grid varies the optimizer, the columns
        optimizer (its name) and those of its settings, such as momentum, come there, too; a setting is NaN
        for an optimizer without it.

        Parameters
        ----------
        columns : sequence of str, optional
            The columns of the frame; "diverged" can be named, too, and so can "optimizer" and its settings
            where all networks have the same.
        filters : sequence of (column, comparison, value)
            Keep the networks for which all filters hold, such as ``[("loss", "<", 0.01), ("rows", "==",
            30)]``. A comparison is ==, !=, <, <=, >, >= or in.
        """
        import pandas as pd

        pieces = list(self.pieces(columns, filters))
        return pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)

    def pieces(self, columns: Sequence[str] | None = None, filters: Filters = ()) -> Iterator[pd.DataFrame]:
        """Yield the table of `frame` piece by piece, in memory that does not grow with the sweep."""
        return selected(self.design, self.table, columns, filters)

    def best(self, count: int = 5, by: str | None = None) -> pd.DataFrame:
        """The rows of the `count` networks with the smallest loss, best first, without diverged ones.

        Parameters
        ----------
        count : int
        by : str, optional
            The name of one of the sweep's losses; by default `ranked_by`, which compares all networks.
            It has to be given where networks are trained by different losses, whose sizes cannot be compared.

        Raises
        ------
        InputError
            If it has to be given and is not, or names no loss of the sweep.
        """
        if by is None:
            need_one_loss(self.design)
        numbers = best_numbers(self.design, self.table, count, by)
        columns = checked_columns(self.design)
        return as_frame(self.design, columns_of(self.design, self.table, numbers, columns))

    def summary(self) -> pd.DataFrame:
        """For each cell of the grid: its number of networks, and quantiles of the loss of the ok ones.

        ``best`` and the quantiles are of the networks' ``loss``, over the cell's training rows. To compare
        cells with different rows, use ``best loss_all_rows`` and ``best validation_loss``, if there are any.
        Where networks stop for themselves, ``stopped`` is how many did, and ``epochs trained`` their mean.
        """
        return summary(self.design, self.table)

    def quantiles(self, levels: Sequence[float] = QUANTILES, by: str = "loss") -> pd.DataFrame:
        """For each cell of the grid: the quantiles of a loss over the networks that are ok.

        They are interpolated linearly, exact for any number of networks, and NaN without networks.

        Parameters
        ----------
        levels : sequence of float
        by : str
            The name of one of the sweep's losses.
        """
        return cell_quantiles(self.design, self.table, levels, checked_loss(self.design, by))

    def loss_quantiles(self, levels: Sequence[float]) -> NDArray[np.float64]:
        """The quantiles of the loss over the ok networks of all cells together."""
        return loss_quantiles(self.table, checked_levels(levels), "loss")

    def digest(self) -> str:
        """The SHA-256 over every bit of every row of the table, in the order of the networks' numbers.

        It does not depend on engine, threads, workers or interruptions, nor on whether the rows lie in memory
        or in a store.
        """
        return self.table.kept_digest() or self.table_digest()

    def table_digest(self) -> str:
        """The digest, computed anew from the rows."""
        return table_digest(self.design, self.table)

    def only(self, cell: Cell) -> Sweep:
        """The part of the table that belongs to one cell of the grid, in memory."""
        return self.part(np.arange(cell.first, cell.first + self.grid.starts))

    def part(self, numbers: ArrayLike) -> Sweep:
        """The part of the table with the networks `numbers`, in memory; missing networks are left out."""
        schema, names = self.schema, self.schema.names
        needed = ["network", *(name for name, column in schema.tabled.items() if not column.source)]
        wanted = np.unique(network_numbers(numbers, "each of numbers", self.grid.total))
        pieces = list(self.table.take(needed, wanted)) or [schema.nothing(needed)]
        found = {name: np.concatenate([piece[name] for piece in pieces]) for name in needed}
        matrix = np.column_stack([found.pop(name) for name in names])
        return replace(self, table=MemoryTable(names, matrix, found), store=None)

    def replay(self, number: int | ArrayLike) -> Training:
        """Train network `number` again, alone: the same bits, with its loss curve.

        Any network of the grid can be replayed, even one that an interrupted sweep did not reach. Several
        numbers give one Training, in the given order, if their networks have the same training rows and the
        same optimizer:
        ``sweep.replay(sweep.best(5).network).save("best.npz")``. The Training knows their numbers.

        Parameters
        ----------
        number : int, or sequence of int
            A sequence of one number, such as ``sweep.best(1).network``, gives one network.
        """
        self.refuse_foreign()
        return replayed(self.design, number)

    def refuse_foreign(self) -> None:
        """Raise StoreError if another arithmetic computed the rows: nothing is computed from them here."""
        if self.foreign:
            raise StoreError(
                f"the rows of {self.store or 'the store'} must be used with the arithmetic that computed "
                f"them; {self.foreign}. Read them here, or use the version of fastnn that wrote them."
            )

    def dead_units(self) -> NDArray[np.int64]:
        """The number of dead units of each network: hidden ReLU units shut on every training row, (m,).

        Such a unit is constant and gets no gradient. It is 0 for diverged networks.
        """
        return np.concatenate([np.empty(0, np.int64), *(dead for _, dead in self.dead_unit_pieces(()))])

    def dead_unit_pieces(self, names: Sequence[str]) -> Iterator[tuple[Columns, NDArray[np.int64]]]:
        """Yield some columns and the dead units of their networks, piece by piece."""
        self.refuse_foreign()
        return dead_unit_pieces(self.design, self.table, names)

    def dead_unit_counts(self) -> NDArray[np.int64]:
        """The numbers of ok networks with 0, 1, 2, ... dead units, up to the most that any network has."""
        total = np.zeros(1, np.int64)
        for columns, dead in self.dead_unit_pieces(("diverged",)):
            counted = np.bincount(dead[columns["diverged"] == 0], minlength=len(total))
            counted[: len(total)] += total
            total = counted
        return total

    def predict(self, X: Any, numbers: ArrayLike | None = None) -> Array:
        """Return the outputs of some networks, or of all, for some rows.

        Parameters
        ----------
        X : array_like (N, D), or Dataset
            With a Dataset the predictions are in the target's own unit.
        numbers : array_like of int, optional
            The networks' numbers; by default all.

        Returns
        -------
        array (M, N), or (M, N, K) for K > 1 outputs
        """
        self.refuse_foreign()
        X = with_classes(self.plan.network, X, self.plan.named)
        if numbers is None:
            return predicted(self.grid, self.numbers, self.parameters, X)
        wanted = network_numbers(numbers, "each of numbers", self.grid.total)
        rows = columns_of(self.design, self.table, wanted, self.schema.names)
        return predicted(self.grid, wanted, np.column_stack(list(rows.values())), X)

    def predict_classes(self, X: Any, numbers: ArrayLike | None = None) -> Array:
        """Return the classes that some networks predict for some rows; see `Training.predict_classes`.

        Returns
        -------
        array (M, N) of str or int64; (M, N, K) for several yeses and noes
        """
        if self.classes is None and not any(kind.classifies for kind in self.grid.loss_kinds):
            raise InputError(
                "predict_classes must be of networks that were trained on classes; got a sweep on numbers. "
                "Use predict."
            )
        X = with_classes(self.plan.network, X, self.plan.named)
        inputs = checked_inputs(self.network, X, self.plan.dtype) if isinstance(X, Dataset) else X
        return class_names(self.network, self.predict(inputs, numbers), self.classes)

    def score(self, X: Any, y: ArrayLike | None = None) -> pd.DataFrame:
        """A frame with the number and the scores of every network on some rows; see `Training.score`.

        They are those of classes if one of the losses is.
        """
        found = self.quiet_score(X, y)
        note(self.score_notes(X, y))
        return found

    def quiet_score(self, X: Any, y: ArrayLike | None = None) -> pd.DataFrame:
        """The same as `score`, but silent about its notes, for callers that show them otherwise."""
        self.refuse_foreign()
        import pandas as pd

        X = with_classes(self.plan.network, X, self.plan.named)
        pieces = [
            pd.DataFrame(
                columns | scored(self.grid, columns["network"], parameters, X, y, self.scores, self.classes)
            )
            for columns, parameters in self.table.parameters(["network"])
        ]
        return pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)

    def score_notes(self, X: Any, y: ArrayLike | None = None) -> list[str]:
        """The notes that belong to the scores on some rows."""
        first = next(iter(self.architectures))
        X = with_classes(self.plan.network, X, self.plan.named)
        return score_notes(first, X, y, self.scores, self.classes)

    @property
    def scores(self) -> tuple[str, ...]:
        """The names of the scores that go with the losses and the outputs: those of numbers or of classes."""
        return scores_of(self.grid.loss_kinds, self.grid.networks.values, self.classes)

    @property
    def classes(self) -> tuple[str, ...] | tuple[int, ...] | None:
        """The names of the classes, or 0 .. K-1; None for numbers, and for several yeses and noes."""
        kinds = product(self.grid.networks.values, self.grid.loss_kinds)
        found = (classes_of(network, kind, self.plan.named) for network, kind in kinds)
        return next((names for names in found if names), None)

    def _repr_html_(self) -> str | None:
        return shown_or_none(lambda: sweep_card(self))

    def __str__(self) -> str:
        return "\n".join([repr(self), *self.notes])

    def __repr__(self) -> str:
        why = "interrupted" if self.interrupted else "unfinished"
        stopped = f" of {grouped(self.grid.total)}, {why}" if len(self) < self.grid.total else ""
        where = "" if self.store is None else f", store={str(self.store)!r}"
        told = "".join(f"{told}, " for told in self.design.told)
        several = len(self.grid.networks) > 1
        what = counted(len(self.grid.networks), "architecture") if several else repr(self.network)
        return (
            f"<Sweep of {what}: {counted(len(self), 'network')}{stopped}, "
            f"{counted(self.plan.epochs, 'epoch')}, {told}"
            f"start={self.start!r}, seed={self.seed}, engine={self.engine!r}, "
            f"dtype={self.plan.dtype!r}{where}>"
        )

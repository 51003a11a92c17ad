"""The columns of a sweep's results: one table of all of them, and those that one sweep has.

Whatever holds, moves, checks, counts or shows results reads this table: memory, answers of workers, files of
a store, digests, frames, sizes and refusals. A new column is an entry here, and the code that computes it.
Columns that tell of a network's settings belong to the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastnn.core.endings import ENDINGS, epoch_of_loss
from fastnn.training.statuses import STATUSES, status_codes

__all__ = ["COLUMNS", "WHOLE", "Column", "Kind", "Schema", "attributes", "headings"]

Array = NDArray[Any]

Per = Literal["network", "parameter", "epoch"]
PER: tuple[Per, ...] = ("network", "parameter", "epoch")


@dataclass(frozen=True)
class Column:
    """A column of results.

    Attributes
    ----------
    name : str
        Its name in tables, files and frames. Parameters have a column each there, under their own names.
    per : str
        Whether it has a number for each "network", or several: one for each "parameter", or one for each
        "epoch" whose loss is kept. A store keeps those of epochs in files of their own.
    dtype : str
        Empty for the sweep's own; for numbers of epochs that of the place where they are kept.
    values : str
        What its numbers may be, a key of `fastnn.sweeping.work.expecting.RULES`.
    ends : str
        The loss with which numbers of epochs end, if the last epoch is kept.
    needs : frozenset of str
        What a sweep must have for it, of "rows" (several numbers of them), "validation", "stopping" (networks
        stop for themselves) and "curves".
    ranks : bool
        Whether it is a loss that can rank networks; the last one that a sweep has does.
    words : tuple of str
        The words for which its whole numbers stand: 0 for the first.
    source : str
        The column from which it is derived; empty if it is kept.
    made : callable
        Makes a derived column from its source.
    shown : bool
        Whether frames have it unless columns are named.
    array : str
        The attribute of a `fastnn.Sweep`, and the array of results; by default the name.
    title, heading, short : str
        What it is called in sentences, in tables of pages and in tables of a terminal. In a title {epoch}
        stands for the epoch of which networks have their loss.
    """

    name: str
    per: Per = "network"
    dtype: str = ""
    values: str = ""
    ends: str = ""
    needs: frozenset[str] = frozenset()
    ranks: bool = False
    words: tuple[str, ...] = ()
    source: str = ""
    made: Callable[[Array], Array] | None = None
    shown: bool = True
    array: str = ""
    title: str = ""
    heading: str = ""
    short: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "array", self.array or self.name)

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers, or words."""
        return np.dtype(self.dtype or "float64").kind == "i"

    def codes(self, read: Mapping[str, Array]) -> Array:
        """The column, made from its source if it is derived, of arrays by the names of their columns."""
        return self.made(read[self.source]) if self.made else read[self.name]


STOPPING = frozenset({"stopping"})

# In the order in which answers of workers have them.
COLUMNS = (
    Column("parameters", per="parameter", values="number"),
    Column("loss", values="loss", ranks=True, title="loss of the {epoch}"),
    Column("status", dtype="int8", words=STATUSES, source="diverged", made=status_codes),
    Column("diverged", dtype="int32", values="epoch", shown=False),
    Column("best_epoch", dtype="int32", values="epoch", needs=STOPPING, heading="best epoch"),
    Column("trained_epochs", dtype="int32", values="epoch", needs=STOPPING, heading="epochs trained"),
    Column("ended", dtype="int8", values="word", words=ENDINGS, needs=STOPPING),
    Column("curve", per="epoch", values="curve", ends="loss", needs=frozenset({"curves"}), array="curves"),
    Column(
        "loss_all_rows",
        values="measured",
        needs=frozenset({"rows"}),
        ranks=True,
        title="loss over all rows",
        heading="loss over all rows",
        short="all rows",
    ),
    Column(
        "validation_loss",
        values="measured",
        needs=frozenset({"validation"}),
        ranks=True,
        title="loss on the validation rows",
        heading="validation loss",
        short="validation",
    ),
)

WHOLE = tuple(dict.fromkeys(column.dtype for column in COLUMNS if column.dtype))
"""The dtypes of whole numbers."""


def attributes() -> list[str]:
    """The attributes that a `fastnn.Sweep` has for columns, some of them None."""
    return [column.array for column in COLUMNS]


def headings(form: Literal["heading", "short"]) -> dict[str, str]:
    """What tables call columns, where that is not their name."""
    told = {column.name: getattr(column, form) for column in COLUMNS}
    return {name: text for name, text in told.items() if text}


@dataclass(frozen=True)
class Kind:
    """What a column of a file holds: numbers of a dtype, lists of `length` of them, or `words`.

    The dtype "text" stands for texts. `few` says that few values differ.
    """

    dtype: str
    length: int = 0
    words: tuple[str, ...] = ()
    few: bool = False

    def __str__(self) -> str:
        lists = f"lists of {self.length} {self.dtype}" if self.length else self.dtype
        return f"one of {', '.join(self.words)}" if self.words else lists


@dataclass(frozen=True)
class Schema:
    """The columns of one sweep's results.

    `names` are its parameters. With `every` above 0 columns have a number for every `every`-th epoch, in
    `curve_dtype`.
    """

    columns: tuple[Column, ...]
    names: tuple[str, ...]
    dtype: str
    epochs: int
    every: int
    curve_dtype: str

    @classmethod
    def of(
        cls,
        names: tuple[str, ...],
        dtype: str,
        epochs: int,
        *,
        rows: Sized,
        validation: object,
        stopping: object = None,
        every: int = 0,
        curve_dtype: str = "float32",
    ) -> Schema:
        """The columns of a sweep over numbers of `rows`, with `validation` rows and `stopping`, or None."""
        facts = {"rows": len(rows) > 1, "validation": validation is not None, "curves": every > 0}
        facts["stopping"] = stopping is not None
        there = {name for name, fact in facts.items() if fact}
        columns = tuple(column for column in COLUMNS if column.needs <= there)
        return cls(columns, names, dtype, epochs, every, curve_dtype)

    def without(self, per: Per) -> Schema:
        """The same without the columns that have a number for each of something."""
        return replace(self, columns=tuple(column for column in self.columns if column.per != per))

    @cached_property
    def kept(self) -> tuple[Column, ...]:
        """The columns that are kept, in the order of answers."""
        return tuple(column for column in self.columns if not column.source)

    @cached_property
    def ordered(self) -> tuple[Column, ...]:
        """All columns in the order of tables: losses, what else each network has, parameters, epochs."""
        return tuple(sorted(self.columns, key=lambda column: (PER.index(column.per), not column.ranks)))

    @cached_property
    def losses(self) -> tuple[str, ...]:
        """The losses of every network; the last one ranks."""
        return tuple(column.name for column in self.columns if column.ranks)

    @property
    def epoch_of_loss(self) -> str:
        """The epoch of which networks have their loss, in words."""
        return epoch_of_loss(any(column.needs == STOPPING for column in self.columns))

    @cached_property
    def titles(self) -> dict[str, str]:
        """The losses in words."""
        return {
            column.name: column.title.format(epoch=self.epoch_of_loss)
            for column in self.columns
            if column.ranks
        }

    @property
    def ranking(self) -> str:
        """The loss that ranks the networks, in words."""
        return self.titles[self.losses[-1]]

    @cached_property
    def derived(self) -> dict[str, Column]:
        """The derived columns by name."""
        return {column.name: column for column in self.columns if column.source}

    @cached_property
    def words(self) -> dict[str, tuple[str, ...]]:
        """The words of the columns that hold words."""
        return {column.name: column.words for column in self.columns if column.words}

    @cached_property
    def tabled(self) -> dict[str, Column]:
        """The columns that a table has or from which one can be derived, each parameter by its name."""
        return {name: column for column in self.ordered for name in self._names(column)}

    @property
    def shown(self) -> list[str]:
        """The columns of a frame unless others are named."""
        return [name for name in self.framed if self.tabled[name].shown]

    @property
    def framed(self) -> list[str]:
        """The columns that a frame can have."""
        return [name for name, column in self.tabled.items() if column.per != "epoch"]

    def dtype_of(self, column: Column) -> str:
        """The dtype of a column's numbers."""
        return column.dtype or (self.curve_dtype if column.per == "epoch" else self.dtype)

    def length_of(self, column: Column) -> int:
        """The number of a column's numbers for each network."""
        several = {"parameter": len(self.names), "epoch": self.epochs // self.every if self.every else 0}
        return several.get(column.per, 1)

    def shape_of(self, column: Column, networks: int) -> tuple[int, ...]:
        """The shape of a column's array."""
        return (networks,) if column.per == "network" else (networks, self.length_of(column))

    def room(self, networks: int) -> dict[str, Array]:
        """Arrays for the results of some networks, by their names."""
        shapes = {column: self.shape_of(column, networks) for column in self.kept}
        return {column.array: np.empty(shape, self.dtype_of(column)) for column, shape in shapes.items()}

    def bytes_per_network(self, *per: Per) -> int:
        """The bytes of a network's results, of the columns that have a number for each of these."""
        return sum(
            self.length_of(column) * np.dtype(self.dtype_of(column)).itemsize
            for column in self.kept
            if column.per in (per or PER)
        )

    def kind(self, name: str) -> Kind:
        """What a column of a table holds in files."""
        column = self.tabled[name]
        length = self.length_of(column) if column.per == "epoch" else 0
        return Kind(self.dtype_of(column), length, column.words, few=column.whole)

    def kinds(self, *per: Per) -> dict[str, Kind]:
        """The kinds of the columns of a file, of those that have a number for each of these."""
        return {name: self.kind(name) for name, column in self.tabled.items() if column.per in per}

    def nothing(self, names: Iterable[str]) -> dict[str, Array]:
        """Columns of a table without rows."""
        found = {}
        for name in names:
            column = self.tabled.get(name)  # none for the numbers of networks
            shape = (0, self.length_of(column)) if column and column.per == "epoch" else (0,)
            found[name] = np.empty(shape, self.dtype_of(column) if column else np.int64)
        return found

    def _names(self, column: Column) -> tuple[str, ...]:
        return self.names if column.per == "parameter" else (column.name,)

"""The attributes of a sweep: its settings, and the results of its m networks as arrays of m rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError
from fastnn.core.network import Network
from fastnn.sweeping.columns import Column, Schema, attributes
from fastnn.sweeping.design import Design
from fastnn.sweeping.grid import Grid
from fastnn.sweeping.tables import Table
from fastnn.training.plan import Plan
from fastnn.training.starts import Start

__all__ = ["SweepAttributes"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class SweepAttributes:
    """The attributes of a `fastnn.Sweep`, described there; those of m rows are read at their first use.

    Each column of results that some sweep has is an attribute, None if this one has not got it.
    """

    design: Design
    table: Table
    interrupted: bool = False
    seconds: float = 0.0
    ran: int = 0
    store: Path | None = None
    failures: tuple[str, ...] = ()
    curves_every: int = 0
    foreign: str = ""

    @property
    def plan(self) -> Plan:
        """The checked request: network, rows, epochs, engine, dtype."""
        return self.design.plan

    @property
    def grid(self) -> Grid:
        """The grid, which numbers the networks over its axes and starts."""
        return self.design.grid

    @property
    def start(self) -> Start:
        """The rule for the starting parameters."""
        return self.design.start

    @property
    def seed(self) -> int:
        """The seed of the starts and of the shuffles."""
        return self.design.seed

    @property
    def network(self) -> Network:
        """The network that was swept; InputError if there are several."""
        first, *others = self.grid.networks.values
        if others:
            raise InputError(
                f"network is for a sweep of one network; got {len(others) + 1}. Take sweep.architectures, or "
                "the network of a replay: sweep.replay(number).network."
            )
        return first

    @cached_property
    def architectures(self) -> tuple[Network, ...]:
        """The networks of which the table has some, in the order of the grid; all, if it is empty."""
        every: tuple[Network, ...] = self.grid.networks.values
        if len(every) == 1 or not len(self):
            return every
        return tuple(every[place] for place in np.unique(self.grid.place_of("network", self.numbers)))

    @property
    def engine(self) -> str:
        """The engine that trained; the engines, if they differ from network to network."""
        plans = (self.design.plan_of(cell) for cell, _ in self.design.kinds.values())
        return " and ".join(dict.fromkeys(plan.engine_for(self.grid.total) for plan in plans))

    @property
    def form(self) -> str:
        """In which form the kernels of the engine were printed that trained in this process; "" if none did.

        All forms give the same bits. Those of several trainings, and those that took over from one another,
        come one after the other.
        """
        jobs = self.design.__dict__.get("jobs", {})  # made for training
        return "; ".join(dict.fromkeys(job.form for job in jobs.values() if job.form))

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the networks in the table."""
        return self._whole("network")

    @property
    def ranked_by(self) -> str:
        """The name of the loss by which `best` ranks."""
        return self.design.losses[-1]

    @property
    def schema(self) -> Schema:
        """The columns of the results."""
        return self.design.schema(self.curves_every)

    @property
    def curve_epochs(self) -> NDArray[np.int64]:
        """The epochs, from 1, whose loss `curves` holds."""
        every = self.curves_every
        return np.arange(every, self.plan.epochs + 1, every) if every else np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self.table)

    def __getattr__(self, name: str) -> Any:
        """A column of results; called for names that are no attribute yet."""
        if name not in attributes():
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found = next((column for column in self.schema.columns if column.array == name), None)
        if found is None:
            return None
        array = self._array(found)
        if not found.source:
            self.__dict__[name] = array  # read once
        return array

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *attributes()]

    def _array(self, column: Column) -> Array:
        """A column of results of all networks; words as texts."""
        if column.per == "parameter":
            pieces = [parameters for _, parameters in self.table.parameters()]
            return _joined(pieces, np.empty((0, len(self.schema.names)), self.plan.dtype))
        codes = column.codes({name: self._whole(name) for name in [column.source or column.name]})
        return np.array(column.words)[codes] if column.words else codes

    def _whole(self, name: str) -> Array:
        pieces = [piece[name] for piece in self.table.read([name])]
        return _joined(pieces, self.schema.nothing([name])[name])


def _joined(pieces: list[Array], nothing: Array) -> Array:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces or [nothing])

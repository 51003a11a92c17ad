"""The columns of a sweep: its settings, and the results of its m networks as arrays of m rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.sweeping.design import Design
from fastnn.sweeping.grid import Grid
from fastnn.sweeping.tables import Table
from fastnn.training.plan import Plan
from fastnn.training.starts import Start

__all__ = ["SweepColumns"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class SweepColumns:
    """The attributes of a `fastnn.Sweep`, described there; those of m rows are read at their first use."""

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
        """The grid, which numbers the networks over optimizers, learning rates, rows and starts."""
        return self.design.grid

    @property
    def initial(self) -> Start:
        """The rule for the starting parameters."""
        return self.design.initial

    @property
    def seed(self) -> int:
        """The seed of the starts and of the shuffles."""
        return self.design.seed

    @property
    def network(self) -> Network:
        """The network that was swept."""
        return self.plan.network

    @property
    def engine(self) -> str:
        """The engine that trained."""
        return self.plan.engine_for(self.grid.total)

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the networks in the table."""
        return self._whole("network", np.int64)

    @cached_property
    def loss(self) -> Array:
        """The loss of the last epoch."""
        return self._whole("loss", self.plan.dtype)

    @cached_property
    def loss_all_rows(self) -> Array | None:
        """The loss over all rows; None if all networks are trained on the same rows."""
        found = "loss_all_rows" in self.design.losses
        return self._whole("loss_all_rows", self.plan.dtype) if found else None

    @cached_property
    def validation_loss(self) -> Array | None:
        """The loss on the rows given as `validation`; None without them."""
        found = "validation_loss" in self.design.losses
        return self._whole("validation_loss", self.plan.dtype) if found else None

    @property
    def ranked_by(self) -> str:
        """The name of the loss by which `best` ranks."""
        return self.design.losses[-1]

    @cached_property
    def diverged(self) -> NDArray[np.int32]:
        """The epoch in which each network diverged, or 0."""
        return self._whole("diverged", np.int32)

    @cached_property
    def parameters(self) -> Array:
        """The parameters after the last epoch."""
        pieces = [parameters for _, parameters in self.table.parameters()]
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate([np.empty((0, self.network.n_parameters), self.plan.dtype), *pieces])

    @cached_property
    def curves(self) -> Array | None:
        """The loss in the epochs `curve_epochs`; None if it was not kept."""
        if not self.curves_every:
            return None
        pieces = [piece["curve"] for piece in self.table.read(["curve"])]
        nothing = np.empty((0, len(self.curve_epochs)), np.float32)
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces or [nothing])

    @property
    def curve_epochs(self) -> NDArray[np.int64]:
        """The epochs, from 1, whose loss `curves` holds."""
        every = self.curves_every
        return np.arange(every, self.plan.epochs + 1, every) if every else np.empty(0, np.int64)

    @property
    def status(self) -> NDArray[np.str_]:
        """The status of each network, "ok" or "diverged"."""
        return np.where(self.diverged > 0, "diverged", "ok")

    def __len__(self) -> int:
        return len(self.table)

    def _whole(self, name: str, dtype: Any) -> Array:
        pieces = [piece[name] for piece in self.table.read([name])]
        return pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0, dtype), *pieces])

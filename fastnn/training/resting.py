"""When a run looks for what is at rest: for units that have died, which need not be trained on.

Now and then, if enough epochs remain, one epoch runs alone. What it left unchanged shows which units have
died, and which networks have settled. Where networks stop before they settle, it is what all epochs since the
last look left unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.training.jobs import Job
from fastnn.training.reducing import Group, Units

__all__ = ["Resting"]

Array = NDArray[Any]
Numbers = NDArray[np.intp]

# Between two looks for units and networks to leave out: the most epochs, and the fewest visits. A visit is
# one parameter meeting one row. A look costs about 10**7 visits of engine `lanes`. Most units die early, so a
# look comes after twice as many epochs as are over. Measured (against 1, 2, 4, ... epochs, at most 64): 500
# and 1000 networks of 2-2-1 x0.97, 4096 x0.98, 10 000 of 60 epochs x0.95, 2500 of 1500 epochs x0.98.
MOST_EPOCHS_UNSEEN, EPOCHS_UNSEEN = 128, 2
FEWEST_VISITS_UNSEEN = 2 * 10**8
# Where networks stop soon, most stop before a look finds anything. Measured: early-stopping sweeps on 1003
# rows x0.95, and x0.95 again for what all epochs between two looks left unchanged (against one epoch alone).
RARER = 4
# Measured: a sweep on 100 000 rows x1.13 with 3 epochs to go, x0.99 with 4, x0.87 with 6 (against no looks).
EPOCHS_WORTH_A_LOOK = 4


@dataclass(eq=False)
class Resting:
    """The looks for what is at rest among M networks on their way through the epochs of a job.

    Attributes
    ----------
    units : Units or None
        The living units of each network; None where none is left out.
    span : range
        The epochs that the next look is for; empty if none is planned.
    before : (M, S)
        The states before `span`, of the networks that were trained then.
    """

    job: Job
    state: Array

    def __post_init__(self) -> None:
        network, networks = self.job.network, len(self.state)
        reduced = bool(self.job.reduced)
        self.units = Units.of(network, self.job.rule, self.job.rows, networks) if reduced else None
        self.span = range(0)
        self.next, self.has_looked = 0, False
        self.before = np.empty_like(self.state)

    def plan(self, epoch: int, left: int, training: int) -> None:
        """Plan the next look, if none is planned and one is worth it.

        Parameters
        ----------
        epoch : int
            The number of epochs that are over.
        left : int
            How many are to come.
        training : int
            How many networks go on.
        """
        start, fewest = max(self.next, epoch), self._fewest(training)
        left -= start - epoch
        if not self.span and self._may_settle and left > fewest and left >= EPOCHS_WORTH_A_LOOK:
            several = self._stops_soon and self.has_looked
            self.span = range(start, start + (_unseen(epoch, RARER * fewest) if several else 1))

    def keep(self, group: Group, before: Array) -> None:
        """Keep the states of a group before the span."""
        self.before[group.numbers] = self.state[group.numbers]
        group.put(self.before, before)

    def is_due(self, epoch: int) -> bool:
        """Whether the epochs of the next look are over."""
        return bool(self.span) and epoch >= self.span.stop

    def look(self, epoch: int, finite: Numbers, training: int) -> bool:
        """Look at the networks with `finite` parameters only; return whether any unit has died."""
        self.span, self.has_looked = range(0), True
        self.next = epoch if self._stops_soon else epoch + _unseen(epoch, self._fewest(training))
        return self.units is not None and self.units.look(self.before, self.state, finite)

    def _fewest(self, training: int) -> int:
        """The fewest epochs between two looks."""
        visits = max(1, training) * self.state.shape[1] * len(self.job.X)
        return -(-FEWEST_VISITS_UNSEEN // int(visits))

    @property
    def _stops_soon(self) -> bool:
        """Whether networks that settle stop before a look may save anything."""
        stopping = self.job.stopping
        return stopping is not None and stopping.patience <= MOST_EPOCHS_UNSEEN

    @property
    def _may_settle(self) -> bool:
        """Whether a look may save anything."""
        return self.units is not None or not self._stops_soon


def _unseen(epoch: int, fewest: int) -> int:
    """How many epochs run before the next look where a number of them is over; at least `fewest`."""
    return max(fewest, min(EPOCHS_UNSEEN * epoch, MOST_EPOCHS_UNSEEN))

"""The callback between epochs: what it sees of the networks, and which of them its answer stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown
from fastnn.core.network import Network
from fastnn.showing.lettering import counted
from fastnn.training.course import Course

__all__ = ["AfterEpoch", "Called", "checked_callback"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class AfterEpoch:
    """One network, or M of them, after an epoch: what a callback is given. Its arrays are read-only copies.

    Attributes
    ----------
    epoch : int
        The number of epochs that are over.
    loss : float, or (M,)
        That of the epoch; NaN if the network diverged.
    validation_loss : float, or (M,), or None
        Likewise, over the validation rows after the epoch.
    parameters : (P,) or (M, P)
    training : bool, or (M,) bool
        Whether it is still being trained: it has neither diverged nor stopped.
    """

    epoch: int
    loss: Any
    validation_loss: Any
    parameters: Array
    training: Any


@dataclass(frozen=True, eq=False)
class Called:
    """A user's function, to be called after every epoch.

    Attributes
    ----------
    function : callable
    network : Network
    single : bool
        Whether it sees one network, in arrays without the axis of M networks.
    """

    function: Callable[[AfterEpoch], Any]
    network: Network
    single: bool

    def __call__(self, epoch: int, course: Course) -> NDArray[np.bool_]:
        """Call it after an epoch, counted from 1; return which of the M networks it stops."""
        networks, size = len(course.state), self.network.n_parameters
        validated = course.further_curve is not None
        seen = AfterEpoch(
            epoch,
            self._shown(course.losses),
            self._shown(course.further) if validated else None,
            self._shown(course.state[:, :size]),
            self._shown(course.goes_on_after(epoch)),
        )
        answer = self.function(seen)
        if answer is None:
            return np.zeros(networks, bool)
        found = np.asarray(answer)
        if found.dtype != bool or found.shape not in ((), (networks,)):
            raise InputError(
                "callback must return None, True or False, or a bool for each of "
                f"{counted(networks, 'network')}; got {shown(answer)}. Return True to stop."
            )
        return np.array(np.broadcast_to(found, networks))

    def _shown(self, values: Array) -> Any:
        """A copy that cannot be written to; a number for one network."""
        copy = values[0].copy() if self.single else values.copy()
        if copy.ndim == 0:
            return copy.item()
        copy.flags.writeable = False
        return copy


def checked_callback(callback: Any) -> Any:
    """Refuse a callback that cannot be called."""
    if callback is not None and not callable(callback):
        raise InputError(
            f"callback must be a function of what an epoch brought; got {shown(callback)}. "
            "Give one that returns True to stop, such as lambda seen: seen.loss < 0.01."
        )
    return callback

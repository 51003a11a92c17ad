"""The course of a training: what its epochs brought each network, and how each ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.endings import BY_DIVERGENCE, BY_EPOCHS, ENDINGS
from fastnn.training.reducing import Group
from fastnn.training.stopping import Seen, Watch

__all__ = ["Course"]

Array = NDArray[Any]
Chosen = NDArray[np.bool_]

NEVER = np.iinfo(np.int32).max  # an epoch that does not come
NUMBERS = ("losses", "further", "diverged", "trained", "ended", "best_epoch")


@dataclass(eq=False)
class Course:
    """The course of M networks through E epochs.

    Attributes
    ----------
    state : (M, S)
        Their states, those of networks that stopped being what they were then.
    epochs : int
        E.
    curve, further_curve : (M, E), or None
        The losses of every epoch, and those on the validation rows after it; NaN from the epoch in which a
        network diverged, and after it stopped.
    before : (M,) int32, or None
        The epochs in which networks diverged before; 0 for those that are to be trained.
    first : int
        The number of epochs that were over before; the first columns of the curves are theirs.
    watch : Watch, or None
        What tells when a network stops.
    losses, further : (M,)
        The last of these losses or, where a network stops for itself, those of its best epoch.
    diverged : (M,) int32
        The epoch, from 1, in which a network diverged, 0 for never. Where networks stop for themselves, one
        that had a best epoch before ends with that, and counts as not diverged.
    trained : (M,) int32
        The epochs until a network stopped or diverged; else E.
    ended : (M,) int8
        Why it ended: the place in `ENDINGS`.
    best_epoch : (M,) int32
        The epoch, from 1, after which the network was what it ends with; 0 if it diverged.
    unmarked : (M, S)
        What they end with. Where the last update made a parameter overflow, it still has the numbers that it
        came to: a longer training meets them, and diverges in a later epoch.
    last : (M,)
        The losses of the last epoch, also of those networks.
    """

    state: Array
    epochs: int
    curve: Array | None = None
    further_curve: Array | None = None
    before: NDArray[np.int32] | None = None
    first: int = 0
    watch: Watch | None = None
    losses: Array = field(init=False)
    further: Array = field(init=False)
    diverged: NDArray[np.int32] = field(init=False)
    trained: NDArray[np.int32] = field(init=False)
    ended: NDArray[np.int8] = field(init=False)
    best_epoch: NDArray[np.int32] = field(init=False)
    unmarked: Array = field(init=False)
    last: Array = field(init=False)

    def __post_init__(self) -> None:
        networks, dtype = len(self.state), self.state.dtype
        self.losses, self.further = np.full((2, networks), np.nan, dtype)
        self.diverged, self.best_epoch = np.zeros((2, networks), np.int32)
        self.trained = np.full(networks, self.epochs, np.int32)
        self.ended = np.full(networks, BY_EPOCHS, np.int8)
        if self.before is not None and self.before.any():
            gone = np.flatnonzero(self.before)
            self._end(gone, np.ones(len(gone), bool), self.before[gone], self.before[gone])

    def keep(self, group: Group, epoch: int, seen: Seen, settled: Chosen) -> NDArray[np.intp]:
        """Take in what the epochs after `epoch` brought a group; return the networks that need not go on.

        Of the networks that `settled` every further epoch would be as the last.
        """
        numbers, after = group.numbers, epoch + seen.losses.shape[1]
        died, stop = _died(seen, epoch), np.full(len(numbers), NEVER, np.int64)
        if seen.further is not None:
            seen.further[~np.isfinite(seen.further)] = np.nan
        if self.watch is not None:
            stop = self.watch.see(group, epoch, seen, self.state)
        trained = np.minimum(np.minimum(died, stop), self.epochs)
        over, diverged = (np.minimum(died, stop) <= after) | settled, (died <= stop) & (died <= after)
        self.losses[numbers], found = seen.losses[:, -1], [(seen.losses, self.curve)]
        if seen.further is not None:
            self.further[numbers] = seen.further[:, -1]
            found.append((seen.further, self.further_curve))
        for losses, curve in found:
            if curve is not None:
                curve[numbers, epoch:after] = losses
                curve[numbers[over], after:] = losses[over, -1:]
        self._end(numbers[over], diverged[over], trained[over], stop[over])
        ended: NDArray[np.intp] = numbers[over]
        return ended

    def _end(self, numbers: Any, diverged: Chosen, trained: Array, stop: Array) -> None:
        """Set down how networks ended; what is known of later epochs is NaN."""
        if not len(numbers):
            return
        self.trained[numbers] = trained
        self.diverged[numbers[diverged]] = trained[diverged]
        self.state[numbers[diverged]], self.losses[numbers[diverged]] = np.nan, np.nan
        self.further[numbers[diverged]] = np.nan
        self.ended[numbers[diverged]] = BY_DIVERGENCE
        if self.watch is not None:
            stopped = numbers[~diverged & (stop <= self.epochs)]
            self.ended[stopped] = ENDINGS.index(self.watch.stopping.ending)
        for curve in (self.curve, self.further_curve):
            if curve is not None:
                later = np.arange(1, self.epochs + 1) > (trained - diverged)[:, None]
                curve[numbers] = np.where(later, np.nan, curve[numbers])

    def after_first(self, numbers: NDArray[np.intp]) -> Seen:
        """What the last of the epochs that were over before brought some networks."""
        assert self.curve is not None  # noqa: S101 - where epochs were over, their losses are known
        epoch = slice(self.first - 1, self.first)
        further = None if self.further_curve is None else self.further_curve[numbers, epoch]
        return Seen(self.curve[numbers, epoch], further, self.state[None, numbers])

    def goes_on_after(self, epoch: int) -> Chosen:
        """Whether each network goes on after an epoch, or would if that changed anything, (M,)."""
        found: Chosen = (self.trained > epoch) | (self.ended == BY_EPOCHS)
        return found

    def stop(self, chosen: Chosen, epoch: int) -> NDArray[np.intp]:
        """Stop networks after an epoch, of those chosen (M,) the ones that go on; return their numbers."""
        numbers = np.flatnonzero(chosen & self.goes_on_after(epoch))
        whole = np.ones(len(numbers), np.int64)
        self._end(numbers, whole < 1, epoch * whole, NEVER * whole)
        self.ended[numbers] = ENDINGS.index("callback")
        return numbers

    def finish(self, parameters: int) -> None:
        """Give networks that stop for themselves what they were after their best epoch; mark what overflowed.

        A network of which the last update made one of its `parameters` overflow diverged in that epoch.
        """
        best = np.zeros(len(self.state), bool)
        if self.watch is not None:
            best = self.watch.best_epoch > 0
            self.state[best], self.losses[best] = self.watch.best[best], self.watch.loss[best]
            self.further[best], self.diverged[best] = self.watch.further[best], 0
            self.best_epoch[best] = self.watch.best_epoch[best]
        sound = np.isfinite(self.state[:, :parameters]).all(axis=1)
        lost = ~best & (self.diverged == 0) & (~sound | (self.watch is not None))
        self.unmarked, self.last = self.state.copy() if lost.any() else self.state, self.losses.copy()
        self.diverged[lost] = self.trained[lost]
        self.state[lost], self.losses[lost], self.further[lost] = np.nan, np.nan, np.nan
        self.ended[lost] = BY_DIVERGENCE
        for curve in (self.curve, self.further_curve):
            if curve is not None:
                curve[lost, self.trained[lost] - 1] = np.nan
        last = ~best & (self.diverged == 0)
        self.best_epoch[last] = self.trained[last]

    def copied(self) -> Course:
        """The course as it is now, but for the curves, of which the epochs that are over stay as they are."""
        watch = None if self.watch is None else self.watch.copied()
        found = replace(self, state=self.state.copy(), watch=watch)
        for name in NUMBERS:
            setattr(found, name, getattr(self, name).copy())
        return found

    def back_to(self, before: Course, epochs: int) -> None:
        """Take back what happened since a copy was made after a number of epochs, which are all there are."""
        self.state[:], self.watch, self.epochs = before.state, before.watch, epochs
        for name in NUMBERS:
            setattr(self, name, getattr(before, name))
        self.curve = None if self.curve is None else self.curve[:, :epochs]
        self.further_curve = None if self.further_curve is None else self.further_curve[:, :epochs]
        beyond = self.trained > epochs
        self.trained[beyond], self.ended[beyond] = epochs, BY_EPOCHS


def _died(seen: Seen, epoch: int) -> NDArray[np.int64]:
    """The epoch, from 1, of each first loss (m, E) that is not finite, or NEVER; later ones become NaN."""
    died = np.full(len(seen.losses), NEVER, np.int64)
    if not seen.finite.all():
        bad, some = ~np.isfinite(seen.losses), ~seen.finite
        died[some] = epoch + 1 + bad[some].argmax(axis=1)
        seen.losses[np.logical_or.accumulate(bad, axis=1)] = np.nan
    return died

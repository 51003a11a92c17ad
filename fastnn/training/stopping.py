"""The early stopping of networks, each for itself: what is watched, until when, and what it ends with.

A network stops when what is watched has not become better for `patience` epochs in a row: lower than the
least so far by more than `min_delta`. It ends with the state after its best epoch, the earliest of equal
ones. NaN is never better, and neither is an epoch in which a network diverged, or whose last update made a
parameter overflow. The first epoch is taken as it is, so that there is a best one.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.checking import InputError, shown, whole_number
from fastnn.core.choices import from_zero
from fastnn.core.recipe import Recipe
from fastnn.core.rule import MOST_EPOCHS, PENALIZED_LOSS, STATES, TRAINING_LOSS, VALIDATION_LOSS, WATCHED
from fastnn.engines.array_helpers import penalties
from fastnn.training.evaluating import outputs
from fastnn.training.reducing import Group

__all__ = ["Best", "Score", "Seen", "Stopping", "Watch", "stopping_of"]

Array = NDArray[Any]
Numbers = NDArray[np.intp]
Score = Callable[[Array, Array], Any]

# What a look costs: rows of an epoch of each network and, besides, visits (one parameter meeting one row).
LOOK_ROWS, LOOK_VISITS = 120, 2 * 10**6


@dataclass(frozen=True)
class Stopping:
    """What a network's stop depends on.

    Attributes
    ----------
    patience : int
        The epochs in a row without a better one after which a network stops.
    min_delta : float
        By more than this a loss has to be lower than the least so far to be better, from 0.
    watch : str or callable
        One of `WATCHED`, or a function of the outputs and the targets, (N,) or (N, K), of one network that
        returns a number to be minimised.
    """

    patience: int
    min_delta: float = 0.0
    watch: str | Score = VALIDATION_LOSS

    @property
    def watched(self) -> str:
        """What kernels watch: see `fastnn.core.rule.Rule.watched`."""
        return STATES if callable(self.watch) else self.watch

    @property
    def told(self) -> str:
        """What is watched, in words."""
        if callable(self.watch):
            return f"score by {getattr(self.watch, '__name__', 'a function')}"
        return self.watch.replace("_", " ")

    @property
    def ending(self) -> str:
        """What is said of networks that stopped."""
        if callable(self.watch):
            return "score"
        return "validation" if self.watch == VALIDATION_LOSS else self.watch.replace("_", " ")


def stopping_of(patience: Any, min_delta: Any, watch: Any, *, validated: bool) -> Stopping | None:
    """The stopping that was asked for; None for none.

    `validated` tells whether there are validation rows, whose loss is watched by default.
    """
    least = from_zero(min_delta, "min_delta")
    if patience is None:
        for name, value in (("min_delta", least or None), ("watch", watch)):
            if value is not None:
                raise InputError(
                    f"{name} must go with patience; got {shown(value)} alone. "
                    "Give the epochs to wait for a better one, such as patience=20."
                )
        return None
    if watch is None:
        watch = VALIDATION_LOSS
        if not validated:
            raise InputError(
                "patience must go with something to watch; got no validation rows. Give validation=0.2, or "
                f'watch="{TRAINING_LOSS}".'
            )
    if not callable(watch) and not (isinstance(watch, str) and watch in WATCHED):
        raise InputError(
            f"watch must be one of {', '.join(WATCHED)}, or a function of outputs and targets; got "
            f"{shown(watch)}. Choose one of them."
        )
    if isinstance(watch, str) and watch == VALIDATION_LOSS and not validated:
        raise InputError(
            f'watch="{VALIDATION_LOSS}" must go with validation rows; got none. Give validation=0.2, say.'
        )
    return Stopping(whole_number(patience, "patience", 1, MOST_EPOCHS), least, watch)


@dataclass(frozen=True, eq=False)
class Best:
    """What a kernel that watches a loss keeps of m networks.

    Attributes
    ----------
    bar, until : (m,)
        As in `Watch`.
    epoch : (m,) int64
        The best epoch of the stretch, from 1; 0 for none.
    state : (m, S')
        The states after it.
    """

    bar: NDArray[np.float64]
    until: NDArray[np.int64]
    epoch: NDArray[np.int64]
    state: Array

    def only(self, kept: Any) -> Best:
        """The same of some of the networks."""
        return Best(self.bar[kept], self.until[kept], self.epoch[kept], self.state[kept])


@dataclass(frozen=True, eq=False)
class Seen:
    """What a stretch of E epochs brought m networks.

    Attributes
    ----------
    losses : (m, E)
        The losses of the epochs.
    further : (m, E), or None
        The losses on the validation rows after each epoch.
    course : (E, m, S'), or None
        The states after each epoch.
    best : Best, or None
        What the kernel kept, where it watches a loss.
    before : (m, S'), or None
        The states before the epoch for which that was asked.
    """

    losses: Array
    further: Array | None = None
    course: Array | None = None
    best: Best | None = None
    before: Array | None = None

    @cached_property
    def finite(self) -> NDArray[np.bool_]:
        """Whether the losses of each network are finite in every epoch, (m,)."""
        if np.isfinite(self.losses.sum()):  # almost always
            return np.ones(len(self.losses), bool)
        found: NDArray[np.bool_] = np.asarray(np.isfinite(self.losses).all(axis=1))
        return found

    def only(self, kept: Any) -> Seen:
        """The same of some of the networks."""
        further, course, before = self.further, self.course, self.before
        return Seen(
            self.losses[kept],
            None if further is None else further[kept],
            None if course is None else course[:, kept],
            None if self.best is None else self.best.only(kept),
            None if before is None else before[kept],
        )


@dataclass(eq=False)
class Watch:
    """The watch over M networks on their way through the epochs.

    Attributes
    ----------
    stopping : Stopping
    recipe : Recipe
    rows : (X, Y)
        Those of which a function is given the outputs and the targets.
    bar : (M,) float64
        What the next better value has to be below; NaN before there is a best one.
    until : (M,) int64
        The epoch, from 1, after which each network stops unless a better one comes.
    best_epoch : (M,) int64
        The best one so far, from 1; 0 for none.
    best : (M, S)
        The states after the best epochs.
    loss, further : (M,)
        The losses of the best epochs, and those on the validation rows after them.
    """

    stopping: Stopping
    recipe: Recipe
    rows: tuple[Array, Array]
    bar: NDArray[np.float64]
    until: NDArray[np.int64]
    best_epoch: NDArray[np.int64]
    best: Array
    loss: Array
    further: Array

    @classmethod
    def over(
        cls, state: Array, stopping: Stopping, recipe: Recipe, rows: tuple[Array, Array], first: int = 0
    ) -> Watch:
        """The watch over networks of states (M, S), of whose epochs `first` are over."""
        none = np.full(len(state), np.nan, state.dtype)
        return cls(
            stopping,
            recipe,
            rows,
            bar=np.full(len(state), np.nan),
            until=np.full(len(state), first + stopping.patience),
            best_epoch=np.zeros(len(state), np.int64),
            best=np.full_like(state, np.nan),
            loss=none,
            further=none.copy(),
        )

    def copied(self) -> Watch:
        """The watch as it is now."""
        found = copy(self)
        for name in ("bar", "until", "best_epoch", "best", "loss", "further"):
            setattr(found, name, getattr(self, name).copy())
        return found

    def together(self, numbers: Numbers, epoch: int, rows: int, most: int) -> int:
        """How many epochs to train networks, up to `most`, before the next look at who has stopped.

        A look costs time, and so does training those that have stopped meanwhile; of these no more can be
        than the networks that stop where no better epoch comes.
        """
        left = np.minimum(self.until[numbers] - epoch, most)
        unseen = np.bincount(left, minlength=most + 1)[:most].cumsum().cumsum()
        epochs = np.arange(1, most + 1)
        look = LOOK_ROWS / rows + LOOK_VISITS / (len(numbers) * rows * self.best.shape[1])
        return int(((look + unseen / len(numbers)) / epochs).argmin()) + 1

    def see(self, group: Group, epoch: int, seen: Seen, state: Array) -> NDArray[np.int64]:
        """Take in a stretch of epochs; return the epoch (m,) after which each network stops.

        Parameters
        ----------
        group : Group
            The m networks.
        epoch : int
            The number of epochs before the stretch.
        seen : Seen
        state : (M, S)
            The states of all networks after the stretch.
        """
        numbers, best = group.numbers, seen.best or self._best(group, epoch, seen)
        self.bar[numbers], self.until[numbers] = best.bar, best.until
        self._keep(group, np.flatnonzero(best.epoch), best, epoch, seen, state)
        return best.until

    def begun(self, group: Group, state: Array) -> Best:
        """Room for what a kernel keeps of a group whose states are like `state` (m, S')."""
        numbers = group.numbers
        none = np.zeros(len(numbers), np.int64)
        return Best(self.bar[numbers], self.until[numbers], none, np.empty_like(state))

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers that a kernel needs to watch."""
        given = (self.stopping.patience, self.stopping.min_delta)
        return (*given, *self._penalty) if self.stopping.watch == PENALIZED_LOSS else given

    def _best(self, group: Group, epoch: int, seen: Seen) -> Best:
        """What a kernel would have kept, from the states after each epoch."""
        assert seen.course is not None  # noqa: S101 - where the kernel keeps nothing else
        numbers, stopping = group.numbers, self.stopping
        bar, until = self.bar[numbers], self.until[numbers]
        alive, found = _alive(group, seen), np.zeros(len(numbers), np.int64)
        values = self._values(group, seen, alive)
        for now, (value, sound) in enumerate(zip(values, alive.T, strict=True), start=epoch + 1):
            better = sound & ((value < bar) | np.isnan(bar)) & (until >= now)
            np.copyto(bar, np.fmin(value - stopping.min_delta, np.inf), where=better)
            np.copyto(found, now, where=better)
            np.copyto(until, now + stopping.patience, where=better)
        places = np.maximum(found - epoch - 1, 0)
        return Best(bar, until, found, seen.course[places, np.arange(len(numbers))])

    def _keep(self, group: Group, better: Numbers, best: Best, epoch: int, seen: Seen, state: Array) -> None:
        """Keep what the networks `better` of a group were after their best epochs."""
        numbers, places = group.numbers[better], best.epoch[better] - epoch - 1
        kept = best.state[better]
        if group.columns is not None:
            reduced, kept = kept, state[numbers]
            np.put_along_axis(kept, group.columns[better], reduced, axis=1)
        self.best[numbers], self.best_epoch[numbers] = kept, best.epoch[better]
        self.loss[numbers] = seen.losses[better, places]
        if seen.further is not None:
            self.further[numbers] = seen.further[better, places]

    def _values(self, group: Group, seen: Seen, alive: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What is watched, (E, m); NaN where a network is not alive."""
        watch = self.stopping.watch
        lost = seen.further if watch == VALIDATION_LOSS else seen.losses
        if callable(watch):
            values = self._scores(watch, group, seen)
        else:
            assert lost is not None  # noqa: S101 - `stopping_of` has seen to it
            values = np.array(lost.T, np.float64)
        if watch == PENALIZED_LOSS:
            assert seen.course is not None  # noqa: S101 - who watches has it
            weights = seen.course[:, :, : group.network.n_weights]
            values += [penalties(each, *self._penalty) for each in weights]
        if not alive.all():
            values[~alive.T] = np.nan
        return values

    @property
    def _penalty(self) -> tuple[float, float]:
        """What the squares of weights, and their sizes, are multiplied by."""
        recipe = self.recipe
        l2 = recipe.l2 / (recipe.size if recipe.l2_on == "sum" else 1)
        return l2 / 2, recipe.l1

    def _scores(self, score: Score, group: Group, seen: Seen) -> NDArray[np.float64]:
        """What a function gives for each network after each epoch, (E, m)."""
        assert seen.course is not None  # noqa: S101 - who watches has it
        (X, Y), size = self.rows, group.network.n_parameters
        targets = Y[:, 0] if Y.shape[1] == 1 else Y
        answers = (outputs(group.network, np.ascontiguousarray(each[:, :size]), X) for each in seen.course)
        found = [[_number(score(one.reshape(targets.shape), targets)) for one in each] for each in answers]
        return np.array(found, np.float64)


def _alive(group: Group, seen: Seen) -> NDArray[np.bool_]:
    """Whether each network has finite losses up to each epoch, and finite parameters after it: (m, E)."""
    assert seen.course is not None  # noqa: S101 - who watches has it
    alive = np.isfinite(seen.losses)
    if not alive.all():
        alive = np.logical_and.accumulate(alive, axis=1)
    size = group.network.n_parameters
    (unsound,) = np.nonzero(~np.isfinite(seen.course[-1, :, :size]).all(axis=1))
    if len(unsound):
        alive[unsound] &= np.isfinite(seen.course[:, unsound, :size]).all(axis=2).T
    return alive


def _number(value: Any) -> float:
    """The number that a function gave."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"watch must return a number for the outputs of one network; got {shown(value)}. "
            "Return one that is lower where the outputs are better."
        ) from None

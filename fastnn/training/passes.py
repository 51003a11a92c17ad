"""Trainings of a few networks that stop by their loss, as scikit-learn's estimators do."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from time import thread_time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.core.precisions import PRECISIONS
from fastnn.core.rule import Rule
from fastnn.engines import choose
from fastnn.engines.passes import passes
from fastnn.engines.precedence import compiles_fast
from fastnn.engines.takeover import WORTH_COMPILING, Takeover, begun
from fastnn.system.floating_point import in_default_mode

__all__ = ["Brought", "Passes", "Watched"]

Array = NDArray[Any]
NAMES = {np.dtype(name): name for name in PRECISIONS}
EMPTY, NONE, NO_WORDS = np.empty(0), np.empty(0, np.int64), np.empty(0, np.uint32)
NO_COEFFICIENTS = {dtype: np.empty(0, dtype) for dtype in NAMES}
NO_STATES = {dtype: np.empty((0, 0, 0), dtype) for dtype in NAMES}


Which = tuple[str, Network, str, Rule]
KNOWN: dict[Which, Takeover] = {}
BEGINNING = Lock()


def _begun(which: Which) -> Takeover:
    """What trains a network: in its first training what is ready, from the second one on its own kernel.

    The second one waits for it if that takes 1 to 3 s, once. Else it is compiled in the background.
    """
    engine, network, *_ = which
    if which not in KNOWN:
        KNOWN[which] = begun(*which, waits=False)
    elif KNOWN[which].forms == ["general"]:
        if compiles_fast(engine, network):
            KNOWN[which] = begun(*which)
        else:
            KNOWN[which].see(WORTH_COMPILING)
    return KNOWN[which]


class Brought(NamedTuple):
    """What epochs brought M networks.

    `losses` (M, E) are those of the epochs, and `course` (E, M, S), if asked for, the states after them.
    `finite`: whether all losses, and the states in the end, were finite.
    """

    losses: Array
    course: Array
    finite: bool


@dataclass(eq=False)
class Watched:
    """How networks stop: after more than `most` epochs in a row whose loss was not the least by `tol`.

    `counts` (M,) are those epochs so far, and `bests` (M,) the least losses; both go on from call to call.
    `tol` and `most` are one for each network, too.
    """

    tol: NDArray[np.float64]
    most: NDArray[np.float64]
    counts: NDArray[np.int64]
    bests: NDArray[np.float64]

    @classmethod
    def never(cls, networks: int) -> Watched:
        """No stop at all."""
        infinite = np.full(networks, np.inf)
        return cls(np.zeros(networks), infinite, np.zeros(networks, np.int64), infinite.copy())


@dataclass(eq=False)
class Passes:
    """Networks on rows X (N, D) and Y (N, K), C-ordered and in the precision of training.

    Attributes
    ----------
    batch : int
        The rows of a batch, from 1 to N.
    weights : (N,) float64, or None
        Those of the rows, where the rule is weighted; within a batch they count by their mean.
    share : float
        By what the kernel's losses are multiplied.
    rest : (N,) float64, or None
        What each row loses besides.
    kernels : dict
        What trains, by engine: the same for the whole training, so that it does not wait for a compiler.
    """

    network: Network
    rule: Rule
    X: Array
    Y: Array
    batch: int
    weights: Array | None = None
    share: float = 1.0
    rest: Array | None = None
    kernels: dict[str, Takeover] = field(default_factory=dict)

    @in_default_mode
    def advance(
        self,
        state: Array,
        epochs: int,
        settings: Array,
        watched: Watched | None = None,
        order: NDArray[np.int64] | None = None,
        random: NDArray[np.uint32] | None = None,
        *,
        l2: Array | None = None,
        followed: bool = False,
    ) -> tuple[Brought, NDArray[np.int64]]:
        """Advance the states (M, S) of networks in place until all have stopped, or by some epochs.

        Parameters
        ----------
        state : (M, S), C-ordered
        epochs : int
            The most epochs.
        settings : (E, M, C), or (1, M, C)
            What kernels are given in each epoch, or in all: see `Rule.given`.
        watched : Watched, optional
            How they stop; changed in place. By default never.
        order : (N,), optional
            The order of the rows; None for their own. Changed in place where it is shuffled.
        random : (625,), optional
            The words and the place of NumPy's Mersenne twister, by which the order is shuffled before each
            epoch; changed in place.
        l2 : (M,) float64, optional
            The penalties with which a batch's sum of losses is told: half of it times the squared weights.
        followed : bool
            Whether to keep the states after each epoch.

        Returns
        -------
        brought : Brought
            With as many epochs as were trained.
        stopped : (M,)
            After how many epochs each network stopped, with its state of then; 0 if it did not.
        """
        networks, dtype = len(state), state.dtype
        assert dtype == self.X.dtype  # noqa: S101 - nobody else looks at what the loop is given
        watched = Watched.never(networks) if watched is None else watched
        name = NAMES[dtype]
        takeover = self._takeover(networks, name)
        advance = passes(takeover.now.kernel, name, self.rule.weighted, self.rule.batched)
        losses, ended = np.zeros((networks, epochs)), np.empty(state.shape, dtype)
        course = np.empty((epochs, *state.shape), dtype) if followed else NO_STATES[dtype]
        stopped = np.zeros(networks, np.int64)
        ordered = order is not None
        by_batches = ordered or l2 is not None or self.rule.weighted or not self.rule.batched
        timed = takeover.looks_on
        began = thread_time() if timed else 0.0
        trained = advance(
            *(state, ended, self.X, self.Y),
            *((self._room(self.X), self._room(self.Y)) if ordered else (self.X, self.Y)),
            *(NONE if order is None else order, NO_WORDS if random is None else random),
            *(watched.counts, stopped),
            EMPTY if self.weights is None else self.weights,
            EMPTY if self.rest is None else self.rest,
            np.empty(len(self.X), dtype) if self.rule.weighted else NO_COEFFICIENTS[dtype],
            *(settings, np.empty(settings.shape[1:], dtype), np.empty((networks, 1), dtype)),
            *(watched.bests, EMPTY if l2 is None else l2, watched.tol, watched.most, losses, course),
            0 if l2 is None else self.network.n_weights,
            *(self.batch if by_batches else len(self.X), self.batch),
            self._column_of_l2 if self.rule.weighted else -1,
            float(self.share),
        )
        if timed:
            takeover.see(thread_time() - began)  # there may be as much to come
        if abs(trained) < epochs:
            losses, course = losses[:, : abs(trained)], course[: abs(trained)]
        if trained < 0:
            self._diverge(losses, course, state, stopped)
        return Brought(losses, course, trained > 0), stopped

    @staticmethod
    def _diverge(losses: Array, course: Array, state: Array, stopped: NDArray[np.int64]) -> None:
        """Make all NaN from the epoch on whose loss is no number: kernels leave anything there."""
        finite = np.isfinite(losses)
        for m in np.flatnonzero(~finite.all(axis=1)):
            first = int(np.argmin(finite[m]))
            if stopped[m] == 0 or first < stopped[m]:
                losses[m, first:] = np.nan
                if len(course):
                    course[first:, m] = np.nan
                if stopped[m] == 0:
                    state[m] = np.nan

    def _takeover(self, networks: int, dtype: str) -> Takeover:
        engine = choose("auto", self.network, dtype, networks, self.rule)
        if engine not in self.kernels:
            with BEGINNING:
                if engine not in self.kernels:
                    self.kernels[engine] = _begun((engine, self.network, dtype, self.rule))
        return self.kernels[engine]

    def _room(self, rows: Array) -> Array:
        """Room for the rows of a batch in the order of an epoch."""
        return np.empty((self.batch, rows.shape[1]), rows.dtype)

    @property
    def _column_of_l2(self) -> int:
        """The number of the setting by which weights are penalised; -1 if they are not."""
        columns = [symbol.family for symbol in self.rule.given]
        return next((columns.index(name) for name in ("pull", "l2") if name in columns), -1)

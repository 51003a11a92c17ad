"""What a peer offers: forms of doing the job, and the check that each of them does it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

import fastnn
from peers.problems import Problem

# Others fuse or reorder operations: after the check's thousand steps or more that stays far below these.
# The slip of updating a layer before the deltas of the one below shows in the 7th digit or before.
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}

CHECKED_NETWORKS = 8
CHECKED_VISITS = 2000  # rows times epochs, but an epoch at the least

Train = Callable[[np.ndarray, int], np.ndarray]


class DisagreementError(Exception):
    """A peer reached other parameters: its times may not be compared."""


@dataclass(frozen=True)
class Form:
    """One way to do the job with a library.

    Attributes
    ----------
    name : str
        For the table: which of the library's ways this is.
    networks : tuple of int
        How many to train at once; the fastest is found by trying, fewest first.
    prepare : callable (Problem, networks) -> Train
        What is done once, such as compiling. A Train takes starts (M, P) and epochs, leaves the starts
        as they are, and returns the trained parameters (M, P).
    rows : int, optional
        Slow forms meet the first so many rows only.
    all_epochs : bool
        Whether a call has to run for all of the problem's epochs.
    tolerance : float
        The least to which parameters agree; `TOLERANCE` if that is more.
    """

    name: str
    networks: tuple[int, ...]
    prepare: Callable[[Problem, int], Train]
    rows: int | None = None
    all_epochs: bool = False
    tolerance: float = 0.0

    def problem(self, problem):
        """The problem as this form meets it."""
        return problem.first(self.rows)


def checked(form, problem, networks):
    """A form's Train for so many networks, once it has reached fastnn's parameters."""
    train = form.prepare(problem, networks)
    epochs = problem.epochs if form.all_epochs else max(1, min(2, CHECKED_VISITS // len(problem.X)))
    starts = problem.starts(networks)
    found = train(starts, epochs)
    if not np.array_equal(starts, problem.starts(networks)):
        raise DisagreementError("the starts were changed")
    some = np.unique(np.linspace(0, networks - 1, CHECKED_NETWORKS).astype(int))
    expected = trained_by_fastnn(problem, starts[some], epochs)
    if found.shape != starts.shape:
        raise DisagreementError(f"parameters of shape {found.shape} are not {starts.shape}")
    refuse_other_parameters(found[some], expected, max(form.tolerance, TOLERANCE[str(problem.dtype)]))
    return train


def trained_by_fastnn(problem, starts, epochs):
    """Parameters (M, P) by the engine `loop`, which the tests hold to the bit against plain Python."""
    return _trained_by_fastnn(
        problem.layers, *(_Bytes(a) for a in (problem.X, problem.Y, starts)), problem.learning_rate, epochs
    )


def refuse_other_parameters(found, expected, tolerance):
    """Raise where parameters differ by more than the tolerance, relative or absolute."""
    if found.shape != expected.shape:
        raise DisagreementError(f"parameters of shape {found.shape} are not {expected.shape}")
    with np.errstate(invalid="ignore"):
        off = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    worst = float(np.max(off)) if np.isfinite(off).all() else np.inf
    if worst > tolerance:
        raise DisagreementError(f"parameters differ by {worst:.1e}, allowed are {tolerance:.0e}")


class _Bytes:
    """An array that can be a key of a cache."""

    def __init__(self, array):
        self.array = array
        self.content = array.tobytes()

    def __hash__(self):
        return hash(self.content)

    def __eq__(self, other):
        return (self.array.dtype, self.content) == (other.array.dtype, other.content)


@cache
def _trained_by_fastnn(layers, X, Y, starts, learning_rate, epochs):
    dtype = str(X.array.dtype)
    network = fastnn.Network(layers)
    return fastnn.train(
        network,
        X.array,
        Y.array,
        starts.array,
        learning_rate=learning_rate,
        epochs=epochs,
        engine="loop",
        dtype=dtype,
    ).parameters

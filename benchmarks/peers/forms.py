"""The forms in which a peer can do the job, and the check that each form does it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

import fastnn
from peers.problems import Problem

# Peers fuse or reorder operations; after the check's thousand steps they differ by far less than this.
# A peer that wrongly updates a layer before the deltas of the layer below differs in the 7th digit or before.
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}

CHECKED_NETWORKS = 8
CHECKED_VISITS = 2000  # rows times epochs; at least one epoch

Train = Callable[[np.ndarray, int], np.ndarray]


class DisagreementError(Exception):
    """A peer reached other parameters, so its times must not be compared."""


@dataclass(frozen=True)
class Form:
    """One way to do the job with a library.

    Attributes
    ----------
    name : str
        The form's name in the table.
    networks : tuple of int
        The numbers of networks to train at once, in increasing order; the fastest is found by trying.
    prepare : callable (Problem, networks) -> Train
        Does the work that is done once, such as compiling. A Train takes starts (M, P) and epochs, leaves
        the starts as they are, and returns the trained parameters (M, P).
    rows : int, optional
        A slow form meets only this many rows, the first ones.
    all_epochs : bool
        Whether a call must run for all of the problem's epochs.
    tolerance : float
        How far parameters may differ; `TOLERANCE` if that is larger.
    """

    name: str
    networks: tuple[int, ...]
    prepare: Callable[[Problem, int], Train]
    rows: int | None = None
    all_epochs: bool = False
    tolerance: float = 0.0

    def problem(self, problem):
        """The problem with the rows that this form meets."""
        return problem.first(self.rows)


def checked(form, problem, networks):
    """Return a form's Train for a number of networks, after checking that it reaches fastnn's parameters."""
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
    """The parameters (M, P) of the engine `loop`, which the tests compare to the bit with plain Python."""
    rule = problem.learning_rate, problem.optimizer, problem.batch_size
    arrays = (_Bytes(array) for array in (problem.X, problem.Y, starts))
    return _trained_by_fastnn(problem.layers, *arrays, *rule, epochs)


def refuse_other_parameters(found, expected, tolerance):
    """Raise if parameters differ by more than the tolerance, relative or absolute."""
    if found.shape != expected.shape:
        raise DisagreementError(f"parameters of shape {found.shape} are not {expected.shape}")
    with np.errstate(invalid="ignore"):
        off = np.abs(found - expected) / np.maximum(1, np.abs(expected))
    worst = float(np.max(off)) if np.isfinite(off).all() else np.inf
    if worst > tolerance:
        raise DisagreementError(f"parameters differ by {worst:.1e}, allowed are {tolerance:.0e}")


class _Bytes:
    """An array that can be the key of a cache."""

    def __init__(self, array):
        self.array = array
        self.content = array.tobytes()

    def __hash__(self):
        return hash(self.content)

    def __eq__(self, other):
        return (self.array.dtype, self.content) == (other.array.dtype, other.content)


@cache
def _trained_by_fastnn(layers, X, Y, starts, learning_rate, optimizer, batch_size, epochs):
    dtype = str(X.array.dtype)
    network = fastnn.Network(layers)
    return fastnn.train(
        network,
        X.array,
        Y.array,
        starts.array,
        optimizer=optimizer,
        learning_rate=learning_rate,
        batch_size=batch_size,
        epochs=epochs,
        engine="loop",
        dtype=dtype,
    ).parameters

"""Endings that the status "ok" hides: dead networks, one answer for all rows, huge losses on the way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.data.classes import Names, chosen_classes
from fastnn.data.columns import joined
from fastnn.showing.lettering import grouped
from fastnn.training.evaluating import dead_gates, least_and_most, only_class

__all__ = ["Quiet", "evenly", "quiet_networks", "training_notes"]

Array = NDArray[Any]

FAR = 1e30
ALIKE = 1e-6  # answers count as one number if their range is at most this fraction of the targets' range
NEARLY = 1e-2  # ... and as nearly one
ABOUT = 5e-2  # a number counts as the mean of the targets if it is within this fraction of their deviation
NAMED = 5  # networks in a sentence
LOOKED_AT = 20_000_000  # networks times rows to look at: less than a second


@dataclass(frozen=True, eq=False)
class Quiet:
    """Units and answers of networks (M, P) that are the same on all training rows.

    Attributes
    ----------
    dead : (M,) bool
        All units of a hidden layer are shut on every row.
    layer : (M,) int
        The first such layer, from 1.
    units : (M,) int
        The number of hidden units that are shut on every row.
    constant : (M,) bool
        The network gives nearly one answer for all rows, although their inputs and their targets differ.
    answer : (M, K)
        The smallest answer over all rows.
    exact : (M,) bool
        The answers are one number.
    mean : (M,) bool
        That is about the mean of the targets.
    only : (M,) int
        The class, 0 .. K-1, that is predicted for all rows, although their inputs and their classes differ;
        -1 if there is none.
    rows : (K,) int
        The number of rows of each class; empty if there are no classes.
    """

    dead: NDArray[np.bool_]
    layer: NDArray[np.int64]
    units: NDArray[np.int64]
    constant: NDArray[np.bool_]
    answer: Array
    exact: NDArray[np.bool_]
    mean: NDArray[np.bool_]
    only: NDArray[np.int64]
    rows: NDArray[np.int64]

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Whether each network predicts the same for all rows: (M,)."""
        return self.only >= 0 if len(self.rows) else self.constant


def quiet_networks(
    network: Network, parameters: Array, X: Array, Y: Array, classes: int | None = None
) -> Quiet:
    """Find dead units and constant predictions of trained networks (M, P) on their training rows.

    `classes` is the number of classes of which each row has one, if that is what the targets are.
    """
    gates = dead_gates(network, parameters, X)
    ends = np.cumsum((0, *network.layers[1:-1]))
    layers = [gates[:, first:end].all(axis=1) for first, end in pairwise(ends)]
    shut = np.column_stack([*layers, np.zeros(len(parameters), bool)])
    least, most = least_and_most(network, parameters, X)
    differ = np.ptp(Y, axis=0)
    asked = bool((X[0] != X).any() and differ.any())
    with np.errstate(invalid="ignore", over="ignore"):
        alike = (most - least <= NEARLY * differ).all(axis=1)
        exact = (most - least <= ALIKE * differ).all(axis=1)
        mean = (np.abs(least - Y.mean(axis=0)) <= ABOUT * Y.std(axis=0)).all(axis=1)
    only, rows = np.full(len(parameters), -1), np.zeros(0, np.int64)
    if classes is not None:
        rows = np.bincount(chosen_classes(network, Y, classes=True), minlength=classes)
        only = only_class(network, parameters, X) if asked else only
    return Quiet(
        dead=np.asarray(shut.any(axis=1)),
        layer=shut.argmax(axis=1) + 1,
        units=gates.sum(axis=1),
        constant=np.asarray(alike & asked),
        answer=least,
        exact=np.asarray(exact),
        mean=np.asarray(mean),
        only=only,
        rows=rows,
    )


def evenly(networks: int, rows: int) -> NDArray[np.int64]:
    """The networks to look at: all, or evenly spaced ones if all would take too long."""
    return np.unique(np.linspace(0, networks - 1, max(1, min(networks, LOOKED_AT // rows))).astype(np.int64))


def training_notes(
    network: Network,
    curve: Array,
    diverged: Array,
    quiet: Quiet | None,
    classes: Names | None = None,
    numbers: NDArray[np.int64] | None = None,
) -> tuple[str, ...]:
    """Sentences on what "ok" hides in M networks with loss curves (M, E).

    `quiet` is of some of them, whose `numbers` are named; it is None if nothing is known. `classes` are the
    names of the classes.
    """
    with np.errstate(invalid="ignore"):
        far = (curve > FAR) & (diverged[:, None] == 0)
    if len(curve) == 1:
        said = () if quiet is None else _of_one(network, quiet, classes)
        worst = int(np.argmax(far[0]))
        return (*said, *((f"its loss was {curve[0, worst]:.3g} in epoch {worst + 1}",) if far.any() else ()))
    found = []
    if quiet is not None:
        some = len(quiet.dead)
        of = f"of {grouped(some)}{'' if some == len(curve) else ' networks that were looked at'}"
        one = "predict one class for all rows" if len(quiet.rows) else "answer all rows with one number"
        found += _counted(quiet.dead, of, "dead: all units of a hidden layer are shut on every row", numbers)
        found += _counted(quiet.alike & ~quiet.dead, of, f"not dead and {one}", numbers)
    of = f"of {grouped(len(curve))}"
    return (*found, *_counted(far.any(axis=1), of, "back from a loss beyond 1e30", None))


def _of_one(network: Network, quiet: Quiet, classes: Names | None) -> tuple[str, ...]:
    what = _prediction(quiet, classes)
    if quiet.dead[0]:
        hidden = network.layers[1:-1]
        layer = int(quiet.layer[0])
        which = "hidden units" if len(hidden) == 1 else f"units of hidden layer {layer}"
        units = hidden[layer - 1]
        whose = f"its {units} {which} are all" if units > 1 else f"its only unit of {which[9:]} is"
        whose = "its hidden unit is" if (units, len(hidden)) == (1, 1) else whose
        return (f"{whose} dead, shut on every row: it {what}",)
    return (f"it {what}",) if quiet.alike[0] else ()


def _prediction(quiet: Quiet, classes: Names | None) -> str:
    """In words, what one network predicts for all rows: a class, or numbers."""
    only = int(quiet.only[0])
    if classes is not None and only >= 0:
        rows, all_rows = int(quiet.rows[only]), int(quiet.rows.sum())
        which = "the class of most of them" if rows == quiet.rows.max() else "not the class of most of them"
        return f"predicts {classes[only]} for all rows, {which}: {rows} of {all_rows}"
    nearly = bool(quiet.constant[0] and not quiet.exact[0])
    answers = " and ".join(f"{value:.3g}" if nearly else f"{value:.6g}" for value in quiet.answer[0])
    mean = ", the mean of the targets" if quiet.mean[0] else ""
    return f"answers all rows with {'about ' if nearly else ''}{answers}{mean}"


def _counted(which: NDArray[np.bool_], of: str, what: str, numbers: NDArray[np.int64] | None) -> list[str]:
    """A sentence on some of several networks, with the numbers of the first ones unless they are all."""
    count = int(which.sum())
    if not count:
        return []
    named = ""
    if numbers is not None and count < len(which):
        noun = "network" if count == 1 else "networks"
        named = f" ({noun} {joined(numbers[which].tolist(), NAMED)})"
    return [f"{grouped(count)} {of} {'is' if count == 1 else 'are'} {what}{named}"]

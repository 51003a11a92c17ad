"""Endings that the status "ok" hides: dead networks, one answer for all rows, huge losses on the way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.showing.lettering import grouped
from fastnn.training.evaluating import dead_gates, least_and_most

__all__ = ["Quiet", "evenly", "quiet_networks", "training_notes"]

Array = NDArray[Any]

FAR = 1e30
ALIKE = 1e-6  # answers count as one number if their range is at most this fraction of the targets' range
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
        The network gives one answer for all rows, although their inputs and their targets differ.
    answer : (M, K)
        The smallest answer over all rows.
    """

    dead: NDArray[np.bool_]
    layer: NDArray[np.int64]
    units: NDArray[np.int64]
    constant: NDArray[np.bool_]
    answer: Array


def quiet_networks(network: Network, parameters: Array, X: Array, Y: Array) -> Quiet:
    """Find dead units and constant answers of trained networks (M, P) on their training rows."""
    gates = dead_gates(network, parameters, X)
    ends = np.cumsum((0, *network.layers[1:-1]))
    layers = [gates[:, first:end].all(axis=1) for first, end in pairwise(ends)]
    shut = np.column_stack([*layers, np.zeros(len(parameters), bool)])
    least, most = least_and_most(network, parameters, X)
    differ = np.ptp(Y, axis=0)
    asked = bool((X[0] != X).any() and differ.any())
    with np.errstate(invalid="ignore", over="ignore"):
        alike = (most - least <= ALIKE * differ).all(axis=1)
    return Quiet(
        dead=np.asarray(shut.any(axis=1)),
        layer=shut.argmax(axis=1) + 1,
        units=gates.sum(axis=1),
        constant=np.asarray(alike & asked),
        answer=least,
    )


def evenly(networks: int, rows: int) -> NDArray[np.int64]:
    """The networks to look at: all, or evenly spaced ones if all would take too long."""
    return np.unique(np.linspace(0, networks - 1, max(1, min(networks, LOOKED_AT // rows))).astype(np.int64))


def training_notes(network: Network, curve: Array, diverged: Array, quiet: Quiet | None) -> tuple[str, ...]:
    """Sentences on what "ok" hides in M networks with loss curves (M, E); `quiet` is None if unknown."""
    with np.errstate(invalid="ignore"):
        far = (curve > FAR) & (diverged[:, None] == 0)
    if len(curve) == 1:
        said = () if quiet is None else _of_one(network, quiet)
        worst = int(np.argmax(far[0]))
        return (*said, *((f"its loss was {curve[0, worst]:.3g} in epoch {worst + 1}",) if far.any() else ()))
    found = []
    if quiet is not None:
        some = len(quiet.dead)
        of = f"of {grouped(some)}{'' if some == len(curve) else ' networks that were looked at'}"
        found += _counted(quiet.dead, of, "dead: all units of a hidden layer are shut on every row")
        found += _counted(quiet.constant & ~quiet.dead, of, "not dead and answer all rows with one number")
    return (*found, *_counted(far.any(axis=1), f"of {grouped(len(curve))}", "back from a loss beyond 1e30"))


def _of_one(network: Network, quiet: Quiet) -> tuple[str, ...]:
    answers = " and ".join(f"{value:.6g}" for value in quiet.answer[0])
    if quiet.dead[0]:
        hidden = network.layers[1:-1]
        layer = int(quiet.layer[0])
        which = "hidden units" if len(hidden) == 1 else f"units of hidden layer {layer}"
        units = hidden[layer - 1]
        whose = f"its {units} {which} are all" if units > 1 else f"its only unit of {which[9:]} is"
        whose = "its hidden unit is" if (units, len(hidden)) == (1, 1) else whose
        return (f"{whose} dead, shut on every row: it answers all rows with {answers}",)
    return (f"it answers all rows with {answers}",) if quiet.constant[0] else ()


def _counted(which: NDArray[np.bool_], of: str, what: str) -> list[str]:
    count = int(which.sum())
    return [f"{grouped(count)} {of} {'is' if count == 1 else 'are'} {what}"] if count else []

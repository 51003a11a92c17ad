"""Backpropagation through a network, explained: its equations, the numbers of a step, a proof, the code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, flag, shown
from fastnn.core.derivation import derived
from fastnn.core.equations import GRADIENTS
from fastnn.core.expressions import Binary
from fastnn.core.losses import need_targets
from fastnn.core.network import Network, checked_network
from fastnn.core.recipe import DEFAULT, Asked, Recipe
from fastnn.core.rule import WITHIN
from fastnn.core.schedules import Schedule
from fastnn.data.arrays import finite_array
from fastnn.data.datasets import Dataset
from fastnn.data.rows import checked_rows
from fastnn.explaining.chain_rule import (
    Line,
    explained,
    sections_of,
    sign_of,
)
from fastnn.explaining.document import Document
from fastnn.explaining.limits import need_written_out, rate_of
from fastnn.explaining.matrix_form import in_matrices, over_a_batch
from fastnn.explaining.motion import Motion, motion
from fastnn.explaining.notes import notes_of
from fastnn.explaining.proving import Proof
from fastnn.explaining.slips import Slip
from fastnn.explaining.steps import Given, Step
from fastnn.pages.blocks import Block, Code, Section
from fastnn.pages.equations import Equations, Formula
from fastnn.pages.tables import Table
from fastnn.printing.signs import OverRows
from fastnn.showing.lettering import counted
from fastnn.system.floating_point import ieee
from fastnn.training.plan import code
from fastnn.training.weights import weights_told

__all__ = ["Explanation", "RunningCode", "explain"]


class Explanation(Document):
    """The equations of one training step of a network, numbered, from the forward pass to the updates.

    It shows itself in a notebook; ``print`` gives text.

    Attributes
    ----------
    network : Network
    compact : bool
        Whether in matrix notation, one equation for a whole layer.
    recipe : Recipe
        How it is trained; a `batch_size` of None stands for all rows.
    weighted : bool
        Whether rows have weights.
    lines : tuple of Line
        The equations as data.
    """

    def __init__(
        self, network: Network, *, compact: bool = False, recipe: Recipe = DEFAULT, weighted: bool = False
    ) -> None:
        self.network = network
        self.compact = compact
        self.recipe = recipe
        self.weighted = weighted
        self.derivation = derived(network, replace(recipe.rule, weighted=weighted))

    def __repr__(self) -> str:
        with_it = "".join(f", {told}" for told in self._told)
        return f"<Explanation of {self.network!r}{with_it}{', compact' if self.compact else ''}>"

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The equations as data: the numbered equations of ``fastnn.derive``, and derivatives."""
        if self.compact:
            return tuple(map(in_matrices, explained(self.derivation, self.derivation.equations)))
        return explained(self.derivation, self.derivation.scalar)

    @ieee
    def step(
        self,
        parameters: ArrayLike,
        x: ArrayLike | Dataset,
        y: ArrayLike | None = None,
        learning_rate: float | None = None,
        coefficient: ArrayLike | None = None,
    ) -> Step:
        """Work out one training step on one row, or on a batch of them, every number of it.

        Parameters
        ----------
        parameters : array_like (P,) or (S,)
            With what the optimizer remembers behind them, S numbers in all, such as the ``state`` of the step
            before. Without it, as it is before the first step.
        x : array_like (D,), or (n, D) in batches, or Dataset
            A number is taken for one input. In batches, n rows: from 1 to `batch_size`, or any number where
            a batch has all rows. A Dataset of as many rows stands for x and y.
        y : array_like (K,), or (n, K) in batches, optional
            A number is taken for one output. Not needed with a Dataset.
        learning_rate : float, optional
            The optimizer's own without it: 0.005, and 0.001 for Adam, say. iRprop- has none.
        coefficient : float, or (n,) in batches, optional
            Where rows have weights, how much each counts: its weight divided by the mean weight. Without it,
            1.

        Returns
        -------
        Step
            With ``frame()``, ``changes()``, ``text()``, ``latex()``, ``html()``, and ``state`` for the step
            after it.

        Raises
        ------
        InputError
            For numbers that do not fit or are not finite, or that lead to one that is not; and for a
            network too large to write out.
        """
        return Step(self.derivation, self._given(parameters, x, y, learning_rate, coefficient))

    @ieee
    def slip(
        self,
        parameters: ArrayLike,
        x: ArrayLike | Dataset,
        y: ArrayLike | None = None,
        learning_rate: float | None = None,
        coefficient: ArrayLike | None = None,
    ) -> Slip:
        """Work out the same step with the classical slip, each layer updated before the deltas below it.

        In batches the slip is another one: the parameters move after every row of the batch. With clipping
        it is a third one: each layer's weights, and its biases, are limited by a norm of their own.

        Parameters
        ----------
        parameters, x, y, learning_rate, coefficient
            As for `step`.

        Returns
        -------
        Slip
            With ``frame()``: both results, and the digit in which the slip shows.
        """
        return Slip(self.derivation, self._given(parameters, x, y, learning_rate, coefficient))

    @ieee
    def proof(self) -> Proof:
        """Have sympy differentiate the loss and compare: needs ``pip install "fastnn-sweep[explain]"``."""
        need_written_out(self.network, self.derivation.rule)
        return Proof(self.derivation)

    def motion(
        self,
        X: ArrayLike | Dataset,
        y: ArrayLike | None = None,
        starts: Mapping[str, ArrayLike] | None = None,
        *,
        learning_rate: float | None = None,
        schedule: str | Schedule | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        weights_within: str = "epoch",
    ) -> Motion:
        """Set the network in motion, for a page: it trains in the browser.

        Parameters
        ----------
        X, y, starts, learning_rate, schedule, sample_weight, class_weight, weights_within
            As for `fastnn.explaining.motion.motion`.

        Returns
        -------
        Motion
            Shows itself in a notebook; ``.html()`` is a page of its own, ``.fragment`` a part for any page.
        """
        return motion(
            self.network,
            X,
            y,
            starts,
            learning_rate=learning_rate,
            schedule=schedule,
            sample_weight=sample_weight,
            class_weight=class_weight,
            weights_within=weights_within,
            **self.recipe.asked,
        )

    def code(self) -> str:
        """The code that runs, printed from the same equations."""
        return code(self.network, weighted=self.weighted, **self.recipe.asked)

    def sections(self) -> Iterable[Section]:
        """The layout of the parameters, and the equations stage by stage."""
        told = [f"{self.network!r}, {self.network.n_parameters} parameters"]
        if training := self._told:
            told.append(f"Trained with {', '.join(training)}.")
        yield Section("", [*told, self._layout()])
        notes = notes_of(self.derivation, self.recipe.optimizer, in_matrices=self.compact)
        for section in sections_of(self.derivation):
            formulas = tuple(_formula(line) for line in self.lines if line.section == section)
            blocks: list[Block] = [notes[section]] if section in notes else []
            yield Section(section.title, [*blocks, Equations(self.derivation, formulas)])

    @property
    def _told(self) -> list[str]:
        return [*self.recipe.told, *weights_told(WITHIN[0] if self.weighted else None)]

    def _layout(self) -> Table:
        """Which parameters each layer has."""
        names, sizes = self.network.parameter_names, self.network.layers
        rows = []
        for layer, (weights, biases) in enumerate(self.network.slices, start=1):
            rows.append(
                {
                    "layer": layer,
                    "inputs": sizes[layer - 1],
                    "units": sizes[layer],
                    "activation": self.network.activations[layer - 1],
                    "weights": _range(names[weights]),
                    "biases": _range(names[biases]),
                }
            )
        return Table(rows)

    def _given(self, parameters: Any, x: Any, y: Any, learning_rate: Any, coefficient: Any) -> Given:
        need_written_out(self.network, self.derivation.rule)
        rate = rate_of(self.recipe.optimizer, learning_rate)
        state, (X, Y) = self._state(parameters), self._rows(x, y)
        return Given(state, X, Y, rate, self.recipe, self._coefficients(coefficient, len(X)))

    def _coefficients(self, given: Any, rows: int) -> NDArray[np.float64] | None:
        """How much each row counts (n,), where rows have weights."""
        if given is not None and not self.weighted:
            raise InputError(
                f"coefficient must be left out where rows have no weights; got {shown(given)}. Leave it out, "
                "or explain the step of rows with weights: fastnn.explain(network, weighted=True)."
            )
        if not self.weighted:
            return None
        found = np.ones(rows) if given is None else finite_array(given, "coefficient", (0, 1)).reshape(-1)
        if len(found) != rows or (found < 0).any():
            raise InputError(
                f"coefficient must hold a number from 0 for each of {counted(rows, 'row')}; got "
                f"{shown(given)}. Give each row's weight divided by the mean weight."
            )
        return found

    def _rows(self, x: Any, y: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The rows of the step as (n, D) and (n, K)."""
        network, size = self.network, self.recipe.batch_size
        if size == 1 and not isinstance(x, Dataset):
            row = _row(x, "x", network.n_inputs, "input"), _row(y, "y", network.n_outputs, "output")
            need_targets(type(self.recipe.loss), network.output, row[1][None])
            return row[0][None], row[1][None]
        X, Y = checked_rows(network, x, y, "float64")
        if size is not None and len(X) > size:
            raise InputError(
                f"x must hold at most {counted(size, 'row')}, the batch size; got {len(X)}. "
                "Give the rows of one batch, or explain a larger batch size."
            )
        need_targets(type(self.recipe.loss), network.output, Y)
        return X, Y

    def _state(self, parameters: Any) -> NDArray[np.float64]:
        """The state (S,) before the step: as given, or as it is before the first one."""
        start, rule = finite_array(parameters, "parameters", (1,)), self.derivation.rule
        n_parameters, size = self.network.n_parameters, rule.state_size(self.network)
        if len(start) not in (n_parameters, size):
            whole = f", or {size} with what {self.recipe.optimizer.name} remembers," if rule.states else ""
            behind = ", or the state of an earlier step" if rule.states else ""
            raise InputError(
                f"parameters must hold {n_parameters} numbers{whole} for {self.network!r}; "
                f"got {len(start)}. Give all weights first, then all biases{behind}."
            )
        return start if len(start) == size else self.recipe.begun(start[None])[0]


class RunningCode(Document):
    """The code that runs for an explanation's network, as a part of a page."""

    def __init__(self, explanation: Explanation) -> None:
        self.derivation = explanation.derivation
        self.source = explanation.code()

    def sections(self) -> Iterator[Section]:
        """The source."""
        yield Section("The code that runs", [Code(self.source)])


def explain(
    network: Network, *, compact: bool = False, weighted: bool = False, **training: Unpack[Asked]
) -> Explanation:
    """Explain backpropagation through a network: every equation, numbered, in the names of its parameters.

    Parameters
    ----------
    network : Network
        Of at most 64 parameters, unless `compact`.
    compact : bool
        In matrix notation, one equation for a whole layer: for networks of any size.
    weighted : bool
        Whether rows have weights, as with `sample_weight` of `fastnn.train`.
    **training
        `loss`, `optimizer`, `batch_size`, penalties and `clip`, as in `fastnn.train`. With more than one row,
        a step is that of a batch; of all rows, it takes as many as it is given.

    Returns
    -------
    Explanation
        Shows itself in a notebook. ``text()``, ``latex()``, ``html()`` give the equations,
        ``step(parameters, x, y)`` the numbers of one training step, ``slip(parameters, x, y)`` those of a
        classical slip, ``proof()`` a proof by sympy, ``code()`` the code that runs,
        ``motion(X, y)`` the network training in the browser.

    Raises
    ------
    InputError
        For anything but a network, for one too large to write out, and for no loss, optimizer or batch
        size, or several.

    Examples
    --------
    >>> explanation = explain(Network((1, 1)))
    >>> for line in explanation.lines:
    ...     print(line.number, line.rule)
    1 weighted sum of the inputs, plus the bias
    2 prediction minus target
    3 squared error, added to the epoch's
    4' derivative of the squared error
    5' the weight moves its unit's sum by its input
    6' the bias moves its unit's sum one to one
    4 derivative of the squared error, times minus the learning rate
    5 the unit's delta times the weight's input
    6 the unit's delta
    """
    recipe = Recipe.of(checked_network(network), **training)
    if not flag(compact, "compact"):
        need_written_out(network, recipe.rule)
    return Explanation(network, compact=compact, recipe=recipe, weighted=flag(weighted, "weighted"))


def _row(values: Any, name: str, size: int, what: str) -> NDArray[np.float64]:
    """One row's inputs or targets as (size,)."""
    row = finite_array(values, name, (0, 1) if size == 1 else (1,)).reshape(-1)
    if len(row) != size:
        raise InputError(
            f"{name} must be one row, one number for each of {counted(size, what)}; got "
            f"{counted(len(row), 'number')}. "
            f"Give {size}."
        )
    return row


def _range(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]}..{names[-1]}"


def _formula(line: Line) -> Formula:
    if line.section == GRADIENTS:
        assert isinstance(line.expression, Binary)  # noqa: S101 - a row adds to it
        term = line.expression.right
        product = over_a_batch(term)
        sums = (OverRows(term), *([] if product is None else [product]))
        return Formula(line.number, line.target, sums, "=", line.rule)
    members = (line.expression,) if line.chain is None else (line.chain, line.expression)
    return Formula(line.number, line.target, members, sign_of(line), line.rule)

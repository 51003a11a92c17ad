"""A sweep's design: everything that its results depend on, and the training of any of its networks.

The networks of the grid are cut into chunks. All networks of a chunk have the same learning rate and rows. A
network's result depends only on the design and on its number, not on the chunk, the thread or the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import (
    InputError,
    OneSentenceError,
    flag,
    seed_number,
    shown,
    whole_number,
    whole_numbers,
)
from fastnn.core.network import Network
from fastnn.core.rule import DEFAULT
from fastnn.data.arrays import in_dtype
from fastnn.data.datasets import Dataset
from fastnn.engines import load
from fastnn.sweeping.grid import Cell, Grid, Numbers
from fastnn.training.plan import Plan, learning_rates
from fastnn.training.running import Job, measured, run
from fastnn.training.starts import Start

__all__ = ["Chunk", "Design", "DivergenceError", "Part", "Results", "refuse_divergence"]

Array = NDArray[Any]

MOST_RATES = 1_000_000  # a store's manifest, of at most 64 MiB, names each

# An interruption loses the chunks under way. None should take longer, as far as its engine allows.
CHUNK_SECONDS = 0.5

# The smaller a chunk, the later a look for dead units pays. Measured: 1200 networks x1.16 in chunks of 300,
# x1.03 in one chunk of 1200 (time per network, against 20 000 networks).
FULL_WIDTHS = 20


class DivergenceError(OneSentenceError, ArithmeticError):
    """A network of a sweep diverged, and `on_divergence` asked to stop there."""


@dataclass(frozen=True)
class Chunk:
    """Networks `first`, `first` + 1, ... of a cell; their results begin at `place`."""

    cell: Cell
    first: int
    count: int
    place: int


@dataclass(frozen=True, eq=False)
class Results:
    """The results of the networks `numbers`, in the order of their numbers.

    `parameters` (m, P), `loss` (m,) and `diverged` (m,) are as in `fastnn.Sweep`. `curves` (m, n) holds the
    losses of epochs `every`, 2*`every`, ..., or is None. `measured` holds the design's further losses (m,)
    by name.
    """

    numbers: Numbers
    parameters: Array
    loss: Array
    diverged: NDArray[np.int32]
    curves: Array | None
    every: int
    measured: dict[str, Array]

    def __len__(self) -> int:
        return len(self.loss)

    def only(self, chunk: Chunk) -> Results:
        """The results of one chunk, as views of these arrays."""
        some = slice(chunk.place, chunk.place + chunk.count)
        numbers = Numbers.of(chunk.first, chunk.first + chunk.count)
        curves = None if self.curves is None else self.curves[some]
        measured = {name: losses[some] for name, losses in self.measured.items()}
        arrays = (self.parameters[some], self.loss[some], self.diverged[some], curves)
        return Results(numbers, *arrays, self.every, measured)


@dataclass(frozen=True, eq=False)
class Design:
    """A checked sweep. Two equal designs give the same bits, whatever engine their plans name.

    `validation` holds checked validation rows, (N', D) and (N', K), or is None.
    """

    plan: Plan
    grid: Grid
    initial: Start
    seed: int
    validation: tuple[Array, Array] | None = None

    @classmethod
    def of(
        cls,
        network: Network,
        X: ArrayLike | Dataset,
        y: ArrayLike | None,
        *,
        networks: int,
        initial: Start,
        seed: int,
        learning_rate: Any,
        rows: Any,
        epochs: int,
        engine: str,
        dtype: str,
        shuffle: bool,
        validation: Any = None,
        optimizer: Any = DEFAULT,
    ) -> Design:
        """Check a request."""
        seed = seed_number(seed)
        shuffle_seed = seed if flag(shuffle, "shuffle") else None
        plan = Plan.of(network, X, y, epochs, engine, dtype, shuffle_seed, optimizer)
        rates = np.atleast_1d(learning_rates(learning_rate, plan.dtype))
        rates = _each_once(rates, "learning_rate", MOST_RATES)
        grid = Grid(rates, _row_counts(rows, len(plan.X)), whole_number(networks, "networks", 1))
        _check_start(initial, plan, grid.starts, seed)
        return cls(plan, grid, initial, seed, None if validation is None else plan.validation(validation))

    @property
    def losses(self) -> tuple[str, ...]:
        """The names of every network's losses; the last one ranks the networks.

        "loss" is the loss of the last epoch, over the training rows. If cells have different training rows it
        cannot compare networks; "loss_all_rows", over all rows, can. "validation_loss" is over the validation
        rows.
        """
        return ("loss", *self.measures)

    @cached_property
    def measures(self) -> dict[str, Job]:
        """The jobs that measure the further losses of trained networks, by the names of the losses."""
        rows = {"loss_all_rows": (self.plan.X, self.plan.Y)} if len(self.grid.rows) > 1 else {}
        if self.validation is not None:
            rows["validation_loss"] = self.validation
        return {name: self.plan.measuring(X, Y) for name, (X, Y) in rows.items()}

    @cached_property
    def jobs(self) -> dict[int, Job]:
        """The training job for each number of rows. Compiles the kernels if need be."""
        networks = self.grid.starts * len(self.grid.learning_rates)
        return {rows: self.plan.job(networks, rows) for rows in self.grid.rows}

    def warm(self) -> None:
        """Compile every kernel that training may call, so that no later timing includes compiling."""
        networks = self.grid.starts * len(self.grid.learning_rates)
        for job in self.jobs.values():
            job.warm(networks)

    def chunks(self, numbers: Numbers, workers: int) -> Iterator[Chunk]:
        """Cut networks into chunks: small enough to interrupt and share out, large enough to be fast."""
        total, place = len(numbers), 0
        sizes = load(self.plan.engine_for(total)).call_sizes(self.plan.network, self.plan.dtype)
        for some, cell in self.grid.parts(numbers):
            inside = range(max(cell.first, some.start), min(cell.first + self.grid.starts, some.stop))
            seconds = sizes.seconds * self.plan.network.n_parameters * cell.rows * self.plan.epochs
            fair = max(-(-total // (4 * workers)), min(FULL_WIDTHS * sizes.width, -(-total // workers)))
            size = min(sizes.most, max(1, int(CHUNK_SECONDS / seconds)), fair)
            size = max(size, min(sizes.fewest, -(-total // workers)))
            size = -(-size // sizes.width) * sizes.width
            yield from _alike(cell, inside, size, sizes.width, place)
            place += len(inside)

    def room(self, numbers: Numbers, every: int = 0, curve_dtype: str = "") -> Results:
        """Allocate results. They have curves, a loss for every `every` epochs, unless `every` is 0."""
        shape = (len(numbers), self.plan.epochs // every) if every else None
        return Results(
            numbers=numbers,
            parameters=np.empty((len(numbers), self.plan.network.n_parameters), self.plan.dtype),
            loss=np.empty(len(numbers), self.plan.dtype),
            diverged=np.empty(len(numbers), np.int32),
            curves=None if shape is None else np.empty(shape, curve_dtype or self.plan.dtype),
            every=every,
            measured={name: np.empty(len(numbers), self.plan.dtype) for name in self.measures},
        )

    def train(self, chunk: Chunk, into: Results, pause: Callable[[float], None] | None = None) -> None:
        """Train a chunk and write its results into their places; `pause` is as in `running.run`."""
        room = into.only(chunk)
        start = self.grid.start_of(chunk.first)
        drawn = self.initial.draw(self.plan.network, range(start, start + chunk.count), self.seed)
        state = self.plan.rule.begun(in_dtype(drawn, self.plan.dtype, "initial"))
        settings = self.plan.settings(self.plan.learning_rates(chunk.cell.learning_rate, chunk.count))
        job = self.jobs[chunk.cell.rows]
        curve = self._whole_curve(room)
        room.loss[:], room.diverged[:] = run(job, state, settings, curve=curve, pause=pause)
        room.parameters[:] = parameters = np.ascontiguousarray(state[:, : room.parameters.shape[1]])
        for name, measuring in self.measures.items():
            room.measured[name][:] = measured(measuring, parameters, pause)
        if room.curves is not None and curve is not None and curve is not room.curves:
            with np.errstate(over="ignore"):  # a loss beyond float32 becomes infinite
                room.curves[:] = curve[:, room.every - 1 :: room.every]

    def _whole_curve(self, room: Results) -> Array | None:
        """The array for a chunk's loss of every epoch: the kept curves, if they hold every epoch."""
        kept = room.curves
        if kept is None or (room.every == 1 and kept.dtype == self.plan.dtype):
            return kept
        return np.empty((len(kept), self.plan.epochs), self.plan.dtype)


def _alike(cell: Cell, numbers: range, most: int, width: int, place: int) -> Iterator[Chunk]:
    """Cut networks of a cell into as few chunks as possible, multiples of `width` and of nearly equal size.

    A short last chunk would leave one thread idle. Measured: reference sweep on two threads, at best x1.95
    as fast as on one (one thread had 10 240 of 20 000 networks).
    """
    chunks, widths = -(-len(numbers) // most), -(-len(numbers) // width)
    edges = [numbers[width * (widths * chunk // chunks)] for chunk in range(chunks)]
    for first, stop in pairwise([*edges, numbers.stop]):
        yield Chunk(cell, first, stop - first, place + first - numbers.start)


class Part:
    """Networks in training whose results are kept together."""

    def __init__(self, design: Design, results: Results, workers: int) -> None:
        self.results = results
        self.chunks = list(design.chunks(results.numbers, workers))
        self.finished = np.zeros(len(results), bool)
        self.unfinished = len(self.chunks)


def refuse_divergence(design: Design, results: Results) -> None:
    """Raise if a network diverged."""
    places = np.flatnonzero(results.diverged)
    if len(places):
        number = int(results.numbers.array()[places[0]])
        raise DivergenceError(
            f'on_divergence="raise" requires that no network diverges; network {number} did, in epoch '
            f"{results.diverged[places[0]]} at learning rate {design.grid.learning_rate_of(number):g}. "
            f'Lower the learning rate, or record divergence: on_divergence="record".'
        )


def _row_counts(rows: Any, available: int) -> tuple[int, ...]:
    if rows is None:
        return (available,)
    counts = whole_numbers(rows, "rows", 1, available)
    if not counts:
        raise InputError("rows must name at least one number of rows; got none. Leave it out for all rows.")
    return tuple(_each_once(np.array(counts), "rows", available).tolist())


def _each_once(values: Array, name: str, most: int) -> Array:
    if len(values) > most:
        raise InputError(f"{name} must name at most {most} values; got {len(values)}. Name fewer.")
    if len(np.unique(values)) < len(values):
        raise InputError(
            f"{name} must name each value once; got {shown(values.tolist())}. Drop the repeated ones."
        )
    return values


def _check_start(initial: Any, plan: Plan, starts: int, seed: int) -> None:
    """Refuse a start that does not fit: the first and the last network's parameters are drawn to find out."""
    if not isinstance(initial, Start):
        raise InputError(
            f"initial must be a start such as fastnn.normal(0, 1.5); got {shown(initial)}. "
            "For given parameters use fastnn.given(parameters)."
        )
    in_dtype(initial.draw(plan.network, [0, starts - 1], seed), plan.dtype, "initial")

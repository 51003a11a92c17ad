"""Sweeps: any number of starts, learning rates and data sizes, trained side by side.

The networks of a sweep's grid are cut into blocks that share their rows; threads take blocks until none
is left. A network's result depends on its number alone: neither blocks nor threads show in the results.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event, Lock
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, flag, shown, whole_number, whole_numbers
from fastnn.engines import load
from fastnn.evaluating import in_dtype, within_memory
from fastnn.grid import Cell, Grid
from fastnn.initial import DEFAULT_START, Start
from fastnn.network import Network
from fastnn.planning import Plan, learning_rates
from fastnn.running import Job, run
from fastnn.sweep_results import Sweep

__all__ = ["sweep"]

Array = NDArray[Any]

POLL_SECONDS = 0.1

# What an interruption loses: a block should take no longer, as far as its engine allows.
BLOCK_SECONDS = 0.5


def sweep(
    network: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    networks: int = 10_000,
    initial: Start = DEFAULT_START,
    seed: int = 0,
    learning_rate: float | ArrayLike = 0.005,
    rows: int | ArrayLike | None = None,
    epochs: int = 300,
    engine: str = "auto",
    dtype: str = "float64",
    shuffle: bool = False,
    workers: int | None = None,
    progress: bool | None = None,
    curves: bool = False,
) -> Sweep:
    """Train many networks from different starts, over a grid of learning rates and numbers of rows.

    Parameters
    ----------
    network : Network
    X : array_like (N, D)
        Finite real numbers; left untouched.
    y : array_like (N,) or (N, K)
    networks : int
        How many starts. With lists below, so many in each cell of the full grid.
    initial : Start
        How the networks begin: `normal`, `uniform`, `he`, `glorot`, `constant` or `given`. Start i
        depends on (seed, i) alone and is the same in every cell.
    seed : int
        From 0 to 2**64 - 1.
    learning_rate : float or sequence of them
        Positive.
    rows : int or sequence of them, optional
        Train on the first so many rows; on all without.
    epochs, engine, dtype, shuffle
        As in `fastnn.train`.
    workers : int, optional
        Threads; by default as many as this process may use processors.
    progress : bool, optional
        Show a bar; by default on a terminal only.
    curves : bool
        Keep every network's loss curve, at most 2 GiB of them; without, any curve is a `replay` away.

    Returns
    -------
    Sweep
        The table of results. After Ctrl-C it holds what was finished, and ``interrupted`` is true.

    Raises
    ------
    InputError
        For anything that does not fit, before any work is done.
    """
    seed = whole_number(seed, "seed", 0, 2**64 - 1)
    plan = Plan.of(network, X, y, epochs, engine, dtype, seed if flag(shuffle, "shuffle") else None)
    rates = _each_once(np.atleast_1d(learning_rates(learning_rate, plan.dtype)), "learning_rate")
    grid = Grid(rates, _row_counts(rows, len(plan.X)), whole_number(networks, "networks", 1))
    _check_start(initial, plan, grid.starts, seed)
    workers = available_processors() if workers is None else whole_number(workers, "workers", 1)
    if flag(curves, "curves"):
        remedy = "Sweep fewer networks, or replay those that matter."
        within_memory("loss curves", (grid.total, plan.epochs), rates.itemsize, remedy)
    run_ = _Run(plan, grid, initial, seed, curves)
    blocks = list(_blocks(plan, grid, workers))
    began = perf_counter()
    interrupted = _work(run_, blocks, min(workers, len(blocks)), progress)
    return run_.results(interrupted, perf_counter() - began)


def available_processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class _Block:
    """Networks `first`, `first` + 1, ... of a cell."""

    cell: Cell
    first: int
    count: int


class _Run:
    """A sweep under way: where blocks leave their results."""

    def __init__(self, plan: Plan, grid: Grid, initial: Start, seed: int, curves: bool) -> None:
        self.plan = plan
        self.grid = grid
        self.initial = initial
        self.seed = seed
        in_a_cell_of_each_rate = grid.starts * len(grid.learning_rates)
        self.jobs: dict[int, Job] = {rows: plan.job(in_a_cell_of_each_rate, rows) for rows in grid.rows}
        self.parameters = np.empty((grid.total, plan.network.n_parameters), plan.dtype)
        self.loss = np.empty(grid.total, plan.dtype)
        self.diverged = np.empty(grid.total, np.int32)
        self.curves = np.empty((grid.total, plan.epochs), plan.dtype) if curves else None
        self.finished = np.zeros(grid.total, bool)
        self.stop = Event()
        self.lock = Lock()
        self.trained = 0.0  # networks, those under way in parts

    def train(self, block: _Block) -> None:
        """Train a block and keep its results; raises `_Stopped` between calls if asked to stop."""
        job = self.jobs[block.cell.rows]
        some = slice(block.first, block.first + block.count)
        start = self.grid.start_of(block.first)
        drawn = self.initial.draw(self.plan.network, range(start, start + block.count), self.seed)
        parameters = in_dtype(drawn, self.plan.dtype, "initial")
        steps = self.plan.steps(block.cell.learning_rate, block.count)

        def pause(networks: float) -> None:
            with self.lock:
                self.trained += networks
            if self.stop.is_set():
                raise _Stopped

        curve = None if self.curves is None else self.curves[some]
        self.loss[some], self.diverged[some] = run(job, parameters, steps, curve=curve, pause=pause)
        self.parameters[some] = parameters
        self.finished[some] = True

    def results(self, interrupted: bool, seconds: float) -> Sweep:
        """The table of what is finished."""
        kept: Any = slice(None) if self.finished.all() else self.finished
        return Sweep(
            plan=self.plan,
            grid=self.grid,
            initial=self.initial,
            seed=self.seed,
            numbers=np.flatnonzero(self.finished),
            parameters=self.parameters[kept],
            loss=self.loss[kept],
            diverged=self.diverged[kept],
            curves=None if self.curves is None else self.curves[kept],
            interrupted=interrupted,
            seconds=seconds,
        )


class _Stopped(Exception):  # noqa: N818 - an answer to a request, not an error
    """Raised inside a thread to leave a block that is half-trained."""


def _work(run_: _Run, blocks: list[_Block], workers: int, progress: bool | None) -> bool:
    """Train all blocks on threads; return whether Ctrl-C stopped it."""
    waiting = iter(blocks)

    def take_blocks() -> None:
        try:
            while not run_.stop.is_set():
                with run_.lock:
                    block = next(waiting, None)
                if block is None:
                    return
                run_.train(block)
        except _Stopped:
            return

    with _bar(run_.grid.total, progress) as bar, ThreadPoolExecutor(workers) as pool:
        try:
            unfinished = threads = {pool.submit(take_blocks) for _ in range(workers)}
            while unfinished and not any(thread.done() and thread.exception() for thread in threads):
                _, unfinished = wait(unfinished, POLL_SECONDS, FIRST_EXCEPTION)
                bar.update(int(run_.trained) - bar.n)
        except KeyboardInterrupt:
            return True
        finally:
            run_.stop.set()
        for thread in threads:
            thread.result()
        bar.update(int(run_.finished.sum()) - bar.n)
    return False


def _bar(total: int, progress: bool | None) -> Any:
    from tqdm import tqdm

    disable = None if progress is None else not flag(progress, "progress")
    return tqdm(total=total, unit=" networks", disable=disable, dynamic_ncols=True, mininterval=0.2)


def _blocks(plan: Plan, grid: Grid, workers: int) -> Iterator[_Block]:
    """Cut the cells into blocks: small enough to interrupt and to share out, large enough to be quick."""
    blocks = load(plan.engine_for(grid.total)).blocks(plan.network, plan.dtype)
    for cell in grid.cells():
        seconds = blocks.seconds * plan.network.n_parameters * cell.rows * plan.epochs
        size = min(blocks.most, max(1, int(BLOCK_SECONDS / seconds)), -(-grid.total // (8 * workers)))
        size = max(size, min(blocks.fewest, -(-grid.total // workers)))
        size = -(-size // blocks.width) * blocks.width
        for first in range(0, grid.starts, size):
            yield _Block(cell, cell.first + first, min(size, grid.starts - first))


def _row_counts(rows: Any, available: int) -> tuple[int, ...]:
    if rows is None:
        return (available,)
    counts = whole_numbers(rows, "rows", 1, available)
    if not counts:
        raise InputError("rows must name at least one number of rows; got none. Leave it out for all rows.")
    return tuple(_each_once(np.array(counts), "rows").tolist())


def _each_once(values: Array, name: str) -> Array:
    if len(np.unique(values)) < len(values):
        raise InputError(f"{name} must name each value once; got {values.tolist()}. Drop the repeated ones.")
    return values


def _check_start(initial: Any, plan: Plan, starts: int, seed: int) -> None:
    """Refuse a start that does not fit, by drawing the first and the last one."""
    if not isinstance(initial, Start):
        raise InputError(
            f"initial must be a start such as fastnn.normal(0, 1.5); got {shown(initial)}. "
            "For given parameters use fastnn.given(parameters)."
        )
    in_dtype(initial.draw(plan.network, [0, starts - 1], seed), plan.dtype, "initial")

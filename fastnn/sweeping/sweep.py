"""Sweeps: any number of starts, learning rates and data sizes, trained side by side.

By default threads of this process train the networks, and the results stay in memory. With a store the
results go to a folder, shard by shard; with an executor other processes train. The results are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn.checking import InputError, one_of, shown, whole_number
from fastnn.core.losses import Loss
from fastnn.core.network import Network
from fastnn.core.optimizers import Optimizer
from fastnn.core.rule import WATCHED
from fastnn.core.schedules import Schedule
from fastnn.data.datasets import Dataset
from fastnn.data.magnitudes import warn_of_magnitudes
from fastnn.data.recoding import with_classes
from fastnn.sweeping.accounts import failures
from fastnn.sweeping.cost import cost
from fastnn.sweeping.design import Design, Results, refuse_divergence
from fastnn.sweeping.results import Sweep
from fastnn.sweeping.store import StoreError
from fastnn.sweeping.work.places import Memory, Place, Stored
from fastnn.sweeping.work.shard_queue import ATTEMPTS, Lost
from fastnn.sweeping.work.threads import train_here
from fastnn.system.paths import folder_given
from fastnn.system.processors import available_processors
from fastnn.system.progress import Progress
from fastnn.system.telling import warn
from fastnn.training.plan import Plan
from fastnn.training.starts import DEFAULT_START, Start
from fastnn.training.stopping import Score, Stopping

if TYPE_CHECKING:
    from fastnn.sweeping.work.executing import Crew

__all__ = ["sweep"]

MOST_WORKERS = 1024  # threads


def sweep(
    network: Network | Sequence[Network],
    X: ArrayLike | Dataset,
    y: ArrayLike | None = None,
    *,
    networks: int = 10_000,
    start: ArrayLike | Start = DEFAULT_START,
    seed: int = 0,
    learning_rate: float | ArrayLike | None = None,
    rows: int | ArrayLike | None = None,
    epochs: int = 300,
    engine: str = "auto",
    dtype: str = "float64",
    shuffle: bool | Sequence[bool] = False,
    row_order: ArrayLike | None = None,
    loss: str | Loss | Sequence[str | Loss] | None = None,
    optimizer: str | Optimizer | Sequence[str | Optimizer] = "sgd",
    batch_size: int | Sequence[int] | None = None,
    l2: float | Sequence[float] = 0.0,
    l1: float | Sequence[float] = 0.0,
    decay: float | Sequence[float] = 0.0,
    l2_on: str | Sequence[str] = "mean",
    schedule: str | Schedule | Sequence[str | Schedule] | ArrayLike = "constant",
    clip: float | Sequence[float | None] | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: str | Mapping[Any, float] | None = None,
    weights_within: str = "epoch",
    validation: tuple[ArrayLike, ArrayLike] | Dataset | float | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    watch: str | Score | None = None,
    workers: int | None = None,
    progress: bool | None = None,
    curves: bool | int = False,
    store: str | PathLike[str] | None = None,
    executor: Any = None,
    on_divergence: str = "record",
) -> Sweep:
    """Train many networks from different starts, over a grid of settings: optimizers, learning rates, ...

    Parameters
    ----------
    network : Network, or sequence of them
        Several have the same inputs and outputs. Their tables have the columns of the largest: a network's
        weights and biases come first among those called w and those called b, and the others are NaN.
    X : array_like (N, D), or Dataset
        Finite real numbers; left untouched. With a Dataset, a store also keeps the names of its columns and
        its source.
    y : array_like (N,) or (N, K)
        Not needed with a Dataset.
    networks : int
        The number of starts, in each cell of the full grid.
    start : Start, or array_like (P,) or (M, P)
        The rule for starting parameters: `normal`, `uniform`, `he`, `glorot`, `constant` or `given`. Start i
        depends only on (seed, i) and is the same in every cell of the same network. Numbers stand for
        ``given(numbers)``, for networks of the same layers.
    seed : int
        From 0 to 2**64 - 1.
    learning_rate : float or sequence of them
        Positive. By default the optimizer's, as in `fastnn.train`; optimizers with different ones cannot go
        without.
    rows : int or sequence of them, optional
        The number of rows to train on, from the first row; by default all. With several numbers every trained
        network is also measured on all rows, so that all can be compared. That costs one more epoch over all
        rows; measured: ``rows=[30, 1338]`` x1.01 with 300 epochs, x1.06 with 50.
    epochs, engine, dtype
        As in `fastnn.train`.
    shuffle : bool, or sequence of them
        As in `fastnn.train`; the order of an epoch is the same for all networks that are shuffled.
    row_order : array_like of int (E, N), optional
        As in `fastnn.train`, for one number of rows N; a store keeps it.
    loss : str, Loss, or sequence of them, optional
        As in `fastnn.train`. A setting of a loss may be a sequence of numbers, too.
    optimizer : str, Optimizer, or sequence of them
        As in `fastnn.train`. A setting of an optimizer may be a sequence of numbers, too, such as
        ``["sgd", fastnn.optimizers.Momentum(momentum=[0.5, 0.9])]``, which are three optimizers.
    batch_size : int, or sequence of them
        As in `fastnn.train`, from 1 to N; in cells that are trained on fewer rows a batch is all of them.
    l2, l1, decay : float, or sequence of them
        As in `fastnn.train`.
    l2_on : str, or sequence of them
        As in `fastnn.train`.
    schedule : str, Schedule, or sequence of them; or array_like (E,)
        As in `fastnn.train`. A setting of a schedule may be a sequence of numbers, too. Numbers in its place
        (E,) are the learning rates of every epoch for all networks, without `learning_rate`; a store keeps
        them, and tables have the first.
    clip : float, or sequence of them, optional
        As in `fastnn.train`; None among them is without clipping.
    sample_weight : array_like (N,), optional
        As in `fastnn.train`, for all networks; a store keeps them. In cells that are trained on fewer rows
        the weights are those of these rows, and their mean is that over these rows.
    class_weight : "balanced", or dict of class name to number, optional
        As in `fastnn.train`, for all networks; balanced ones are of the rows that a cell is trained on.
    weights_within : str
        As in `fastnn.train`.
    validation : (X, y), Dataset, or float, optional
        Further rows, scaled as the training rows are, or a fraction of the rows, as in `fastnn.train`. Every
        trained network is measured on them, and networks are ranked by that loss. It costs one more epoch,
        over these rows; with `patience` one after every epoch.
    patience, min_delta, watch
        As in `fastnn.train`: each network stops for itself and ends with its best epoch. The table then has
        its ``best_epoch``, its ``trained_epochs`` and why it ``ended``. A function as `watch` is called by
        several threads, and is neither for a store nor for an executor, which are told a sweep in words.
    workers : int, optional
        The number of threads; by default the number of processors that this process may use. With an
        executor: the number of shards worked on at a time, needed only if the executor does not tell.
    progress : bool, optional
        Show an estimate of the cost, then the progress: on a terminal a bar, elsewhere a line every ten
        seconds. By default on a terminal, and in a notebook after two seconds.
    curves : bool or int
        Keep every network's loss curve: of every epoch (True), or of every n-th (n). In memory they may take
        at most 2 GiB; a store keeps them as float32, in separate files. Without them, `replay` gives a curve.
    store : str or path, optional
        A folder to which finished results are written, and from which they are read; see
        `fastnn.sweeping.store`. If it holds a part of the same sweep, or the same sweep with fewer networks,
        only the missing networks are trained.
    executor : int, Executor, distributed.Client, or a function that makes one, optional
        The workers to use instead of threads: a number of processes on this machine (on Windows at most 61),
        any object with the ``submit`` of `concurrent.futures`, or a Dask cluster. A function allows replacing
        an executor that breaks. Processes given by number do not read the script again, so it needs no guard.

        Workers must have the same version; their answers are compared with what was asked for. If no answer
        comes for long, or ``submit`` does not return, a warning says so and shards are computed here, one at
        a time. Long means at least a minute, and 20 times the time of the longest shard. Answers that still
        come are taken; at the end nobody is waited for.
    on_divergence : str
        "record" that a network diverged, or "raise" a `DivergenceError` at the first one.

    Returns
    -------
    Sweep
        The table of results. After Ctrl-C it holds the finished networks, and ``interrupted`` is true.
        ``failures`` lists the networks that workers could not train in three attempts. Unless interrupted,
        the table and ``failures`` add up to all networks.

    Raises
    ------
    InputError
        If an argument is wrong, or the store is of another sweep. No work has been done then.
    StoreError
        If the store's manifest is damaged, or the disk fails or is full. Finished results are kept.
    DivergenceError
        If a network diverges and `on_divergence` is "raise".
    RuntimeError
        If the executor does not work and no network could be trained. The message says why.

    Warns
    -----
    ScaleWarning
        X or y are far from 1. The Sweep's `notes` say what that did to the results.
    RuntimeWarning
        An executor has not answered for long, or shards could not be computed.
    """
    design = Design.of(
        network,
        X,
        y,
        networks=networks,
        start=start,
        seed=seed,
        learning_rate=learning_rate,
        rows=rows,
        epochs=epochs,
        engine=engine,
        dtype=dtype,
        shuffle=shuffle,
        row_order=row_order,
        sample_weight=sample_weight,
        class_weight=class_weight,
        weights_within=weights_within,
        validation=validation,
        patience=patience,
        min_delta=min_delta,
        watch=watch,
        loss=loss,
        optimizer=optimizer,
        batch_size=batch_size,
        l2=l2,
        l1=l1,
        decay=decay,
        l2_on=l2_on,
        schedule=schedule,
        clip=clip,
    )
    if store is not None or executor is not None:
        _refuse_functions(design.plan.stopping, "a store" if store is not None else "an executor")
    warn_of_magnitudes(design.plan.X, design.plan.Y, design.validation, stacklevel=2)
    every = _curves_every(curves, design.plan.epochs)
    one_of(on_divergence, "on_divergence", ("record", "raise"))
    folder = None if store is None else folder_given(store, "store").absolute()
    threads = available_processors() if workers is None else whole_number(workers, "workers", 1, MOST_WORKERS)
    crew = None
    if executor is not None:
        from fastnn.sweeping.work.executing import Crew

        crew = Crew(executor, None if workers is None else threads)
    refuse = on_divergence == "raise"
    try:
        place: Place = (
            Memory(design, every)
            if folder is None
            else Stored(design, every, folder, refuse, _names_in(X, design.plan))
        )
        check = partial(refuse_divergence, design) if refuse else None
        before = place.done
        with Progress(design.grid.total, place.done, progress) as said:
            interrupted, lost, seconds = _work(place, crew, threads, check, said)
    except StoreError:
        raise
    except OSError as error:
        if store is None:
            raise
        raise StoreError(
            f"{error}: what is finished is in {folder}; run the same command again to go on."
        ) from error
    finally:
        if crew is not None:
            crew.dismiss()
    ran = max(0, place.done - before)
    found = place.sweep(interrupted=interrupted, seconds=seconds, ran=ran)
    failed = failures(place, len(found), lost, interrupted)
    if failed:
        warn(f"shards could not be computed: {'; '.join(failed[:3])}", RuntimeWarning, stacklevel=2)
    return replace(found, failures=failed)


def _work(
    place: Place, crew: Crew | None, threads: int, check: Callable[[Results], None] | None, said: Progress
) -> tuple[bool, Lost, float]:
    """Train the missing networks; return whether Ctrl-C stopped it, the lost shards, and the seconds it took.

    Networks that were finished but have disappeared are trained again. The clock starts when everything is
    compiled and the estimate is shown.
    """
    missing = place.design.grid.total - place.done
    interrupted, began = False, perf_counter()
    lost = Lost()
    try:
        if missing:
            place.design.warm()
            if said.shown:
                by = (crew.width.now, "worker") if crew else (threads, "thread")
                said.say(cost(place.design, missing, *by, *place.cost()))
            said.begin()
            began = perf_counter()
            for _ in range(ATTEMPTS):
                if crew is None:
                    interrupted = train_here(place, threads, check, said)
                else:
                    interrupted, lost = crew.work(place, check, said)
                if interrupted or lost.shards or lost.rest or not place.recount():
                    break
    except KeyboardInterrupt:  # before the work itself began
        interrupted = True
    finally:
        said.reached(place.done)
    return interrupted, lost, perf_counter() - began


def _refuse_functions(stopping: Stopping | None, to_whom: str) -> None:
    """Refuse a function that is watched: nobody else can be told which one it is."""
    if stopping is not None and callable(stopping.watch):
        raise InputError(
            f"watch must be one of {', '.join(WATCHED)} in a sweep with {to_whom}, which is told a sweep in "
            f"words; got {shown(stopping.watch)}. Sweep in memory, with threads, to stop by a function."
        )


def _names_in(data: Any, plan: Plan) -> dict[str, Any] | None:
    """The names that a store keeps: those of a Dataset, and those of classes; None if there are none."""
    found: dict[str, Any] = {}
    data = with_classes(plan.network, data)
    if isinstance(data, Dataset):
        targets = data.scaling.outputs_of(plan.network)
        found = {"inputs": list(data.inputs), "target": list(targets), "source": data.source}
    return found | ({} if plan.named is None else {"classes": list(plan.named)}) or None


def _curves_every(curves: Any, epochs: int) -> int:
    """Return n if the loss of every n-th epoch is kept, 0 if none is."""
    if isinstance(curves, bool | np.bool_):
        return int(curves)
    if isinstance(curves, int | np.integer):
        return whole_number(curves, "curves", 1, epochs)
    raise InputError(
        f"curves must be True, False or a whole number of epochs; got {shown(curves)}. "
        "Give a number such as 10 for the loss of every tenth epoch."
    )

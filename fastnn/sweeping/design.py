"""A sweep's design: everything that its results depend on, and the training of any of its networks.

The networks of the grid are cut into chunks. All networks of a chunk are of the same cell. A network's result
depends only on the design and on its number, not on the chunk, the thread or the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, OneSentenceError, seed_number, shown, whole_number
from fastnn.core.losses import need_targets
from fastnn.core.network import Network
from fastnn.core.penalties import PENALTIES
from fastnn.core.recipe import Recipe, refuse_decay
from fastnn.core.rule import VALIDATION_LOSS
from fastnn.data.arrays import in_dtype
from fastnn.data.datasets import Dataset
from fastnn.data.recoding import with_classes
from fastnn.engines import load
from fastnn.showing.lettering import shape
from fastnn.sweeping.axes import AXES
from fastnn.sweeping.columns import Schema
from fastnn.sweeping.grid import Cell, Grid, Numbers
from fastnn.sweeping.network_axis import Networks
from fastnn.sweeping.settling import settled
from fastnn.sweeping.splitting import Chunk, Stretch, chunks_of, shares_of
from fastnn.training.dividing import divided, is_fraction, left_of
from fastnn.training.jobs import Job
from fastnn.training.measuring import Measuring, measured
from fastnn.training.orders import FILE_ORDER, Order, Shuffled, order_of
from fastnn.training.plan import Plan
from fastnn.training.rates import RATES_GIVEN
from fastnn.training.running import run
from fastnn.training.sharing import Helpers
from fastnn.training.starts import Start, rule_of
from fastnn.training.stopping import stopping_of
from fastnn.training.weights import class_weights_of, weights_of, weights_told

__all__ = ["OF_A_RECIPE", "Design", "DivergenceError", "Part", "Results", "refuse_divergence"]

Array = NDArray[Any]

OF_A_RECIPE = ("loss", "optimizer", "batch_size", *PENALTIES, "l2_on", "clip", "schedule")
"""The axes whose values a recipe has."""


class DivergenceError(OneSentenceError, ArithmeticError):
    """A network of a sweep diverged, and `on_divergence` asked to stop there."""


class Kind(NamedTuple):
    """What networks have in common that the same job trains."""

    network: Network
    recipe: Recipe
    order: Order
    rows: int


@dataclass(frozen=True, eq=False)
class Results:
    """The results of the networks `numbers`, in the order of their numbers.

    `arrays` holds the kept columns of the `Schema` by the names of their arrays: "parameters" (m, P), "loss"
    (m,) and so on, as in `fastnn.Sweep`. Those of epochs hold epochs `every`, 2*`every`, ...
    """

    numbers: Numbers
    arrays: dict[str, Array]
    every: int = 0

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def only(self, chunk: Chunk) -> Results:
        """The results of one chunk, as views of these arrays."""
        some = slice(chunk.place, chunk.place + chunk.count)
        numbers = Numbers.of(chunk.first, chunk.first + chunk.count)
        return Results(numbers, {name: array[some] for name, array in self.arrays.items()}, self.every)


@dataclass(frozen=True, eq=False)
class Design:
    """A checked sweep. Two equal designs give the same bits, whatever engine their plans name.

    `plan` has all rows, and the first network, optimizer and batch size of the grid; `plan_of` is the plan of
    a cell.
    `validation` holds checked validation rows, (N', D) and (N', K), or is None.
    """

    plan: Plan
    grid: Grid
    start: Start
    seed: int
    validation: tuple[Array, Array] | None = None

    @classmethod
    def of(
        cls,
        network: Network | Sequence[Network],
        X: ArrayLike | Dataset,
        y: ArrayLike | None,
        *,
        networks: int,
        start: ArrayLike | Start,
        seed: int,
        epochs: int,
        engine: str,
        dtype: str,
        row_order: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        weights_within: str = "epoch",
        validation: Any = None,
        patience: Any = None,
        min_delta: Any = 0.0,
        watch: Any = None,
        **settings: Any,
    ) -> Design:
        """Check a request; `network` and `settings` are those of `AXES`, each with one value or several."""
        seed = seed_number(seed)
        several = Networks.of(network, dtype, 0).values
        data, left = with_classes(several[0], X), None
        plan = Plan.of(several[0], data, y, epochs, engine, dtype)
        plan = plan if data is X else replace(plan, labels=data.classes)
        stopping = stopping_of(patience, min_delta, watch, validated=validation is not None)
        if is_fraction(validation):
            plan, left = divided(plan, validation, seed, data, {})
        settings, epoch_rates = settled(settings | {"network": several}, several, plan)
        axes = tuple(axis.of(settings[name], plan.dtype, len(plan.X)) for name, axis in AXES.items())
        grid = Grid(axes, whole_number(networks, "networks", 1))
        for optimizer in grid["optimizer"].values:
            refuse_decay(max(grid["decay"].values), optimizer)
        counts = grid["rows"].values
        if row_order is not None:
            _refuse_several(counts)
        order = order_of(any(grid["shuffle"].values), seed, row_order, plan.epochs, counts[0])
        of_classes = class_weights_of(class_weight, plan.Y, plan.named)
        given = left_of(sample_weight, left)
        weights = weights_of(given, weights_within, len(plan.X), counts, of_classes)
        plan = replace(plan, order=order, weights=weights, epoch_rates=epoch_rates)
        for loss, one, count in product(grid["loss"].values, several, counts):
            replace(plan, network=one).need_classes(type(loss), count)
        rule = _rule_of(start, plan.dtype, grid, seed)
        first = Recipe(**{name: grid[name].values[0] for name in OF_A_RECIPE})
        further = plan.further
        if validation is not None and further is None:
            further = plan.validation(validation)
        if further is not None:
            for loss, one in product(grid["loss"].values, several):
                need_targets(type(loss), one.output, further[1], "validation ")
        watched = stopping is not None and (stopping.watch == VALIDATION_LOSS or callable(stopping.watch))
        plan = replace(plan, recipe=first, stopping=stopping, further=further if watched else None)
        return cls(plan, grid, rule, seed, further)

    def schema(self, every: int = 0, curve_dtype: str = "float32") -> Schema:
        """The columns of its results; with `every` above 0 some are of every `every`-th epoch."""
        plan = self.plan
        shape = (self.grid.networks.parameter_names, plan.dtype, plan.epochs)
        return Schema.of(
            *shape,
            rows=self.grid["rows"],
            validation=self.validation,
            stopping=plan.stopping,
            every=every,
            curve_dtype=curve_dtype,
        )

    @property
    def losses(self) -> tuple[str, ...]:
        """The names of every network's losses; the last one ranks the networks.

        "loss" is the loss of the last epoch, or of the best one where networks stop for themselves, over the
        training rows. If cells have different training rows it cannot compare networks; "loss_all_rows", over
        all rows, can. Rows that have weights have them in both. "validation_loss" is over the validation
        rows.
        """
        return self.schema().losses

    @property
    def told(self) -> list[str]:
        """What sentences on the whole sweep tell of its settings."""
        rates = [] if self.plan.epoch_rates is None else [RATES_GIVEN]
        return [*self.grid.told, *rates, *weights_told(self.plan.weights_within)]

    def measures(self, plan: Plan) -> dict[str, Measuring]:
        """The measuring of the further losses of networks trained by a plan, by the losses' names."""
        whole = self.plan.on(len(self.plan.X))
        every = (whole.X, whole.Y, whole.weights)
        rows = {"loss_all_rows": every, "validation_loss": self.validation}
        found = {name: rows[name] for name in self.losses if name in rows}
        return {name: plan.measuring(*some) for name, some in found.items() if some is not None}

    def plan_of(self, cell: Cell) -> Plan:
        """The plan by which the networks of a cell are trained."""
        settings = self.settings_of(cell)
        recipe = Recipe(**{name: settings[name] for name in OF_A_RECIPE})
        unshuffled = isinstance(self.plan.order, Shuffled) and not cell["shuffle"]
        order = FILE_ORDER if unshuffled else self.plan.order
        plan = self.plan.on(settings["rows"])
        return replace(plan, recipe=recipe, network=cell["network"], order=order)

    @staticmethod
    def settings_of(cell: Cell) -> dict[str, Any]:
        """What `fastnn.train` is given for a network of a cell: a batch has no more rows than there are."""
        return dict(cell.settings) | {"batch_size": min(cell["batch_size"], cell["rows"])}

    @cached_property
    def jobs(self) -> dict[Kind, Job]:
        """The training job for each of `kinds`. Compiles the kernels if need be."""
        return {kind: self.plan_of(cell).job(networks) for kind, (cell, networks) in self.kinds.items()}

    def warm(self) -> None:
        """Compile every kernel that has to be waited for, so that no later timing includes compiling."""
        for kind, (_, networks) in self.kinds.items():
            self.jobs[kind].warm(networks)
        for cell in self.grid.first_of("learning_rate").cells():
            for measuring in self.measures(self.plan_of(cell)).values():
                measuring.kernel(self.grid.starts)

    @cached_property
    def kinds(self) -> dict[Kind, tuple[Cell, int]]:
        """For each kind of training: a cell that has it, and how many networks do."""
        found: dict[Kind, tuple[Cell, int]] = {}
        networks = self.grid.starts * len(self.grid["learning_rate"])
        for cell in self.grid.first_of("learning_rate").cells():
            first, count = found.get(self._kind(cell), (cell, 0))
            found[self._kind(cell)] = first, count + networks
        return found

    def _kind(self, cell: Cell) -> Kind:
        plan = self.plan_of(cell)
        return Kind(plan.network, plan.recipe, plan.order, len(plan.X))

    def stretches(self, numbers: Numbers) -> Iterator[Stretch]:
        """Networks cell by cell, with what tells how long they take."""
        total, place = len(numbers), 0
        for some, cell in self.grid.parts(numbers):
            plan = self.plan_of(cell)
            sizes = load(plan.engine_for(total)).call_sizes(plan.network, plan.dtype, plan.rule)
            inside = range(max(cell.first, some.start), min(cell.first + self.grid.starts, some.stop))
            seconds = sizes.seconds * plan.network.n_parameters * cell["rows"] * plan.epochs
            yield Stretch(cell, inside, place, seconds, sizes, plan.stopping is not None)
            place += len(inside)

    def chunks(self, numbers: Numbers) -> list[Chunk]:
        """Cut networks into chunks for one worker."""
        return chunks_of(list(self.stretches(numbers)))

    def room(self, numbers: Numbers, every: int = 0, curve_dtype: str = "") -> Results:
        """Allocate results. They have curves, a loss for every `every` epochs, unless `every` is 0."""
        schema = self.schema(every, curve_dtype or self.plan.dtype)
        return Results(numbers, schema.room(len(numbers)), every)

    def train(
        self,
        chunk: Chunk,
        into: Results,
        pause: Callable[[float], None] | None = None,
        helpers: Helpers | None = None,
    ) -> None:
        """Train a chunk and write its results into their places; the others are as in `running.run`."""
        room = into.only(chunk)
        start = self.grid.start_of(chunk.first)
        plan, job = self.plan_of(chunk.cell), self.jobs[self._kind(chunk.cell)]
        drawn = self.start.draw(plan.network, range(start, start + chunk.count), self.seed)
        state = plan.recipe.begun(in_dtype(drawn, plan.dtype, "start"))
        rates = plan.rates(chunk.cell["learning_rate"], chunk.count)
        kept = room.arrays.get("curves")
        curve = self._whole_curve(room)
        course = run(job, state, rates, curve=curve, pause=pause, helpers=helpers)
        room["loss"][:], room["diverged"][:] = course.losses, course.diverged
        parameters = np.ascontiguousarray(state[:, : plan.network.n_parameters])
        self.grid.networks.put(plan.network, parameters, room["parameters"])
        for name, measuring in self.measures(plan).items():
            known = name == "validation_loss" and plan.further is not None
            room[name][:] = course.further if known else measured(measuring, parameters, pause)
        if plan.stopping is not None:
            room["best_epoch"][:], room["ended"][:] = course.best_epoch, course.ended
            room["trained_epochs"][:] = course.trained
        if kept is not None and curve is not None and curve is not kept:
            with np.errstate(over="ignore"):  # a loss beyond float32 becomes infinite
                kept[:] = curve[:, room.every - 1 :: room.every]

    def _whole_curve(self, room: Results) -> Array | None:
        """The array for a chunk's loss of every epoch: the kept curves, if they hold every epoch."""
        kept = room.arrays.get("curves")
        if kept is None or (room.every == 1 and kept.dtype == self.plan.dtype):
            return kept
        return np.empty((len(kept), self.plan.epochs), self.plan.dtype)


class Part:
    """Networks in training whose results are kept together; each worker has chunks of its own."""

    def __init__(self, design: Design, results: Results, workers: int) -> None:
        self.results = results
        self.waiting = [
            chunks_of(share)[::-1] for share in shares_of(design.stretches(results.numbers), workers)
        ]
        self.finished = np.zeros(len(results), bool)
        self.unfinished = sum(map(len, self.waiting))

    def next_for(self, worker: int) -> Chunk | None:
        """The next chunk for a worker, or, if its own are done, of the worker that has most left."""
        own = self.waiting[worker] if worker < len(self.waiting) else []
        if own:
            return own.pop()
        most = max(self.waiting, key=len)
        return most.pop(0) if most else None


def refuse_divergence(design: Design, results: Results) -> None:
    """Raise if a network diverged."""
    places = np.flatnonzero(results["diverged"])
    if len(places):
        number = int(results.numbers.array()[places[0]])
        raise DivergenceError(
            f'on_divergence="raise" requires that no network diverges; network {number} did, in epoch '
            f"{results['diverged'][places[0]]} at {design.grid.name_of(design.grid.cell_of(number))}. "
            f'Lower the learning rate, or record divergence: on_divergence="record".'
        )


def _refuse_several(counts: Sequence[int]) -> None:
    """Refuse a grid of several numbers of rows, which one order of the rows cannot have."""
    if len(counts) > 1:
        raise InputError(
            f"row_order must go with one number of rows; got rows={shown(list(counts))}. "
            "Sweep over each number of rows with an order of its own."
        )


def _rule_of(given: Any, dtype: str, grid: Grid, seed: int) -> Start:
    """The rule of the starts. The first and the last one are drawn, so that what does not fit is refused."""
    rule = rule_of(given)
    shapes = list(dict.fromkeys(shape(network.layers) for network in grid.networks.values))
    if getattr(rule, "parameters", None) is not None and len(shapes) > 1:
        raise InputError(
            f"start must be a rule such as fastnn.normal(0, 1.5) for networks of different layers; got "
            f"{rule!r} for {' and '.join(shapes[:2])}. Sweep them apart, each from parameters of its own."
        )
    for network in grid.networks.values:
        in_dtype(rule.draw(network, [0, grid.starts - 1], seed), dtype, "start")
    return rule

"""A training as the user asked for it, every argument checked once, ready for an engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, flag, one_of, shown, whole_number
from fastnn.core.loss import Loss
from fastnn.core.losses import need_targets
from fastnn.core.network import Network, checked_network
from fastnn.core.optimizers import Optimizer
from fastnn.core.recipe import DEFAULT, Asked, Recipe, refuse_schedule
from fastnn.core.rule import DTYPES, MOST_EPOCHS, Rule
from fastnn.data.arrays import finite_array
from fastnn.data.classes import Names, classes_of, one_class_each, refuse_unmet
from fastnn.data.datasets import Dataset
from fastnn.data.recoding import with_classes
from fastnn.data.rows import checked_rows, labelled_rows
from fastnn.data.scaling import TableScaling
from fastnn.engines import ENGINES, choose, load
from fastnn.engines.precedence import of_both_kinds
from fastnn.engines.takeover import begun, general_for
from fastnn.showing.lettering import counted
from fastnn.training.jobs import Job
from fastnn.training.measuring import Measuring
from fastnn.training.orders import FILE_ORDER, Order
from fastnn.training.rates import Given, Rates, given_rates
from fastnn.training.reducing import reduced_networks, reduced_sizes
from fastnn.training.stopping import Stopping
from fastnn.training.weights import Weights

__all__ = ["Plan", "code", "learning_rates", "refuse_rate", "warmup"]

MANY = 1 << 20


@dataclass(frozen=True, eq=False)
class Plan:
    """A checked request: the network, its rows, and how they are visited.

    `X` (N, D) and `Y` (N, K) are C-ordered copies in `dtype`, the precision of training. `engine` is a name
    in `ENGINES`, or "auto". `scaling` is that of the Dataset the rows were given as, or None. `weights` are
    those of the rows, None if all count alike. `labels` are the names of the classes that y was given as.
    Of the `epochs` the `first` ones are over. `epoch_rates` (E,), in `dtype`, are the learning rates of every
    epoch, where a sweep was given them.
    """

    network: Network
    X: NDArray[Any]
    Y: NDArray[Any]
    epochs: int
    engine: str
    dtype: str
    order: Order = FILE_ORDER
    recipe: Recipe = DEFAULT
    scaling: TableScaling | None = None
    weights: Weights | None = None
    labels: Names | None = None
    first: int = 0
    epoch_rates: NDArray[Any] | None = None
    seed: int | None = None
    further: tuple[NDArray[Any], NDArray[Any]] | None = None
    stopping: Stopping | None = None

    @classmethod
    def of(
        cls,
        network: Network,
        X: ArrayLike | Dataset,
        y: ArrayLike | None,
        epochs: int,
        engine: str,
        dtype: str,
        schedule: Any = None,
        **training: Any,
    ) -> Plan:
        """Check a request; the rows are visited in file order."""
        checked_network(network)
        engine, dtype = _known(engine, dtype)
        epochs = whole_number(epochs, "epochs", 1, MOST_EPOCHS)
        rows, targets, labels = labelled_rows(network, X, y, dtype)
        scaling = X.scaling if isinstance(X, Dataset) else None
        recipe = Recipe.of(network, rows=len(rows), **training).scheduled(schedule)
        need_targets(type(recipe.loss), network.output, targets)
        plan = cls(network, rows, targets, epochs, engine, dtype, FILE_ORDER, recipe, scaling, labels=labels)
        plan.need_classes(type(recipe.loss))
        return plan

    @property
    def named(self) -> Names | None:
        """The names of the classes, if the data have them."""
        return self.labels if self.scaling is None else self.scaling.classes

    def need_classes(self, loss: type[Loss], rows: int | None = None) -> None:
        """Refuse a class without a row among the first ones, by default all, if there are classes."""
        classes = classes_of(self.network, loss, self.named)
        if classes is None and loss.classifies and one_class_each(self.Y):
            classes = tuple(range(self.network.n_outputs))
        if classes is not None:
            of = "the training rows" if rows in (None, len(self.Y)) else f"the first {counted(rows, 'row')}"
            refuse_unmet(self.Y[:rows], classes, of)

    @property
    def rule(self) -> Rule:
        """How the networks are trained, without the numbers of its settings."""
        return replace(self.recipe.rule, weighted=self.weights is not None)

    @property
    def weights_within(self) -> str | None:
        """Within what the weights of rows count; None if they have none."""
        return None if self.weights is None else self.weights.within

    def at(self, first: int) -> Plan:
        """The plan of as many epochs to come, where another number of them are over."""
        return replace(self, first=first, epochs=self.epochs - self.first + first, order=self.order.at(first))

    def on(self, rows: int) -> Plan:
        """The plan of training on the first rows alone."""
        weights = None if self.weights is None else self.weights.first(rows)
        return replace(self, X=self.X[:rows], Y=self.Y[:rows], weights=weights)

    def job(self, networks: int) -> Job:
        """The job of training M networks. Compiles its kernel."""
        X, Y = self.X, self.Y
        visits = float(networks) * len(X) * (self.epochs - self.first)
        sizes = reduced_sizes(self.network, visits, self.rule)
        job = Job(self.network, self.engine, X, Y, self.epochs, self.order, sizes, self.recipe, self.weights)
        if self.further is not None:
            job = replace(job, validation=self.measuring(*self.further))
        job = replace(job, stopping=self.stopping, visits=visits)
        job.takeover(self.network, networks)
        return job

    def measuring(self, X: NDArray[Any], Y: NDArray[Any], weights: Weights | None = None) -> Measuring:
        """The measuring of the loss of networks on checked rows.

        The weights of rows, if they have any, count within all of them.
        """
        within_all = None if weights is None else replace(weights, within="epoch")
        return Measuring(self.network, self.engine, X, Y, self.recipe.loss, within_all)

    def validation(self, given: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return X and Y of the validation rows, checked in the same way as the training rows."""
        pair = (given, None) if isinstance(given, Dataset) else given
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise InputError(
                f"validation must be a pair (X, y), a Dataset, or a fraction; got {shown(given)}. "
                "Give rows that are not trained on, such as (X[1000:], y[1000:])."
            )
        X, y = with_classes(self.network, pair[0], self.named), pair[1]
        rows = checked_rows(self.network, X, y, self.dtype, "validation ", self.named)
        if isinstance(X, Dataset) and self.scaling is not None and not X.scaling.same_as(self.scaling):
            raise InputError(
                "validation must have the columns and the scaling of the training data; got a Dataset with "
                "columns or a scaling of its own. Give (data.scaling.apply(rows), "
                "data.scaling.y.apply(target)), with rows in their own units."
            )
        need_targets(type(self.recipe.loss), self.network.output, rows[1], "validation ")
        return rows

    def engine_for(self, networks: int) -> str:
        """The name of the engine that trains M networks."""
        return choose(self.engine, self.network, self.dtype, networks, self.rule)

    def rates(self, learning_rate: Any, networks: int) -> Rates:
        """The learning rates of M networks in every epoch: those of all networks, or from one number or M."""
        if self.epoch_rates is not None:
            return Given.of_all(np.broadcast_to(self.epoch_rates, (networks, len(self.epoch_rates))))
        return Rates(self.learning_rates(learning_rate, networks), self.recipe.schedule)

    def given_rates(self, given: Any, learning_rate: Any, networks: int) -> Given:
        """The same, from rates (E,) or (M, E) of every epoch to come; `learning_rate` must be left out."""
        refuse_schedule(given, self.recipe.optimizer)
        epochs = self.epochs - self.first
        return Given.of_all(given_rates(given, learning_rate, networks, epochs, self.dtype))

    def learning_rates(self, learning_rate: Any, networks: int) -> NDArray[Any]:
        """The learning rates of M networks (M,), from one number or M numbers; NaN where there are none."""
        if self.recipe.optimizer.learning_rate is None:
            refuse_rate(learning_rate, self.recipe.optimizer)
            return np.full(networks, np.nan, self.dtype)
        given = self.recipe.optimizer.learning_rate if learning_rate is None else learning_rate
        rates = learning_rates(given, self.dtype)
        if rates.ndim == 1 and len(rates) != networks:
            raise InputError(
                f"learning_rate must be one number or one for each of {counted(networks, 'network')}; "
                f"got {len(rates)}. Give one for each network."
            )
        return np.array(np.broadcast_to(rates, networks))


def refuse_rate(given: Any, optimizer: Optimizer) -> None:
    """Refuse a learning rate for an optimizer that has none."""
    if given is not None:
        raise InputError(
            f"learning_rate must be left out for {optimizer.name}, which has none; got {shown(given)}. "
            f"Leave it out, or set {', '.join(optimizer.settings())} of the optimizer."
        )


def learning_rates(values: Any, dtype: str) -> NDArray[Any]:
    """One learning rate () or several (n,), converted to `dtype`, where each must be positive and finite."""
    rates = finite_array(values, "learning_rate", (0, 1))
    if np.asarray(values).dtype == bool:
        raise InputError(f"learning_rate must be a number; got {shown(values)}. Give a number such as 0.005.")
    with np.errstate(over="ignore", under="ignore"):
        converted = rates.astype(dtype)
        usable = (rates > 0) & (converted > 0) & np.isfinite(2 * converted)
    if not usable.all():
        wrong = float(rates[~usable].flat[0]) if rates.ndim else float(rates)
        raise InputError(
            f"learning_rate must be positive and within the range of {dtype}; got {wrong!r}. "
            "Give a number such as 0.005."
        )
    return converted


def code(
    network: Network,
    engine: str = "auto",
    dtype: str = "float64",
    *,
    weighted: bool = False,
    **training: Unpack[Asked],
) -> str:
    """Return the source code that an engine runs for a network, printed from the network's equations.

    Parameters
    ----------
    network : Network
    engine : str
        One of `fastnn.ENGINES`, or "auto": the engine that trains one network alone.
    dtype : str
        "float64" or "float32".
    weighted : bool
        Whether rows have weights, as with `sample_weight` of `fastnn.train`: the source differs.
    **training
        `loss`, `optimizer`, `batch_size`, penalties and `clip`, as in `fastnn.train`. All sizes of batches
        but 1 have the same source, which is given the size.

    Examples
    --------
    >>> lines = code(Network((2, 2, 1)), "loop").splitlines()
    >>> [line.strip() for line in lines if "z1 =" in line or "h1 =" in line]
    ['z1 = w1*x1 + w2*x2 + b1', 'h1 = 0.0 if z1 <= 0.0 else z1']
    """
    engine, dtype = _known(engine, dtype)
    checked_network(network)
    rule = replace(Recipe.of(network, **training).rule, weighted=flag(weighted, "weighted"))
    return load(choose(engine, network, dtype, 1, rule)).source(network, dtype, rule)


def warmup(
    network: Network,
    engine: str = "auto",
    dtype: str = "float64",
    *,
    weighted: bool = False,
    **training: Unpack[Asked],
) -> None:
    """Compile every kernel that training one or many such networks needs, so that later calls start at once.

    With "auto" the general kernels are among them: networks with the same activations begin with them,
    whatever their sizes, if their own are not compiled. Kernels are kept on disk (``fastnn cache`` tells
    where), so one call per machine is enough.

    Parameters
    ----------
    network : Network
    engine : str
        One of `fastnn.ENGINES`, or "auto".
    dtype : str
        "float64" or "float32".
    weighted : bool
        Whether rows have weights, as with `sample_weight` of `fastnn.train`: the source differs.
    **training
        `loss`, `optimizer`, `batch_size`, penalties and `clip`, as in `fastnn.train`. All sizes of batches
        but 1 have the same source, which is given the size.

    Examples
    --------
    >>> warmup(Network((2, 2, 1)))
    """
    engine, dtype = _known(engine, dtype)
    checked_network(network)
    rule = replace(Recipe.of(network, **training).rule, weighted=flag(weighted, "weighted"))
    begun(choose(engine, network, dtype, 1, rule), network, dtype, rule)
    for description in (network, *reduced_networks(network, rule)):
        begun(choose(engine, description, dtype, MANY, rule), description, dtype, rule)
    for other in of_both_kinds(network) if engine == "auto" else ():
        for own in ("lanes", "units"):
            general_for(own, other, dtype, rule)
        begun("general", other, dtype, rule.measurer)


def _known(engine: str, dtype: str) -> tuple[str, str]:
    """Return the names of an engine, or "auto", and of a precision; refuse others."""
    return one_of(engine, "engine", ("auto", *ENGINES)), one_of(dtype, "dtype", DTYPES)

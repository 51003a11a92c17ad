"""The training of one network, or of several at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import seed_number
from fastnn.core.losses import Loss
from fastnn.core.network import Network
from fastnn.core.optimizers import Optimizer
from fastnn.core.schedules import Schedule
from fastnn.data.arrays import in_dtype
from fastnn.data.datasets import Dataset
from fastnn.data.magnitudes import warn_of_magnitudes
from fastnn.showing.lettering import counted
from fastnn.system.progress import Epochs
from fastnn.system.telling import warn
from fastnn.training.evaluating import within_memory
from fastnn.training.measuring import measured
from fastnn.training.orders import order_of
from fastnn.training.plan import Plan
from fastnn.training.rates import Given, is_of_rates
from fastnn.training.result import Training
from fastnn.training.running import run_kept
from fastnn.training.starts import DEFAULT_START, Start, starting_parameters
from fastnn.training.weights import class_weights_of, weights_of

__all__ = ["train", "trained"]

Array = NDArray[Any]

SECOND_SECONDS = 2.0  # a Ctrl-C within 2 s of the last is meant for the whole program, not for one training
_interrupted = -SECOND_SECONDS


def train(
    network: Network,
    X: ArrayLike | Dataset,
    y: ArrayLike | None = None,
    start: ArrayLike | Start = DEFAULT_START,
    *,
    learning_rate: float | ArrayLike | None = None,
    epochs: int = 300,
    engine: str = "auto",
    dtype: str = "float64",
    shuffle: bool = False,
    row_order: ArrayLike | None = None,
    seed: int = 0,
    loss: str | Loss | None = None,
    optimizer: str | Optimizer = "sgd",
    batch_size: int | None = None,
    schedule: str | Schedule | ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: str | Mapping[Any, float] | None = None,
    weights_within: str = "epoch",
    l2: float = 0.0,
    l1: float = 0.0,
    decay: float = 0.0,
    l2_on: str = "mean",
    clip: float | None = None,
    validation: tuple[ArrayLike, ArrayLike] | Dataset | None = None,
    progress: bool | None = None,
) -> Training:
    """Train one network, or M of them; by gradient descent on the squared error, unless told otherwise.

    Parameters
    ----------
    network : Network
    X : array_like (N, D), or Dataset
        Finite real numbers; left untouched. (N,) is taken for a network of one input. A Dataset stands for
        X and y; the Training then has its `scaling`, and everything else is given by name.
    y : array_like (N,) or (N, K), optional
        Not needed with a Dataset.
    start : array_like (P,) or (M, P), or Start
        The starting parameters, named and ordered as in ``network.parameter_names``, or a rule such as
        ``fastnn.normal(0, 1.5)``, which draws those of network 0 of `seed`.
    learning_rate : float or array_like (M,)
        Positive; one for all, or one for each network. By default the optimizer's: 0.005 for gradient descent
        and its momenta, 0.001 for RMSProp and Adam, 0.01 for Adagrad. iRprop- has none.
    epochs : int
        The number of passes over all rows, at least 1.
    engine : str
        One of `fastnn.ENGINES`, or "auto": the fastest for M networks. All give the same bits.
    dtype : str
        "float64" or "float32": the precision of every operation.
    shuffle : bool
        Visit the rows in a new order in every epoch, drawn from `seed`; else in file order.
    row_order : array_like of int (E, N), optional
        Visit the rows in this order: in epoch e in that of ``row_order[e]``, which has each of 0 .. N-1 once.
        It replays the run of another library. Not with `shuffle`.
    seed : int
        From 0 to 2**64 - 1.
    loss : str or Loss, optional
        "squared" by default: the squared error, summed over the outputs, not halved. "cross_entropy" goes
        with softmax outputs, whose default it is, and one 1 in each row of y for its class; or with sigmoid
        outputs and y from 0 to 1. "poisson" goes with exponential outputs and counts.
    optimizer : str or Optimizer
        "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam" or "irprop-", or an object with
        settings of its own, such as ``fastnn.optimizers.Momentum(momentum=0.5)``.
    batch_size : int, optional
        The rows of a batch, from 1 to N: the parameters move once a batch, by the mean gradient of its rows.
        The last batch of an epoch may be short; the mean is then over the rows it has. By default 1, and all
        rows for iRprop-.
    schedule : str, Schedule, or array_like (E,) or (M, E), optional
        By what the learning rate is multiplied in each epoch: "constant" by default, "step", "exponential",
        "cosine", "inverse_scaling" or "warm_up", or an object with settings of its own, such as
        ``fastnn.schedules.Cosine(horizon=300, warmup=10)``. The horizon of a schedule is its own setting, not
        `epochs`. Numbers are the learning rates themselves, one for each epoch, without `learning_rate`.
    sample_weight : array_like (N,), optional
        How much each row counts, from 0 up; not all 0. What a row loses, and all that it changes, is
        multiplied by its weight divided by the mean weight: with all rows in a batch the loss is
        ``sum(w*loss)/sum(w)``. A row of weight 0 is visited, too, and what it loses has to be finite, but it
        adds nothing to the loss and to the gradient.
    class_weight : "balanced", or dict of class name to number, optional
        How much each class counts, from 0 up: its rows have that weight, times their own if they have one. A
        class that is left out counts 1. "balanced" are N/(K*count), by which all K classes count alike.
    weights_within : str
        "epoch": the mean weight is that of all rows. "batch": that of the rows of the batch, as in
        scikit-learn; the gradient of a batch of zeros is 0.
    l2, l1 : float
        Penalties on the weights, not on biases, from 0: l2/2 times the sum of their squares, and l1 times
        the sum of their absolute values, on the mean loss of a batch. The losses that are told have
        no penalty in them.
    decay : float
        Decoupled decay, from 0: with every update each weight loses ``learning_rate*decay`` of itself.
    l2_on : str
        What l2 is a penalty on: the "mean" of a batch's losses, or their "sum", as in scikit-learn: it is
        then divided by the rows of the batch.
    clip : float, optional
        The largest norm of the gradient of a network, of all its weights and biases, penalties included;
        positive. A longer one is shortened to it before the parameters move.
    validation : (X, y), or Dataset, optional
        Further rows, scaled as the training rows are. The loss on them is measured after every epoch; they
        have no weights.
    progress : bool, optional
        Show, after two seconds, how many epochs are over. By default on a terminal and in a notebook.

    Returns
    -------
    Training
        Ctrl-C ends the training early: the result has the epochs finished so far, ``interrupted`` is true,
        and a `RuntimeWarning` says so. If no epoch was finished, or Ctrl-C stopped another training less than
        two seconds ago, KeyboardInterrupt is raised instead: pressed twice, Ctrl-C ends a loop.

    Raises
    ------
    InputError
        If an argument is wrong; no work has been done then.

    Warns
    -----
    ScaleWarning
        X or y are far from 1. The Training's `notes` say what that did to the result.

    Examples
    --------
    A line through three points, from w1 = b1 = 0:

    >>> run = train(Network((1, 1)), [0, 1, 2], [1, 3, 5], [0, 0], learning_rate=0.125, epochs=200)
    >>> run.parameters.round(6), run.predict([10]).round(6)
    (array([2., 1.]), array([21.]))
    >>> run.status, run.loss_curve.shape
    ('ok', (200,))

    Several networks at once, with a start (M, P):

    >>> both = train(Network((1, 1)), [0, 1, 2], [1, 3, 5], [[0, 0], [1, 1]], epochs=1)
    >>> both.parameters.shape, both.loss
    ((2, 2), array([11.31768003,  1.62696667]))
    """
    seed = seed_number(seed)
    given = schedule if is_of_rates(schedule) else None
    named = schedule if given is None else None
    penalties = {"l2": l2, "l1": l1, "decay": decay, "l2_on": l2_on, "clip": clip}
    training = {"loss": loss, "optimizer": optimizer, "batch_size": batch_size, **penalties}
    plan = Plan.of(network, X, y, epochs, engine, dtype, named, **training)
    of_classes = class_weights_of(class_weight, plan.Y, plan.named)
    weights = weights_of(sample_weight, weights_within, len(plan.X), of_classes=of_classes)
    weights = None if weights is None else weights.first(len(plan.X))
    order = order_of(shuffle, seed, row_order, plan.epochs, len(plan.X))
    plan = replace(plan, order=order, weights=weights)
    begun = in_dtype(starting_parameters(start, plan.network, seed), plan.dtype, "start")
    further = None if validation is None else plan.validation(validation)
    warn_of_magnitudes(plan.X, plan.Y, further, stacklevel=2)
    with Epochs(plan.epochs, progress) as said:
        found = trained(plan, begun, learning_rate, further, reached=said.reached, schedule=given)
    if found.interrupted:
        _pass_on_a_second()
        asked = counted(plan.epochs, "epoch")
        text = f"training was interrupted: this is the result after {found.epochs} of {asked}"
        warn(text, RuntimeWarning, stacklevel=2)
    return found


def _pass_on_a_second() -> None:
    """Raise KeyboardInterrupt if Ctrl-C ended another training less than two seconds before this one."""
    global _interrupted
    before, _interrupted = _interrupted, perf_counter()
    if _interrupted - before < SECOND_SECONDS:
        raise KeyboardInterrupt


def trained(
    plan: Plan,
    start: Array,
    learning_rate: Any,
    validation: Any = None,
    number: Any = None,
    reached: Callable[[int], None] | None = None,
    schedule: Any = None,
) -> Training:
    """Train one network (P,) or several (M, P) by a plan; `train` does the checks and the warnings.

    `schedule` holds the learning rates of every epoch, if they were given.
    """
    single = start.ndim == 1
    state = plan.recipe.begun(np.atleast_2d(start).copy())
    networks = state[:, : plan.network.n_parameters]
    if schedule is None:
        rates = plan.rates(learning_rate, len(networks))
    else:
        rates = plan.given_rates(schedule, learning_rate, len(networks))
    curve = _curve(len(networks), plan)
    validating = None if validation is None else _Validating(plan, validation, networks)
    job = plan.job(len(networks))
    diverged, epochs = run_kept(job, state, rates, curve=curve, after_epoch=validating, reached=reached)
    curve = curve[:, :epochs]

    def given_shape(array: Any) -> Any:
        return array[0] if single else array

    return Training(
        network=plan.network,
        start=start,
        parameters=given_shape(np.ascontiguousarray(networks)),
        loss_curve=given_shape(curve),
        validation_curve=None if validating is None else given_shape(validating.finished(diverged, epochs)),
        diverged=int(diverged[0]) if single else diverged,
        learning_rate=float(rates.base[0]) if single else rates.base,
        given_rates=given_shape(rates.curve(epochs)) if isinstance(rates, Given) else None,
        recipe=plan.recipe,
        weights_within=plan.weights_within,
        epochs=epochs,
        rows=len(plan.X),
        engine=plan.engine_for(len(networks)),
        dtype=plan.dtype,
        number=number,
        scaling=plan.scaling,
        labels=plan.labels,
        trained_on=(plan.X, plan.Y),
        interrupted=epochs < plan.epochs,
    )


def _curve(networks: int, plan: Plan) -> Array:
    shape = (networks, plan.epochs)
    within_memory("loss curves", shape, np.dtype(plan.dtype).itemsize, "Use fastnn.sweep, which keeps none.")
    return np.empty(shape, plan.dtype)


class _Validating:
    """The loss on further rows, measured after every epoch."""

    def __init__(self, plan: Plan, validation: Any, parameters: Array) -> None:
        self.parameters, self.rows = parameters, plan.measuring(*plan.validation(validation))
        self.curve = _curve(len(parameters), plan)

    def __call__(self, epoch: int) -> None:
        self.curve[:, epoch] = measured(self.rows, self.parameters)

    def finished(self, diverged: NDArray[np.int32], epochs: int) -> Array:
        """The curve (M, epochs), NaN from the epoch in which a network diverged."""
        curve = self.curve[:, :epochs]
        curve[(diverged[:, None] > 0) & (np.arange(1, epochs + 1) >= diverged[:, None])] = np.nan
        return curve

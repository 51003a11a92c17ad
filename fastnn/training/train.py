"""The training of one network, or of several at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, seed_number
from fastnn.core.endings import ENDINGS
from fastnn.core.losses import Loss
from fastnn.core.network import Network
from fastnn.core.optimizers import Optimizer
from fastnn.core.recipe import CONSTANT
from fastnn.core.schedules import Schedule
from fastnn.data.datasets import Dataset
from fastnn.data.magnitudes import warn_of_magnitudes
from fastnn.data.recoding import with_classes
from fastnn.showing.lettering import counted
from fastnn.system.progress import Epochs
from fastnn.system.telling import warn
from fastnn.training.beginnings import Begun, New
from fastnn.training.callback import AfterEpoch, Called, checked_callback
from fastnn.training.continuation import Continuation
from fastnn.training.course import Course
from fastnn.training.dividing import divided, is_fraction, left_of
from fastnn.training.evaluating import within_memory
from fastnn.training.joining import joined
from fastnn.training.measuring import measured
from fastnn.training.orders import order_of
from fastnn.training.plan import Plan
from fastnn.training.rates import Given, Rates, is_of_rates
from fastnn.training.result import Training
from fastnn.training.running import run_kept
from fastnn.training.starts import DEFAULT_START, Start
from fastnn.training.stopping import Score, stopping_of
from fastnn.training.weights import class_weights_of, weights_of

__all__ = ["train", "trained"]

Array = NDArray[Any]

SECOND_SECONDS = 2.0  # a Ctrl-C within 2 s of the last is meant for the whole program, not for one training
_interrupted = -SECOND_SECONDS


def train(
    network: Network,
    X: ArrayLike | Dataset,
    y: ArrayLike | None = None,
    start: ArrayLike | Start | Training = DEFAULT_START,
    *,
    learning_rate: float | ArrayLike | None = None,
    epochs: int = 300,
    engine: str = "auto",
    dtype: str | None = None,
    shuffle: bool | None = None,
    row_order: ArrayLike | None = None,
    seed: int | None = None,
    loss: str | Loss | None = None,
    optimizer: str | Optimizer | None = None,
    batch_size: int | None = None,
    schedule: str | Schedule | ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: str | Mapping[Any, float] | None = None,
    weights_within: str | None = None,
    l2: float | None = None,
    l1: float | None = None,
    decay: float | None = None,
    l2_on: str | None = None,
    clip: float | None = None,
    validation: tuple[ArrayLike, ArrayLike] | Dataset | float | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    watch: str | Score | None = None,
    callback: Callable[[AfterEpoch], Any] | None = None,
    progress: bool | None = None,
) -> Training:
    """Train one network, or M of them; by gradient descent on the squared error, unless told otherwise.

    With a Training as its `start` it goes on from where that one ended, and the result is the longer run: the
    same to the bit as if it had been trained at once. What is left out is then as in that run.

    Parameters
    ----------
    network : Network
    X : array_like (N, D), or Dataset
        Finite real numbers; left untouched. (N,) is taken for a network of one input. A Dataset stands for
        X and y; the Training then has its `scaling`, and everything else is given by name.
    y : array_like (N,) or (N, K), optional
        Not needed with a Dataset.
    start : array_like (P,) or (M, P), Start, or Training
        The starting parameters, named and ordered as in ``network.parameter_names``, or a rule such as
        ``fastnn.normal(0, 1.5)``, which draws those of network 0 of `seed`. A Training, also a loaded one, to
        go on from its end. The learning rates, the order of the rows and the rows may then differ from its
        own; the network, the dtype, the loss, the optimizer, the size of batches and the penalties must not.
        Rows are given again, with their weights and validation rows if there were any, and so is `patience`.
        Networks that diverged stay as they are; others go on from their best epoch.
    learning_rate : float or array_like (M,)
        Positive; one for all, or one for each network. By default the optimizer's: 0.005 for gradient descent
        and its momenta, 0.001 for RMSProp and Adam, 0.01 for Adagrad. iRprop- has none.
    epochs : int
        The number of passes over all rows, at least 1. After a Training, of further ones: the arrays
        `row_order` and `schedule` are theirs alone.
    engine : str
        One of `fastnn.ENGINES`, or "auto": the fastest for M networks. All give the same bits.
    dtype : str, optional
        "float64" or "float32": the precision of every operation. By default "float64".
    shuffle : bool, optional
        Visit the rows in a new order in every epoch, drawn from `seed`; else, and by default, in file order.
    row_order : array_like of int (E, N), optional
        Visit the rows in this order: in epoch e in that of ``row_order[e]``, which has each of 0 .. N-1 once.
        It replays the run of another library. Not with `shuffle`.
    seed : int, optional
        From 0 to 2**64 - 1; by default 0.
    loss : str or Loss, optional
        "squared" by default: the squared error, summed over the outputs, not halved. "cross_entropy" goes
        with softmax outputs, whose default it is, and one 1 in each row of y for its class; or with sigmoid
        outputs and y from 0 to 1. "poisson" goes with exponential outputs and counts.
    optimizer : str or Optimizer, optional
        "sgd" by default, "momentum", "nesterov", "rmsprop", "adagrad", "adam" or "irprop-", or an object with
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
        adds nothing to the loss and to the gradient. A Dataset that has weights does not give them by itself:
        ``sample_weight=data.weights``.
    class_weight : "balanced", or dict of class name to number, optional
        How much each class counts, from 0 up: its rows have that weight, times their own if they have one. A
        class that is left out counts 1. "balanced" are N/(K*count), by which all K classes count alike.
    weights_within : str, optional
        "epoch", by default: the mean weight is that of all rows. "batch": that of the rows of the batch, as
        in scikit-learn; the gradient of a batch of zeros is 0.
    l2, l1 : float, optional
        Penalties on the weights, not on biases, from 0, the default: l2/2 times the sum of their squares, and
        l1 times the sum of their absolute values, on the mean loss of a batch. The losses that are told have
        no penalty in them.
    decay : float, optional
        Decoupled decay, from 0, the default: with every update each weight loses ``learning_rate*decay`` of
        itself.
    l2_on : str, optional
        What l2 is a penalty on: the "mean" of a batch's losses, the default, or their "sum", as in
        scikit-learn: it is then divided by the rows of the batch.
    clip : float, optional
        The largest norm of the gradient of a network, of all its weights and biases, penalties included;
        positive. A longer one is shortened to it before the parameters move.
    validation : (X, y), Dataset, or float, optional
        Further rows, scaled as the training rows are. The loss on them is measured after every epoch; they
        have no weights. A fraction, above 0 and below 1: of the rows that many, at least one, are drawn from
        `seed`, of each class its share, and are not trained on; both stay in file order, and a Dataset is
        scaled by the rows that are trained on.
    patience : int, optional
        Each network stops when `watch` has not become better for this number of epochs in a row, from 1. It
        ends with the parameters and the optimizer's state that it had after its best epoch, also where it
        comes to the last epoch, or diverges after a best one.
    min_delta : float
        Better is what is lower than the least so far by more than this, from 0. NaN is never better.
    watch : str or callable, optional
        "validation_loss", the default; "training_loss", that of the epoch, as in `loss_curve`;
        "penalized_loss", which is that and l2 and l1 of the weights after the epoch; or a function of the
        outputs and the targets of one network, each (N,) or (N, K), that returns a number to be minimised. It
        is given the validation rows, or the training rows where there are none.
    callback : callable, optional
        Called after every epoch with what it brought, read-only: `epoch`, `loss`, `validation_loss`,
        `parameters` and `training`, of M networks with an axis M. If it returns True, training stops; if it
        returns M bools, these networks stop. What it raises ends the training without a result.
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
    checked_callback(callback)
    given = schedule if is_of_rates(schedule) else None
    asked: dict[str, Any] = {
        "dtype": dtype,
        "schedule": schedule if given is None else None,
        **{"loss": loss, "optimizer": optimizer, "batch_size": batch_size},
        **{"l2": l2, "l1": l1, "decay": decay, "l2_on": l2_on, "clip": clip},
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    beginning = Continuation(start) if isinstance(start, Training) else New(start)
    asked_for = beginning.asked(network, asked)
    data = with_classes(network, X)
    plan = Plan.of(network, data, y, epochs, engine, **asked_for)
    plan = plan if data is X else replace(plan, labels=data.classes)
    shuffle, seed, row_order = beginning.order(shuffle, seed, row_order)
    seed, left = seed_number(seed), None
    if is_fraction(validation):
        plan, left = divided(plan, validation, seed, data, asked_for)
    plan = beginning.plan(plan, asked)
    epochs = plan.epochs - plan.first
    order = order_of(shuffle, seed, row_order, epochs, len(plan.X), plan.first)
    of_classes = class_weights_of(class_weight, plan.Y, plan.named)
    within = beginning.within(weights_within, sample_weight, class_weight)
    weights = weights_of(left_of(sample_weight, left), within, len(plan.X), of_classes=of_classes)
    weights = None if weights is None else weights.first(len(plan.X))
    stopping = stopping_of(patience, min_delta, watch, validated=validation is not None)
    plan = replace(plan, order=order, weights=weights, seed=seed, stopping=stopping)
    if validation is not None and plan.further is None:
        plan = replace(plan, further=plan.validation(validation))
    begun = beginning.begun(plan, seed)
    rates = beginning.rates_of(begun, plan, learning_rate, given)
    _refuse_apart(begun, callback)
    warn_of_magnitudes(plan.X, plan.Y, plan.further, stacklevel=2)
    with Epochs(epochs * len(begun), progress) as said:
        found = _trained_apart(plan, begun, rates, said, callback)
    if found.interrupted:
        _pass_on_a_second()
        every = counted(plan.epochs, "epoch")
        text = f"training was interrupted: this is the result after {found.epochs} of {every}"
        warn(text, RuntimeWarning, stacklevel=2)
    return found


def _pass_on_a_second() -> None:
    """Raise KeyboardInterrupt if Ctrl-C ended another training less than two seconds before this one."""
    global _interrupted
    before, _interrupted = _interrupted, perf_counter()
    if _interrupted - before < SECOND_SECONDS:
        raise KeyboardInterrupt


def _trained_apart(
    plan: Plan, begun: Sequence[Begun], rates: Sequence[Rates], said: Epochs, callback: Any
) -> Training:
    """Train networks of which different numbers of epochs are over, one number after the other."""
    parts: list[Training] = []
    for some, own in zip(begun, rates, strict=True):
        before = len(parts) * (plan.epochs - plan.first) - some.first
        parts.append(trained(plan.at(some.first), some, own, partial(_reached, said, before), callback))
        if parts[-1].interrupted and len(begun) > 1:
            raise KeyboardInterrupt  # the others have not been trained as far
    networks = sum(len(some.state) for some in begun)
    return joined(parts, [some.places for some in begun], plan.engine_for(networks))


def _reached(said: Epochs, before: int, epochs: int) -> None:
    said.reached(before + epochs)


def _refuse_apart(begun: Sequence[Begun], callback: Any) -> None:
    """Refuse a callback for networks that are not trained together."""
    if callback is not None and len(begun) > 1:
        firsts = ", ".join(str(some.first) for some in begun[:5])
        raise InputError(
            "callback must be left out where networks go on from different epochs, as they are trained one "
            f"after the other; got networks after epochs {firsts}. Go on with one network at a time."
        )


def trained(
    plan: Plan,
    begun: Begun,
    rates: Rates,
    reached: Callable[[int], None] | None = None,
    callback: Callable[[AfterEpoch], Any] | None = None,
) -> Training:
    """Train networks by a plan; `train` does the checks and the warnings."""
    single, state = begun.start.ndim == 1, begun.state
    course = Course(
        state,
        plan.epochs,
        curve=_curve(begun.losses, plan),
        further_curve=_further_curve(plan, begun),
        before=begun.diverged,
        first=plan.first,
    )
    called = None if callback is None else Called(callback, plan.network, single)
    job = plan.job(len(state))
    course = run_kept(job, course, rates, after_epoch=called, reached=reached)

    def given_shape(array: Any) -> Any:
        return array[0] if single else array

    def told(numbers: Array) -> Any:
        return numbers[0].item() if single else numbers

    given = isinstance(rates, Given)
    return Training(
        network=plan.network,
        start=begun.start,
        parameters=given_shape(np.ascontiguousarray(state[:, : plan.network.n_parameters])),
        state=given_shape(course.unmarked),
        loss_curve=given_shape(course.curve),
        last_loss=told(course.last),
        validation_curve=None if course.further_curve is None else given_shape(course.further_curve),
        diverged=told(course.diverged),
        best_epoch=told(course.best_epoch),
        trained_epochs=told(course.trained),
        ended=told(np.array(ENDINGS)[course.ended]),
        learning_rate=told(rates.base),
        given_rates=given_shape(rates.curve(course.epochs)) if given else None,
        recipe=replace(plan.recipe, schedule=CONSTANT) if given else plan.recipe,
        weights_within=plan.weights_within,
        epochs=course.epochs,
        rows=len(plan.X),
        engine=plan.engine_for(len(state)),
        form=job.form,
        dtype=plan.dtype,
        number=begun.number,
        scaling=plan.scaling,
        labels=plan.labels,
        order=plan.order.name,
        seed=plan.seed,
        trained_on=(plan.X, plan.Y),
        interrupted=course.epochs < plan.epochs,
    )


def _curve(over: Array, plan: Plan) -> Array:
    """A curve (M, epochs) that begins with the epochs (M, E) that are over."""
    shape = (len(over), plan.epochs)
    within_memory("loss curves", shape, np.dtype(plan.dtype).itemsize, "Use fastnn.sweep, which keeps none.")
    curve = np.empty(shape, plan.dtype)
    curve[:, : plan.first] = over
    curve[:, plan.first :] = np.nan
    return curve


def _further_curve(plan: Plan, begun: Begun) -> Array | None:
    """A curve of losses on validation rows, NaN for epochs without any; None where no epoch has them."""
    over = begun.validation
    if plan.further is None and over is None:
        return None
    curve = _curve(np.full(begun.losses.shape, np.nan) if over is None else over, plan)
    if plan.further is not None and plan.first:  # what a network goes on from is measured, too
        anew = np.flatnonzero(np.isnan(curve[:, plan.first - 1]) & (begun.diverged == 0))
        if len(anew):
            parameters = begun.state[anew, : plan.network.n_parameters]
            curve[anew, plan.first - 1] = measured(plan.measuring(*plan.further), parameters)
    return curve

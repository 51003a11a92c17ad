"""Training one network, or some, and looking at the result."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, finite_array, flag, shown, whole_number
from fastnn.columns import listed
from fastnn.datasets import Dataset, scaling_of
from fastnn.evaluating import checked_rows, in_dtype, losses, predictions, scores, within_memory
from fastnn.initial import DEFAULT_START, Start
from fastnn.model_files import load_training, save_training
from fastnn.network import Network
from fastnn.planning import Plan
from fastnn.running import run
from fastnn.scaling import TableScaling

__all__ = ["Training", "train"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Training:
    """Trained networks and how they got there.

    For one network the arrays have no leading axis; for M networks it is the first one.

    Attributes
    ----------
    network : Network
    start : (P,) or (M, P)
        The parameters before the first epoch.
    parameters : (P,) or (M, P)
        The parameters after the last epoch; all NaN where the network diverged.
    loss_curve : (E,) or (M, E)
        The loss of every epoch: the mean, over the rows, of the squared error each row met before its
        own update (not halved; summed over the outputs). NaN from the epoch in which it diverged.
    validation_curve : (E,) or (M, E), or None
        The mean squared error over the validation rows after every epoch (summed over the outputs).
    status : str, or (M,) array of str
        "ok", or "diverged": in some epoch the loss was not finite.
    diverged : int, or (M,) int32
        The epoch in which that happened, from 1; 0 for never.
    learning_rate : float, or (M,)
    epochs, rows : int
    engine, dtype : str
        The engine that ran, and the precision it ran in.
    scaling : TableScaling, or None
        The names, scaling and categories of the data, where a model file held them.
    number : int, or (M,) int64 array, or None
        The number of each network in the sweep that it was replayed from; None where there was no sweep.
    """

    network: Network
    start: Array
    parameters: Array
    loss_curve: Array
    validation_curve: Array | None
    diverged: Any
    learning_rate: Any
    epochs: int
    rows: int
    engine: str
    dtype: str
    scaling: TableScaling | None = None
    number: Any = None

    @property
    def status(self) -> Any:
        """Whether each network stayed "ok" or "diverged"."""
        status = np.where(np.asarray(self.diverged) > 0, "diverged", "ok")
        return str(status) if status.ndim == 0 else status

    @property
    def loss(self) -> Any:
        """The loss of the last epoch, for each network."""
        return self.loss_curve[..., -1][()]

    def predict(self, X: Any, scaling: Dataset | TableScaling | None = None) -> Array:
        """The outputs for some rows, computed with the arithmetic of training.

        Parameters
        ----------
        X : array_like (N, D), or Dataset
            Scaled as in training. With a Dataset the predictions come back in the target's own unit.
        scaling : Dataset or TableScaling, optional
            The Dataset of training, or the `scaling` of a loaded model. Then X is new rows in their own
            units, a DataFrame (columns are found by name) or an array, and so are the predictions.

        Returns
        -------
        array (N,), or (N, K) for K > 1 outputs; with a leading axis M for M networks
        """
        remedy = "Predict fewer rows or networks at a time."
        if scaling is not None:
            if isinstance(X, Dataset):
                raise InputError(
                    "X must be rows in their own units where scaling is given; got a Dataset, which is "
                    "scaled. Leave scaling out."
                )
            scaling = scaling_of(scaling, "scaling")
            X = scaling.apply(X)
        found = predictions(self.network, np.atleast_2d(self.parameters), X, remedy)
        found = found if scaling is None else scaling.invert(found)
        return found[0] if self.parameters.ndim == 1 else found

    def score(self, X: Any, y: ArrayLike | None = None) -> dict[str, Any]:
        """Mean squared error, R² and MAPE (a fraction) on some rows; for K outputs the mean over them.

        Parameters
        ----------
        X : array_like (N, D), or Dataset
            With a Dataset alone the scores are in the target's own unit.
        y : array_like (N,) or (N, K), optional
            Not needed with a Dataset.

        Returns
        -------
        dict
            "mse", "r2", "mape": a float each, or (M,) for M networks. See `fastnn.metrics`.
        """
        found = scores(self.network, np.atleast_2d(self.parameters), X, y)
        if self.parameters.ndim == 1:
            return {name: float(value[0]) for name, value in found.items()}
        return dict(found)

    def save(
        self, path: str | PathLike[str], data: Dataset | TableScaling | None = None, *, finite: bool = True
    ) -> None:
        """Write everything in this Training to a file, whole or not at all.

        The file is an uncompressed .npz (any name will do) with one more member, header.json. NumPy reads
        it without fastnn: ``numpy.load(path)["parameters"]``. A file that was there is replaced.

        Parameters
        ----------
        path : str or path
        data : Dataset or TableScaling, optional
            The Dataset of training: its names, scaling and categories (none of its rows) travel with the
            model, so that it can predict new rows in their own units. Without, the `scaling` that the
            model was loaded with, if any.
        finite : bool
            Refuse networks that diverged, whose parameters are NaN.

        Raises
        ------
        InputError
            The folder does not exist, `data` does not fit the network, a network diverged, or the file
            would take more than 2 GiB. Nothing is written.
        OSError
            The disk is full or cannot be written. What was at `path` is untouched.
        """
        scaling = self.scaling if data is None else scaling_of(data, "data")
        save_training(path, {**vars(self), "scaling": scaling}, finite)

    @classmethod
    def load(cls, path: str | PathLike[str], *, finite: bool = True) -> Training:
        """Read what `save` wrote: the same numbers to the bit.

        The file may come from anyone: nothing in it is run, what it claims is compared with its length before
        any memory is taken, and then at most half as much again as the file is long, which is 2 GiB at most.

        Parameters
        ----------
        path : str or path
        finite : bool
            Refuse a file with networks that diverged, whose parameters are NaN.

        Raises
        ------
        ModelFileError
            The file is not fastnn's, damaged in any byte, or holds what training cannot have made.
        InputError
            There is no such file, or it cannot be read.

        Examples
        --------
        >>> run = train(Network((1, 2, 1)), [0, 1], [1, 0], epochs=1, engine="batched")
        >>> run.save("model.npz")  # doctest: +SKIP
        >>> Training.load("model.npz").predict([0.5])  # doctest: +SKIP
        """
        return cls(**load_training(path, finite))

    def __repr__(self) -> str:
        many = "" if self.parameters.ndim == 1 else f"{len(self.parameters)} networks, "
        if self.number is not None:
            named = listed(np.atleast_1d(self.number).tolist(), most=5)
            many = f"{len(self.parameters)} networks ({named}), " if many else f"network {named}, "
        settings = f"{self.epochs} epochs, {self.rows} rows, engine={self.engine!r}, dtype={self.dtype!r}"
        return f"<Training of {self.network!r}: {many}{settings}>"

    def __str__(self) -> str:
        if self.parameters.ndim > 1:
            ok = int((self.status == "ok").sum())
            return f"{self!r}\n{ok} ok, {len(self.parameters) - ok} diverged"
        lines = ["NEW WEIGHTS AND BIASES"]
        for name, value in zip(self.network.parameter_names, self.parameters, strict=True):
            lines.append(f"{name}: {value}")
        if self.status != "ok":
            lines.append(f"diverged in epoch {self.diverged}: its loss was not finite")
        return "\n".join(lines)


def train(
    network: Network,
    X: ArrayLike,
    y: ArrayLike,
    parameters: ArrayLike | Start = DEFAULT_START,
    *,
    learning_rate: float | ArrayLike = 0.005,
    epochs: int = 300,
    engine: str = "auto",
    dtype: str = "float64",
    shuffle: bool = False,
    seed: int = 0,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
) -> Training:
    """Train one network, or M of them, by per-sample gradient descent on the squared error.

    Parameters
    ----------
    network : Network
    X : array_like (N, D)
        Finite real numbers; left untouched. (N,) is taken for a network of one input.
    y : array_like (N,) or (N, K)
    parameters : array_like (P,) or (M, P), or Start
        Where to begin: numbers in the order of ``network.parameter_names``, or a rule such as
        ``fastnn.normal(0, 1.5)``, of which network 0 of `seed` is taken.
    learning_rate : float or array_like (M,)
        Positive; one for all, or one for each network.
    epochs : int
        How often all rows are visited, at least once.
    engine : str
        One of `fastnn.ENGINES`, or "auto": the fastest for so many networks. All give the same bits.
    dtype : str
        "float64" or "float32": the precision of every operation.
    shuffle : bool
        Visit the rows in a new order in every epoch, drawn from `seed`; else in the order given.
    seed : int
        From 0 to 2**64 - 1.
    validation : (X, y), optional
        Further rows, on which the loss is measured after every epoch.

    Returns
    -------
    Training

    Raises
    ------
    InputError
        For anything that does not fit, before any work is done.

    Examples
    --------
    A line through three points, from w1 = b1 = 0:

    >>> run = train(Network((1, 1)), [0, 1, 2], [1, 3, 5], [0, 0], learning_rate=0.125, epochs=200)
    >>> run.parameters.round(6), run.predict([10]).round(6)
    (array([2., 1.]), array([21.]))
    >>> run.status, run.loss_curve.shape
    ('ok', (200,))

    Several networks at once, as rows of parameters:

    >>> both = train(Network((1, 1)), [0, 1, 2], [1, 3, 5], [[0, 0], [1, 1]], epochs=1)
    >>> both.parameters.shape, both.loss
    ((2, 2), array([11.31768003,  1.62696667]))
    """
    seed = whole_number(seed, "seed", 0, 2**64 - 1)
    plan = Plan.of(network, X, y, epochs, engine, dtype, seed if flag(shuffle, "shuffle") else None)
    start = _start(network, parameters, seed, plan.dtype)
    single = start.ndim == 1
    networks = np.atleast_2d(start).copy()
    steps = plan.steps(learning_rate, len(networks))
    curve = _curve(len(networks), plan)
    validating = None if validation is None else _Validating(plan, validation, networks)
    _, diverged = run(plan.job(len(networks)), networks, steps, curve=curve, after_epoch=validating)
    rates = steps / -2

    def given_shape(array: Any) -> Any:
        return array[0] if single else array

    return Training(
        network=network,
        start=start,
        parameters=given_shape(networks),
        loss_curve=given_shape(curve),
        validation_curve=None if validating is None else given_shape(validating.finished(diverged)),
        diverged=int(diverged[0]) if single else diverged,
        learning_rate=float(rates[0]) if single else rates,
        epochs=plan.epochs,
        rows=len(plan.X),
        engine=plan.engine_for(len(networks)),
        dtype=plan.dtype,
    )


def _start(network: Network, parameters: Any, seed: int, dtype: str) -> Array:
    """The starting parameters, (P,) or (M, P), as a new array in `dtype`."""
    if isinstance(parameters, Start):
        return in_dtype(parameters.draw(network, [0], seed)[0], dtype, "parameters")
    if parameters is None or isinstance(parameters, str) or callable(parameters):
        raise InputError(
            f"parameters must be numbers, or a start such as fastnn.he(); got {shown(parameters)}. "
            "Leave it out for fastnn.normal(0, 1.5)."
        )
    values = finite_array(parameters, "parameters", (1, 2))
    if values.shape[-1] != network.n_parameters:
        raise InputError(
            f"parameters must hold {network.n_parameters} numbers per network for {network!r}; "
            f"got shape {values.shape}. Give all weights first, then all biases."
        )
    return in_dtype(values, dtype, "parameters")


def _curve(networks: int, plan: Plan) -> Array:
    shape = (networks, plan.epochs)
    within_memory("loss curves", shape, np.dtype(plan.dtype).itemsize, "Use fastnn.sweep, which keeps none.")
    return np.empty(shape, plan.dtype)


class _Validating:
    """Measures the loss on further rows after every epoch."""

    def __init__(self, plan: Plan, validation: Any, parameters: Array) -> None:
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise InputError(
                f"validation must be a pair (X, y); got {shown(validation)}. "
                "Give rows that are not trained on, such as (X[1000:], y[1000:])."
            )
        self.network = plan.network
        self.parameters = parameters
        X, y = validation
        self.X, self.Y = checked_rows(plan.network, X, y, plan.dtype, "validation ")
        self.curve = _curve(len(parameters), plan)

    def __call__(self, epoch: int) -> None:
        self.curve[:, epoch] = losses(self.network, self.parameters, self.X, self.Y)

    def finished(self, diverged: NDArray[np.int32]) -> Array:
        """The curve, NaN from the epoch in which a network diverged."""
        epochs = np.arange(1, self.curve.shape[1] + 1)
        self.curve[(diverged[:, None] > 0) & (epochs >= diverged[:, None])] = np.nan
        return self.curve

"""The result of training: parameters, loss curves, predictions, scores, and saving to a file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, ModelFileError
from fastnn.data.classes import class_names, label_notes
from fastnn.data.columns import joined
from fastnn.data.datasets import Dataset, scaling_of
from fastnn.data.metrics import note
from fastnn.data.recoding import with_classes
from fastnn.data.rows import checked_inputs
from fastnn.data.scaling import TableScaling
from fastnn.models.model_files import load_training, save_training
from fastnn.showing.cards import shown_or_none
from fastnn.showing.lettering import counted
from fastnn.training.attributes import TrainingAttributes
from fastnn.training.card import training_card, training_scores
from fastnn.training.endings import Quiet, evenly, quiet_networks, training_notes
from fastnn.training.evaluating import predictions
from fastnn.training.scoring import SCORES, score_notes, scores
from fastnn.training.statuses import OK

__all__ = ["Training"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, repr=False)
class Training(TrainingAttributes):
    """Trained networks and their course of training.

    With M networks every array has a leading axis of length M; with one network it has none.

    Attributes
    ----------
    network : Network
    start : (P,) or (M, P)
        The parameters before the first epoch.
    parameters : (P,) or (M, P)
        The parameters after the best epoch; all NaN if the network diverged.
    state : (S,) or (M, S)
        What training goes on from: the parameters, then what the optimizer remembers of each, then what it
        remembers of the network. Where the last update made a parameter overflow, it has the numbers that
        the update came to.
    loss_curve : (E,) or (M, E)
        The loss of every epoch: what each row loses before the update it belongs to, summed over
        the outputs, not halved, averaged over the rows. NaN from the epoch in which the network diverged,
        and after the one in which it stopped.
    last_loss : float, or (M,)
        The loss of the best epoch, also where its last update made a parameter overflow.
    validation_curve : (E,) or (M, E), or None
        The mean loss over the validation rows after every epoch (summed over the outputs); NaN for the epochs
        of a longer run that had none.
    status : str, or (M,) array of str
        "ok", or "diverged": in some epoch the loss was not finite, and there was no best epoch before.
    diverged : int, or (M,) int32
        The epoch in which the network diverged, from 1; 0 for never, and where it ends with an epoch before.
    best_epoch : int, or (M,) int32
        The epoch, from 1, after which the network was what it ends with: where networks stop for themselves,
        its best one, else the last; 0 if it diverged.
    trained_epochs : int, or (M,) int32
        The epochs until the network stopped or diverged, or all.
    ended : str, or (M,) array of str
        Why: "epochs", "diverged", "callback", or what was watched: "validation", "training loss", "penalized
        loss", "score".
    loss, validation_loss : float, or (M,)
        The losses of the best epoch; the second is None without validation rows.
    learning_rate : float, or (M,)
        What the schedule of the recipe multiplies; that of the first epoch, if they were given for each.
    learning_rates : (E,), or (M, E)
        The learning rate of every epoch; NaN where the optimizer has none.
    given_rates : (E,), or (M, E), or None
        The same, if they were given; else they follow from the schedule.
    epochs : int
        All epochs, also those of the run that it went on from.
    rows : int
        The rows trained on, in the last epoch.
    engine, dtype : str
        The engine that trained, and its precision.
    form : str
        In which form its kernels were printed, and those that took over from them; all give the same bits.
        Empty if the Training was loaded.
    scaling : TableScaling, or None
        The names, scaling and categories of the Dataset that it was trained on, or that a model file held.
    number : int, or (M,) int64 array, or None
        The number of each network in its sweep; None if it was not replayed from a sweep.
    order : str
        How the last epochs visited the rows: in the order of the "file", "shuffled", or in a "given" order.
    seed : int, or None
        That of the shuffles and of validation rows that were drawn.
    trained_on : (X, Y), or None
        The training rows, (N, D) and (N, K) in `dtype`; None if the Training was loaded.
    interrupted : bool
        Ctrl-C ended the training early; `epochs` says how many epochs were trained.
    told : tuple of str
        The notes that a model file held.
    labels : tuple of str or int, or None
        The different labels that y was given as, in the order of the outputs; None if it was given otherwise.
    recipe : Recipe
        How it was trained: the loss and the optimizer with their settings, the rows of a batch, the schedule
        of the learning rate.
    optimizer : Optimizer
        That of the recipe.
    batch_size : int
        The rows of a batch.
    weights_within : str, or None
        Within what the weights of rows counted, "epoch" or "batch"; None if all rows counted alike.
    arithmetic : str
        How every bit was computed.
    foreign : str
        How that differs from the arithmetic of this version; empty if it does not. Only a loaded Training can
        differ. Its arrays can then be read, but nothing is computed from them.
    notes : tuple of str
        Sentences on what `status` alone does not tell.
    """

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what "ok" alone does not tell; empty if there is nothing to add.

        They tell of networks that are dead (all units of a hidden layer are shut on every training row), of
        networks that answer all rows with one number, and of losses beyond 1e30 on the way. A loaded Training
        has no rows: it repeats the notes of its file, and tells whether another arithmetic computed it. Of
        many networks on many rows only some are looked at, evenly spaced, and a note says so.
        """
        if self.foreign:
            computed = "computed by another arithmetic than this version's, so it can only be read"
            return (f"{computed}; training it again may give other bits: {self.foreign}", *self._own_notes)
        return self._own_notes

    @cached_property
    def _own_notes(self) -> tuple[str, ...]:
        """The notes on the networks themselves, which a model file keeps."""
        if self.trained_on is None:
            return self.told
        diverged, curve = np.atleast_1d(self.diverged), np.atleast_2d(self.loss_curve)
        some = self._looked_at
        numbers = some if self.number is None else np.atleast_1d(self.number)[some]
        said = training_notes(self.network, curve, diverged, self.quiet, self.classes, numbers)
        return (*label_notes(self.labels), *said)

    @cached_property
    def quiet(self) -> Quiet | None:
        """The dead units and constant answers of the networks; None for a loaded Training: it has no rows."""
        if self.trained_on is None:
            return None
        X, Y = self.trained_on
        parameters = np.atleast_2d(self.parameters)
        classes = None if self.classes is None else len(self.classes)
        return quiet_networks(self.network, parameters[self._looked_at], X, Y, classes)

    @property
    def _looked_at(self) -> NDArray[np.int64]:
        """The places of the networks whose predictions are looked at."""
        return evenly(len(np.atleast_2d(self.parameters)), self.rows)

    def predict(self, X: Any, scaling: Dataset | TableScaling | None = None) -> Array:
        """Return the outputs for some rows, computed by the arithmetic of training.

        Parameters
        ----------
        X : array_like (N, D), or Dataset
            Scaled as in training. With a Dataset the predictions are in the target's own unit.
        scaling : Dataset or TableScaling, optional
            The Dataset of training, or the Training's `scaling`. X then holds new rows in their own
            units, as a DataFrame (columns are found by name) or an array. The predictions are in the target's
            own unit.

        Returns
        -------
        array (N,), or (N, K) for K > 1 outputs; with a leading axis M for M networks

        Raises
        ------
        ModelFileError
            If it was loaded, and trained by another arithmetic than this version's.
        """
        X = with_classes(self.network, X, self.named_classes)
        found = self._outputs(self._scaled(X, scaling))
        by = X if isinstance(X, Dataset) else scaling
        return found if by is None else scaling_of(by, "scaling").invert(found)

    def _scaled(self, X: Any, scaling: Dataset | TableScaling | None) -> Any:
        """Rows as training had them, of a Dataset or in their own units; checked only where they are used."""
        if isinstance(X, Dataset):
            if scaling is not None:
                raise InputError(
                    "X must be rows in their own units if scaling is given; got a Dataset, which is "
                    "scaled. Leave scaling out."
                )
            X = with_classes(self.network, X, self.named_classes)
            return checked_inputs(self.network, X, self.dtype)
        return X if scaling is None else scaling_of(scaling, "scaling").apply(X)

    def _outputs(self, X: Any) -> Array:
        """The outputs for rows as training had them, in the shape that `predict` has."""
        self._refuse_foreign()
        remedy = "Predict fewer rows or networks at a time."
        found = predictions(self.network, np.atleast_2d(self.parameters), X, remedy)
        return found[0] if self.parameters.ndim == 1 else found

    def predict_classes(self, X: Any, scaling: Dataset | TableScaling | None = None) -> Array:
        """Return the classes for some rows, by their names; by 0 .. K-1 if the data had no names.

        It is the class of the largest output, the first of equal ones. One output says the second class from
        0.5 on. A network that diverged names none: it has "" or -1.

        Parameters
        ----------
        X, scaling
            As in `predict`.

        Returns
        -------
        array (N,) of str or int64; with a leading axis M for M networks
            For several sigmoid outputs of data without classes (N, K): 0 or 1 for each.
        """
        if self.classes is None and not self.recipe.loss.classifies:
            raise InputError(
                "predict_classes must be of a network that was trained on classes; got one trained by "
                f"{self.recipe.loss.words} on numbers. Use predict."
            )
        return class_names(self.network, self._outputs(self._scaled(X, scaling)), self.classes)

    def score(self, X: Any, y: ArrayLike | None = None) -> dict[str, Any]:
        """Return the scores on some rows: for numbers the mean squared error, R² and MAPE (a fraction).

        For classes they are the accuracy, the log-loss (if outputs are probabilities) and F1, the mean over
        the classes. All are averaged over K outputs that are numbers, or yeses and noes.

        Parameters
        ----------
        X : array_like (N, D), or Dataset
            With a Dataset alone the scores are in the target's own unit.
        y : array_like (N,) or (N, K), optional
            Not needed with a Dataset. Labels of classes are those of training.

        Returns
        -------
        dict
            "mse", "r2", "mape", or "accuracy", "log_loss", "f1": a float each, or (M,) for M networks. The
            MAPE leaves out rows whose target is 0, and a `MetricNote` says so: see `fastnn.mape`.
        """
        self._refuse_foreign()
        by = self.scores, self.named_classes
        X = with_classes(self.network, X, self.named_classes)
        found = scores(self.network, np.atleast_2d(self.parameters), X, y, *by)
        note(score_notes(self.network, X, y, *by))
        if self.parameters.ndim == 1:
            return {name: float(value[0]) for name, value in found.items()}
        return dict(found)

    def save(
        self, path: str | PathLike[str], data: Dataset | TableScaling | None = None, *, finite: bool = True
    ) -> None:
        """Write everything in this Training to a file, whole or not at all.

        The file is an uncompressed .npz under any name, with one further member, header.json. NumPy reads it
        without fastnn: ``numpy.load(path)["parameters"]``. An existing file is replaced.

        Parameters
        ----------
        path : str or path
        data : Dataset or TableScaling, optional
            The Dataset of training. Its names, scaling and categories, but none of its rows, are stored with
            the model, so that it can predict new rows in their own units. By default `scaling` is stored, if
            there is one.
        finite : bool
            Refuse networks that diverged; their parameters are NaN.

        Raises
        ------
        InputError
            If the folder does not exist, `data` does not fit the network, a network diverged, or the file
            would take more than 2 GiB. Nothing is written.
        OSError
            If the disk is full or cannot be written. A file already at `path` is untouched.
        """
        scaling = self.scaling if data is None else scaling_of(data, "data")
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        save_training(path, {**found, "scaling": scaling}, finite, lambda: self._own_notes)

    @classmethod
    def load(cls, path: str | PathLike[str], *, finite: bool = True) -> Training:
        """Read a file that `save` wrote: the same numbers to the bit.

        If another arithmetic than this version's computed it, it can only be read; `foreign` tells.

        The file may come from anyone. Nothing in it is run. Its claims are compared with its length before
        memory is taken; the memory taken is at most 1.5 times that length, which is at most 2 GiB.

        Parameters
        ----------
        path : str or path
        finite : bool
            Refuse a file with networks that diverged; their parameters are NaN.

        Raises
        ------
        ModelFileError
            If the file is not fastnn's, has a damaged byte, or holds results that no training can give.
        InputError
            If there is no such file, or it cannot be read.

        Examples
        --------
        >>> import fastnn
        >>> run = fastnn.train(fastnn.Network((1, 2, 1)), [0, 1], [1, 0], epochs=1, engine="batched")
        >>> run.save("model.npz")  # doctest: +SKIP
        >>> Training.load("model.npz").predict([0.5])  # doctest: +SKIP
        """
        return cls(**load_training(path, finite))

    def _refuse_foreign(self) -> None:
        if self.foreign:
            raise ModelFileError(
                f"a model must be used with the arithmetic that trained it; {self.foreign}. "
                "Read its arrays here, or predict with the version of fastnn that wrote the file."
            )

    def __repr__(self) -> str:
        but = f", but {'; '.join(self.notes)}" if self.notes else ""
        return f"<{self._named}: {self.fate}{but}>"

    def __str__(self) -> str:
        told = training_scores(self) if self.parameters.ndim == 1 and "accuracy" in self.scores else {}
        scored = [f"{SCORES[name]} {value:.4f}" for name, value in told.items()]
        return "\n".join([*self.lines, *([f"{', '.join(scored)}, on the rows trained on"] if scored else [])])

    @property
    def lines(self) -> list[str]:
        """The lines of its text, but for those of its scores."""
        if self.parameters.ndim > 1:
            return [f"<{self._named}>", self.fate, *self.notes]
        lines = ["NEW WEIGHTS AND BIASES"]
        for name, value in zip(self.network.parameter_names, self.parameters, strict=True):
            lines.append(f"{name}: {value}")
        if self.status != OK:
            lines.append(f"{self.fate}: its loss was not finite")
        return [*lines, *self.notes]

    def _repr_html_(self) -> str | None:
        return shown_or_none(lambda: training_card(self))

    @property
    def _named(self) -> str:
        many = "" if self.parameters.ndim == 1 else f"{counted(len(self.parameters), 'network')}, "
        if self.number is not None:
            named = joined(np.atleast_1d(self.number).tolist(), most=5)
            many = f"{counted(len(self.parameters), 'network')} ({named}), " if many else f"network {named}, "
        settings = f"{counted(self.epochs, 'epoch')}, {counted(self.rows, 'row')}{self.told_after}"
        settings += f", engine={self.engine!r}, dtype={self.dtype!r}"
        return f"Training of {self.network!r}: {many}{settings}"

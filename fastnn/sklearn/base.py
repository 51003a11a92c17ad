"""What the regressor and the classifier have in common: from checked rows to fitted attributes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, _fit_context
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastnn.core.network import Network
from fastnn.sklearn.lbfgs import minimized
from fastnn.sklearn.losses import told_as
from fastnn.sklearn.parameters import CONSTRAINTS, STOCHASTIC
from fastnn.sklearn.rules import Rows, Training, network_of, training_of
from fastnn.sklearn.stochastic import Epochs, Kept
from fastnn.training.evaluating import outputs

__all__ = ["BaseMLP"]

Array = NDArray[Any]


class BaseMLP(BaseEstimator):
    """A network as an estimator. Not to be used itself."""

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    coefs_: list[Array]
    intercepts_: list[Array]
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None

    def _keep(self, given: dict[str, Any]) -> None:
        """Keep the parameters as they were given, by their names."""
        for name in self._get_param_names():
            setattr(self, name, given[name])

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X and targets y.

        Parameters
        ----------
        X : array_like or sparse matrix (N, D)
        y : array_like (N,) or (N, K)
        sample_weight : array_like (N,), optional
            How much each row counts, within its batch.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, incremental=False)

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> Self:
        hidden = self._hidden()
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, y = self._validated(X, y, incremental=incremental, reset=first)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
        X = X.toarray() if hasattr(X, "toarray") else X
        Y = y.reshape(len(y), -1)
        self.n_outputs_ = Y.shape[1]
        self._random_state = check_random_state(self.random_state)
        layers = [X.shape[1], *hidden, self.n_outputs_]
        if first:
            self._begin(layers, X.dtype)
        network = network_of(layers, self.activation, self.out_activation_)
        if self.solver in STOCHASTIC:
            self._train(network, X, Y, sample_weight, incremental=incremental)
        else:
            rows, training = self._rows_and_training(X, Y, sample_weight)
            training = replace(training, told=replace(training.told, share=training.told.ratio))
            found = minimized(self, network, training, rows, self._parameters(network)[0])
            self._write(network, found.astype(X.dtype))
        if not all(np.isfinite(each).all() for each in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and "
                "need to be preprocessed."
            )
        return self

    def _hidden(self) -> list[int]:
        given = self.hidden_layer_sizes
        hidden = list(given) if hasattr(given, "__iter__") else [given]
        if any(np.asarray(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return [int(size) for size in hidden]

    def _begin(self, layers: list[int], dtype: Any) -> None:
        """Draw the first weights, as Glorot and Bengio have them, and forget what was trained before."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(layers)
        self.out_activation_ = self._output()
        self.coefs_, self.intercepts_ = [], []
        factor = 2.0 if self.activation == "logistic" else 6.0
        for inputs, units in pairwise(layers):
            bound = np.sqrt(factor / (inputs + units))
            for shape, drawn in (((inputs, units), self.coefs_), ((units,), self.intercepts_)):
                drawn.append(self._random_state.uniform(-bound, bound, shape).astype(dtype, copy=False))
        if self.solver not in STOCHASTIC:
            return
        self.loss_curve_ = []
        self._no_improvement_count = 0
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_ = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None
        self._best = self.coefs_, self.intercepts_

    def _train(
        self, network: Network, X: Array, Y: Array, weights: Array | None, *, incremental: bool
    ) -> None:
        score = None
        if self.early_stopping:
            X, Y, weights, score = self._divided(network, X, Y, weights)
        rows, training = self._rows_and_training(X, Y, weights)
        state = training.begun(self._parameters(network))
        P = network.n_parameters
        kept = getattr(self, "_optimizer", None) if incremental else None
        if kept is None or kept.state.shape[1] != state.shape[1] - P:
            kept = Kept(state[:, P:], float(self.learning_rate_init))
        running = Kept(np.concatenate([state[:, :P], kept.state.astype(state.dtype)], axis=1), kept.rate)
        epochs = Epochs(self, network, training, rows, running, score)
        try:
            epochs.run(self.max_iter, once=incremental)
        finally:
            self._write(network, running.state[0, :P])
            self._optimizer = Kept(running.state[:, P:].copy(), running.rate)
            if self.early_stopping:
                if epochs.best is not None:
                    self._write(network, epochs.best)
                    self._best = self.coefs_, self.intercepts_
                self.coefs_, self.intercepts_ = self._best

    def _rows_and_training(self, X: Array, Y: Array, weights: Array | None) -> tuple[Rows, Training]:
        X, Y = (np.require(each, X.dtype, ["C", "A", "W"]) for each in (X, Y))
        weights = None if weights is None else weights.astype(np.float64)
        told = told_as(self._loss(), Y)
        return Rows(X, Y, weights), training_of(self, told, weighted=weights is not None)

    def _divided(self, network: Network, X: Array, Y: Array, weights: Array | None) -> Any:
        """The rows to train on, and what scores on the others."""
        arrays = [X, Y] if weights is None else [X, Y, weights]
        parts = train_test_split(
            *arrays,
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=Y if self._stratifies() else None,
        )
        further, Y_further, *rest = parts[1::2]
        if len(further) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        weights_further = rest[0] if rest else None
        P = network.n_parameters

        def score(states: Array) -> list[float]:
            found = outputs(network, np.ascontiguousarray(states[:, :P]), further)
            return [self._scored(each, Y_further, weights_further) for each in found]

        return *parts[:4:2], parts[4] if rest else None, score

    def _parameters(self, network: Network) -> Array:
        """The parameters (1, P), from the attributes."""
        pairs = [(np.transpose(W), np.ravel(b)) for W, b in zip(self.coefs_, self.intercepts_, strict=True)]
        return np.ascontiguousarray(network.join(pairs)[None])

    def _write(self, network: Network, parameters: Array) -> None:
        """Set the attributes, from parameters (P,)."""
        pairs = network.split(parameters)
        self.coefs_ = [np.ascontiguousarray(W.T) for W, _ in pairs]
        self.intercepts_ = [b.copy() for _, b in pairs]

    def _outputs(self, X: Any) -> Array:
        """The outputs (N, K) for rows that are checked here."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        X = X.toarray() if hasattr(X, "toarray") else X
        layers = [len(self.coefs_[0]), *(np.shape(W)[1] for W in self.coefs_)]
        network = network_of(layers, self.activation, self.out_activation_)
        dtype = self.coefs_[0].dtype
        rows = np.ascontiguousarray(X, dtype)
        return np.asarray(outputs(network, self._parameters(network), rows)[0])

    @abstractmethod
    def _validated(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """Rows and targets as they are checked; targets (N,) or (N, K)."""

    @abstractmethod
    def _output(self) -> str:
        """The name of the activation of the outputs."""

    @abstractmethod
    def _loss(self) -> Any:
        """The name of the loss."""

    @abstractmethod
    def _stratifies(self) -> bool:
        """Whether each class has its share of the validation rows."""

    @abstractmethod
    def _scored(self, found: Array, Y: Array, weights: Array | None) -> float:
        """The score of outputs (N, K) for targets (N, K)."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

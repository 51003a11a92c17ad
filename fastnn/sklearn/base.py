"""What the regressor and the classifier have in common: from checked rows to fitted attributes."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from contextvars import ContextVar
from copy import deepcopy
from functools import cache
from itertools import pairwise
from math import sqrt
from typing import Any, ClassVar, Self

import numpy as np
from joblib import hash as hash_of
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastnn.core.network import Network
from fastnn.sklearn.checks import are_finite, are_plain, checked, validate
from fastnn.sklearn.drawing import give_back, random_of
from fastnn.sklearn.fitting import Fitting, train
from fastnn.sklearn.parameters import CONSTRAINTS, STOCHASTIC
from fastnn.sklearn.rules import network_of
from fastnn.training.evaluating import outputs

__all__ = ["READY", "BaseMLP"]

Array = NDArray[Any]
READY: ContextVar[Iterator[Fitting | None] | None] = ContextVar("READY", default=None)
"""What has been trained for the next calls of `fit`, in their order."""

CALLER = 4  # how many calls above somebody called `fit`


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

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        names: list[str] = super()._get_param_names()
        return names

    def _validate_params(self) -> None:
        validate(self)

    @checked
    def fit(self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None) -> Self:
        """Train on rows X and targets y.

        Parameters
        ----------
        X : array_like or sparse matrix (N, D)
        y : array_like (N,) or (N, K)
        sample_weight : array_like (N,), optional
            How much each row counts, within its batch.
        X_val, y_val : optional
            Rows and targets for validation, as with `early_stopping`, which would set some of X apart.

        Returns
        -------
        self
        """
        return self._fit(X, y, sample_weight, (X_val, y_val), incremental=False)

    def _check_solver(self) -> bool:
        if self.solver not in STOCHASTIC:
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    def _fit(
        self, X: Any, y: Any, weights: Any, further: tuple[Any, Any] = (None, None), *, incremental: bool
    ) -> Self:
        fitting = self._ready()
        if fitting is None:
            fitting = self._prepared(X, y, weights, further, incremental=incremental)
            train([fitting]) if self.solver in STOCHASTIC else fitting.minimize()
            if type(self.random_state) is int:
                give_back(self.__dict__.pop("_random_state"))
        if fitting.unfinished and not incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                "hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=CALLER,
            )
        if not fitting.finite and not are_finite(_flat(self.coefs_, self.intercepts_)):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and "
                "need to be preprocessed."
            )
        return self

    def _ready(self) -> Fitting | None:
        """What a search has trained already for this very call, taken over; None if it has not."""
        ready = READY.get()
        fitting = None if ready is None else next(ready, None)
        if fitting is None or hash_of(fitting.estimator.get_params()) != hash_of(self.get_params()):
            return None
        self.__dict__.update(fitting.estimator.__dict__)
        return fitting

    def _prepared(
        self, X: Any, y: Any, weights: Any, further: tuple[Any, Any], *, incremental: bool
    ) -> Fitting:
        """Check everything, draw the first weights, and set the validation rows apart."""
        hidden = self._hidden()
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        X, y, Y = self._validated(X, y, incremental=incremental, reset=first)
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.n_starts > 1 and (incremental or self.callback is not None):
            what = "partial_fit" if incremental else "callback"
            raise ValueError(f"{what} is of one network; got n_starts={self.n_starts}. Set n_starts=1.")
        if weights is not None:
            weights = _check_sample_weight(weights, X)
        weights = self._weighted(weights, y)
        X = X.toarray() if hasattr(X, "toarray") else X
        if (further[0] is None) != (further[1] is None):
            raise ValueError("X_val and y_val must be given together; got one of them. Give both, or none.")
        if further[0] is not None:
            further = self._validated_further(*further)
        self.n_outputs_ = Y.shape[1]
        self._random_state = random_of(self.random_state)
        layers = [X.shape[1], *hidden, self.n_outputs_]
        scored = self.early_stopping or further[0] is not None
        drawn = self._begin(layers, X.dtype, scored=scored) if first else []
        network = self._network(layers)
        starts = [_flat([W.T for W in coefs], intercepts) for coefs, intercepts in drawn]
        if not first:
            starts = [self._joined(network, self.coefs_, self.intercepts_).astype(X.dtype, copy=False)]
        fitting = Fitting(self, network, starts, incremental=incremental)
        fitting.take_rows(X, Y, weights, further)
        return fitting

    def _validated_further(self, X: Any, y: Any) -> tuple[Array, Array]:
        X, _, Y = self._validated(X, y, incremental=True, reset=False)
        return X.toarray() if hasattr(X, "toarray") else X, Y

    def _hidden(self) -> list[int]:
        given = self.hidden_layer_sizes
        hidden = list(given) if hasattr(given, "__iter__") else [given]
        if min(hidden, default=1) <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return [int(size) for size in hidden]

    def _begin(self, layers: list[int], dtype: Any, *, scored: bool) -> list[tuple[list[Array], list[Array]]]:
        """Draw the first weights, as Glorot and Bengio have them, and forget what was trained before."""
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(layers)
        self.out_activation_ = self._output()
        factor = 2.0 if self.activation == "logistic" else 6.0
        starts: list[tuple[list[Array], list[Array]]] = []
        # Further starts have numbers of their own: the first one's are followed by those of the orders.
        random = self._random_state
        others = deepcopy(random) if self.n_starts > 1 else random
        for _ in range(self.n_starts):
            starts.append(([], []))
            for inputs, units in pairwise(layers):
                bound = sqrt(factor / (inputs + units))
                drawn = random.uniform(-bound, bound, (inputs + 1, units)).astype(dtype, copy=False)
                starts[-1][0].append(drawn[:-1])
                starts[-1][1].append(drawn[-1])
            if len(starts) == 1 and self.n_starts > 1:
                random = np.random.RandomState(others.randint(1 << 31, size=8))
        self.coefs_, self.intercepts_ = starts[0]
        if self.solver in STOCHASTIC:
            self.loss_curve_ = []
            self._no_improvement_count = 0
            self.best_loss_ = None if scored else np.inf
            self.validation_scores_ = [] if scored else None
            self.best_validation_score_ = -np.inf if scored else None
        self._kept = self.coefs_, self.intercepts_
        self._ensemble: Array | None = None
        return starts

    def _network(self, layers: list[int]) -> Network:
        activation = self.activation if isinstance(self.activation, str) else tuple(self.activation)
        return network_of(tuple(layers), activation, self.out_activation_)

    def _joined(self, network: Network, coefs: list[Any], intercepts: list[Any]) -> Array:
        """The parameters (P,), of weights and biases as the attributes have them."""
        pairs = [(np.transpose(W), np.ravel(b)) for W, b in zip(coefs, intercepts, strict=True)]
        return network.join(pairs)

    def _write(self, network: Network, parameters: Array) -> None:
        """Set the attributes, from parameters (P,)."""
        self.coefs_, self.intercepts_ = [], []
        layers = pairwise(network.layers)
        for (weights, biases), (inputs, units) in zip(network.slices, layers, strict=True):
            self.coefs_.append(parameters[weights].reshape(units, inputs).T.copy())
            self.intercepts_.append(parameters[biases].copy())

    def _outputs(self, X: Any) -> Array:
        """The outputs (N, K) for rows that are checked here; of several networks their mean."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=["csr", "csc"], reset=False)
        X = X.toarray() if hasattr(X, "toarray") else X
        layers = [len(self.coefs_[0]), *(np.shape(W)[1] for W in self.coefs_)]
        network = self._network(layers)
        parameters = self._joined(network, self.coefs_, self.intercepts_)[None]
        if getattr(self, "_ensemble", None) is not None:
            parameters = np.asarray(self._ensemble)
        found = outputs(network, np.ascontiguousarray(parameters), np.ascontiguousarray(X, parameters.dtype))
        return found[0] if len(found) == 1 else np.asarray(found.mean(axis=0))

    def _arrays(self, X: Any, y: Any, kinds: str, *, reset: bool, **more: Any) -> tuple[Any, Array]:
        """Rows and targets as scikit-learn checks them, at a glance if targets are of one of some kinds."""
        if reset and are_plain(X, y, kinds):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)
            return X, y
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            dtype=(np.float64, np.float32),
            reset=reset,
            **more,
        )
        return X, y

    def _weighted(self, weights: Array | None, y: Array) -> Array | None:
        """The weights of rows with those of their classes."""
        return weights

    @abstractmethod
    def _validated(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Any, Array, Array]:
        """Rows, targets as they are checked, and those of the network (N, K)."""

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


def _flat(coefs: list[Array], intercepts: list[Array]) -> Array:
    """The numbers of all arrays, one array after another."""
    return np.concatenate([*coefs, *intercepts], axis=None)

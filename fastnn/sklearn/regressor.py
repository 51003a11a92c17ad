"""The regressor: numbers as targets."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from fastnn.core.losses import LOSSES, Loss
from fastnn.sklearn.base import BaseMLP
from fastnn.sklearn.parameters import ATTRIBUTES, CONSTRAINTS, PARAMETERS

__all__ = ["MLPRegressor"]

Array = NDArray[Any]


class MLPRegressor(RegressorMixin, BaseMLP):
    __doc__ = f"""A network that predicts numbers: scikit-learn's MLPRegressor, trained by fastnn.

    Parameters
    ----------
    loss : str, or Loss
        "squared_error" or "poisson", which has outputs exp(z) and targets from 0; or any loss of fastnn's for
        numbers, such as "huber" or ``fastnn.losses.Quantile(tau=0.9)``.{PARAMETERS}

    Attributes
    ----------{ATTRIBUTES}

    Examples
    --------
    >>> from fastnn.sklearn import MLPRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
    >>> model = MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", random_state=1).fit(X, y)
    >>> model.predict([[1.5]]).round(1)
    array([1.5])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [StrOptions({"squared_error", "poisson", *LOSSES} - {"cross_entropy"}), Loss],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        n_starts: int = 1,
        average: str = "best",
        n_jobs: int | None = None,
        callback: Any = None,
    ) -> None:
        self._keep(locals())

    @available_if(lambda self: self._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one more epoch on rows X (N, D) and targets y (N,) or (N, K)."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Predict the targets of rows X (N, D): (N,), or (N, K) for K > 1 outputs."""
        found = self._outputs(X)
        return found[:, 0] if found.shape[1] == 1 else found

    def _validated(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Any, Array, Array]:
        X, y = self._arrays(X, y, "biuf", reset=reset, y_numeric=True)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        return X, y, y.reshape(len(y), -1)

    def _output(self) -> str:
        return "exp" if self._loss() == "poisson" else "identity"

    def _loss(self) -> Any:
        return self.loss

    def _stratifies(self) -> bool:
        return False

    def _scored(self, found: Array, Y: Array, weights: Array | None) -> float:
        if not np.isfinite(found).all():
            return float("nan")
        return float(r2_score(Y, found, sample_weight=weights))

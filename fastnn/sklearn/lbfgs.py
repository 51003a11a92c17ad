"""The solver "lbfgs": SciPy's L-BFGS-B with fastnn's loss and gradient.

With several outputs the loss is the sum over them, as the gradient has it. Scikit-learn takes their mean for
the loss alone, so that its line searches compare what does not belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.utils.fixes import _get_additional_lbfgs_options_dict
from sklearn.utils.optimize import _check_optimize_result

from fastnn.core.network import Network
from fastnn.sklearn.rules import Training
from fastnn.training.passes import Passes

__all__ = ["minimized"]

Array = NDArray[Any]


def minimized(
    estimator: Any, network: Network, training: Training, passes: Passes, weights: Array | None, start: Array
) -> Array:
    """Train from parameters (P,); return those found, and write down the loss and the iterations."""
    value = _Value(network, training, passes, weights)
    verbose = 1 if estimator.verbose else -1
    limits = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol}
    options = {**limits, **_get_additional_lbfgs_options_dict("iprint", verbose)}
    found = minimize(value, start.astype(np.float64), method="L-BFGS-B", jac=True, options=options)
    estimator.n_iter_ = _check_optimize_result("lbfgs", found, estimator.max_iter)
    estimator.loss_ = found.fun
    parameters: Array = found.x
    return parameters


@dataclass(eq=False)
class _Value:
    """The loss with its penalty and its gradient, of parameters (P,)."""

    network: Network
    training: Training
    passes: Passes
    weights: Array | None

    def __post_init__(self) -> None:
        X, told = self.passes.X, self.training.told
        rows, weights = len(X), self.weights
        total = float(rows) if weights is None else float(weights.sum())
        self.share = np.array([[[rows / total]]])
        self.coefficients = None
        if weights is not None:
            self.coefficients = (weights * self.share[0, 0])[None].astype(X.dtype)
        self.rest = 0.0 if told.rest is None else np.average(told.rest, weights=weights)
        self.given = self.training.given(np.ones((1, 1, 1), X.dtype), self.share)

    def __call__(self, parameters: Array) -> tuple[float, Array]:
        X, ratio = self.passes.X, self.training.told.ratio
        P = self.network.n_parameters
        state = self.training.begun(parameters[None].astype(X.dtype))
        brought = self.passes.advance(state, 1, self.given, None, self.coefficients)
        loss = ratio * float(brought.totals[0, 0]) / len(X) + self.rest
        squares = float(parameters[: self.network.n_weights] @ parameters[: self.network.n_weights])
        loss += 0.5 * self.training.alpha * squares * float(self.share[0, 0, 0]) / len(X)
        # Momentum with learning rate 1: its velocity is minus the gradient.
        return loss, -state[0, P : 2 * P].astype(np.float64)

"""The solver "lbfgs": SciPy's L-BFGS-B with fastnn's loss and gradient.

With several outputs the loss is the sum over them, as the gradient has it. Scikit-learn takes their mean for
the loss alone, so that its line searches compare what does not belong together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.utils.fixes import _get_additional_lbfgs_options_dict
from sklearn.utils.optimize import _check_optimize_result

from fastnn.core.network import Network
from fastnn.sklearn.rules import Rows, Training, given
from fastnn.training.passes import Passes

__all__ = ["minimized"]

Array = NDArray[Any]


def minimized(estimator: Any, network: Network, training: Training, rows: Rows, start: Array) -> Any:
    """Train from parameters (P,); return what SciPy found."""
    # Momentum with learning rate 1: the velocity of one update is minus the gradient.
    told, l2 = training.told, np.full(1, training.alpha) if training.alpha else None
    of_rows = (rows.X, rows.Y, len(rows.X), rows.weights, told.ratio, rows.rest)
    passes = Passes(network, training.rule, *of_rows)
    settings = given([training], [[1.0]], rows.X.dtype)

    def value(parameters: Array) -> tuple[float, Array]:
        state = training.begun(parameters.astype(rows.X.dtype))[None]
        brought, _ = passes.advance(state, 1, settings, l2=l2)
        gradient = -state[0, network.n_parameters :].astype(np.float64)
        return float(brought.losses[0, 0]), gradient

    verbose = 1 if estimator.verbose else -1
    limits = {"maxfun": estimator.max_fun, "maxiter": estimator.max_iter, "gtol": estimator.tol}
    options = {**limits, **_get_additional_lbfgs_options_dict("iprint", verbose)}
    found = minimize(value, start.astype(np.float64), method="L-BFGS-B", jac=True, options=options)
    found.nit = _check_optimize_result("lbfgs", found, estimator.max_iter)
    return found

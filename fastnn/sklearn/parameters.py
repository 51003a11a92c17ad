"""The parameters of the estimators: what each may be, and what it means."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

__all__ = ["ATTRIBUTES", "CONSTRAINTS", "PARAMETERS", "SOLVERS", "STOCHASTIC"]

STOCHASTIC = ("sgd", "adam", "rprop")
SOLVERS = ("lbfgs", *STOCHASTIC)

CONSTRAINTS: dict[str, Any] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [str, "array-like"],
    "solver": [StrOptions(set(SOLVERS))],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="left")],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
    "max_fun": [Interval(Integral, 1, None, closed="left")],
    "n_starts": [Interval(Integral, 1, None, closed="left")],
    "average": [StrOptions({"best", "ensemble"})],
    "n_jobs": [Integral, None],
    "callback": [callable, None],
}
"""What `fit` accepts, in scikit-learn's own terms, which refuse the rest in its own words."""

PARAMETERS = """
    hidden_layer_sizes : int, or sequence of int
        The units of each hidden layer.
    activation : str, or sequence of str
        That of the hidden layers: "identity", "logistic", "tanh" or "relu"; or any activation of fastnn's,
        such as "elu" or "leaky_relu(0.1)"; or one for each hidden layer.
    solver : {"adam", "sgd", "lbfgs", "rprop"}
        "lbfgs" is SciPy's L-BFGS-B; "rprop", which scikit-learn lacks, is iRprop- on all
        rows at once.
    alpha : float
        The L2 penalty: half of it times the sum of the squared weights, on the sum of the losses of a batch.
    batch_size : int, or "auto"
        The rows of a batch; "auto" is 200, or all rows if they are fewer. Not for "lbfgs" and "rprop".
    learning_rate : {"constant", "invscaling", "adaptive"}
        For "sgd": the initial rate; that divided by ``(t_ + 1)**power_t`` after each epoch; or divided by 5
        whenever training would stop by `tol`, until it is below 1e-6.
    learning_rate_init : float
        For "sgd" and "adam".
    power_t : float
        For `learning_rate` "invscaling".
    max_iter : int
        The most epochs, or iterations of "lbfgs".
    shuffle : bool
        Whether to visit the rows in a new order in every epoch.
    random_state : int, RandomState, or None
        The source of the first weights, of the validation rows and of the orders.
    tol : float
        Training stops when the loss (penalty included), or with `early_stopping` the validation score, has
        not become better by more than this in more than `n_iter_no_change` epochs in a row.
    verbose : bool, or int
        Print the loss of every epoch.
    warm_start : bool
        Whether `fit` goes on from what the last call ended with.
    momentum : float
        From 0 to 1, for "sgd".
    nesterovs_momentum : bool
        For "sgd".
    early_stopping : bool
        Keep a part of the rows for validation, stop by the score on them, and end with the best epoch's
        weights.
    validation_fraction : float
        That part, below 1. Of each class its share, but with several labels.
    beta_1, beta_2, epsilon : float
        Of "adam".
    n_iter_no_change : int, or inf
        See `tol`.
    max_fun : int
        The most computations of the loss in "lbfgs".
    n_starts : int
        How many networks are trained at once, from different first weights; the first is that of one start.
        Scikit-learn lacks this and all that follows.
    average : {"best", "ensemble"}
        Of several starts: keep the one with the best validation score, or without `early_stopping` and X_val
        the least loss; or predict the mean of all.
    n_jobs : int, or None
        The threads that train several starts, as joblib counts them.
    callback : callable, or None
        Called with the estimator after every epoch of one start; ends the training if it returns True."""

ATTRIBUTES = """
    coefs_ : list of (inputs, units) arrays
        The weights of each layer.
    intercepts_ : list of (units,) arrays
        The biases of each layer.
    loss_ : float
        That of the last epoch, penalty included.
    loss_curve_ : list of float
        The losses of all epochs. Not with "lbfgs".
    best_loss_ : float, or None
        The least of them; None with `early_stopping`.
    validation_scores_ : list of float, or None
        The scores on the validation rows; None without `early_stopping`.
    best_validation_score_ : float, or None
        The best of them.
    n_iter_ : int
        The epochs of the last call.
    t_ : int
        The rows visited in all calls.
    n_features_in_, feature_names_in_
        The columns of X, and their names if they are all texts.
    n_layers_, n_outputs_ : int
    out_activation_ : str
        "identity", "exp", "logistic" or "softmax".
    starts_ : DataFrame
        Of several starts: the last loss, the epochs and the best validation score of each, and which one was
        chosen."""

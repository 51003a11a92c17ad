"""The search over a grid of settings with all of them, all folds and all starts trained together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from typing import Any, Self

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone, is_classifier
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.utils import _safe_indexing, indexable

from fastnn.sklearn.base import READY, BaseMLP
from fastnn.sklearn.fitting import Fitting, train
from fastnn.sklearn.parameters import STOCHASTIC
from fastnn.sklearn.stochastic import batch_of

__all__ = ["MLPSearchCV"]

SHARED = ("max_iter", "shuffle", "early_stopping", "validation_fraction", "verbose", "n_jobs", "callback")


class MLPSearchCV(GridSearchCV):
    """Scikit-learn's GridSearchCV for fastnn's estimators, which trains what it can at once.

    Settings that differ in numbers alone (rates, penalties, momenta, tolerances) are trained together, with
    all their starts, on each fold. `cv_results_` and all else are as after GridSearchCV; times of fits are
    the mean of all. What cannot be trained together, such as "lbfgs" or estimators whose `random_state` is
    not a number, is trained one by one, as are all if `fit` is given more than X, y and groups.

    Parameters
    ----------
    estimator : fastnn.sklearn.MLPRegressor or MLPClassifier
    param_grid : dict, or list of dict
    n_jobs : int, or None
        The threads that train.
    scoring, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As in GridSearchCV.

    Examples
    --------
    >>> from fastnn.sklearn import MLPRegressor, MLPSearchCV
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
    >>> model = MLPRegressor(hidden_layer_sizes=(2,), solver="rprop", max_iter=30, tol=0, random_state=0)
    >>> search = MLPSearchCV(model, {"alpha": [0.0, 0.1]}, cv=2, scoring="neg_mean_squared_error")
    """

    cv: Any
    n_jobs: int | None

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Run the search on rows X and targets y.

        Parameters
        ----------
        X : array_like (N, D)
        y : array_like (N,) or (N, K)
        **params
            Of `fit` of the estimator, or `groups` of the folds.

        Returns
        -------
        self
        """
        if not isinstance(self.estimator, BaseMLP):
            raise TypeError(
                "estimator must be a fastnn.sklearn.MLPRegressor or MLPClassifier; got "
                f"{type(self.estimator).__name__}. Use scikit-learn's GridSearchCV for it."
            )
        if set(params) - {"groups"}:
            return super().fit(X, y, **params)  # type: ignore[no-any-return]
        X, y = indexable(X, y)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(cv.split(X, y, **params))
        began, given = perf_counter(), (self.cv, self.n_jobs)
        ready = self._trained(X, y, [rows for rows, _ in splits])
        each = (perf_counter() - began) / max(1, len(ready))
        token = READY.set(iter(ready))
        self.cv, self.n_jobs = splits, None
        try:
            super().fit(X, y)
        finally:
            READY.reset(token)
            self.cv, self.n_jobs = given
        self.cv_results_["mean_fit_time"] = self.cv_results_["mean_fit_time"] + each
        return self

    def _trained(self, X: Any, y: Any, folds: Sequence[Any]) -> list[Fitting | None]:
        """What each setting became on each fold, in the order in which the search asks; None if not tried."""
        settings = list(ParameterGrid(self.param_grid))
        found: list[Fitting | None] = [None] * (len(settings) * len(folds))
        groups: dict[Hashable, list[Fitting]] = defaultdict(list)
        for fold, rows in enumerate(folds):
            X_fold, y_fold = _safe_indexing(X, rows), _safe_indexing(y, rows)
            for number, setting in enumerate(settings):
                place = number * len(folds) + fold
                try:
                    estimator = clone(self.estimator).set_params(**clone(setting, safe=False))
                    estimator._validate_params()
                    fitting = estimator._prepared(X_fold, y_fold, None, (None, None), incremental=False)
                except (ValueError, TypeError):
                    continue  # the search meets it again, and has its own ways with errors
                if estimator.solver in STOCHASTIC:
                    groups[fold, _alike(fitting, place)].append(fitting)
                    found[place] = fitting
        with ThreadPoolExecutor(effective_n_jobs(self.n_jobs)) as pool:
            list(pool.map(_train_together, groups.values()))
        return found


def _alike(fitting: Fitting, place: int) -> Hashable:
    """What the calls that train together have in common; of others, which one it is."""
    estimator, rule = fitting.estimator, replace(fitting.training, penalised=True).rule
    seed = estimator.random_state
    alone = estimator.callback is not None or not isinstance(seed, int | np.integer)
    shared = tuple(getattr(estimator, name) for name in SHARED)
    batch = batch_of(estimator, len(fitting.rows.X))
    return fitting.network, rule, repr(fitting.training.told.loss), batch, shared, place if alone else seed


def _train_together(fittings: Sequence[Fitting]) -> None:
    """Train some calls on rows that they share."""
    for fitting in fittings[1:]:
        fitting.rows, fitting.further = fittings[0].rows, fittings[0].further
    train(fittings)

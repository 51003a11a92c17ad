"""What scikit-learn checks before each fit, found out once, or at a glance where it is the usual case.

Measured on 150 rows: its checks of parameters and arrays take 0.5 ms, as long as a hundred epochs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache, wraps
from operator import itemgetter
from typing import Any, ParamSpec, TypeVar

import numpy as np
from sklearn import get_config, set_config
from sklearn.utils._param_validation import validate_parameter_constraints

__all__ = ["are_finite", "are_plain", "checked", "validate"]

P = ParamSpec("P")
R = TypeVar("R")

MOST_SEED = 2**32 - 1


def checked(fit: Callable[P, R]) -> Callable[P, R]:
    """Wrap a `fit` so that parameters are checked before it, and not again within it.

    Scikit-learn's own wrapper has contexts besides, for callbacks that these estimators do not take: they
    cost a tenth of all that a fit does in Python.
    """

    @wraps(fit)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        skipped = get_config()["skip_parameter_validation"]
        if not skipped:
            estimator: Any = args[0]
            estimator._validate_params()
        set_config(skip_parameter_validation=True)
        try:
            return fit(*args, **kwargs)
        finally:
            set_config(skip_parameter_validation=skipped)

    return wrapper


def validate(estimator: Any) -> None:
    """Refuse parameters that scikit-learn would refuse; those that it has not are not shown to it again."""
    kind: Any = type(estimator)
    seed = estimator.random_state
    if type(seed) is int and 0 <= seed <= MOST_SEED:
        seed = None  # which is right as well, and the same for all seeds
    try:
        if estimator.callback is None:
            _validated(kind, seed, *_others(kind)(vars(estimator)))
            return
    except (KeyError, TypeError):  # of a parameter that lies elsewhere, or a value without a hash
        pass
    given = estimator.get_params(deep=False)
    validate_parameter_constraints(kind._parameter_constraints, given, caller_name=kind.__name__)


@cache
def _others(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    """What finds the values of all parameters but `random_state`."""
    return itemgetter(*(name for name in kind._get_param_names() if name != "random_state"))


@lru_cache(maxsize=256, typed=True)
def _validated(kind: Any, seed: Any, *values: Any) -> None:
    others = [name for name in kind._get_param_names() if name != "random_state"]
    given = {"random_state": seed, **dict(zip(others, values, strict=True))}
    validate_parameter_constraints(kind._parameter_constraints, given, caller_name=kind.__name__)


def are_plain(X: Any, y: Any, kinds: str) -> bool:
    """Whether rows X and targets y are arrays that scikit-learn's checks would return as they are.

    Targets are of one of some NumPy `kinds`, and one for each row or several.
    """
    return (
        type(X) is type(y) is np.ndarray
        and X.ndim == 2
        and X.dtype in (np.float64, np.float32)
        and y.ndim in (1, 2)
        and y.dtype.kind in kinds
        and len(y) == len(X)
        and min(X.size, y.size) > 0
        and are_finite(X)
        and (y.dtype.kind in "biu" or are_finite(y))
    )


def are_finite(numbers: Any) -> bool:
    """Whether no number of an array is NaN or infinite."""
    return bool(np.logical_and.reduce(np.isfinite(numbers), axis=None))

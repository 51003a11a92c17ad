"""Scikit-learn's interface: `MLPRegressor` and `MLPClassifier`, trained by fastnn.

They take the parameters of scikit-learn's classes of these names, and make the same models from the same
`random_state`. `MLPSearchCV` searches a grid of their settings, all of them trained at once. It needs
scikit-learn: ``pip install "fastnn-sweep[sklearn]"``.
"""

try:
    import sklearn.base as _base  # noqa: F401
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError(
        f'fastnn.sklearn needs scikit-learn; {_error}. Run: pip install "fastnn-sweep[sklearn]"',
        name=_error.name,
    ) from None

from fastnn.sklearn.classifier import MLPClassifier
from fastnn.sklearn.regressor import MLPRegressor
from fastnn.sklearn.search import MLPSearchCV

__all__ = ["MLPClassifier", "MLPRegressor", "MLPSearchCV"]

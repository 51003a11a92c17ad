"""The classifier: classes, or several labels, as targets."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from fastnn.sklearn.base import BaseMLP
from fastnn.sklearn.parameters import ATTRIBUTES, CONSTRAINTS, PARAMETERS

__all__ = ["MLPClassifier"]

Array = NDArray[Any]


class MLPClassifier(ClassifierMixin, BaseMLP):
    __doc__ = f"""A network that predicts classes: scikit-learn's MLPClassifier, trained by fastnn.

    It lowers the log-loss: of softmax outputs for several classes, of one sigmoid output for two, and of one
    for each label for a table of labels.

    Parameters
    ----------{PARAMETERS}
    class_weight : dict, "balanced", or None
        How much each class counts, as elsewhere in scikit-learn.

    Attributes
    ----------
    classes_ : array (classes,){ATTRIBUTES}

    Examples
    --------
    >>> from fastnn.sklearn import MLPClassifier
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["few", "few", "many", "many"]
    >>> model = MLPClassifier((4,), solver="lbfgs", random_state=1).fit(X, y)
    >>> model.predict([[0.5], [2.5]])
    array(['few', 'many'], dtype='<U4')
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
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
        class_weight: Any = None,
    ) -> None:
        self._keep(locals())

    @available_if(lambda self: self._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train one more epoch on rows X (N, D) and targets y.

        Parameters
        ----------
        X : array_like or sparse matrix (N, D)
        y : array_like (N,)
        sample_weight : array_like (N,), optional
        classes : array_like, optional
            All classes there will be; needed in the first call.
        """
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            self._label_binarizer.fit(y if type_of_target(y).startswith("multilabel") else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Predict the classes of rows X (N, D): (N,), or a table (N, K) of 0 and 1 for several labels."""
        found = self._outputs(X)
        labels: Array = self._label_binarizer.inverse_transform(found[:, 0] if found.shape[1] == 1 else found)
        return labels

    def predict_proba(self, X: Any) -> Array:
        """Predict the probabilities (N, classes), in the order of `classes_`."""
        found = self._outputs(X)
        return np.concatenate([1 - found, found], axis=1) if found.shape[1] == 1 else found

    def predict_log_proba(self, X: Any) -> Array:
        """Predict their logarithms."""
        found = self.predict_proba(X)
        return np.asarray(np.log(found, out=found))

    def _validated(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Any, Array, Array]:
        X, y = self._arrays(X, y, "biu", reset=reset)
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer, Y = _binarized(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._refuse_other_classes(y)
            Y = self._label_binarizer.transform(y).astype(bool)
        return X, y, Y.reshape(len(Y), -1)

    def _weighted(self, weights: Array | None, y: Array) -> Array | None:
        if self.class_weight is None:
            return weights
        of_classes = compute_sample_weight(self.class_weight, y)
        return np.asarray(of_classes if weights is None else of_classes * weights)

    def _refuse_other_classes(self, y: Array) -> None:
        """Refuse classes that the estimator has not met."""
        classes = unique_labels(y)
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to "
                    f"fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _output(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _loss(self) -> Any:
        return "log_loss"

    def _stratifies(self) -> bool:
        return bool(self.n_outputs_ == 1)

    def _scored(self, found: Array, Y: Array, weights: Array | None) -> float:
        """The accuracy: the share of rows of which every label is right."""
        if self.out_activation_ == "softmax":
            right = found.argmax(axis=1) == Y.argmax(axis=1)
        else:
            right = ((found > 0.5) == Y).all(axis=1) | (len(self.classes_) == 1)
        return float(np.average(right, weights=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _binarized(y: Array) -> tuple[LabelBinarizer, Array]:
    """A fitted LabelBinarizer, and what it makes of the targets: (N, K) bool.

    Measured on 150 labels: LabelBinarizer takes 0.6 ms to look at them, as long as a hundred epochs.
    """
    binarizer = LabelBinarizer()
    if y.ndim > 1 or y.dtype.kind not in "biuU":
        return binarizer.fit(y), binarizer.transform(y).astype(bool)
    classes = np.array(sorted(set(y.tolist())), y.dtype)  # after other work in half of np.unique's time
    binarizer.classes_, binarizer.sparse_input_ = classes, False
    binarizer.y_type_ = "multiclass" if len(classes) > 2 else "binary"
    if len(classes) == 1:
        return binarizer, np.zeros((len(y), 1), bool)
    return binarizer, y[:, None] == (classes if len(classes) > 2 else classes[1:])

"""The conversion of fastnn's networks to scikit-learn's fitted MLPRegressor and MLPClassifier, and back.

It needs scikit-learn: ``pip install "fastnn-sweep[sklearn]"``. It is imported only when a function here needs
it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, needing, shown
from fastnn.core.network import Network, checked_network
from fastnn.data.arrays import finite_array

__all__ = ["from_sklearn", "need_sklearn_network", "to_sklearn"]

HIDDEN = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
OUTPUTS = {"identity": "identity", "exponential": "exp", "sigmoid": "logistic", "softmax": "softmax"}


def to_sklearn(network: Network, parameters: ArrayLike, classes: ArrayLike | None = None) -> Any:
    """Make a fitted estimator of scikit-learn's with the given parameters.

    Parameters
    ----------
    network : Network
        All hidden layers have one activation: identity, sigmoid, tanh or relu.
    parameters : (P,) finite numbers
    classes : array_like, optional
        The names of the classes, for sigmoid or softmax outputs: sorted, two for one output, else one for
        each. By default 0, 1, ... Several sigmoid outputs are labels of their own, 0 or 1.

    Returns
    -------
    MLPRegressor or MLPClassifier
        The first for outputs identity and exponential (loss "poisson"), the second for sigmoid and softmax.
        Its outputs are those of the network; it can be trained on by `partial_fit`.

    Raises
    ------
    InputError
        If scikit-learn has no such network, the parameters do not fit or are not finite, or scikit-learn is
        not installed.
    """
    need_sklearn_network(checked_network(network))
    weights = network.split(finite_array(parameters, "parameters", (1,)))
    given = {"hidden_layer_sizes": network.layers[1:-1], "activation": HIDDEN[network.hidden[0]]}
    with needing("to_sklearn makes estimators of scikit-learn's", "sklearn"):
        from sklearn.neural_network import MLPClassifier, MLPRegressor
    if network.output in ("sigmoid", "softmax"):
        model = MLPClassifier(**given)
        model._label_binarizer = _binarizer(network, classes)
        model.classes_ = model._label_binarizer.classes_
    else:
        _refuse_classes(network, classes)
        model = MLPRegressor(loss="poisson" if network.output == "exponential" else "squared_error", **given)
    model.coefs_ = [np.ascontiguousarray(W.T) for W, _ in weights]
    model.intercepts_ = [b.copy() for _, b in weights]
    model.n_features_in_, model.n_outputs_ = network.n_inputs, network.n_outputs
    model.n_layers_, model.out_activation_ = len(network.layers), OUTPUTS[network.output]
    model.n_iter_ = model.t_ = model._no_improvement_count = 0
    model.loss_curve_, model.best_loss_ = [], np.inf
    model.validation_scores_ = model.best_validation_score_ = None
    return model


def need_sklearn_network(network: Network) -> None:
    """Refuse a network that scikit-learn lacks."""
    hidden = {HIDDEN.get(name) for name in network.hidden}
    if len(hidden) != 1 or None in hidden or network.output not in OUTPUTS:
        raise InputError(
            f"network must have one activation for all hidden layers, of {', '.join(HIDDEN)}, and outputs of "
            f"{', '.join(OUTPUTS)}, as scikit-learn's; got {network!r}. Use one of these."
        )
    if network.output == "softmax" and network.n_outputs == 2:
        raise InputError(
            "network must have one sigmoid output for two classes, as scikit-learn's; got two softmax "
            "outputs. Use Network(..., output='sigmoid')."
        )


def from_sklearn(model: Any) -> tuple[Network, NDArray[np.float64]]:
    """Make a network and its parameters from a fitted MLPRegressor or MLPClassifier.

    Parameters
    ----------
    model : MLPRegressor or MLPClassifier
        Of scikit-learn, or of `fastnn.sklearn`.

    Returns
    -------
    network : Network
        Its outputs are what the regressor predicts, or the classifier's probabilities, of one output that of
        the second class.
    parameters : (P,) float64
        An exact copy of the weights and biases.

    Raises
    ------
    InputError
        If it is something else, is not fitted, or a weight is not finite.
    """
    names = ("coefs_", "intercepts_", "activation", "out_activation_")
    found: list[Any] = [getattr(model, name, None) for name in names]
    if any(each is None for each in found):
        raise InputError(
            f"model must be a fitted MLPRegressor or MLPClassifier; got {shown(model)}. Call its fit first."
        )
    if getattr(model, "_ensemble", None) is not None:
        raise InputError(
            "model must be one network; got the mean of several. Set average='best', and fit it again."
        )
    coefs, intercepts, activation, output = found
    theirs = {there: here for here, there in {**HIDDEN, **OUTPUTS}.items()}
    named = [activation] * (len(coefs) - 1) if isinstance(activation, str) else list(activation)
    layers = [len(coefs[0]), *(np.shape(W)[1] for W in coefs)]
    network = Network(layers, [theirs.get(name, name) for name in named], theirs[output])
    pairs = [
        (finite_array(np.transpose(W), "coefs_", (2,)), finite_array(b, "intercepts_", (1,)))
        for W, b in zip(coefs, intercepts, strict=True)
    ]
    return network, network.join(pairs)


def _binarizer(network: Network, classes: Any) -> Any:
    """Scikit-learn's LabelBinarizer of the classes."""
    from sklearn.preprocessing import LabelBinarizer

    if network.output == "sigmoid" and network.n_outputs > 1:
        _refuse_classes(network, classes)
        return LabelBinarizer().fit(np.array([[0] * network.n_outputs, [1] * network.n_outputs]))
    count = max(2, network.n_outputs)
    names = np.arange(count) if classes is None else np.asarray(classes)
    if names.shape != (count,) or len(np.unique(names)) != count or list(np.unique(names)) != list(names):
        raise InputError(
            f"classes must be {count} different names in sorted order, for {network!r}; "
            f"got {shown(classes)}. Give one for each class."
        )
    return LabelBinarizer().fit(names)


def _refuse_classes(network: Network, classes: Any) -> None:
    if classes is not None:
        raise InputError(
            f"classes must be left out for {network!r}, whose outputs are no classes; got {shown(classes)}. "
            "Leave them out."
        )

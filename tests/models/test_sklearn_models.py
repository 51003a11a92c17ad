"""Weights carried to scikit-learn and back."""

import numpy as np
import pytest

import fastnn

pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(9, 3))


@pytest.mark.parametrize("hidden", ["identity", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(
    ("outputs", "output"),
    [(1, "identity"), (2, "exponential"), (1, "sigmoid"), (3, "sigmoid"), (3, "softmax")],
)
def test_outputs_agree_there_and_back(hidden, outputs, output):
    network = fastnn.Network((3, 4, 2, outputs), hidden, output)
    parameters = RANDOM.normal(size=network.n_parameters)
    run = fastnn.train(
        network,
        X,
        np.eye(3)[RANDOM.integers(3, size=9)][:, :outputs],
        parameters,
        epochs=1,
        learning_rate=1e-3,
        loss="poisson" if output == "exponential" else None,
        engine="batched",
    )
    model = fastnn.to_sklearn(network, run.parameters)
    found = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    found = found[:, 1] if output == "sigmoid" and outputs == 1 else found
    np.testing.assert_allclose(found, run.predict(X), rtol=0, atol=1e-12)
    again, there_and_back = fastnn.from_sklearn(model)
    assert again == network
    np.testing.assert_array_equal(there_and_back, run.parameters)


def test_classes_have_their_names_and_training_goes_on():
    network = fastnn.Network((3, 2, 1), "relu", "sigmoid")
    model = fastnn.to_sklearn(network, np.zeros(network.n_parameters), classes=["no", "yes"])
    assert model.predict(X).tolist() == ["no"] * 9
    model.partial_fit(X, np.where(X[:, 0] > 0, "yes", "no"))
    assert model.t_ == 9


@pytest.mark.parametrize(
    ("network", "classes", "words"),
    [
        (fastnn.Network((3, 2, 1), "elu"), None, "one activation for all hidden layers"),
        (fastnn.Network((3, 2, 2, 1), ("relu", "tanh")), None, "one activation for all hidden layers"),
        (fastnn.Network((3, 2, 2), output="softmax"), None, "one sigmoid output for two classes"),
        (fastnn.Network((3, 1)), None, "one activation for all hidden layers"),
        (fastnn.Network((3, 2, 1)), ["a", "b"], "classes must be left out"),
        (fastnn.Network((3, 2, 3), output="softmax"), ["b", "a", "c"], "in sorted order"),
        (fastnn.Network((3, 2, 3), output="softmax"), ["a", "b"], "3 different names"),
    ],
)
def test_what_scikit_learn_has_not_is_refused(network, classes, words):
    with pytest.raises(fastnn.InputError, match=words):
        fastnn.to_sklearn(network, np.zeros(network.n_parameters), classes)


def test_what_is_no_fitted_network_is_refused():
    from sklearn.neural_network import MLPRegressor

    for model in (MLPRegressor(), 3):
        with pytest.raises(fastnn.InputError, match="must be a fitted MLPRegressor or MLPClassifier"):
            fastnn.from_sklearn(model)

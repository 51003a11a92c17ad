"""The estimators make scikit-learn's models: the same weights, losses and epochs from the same seed."""

import warnings

import numpy as np
import pytest
from uncompiled import run_as_plain_python

pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")

from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor

from fastnn.sklearn import MLPClassifier, MLPRegressor

ROWS = 23
RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(ROWS, 3))
SIGNAL = X @ [1.0, -2.0, 0.5] + np.abs(X[:, 0])
TARGETS = {
    "numbers": SIGNAL,
    "two outputs": np.column_stack([SIGNAL, X[:, 1] ** 2]),
    "two classes": np.where(SIGNAL > 0, "yes", "no"),
    "three classes": np.digitize(SIGNAL, [-1, 1]) * 5,
    "labels": (np.column_stack([SIGNAL, X[:, 1], -SIGNAL]) > 0).astype(int),
    "counts": np.round(np.abs(SIGNAL)),
}
SGD = {"solver": "sgd", "learning_rate_init": 0.05}
SETTINGS = {
    "adam": {},
    "adam, other betas": {"beta_1": 0.5, "beta_2": 0.0, "epsilon": 1e-3, "alpha": 0.3, "shuffle": False},
    "sgd": {**SGD, "momentum": 0, "activation": "logistic"},
    "momentum": {**SGD, "nesterovs_momentum": False, "learning_rate": "invscaling", "activation": "tanh"},
    "nesterov": {**SGD, "alpha": 0.0, "activation": "identity"},
    "momentum of 1": {**SGD, "momentum": 1.0, "max_iter": 3},
    "adaptive": {**SGD, "learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 2, "max_iter": 40},
    "stops": {"tol": 0.05, "n_iter_no_change": 2, "learning_rate_init": 0.01, "max_iter": 60},
    "early stopping": {
        "early_stopping": True,
        "validation_fraction": 0.3,
        "n_iter_no_change": 3,
        "tol": 0.01,
    },
    "one row": {"batch_size": 1, "max_iter": 4},
}
HISTORY = (
    "n_iter_",
    "t_",
    "loss_",
    "best_loss_",
    "loss_curve_",
    "validation_scores_",
    "best_validation_score_",
)


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    run_as_plain_python(monkeypatch)


def pair(kind, **settings):
    """Scikit-learn's estimator and fastnn's, for a kind of targets."""
    numbers = kind in ("numbers", "two outputs", "counts")
    both = (TheirRegressor, MLPRegressor) if numbers else (TheirClassifier, MLPClassifier)
    given = {"hidden_layer_sizes": (3,), "max_iter": 12, "batch_size": 9, "random_state": 7, **settings}
    return [each(**given) for each in both]


def quietly(call, *arguments, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*arguments, **named)


def assert_same(theirs, ours, tolerance=1e-10):
    for each in ("coefs_", "intercepts_"):
        for one, other in zip(getattr(theirs, each), getattr(ours, each), strict=True):
            np.testing.assert_allclose(other, one, rtol=0, atol=tolerance)
    for each in HISTORY:
        expected, found = getattr(theirs, each), getattr(ours, each)
        assert (expected is None) == (found is None), each
        if expected is not None:
            np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance, err_msg=each)
    assert theirs.out_activation_ == ours.out_activation_


CASES = [
    *(("numbers", name) for name in SETTINGS),
    *(("two outputs", name) for name in ("adam", "momentum", "early stopping")),
    *(("two classes", name) for name in ("adam", "sgd", "adaptive", "early stopping")),
    *(("three classes", name) for name in ("stops", "nesterov", "early stopping")),
    *(("labels", name) for name in ("adam", "momentum", "early stopping")),
]


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_fit(kind, settings):
    theirs, ours = (quietly(each.fit, X, TARGETS[kind]) for each in pair(kind, **SETTINGS[settings]))
    assert_same(theirs, ours)
    if kind in ("numbers", "two outputs"):
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=0, atol=1e-10)
    else:
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-8)


@pytest.mark.parametrize("kind", ["numbers", "three classes", "counts"])
@pytest.mark.parametrize("settings", ["adam", "momentum", "early stopping"])
def test_weights_of_rows(kind, settings):
    weights = np.random.RandomState(1).uniform(0.1, 3, ROWS)
    more = {"loss": "poisson"} if kind == "counts" else {}
    theirs, ours = pair(kind, alpha=0.1, **{**SETTINGS[settings], **more})
    for each in (theirs, ours):
        quietly(each.fit, X, TARGETS[kind], sample_weight=weights)
    assert_same(theirs, ours)


def test_losses_of_probabilities_that_are_clipped():
    """With rows so large, probabilities are 0 and 1: scikit-learn takes them for eps and 1 - eps."""
    theirs, ours = (quietly(each.fit, 300 * X, TARGETS["three classes"]) for each in pair("three classes"))
    assert theirs.loss_curve_[0] > 20
    assert_same(theirs, ours, tolerance=1e-8)


@pytest.mark.parametrize("settings", ["adam", "momentum", "adaptive"])
def test_partial_fit_goes_on(settings):
    theirs, ours = pair("two classes", **SETTINGS[settings])
    for each in (theirs, ours):
        for rows in (slice(0, 10), slice(10, None), slice(None)):
            quietly(each.partial_fit, X[rows], TARGETS["two classes"][rows], classes=["no", "yes"])
    assert_same(theirs, ours)


def test_partial_fit_begins_from_weights_that_were_set():
    """With optimizers' states of a fit before, too: that is how scikit-learn has it."""
    both = pair("numbers", **SETTINGS["momentum"])
    for each in both:
        quietly(each.fit, X, SIGNAL)
        each.coefs_ = [np.full_like(W, 0.25) for W in each.coefs_]
        each.intercepts_ = [np.linspace(0, 1, len(b)) for b in each.intercepts_]
        each.partial_fit(X, SIGNAL)
    assert_same(*both)


@pytest.mark.parametrize("settings", ["momentum", "stops"])
def test_warm_start(settings):
    both = pair("three classes", warm_start=True, **SETTINGS[settings])
    for each in both:
        for _ in range(3):
            quietly(each.fit, X, TARGETS["three classes"])
    assert_same(*both)


def test_early_stopping_keeps_the_best_epoch_of_all_calls():
    """In scikit-learn a second call overwrites it: the weights it goes on from are the ones it had kept."""
    _, ours = pair("three classes", warm_start=True, **SETTINGS["early stopping"])
    quietly(ours.fit, X, TARGETS["three classes"])
    best, weights = ours.best_validation_score_, ours.coefs_[0].copy()
    ours.set_params(learning_rate_init=1e-12)
    quietly(ours.fit, X, TARGETS["three classes"])
    assert ours.best_validation_score_ == best
    np.testing.assert_array_equal(ours.coefs_[0], weights)


def test_a_random_state_is_left_as_scikit_learn_leaves_it():
    """Whoever shares it draws the same numbers afterwards, although orders are drawn for several epochs."""
    left = []
    for each in pair("numbers", **SETTINGS["stops"]):
        each.random_state = np.random.RandomState(3)
        quietly(each.fit, X, SIGNAL)
        left.append(each.random_state.uniform())
    assert left[0] == left[1]


def test_sparse_rows():
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    theirs, ours = (quietly(each.fit, sparse.csr_matrix(X), SIGNAL) for each in pair("numbers"))
    assert_same(theirs, ours)
    np.testing.assert_allclose(ours.predict(sparse.csc_matrix(X)), theirs.predict(X), atol=1e-10)


def test_lbfgs_of_one_output():
    settings = {"solver": "lbfgs", "max_iter": 8, "alpha": 0.1, "batch_size": "auto"}
    theirs, ours = (quietly(each.fit, X, SIGNAL) for each in pair("numbers", **settings))
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-8)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-6)

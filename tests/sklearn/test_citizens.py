"""The estimators among scikit-learn's tools, and the search that trains everything at once."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from uncompiled import run_as_plain_python

pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")

import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn.sklearn import MLPClassifier, MLPRegressor, MLPSearchCV
from fastnn.sklearn import search as searching

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(24, 3))
SIGNAL = X @ [1.0, -2.0, 0.5] + np.abs(X[:, 0])
CLASSES = np.digitize(SIGNAL, [-1, 1])


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    run_as_plain_python(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "The total space of parameters")
        yield


def regressor(**settings):
    return MLPRegressor(**{"hidden_layer_sizes": (3,), "random_state": 0, "max_iter": 6, **settings})


def classifier(**settings):
    return MLPClassifier(**{"hidden_layer_sizes": (3,), "random_state": 0, "max_iter": 6, **settings})


def test_they_are_parts_of_larger_models():
    assert make_pipeline(StandardScaler(), regressor()).fit(X, SIGNAL).predict(X).shape == (24,)
    assert VotingRegressor([("a", regressor()), ("b", regressor(alpha=1.0))]).fit(X, SIGNAL).predict(X).shape
    calibrated = CalibratedClassifierCV(classifier(), cv=2, ensemble=False).fit(X, CLASSES)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    assert len(cross_val_score(classifier(), X, CLASSES, cv=2)) == 2


@pytest.mark.parametrize(("call", "warns"), [("fit", 2), ("partial_fit", 1)])
def test_warnings_name_the_line_that_called_them(call, warns):
    with pytest.warns(UserWarning, match="batch_size") as caught:
        getattr(regressor(batch_size=99), call)(X, SIGNAL)
    assert [each.filename for each in caught] == [__file__] * warns


def test_they_are_searched():
    search = HalvingRandomSearchCV(
        regressor(), {"alpha": [0.0, 0.1, 1.0]}, random_state=0, resource="max_iter", max_resources=6, cv=2
    ).fit(X, SIGNAL)
    assert search.best_estimator_.max_iter in (3, 6)


@pytest.mark.parametrize("library", [pickle, joblib])
def test_they_are_copied(library, tmp_path):
    model = classifier().fit(X, CLASSES)
    with (tmp_path / "model").open("wb") as file:
        library.dump(model, file)
    with (tmp_path / "model").open("rb") as file:
        again = library.load(file)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    for each in (model, again):
        each.partial_fit(X, CLASSES)
    np.testing.assert_array_equal(again.coefs_[0], model.coefs_[0])
    with pytest.raises(NotFittedError):
        clone(model).predict(X)


def test_they_are_shown():
    assert "MLPRegressor" in regressor()._repr_html_()


def test_metadata_is_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        model = regressor().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        weights = np.linspace(0.5, 2, 24)
        found = make_pipeline(scaler, model).fit(X, SIGNAL, sample_weight=weights)
        plain = make_pipeline(StandardScaler(), regressor()).fit(X, SIGNAL)
    assert not np.array_equal(found[-1].coefs_[0], plain[-1].coefs_[0])


class TestSearchAtOnce:
    @pytest.mark.parametrize(
        ("model", "y", "grid"),
        [
            (
                regressor(batch_size=5),
                SIGNAL,
                {
                    "alpha": [0.0, 0.5],
                    "learning_rate_init": [0.001, 0.05],
                    "hidden_layer_sizes": [(2,), (3,)],
                },
            ),
            (
                classifier(solver="sgd", max_iter=20, tol=0.05, n_iter_no_change=2),
                CLASSES,
                {"momentum": [0.5, 0.9], "learning_rate": ["constant", "adaptive", "invscaling"]},
            ),
            (
                classifier(early_stopping=True, validation_fraction=0.4, n_starts=2),
                CLASSES > 1,
                [{"beta_1": [0.5, 0.9]}, {"solver": ["lbfgs"], "n_starts": [1]}],
            ),
        ],
    )
    def test_results_are_those_of_the_grid_search(self, model, y, grid):
        theirs = GridSearchCV(model, grid, cv=3, return_train_score=True).fit(X, y)
        ours = MLPSearchCV(model, grid, cv=3, return_train_score=True, n_jobs=2).fit(X, y)
        assert ours.cv_results_.keys() == theirs.cv_results_.keys()
        assert ours.cv_results_["params"] == theirs.cv_results_["params"]
        for name in theirs.cv_results_:
            if "score" in name and "time" not in name:
                np.testing.assert_allclose(ours.cv_results_[name], theirs.cv_results_[name], err_msg=name)
        assert ours.best_params_ == theirs.best_params_
        np.testing.assert_array_equal(ours.best_estimator_.coefs_[0], theirs.best_estimator_.coefs_[0])
        assert ours.get_params()["cv"] == 3

    def test_settings_are_trained_together(self, monkeypatch):
        trained = []
        original = searching.train
        monkeypatch.setattr(searching, "train", lambda some: (trained.append(len(some)), original(some)))
        MLPSearchCV(regressor(), {"alpha": [0.0, 0.1, 1.0], "tol": [0, 1e-3]}, cv=2).fit(X, SIGNAL)
        assert trained == [6, 6]

    def test_settings_that_fail_have_their_score(self):
        with pytest.warns(Warning, match="fits failed"):
            search = MLPSearchCV(regressor(), {"alpha": [0.1, -1.0]}, cv=2, error_score=-9.0).fit(X, SIGNAL)
        assert search.cv_results_["mean_test_score"][1] == -9.0
        assert search.best_params_ == {"alpha": 0.1}

    def test_other_estimators_are_refused(self):
        with pytest.raises(TypeError, match=r"must be a fastnn\.sklearn"):
            MLPSearchCV(StandardScaler(), {}).fit(X, SIGNAL)

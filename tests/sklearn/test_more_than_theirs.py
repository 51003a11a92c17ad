"""What scikit-learn's networks lack: many starts, further solvers and losses, given validation rows."""

import warnings

import numpy as np
import pytest
from uncompiled import run_as_plain_python

pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")

from scipy.optimize import check_grad
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer

import fastnn
from fastnn.sklearn import MLPClassifier, MLPRegressor
from fastnn.sklearn import classifier as classifying
from fastnn.sklearn import lbfgs as solver

RANDOM = np.random.RandomState(0)
X = RANDOM.normal(size=(23, 3))
SIGNAL = X @ [1.0, -2.0, 0.5] + np.abs(X[:, 0])
CLASSES = np.where(SIGNAL > 1.5, "many", "few")


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    run_as_plain_python(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def regressor(**settings):
    return MLPRegressor(
        **{
            "hidden_layer_sizes": (3,),
            "random_state": 7,
            "max_iter": 12,
            "learning_rate_init": 0.05,
            **settings,
        }
    )


class TestManyStarts:
    @pytest.mark.parametrize(
        "settings",
        [
            {"tol": 0.05, "n_iter_no_change": 2, "max_iter": 40},
            {
                "solver": "sgd",
                "learning_rate": "adaptive",
                "tol": 0.05,
                "n_iter_no_change": 2,
                "max_iter": 40,
            },
            {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 3},
            {"solver": "lbfgs"},
        ],
    )
    def test_each_is_trained_as_if_alone(self, settings):
        together = regressor(n_starts=9, n_jobs=1, **settings).fit(X, SIGNAL)
        assert len(together.starts_) == 9
        assert list(together.starts_.columns[:2]) == ["loss", "n_iter"]
        alone = regressor(**settings).fit(X, SIGNAL)
        if not together.early_stopping and together.solver == "lbfgs":
            assert together.starts_.loss[0] == alone.loss_
        best = together.starts_[together.starts_.chosen].iloc[0]
        assert best.n_iter == together.n_iter_
        if together.early_stopping:
            assert together.best_validation_score_ == together.starts_.validation_score.max()
        else:
            assert together.loss_ == together.starts_.loss.min()

    def test_the_first_start_is_the_only_one_of_one(self):
        one, several = (regressor(n_starts=n).fit(X, SIGNAL) for n in (1, 3))
        assert several.starts_.loss[0] == one.loss_

    def test_threads_change_nothing(self):
        settings = {"tol": 0.05, "n_iter_no_change": 2, "max_iter": 40, "n_starts": 17}
        left = []
        for jobs in (1, 2):
            model = regressor(n_jobs=jobs, **settings)
            model.random_state = np.random.RandomState(5)
            left.append((model.fit(X, SIGNAL).starts_, model.random_state.uniform(), model.coefs_[0]))
        assert left[0][0].equals(left[1][0])
        assert left[0][1] == left[1][1]
        np.testing.assert_array_equal(left[0][2], left[1][2])

    def test_an_ensemble_is_the_mean_of_all(self):
        settings = {"random_state": 7, "max_iter": 5, "n_starts": 4}
        model = MLPClassifier((3,), **settings, average="ensemble").fit(X, CLASSES)
        single = MLPClassifier((3,), **settings).fit(X, CLASSES)
        ends, expected = model._ensemble, 0.0
        assert len({each.tobytes() for each in ends}) == 4
        for end in ends:
            single._write(fastnn.Network((3, 3, 1), output="sigmoid"), end)
            expected += single.predict_proba(X) / 4
        np.testing.assert_allclose(model.predict_proba(X), expected)

    def test_what_is_of_one_network_is_refused(self):
        with pytest.raises(ValueError, match="partial_fit is of one network"):
            regressor(n_starts=2).partial_fit(X, SIGNAL)
        with pytest.raises(ValueError, match="callback is of one network"):
            regressor(n_starts=2, callback=print).fit(X, SIGNAL)


def test_validation_rows_that_are_given():
    train, further = slice(0, 15), slice(15, None)
    model = regressor(max_iter=30, n_iter_no_change=30)
    model.fit(X[train], SIGNAL[train], X_val=X[further], y_val=SIGNAL[further])
    assert len(model.validation_scores_) == model.n_iter_ == 30
    assert r2_score(SIGNAL[further], model.predict(X[further])) == pytest.approx(
        max(model.validation_scores_)
    )
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        model.fit(X, SIGNAL, X_val=X)


def test_classes_that_count_more():
    weights = np.where(CLASSES == "many", 3.0, 1.0)
    by_class = MLPClassifier((3,), random_state=1, max_iter=5, class_weight={"many": 3.0}).fit(X, CLASSES)
    by_row = MLPClassifier((3,), random_state=1, max_iter=5).fit(X, CLASSES, sample_weight=weights)
    np.testing.assert_array_equal(by_class.coefs_[0], by_row.coefs_[0])


@pytest.mark.parametrize("loss", ["huber", fastnn.losses.Quantile(tau=0.9), "poisson"])
def test_losses_and_activations_of_fastnn(loss):
    target = np.abs(SIGNAL) if loss == "poisson" else SIGNAL
    model = regressor(activation="leaky_relu(0.1)", loss=loss, max_iter=40).fit(X, target)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_rprop_learns_by_all_rows():
    model = regressor(solver="rprop", max_iter=40).fit(X, SIGNAL)
    assert model.score(X, SIGNAL) > 0.9


def test_a_callback_sees_each_epoch_and_may_end_the_training():
    seen = []

    def callback(model):
        seen.append((model.n_iter_, model.loss_, model.score(X, SIGNAL)))
        return len(seen) == 4

    model = regressor(callback=callback).fit(X, SIGNAL)
    assert [n for n, _, _ in seen] == [1, 2, 3, 4]
    assert [loss for _, loss, _ in seen] == model.loss_curve_
    assert model.score(X, SIGNAL) == seen[-1][2]


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_gradient_of_lbfgs_belongs_to_its_loss(outputs, monkeypatch):
    """With two outputs, too, where scikit-learn's is twice as steep as its loss."""
    target = np.column_stack([SIGNAL, X[:, 0] ** 2])[:, :outputs].squeeze()
    errors = []

    def minimize(value, start, **options):
        errors.append(check_grad(lambda p: value(p)[0], lambda p: value(p)[1], start))
        raise KeyboardInterrupt

    monkeypatch.setattr(solver, "minimize", minimize)
    with pytest.raises(KeyboardInterrupt):
        regressor(solver="lbfgs", activation="tanh", alpha=0.5).fit(
            X, target, sample_weight=np.linspace(0.1, 2, 23)
        )
    assert errors[0] < 1e-6


@pytest.mark.parametrize(
    "y",
    [
        np.array([3, 5, 3, 9]),
        np.array([True, False, True, True]),
        np.array(["b", "a", "b", "b"]),
        np.array([2, 2, 2, 2]),
        np.array(["b", "a", "b", "c"], object),
        np.array([[0, 1], [1, 1], [0, 0], [1, 0]]),
    ],
)
def test_labels_become_targets_as_scikit_learn_has_them(y):
    binarizer, Y = classifying._binarized(y)
    theirs = LabelBinarizer().fit(y)
    np.testing.assert_array_equal(Y, theirs.transform(y))
    assert vars(binarizer).keys() == vars(theirs).keys()
    assert (binarizer.y_type_, binarizer.sparse_input_) == (theirs.y_type_, theirs.sparse_input_)
    np.testing.assert_array_equal(binarizer.inverse_transform(Y * 1.0), y)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="y must be 0 or above"):
        regressor(loss="poisson").fit(X, -np.abs(SIGNAL))


def test_rows_that_may_not_be_written_and_no_hidden_layer():
    rows = np.asfortranarray(X)
    rows.flags.writeable = False
    model = regressor(hidden_layer_sizes=()).fit(rows, SIGNAL)
    np.testing.assert_array_equal(model.coefs_[0], regressor(hidden_layer_sizes=()).fit(X, SIGNAL).coefs_[0])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"activation": "soft"}, "activation of hidden|each of hidden"),
        ({"solver": "lm"}, "solver"),
        ({"loss": "cross_entropy"}, "loss"),
        ({"n_starts": 0}, "n_starts"),
        ({"average": "median"}, "average"),
        ({"callback": 3}, "callback"),
    ],
)
def test_wrong_parameters_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        regressor(**settings).fit(X, SIGNAL)

"""What is checked at a glance is refused as by scikit-learn, and random numbers are those of NumPy."""

import numpy as np
import pytest

pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")

from sklearn.utils._param_validation import InvalidParameterError

from fastnn.sklearn import MLPClassifier, MLPRegressor
from fastnn.sklearn.checks import are_plain
from fastnn.sklearn.drawing import Orders, give_back, random_of

X, Y = np.arange(8.0).reshape(4, 2), np.arange(4)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"max_iter": 1}, {"max_iter": 1.0}),
        ({"random_state": 0}, {"random_state": -1}),
        ({"random_state": 0}, {"random_state": 2**32}),
        ({"random_state": None}, {"random_state": "0"}),
        ({"hidden_layer_sizes": (3,)}, {"hidden_layer_sizes": 0}),
        ({"tol": 0.5}, {"tol": "0.5"}),
    ],
)
def test_parameters_equal_to_right_ones_are_refused_all_the_same(right, wrong):
    MLPRegressor(**right)._validate_params()
    with pytest.raises(InvalidParameterError, match=next(iter(wrong))):
        MLPRegressor(**wrong)._validate_params()
    MLPRegressor(**right)._validate_params()


def test_a_subclass_has_parameters_of_its_own():
    class Named(MLPClassifier):
        def __init__(self, label="", hidden_layer_sizes=(3,)):
            super().__init__(hidden_layer_sizes)
            self.label = label

    assert Named._get_param_names() == ["hidden_layer_sizes", "label"]
    assert "max_iter" in MLPClassifier._get_param_names()


@pytest.mark.parametrize(
    ("rows", "targets"),
    [
        (X.tolist(), Y),
        (X[0], Y),
        (X.astype(int), Y),
        (X.astype(">f8"), Y),
        (X.astype(np.longdouble), Y),
        (np.where(X == 3, np.nan, X), Y),
        (np.where(X == 3, np.inf, X), Y),
        (X[:0], Y[:0]),
        (X[:3], Y),
        (X, Y.astype(float)),
        (X, Y.astype(object)),
        (X, Y.astype(str)),
        (X, Y[:, None, None]),
        (np.ma.masked_array(X), Y),
    ],
)
def test_what_is_not_plain_is_left_to_scikit_learn(rows, targets):
    assert are_plain(X, Y, "biu")
    assert not are_plain(rows, targets, "biu")


def test_rows_without_names_make_forget_those_of_a_fit_before():
    model = MLPRegressor()
    model.feature_names_in_ = np.array(["a", "b"])
    rows, targets = model._arrays(X, Y, "biu", reset=True)
    assert rows is X
    assert targets is Y
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 2


@pytest.mark.parametrize("seed", [0, 5, 2**32 - 1])
def test_seeds_are_those_of_numpy(seed):
    """Of one made anew, too, and of one that was drawn from before."""
    for _ in range(2):
        ours, theirs = random_of(seed), np.random.RandomState(seed)
        for one, other in zip(ours.get_state(), theirs.get_state(), strict=True):
            np.testing.assert_array_equal(one, other)
        ours.normal(size=3)
        give_back(ours)


def test_words_are_read_and_left_where_numpy_has_them():
    random = np.random.RandomState(3)
    random.normal(size=3)  # which leaves a number for the next call
    expected = random.get_state()
    orders = Orders(random, 5)
    np.testing.assert_array_equal(orders.words, [*expected[1], expected[2]])
    orders.words[:] = [*np.arange(624), 7]
    orders.leave()
    _, words, place, *rest = random.get_state()
    np.testing.assert_array_equal(words, np.arange(624))
    assert (place, *rest) == (7, *expected[3:])


def test_other_generators_shuffle_for_themselves():
    orders = Orders(np.random.RandomState(np.random.PCG64(1)), 9)
    assert orders.words is None
    expected = np.random.RandomState(np.random.PCG64(1)).permutation(9)
    orders.shuffle()
    np.testing.assert_array_equal(orders.order, expected)

"""Accuracy, log-loss, confusion matrix and F1: by hand, and against scikit-learn's numbers."""

import math

import numpy as np
import pytest

import fastnn
from fastnn import InputError, MetricNote

TRUE = ["cat", "dog", "cat", "eel", "dog", "cat", "eel"]
SAID = ["cat", "cat", "cat", "eel", "dog", "eel", "dog"]


def test_by_hand():
    assert fastnn.accuracy(TRUE, SAID) == 4 / 7
    assert fastnn.confusion_matrix(TRUE, SAID).tolist() == [[2, 0, 1], [1, 1, 0], [0, 1, 1]]
    # precision and recall: cat 2/3 and 2/3, dog 1/2 and 1/2, eel 1/2 and 1/2
    assert fastnn.f1(TRUE, SAID, by_class=True).tolist() == pytest.approx([2 / 3, 1 / 2, 1 / 2])
    assert fastnn.f1(TRUE, SAID) == pytest.approx(5 / 9)
    halves = [[0.5, 0.25, 0.25]] * 7
    assert fastnn.log_loss(TRUE, halves) == pytest.approx((3 * math.log(2) + 4 * math.log(4)) / 7)


def test_many_networks_at_once():
    both = np.array([SAID, TRUE])
    assert fastnn.accuracy(TRUE, both).tolist() == [4 / 7, 1]
    assert fastnn.f1(TRUE, both).tolist() == [fastnn.f1(TRUE, SAID), 1]
    assert fastnn.confusion_matrix(TRUE, both)[1].tolist() == np.diag([3, 2, 2]).tolist()
    each = np.array([np.full((7, 3), 1 / 3), np.eye(3)[[0, 1, 0, 2, 1, 0, 2]]])
    assert fastnn.log_loss(TRUE, each).tolist() == [pytest.approx(math.log(3)), 0]


def test_numbers_of_classes_and_an_order_of_them():
    assert fastnn.confusion_matrix([1, 0, 1], [1.0, 1.0, 1.0], classes=(1, 0)).tolist() == [[2, 0], [1, 0]]
    assert fastnn.log_loss([0, 1], [0.25, 0.5]) == pytest.approx(-(math.log(0.75) + math.log(0.5)) / 2)
    several = [[0.25, 0.5, 0.5], [0.5, 0.5, 0.5]]
    assert fastnn.log_loss([0, 1, 0], several).tolist() == [
        pytest.approx(-(math.log(0.75) + 2 * math.log(0.5)) / 3),
        pytest.approx(math.log(2)),
    ]
    assert fastnn.log_loss(["a"], [[0.0, 1.0]], classes=("a", "b")) == math.inf


def test_a_network_that_names_no_class():
    assert fastnn.accuracy(["a", "b"], ["", "b"]) == 0.5
    assert fastnn.confusion_matrix(["a", "b"], ["", "b"], ["a", "b"]).tolist() == [[0, 0], [0, 1]]
    assert fastnn.confusion_matrix([0, 1], [-1, 1], [0, 1]).tolist() == [[0, 0], [0, 1]]


def test_f1_of_a_class_that_is_nowhere_is_not_defined():
    with pytest.warns(MetricNote, match="not defined for classes in no row and predicted for none, .*: eel"):
        found = fastnn.f1(["cat", "dog"], ["cat", "dog"], ["cat", "dog", "eel"], by_class=True)
    assert found.tolist()[:2] == [1, 1]
    assert math.isnan(found[2])
    with pytest.warns(MetricNote, match="is left out: eel"):
        assert fastnn.f1(["cat", "dog"], ["cat", "cat"], ["cat", "dog", "eel"]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: fastnn.accuracy(["a"], ["a", "b"]), r"prediction must have shape \(1,\) or \(M, 1\)"),
        (lambda: fastnn.accuracy(["a", 1.5], ["a", "b"]), "y must hold classes; got 1.5"),
        (lambda: fastnn.accuracy([0, 1], [0.3, 0.7]), "must hold classes; got 0.3. .* by predict_classes"),
        (lambda: fastnn.accuracy([0, 1], ["a", "b"]), "y and prediction must hold classes of one kind"),
        (lambda: fastnn.f1(["a", "b"], ["a", "c"], ["a", "b"]), "classes must list every class; got 'c'"),
        (lambda: fastnn.log_loss(["a", "b", "b"], [[0.5, 0.5]]), r"probabilities must have shape \(3, 2\)"),
        (lambda: fastnn.log_loss(["a", "b"], [[0.5, 0.5], [2.0, -1.0]]), r"from 0 to 1; got -1.0 .. 2.0"),
    ],
)
def test_refused(call, match):
    with pytest.raises(InputError, match=match):
        call()


def test_the_numbers_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="compares with scikit-learn")
    random = np.random.default_rng(4)
    for classes in (2, 3, 7):
        true, said = random.integers(classes, size=(2, 60))
        shares = random.dirichlet(np.ones(classes), 60)
        every = range(classes)
        assert fastnn.accuracy(true, said) == metrics.accuracy_score(true, said)
        wanted = metrics.confusion_matrix(true, said, labels=every)
        assert (fastnn.confusion_matrix(true, said, every) == wanted).all()
        by_class = metrics.f1_score(true, said, average=None, labels=every)
        assert fastnn.f1(true, said, by_class=True) == pytest.approx(by_class, rel=1e-14)
        macro = metrics.f1_score(true, said, average="macro")
        assert fastnn.f1(true, said) == pytest.approx(macro, rel=1e-14)
        lost = metrics.log_loss(true, shares, labels=every)
        assert fastnn.log_loss(true, shares, every) == pytest.approx(lost, rel=1e-13)

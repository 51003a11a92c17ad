"""Scikit-learn's own tests of its networks, and its checks of any estimator, on fastnn's estimators."""

import os
import subprocess
import sys
import warnings

import pytest

pytest.importorskip("sklearn.neural_network", reason="scikit-learn is not installed")

import sklearn.neural_network
from sklearn.utils._test_common import instance_generator
from sklearn.utils.estimator_checks import check_estimator

from fastnn.sklearn import MLPClassifier, MLPRegressor

OURS = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}
PRIVATE = "gradient learning_rate_warmstart adaptive_learning_rate n_iter_no_change n_iter_no_change_inf"
"""Their tests that look into private attributes."""

PLUGIN = """
import sklearn.neural_network as theirs
import fastnn.sklearn as ours

for name in ("MLPClassifier", "MLPRegressor"):
    setattr(theirs, name, getattr(ours, name))


def pytest_collection_modifyitems(items):
    assert len(items) > 40
    assert all(item.module.MLPRegressor is ours.MLPRegressor for item in items)
"""


@pytest.mark.slow
def test_their_tests_pass(tmp_path):
    (tmp_path / "swapping.py").write_text(PLUGIN)
    file = f"{os.path.dirname(sklearn.neural_network.__file__)}/tests/test_mlp.py"  # noqa: PTH120
    options = ["-p", "swapping", "-p", "no:cacheprovider", "--rootdir", tmp_path, "-c", os.devnull]
    left_out = [f"--deselect=::test_{name}" for name in PRIVATE.split()]
    paths = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *map(str, options), *left_out, file],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(left_out)} deselected" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
def test_their_checks_pass(name, monkeypatch):
    """With the arguments that their own suite gives its class of the same name."""
    theirs = getattr(sklearn.neural_network, name)
    for table in (instance_generator.INIT_PARAMS, instance_generator.PER_ESTIMATOR_CHECK_PARAMS):
        monkeypatch.setitem(table, OURS[name], table[theirs])
    estimator = OURS[name](**instance_generator.INIT_PARAMS[theirs])
    expected = instance_generator._get_expected_failed_checks(theirs())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, expected_failed_checks=expected, on_fail=None, on_skip=None)
    failed = [each for each in results if each["status"] == "failed"]
    assert not failed, failed[0]["exception"]
    assert sum(each["status"] == "passed" for each in results) > 50

"""Everything that must be refused at the public door, in words, before any work is done."""

import pickle
import re
from decimal import Decimal
from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from each_of import each_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastnn
from fastnn.checking import needing
from fastnn.sweeping import design
from fastnn.training import train

pytestmark = pytest.mark.filterwarnings("ignore::fastnn.ScaleWarning")  # junk has any size

NET = fastnn.Network((2, 2, 1))
NET.parameter_names  # noqa: B018 - worked out here, so that asking for them changes nothing that is compared
X = np.array([[0.0, 1.0], [1.0, 0.5], [0.5, 0.0], [0.25, 0.75]])
Y = np.array([0.0, 1.0, 0.5, 0.25])
START = [0.1] * 9


def changed(array, place, value):
    """A copy of an array with another value in one place."""
    copied = np.array(array)
    copied[place] = value
    return copied


class Sparse:
    """Looks like a scipy.sparse array."""

    shape = (4, 2)

    def tocsr(self):
        raise AssertionError("a sparse array was converted")


# What both train and sweep must refuse: the arguments that differ from good ones, and the refusal.
SHARED = {
    "network as layers": ({"network": (2, 2, 1)}, r"network must be a fastnn\.Network; got \(2, 2, 1\)"),
    "no network": ({"network": None}, "network must be a fastnn.Network; got None"),
    "the class itself": ({"network": fastnn.Network}, "network must be a fastnn.Network; got <class"),
    # X
    "X of too many columns": (
        {"X": np.ones((4, 3))},
        r"X has 3 columns but the network has 2 inputs; got X of shape \(4, 3\)\. "
        r"Use Network\(\(3, \.\.\.\)\) or drop a column\.",
    ),
    "X of too few columns": (
        {"X": np.ones((4, 1))},
        r"X has 1 column but .* 2 inputs; got X of shape \(4, 1\)\. Use Network\(\(1, .* or add a column",
    ),
    "X of one dimension": (
        {"X": Y},
        r"X must have 2 dimensions; got 1, of shape \(4,\)\. Reshape it: \[\[1, 2\]\] is one row",
    ),
    "X turned round": (
        {"X": X.T},
        r"X has 4 columns but .* 2 inputs; got X of shape \(2, 4\)\. Use .* or transpose it: one row",
    ),
    "X of three dimensions": ({"X": np.ones((2, 2, 2))}, r"X must have 2 dimensions; got 3"),
    "a number for X": ({"X": 3.0}, r"X must have 2 dimensions; got 0, of shape \(\)"),
    "X without rows": ({"X": np.ones((0, 2))}, r"X must hold at least one number; got shape \(0, 2\)"),
    "X without columns": ({"X": np.ones((4, 0))}, r"X must hold at least one number; got shape \(4, 0\)"),
    "an empty list": ({"X": []}, r"X must have 2 dimensions; got 1, of shape \(0,\)"),
    "NaN in X": (
        {"X": changed(X, (1, 1), np.nan)},
        r"X must be finite; got 1 NaN or infinite value\(s\), the first at \[1, 1\]",
    ),
    "infinity in X": ({"X": changed(X, 2, -np.inf)}, r"X must be finite; got 2 .* the first at \[2, 0\]"),
    "NaN in a DataFrame": (
        {"X": pd.DataFrame({"a": [1, None, 2, 3], "b": 1.0})},
        "X must be finite; .* the first at row 1 of column 'a'",
    ),
    "text columns in a DataFrame": (
        {"X": pd.DataFrame({"age": [1, 2, 3, 4], "sex": list("mfmf"), "region": ["n"] * 4})},
        r"column 'sex' of X must hold real numbers; got dtype (str|object)\..* make a Dataset",
    ),
    "dates in a DataFrame": (
        {"X": pd.DataFrame({"day": pd.date_range("2020-01-01", periods=4), "b": 1.0})},
        r"column 'day' of X must hold real numbers; got dtype datetime64",
    ),
    "missing values in a DataFrame": (
        {"X": pd.DataFrame({"a": pd.array([1, None, 2, 3], "Int64"), "b": 1.0})},
        "column 'a' of X must hold a number in each cell; got 1 missing",
    ),
    "a Dataset for X": (
        {"X": fastnn.load_insurance(simulated=True)},
        r"a Dataset must stand alone in the place of X and y; got a Dataset and .*\. Leave y out",
    ),
    "text for X": ({"X": "data.csv"}, "X must hold real numbers; got 'data.csv'. Give an array, a list or"),
    "numbers as text": ({"X": X.astype(str)}, "X must hold real numbers; got dtype <U"),
    "bytes for X": ({"X": b"12"}, "X must hold real numbers; got b'12'. Give an array"),
    "None for X": ({"X": None}, "X must hold real numbers; got None. Give an array"),
    "a ragged list of rows": (
        {"X": [[1, 2], [3]]},
        r"numbers; got \[\[1, 2\], \[3\]\]\. Give rows of equal length\.$",
    ),
    "a ragged list": (
        {"X": [[1, 2], [3]]},
        r"X must be a rectangular array of numbers; got \[\[1, 2\], \[3\]\]",
    ),
    "an object": ({"X": SimpleNamespace(rows=X)}, "X must hold real numbers; got a SimpleNamespace"),
    "a set": ({"X": {1, 2}}, "X must hold real numbers; got {1, 2}. Give an array"),
    "objects": ({"X": X.astype(object)}, r"X must hold real numbers; got dtype object\. .*astype\(float\)"),
    "complex numbers": (
        {"X": X + 0j},
        r"X must hold real numbers; got dtype complex128\. Take its real part",
    ),
    "dates": ({"X": X.astype("M8[s]")}, r"X must hold real numbers; got dtype datetime64\[s\]"),
    "a masked array": ({"X": np.ma.masked_less(X, 0.3)}, "X must be a plain array; got a masked array"),
    "a sparse array": ({"X": Sparse()}, r"X must be a dense array; got .* Call \.toarray"),
    "integers beyond float precision": (
        {"X": changed(X.astype("i8"), (0, 0), 2**53 + 1)},
        r"X must hold integers that float64 keeps exactly \(up to 2\*\*53\); got 9007199254740993",
    ),
    "large unsigned integers": (
        {"X": np.full((4, 2), 2**64 - 1, "u8")},
        "X must hold integers that float64 keeps",
    ),
    "integers beyond any dtype": ({"X": [[2**70, 1]] * 4}, "X must hold real numbers; got dtype object"),
    # y
    "fewer targets than rows": (
        {"y": Y[:3]},
        "X and y must have the same number of rows; got 4 and 3. Check that both come from the same table",
    ),
    "two columns of targets": (
        {"y": np.ones((4, 2))},
        r"y has 2 columns but the network has 1 output; got y of shape \(4, 2\)\. Use Network\(\(\.\.\.",
    ),
    "one column for two outputs": (
        {"network": fastnn.Network((2, 2, 2)), "y": Y},
        r"y has 1 column but the network has 2 outputs; got y of shape \(4,\)\. Use Network",
    ),
    "a number for y": ({"y": 1.0}, "y must have 1 or 2 dimensions; got 0"),
    "NaN in y": ({"y": changed(Y, 3, np.nan)}, r"y must be finite; got 1 .* the first at \[3\]"),
    "no targets": ({"y": []}, r"y must hold at least one number; got shape \(0,\)"),
    "text targets": ({"y": list("abcd")}, "y must hold numbers for .* identity outputs; got labels"),
    "a Series of text": (
        {"y": pd.Series(list("abcd"))},
        r"such as 'a'. Take Network\(\(.*4\), output=\"soft",
    ),
    "a masked y": ({"y": np.ma.masked_less(Y, 0.3)}, "y must be a plain array; got a masked array"),
    # numbers beyond float32
    "X too large for float32": (
        {"X": 1e39 * X, "dtype": "float32"},
        r'X must fit float32; got a number of magnitude 1e\+39\. Rescale it, or use dtype="float64"',
    ),
    "y too large for float32": ({"y": 1e39 * Y, "dtype": "float32"}, "y must fit float32; got .* 1e"),
    # learning rate
    "learning rate 0": (
        {"learning_rate": 0},
        r"learning_rate must be positive and within the range of float64; got 0\.0\. Give a number",
    ),
    "learning rate below 0": ({"learning_rate": -0.1}, r"learning_rate must be positive.*; got -0\.1"),
    "one of several not positive": (
        {"learning_rate": [0.1, -0.2]},
        r"learning_rate must be positive.*; got -0\.2",
    ),
    "learning rate NaN": (
        {"learning_rate": float("nan")},
        "learning_rate must be finite; got 1 NaN or infinite",
    ),
    "learning rate infinite": (
        {"learning_rate": np.inf},
        "learning_rate must be finite; got 1 NaN or infinite",
    ),
    "learning rate as text": (
        {"learning_rate": "0.1"},
        "learning_rate must hold real numbers; got '0.1'. Give",
    ),
    "learning rate a word": ({"learning_rate": "fast"}, "learning_rate must hold real numbers; got 'fast'"),
    "learning rate True": ({"learning_rate": True}, "learning_rate must be a number; got True"),
    "learning rate complex": (
        {"learning_rate": 0.1j},
        "learning_rate must hold real numbers; got dtype complex",
    ),
    "a table of learning rates": (
        {"learning_rate": [[0.1]]},
        "learning_rate must have 0 or 1 dimensions; got 2",
    ),
    "an empty list of them": (
        {"learning_rate": []},
        "learning_rate must hold at least one number; got shape",
    ),
    "learning rate beyond float32": (
        {"learning_rate": 1e39, "dtype": "float32"},
        r"learning_rate must be positive and within the range of float32; got 1e\+39",
    ),
    "learning rate below float32": (
        {"learning_rate": 1e-60, "dtype": "float32"},
        r"learning_rate must be positive and within the range of float32; got 1e-60",
    ),
    "twice the learning rate is infinite": (
        {"learning_rate": 1.7e308},
        "learning_rate must be positive and within",
    ),
    # epochs
    "epochs 0": ({"epochs": 0}, "epochs must be a whole number from 1 to 2147483647; got 0. Choose one"),
    "epochs below 0": ({"epochs": -3}, "epochs must be a whole number from 1 .*; got -3"),
    "epochs a float": ({"epochs": 10.0}, r"epochs must be a whole number .*; got 10\.0\. Write 10\."),
    "epochs True": ({"epochs": True}, "epochs must be a whole number .*; got True"),
    "epochs as text": ({"epochs": "10"}, "epochs must be a whole number .*; got '10'"),
    "no epochs": ({"epochs": None}, "epochs must be a whole number .*; got None"),
    "a list of epochs": ({"epochs": [10]}, r"epochs must be a whole number .*; got \[10\]"),
    "epochs beyond all bounds": ({"epochs": 10**5000}, "epochs must be a whole number .*; got a int"),
    # engine, dtype, shuffle, seed
    "an unknown engine": ({"engine": "gpu"}, "engine must be one of 'auto', 'loop', 'batched'.*; got 'gpu'"),
    "an engine's case": ({"engine": "Loop"}, "engine must be one of 'auto'.*; got 'Loop'"),
    "no engine": ({"engine": None}, "engine must be one of 'auto'.*; got None"),
    "an unknown dtype": ({"dtype": "float16"}, "dtype must be one of 'float64', 'float32'; got 'float16'"),
    "a dtype that is no name": (
        {"dtype": np.float32},
        "dtype must be one of .*; got <class 'numpy.float32'>",
    ),
    "shuffle 1": ({"shuffle": 1}, "shuffle must be True or False; got 1"),
    "shuffle as text": ({"shuffle": "yes"}, "shuffle must be True or False; got 'yes'"),
    "seed below 0": (
        {"seed": -1},
        "seed must be a whole number from 0 to 18446744073709551615; got -1. Take .* is 18446744073709551615",
    ),
    "seed too large": (
        {"seed": 2**64 + 7},
        r"seed must be a whole number .*; got 18446744073709551623\. Take seed % 2\*\*64, which is 7\.",
    ),
    "the entropy of a SeedSequence": (
        {"seed": 2**127 + 1},
        r"got 1701.*\. Take seed % 2\*\*64, which is 1\.",
    ),
    "seed beyond all bounds": ({"seed": 10**5000}, r"got a int\. Take seed % 2\*\*64, which is 0\."),
    "a SeedSequence": ({"seed": np.random.SeedSequence(1)}, "seed must be a whole number .*; got"),
    "a Generator": ({"seed": np.random.default_rng(1)}, "seed must be a whole number .*; got"),
    "seed True": ({"seed": True}, "seed must be a whole number .*; got True"),
    "seed as text": ({"seed": "5"}, "seed must be a whole number .*; got '5'"),
    "seed NaN": ({"seed": float("nan")}, r"seed must be a whole number .*; got nan\. Give an int"),
    "seed a large float": ({"seed": 1e30}, r"seed must be a whole number .*; got 1e\+30\. Give an int"),
    "an array of one seed": ({"seed": np.array([5])}, r"seed must be a whole number .*; got array\(\[5\]\)"),
    "seed a float": ({"seed": 1.0}, r"seed must be a whole number .*; got 1\.0"),
}

TRAIN = {
    "a start of the wrong length": (
        {"start": [1, 2, 3]},
        r"start must hold 9 numbers per network for Network\(\(2, 2, 1\).*; got shape \(3,\)\. Give",
    ),
    "several of the wrong length": (
        {"start": np.ones((4, 8))},
        r"start must hold 9 .*; got shape \(4, 8\)",
    ),
    "no networks": (
        {"start": np.ones((0, 9))},
        r"start must hold at least one number; got shape \(0, 9\)",
    ),
    "a number for start": ({"start": 1.0}, "start must have 1 or 2 dimensions; got 0"),
    "a start of three dimensions": (
        {"start": np.ones((1, 1, 9))},
        "start must have 1 or 2 dimensions",
    ),
    "NaN parameters": (
        {"start": [np.nan] * 9},
        r"start must be finite; got 9 NaN .* the first at \[0\]",
    ),
    "text parameters": (
        {"start": "normal"},
        "start must be numbers, or a rule such as fastnn.he.*; got 'normal'",
    ),
    "no parameters": (
        {"start": None},
        "start must be numbers, or a rule .*; got None. Leave it out",
    ),
    "a rule uncalled": (
        {"start": fastnn.normal},
        "start must be numbers, or a rule .* got <function normal",
    ),
    "a given start of the wrong length": (
        {"start": fastnn.given([1, 2])},
        r"start must hold 9 numbers per network .*; got shape \(2,\)",
    ),
    "given parameters too large for float32": (
        {"start": [1e39] * 9, "dtype": "float32"},
        r"start must fit float32; got a number of magnitude 1e\+39",
    ),
    "a start too large for float32": (
        {"start": fastnn.constant(1e39), "dtype": "float32"},
        r"start must fit float32; got a number of magnitude 1e\+39",
    ),
    "more learning rates than networks": (
        {"learning_rate": [0.1, 0.2, 0.3], "start": np.ones((2, 9))},
        "learning_rate must be one number or one for each of 2 networks; got 3. Give one for each network",
    ),
    "learning rates for a single network": (
        {"learning_rate": [0.1, 0.2]},
        "learning_rate must be one number or one for each of 1 network; got 2",
    ),
    "validation as one array": (
        {"validation": X},
        r"validation must be a pair \(X, y\), a Dataset, or .*; got .*array",
    ),
    "validation as a table": (
        {"validation": np.ones((9, 9))},
        r"validation must be a pair \(X, y\), a Dataset, or .*; got a ndarray",
    ),
    "validation without y": (
        {"validation": (X,)},
        r"validation must be a pair \(X, y\), a Dataset, or .*; got",
    ),
    "validation of three": (
        {"validation": (X, Y, 1)},
        r"validation must be a pair \(X, y\), a Dataset, or .*; got",
    ),
    "validation as text": (
        {"validation": "Xy"},
        r"validation must be a pair \(X, y\), a Dataset, or .*; got 'Xy'",
    ),
    "validation False": (
        {"validation": False},
        r"validation must be a pair \(X, y\), a Dataset, or .*; got False",
    ),
    "validation of other columns": (
        {"validation": (X[:, :1], Y)},
        "validation X has 1 column but the network has 2",
    ),
    "validation of other rows": (
        {"validation": (X, Y[:2])},
        "validation X and y must have the same number of rows",
    ),
    "NaN in validation X": (
        {"validation": (changed(X, 0, np.nan), Y)},
        "validation X must be finite; got 2 NaN",
    ),
    "NaN in validation y": (
        {"validation": (X, changed(Y, 0, np.nan))},
        "validation y must be finite; got 1 NaN",
    ),
    "validation of two targets": (
        {"validation": (X, np.ones((4, 2)))},
        r"validation y has 2 columns but the network has 1 output; got validation y of shape \(4, 2\)",
    ),
    "validation too large for float32": (
        {"validation": (1e39 * X, Y), "dtype": "float32"},
        "validation X must fit",
    ),
    "loss curves beyond the memory": (
        {"epochs": 2**31 - 1},
        r"loss curves may take at most 2 GiB; got shape \(1, 2147483647\), which is 16\.0 GiB\. Use",
    ),
}

SWEEP = {
    "networks 0": ({"networks": 0}, "networks must be a whole number of at least 1; got 0"),
    "networks below 0": ({"networks": -5}, "networks must be a whole number of at least 1; got -5"),
    "networks a float": ({"networks": 1e4}, r"networks must be a whole number .*; got 10000\.0"),
    "networks as text": ({"networks": "many"}, "networks must be a whole number .*; got 'many'"),
    "networks None": ({"networks": None}, "networks must be a whole number .*; got None"),
    "networks beyond the memory": (
        {"networks": 10**16},
        "must fit into memory; got 10 000 000 000 000 000 networks, whose results take .* TB. Sweep fewer",
    ),
    "no shuffle": ({"shuffle": None}, "shuffle must be True or False; got None"),
    "no seed": ({"seed": None}, "seed must be a whole number .*; got None"),
    "no optimizer": ({"optimizer": None}, "optimizer must be one of"),
    "start as text": ({"start": "he"}, "start must be numbers, or a rule such as .*; got 'he'. Leave it out"),
    "start uncalled": ({"start": fastnn.he}, "start must be numbers, or a rule .*; got <function he"),
    "start None": ({"start": None}, "start must be numbers, or a rule such as .*; got None"),
    "numbers of the wrong length": (
        {"start": [1, 2, 3]},
        r"start must hold 9 numbers per network .*; got shape \(3,\)\. Give all weights first",
    ),
    "a start of the wrong length": (
        {"start": fastnn.given(np.ones((3, 4)))},
        r"start must hold 9 numbers per network .*; got shape \(3, 4\)",
    ),
    "fewer given starts than networks": (
        {"start": fastnn.given(np.ones((2, 9)))},
        "start must hold a row for every network; got 2, for networks 0 to 1, where network 2 starts",
    ),
    "a start too large for float32": (
        {"start": fastnn.constant(1e39), "dtype": "float32"},
        r"start must fit float32; got a number of magnitude 1e\+39",
    ),
    "rows 0": ({"rows": 0}, "rows must be a whole number from 1 to 4; got 0"),
    "more rows than there are": ({"rows": [2, 5]}, "rows must be a whole number from 1 to 4; got 5"),
    "rows a float": ({"rows": 2.0}, r"rows must be a whole number from 1 to 4; got 2\.0"),
    "rows True": ({"rows": [True]}, "rows must be a whole number from 1 to 4; got True"),
    "rows as text": ({"rows": "2"}, "rows must be a whole number from 1 to 4; got '2'"),
    "no rows": ({"rows": []}, "rows must name at least one number of rows; got none"),
    "rows in rows": ({"rows": [[1], [1, 2]]}, r"rows must be a whole number from 1 to 4; got \[1\]"),
    "rows as an array of floats": (
        {"rows": np.array([1.0, 2.0])},
        r"rows must be a whole number .*; got 1\.0",
    ),
    "rows named twice": (
        {"rows": [3, 2, 3]},
        r"rows must name each value once; got \[3, 2, 3\]\. Drop the repeated",
    ),
    "learning rates named twice": (
        {"learning_rate": [0.1, 0.2, 0.1]},
        r"learning_rate must name each value once; got \[0\.1, 0\.2, 0\.1\]",
    ),
    "learning rates that float32 cannot tell apart": (
        {"learning_rate": [0.1, 0.1 + 1e-12], "dtype": "float32"},
        "learning_rate must name each value once",
    ),
    "workers 0": ({"workers": 0}, "workers must be a whole number from 1 to 1024; got 0"),
    "workers below 0": ({"workers": -1}, "workers must be a whole number from 1 to 1024; got -1"),
    "workers as text": ({"workers": "all"}, "workers must be a whole number .*; got 'all'"),
    "workers a float": ({"workers": 2.0}, r"workers must be a whole number .*; got 2\.0"),
    "progress as text": ({"progress": "bar"}, "progress must be True or False; got 'bar'"),
    "progress 1": ({"progress": 1}, "progress must be True or False; got 1"),
    "curves 0": ({"curves": 0}, "curves must be a whole number from 1 to [0-9]+; got 0"),
    "curves beyond the epochs": ({"curves": 301}, "curves must be a whole number from 1 to 1; got 301"),
    "curves None": ({"curves": None}, "curves must be True, False or a whole number of epochs; got None"),
    "curves a float": ({"curves": 2.0}, "curves must be True, False or a whole number of epochs; got 2.0"),
    "store a number": ({"store": 3}, "store must be the path of a folder; got 3. Give a str or a Path"),
    "executor as text": (
        {"executor": "dask"},
        "executor must be None, a number of processes, .*; got 'dask'",
    ),
    "executor 0": ({"executor": 0}, "executor must be a whole number from 1 to 1024; got 0"),
    "executor True": ({"executor": True}, "executor must be a whole number from 1 to 1024; got True"),
    "executor a class": ({"executor": SimpleNamespace}, "a function given as executor must make .*; got n"),
    "on_divergence": (
        {"on_divergence": "stop"},
        "on_divergence must be one of .*; got .stop.",
    ),
    "curves beyond the memory": (
        {"curves": True, "networks": 10**6, "epochs": 10**6},
        r"loss curves may take at most 2 GiB; got shape \(1000000, 1000000\), which is 7450\.6 GiB\. Sweep",
    ),
}

GOOD = {
    "train": {"network": NET, "X": X, "y": Y, "epochs": 1, "engine": "batched"},
    "sweep": {
        "network": NET,
        "X": X,
        "y": Y,
        "epochs": 1,
        "engine": "batched",
        "networks": 3,
        "progress": False,
    },
}
DOORS = [
    *(("train", case, *SHARED[case]) for case in SHARED),
    *(("sweep", case, *SHARED[case]) for case in SHARED),
    *(("train", case, *TRAIN[case]) for case in TRAIN),
    *(("sweep", case, *SWEEP[case]) for case in SWEEP),
]


def call(door, changes):
    """Call train or sweep with good arguments but for some."""
    return getattr(fastnn, door)(**(GOOD[door] | changes))


def has_three_parts(message):
    """Whether it says what is required, what was given and what to do."""
    return re.fullmatch(r"\S.{9,}?; got \S.*\. [A-Z'].{5,}\.", message, re.DOTALL) is not None


def contents(arguments):
    """What some arguments hold, to compare before and after."""
    tables = (pd.DataFrame, pd.Series)  # they also hold caches, which come and go
    return [value.to_csv() if isinstance(value, tables) else pickle.dumps(value) for value in arguments]


def told(refused):
    """The text of a refusal, which must have its three parts and be short enough to be read."""
    message = str(refused.value)
    assert has_three_parts(message), message
    assert len(message) < 500
    return message


@pytest.fixture
def untrained(monkeypatch):
    """Whatever is called, nothing may be trained."""

    def run(*arguments, **options):
        raise AssertionError("training began")

    monkeypatch.setattr(train, "run_kept", run)
    monkeypatch.setattr(design, "run", run)


@pytest.mark.parametrize("door", GOOD)
def test_the_good_arguments_are_good(door):
    assert call(door, {}) is not None


@pytest.mark.parametrize("door", GOOD)
def test_training_that_began_would_show(door, untrained):
    with pytest.raises(AssertionError, match="training began"):
        call(door, {})


@pytest.mark.parametrize(
    ("message", "complete"),
    [
        ("X must have 2 dimensions; got 1, of shape (4,). Reshape it.", True),
        ("X must have 2 dimensions; got 1, of shape (4,).", False),
        ("X must have 2 dimensions. Reshape it.", False),
        ("could not convert string to float: 'a'", False),
    ],
)
def test_a_message_can_lack_a_part(message, complete):
    assert has_three_parts(message) is complete


@each_of("door, case, changes, message", DOORS, told=lambda case: ", ".join(case[:2]))
def test_refused_in_words_before_any_work(door, case, changes, message, untrained):
    arguments = (GOOD[door] | changes).values()
    before = contents(arguments)
    with pytest.raises(fastnn.InputError, match=message) as refused:
        call(door, changes)
    told(refused)
    assert contents(arguments) == before


RUN = {
    "predict other columns": (
        lambda r: r.predict(np.ones((4, 3))),
        "X has 3 columns but the network has 2 inputs",
    ),
    "predict one dimension": (lambda r: r.predict(Y), "X must have 2 dimensions; got 1"),
    "predict NaN": (lambda r: r.predict(X * np.nan), "X must be finite; got 8 NaN"),
    "predict nothing": (lambda r: r.predict(X[:0]), r"X must hold at least one number; got shape \(0, 2\)"),
    "predict text": (lambda r: r.predict(X.astype(str)), "X must hold real numbers; got dtype <U"),
    "predict None": (lambda r: r.predict(None), "X must hold real numbers; got None"),
    "score X alone": (lambda r: r.score(X), "X must come with y, or be a Dataset; got X alone"),
    "score other rows": (
        lambda r: r.score(X, Y[:3]),
        "X and y must have the same number of rows; got 4 and 3",
    ),
    "score two targets": (
        lambda r: r.score(X, np.ones((4, 2))),
        "y has 2 columns but the network has 1 output",
    ),
    "score NaN": (lambda r: r.score(X, Y * np.nan), "y must be finite; got 4 NaN"),
    "score other columns": (lambda r: r.score(X[:, :1], Y), "X has 1 column but the network has 2 inputs"),
    "score a Dataset and y": (
        lambda r: r.score(fastnn.load_insurance(simulated=True), Y),
        "a Dataset must stand alone in the place of X and y; got a Dataset and a",
    ),
    "score a Dataset of other inputs": (
        lambda r: r.score(fastnn.load_insurance(simulated=True, inputs="age")),
        "data must have the network's 2 inputs and 1 output; got 1 input",
    ),
    "predict a Dataset of other targets": (
        lambda r: r.predict(
            fastnn.load_insurance(simulated=True, inputs=["sex", "bmi"], target=["age", "charges"])
        ),
        "data must have the network's 2 inputs and 1 output; got 2 inputs .sex, bmi. and 2 targets",
    ),
}
SWEPT = {
    "replay below 0": (lambda s: s.replay(-1), "number must be a whole number from 0 to 2; got -1"),
    "replay beyond": (lambda s: s.replay(3), "number must be a whole number from 0 to 2; got 3"),
    "replay text": (lambda s: s.replay("0"), "number must be a whole number from 0 to 2; got '0'"),
    "best 0": (lambda s: s.best(0), "count must be a whole number of at least 1; got 0"),
    "best a float": (lambda s: s.best(2.0), r"count must be a whole number of at least 1; got 2\.0"),
    "predict beyond": (
        lambda s: s.predict(X, [0, 3]),
        "each of numbers must be a whole number from 0 to 2; got 3",
    ),
    "predict below 0": (
        lambda s: s.predict(X, -1),
        "each of numbers must be a whole number from 0 to 2; got -1",
    ),
    "predict a mask": (lambda s: s.predict(X, np.array([True])), "each of numbers must be .*; got True"),
    "predict floats": (lambda s: s.predict(X, [1.5]), r"each of numbers must be .*; got 1\.5"),
    "predict lists of lists": (
        lambda s: s.predict(X, [[1], [1, 2]]),
        r"each of numbers must be .*; got \[1\]",
    ),
}


@pytest.fixture(scope="module")
def results():
    """A Training and a Sweep."""
    return {door: call(door, {}) for door in GOOD}


@pytest.mark.parametrize(
    ("door", "ask", "message"),
    [
        *(pytest.param("train", *RUN[case], id=f"training, {case}") for case in RUN),
        *(pytest.param("sweep", *RUN[case], id=f"sweep, {case}") for case in RUN),
        *(pytest.param("sweep", *SWEPT[case], id=f"sweep, {case}") for case in SWEPT),
    ],
)
def test_results_refuse_too(results, door, ask, message, untrained):
    before = contents([GOOD, results[door].parameters])
    with pytest.raises(fastnn.InputError, match=message) as refused:
        ask(results[door])
    told(refused)
    assert contents([GOOD, results[door].parameters]) == before


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: fastnn.Network((2, 0, 1)), "each of layers must be a whole number of at least 1; got 0"),
        (lambda: fastnn.Network((2, -1)), "each of layers must be a whole number of at least 1; got -1"),
        (lambda: fastnn.Network((2, 2.0, 1)), r"each of layers must be a whole number .*; got 2\.0"),
        (lambda: fastnn.Network((2, True)), "each of layers must be a whole number .*; got True"),
        (lambda: fastnn.Network((2,)), r"layers must name at least inputs and outputs; got \(2,\)"),
        (lambda: fastnn.Network(()), r"layers must name at least inputs and outputs; got \(\)"),
        (lambda: fastnn.Network("221"), "layers must be a sequence of whole numbers; got '221'"),
        (lambda: fastnn.Network(3), "layers must be a sequence of whole numbers; got 3"),
        (
            lambda: fastnn.Network((2, 2, 1), "softmax"),
            "hidden must be an activation of single units",
        ),
        (lambda: fastnn.Network((2, 2, 1), "ReLU"), "hidden must be one of 'relu', .*; got 'ReLU'"),
        (lambda: fastnn.Network((2, 2, 1), None), "hidden must be one of 'relu', .*; got None"),
        (
            lambda: fastnn.Network((2, 2, 1), ["relu", "tanh"]),
            "hidden must name one activation for each of 1 hidden",
        ),
        (lambda: fastnn.Network((2, 2, 1), [1]), "each of hidden must be one of 'relu', .*; got 1"),
        (
            lambda: fastnn.Network((2, 2, 1), output="linear"),
            "output must be one of 'relu', .*; got 'linear'",
        ),
        (lambda: fastnn.code((2, 2, 1)), r"network must be a fastnn\.Network; got \(2, 2, 1\)"),
        (lambda: fastnn.code(NET, "gpu"), "engine must be one of 'auto', .*; got 'gpu'"),
        (lambda: fastnn.code(NET, dtype="int8"), "dtype must be one of 'float64', 'float32'; got 'int8'"),
        (
            lambda: fastnn.code(NET, "loop", np.float64),
            "dtype must be one of 'float64', 'float32'; got <class",
        ),
    ],
)
def test_descriptions_refuse_too(ask, message):
    with pytest.raises(fastnn.InputError, match=message) as refused:
        ask()
    told(refused)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import absent", "absent is not installed"),
        ("import broken", "broken fails: a library is too old"),
        ("from sys import absent", "sys fails: cannot import name 'absent' from 'sys' (unknown location)"),
    ],
)
def test_a_library_that_is_missing_or_broken(source, found, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise ImportError('a library is too old', name='broken')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(fastnn.InputError) as refusal, needing("pages need it", "plot"):
        exec(source)  # noqa: S102
    assert str(refusal.value) == f'pages need it; {found}. Run: pip install "fastnn-sweep[plot]"'


def test_a_refusal_is_a_value_error():
    assert issubclass(fastnn.InputError, ValueError)


class Hostile:
    """Has no length, no truth, no order and no repr."""

    def __repr__(self):
        raise RuntimeError("no repr")

    def __bool__(self):
        raise RuntimeError("no truth")

    def __eq__(self, other):
        raise RuntimeError("no equality")

    __hash__ = None


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.decimals(),
    st.fractions(),
    st.dates(),
    st.sampled_from([10**400, -(10**400), 2**63, 2**64, np.float32(1), np.int8(3), np.bool_(True), ...]),
    st.sampled_from([object(), int, len, fastnn, range(3), Decimal("NaN"), pd.NA, pd.NaT, slice(3)]),
    st.sampled_from(
        ["auto", "loop", "batched", "float32", "float64", NET, fastnn.Network((1, 1)), fastnn.he()]
    ),
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
ARRAYS = st.one_of(
    hnp.arrays(st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(max_len=3)), SHAPES),
    hnp.arrays(np.dtype(object), SHAPES, elements=SCALARS),
)
FITTING = hnp.arrays(
    st.one_of(hnp.floating_dtypes(), hnp.integer_dtypes(), hnp.boolean_dtypes()),
    st.sampled_from([(4, 2), (4,), (9,), (2, 9), (4, 1), (2,)]),
)
FRAMES = (
    st.one_of(ARRAYS, FITTING).filter(lambda a: 0 < a.ndim < 3 and a.dtype.kind not in "mM").map(pd.DataFrame)
)
JUNK = st.recursive(
    st.one_of(SCALARS, ARRAYS, FITTING),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=2),
    ),
    max_leaves=6,
)
TRAIN_ARGUMENTS = (
    *("network", "X", "y", "start", "learning_rate", "epochs", "engine", "dtype", "shuffle", "seed"),
    *("validation", "patience", "min_delta", "watch"),
)


@pytest.fixture(scope="module")
def instantly():
    """Training takes no time and leaves what is there: junk may happen to be good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            train,
            "run_kept",
            lambda job, course, *_, **options: course.finish(job.network.n_parameters) or course,
        )
        yield


def refused_or_taken(argument, junk):
    """Whether train takes some junk or refuses it in words; any other exception passes through."""
    try:
        run = call("train", {argument: junk})
    except fastnn.InputError as error:
        return "; got " in str(error)
    return isinstance(run, fastnn.Training)


@settings(max_examples=25)
@pytest.mark.parametrize("argument", TRAIN_ARGUMENTS)
@given(junk=st.one_of(JUNK, FRAMES))
def test_junk_is_refused_in_words_or_taken(instantly, argument, junk):
    assert refused_or_taken(argument, junk)


UNWIELDY = {
    "beyond a float": 10**400,
    "beyond Python's text": 10**5000,
    "beyond float64": np.full((4, 2), "1e4000", np.longdouble),
    "below float64": np.longdouble("1e-4000"),
    "without a repr": Hostile(),
    "in itself": [],
    "not quite a table": [[1, 2], 3],
    "an array of Python ints": np.array([[2**70, 1]] * 4),
}
UNWIELDY["in itself"].append(UNWIELDY["in itself"])


@each_of("argument, junk", product(TRAIN_ARGUMENTS, UNWIELDY))
def test_so_is_what_python_cannot_handle(instantly, argument, junk):
    assert refused_or_taken(argument, UNWIELDY[junk])

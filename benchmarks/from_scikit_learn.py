"""The timings of the guide's chapter "From scikit-learn": `fit` as it is called, of both, in turns.

    python from_scikit_learn.py            # prints the table
    python from_scikit_learn.py --write    # and puts it into the chapter

The tables are those that come with scikit-learn, standardised; kernels are compiled before the clock starts.
"""

import sys
import warnings
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from sklearn import datasets, neural_network
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

import fastnn
from fastnn import sklearn as ours
from fastnn.system.background import finish
from results import installed, processor, write

CHAPTER = Path(fastnn.__file__).parent / "guide" / "from_scikit_learn.md"
TABLES = ("diabetes", "iris", "wine", "breast_cancer", "linnerud")
ROUNDS, STARTS = 5, 10
GRID = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2], "learning_rate_init": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]}
HEAD = """
Milliseconds of a `fit` with the default parameters but `hidden_layer_sizes`, and how many times faster fastnn
is. Last, how much faster 100 starts at once are than one fit of scikit-learn's, and a search of 20 settings
on 5 folds from 10 starts than ten of its GridSearchCV.

| table | (10,) there | here | times | (100,) there | here | times | 100 starts | search |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def table(name):
    """A table's rows and targets, and the name of the class that learns it."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    if name in ("diabetes", "linnerud"):
        return X, (y - y.mean(axis=0)) / y.std(axis=0), "MLPRegressor"
    return X, y, "MLPClassifier"


def seconds(call):
    """The processor's seconds that a call takes."""
    began = process_time()
    call()
    return process_time() - began


def fits(name, size, **more):
    """The medians of both in seconds, and that of their ratios; `more` is what fastnn's is given besides."""
    X, y, kind = table(name)
    theirs, mine = getattr(neural_network, kind), getattr(ours, kind)
    for _ in range(2):  # the first fit takes a kernel for all sizes, the second one asks for its own
        mine(hidden_layer_sizes=size, random_state=0, **more).fit(X, y)
    finish()
    found = []
    for seed in range(ROUNDS):
        there = theirs(hidden_layer_sizes=size, random_state=seed)
        here = mine(hidden_layer_sizes=size, random_state=seed, **more)
        taken = [seconds(lambda model=model: model.fit(X, y)) for model in (there, here)]
        found.append((*taken, taken[0] / taken[1]))
    return [median(column) for column in zip(*found, strict=True)]


def search(name):
    """How many times faster a search is than as many fits of scikit-learn's."""
    X, y, kind = table(name)
    given = {"hidden_layer_sizes": (10,), "random_state": 0}
    here = ours.MLPSearchCV(getattr(ours, kind)(**given, n_starts=STARTS), GRID, cv=5, n_jobs=1)
    there = GridSearchCV(getattr(neural_network, kind)(**given), GRID, cv=5)
    here.fit(X, y)
    return STARTS * seconds(lambda: there.fit(X, y)) / seconds(lambda: here.fit(X, y))


def section():
    """The table, and the sentence on the machine."""
    lines, ratios = [], []
    for name in TABLES:
        small, large = fits(name, (10,)), fits(name, (100,))
        ratios.append((small[2], large[2], fits(name, (10,), n_starts=100)[2], search(name)))
        cells = [f"{1e3 * small[0]:.0f}", f"{1e3 * small[1]:.2f}", f"{small[2]:.1f}"]
        cells += [f"{1e3 * large[0]:.0f}", f"{1e3 * large[1]:.2f}", f"{large[2]:.1f}"]
        lines.append(f"| {name} | {' | '.join(cells)} | {ratios[-1][2]:.1f} | {ratios[-1][3]:.0f} |")
    small, large, starts, searched = np.median(ratios, axis=0)
    lines.append(f"| median | | | {small:.1f} | | | {large:.1f} | {starts:.1f} | {searched:.0f} |")
    packages = ", ".join(f"{name} {installed(name)}" for name in ("scikit-learn", "numpy", "numba"))
    where = f"\nOne core of {processor()}; fastnn {fastnn.__version__}, {packages}."
    return HEAD.lstrip() + "\n".join([*lines, where])


def main():
    """Measure; print; write."""
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        text = section()
    print(text)
    if "--write" in sys.argv[1:]:
        write(CHAPTER, "scikit-learn", text)


if __name__ == "__main__":
    main()

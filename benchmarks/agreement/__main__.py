"""``python -m agreement [--write]``: how far each library's parameters are from fastnn's, rule by rule."""

import argparse
from importlib.metadata import version
from pathlib import Path

import numpy as np

import fastnn
import results
from agreement import (
    BATCH,
    EPOCHS,
    LOSSES,
    OURS,
    apart,
    by_fastnn,
    by_library,
    is_installed,
    libraries,
    of_classes,
)

CHAPTER = Path(fastnn.__file__).parent / "guide" / "other_libraries.md"
NAMES = {"torch": "PyTorch", "keras": "Keras", "sklearn": "scikit-learn", "optax": "optax"}
DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def table():
    """The table in Markdown, and the sentence that says what was measured."""
    found = {library: by_library(library) for library in NAMES if is_installed(library)}
    heads = [f"{NAMES[name]} {version(DISTRIBUTIONS.get(name, name)).partition('+')[0]}" for name in found]
    rows = [["rule", *heads], ["---"] * (1 + len(found))]
    rows += [[f"`{rule}`", *(_cell(found[name], rule) for name in found)] for rule in (*OURS, *LOSSES)]
    parameters = len(by_fastnn("sgd"))
    said = (
        f"The largest relative difference of any of {parameters} parameters after {EPOCHS} epochs in batches "
        f"of {BATCH}; - where the library has no such rule. Losses are trained by `sgd`."
    )
    return "\n".join([said, "", *_lines(rows), "", *_of_classes(found)])


def _of_classes(found):
    """The lines of the table of classifiers, and the sentence before it; none without scikit-learn."""
    if "sklearn" not in found:
        return []
    heads = [name for name in of_classes.LIBRARIES if name in found]
    rows = [["table", "network", *(NAMES[name] for name in heads)], ["---"] * (2 + len(heads))]
    for name in of_classes.TABLES:
        layers, ours = of_classes.network(name).layers, of_classes.probabilities(name)
        apart = [np.abs(of_classes.by_library(library)[name] - ours).max() for library in heads]
        rows.append([name, "-".join(map(str, layers)), *(f"{difference:.0e}" for difference in apart)])
    said = (
        "The largest difference of any probability between classifiers of the tables that scikit-learn "
        f"brings, after {of_classes.EPOCHS} epochs by `sgd` in batches of {of_classes.BATCH}, ReLU in the "
        "hidden layer."
    )
    return [said, "", *_lines(rows)]


def _lines(rows):
    return [f"| {' | '.join(row)} |" for row in rows]


def _cell(trained, rule):
    if rule not in trained:
        return "-"
    difference = apart(by_fastnn(rule), trained[rule])
    return f"{difference:.0e}" if difference else "0"


def main():
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(prog="agreement", description=__doc__)
    parser.add_argument("--write", action="store_true", help="into the guide; needs all libraries")
    if parser.parse_args().write:
        missing = [name for name in libraries.RULES if not is_installed(name)]
        if missing:
            raise SystemExit(f'{", ".join(missing)} missing: pip install "fastnn-sweep[peers]"')
        results.write(CHAPTER, "agreement", table())
    else:
        print(table())


if __name__ == "__main__":
    main()

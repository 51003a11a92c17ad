"""``python -m fastnn.comparing.process FOLDER``: run one of the programs in a process of its own.

Keras reads its backend from the environment when it is imported, and JAX its precision; and only a fresh
process shows the time to import and compile. The process reads ``task.json`` and ``arrays.npz`` in the folder
and writes ``result.json``.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

__all__ = ["main"]

MEASURED_SECONDS = 0.2


def main(folder: Path) -> None:
    """Train for one epoch twice, the first time to import and compile, and then for all epochs if it is more.

    If all epochs take too little time to be measured, train again for more epochs.
    """
    began = perf_counter()
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    program = _program(task["program"])
    problem, recipe = _problem(folder, task)
    program(*problem, 1, recipe)
    first = perf_counter() - began
    one, (parameters, loss) = _seconds(lambda: program(*problem, 1, recipe))
    epochs, several = task["epochs"], one
    if epochs > 1:
        several, (parameters, loss) = _seconds(lambda: program(*problem, epochs, recipe))
    while epochs == 1 or several - one < MEASURED_SECONDS:
        epochs *= 4
        several, _ = _seconds(lambda: program(*problem, epochs, recipe))  # noqa: B023 - called at once
    found = {
        "parameters": parameters.tolist(),
        "loss": float(loss),
        "first": first,
        # The difference leaves out the cost of making a model before its first epoch.
        "per_epoch": (several - one) / (epochs - 1),
    }
    (folder / "result.json").write_text(json.dumps(found), encoding="utf-8")


def _program(name: str) -> Callable[..., Any]:
    from fastnn.comparing.programs import with_fastnn, with_keras, with_sklearn, with_torch

    if name != "keras":
        return {"fastnn": with_fastnn, "scikit-learn": with_sklearn, "pytorch": with_torch}[name]
    import keras

    warnings.simplefilter("ignore")
    keras.config.set_floatx("float64")
    return with_keras


def _problem(folder: Path, task: dict[str, Any]) -> tuple[tuple[Any, ...], Any]:
    """What a program is given before the epochs, and by name after them."""
    import numpy as np

    from fastnn.core.network import Network
    from fastnn.core.recipe import Recipe

    network = Network(task["layers"], task["hidden"], task["output"])
    recipe = Recipe.read(task["recipe"])
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        return (arrays["X"], arrays["Y"], network, arrays["start"], task["learning_rate"]), recipe


def _seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    began = perf_counter()
    found = work()
    return perf_counter() - began, found


if __name__ == "__main__":
    main(Path(sys.argv[1]))

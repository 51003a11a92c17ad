"""The comparison itself: each program is run on the same problem, and the results stand side by side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, finite_number, one_of, shown, whole_number
from fastnn.comparing.programs import (
    lines_of_code,
    source_lines,
    with_fastnn,
    with_keras,
    with_sklearn,
    with_torch,
)
from fastnn.core.losses import need_targets
from fastnn.core.network import Network, checked_network
from fastnn.core.recipe import DEFAULT, Asked, Recipe
from fastnn.data.datasets import Dataset
from fastnn.data.rows import checked_rows
from fastnn.models.keras import BACKENDS, installed_backends
from fastnn.models.keras_activations import need_shared_activations
from fastnn.models.keras_training import need_shared_rule
from fastnn.models.sklearn import need_sklearn_network
from fastnn.models.sklearn_training import need_sklearn_rule
from fastnn.models.torch_training import need_torch_rule
from fastnn.training.plan import code
from fastnn.training.scoring import scores, scores_of
from fastnn.training.starts import DEFAULT_START, Start, starting_parameters

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison", "Result", "compare"]

TITLES = {"sklearn": "scikit-learn", "torch": "pytorch"}
LIBRARIES = ("keras", *TITLES)
PROGRAMS = {"fastnn": with_fastnn, "scikit-learn": with_sklearn, "pytorch": with_torch}
INSTALL = 'Keras is not installed with a backend: pip install "fastnn-sweep[peers]"'


@dataclass(frozen=True, eq=False)
class Result:
    """The result of one program.

    Attributes
    ----------
    name : str
    lines : int
        Lines of code.
    first : float
        Seconds from a fresh start to the end of a first epoch, with importing and compiling.
    per_epoch : float
        Seconds for each epoch after the first.
    loss : float
        The loss of the last epoch, as the program reports it: Keras's has l1 and l2 in it.
    parameters : (P,) float64
        The parameters after the last epoch.
    """

    name: str
    lines: int
    first: float
    per_epoch: float
    loss: float
    parameters: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """The same training by several programs.

    Attributes
    ----------
    network : Network
    data : Dataset
    start : (P,)
    learning_rate : float
    epochs : int
    results : list of Result
        fastnn's comes first.
    missing : list of str
        Each program that could not take part, and why, or what to install.
    by_hand : int
        Lines of code of the loop that fastnn derives and prints; a student would write it by hand.
    recipe : Recipe
    """

    network: Network
    data: Dataset
    start: NDArray[np.float64]
    learning_rate: float
    epochs: int
    results: list[Result]
    missing: list[str]
    by_hand: int
    recipe: Recipe = DEFAULT

    def frame(self) -> pd.DataFrame:
        """Return a table of the programs.

        Columns: program, lines, first, per_epoch; loss; the `scores` over all rows, in the target's unit;
        apart, the largest difference of a final weight or bias from fastnn's.
        """
        import pandas as pd

        parameters = np.array([result.parameters for result in self.results])
        every = scores_of(type(self.recipe.loss), self.network, self.data.classes)
        score = scores(self.network, parameters, self.data, names=every)
        return pd.DataFrame(
            {
                "program": [result.name for result in self.results],
                "lines": [result.lines for result in self.results],
                "first": [result.first for result in self.results],
                "per_epoch": [result.per_epoch for result in self.results],
                "loss": [result.loss for result in self.results],
                **{name: score[name] for name in self.scores},
                "apart": np.abs(parameters - parameters[0]).max(axis=1),
            }
        )

    @property
    def scores(self) -> tuple[str, ...]:
        """The names of the scores that go with the loss: r2 and mape, or accuracy and log_loss."""
        names = scores_of(type(self.recipe.loss), self.network, self.data.classes)
        return tuple(name for name in names if name not in ("mse", "f1"))

    def weights(self) -> pd.DataFrame:
        """Return a table of the parameters: their names, their start, and each program's final values."""
        import pandas as pd

        names = {result.name: result.parameters for result in self.results}
        return pd.DataFrame({"parameter": self.network.parameter_names, "start": self.start, **names})


def compare(
    network: Network,
    data: Dataset,
    start: ArrayLike | Start = DEFAULT_START,
    *,
    learning_rate: float | None = None,
    epochs: int = 10,
    seed: int = 0,
    library: str = "keras",
    backends: Sequence[str] | None = None,
    told: Callable[[str], None] | None = None,
    **training: Unpack[Asked],
) -> Comparison:
    """Train the same network from the same start on the same rows in the same order, here and in Keras.

    Keras trains in float64 and without shuffling. It trains on every installed
    backend (jax, tensorflow, torch), each in its own process; an epoch of 1338 rows takes 0.05 to 2 seconds.

    Parameters
    ----------
    network : Network
    data : Dataset
    start : array_like (P,), or Start
        The starting parameters; a Start draws those of network 0 of `seed`.
    learning_rate, epochs, seed
        As in `fastnn.train`.
    **training
        `loss`, `optimizer`, `batch_size`, penalties and `clip`, as in `fastnn.train`. The optimizer is one
        that Keras has alike: sgd, momentum, nesterov, or Adam with ``eps_hat=True``; or Adam, RMSProp or
        Adagrad with an eps of at most 1e-30, which Keras adds elsewhere, where it does not matter.
    library : str
        "keras", or "sklearn" or "torch", which are compared alike. Each refuses what it does otherwise: see
        the guide's chapter on other libraries.
    backends : sequence of str, optional
        The backends of Keras that take part; by default all that are installed.
    told : callable, optional
        Called with the name of each program before it runs.

    Raises
    ------
    InputError
        For any argument that does not fit, before any work is done.
    """
    if not isinstance(data, Dataset):
        raise InputError(f"data must be a fastnn.Dataset; got {shown(data)}. Make one with load_insurance().")
    one_of(library, "library", LIBRARIES)
    if library == "keras":
        need_shared_activations(checked_network(network))
    X, Y = checked_rows(network, data, None, "float64")
    begun = starting_parameters(start, network, seed, (1,))
    recipe = Recipe.of(network, rows=len(X), **training)
    need_targets(type(recipe.loss), network.output, Y)
    _need_shared_rule(library, network, recipe, len(X))
    rate = recipe.optimizer.learning_rate if learning_rate is None else learning_rate
    rate = finite_number(rate, "learning_rate", positive=True)
    problem = (X, Y, network, begun, rate)
    epochs = whole_number(epochs, "epochs", 1)
    if library == "keras":
        backends = installed_backends() if backends is None else backends
        theirs = [one_of(backend, "each of backends", BACKENDS) for backend in backends]
        missing = [] if theirs else [INSTALL]
    else:
        theirs = [TITLES[library]] if find_spec(f"{library}.utils") else []
        missing = [] if theirs else [f"{TITLES[library]} is not installed: {INSTALL.partition(': ')[2]}"]
    wanted, results = ["fastnn", *theirs], []
    for name in wanted:
        if told is not None:
            told(_title(name))
        try:
            results.append(_run(name, problem, epochs, recipe))
        except subprocess.CalledProcessError as error:
            if name == "fastnn":
                raise
            missing.append(f"{_title(name)} failed: {_last_line(error.stderr)}")
    by_hand = lines_of_code(code(network, "loop", **recipe.asked))
    return Comparison(network, data, begun, rate, epochs, results, missing, by_hand, recipe)


def _need_shared_rule(library: str, network: Network, recipe: Recipe, rows: int) -> None:
    """Refuse what a library does otherwise."""
    if library == "keras":
        need_shared_rule(recipe, rows)
    elif library == "sklearn":
        need_sklearn_network(network)
        need_sklearn_rule(network, recipe, rows)
    else:
        need_torch_rule(network, recipe)


def _run(name: str, problem: Any, epochs: int, recipe: Recipe) -> Result:
    """Run one of `PROGRAMS`, or Keras on the backend `name`, in a process of its own."""
    X, Y, network, start, learning_rate = problem
    program = PROGRAMS.get(name, with_keras)
    task = {
        "program": name if name in PROGRAMS else "keras",
        "layers": network.layers,
        "hidden": network.hidden,
        "output": network.output,
        "learning_rate": learning_rate,
        "epochs": epochs,
        "recipe": recipe.plain,
    }
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        np.savez(folder / "arrays.npz", X=X, Y=Y, start=start)
        (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
        command = [sys.executable, "-m", "fastnn.comparing.process", temporary]
        subprocess.run(command, env=_environment(name), check=True, capture_output=True, text=True)  # noqa: S603
        found = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    parameters = np.array(found.pop("parameters"))
    return Result(_title(name), source_lines(program), parameters=parameters, **found)


def _environment(name: str) -> dict[str, str]:
    """This process's environment, with Keras's backend, JAX in float64, and the path of this fastnn."""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **quiet, "KERAS_BACKEND": name, "JAX_ENABLE_X64": "1", "PYTHONPATH": path}


def _title(name: str) -> str:
    return name if name in PROGRAMS else f"keras ({name})"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"

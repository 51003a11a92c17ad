"""The numbers of a surface: a network's answers over one or two of its inputs, and the rows trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, shown, whole_number, whole_numbers
from fastnn.data.classes import Names, chosen_classes
from fastnn.data.datasets import Dataset
from fastnn.data.holding import grid_of_inputs, held_at, inputs_to_draw
from fastnn.data.recoding import with_classes
from fastnn.data.rows import checked_rows
from fastnn.showing.lettering import distinct
from fastnn.training.result import Training

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GRID", "held_name", "surface"]

Array = NDArray[Any]

GRID = 61  # points of a surface along each input


def surface(
    training: Training,
    X: Any,
    y: ArrayLike | None = None,
    inputs: tuple[int, int] | None = None,
    output: int | None = None,
) -> pd.DataFrame:
    """kind, the two inputs, the output, and the residual (the row's target less the network's answer).

    Lines of kind "fitted" hold the answers over a grid, and have no residual. Lines of kind "data" hold the
    rows trained on. Of a network of classes, unless an output is named: the class that a row has, the class
    predicted, and the output of each class by its name. If there is one output, the first class has what it
    leaves of 1.

    See `fastnn.plotting.surface` for the arguments. ``attrs["marks"]`` holds the category names of 0, 1, 2,
    ... for each column of categories; ``attrs["held"]`` holds the value of each other input: "children = 1";
    ``attrs["classes"]`` the columns of the classes in their order, if there are any.
    """
    if training.parameters.ndim > 1:
        raise InputError(
            f"surface draws one network; got {len(training.parameters)}. Train, or replay, one of them alone."
        )
    place = None if output is None else whole_number(output, "output", 0, training.network.n_outputs - 1)
    classes = training.classes if place is None else None
    rows = _rows_of(training, X, y)
    chosen = _chosen(training, X, rows, inputs, of_classes=classes is not None)
    axes = [np.linspace(rows.X[:, place].min(), rows.X[:, place].max(), GRID) for place in chosen]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(chosen))
    grid = grid_of_inputs(X, rows.X, points, chosen)
    columns = _columns_of_inputs(X, rows, grid, chosen)
    if classes is None:
        columns |= _of_an_output(training, X, rows, grid, place or 0, columns)
    else:
        columns |= _of_classes(training, rows, grid, classes, columns, _target_of(X))
    table = _as_table(columns, len(grid), len(rows.X))
    table.attrs["held"] = held_at(X, grid[0], chosen, rows.names)
    if isinstance(X, Dataset):
        table.attrs["marks"] = {held_name(name): texts for name, texts in X.scaling.marks.items()}
    if classes is not None:
        table.attrs["classes"] = list(table)[-len(classes) :]
    return table


def held_name(name: object) -> str:
    """A name that a table can hold: halves of surrogate pairs are escaped."""
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows trained on: inputs (N, D), scaled if from a Dataset, targets (N, K), and the inputs' names."""

    X: Array
    Y: Array
    names: list[str]


def _rows_of(training: Training, X: Any, y: Any) -> _Rows:
    X = with_classes(training.network, X, training.named_classes)
    inputs, targets = checked_rows(training.network, X, y, "float64", known=training.classes)
    targets = X.target_values.reshape(X.rows, -1) if _has_unit(X) else targets
    given = X.inputs if isinstance(X, Dataset) else [f"x{n + 1}" for n in range(inputs.shape[1])]
    names = [held_name(name) for name in given]
    return _Rows(inputs[: training.rows], targets[: training.rows], names)


def _has_unit(X: Any) -> bool:
    """Whether the rows are a Dataset whose targets have a unit of their own: classes have none."""
    return isinstance(X, Dataset) and X.classes is None


def _target_of(X: Any) -> str:
    """The name of the classes' column."""
    return held_name(X.target) if isinstance(X, Dataset) and isinstance(X.target, str) else "class"


def _chosen(training: Training, X: Any, rows: _Rows, inputs: Any, *, of_classes: bool) -> list[int]:
    """The places of the inputs to draw over."""
    network, count = training.network, training.network.n_inputs
    codes = chosen_classes(network, rows.Y, classes=True) if of_classes else None
    wanted = inputs_to_draw(X, rows.X, codes) if inputs is None or count == 1 else inputs
    chosen = whole_numbers(wanted, "each of inputs", 0, count - 1)
    if not len(set(chosen)) == len(chosen) == min(2, count):
        raise InputError(f"inputs must be two different ones; got {shown(inputs)}. Give (0, 1), say.")
    return list(chosen)


def _columns_of_inputs(X: Any, rows: _Rows, grid: Array, chosen: list[int]) -> dict[str, Any]:
    """The inputs drawn over, of the grid and then of the rows, in their own units."""
    both = np.concatenate([grid, rows.X])
    own = X.X_scaling.invert(both) if isinstance(X, Dataset) else both
    return {rows.names[place]: own[:, place] for place in chosen}


def _of_an_output(
    training: Training, X: Any, rows: _Rows, grid: Array, output: int, taken: Mapping[str, Any]
) -> dict[str, Any]:
    """The answers over the grid and the rows' targets, in the target's own unit, and the residuals."""
    fitted, answers = (_answers(training, X, some, output) for some in (grid, rows.X))
    targets = rows.Y[:, output]
    with np.errstate(invalid="ignore", over="ignore"):
        residuals = np.concatenate([np.full(len(grid), np.nan), targets - answers])
    names = X.scaling.outputs_of(training.network) if isinstance(X, Dataset) else ()
    name = held_name(names[output]) if names else f"y{output + 1}"
    found = {name: np.concatenate([fitted, targets])}
    return found | {_another_name("residual", {**taken, **found}): residuals}


def _answers(training: Training, X: Any, rows: Array, output: int) -> Array:
    """One output for rows of inputs; in the target's own unit if `X` is a Dataset."""
    found = training.predict(rows)
    if _has_unit(X):
        with np.errstate(over="ignore", invalid="ignore"):
            found = X.in_target_unit(found)
    return found.reshape(len(rows), -1)[:, output]


def _of_classes(
    training: Training, rows: _Rows, grid: Array, classes: Names, taken: Mapping[str, Any], target: str
) -> dict[str, Any]:
    """The class of each row, that predicted over the grid and for each row, and the outputs by class."""
    network = training.network
    outputs = np.concatenate([training.predict(some).reshape(len(some), -1) for some in (grid, rows.X)])
    predicted, true = (chosen_classes(network, some, classes=True) for some in (outputs, rows.Y))
    texts = distinct(map(held_name, classes))
    named = np.array(
        [*texts, ""], object
    )  # the last for the grid, and where a network that diverged has none
    none = np.full(len(grid), -1)
    found: dict[str, Any] = {_another_name(target, taken): named[np.concatenate([none, true])]}
    found[_another_name("predicted", {**taken, **found})] = named[predicted]
    by_class = outputs if outputs.shape[1] > 1 else np.hstack([1.0 - outputs, outputs])
    for text, column in zip(texts, by_class.T, strict=True):
        found[_another_name(text, {**taken, **found})] = column
    return found


def _as_table(columns: dict[str, Any], fitted: int, data: int) -> pd.DataFrame:
    import pandas as pd

    kinds = np.repeat(["fitted", "data"], [fitted, data])
    return pd.DataFrame({_another_name("kind", columns): kinds, **columns})


def _another_name(name: str, taken: Mapping[str, Any]) -> str:
    """A column name that the user's own columns have not taken."""
    return name if name not in taken else _another_name(f"{name}_", taken)

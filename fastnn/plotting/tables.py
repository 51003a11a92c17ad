"""The numbers of the pictures, as DataFrames: each picture has a function of the same name here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, one_of, shown, whole_number, whole_numbers
from fastnn.data.arrays import numeric_array
from fastnn.data.datasets import Dataset
from fastnn.data.rows import checked_rows
from fastnn.plotting.canvas import grouped
from fastnn.plotting.holding import grid_of_inputs, held_at, inputs_to_draw
from fastnn.plotting.named_curves import Curve, named_curves
from fastnn.showing.lettering import LONGEST, distinct
from fastnn.sweeping.axes import AXES
from fastnn.sweeping.modes import mode_codes, mode_names
from fastnn.sweeping.results import Sweep
from fastnn.sweeping.tables import Columns
from fastnn.training.result import Training

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["dead_units", "fan", "loss_curves", "network", "scores_against_rows", "surface", "sweep_histogram"]

Array = NDArray[Any]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
QUANTILE_NAMES = tuple(f"{100 * q:g} %" for q in QUANTILES)
BINS = 80
SHOWN = (0.0, 0.98)  # the histogram runs between these quantiles, since a few starts end far out
# The most networks of one fan. Of a larger cell, the ranks of its quantiles are right to 0.2 %.
MOST_IN_A_FAN = 100_000
SORTED_AT_ONCE = 1 << 22  # numbers
GRID = 61  # points of a surface along each input


def loss_curves(trainings: Any) -> pd.DataFrame:
    """curve (its label), network (its number), epoch (from 1), loss, and validation_loss if there is one.

    See `fastnn.plotting.loss_curves` for the argument.
    """
    return table_of_curves(named_curves(trainings))


def table_of_curves(curves: Sequence[Curve]) -> pd.DataFrame:
    """The numbers of `loss_curves`."""
    import pandas as pd

    lengths = [len(curve.epochs) for curve in curves]
    columns: dict[str, Any] = {
        "curve": np.repeat(np.array([_held(curve.label) for curve in curves], object), lengths),
        "network": np.repeat([curve.number for curve in curves], lengths),
        "epoch": np.concatenate([curve.epochs for curve in curves]),
        "loss": np.concatenate([curve.losses for curve in curves]),
    }
    if any(curve.validation is not None for curve in curves):
        nothing = (np.full(length, np.nan) for length in lengths)
        some = zip(curves, nothing, strict=True)
        columns["validation_loss"] = np.concatenate(
            [none if curve.validation is None else curve.validation for curve, none in some]
        )
    return pd.DataFrame(columns)


def fan(curves: Sweep | ArrayLike | Mapping[Any, ArrayLike]) -> pd.DataFrame:
    """curves (the name of a fan), epoch (from 1), and the quantiles of the loss over the networks.

    See `fastnn.plotting.fan` for the argument. A diverged network counts as an infinite loss.
    """
    import pandas as pd

    fans = []
    at = curves.curve_epochs if isinstance(curves, Sweep) else None
    for name, some in _named_curves(curves).items():
        epochs = np.arange(1, some.shape[1] + 1) if at is None else at
        quantiles = dict(zip(QUANTILE_NAMES, worst_last_quantiles(some), strict=True))
        fans.append(pd.DataFrame({"curves": name, "epoch": epochs, **quantiles}))
    return pd.concat(fans, ignore_index=True)


def sweep_histogram(sweep: Sweep) -> pd.DataFrame:
    """from, to (bounds of the loss), and for each mode how many networks ended between them.

    The largest 2 % of the losses lie beyond the last bin, unless all losses are equal.
    """
    import pandas as pd

    names = mode_names(sweep.architectures)[:-1]
    low, high = sweep.loss_quantiles(SHOWN)
    if np.isnan(low):
        return pd.DataFrame(columns=["from", "to", *names])
    edges = np.linspace(low, high if high > low else low + max(abs(low), 1e-9) * 1e-3, BINS + 1)
    counts = np.zeros((len(names), BINS), np.int64)
    for columns, codes in _modes_by_pieces(sweep):
        for code in range(len(names)):
            counts[code] += np.histogram(columns["loss"][codes == code].astype(float), edges)[0]
    return pd.DataFrame({"from": edges[:-1], "to": edges[1:], **dict(zip(names, counts, strict=True))})


def dead_units(sweep: Sweep) -> pd.DataFrame:
    """The settings of each cell, networks, and for each mode how many networks ended in it."""
    import pandas as pd

    names, cells = mode_names(sweep.architectures), list(sweep.grid.cells())
    counts = np.zeros((len(cells), len(names)), np.int64)
    for columns, codes in _modes_by_pieces(sweep):
        np.add.at(counts, (columns["network"] // sweep.grid.starts, codes), 1)
    table = pd.DataFrame([sweep.grid.described(cell) for cell in cells])
    return table.assign(networks=counts.sum(axis=1), **dict(zip(names, counts.T, strict=True)))


def scores_against_rows(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The settings of each cell, networks, and the quantiles of a metric over the networks.

    See `fastnn.plotting.scores_against_rows` for the arguments. A diverged network counts as infinitely bad.
    """
    import pandas as pd

    one_of(metric, "metric", ("mse", "r2", "mape"))
    has_columns(scores, "scores", ["rows", metric])
    worst = -1 if metric == "r2" else 1
    found = []
    keys = [name for axis in AXES.values() for name in axis.names() if name in scores]
    for values, some in scores.groupby(keys, sort=True, dropna=False, observed=True):
        quantiles = worst * worst_last_quantiles(worst * some[metric].to_numpy(float)[:, None])[:, 0]
        named = dict(zip(QUANTILE_NAMES, quantiles if worst > 0 else quantiles[::-1], strict=True))
        found.append({**dict(zip(keys, values, strict=True)), "networks": len(some), **named})
    return pd.DataFrame(found)


def surface(
    training: Training,
    X: Any,
    y: ArrayLike | None = None,
    inputs: tuple[int, int] | None = None,
    output: int = 0,
) -> pd.DataFrame:
    """kind, the two inputs, the output, and the residual (the row's target less the network's answer).

    Lines of kind "fitted" hold the answers over a grid, and have no residual. Lines of kind "data" hold the
    rows trained on. See `fastnn.plotting.surface` for the arguments. ``attrs["marks"]`` holds the category
    names of 0, 1, 2, ... for each column of categories; ``attrs["held"]`` holds the value of each other
    input: "children = 1".
    """
    import pandas as pd

    net, output = training.network, whole_number(output, "output", 0, training.network.n_outputs - 1)
    if training.parameters.ndim > 1:
        raise InputError(
            f"surface draws one network; got {len(training.parameters)}. Train, or replay, one of them alone."
        )
    rows, targets, names = _rows_of(training, X, y, output)
    wanted = inputs_to_draw(X, net.n_inputs) if inputs is None or net.n_inputs == 1 else inputs
    chosen = whole_numbers(wanted, "each of inputs", 0, net.n_inputs - 1)
    if not len(set(chosen)) == len(chosen) == min(2, net.n_inputs):
        raise InputError(f"inputs must be two different ones; got {shown(inputs)}. Give (0, 1), say.")
    axes = [np.linspace(rows[:, place].min(), rows[:, place].max(), GRID) for place in chosen]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(chosen))
    grid = grid_of_inputs(X, rows, points, chosen)
    fitted, answers = (_answers(training, X, some, output) for some in (grid, rows))
    held = held_at(X, grid[0], chosen, names)
    if isinstance(X, Dataset):
        grid, rows = X.X_scaling.invert(grid), X.X_scaling.invert(rows)
    columns = {names[place]: np.concatenate([grid[:, place], rows[:, place]]) for place in chosen}
    columns[names[-1]] = np.concatenate([fitted, targets])
    with np.errstate(invalid="ignore", over="ignore"):
        residuals = np.concatenate([np.full(len(grid), np.nan), targets - answers])
    kind, residual = (_another_name(name, columns) for name in ("kind", "residual"))
    kinds = np.repeat(["fitted", "data"], [len(grid), len(rows)])
    table = pd.DataFrame({kind: kinds, **columns, residual: residuals})
    table.attrs["held"] = held
    if isinstance(X, Dataset):
        table.attrs["marks"] = {_held(name): texts for name, texts in X.scaling.marks.items()}
    return table


def network(training: Training) -> pd.DataFrame:
    """parameter, layer (1 for the first after the inputs), unit, input (0 for a bias), before, after."""
    import pandas as pd

    if training.parameters.ndim > 1:
        raise InputError(
            f"network draws one network; got {len(training.parameters)}. Train, or replay, one of them alone."
        )
    places = [
        (layer, unit, source)
        for layer, (inputs, units) in enumerate(pairwise(training.network.layers), 1)
        for unit in range(1, units + 1)
        for source in range(1, inputs + 1)
    ]
    for layer, units in enumerate(training.network.layers[1:], 1):
        places += [(layer, unit, 0) for unit in range(1, units + 1)]
    table = pd.DataFrame(places, columns=["layer", "unit", "input"])
    table.insert(0, "parameter", training.network.parameter_names)
    return table.assign(before=training.start, after=training.parameters)


def has_columns(table: Any, name: str, columns: Sequence[str]) -> None:
    """Refuse anything but a DataFrame that has these columns and at least one line."""
    import pandas as pd

    wanted = f"{name} must be a DataFrame of at least one row with the columns {', '.join(columns)}"
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"{wanted}; got {shown(table)}. Give one.")
    missing = [column for column in columns if column not in table]
    if missing or not len(table):
        got = f"none called {missing[0]!r}" if missing else "no row"
        raise InputError(f"{wanted}; got {got}. Complete it.")


def worst_last_quantiles(values: Array) -> Array:
    """The quantiles of each column, each one of its values (no interpolation); NaN counts as infinity."""
    at_once = max(1, SORTED_AT_ONCE // len(values))
    found = np.empty((len(QUANTILES), values.shape[1]), values.dtype)
    for first in range(0, values.shape[1], at_once):
        some = slice(first, first + at_once)
        worst_last = np.where(np.isnan(values[:, some]), np.inf, values[:, some])
        found[:, some] = np.quantile(worst_last, QUANTILES, axis=0, method="inverted_cdf")
    return found


def _named_curves(curves: Any) -> dict[str, Array]:
    if isinstance(curves, Sweep):
        if not curves.curves_every:
            raise InputError(
                "fan needs loss curves; got a Sweep that kept none. Sweep with curves=True, "
                "or give arrays (M, E)."
            )
        curves = _curves_of_cells(curves)
    if not isinstance(curves, Mapping):
        curves = {"": curves}
    named = {}
    for name, some in zip(distinct(map(_held, curves)), curves.values(), strict=True):
        array = numeric_array(some, "curves")
        if array.ndim != 2 or not array.size:
            raise InputError(
                f"curves must be arrays (M, E), a line for each network; got shape {array.shape}. "
                "Give training.loss_curve of several networks."
            )
        named[name] = array
    if not named:
        raise InputError(f"curves must name at least one fan; got {shown(curves)}. Give arrays (M, E).")
    return named


def _held(name: object) -> str:
    """A name that a table can hold: halves of surrogate pairs are escaped."""
    return str(name).encode("utf-8", "backslashreplace").decode("utf-8")


def _curves_of_cells(sweep: Sweep) -> dict[str, Any]:
    """The curves of each cell: of all its networks, or of `MOST_IN_A_FAN` of them, evenly spaced."""
    few = sweep.grid.starts <= MOST_IN_A_FAN
    told = "" if few else f", {grouped(MOST_IN_A_FAN)} starts evenly spaced"
    starts = np.linspace(0, sweep.grid.starts - 1, min(MOST_IN_A_FAN, sweep.grid.starts)).astype(np.int64)
    parts = {
        f"{sweep.grid.name_of(cell)}{told}": sweep.part(cell.first + starts) for cell in sweep.grid.cells()
    }
    return {name: part.curves for name, part in parts.items() if len(part)}


def cell_labels(table: pd.DataFrame) -> list[str]:
    """A label for each line of a table, from its columns of a grid's settings; no two are alike."""
    return [text.replace("learning rate", "rate") for text in settings_in_words(table)]


def settings_in_words(table: pd.DataFrame, but: str = "") -> list[str]:
    """The settings in each line of a table in words, without the axis `but`; empty texts without any.

    Where a text would be too long for a picture, what does not vary is left out.
    """
    columns = {str(name): table[name].tolist() for name in table}
    axes = (axis for name, axis in AXES.items() if name != but and axis.names()[0] in columns)
    parts = [axis.texts_of(columns) for axis in axes]
    varied = [part for part in parts if len(set(part)) > 1]
    for some in (parts, varied):
        texts = [", ".join(each) for each in zip(*some, strict=True)] or [""] * len(table)
        if max(map(len, texts), default=0) <= LONGEST:
            break
    return texts


def modes_of(table: pd.DataFrame) -> list[str]:
    """The columns of a table of `dead_units` that count networks by mode."""
    names = list(map(str, table.columns))
    return names[names.index("networks") + 1 :]


def _modes_by_pieces(sweep: Sweep) -> Iterator[tuple[Columns, NDArray[np.int64]]]:
    """Yield network, loss and diverged, and the networks' mode codes, in memory that does not grow with M."""
    for columns, dead in sweep.dead_unit_pieces(("loss", "diverged")):
        yield columns, mode_codes(sweep, columns["network"], dead, columns["diverged"])


def _answers(training: Training, X: Any, rows: Array, output: int) -> Array:
    """One output for rows of inputs; in the target's own unit if `X` is a Dataset."""
    found = training.predict(rows)
    if isinstance(X, Dataset):
        with np.errstate(over="ignore", invalid="ignore"):
            found = X.in_target_unit(found)
    return found.reshape(len(rows), -1)[:, output]


def _another_name(name: str, taken: Mapping[str, Any]) -> str:
    """A column name that the user's own columns have not taken."""
    return name if name not in taken else _another_name(f"{name}_", taken)


def _rows_of(training: Training, X: Any, y: Any, output: int) -> tuple[Array, Array, list[str]]:
    """The inputs (scaled if from a Dataset) and one output of the rows trained on, and their names."""
    inputs, targets = checked_rows(training.network, X, y, "float64")
    if isinstance(X, Dataset):
        targets = X.target_values.reshape(X.rows, -1)
        target = (X.target,) if isinstance(X.target, str) else X.target
        names = [_held(name) for name in (*X.inputs, target[output])]
    else:
        names = [f"x{n + 1}" for n in range(inputs.shape[1])] + [f"y{output + 1}"]
    return inputs[: training.rows], targets[: training.rows, output], names

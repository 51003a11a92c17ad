"""The numbers of the pictures, as DataFrames: each picture has a function of the same name here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.checking import InputError, one_of, shown
from fastnn.data.arrays import numeric_array
from fastnn.plotting.canvas import unbroken
from fastnn.plotting.named_curves import Curve, named_curves
from fastnn.plotting.surface_tables import held_name, surface
from fastnn.showing.lettering import LONGEST, distinct
from fastnn.sweeping.axes import AXES
from fastnn.sweeping.modes import mode_codes, mode_names
from fastnn.sweeping.results import Sweep
from fastnn.sweeping.tables import Columns
from fastnn.training.result import Training
from fastnn.training.scoring import LARGER_IS_BETTER, SCORES

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
        "curve": np.repeat(np.array([held_name(curve.label) for curve in curves], object), lengths),
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

    See `fastnn.plotting.fan` for the argument. A diverged network counts as an infinite loss, one that
    stopped for itself as its last loss from then on.
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

    one_of(metric, "metric", tuple(SCORES))
    has_columns(scores, "scores", ["rows", metric])
    worst = -1 if metric in LARGER_IS_BETTER else 1
    found = []
    keys = [name for axis in AXES.values() for name in axis.names() if name in scores]
    for values, some in scores.groupby(keys, sort=True, dropna=False, observed=True):
        quantiles = worst * worst_last_quantiles(worst * some[metric].to_numpy(float)[:, None])[:, 0]
        named = dict(zip(QUANTILE_NAMES, quantiles if worst > 0 else quantiles[::-1], strict=True))
        found.append({**dict(zip(keys, values, strict=True)), "networks": len(some), **named})
    return pd.DataFrame(found)


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
    for name, some in zip(distinct(map(held_name, curves)), curves.values(), strict=True):
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


def _curves_of_cells(sweep: Sweep) -> dict[str, Any]:
    """The curves of each cell: of all its networks, or of `MOST_IN_A_FAN` of them, evenly spaced."""
    few = sweep.grid.starts <= MOST_IN_A_FAN
    told = "" if few else f", {unbroken(MOST_IN_A_FAN)} starts evenly spaced"
    starts = np.linspace(0, sweep.grid.starts - 1, min(MOST_IN_A_FAN, sweep.grid.starts)).astype(np.int64)
    parts = {
        f"{sweep.grid.name_of(cell)}{told}": sweep.part(cell.first + starts) for cell in sweep.grid.cells()
    }
    return {name: curves_to_the_end(part) for name, part in parts.items() if len(part)}


def curves_to_the_end(sweep: Sweep) -> Array:
    """The curves (m, n) of a sweep, in which networks that stopped for themselves go on with their last loss.

    That of the best epoch is met while the network is still worse, so it would show a step up.
    """
    curves = np.asarray(sweep.curves)
    if sweep.plan.stopping is None:
        return curves
    told = np.isfinite(curves)
    last = np.take_along_axis(curves, told.sum(axis=1)[:, None] - 1, axis=1)
    with np.errstate(over="ignore"):  # a loss beyond float32 becomes infinite
        loss = sweep.loss.astype(curves.dtype)[:, None]
    last = np.where(told.any(axis=1)[:, None], last, loss)  # it stopped before the first epoch that is kept
    return np.where(~told & (sweep.diverged == 0)[:, None], last, curves)


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

"""What a Training and a Sweep show of themselves in a notebook: small, however large they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.core.network import Network
from fastnn.showing.cards import card, fold, histogram, number, sparkline, table
from fastnn.showing.lettering import counted, grouped, told_apart
from fastnn.sweeping.ranking import LOSSES
from fastnn.training.endings import LOOKED_AT
from fastnn.training.evaluating import scores

__all__ = ["sweep_card", "training_card"]

PARAMETERS = 100
CELLS = 8


def training_card(run: Any) -> str:
    """The HTML of a `Training`: of one network its losses, of several how they ended."""
    return _one(run) if run.parameters.ndim == 1 else _several(run)


def sweep_card(sweep: Any) -> str:
    """The HTML of a `Sweep`: its summary and the histogram of its losses."""
    unfinished = f" of {grouped(sweep.grid.total)}" if len(sweep) < sweep.grid.total else ""
    losses, diverged = _losses_of(sweep)
    plan = sweep.plan
    facts = [
        ("ended", f"{grouped(len(sweep) - diverged)} ok, {grouped(diverged)} diverged"),
        ("but", "; ".join(sweep.notes)),
        ("dead units", _dead_units_of(sweep)),
        ("starts", f"{sweep.initial!r}, seed {sweep.seed}"),
        ("trained", f"{counted(plan.epochs, 'epoch')}, engine {sweep.engine}, {plan.dtype}"),
        ("store", "" if sweep.store is None else str(sweep.store)),
    ]
    summary = sweep.summary()
    more = (
        f"and {counted(len(summary) - CELLS, 'further cell')}: sweep.summary()"
        if len(summary) > CELLS
        else ""
    )
    rows = summary.head(CELLS).itertuples(index=False, name=None)
    return card(
        f"Sweep of {_named(sweep.network)}: {counted(len(sweep), 'network')}{unfinished}",
        facts,
        histogram(losses, f"{LOSSES[sweep.ranked_by]}, of those that did not diverge"),
        table([str(name) for name in summary.columns], rows, more),
    )


def _one(run: Any) -> str:
    whose = "" if run.number is None else f", network {run.number}"
    validated = run.validation_curve
    facts = [
        ("ended", run.ended),
        ("but", "; ".join(run.notes)),
        ("loss", "" if run.status != "ok" else number(float(run.loss))),
        ("validation loss", "" if validated is None or run.status != "ok" else number(float(validated[-1]))),
        ("R²", _r2(run)),
        ("dead units", _dead_units(run)),
        *_settings(run),
    ]
    losses = sparkline(run.loss_curve, f"loss over {counted(run.epochs, 'epoch')}")
    return card(f"Training of {_named(run.network)}{whose}", facts, losses, _parameters(run))


def _several(run: Any) -> str:
    losses = np.asarray(run.loss, np.float64)
    ok = losses[np.isfinite(losses)]
    best = int(np.nanargmin(losses)) if len(ok) else 0
    whose = f"place {best}" if run.number is None else f"network {run.number[best]}"
    middle = f"best {number(ok.min())} ({whose}), median {number(float(np.median(ok)))}" if len(ok) else ""
    facts = [("ended", run.ended), ("but", "; ".join(run.notes)), ("loss", middle), *_settings(run)]
    bars = histogram(ok, "loss of the last epoch, of those that did not diverge")
    return card(f"Training of {counted(len(losses), 'network')} {_named(run.network)}", facts, bars)


def _settings(run: Any) -> list[tuple[str, str]]:
    rates = np.unique(run.learning_rate)
    rate = " .. ".join(dict.fromkeys(told_apart(rates[[0, -1]].tolist())))
    trained = f"{counted(run.epochs, 'epoch')} on {counted(run.rows, 'row')}, learning rate {rate}"
    return [("trained", trained), ("engine", f"{run.engine}, {run.dtype}")]


def _r2(run: Any) -> str:
    """On the rows trained on: the same in every unit of the target."""
    if run.trained_on is None or run.status != "ok" or not np.ptp(run.trained_on[1], axis=0).all():
        return ""
    found = scores(run.network, run.parameters[None], *run.trained_on)["r2"][0]
    return f"{found:.4f} on the rows trained on"


def _dead_units(run: Any) -> str:
    relu = _relu_units(run.network)
    if run.status != "ok" or not relu or run.quiet is None:
        return ""
    return f"{run.quiet.units[0]} of {relu} hidden ReLU units"


def _relu_units(network: Network) -> int:
    hidden = zip(network.layers[1:-1], network.hidden, strict=True)
    return sum(units for units, activation in hidden if activation == "relu")


def _parameters(run: Any) -> str:
    names = run.network.parameter_names
    rows = zip(names[:PARAMETERS], run.start.tolist(), run.parameters.tolist(), strict=False)
    more = f"and {grouped(len(names) - PARAMETERS)} more" if len(names) > PARAMETERS else ""
    return fold(f"{counted(len(names), 'parameter')}", table(["", "start", "end"], rows, more))


def _losses_of(sweep: Any) -> tuple[NDArray[np.float64], int]:
    """The losses that rank, of at most a million networks that did not diverge, and how many did."""
    step = max(1, len(sweep) // 1_000_000)
    losses, diverged = [np.empty(0)], 0
    for piece in sweep.table.read([sweep.ranked_by, "diverged"]):
        ok = piece["diverged"] == 0
        losses.append(piece[sweep.ranked_by][ok][::step].astype(np.float64))
        diverged += int((~ok).sum())
    return np.concatenate(losses), diverged


def _dead_units_of(sweep: Any) -> str:
    """How many networks have how many, where it is soon counted."""
    if sweep.foreign or not _relu_units(sweep.network) or len(sweep) * len(sweep.plan.X) > LOOKED_AT:
        return ""
    counts = enumerate(sweep.dead_unit_counts().tolist())
    return ", ".join(f"{units or 'none'} in {grouped(count)}" for units, count in counts if count)


def _named(network: Network) -> str:
    return f"{'-'.join(map(str, network.layers))} ({', '.join(network.activations)})"

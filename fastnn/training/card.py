"""The card of a Training in a notebook: small, however large the Training is."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.core.activations import activation
from fastnn.core.endings import epoch_of_loss
from fastnn.core.network import Network
from fastnn.showing.cards import card, fold, histogram, number, sparkline, table
from fastnn.showing.lettering import counted, grouped, rate_texts, shape, with_form
from fastnn.training.scoring import SCORES, scores
from fastnn.training.statuses import OK

__all__ = ["described", "relu_units", "training_card", "training_scores"]

PARAMETERS = 100
TOLD = ("r2", "accuracy", "log_loss")


def training_card(run: Any) -> str:
    """The HTML of a `Training`: the losses of one network, or a summary of how several ended."""
    return _one(run) if run.parameters.ndim == 1 else _several(run)


def _one(run: Any) -> str:
    whose = "" if run.number is None else f", network {run.number}"
    validated = run.validation_loss
    facts = [
        ("ended", run.fate),
        ("but", "; ".join(run.notes)),
        ("loss", "" if run.status != OK else number(float(run.loss))),
        ("validation loss", "" if validated is None or run.status != OK else number(float(validated))),
        *(
            (SCORES[name], f"{score:.4f} on the rows trained on")
            for name, score in training_scores(run).items()
        ),
        ("dead units", _dead_units(run)),
        *_settings(run),
    ]
    losses = sparkline(run.loss_curve, f"loss over {counted(run.epochs, 'epoch')}")
    return card(f"Training of {described(run.network)}{whose}", facts, losses, _parameters(run))


def _several(run: Any) -> str:
    losses = np.asarray(run.loss, np.float64)
    ok = losses[np.isfinite(losses)]
    best = int(np.nanargmin(losses)) if len(ok) else 0
    whose = f"place {best}" if run.number is None else f"network {run.number[best]}"
    middle = f"best {number(ok.min())} ({whose}), median {number(float(np.median(ok)))}" if len(ok) else ""
    facts = [("ended", run.fate), ("but", "; ".join(run.notes)), ("loss", middle), *_settings(run)]
    early = bool(np.any((run.best_epoch < run.trained_epochs) & (run.diverged == 0)))
    bars = histogram(ok, f"loss of the {epoch_of_loss(early)}, of those that did not diverge")
    return card(f"Training of {counted(len(losses), 'network')} {described(run.network)}", facts, bars)


def _settings(run: Any) -> list[tuple[str, str]]:
    rates = np.unique(run.learning_rate)
    rate = " .. ".join(dict.fromkeys(rate_texts(rates[[0, -1]].tolist()))).replace(" .. learning rate", " ..")
    trained = f"{counted(run.epochs, 'epoch')} on {counted(run.rows, 'row')}, {rate}"
    trained += run.told_after
    return [("trained", trained), ("engine", f"{with_form(run.engine, run.form)}, {run.dtype}")]


def training_scores(run: Any) -> dict[str, float]:
    """What to tell of one network on its training rows: R², or accuracy and log-loss; empty if nothing.

    They do not depend on the unit of the target.
    """
    if run.trained_on is None or run.status != OK:
        return {}
    names = [name for name in TOLD if name in run.scores]
    if "r2" in names and not np.ptp(run.trained_on[1], axis=0).all():
        return {}
    X, Y = run.trained_on
    found = scores(run.network, run.parameters[None], X, Y, run.scores, run.classes)
    return {name: float(found[name][0]) for name in names if not np.isnan(found[name][0])}


def _dead_units(run: Any) -> str:
    relu = relu_units(run.network)
    if run.status != OK or not relu or run.quiet is None:
        return ""
    return f"{run.quiet.units[0]} of {relu} hidden ReLU units"


def relu_units(network: Network) -> int:
    """The number of hidden ReLU units in a network."""
    hidden = zip(network.layers[1:-1], network.hidden, strict=True)
    return sum(units for units, name in hidden if activation(name).dies)


def _parameters(run: Any) -> str:
    names = run.network.parameter_names
    rows = zip(names[:PARAMETERS], run.start.tolist(), run.parameters.tolist(), strict=False)
    more = f"and {grouped(len(names) - PARAMETERS)} more" if len(names) > PARAMETERS else ""
    return fold(f"{counted(len(names), 'parameter')}", table(["", "start", "end"], rows, more))


def described(network: Network) -> str:
    """A network in a few words: ``2-2-1 (relu, identity)``."""
    return f"{shape(network.layers)} ({', '.join(network.activations)})"

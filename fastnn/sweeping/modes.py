"""The modes in which networks of a sweep end, in words: fitted, with dead units, or diverged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastnn.core.activations import activation
from fastnn.core.network import Network
from fastnn.sweeping.results import Sweep
from fastnn.training.statuses import DIVERGED

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FITTED", "mode_codes", "mode_names", "modes"]

FITTED = "fitted"


def modes(sweep: Sweep) -> pd.Categorical[str]:
    """The mode of each network: (m,), an ordered categorical over `mode_names`.

    A network is "fitted" if it did not diverge and none of its hidden ReLU units is dead (shut on every
    training row). Its loss may still be large.
    """
    import pandas as pd

    codes = mode_codes(sweep.network, sweep.dead_units(), sweep.diverged)
    return pd.Categorical.from_codes(codes, pd.Index(mode_names(sweep.network)), ordered=True)


def mode_codes(network: Network, dead: NDArray[np.int64], diverged: NDArray[np.int32]) -> NDArray[np.int64]:
    """The places in `mode_names` of networks (m,), from their dead units and epochs of divergence (or 0)."""
    units, last = _relu_units(network), len(mode_names(network)) - 1
    # 0, 1 and all units dead are modes of their own; the numbers between share one.
    codes = np.where(dead == units, last - 1, np.minimum(dead, 2)) if units else dead
    return np.where(diverged > 0, last, codes)


def mode_names(network: Network) -> list[str]:
    """The modes in which a network can end, the best first."""
    units = _relu_units(network)
    if units <= 2:
        dead = [[], ["its unit dead"], ["one unit dead", "both units dead"]][units]
    else:
        some = "2 units dead" if units == 3 else f"2 to {units - 1} units dead"
        dead = ["one unit dead", some, f"all {units} units dead"]
    return [FITTED, *dead, DIVERGED]


def _relu_units(network: Network) -> int:
    hidden = zip(network.layers[1:-1], network.hidden, strict=True)
    return sum(units for units, name in hidden if activation(name).dies)

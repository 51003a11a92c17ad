"""The modes in which networks of a sweep end, in words: fitted, with dead units, or diverged."""

from __future__ import annotations

from collections.abc import Sequence
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

    codes = mode_codes(sweep, sweep.numbers, sweep.dead_units(), sweep.diverged)
    return pd.Categorical.from_codes(codes, pd.Index(mode_names(sweep.architectures)), ordered=True)


def mode_codes(
    sweep: Sweep, numbers: NDArray[np.int64], dead: NDArray[np.int64], diverged: NDArray[np.int32]
) -> NDArray[np.int64]:
    """The places in the sweep's `mode_names` of the networks `numbers` (m,).

    `dead` holds their dead units, `diverged` the epoch of divergence, or 0.
    """
    last = len(mode_names(sweep.architectures)) - 1
    every = np.array(list(map(_relu_units, sweep.grid.networks.values)))
    units = every[sweep.grid.place_of("network", numbers)]
    # 0 and all units dead are modes of their own, and 1 if no network has one unit; the rest share one.
    between = max(0, last - 2)
    codes = np.where((dead == units) & (units > 0), last - 1, np.minimum(dead, between))
    return np.where(diverged > 0, last, codes)


def mode_names(networks: Sequence[Network]) -> list[str]:
    """The modes in which some networks can end, the best first."""
    units, *others = {_relu_units(network) for network in networks} - {0} or {0}
    if others:
        dead = ["some units dead", "all units dead"]
    elif units <= 2:
        dead = [[], ["its unit dead"], ["one unit dead", "both units dead"]][units]
    else:
        some = "2 units dead" if units == 3 else f"2 to {units - 1} units dead"
        dead = ["one unit dead", some, f"all {units} units dead"]
    return [FITTED, *dead, DIVERGED]


def _relu_units(network: Network) -> int:
    hidden = zip(network.layers[1:-1], network.hidden, strict=True)
    return sum(units for units, name in hidden if activation(name).dies)

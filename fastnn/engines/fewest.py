"""From how many networks on the engine `lanes` is worth its vectors."""

from __future__ import annotations

import numpy as np

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import alone, forms
from fastnn.engines.traits import values_of_functions

__all__ = ["fewest"]

WIDE_PARAMETERS = 300

# From this number of weights on for each number of a register, or this one among hidden layers, `units` is
# faster than `lanes` for any number of networks. Measured with 32 registers (`units` against `lanes`):
# 10-32-32-1 x0.78, 6-24-24-1 x1.04, 4-20-20-1 x1.9, 50-50-1 x0.84, 10-100-1 x1.2; in float32 10-32-32-1
# x1.06, 10-64-64-1 x0.78. In batches of 32 with Adam: 10-64-64-1 x0.61, 10-32-32-1 and 30-64-1 x1.05. With 16
# registers x0.84 to x1.2.
WIDE, WIDE_IN_BATCHES, INNER = 240, 512, 96
# Where a processor works in halves, only the number of all weights counts: 10-32-32-1 x1.16, 50-50-1 x1.14,
# 10-50-50-1 x1.18, 100-50-1 x1.09, 10-64-64-1 x1.02, 40-64-64-1 x0.96; in float32 x1.45, x1.48, x1.22, x1.30,
# x1.11, x1.04; with momentum 10-32-32-1 x1.19, 10-50-50-1 x1.34, with Adam 10-50-50-1 x2.1.
WIDE_IN_HALVES = 700
NEVER = 1 << 62

# A vector of many registers takes as long as this number of networks, one by one, in `loop`. Measured: with
# tanh 2-2-1 6, 2-4-1 5; with sigmoid 2-2-1 3.
FEWEST_WITH_FUNCTIONS = 5


def fewest(network: Network, dtype: str, rule: Rule, vector: int) -> int:
    """The fewest networks for which `lanes` is worth its vectors, each of which `vector` networks fill.

    Measured (against `loop`): two networks x0.9 to x1.1 with straight-line code, and x0.4 to x0.97 with loops
    of at most two registers a value; one network up to x2.3. A call takes as long as several networks in
    `units`: 3-5-1 to 4-16-1 5 to 8, 10-20-1 9 to 13, 10-32-1 13 to 15; with one register a value 20-40-1,
    10-64-1 and 10-100-1 7 to 10, 4-16-16-1, 10-32-32-1 and 10-20-10-1 3 to 7; with 16 registers 4 to 8; in
    batches 2 to 4.
    """
    if _is_wide(network, dtype, rule):
        return NEVER
    if alone(network, rule) == "loop":
        if not (rule.batched or rule.measuring) and values_of_functions(network, rule):
            return FEWEST_WITH_FUNCTIONS
        return 2 if forms.is_small(network, rule) else forms.registers().number // 8
    enough = 4 if rule.batched else 16 if _has_long_calls(network, dtype, vector) else 8
    return min(enough, vector)


def _has_long_calls(network: Network, dtype: str, vector: int) -> bool:
    """Whether there are many parameters, each with several of 32 registers."""
    number, size, _ = forms.registers()
    several = number >= 32 and vector * np.dtype(dtype).itemsize > size
    return several and network.n_parameters > WIDE_PARAMETERS


def _is_wide(network: Network, dtype: str, rule: Rule) -> bool:
    """Whether a network's weights outgrow the cache in vectors of many networks, but not alone."""
    number, size, halves = forms.registers()
    if number < 32 or rule.measuring:
        return False
    numbers, (first, *_) = size // np.dtype(dtype).itemsize, network.slices
    if rule.batched:
        return network.n_weights >= WIDE_IN_BATCHES * numbers
    if halves:
        return network.n_weights >= WIDE_IN_HALVES * numbers
    inner = (network.n_weights - first[0].stop) * (1 + len(rule.states))
    return network.n_weights >= WIDE * numbers or inner >= INNER * numbers

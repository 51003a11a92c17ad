"""The penalties on weights: what they add to a weight's gradient, and what they take from the weight itself.

Biases are left alone, and an epoch's loss has no penalty in it.

===== ============================== =====================================
name  what the mean loss would have  a weight's gradient, or the weight
===== ============================== =====================================
l2    + l2/2 * sum of w*w            g + l2*w
l1    + l1 * sum of abs(w)           g + l1*sign(w), where sign(0) is 0
decay                                w - learning_rate*decay*w before its move
===== ============================== =====================================

On the batch's sum of losses, as scikit-learn has it, l2 is divided by the rows of the batch.

Where the learning rate is folded into the gradient, it is folded into the first two as well: minus
``pull*w`` and minus ``push*sign(w)``, with ``pull = learning_rate*l2`` and ``push = learning_rate*l1``. All
of them use the weight as it was before the update.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastnn.core.expressions import Expression, Symbol, sign

__all__ = ["GRADIENT_PENALTIES", "L2_ON", "PENALTIES", "columns", "penalised", "shared_out", "shrunk"]

GRADIENT_PENALTIES = ("l2", "l1")
PENALTIES = (*GRADIENT_PENALTIES, "decay")

L2_ON = ("mean", "sum")

FOLDED = {"l2": "pull", "l1": "push"}


def columns(
    penalties: Iterable[str], learning_rate: Any, settings: Mapping[str, Any], *, folded: bool
) -> dict[str, Any]:
    """What kernels are given for the penalties, by name: numbers, arrays or algebra.

    `folded` tells that the learning rate is folded into the gradients.
    """
    found = {}
    for name in penalties:
        value = settings[name]
        if name == "decay":
            found["shrink"] = learning_rate * value
        elif folded:
            found[FOLDED[name]] = learning_rate * value
        else:
            found[name] = value
    return found


def shared_out(given: Mapping[str, Symbol], rows: Symbol) -> dict[str, Expression]:
    """Of an L2 penalty on a batch's sum of losses, what is worked out at the begin of the batch, by name."""
    return {f"{name}_n": given[name] / rows for name in ("pull", "l2") if name in given}


def penalised(change: Expression, weight: Symbol, given: Mapping[str, Symbol]) -> Expression:
    """A weight's gradient with what the penalties among `given` add to it; folded, its change."""
    pull, l2 = (given.get(f"{name}_n", given.get(name)) for name in ("pull", "l2"))
    if pull is not None:
        change = change - pull * weight
    if l2 is not None:
        change = change + l2 * weight
    if "push" in given:
        change = change - given["push"] * sign(weight)
    if "l1" in given:
        change = change + given["l1"] * sign(weight)
    return change


def shrunk(parameter: Symbol, given: Mapping[str, Symbol]) -> Expression:
    """A parameter before the optimizer's move: a weight that decays is smaller by then."""
    if "shrink" not in given or parameter.family != "w":
        return parameter
    return parameter - given["shrink"] * parameter

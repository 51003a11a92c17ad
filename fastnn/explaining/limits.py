"""How large a network may be to be explained parameter by parameter."""

from __future__ import annotations

from math import prod

from fastnn.checking import InputError
from fastnn.core.derivation import derive
from fastnn.core.expressions import Index
from fastnn.core.network import Network, checked_network
from fastnn.engines.loop import STRAIGHT_LINE_PARAMETERS
from fastnn.explaining.chain_rule import Line, explained
from fastnn.printing.signs import Derivative

__all__ = ["need_written_out"]


def need_written_out(network: Network) -> None:
    """Refuse what is no network, and one that is too large to be written out parameter by parameter."""
    if checked_network(network).n_parameters > STRAIGHT_LINE_PARAMETERS:
        lines = explained(derive(network), derive(network).equations)
        count = sum(prod(index.size for index in _running(line)) for line in lines)
        raise InputError(
            f"a network must have at most {STRAIGHT_LINE_PARAMETERS} parameters to be written out; got "
            f"{network!r} with {network.n_parameters}, which would be {count} equations. Take a smaller one, "
            "or matrix notation: fastnn.explain(network, compact=True), fastnn explain --compact."
        )


def _running(line: Line) -> list[Index]:
    """The running indices of a line, one for each of its dimensions."""
    target = line.target.by if isinstance(line.target, Derivative) else line.target
    return [index for index in target.indices if isinstance(index, Index)]

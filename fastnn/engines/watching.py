"""The kernels that look at networks after every epoch: to validate them, and to keep their states.

They are an engine's own kernels, called epoch by epoch from within. So a look after every epoch costs no call
from Python, and every bit is that of the kernels alone.
"""

from __future__ import annotations

from collections.abc import Callable

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.engines import arguments
from fastnn.printing.infix import Lines

__all__ = ["looks", "watching"]


def looks(rule: Rule) -> bool:
    """Whether a rule is one of these kernels."""
    return rule.validated or rule.watched


def watching(
    source: Callable[[Network, str, Rule], str],
    network: Network,
    dtype: str,
    rule: Rule,
    *,
    by_number: bool = True,
) -> str:
    """The source of such a kernel, from the sources of an engine's kernels that train and that measure.

    States are kept number by number, which Numba compiles in 0.1 s (1.2 s for the assignment of an array,
    0.3 s for each further one), or else as an array.
    """
    parts, lines = [_renamed("train", source(network, dtype, rule.unwatched))], Lines()
    epoch = "totals[:, e:e + 1]"
    if rule.validated:
        parts.append(_renamed("measure", source(network, dtype, rule.measurer)))
    with lines.block(f"def advance({arguments(rule)}):"), lines.block("for e in range(totals.shape[1]):"):
        lines(f"train({arguments(rule.unwatched).replace('totals', epoch)})")
        if rule.validated:
            lines(f"measure(state, further_X, further_Y, further_settings, further_{epoch})")
        if rule.watched and by_number:
            with (
                lines.block("for m in range(state.shape[0]):"),
                lines.block("for p in range(state.shape[1]):"),
            ):
                lines("course[e, m, p] = state[m, p]")
        elif rule.watched:
            lines("course[e] = state")
    return "\n\n".join([*parts, str(lines)])


def _renamed(name: str, source: str) -> str:
    return source.replace("def advance(", f"def {name}(")

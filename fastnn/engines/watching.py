"""The kernels that look at networks after every epoch: to validate, to watch losses, to keep states.

They are an engine's own kernels, called epoch by epoch from within. So a look after every epoch costs no call
from Python, and every bit is that of the kernels alone. Where losses are watched, the networks that go on lie
packed together, so that one that has stopped takes no further time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fastnn.core.network import Network
from fastnn.core.rule import PENALIZED_LOSS, STATES, VALIDATION_LOSS, WATCHED, Rule
from fastnn.engines import arguments
from fastnn.engines.packing import Packed
from fastnn.engines.tiles import Shape
from fastnn.printing.infix import Lines

__all__ = ["looks", "watching"]

FURTHER = "further_X, further_Y, further_settings"

KEEP = """\
if totals[m, e] - totals[m, e] != 0:
    bars[m] = -inf
    break
if value < bars[m] or bars[m] != bars[m]:
    sound = True
    for p in range({parameters}):
        sound &= state[m, p] - state[m, p] == 0
    if not sound:
        bars[m] = -inf
        continue
    value -= min_delta
    bars[m] = value if value == value else inf
    best_epochs[m], until[m] = now, now + patience
    for p in range({size}):
        best[m, p] = state[m, p]
"""


def looks(rule: Rule) -> bool:
    """Whether a rule is one of these kernels."""
    return rule.validated or bool(rule.watched)


def watching(
    source: Callable[[Network, str, Rule], str],
    network: Network,
    dtype: str,
    rule: Rule,
    *,
    by_number: bool = True,
    tile: Shape | None = None,
    further: Shape | None = None,
) -> str:
    """The source of such a kernel, from the sources of an engine's kernels that train and that measure.

    Where networks lie in tiles, they are of the shape `tile`, and of `further` to be measured.
    Numbers are moved one by one, which Numba compiles in 0.1 s (1.2 s for the assignment of an array, 0.3 s
    for each further one), or else as arrays.
    """
    tiled = tile is not None and rule.watched != STATES
    parts, lines = [source(network, dtype, replace(rule.unwatched, tiled=tiled))], Lines()
    parts[0] = _renamed("train", parts[0])
    if rule.validated:
        parts.append(_renamed("measure", source(network, dtype, replace(rule.measurer, tiled=tiled))))
    if tile is not None and tiled:
        packed = Packed(network, dtype, rule, tile, further if rule.validated else None)
        return "\n\n".join([*parts, packed.source()])
    with lines.block(f"def advance({arguments(rule)}):"):
        if rule.watched not in WATCHED:
            _write_epochs(rule, lines, by_number=by_number)
        elif by_number:
            parts.append("from numpy import float32, float64, inf, nan")
            _write_alone(network, dtype, rule, lines)
        else:
            parts.append("from numpy import fmin, inf, isfinite, isnan, nan, zeros")
            parts.append("from fastnn.engines.array_helpers import penalties")
            _write_going(network, rule, lines)
    return "\n\n".join([*parts, str(lines)])


def _write_epochs(rule: Rule, lines: Lines, *, by_number: bool) -> None:
    """Write the loop over the epochs of all networks."""
    epoch = "totals[:, e:e + 1]"
    with lines.block("for e in range(totals.shape[1]):"):
        lines(f"train({arguments(rule.unwatched).replace('totals', epoch)})")
        if rule.validated:
            lines(f"measure(state, {FURTHER}, further_{epoch})")
        if rule.watched and by_number:
            with (
                lines.block("for m in range(state.shape[0]):"),
                lines.block("for p in range(state.shape[1]):"),
            ):
                lines("course[e, m, p] = state[m, p]")
        elif rule.watched:
            lines("course[e] = state")


def _write_alone(network: Network, dtype: str, rule: Rule, lines: Lines) -> None:
    """Write the loop over networks, and that over the epochs of each."""
    one = {"state": "state[m:m + 1]", "settings": "settings[m:m + 1]", "totals": "totals[m:m + 1, e:e + 1]"}
    given = arguments(rule.unwatched)
    for name, of_one in one.items():
        given = given.replace(name, of_one)
    of, rows = ("further_totals", "further_X") if rule.watched == VALIDATION_LOSS else ("totals", "X")
    with (
        lines.block("for m in range(state.shape[0]):"),
        lines.block("for e in range(totals.shape[1]):"),
    ):
        with lines.block("if until[m] <= epoch + e:"):
            lines("break")
        lines("totals[m, e], now = 0, epoch + e + 1", f"train({given})")
        if rule.validated:
            lines("further_totals[m, e] = 0")
            further = "further_settings[m:m + 1], further_totals[m:m + 1, e:e + 1]"
            lines(f"measure(state[m:m + 1], further_X, further_Y, {further})")
        lines(f"value = float64({of}[m, e] / {dtype}({rows}.shape[0]))")
        if rule.watched == VALIDATION_LOSS:
            lines("value = value if value - value == 0 else nan")
        if rule.watched == PENALIZED_LOSS:
            lines("penalty = 0.0")
            with lines.block(f"for p in range({network.n_weights}):"):
                lines("weight = float64(state[m, p])")
                lines("penalty += half_l2 * (weight * weight) + l1 * abs(weight)")
            lines("value += penalty")
        lines(*KEEP.format(parameters=network.n_parameters, size=rule.state_size(network)).splitlines())


def _write_going(network: Network, rule: Rule, lines: Lines) -> None:
    """Write the loop over epochs of the networks `going`, as arrays."""
    lost, measured = "lost[:, 0]", "measured[:, 0]"
    lines("going = (until > epoch).nonzero()[0]")
    with lines.block("for e in range(totals.shape[1]):"):
        lines("now, packed, lost = epoch + e + 1, state[going], zeros((len(going), 1), state.dtype)")
        rows = arguments(rule.unwatched).replace("state", "packed").replace("totals", "lost")
        lines(f"train({rows.replace('settings', 'settings[going]')})")
        lines("state[going], totals[going, e] = packed, lost[:, 0]")
        if rule.validated:
            lines("measured = zeros((len(going), 1), state.dtype)")
            lines("measure(packed, further_X, further_Y, further_settings[going], measured)")
            lines("further_totals[going, e] = measured[:, 0]")
        watched, rows = (measured, "further_X") if rule.watched == VALIDATION_LOSS else (lost, "X")
        lines(f"value = ({watched} / {watched}.dtype.type(len({rows}))).astype('float64')")
        if rule.watched == VALIDATION_LOSS:
            lines("value[~isfinite(value)] = nan")
        if rule.watched == PENALIZED_LOSS:
            lines(f"value += penalties(packed[:, :{network.n_weights}], half_l2, l1)")
        lines("alive = isfinite(lost[:, 0])", "bars[going[~alive]] = -inf")
        lines("better = alive & ((value < bars[going]) | isnan(bars[going]))")
        lines(f"sound = isfinite(packed[:, :{network.n_parameters}]).all(axis=1)")
        lines("bars[going[better & ~sound]] = -inf", "better &= sound", "some = going[better]")
        lines("bars[some] = fmin(value[better] - min_delta, inf)")
        lines("best_epochs[some], until[some], best[some] = now, now + patience, packed[better]")
        lines("going = going[alive & (until[going] > now)]")
        with lines.block("if not len(going):"):
            lines("break")


def _renamed(name: str, source: str) -> str:
    return source.replace("def advance(", f"def {name}(")

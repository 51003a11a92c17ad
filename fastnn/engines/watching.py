"""The kernels that look at networks after every epoch: to validate, to watch losses, to keep states.

They are an engine's own kernels, called epoch by epoch from within. So a look after every epoch costs no call
from Python, and every bit is that of the kernels alone. Where losses are watched, the networks that go on lie
packed together, so that one that has stopped takes no further time.
"""

from __future__ import annotations

from collections.abc import Callable

from fastnn.core.network import Network
from fastnn.core.rule import PENALIZED_LOSS, VALIDATION_LOSS, WATCHED, Rule
from fastnn.engines import arguments
from fastnn.printing.infix import Lines

__all__ = ["looks", "watching"]

FURTHER = "further_X, further_Y, further_settings"


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
) -> str:
    """The source of such a kernel, from the sources of an engine's kernels that train and that measure.

    Numbers are moved one by one, which Numba compiles in 0.1 s (1.2 s for the assignment of an array, 0.3 s
    for each further one), or else as arrays.
    """
    parts, lines = [_renamed("train", source(network, dtype, rule.unwatched))], Lines()
    if rule.validated:
        parts.append(_renamed("measure", source(network, dtype, rule.measurer)))
    with lines.block(f"def advance({arguments(rule)}):"):
        if rule.watched not in WATCHED:
            _write_epochs(rule, lines, by_number=by_number)
        elif by_number:
            parts.append("from numpy import empty, float32, float64, inf, int64, nan")
            _write_packed(network, dtype, rule, lines)
        else:
            parts.append("from numpy import fmin, inf, isfinite, isnan, nan")
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


def _write_packed(network: Network, dtype: str, rule: Rule, lines: Lines) -> None:
    """Write the loop over epochs of the networks that go on, in `packed` and what begins like it.

    Which are better is told without branches, which processors cannot foresee. Measured: x0.94.
    """
    rows = _packed_rows(network, rule)
    losses = {"lost": "totals"} | ({"measured": "further_totals"} if rule.validated else {})
    lines("networks, going = state.shape[0], 0", "bar = empty(networks, float64)")
    lines(*(f"{name} = empty(networks, int64)" for name in ("numbers", "end", "better", "ending")))
    for name, (_, size) in rows.items():
        lines(f"{name} = empty((networks, {size}), {dtype})")
    for name in losses:
        lines(f"{name} = empty((networks, 1), {dtype})")
    with lines.block("for m in range(networks):"), lines.block("if until[m] > epoch:"):
        lines("numbers[going], bar[going], end[going] = m, bars[m], until[m]")
        for name, (whole, size) in rows.items():
            _move(lines, size, f"{name}[going, p]", f"{whole}[m, p]")
        lines("going += 1")
    with lines.block("for e in range(totals.shape[1]):"):
        with lines.block("for i in range(going):"):
            lines(*(f"{name}[i, 0] = {whole}[numbers[i], e]" for name, whole in losses.items()))
        given = arguments(rule.unwatched).replace("state", "packed[:going]").replace("totals", "lost[:going]")
        lines(f"train({given.replace('settings', 'given[:going]')})")
        if rule.validated:
            lines("measure(packed[:going], further_X, further_Y, further_given[:going], measured[:going])")
        lines("now, betters, endings = epoch + e + 1, 0, 0")
        with lines.block("for i in range(going):"):
            lines(*(f"{whole}[numbers[i], e] = {name}[i, 0]" for name, whole in losses.items()))
            _write_value(network, dtype, rule, lines)
            lines("alive = lost[i, 0] - lost[i, 0] == 0", "better[betters], ending[endings] = i, i")
            lines("betters += alive & ((value < bar[i]) | (bar[i] != bar[i]))")
            lines("endings += (not alive) | (end[i] <= now)")
        with lines.block("for place in range(betters):"):
            lines("i = better[place]")
            _write_better(network, dtype, rule, lines)
        with lines.block("for place in range(endings - 1, -1, -1):"):
            lines("i = ending[place]", "alive = lost[i, 0] - lost[i, 0] == 0")
            with lines.block("if end[i] <= now or not alive:"):
                lines("m = numbers[i]", "until[m], bars[m] = end[i], bar[i] if alive else -inf")
                _move(lines, rule.state_size(network), "state[m, p]", "packed[i, p]")
                lines("going -= 1", "numbers[i], bar[i], end[i] = numbers[going], bar[going], end[going]")
                for name, (_, size) in rows.items():
                    _move(lines, size, f"{name}[i, p]", f"{name}[going, p]")
        with lines.block("if going == 0:"):
            lines("break")
    with lines.block("for i in range(going):"):
        lines("m = numbers[i]", "until[m], bars[m] = end[i], bar[i]")
        _move(lines, rule.state_size(network), "state[m, p]", "packed[i, p]")


def _packed_rows(network: Network, rule: Rule) -> dict[str, tuple[str, int]]:
    """What lies packed: what it is taken from, and how many numbers it has of each network."""
    rows = {"packed": ("state", rule.state_size(network)), "given": ("settings", len(rule.given))}
    if rule.validated:
        rows["further_given"] = ("further_settings", len(rule.measurer.given))
    return rows


def _write_value(network: Network, dtype: str, rule: Rule, lines: Lines) -> None:
    """Write what is watched of the network in row i."""
    watched, rows = ("measured", "further_X") if rule.watched == VALIDATION_LOSS else ("lost", "X")
    lines(f"value = float64({watched}[i, 0] / {dtype}({rows}.shape[0]))")
    if rule.watched == VALIDATION_LOSS:
        lines("value = value if value - value == 0 else nan")
    if rule.watched == PENALIZED_LOSS:
        lines("penalty = 0.0")
        with lines.block(f"for p in range({network.n_weights}):"):
            lines("weight = float64(packed[i, p])")
            lines("penalty += half_l2 * (weight * weight) + l1 * abs(weight)")
        lines("value += penalty")


def _write_better(network: Network, dtype: str, rule: Rule, lines: Lines) -> None:
    """Write what becomes of a network that is better, in row i."""
    _write_value(network, dtype, rule, lines)
    lines("m, sound = numbers[i], True")
    with lines.block(f"for p in range({network.n_parameters}):"):
        lines("sound &= packed[i, p] - packed[i, p] == 0")
    with lines.block("if sound:"):
        lines("value -= min_delta", "bar[i] = value if value == value else inf")
        lines("best_epochs[m], end[i] = now, now + patience")
        _move(lines, rule.state_size(network), "best[m, p]", "packed[i, p]")
    with lines.block("else:"):
        lines("bar[i] = -inf")


def _write_going(network: Network, rule: Rule, lines: Lines) -> None:
    """Write the loop over epochs of the networks `going`, as arrays."""
    lost, measured = "lost[:, 0]", "measured[:, 0]"
    lines("going = (until > epoch).nonzero()[0]")
    with lines.block("for e in range(totals.shape[1]):"):
        lines("now, packed, lost = epoch + e + 1, state[going], totals[going, e:e + 1]")
        rows = arguments(rule.unwatched).replace("state", "packed").replace("totals", "lost")
        lines(f"train({rows.replace('settings', 'settings[going]')})")
        lines("state[going], totals[going, e] = packed, lost[:, 0]")
        if rule.validated:
            lines("measured = further_totals[going, e:e + 1]")
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


def _move(lines: Lines, size: int, to: str, value: str) -> None:
    with lines.block(f"for p in range({size}):"):
        lines(f"{to} = {value}")


def _renamed(name: str, source: str) -> str:
    return source.replace("def advance(", f"def {name}(")

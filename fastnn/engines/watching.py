"""The kernels that look at networks after every epoch: to validate, to watch losses, to keep states.

They are an engine's own kernels, called epoch by epoch from within. So a look after every epoch costs no call
from Python, and every bit is that of the kernels alone. Where losses are watched, the networks that go on lie
packed together, so that one that has stopped takes no further time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from fastnn.core.network import Network
from fastnn.core.rule import PENALIZED_LOSS, STATES, VALIDATION_LOSS, WATCHED, Rule
from fastnn.engines import arguments
from fastnn.engines.packing import Packed
from fastnn.engines.tiles import Shape
from fastnn.printing.infix import Lines

__all__ = ["called_by", "looks", "watching", "watching_in_arrays"]

Source = Callable[[Network, str, Rule], str]

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


def called_by(rule: Rule) -> dict[str, Rule]:
    """The rules of the kernels that such a kernel calls, by what it calls them."""
    return {"train": rule.unwatched} | ({"measure": rule.measurer} if rule.validated else {})


def watching(
    source: Source,
    network: Network,
    dtype: str,
    rule: Rule,
    *,
    tile: Shape | None = None,
    further: Shape | None = None,
) -> str:
    """The source of such a kernel, from the sources of an engine's kernels that train and that measure.

    Where networks lie in tiles, they are of the shape `tile`, and of `further` to be measured.
    Numbers are moved one by one, which Numba compiles in 0.1 s (1.2 s for the assignment of an array, 0.3 s
    for each further one).
    """
    tiled = tile is not None and rule.watched != STATES
    parts, lines = _parts(source, network, dtype, rule, tiled=tiled), Lines()
    if tile is not None and tiled:
        packed = Packed(network, dtype, rule, tile, further if rule.validated else None)
        return "\n\n".join([*parts, packed.source()])
    with lines.block(f"def advance({arguments(rule)}):"):
        if rule.watched in WATCHED:
            parts.append("from numpy import float32, float64, inf, nan")
            _write_alone(network, dtype, rule, lines)
        else:
            with _every_epoch(rule, lines):
                if rule.watched:
                    with (
                        lines.block("for m in range(state.shape[0]):"),
                        lines.block("for p in range(state.shape[1]):"),
                    ):
                        lines("course[e, m, p] = state[m, p]")
    return "\n\n".join([*parts, str(lines)])


def watching_in_arrays(
    source: Source,
    network: Network,
    dtype: str,
    rule: Rule,
    numbers: tuple[str, str] | None = None,
    told: str = "",
) -> str:
    """The same in NumPy's arrays, which need not be compiled.

    It has the `numbers` of weights and of parameters, as the source is to have them; by default those of the
    network. What kernels are `told` besides comes at the end of their arguments.
    """
    parts, lines = _parts(source, network, dtype, rule), Lines()
    with lines.block(f"def advance({arguments(rule)}{told}):"):
        if rule.watched in WATCHED:
            parts.append("from numpy import fmin, inf, isfinite, isnan, nan, zeros")
            parts.append("from fastnn.engines.array_helpers import penalties")
            _write_going(numbers or (str(network.n_weights), str(network.n_parameters)), told, rule, lines)
        else:
            with _every_epoch(rule, lines, told):
                lines(*["course[e] = state"] * bool(rule.watched))
    return "\n\n".join([*parts, str(lines)])


def _parts(source: Source, network: Network, dtype: str, rule: Rule, *, tiled: bool = False) -> list[str]:
    """The sources of the kernels that train and that measure, under these names."""
    return [
        source(network, dtype, replace(of, tiled=tiled)).replace("def advance(", f"def {name}(")
        for name, of in called_by(rule).items()
    ]


@contextmanager
def _every_epoch(rule: Rule, lines: Lines, told: str = "") -> Iterator[None]:
    """The loop over the epochs of all networks."""
    epoch = "totals[:, e:e + 1]"
    with lines.block("for e in range(totals.shape[1]):"):
        lines(f"train({arguments(rule.unwatched).replace('totals', epoch)}{told})")
        if rule.validated:
            lines(f"measure(state, {FURTHER}, further_{epoch}{told})")
        yield


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


def _write_going(numbers: tuple[str, str], told: str, rule: Rule, lines: Lines) -> None:
    """Write the loop over epochs of the networks `going`, as arrays; those that stop leave the others."""
    weights, parameters = numbers
    given = ["given", *["further_given"] * rule.validated]
    lines("going = (until > epoch).nonzero()[0]", "packed, given = state[going], settings[going]")
    lines(*["further_given = further_settings[going]"] * rule.validated)
    with lines.block("for e in range(totals.shape[1]):"):
        with lines.block("if not len(going):"):
            lines("break")
        lines("now, lost = epoch + e + 1, zeros((len(going), 1), state.dtype)")
        rows = arguments(rule.unwatched).replace("state", "packed").replace("totals", "lost")
        lines(f"train({rows.replace('settings', 'given')}{told})", "totals[going, e] = lost[:, 0]")
        if rule.validated:
            lines("measured = zeros((len(going), 1), state.dtype)")
            lines(f"measure(packed, further_X, further_Y, further_given, measured{told})")
            lines("further_totals[going, e] = measured[:, 0]")
        watched, rows = ("measured", "further_X") if rule.watched == VALIDATION_LOSS else ("lost", "X")
        lines(f"value = ({watched}[:, 0] / state.dtype.type(len({rows}))).astype('float64')")
        if rule.watched == VALIDATION_LOSS:
            lines("value[~isfinite(value)] = nan")
        if rule.watched == PENALIZED_LOSS:
            lines(f"value += penalties(packed[:, :{weights}], half_l2, l1)")
        lines("alive, bar = isfinite(lost[:, 0]), bars[going]")
        lines("better = (alive & ((value < bar) | isnan(bar))).nonzero()[0]")
        lines(f"sound = isfinite(packed[better, :{parameters}]).all(axis=1)")
        lines("bars[going[better[~sound]]] = -inf", "better = better[sound]", "some = going[better]")
        lines("bars[some] = fmin(value[better] - min_delta, inf)")
        lines("best_epochs[some], until[some], best[some] = now, now + patience, packed[better]")
        lines("on = alive & (until[going] > now)")
        with lines.block("if not on.all():"):
            lines("bars[going[~alive]] = -inf", "state[going[~on]] = packed[~on]")
            left = ["going", "packed", *given]
            lines(f"{', '.join(left)} = {', '.join(f'{name}[on]' for name in left)}")
    lines("state[going] = packed")

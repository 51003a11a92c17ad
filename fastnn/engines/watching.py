"""The kernels that look at networks after every epoch: to validate, to watch losses, to keep states.

They are an engine's own kernels, called epoch by epoch from within. So a look after every epoch costs no call
from Python, and every bit is that of the kernels alone. Where losses are watched, the networks that go on lie
packed together, so that one that has stopped takes no further time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from fastnn.core.network import Network
from fastnn.core.rule import PENALIZED_LOSS, VALIDATION_LOSS, WATCHED, Rule
from fastnn.engines import arguments
from fastnn.engines.tiles import Shape
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
    tile: Shape | None = None,
) -> str:
    """The source of such a kernel, from the sources of an engine's kernels that train and that measure.

    Packed networks lie in tiles if a shape is given, and row by row if none is.

    Numbers are moved one by one, which Numba compiles in 0.1 s (1.2 s for the assignment of an array, 0.3 s
    for each further one), or else as arrays.
    """
    training = replace(rule.unwatched, tiled=tile is not None)
    parts, lines = [_renamed("train", source(network, dtype, training))], Lines()
    if rule.validated:
        parts.append(_renamed("measure", source(network, dtype, rule.measurer)))
    with lines.block(f"def advance({arguments(rule)}):"):
        if rule.watched not in WATCHED:
            _write_epochs(rule, lines, by_number=by_number)
        elif by_number:
            parts.append("from numpy import empty, float32, float64, inf, int64, nan, zeros")
            _write_packed(_Packed.of(network, dtype, rule, tile), lines)
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


@dataclass(frozen=True)
class _Packed:
    """How the networks that go on lie packed: row by row, or in the tiles of the engine `lanes`.

    `rows` tells what lies packed: what it is taken from, and how many numbers it has of each network. Tiles
    copied as they are take no time. Measured: 2-2-1 on 100 rows x0.94 (against rows).
    """

    network: Network
    dtype: str
    rule: Rule
    tile: Shape | None
    rows: dict[str, tuple[str, int]]
    losses: dict[str, str]

    @classmethod
    def of(cls, network: Network, dtype: str, rule: Rule, tile: Shape | None) -> _Packed:
        """For a rule that watches a loss."""
        rows = {"packed": ("state", rule.state_size(network)), "given": ("settings", len(rule.given))}
        losses = {"lost": "totals"}
        if rule.validated:
            rows["further_given"] = ("further_settings", len(rule.measurer.given))
            losses["measured"] = "further_totals"
        return cls(network, dtype, rule, tile, rows, losses)

    def at(self, name: str, i: str, p: str = "p") -> str:
        """Number p of network i."""
        if self.tile is None:
            return f"{name}[{i}, {p}]"
        first = {"packed": 0, "given": self.tile.state, "lost": self.tile.rows - 1}[name]
        vector = self.tile.vector  # a power of two: a shift takes less time than a division
        return f"tiles[{i} >> {vector.bit_length() - 1}, {first} + {p}, {i} & {vector - 1}]"

    def loss(self, name: str, i: str = "i") -> str:
        """A loss of network i."""
        return self.at(name, i, "0")

    def write_room(self, lines: Lines) -> None:
        """Write the room for `networks` of them."""
        if self.tile is not None:
            groups = f"(networks + {self.tile.vector - 1}) // {self.tile.vector}"
            lines(f"tiles = zeros(({groups}, {self.tile.rows}, {self.tile.vector}), {self.dtype})")
            return
        for name, (_, size) in self.rows.items():
            lines(f"{name} = empty((networks, {size}), {self.dtype})")
        for name in self.losses:
            lines(f"{name} = empty((networks, 1), {self.dtype})")

    def write_move(self, lines: Lines, i: str, other: str = "") -> None:
        """Write the move of network `other`, or else of network m among all, to place i."""
        for name, (whole, size) in self.rows.items():
            with lines.block(f"for p in range({size}):"):
                lines(f"{self.at(name, i)} = {self.at(name, other) if other else f'{whole}[m, p]'}")

    def write_state(self, lines: Lines, whole: str) -> None:
        """Write the copy of the state of network i to that of network m in `whole`."""
        with lines.block(f"for p in range({self.rule.state_size(self.network)}):"):
            lines(f"{whole}[m, p] = {self.at('packed', 'i')}")

    def write_epoch(self, lines: Lines) -> None:
        """Write the calls that train all for an epoch, and measure them."""
        given = arguments(replace(self.rule.unwatched, tiled=self.tile is not None))
        if self.tile is not None:
            lines(f"groups = (going + {self.tile.vector - 1}) // {self.tile.vector}")
            lanes = lines.block(f"for lane in range({self.tile.vector}):")
            with lines.block("for group in range(groups):"), lanes:
                lines(f"tiles[group, {self.tile.rows - 1}, lane] = 0")
            lines(f"train({given.replace('tiles', 'tiles[:groups]')})")
            return
        with lines.block("for i in range(going):"):
            lines(*(f"{name}[i, 0] = 0" for name in self.losses))
        for name, packed in {"state": "packed", "settings": "given", "totals": "lost"}.items():
            given = given.replace(name, f"{packed}[:going]")
        lines(f"train({given})")
        if self.rule.validated:
            lines("measure(packed[:going], further_X, further_Y, further_given[:going], measured[:going])")


def _write_packed(packed: _Packed, lines: Lines) -> None:
    """Write the loop over epochs of the networks that go on.

    Which are better is told without branches, which processors cannot foresee. Measured: x0.94.
    """
    lost = packed.loss("lost")
    lines("networks, going = state.shape[0], 0", "bar = empty(networks, float64)")
    lines(*(f"{name} = empty(networks, int64)" for name in ("numbers", "end", "better", "ending")))
    packed.write_room(lines)
    with lines.block("for m in range(networks):"), lines.block("if until[m] > epoch:"):
        lines("numbers[going], bar[going], end[going] = m, bars[m], until[m]")
        packed.write_move(lines, "going")
        lines("going += 1")
    with lines.block("for e in range(totals.shape[1]):"):
        packed.write_epoch(lines)
        lines("now, betters, endings = epoch + e + 1, 0, 0")
        with lines.block("for i in range(going):"):
            lines(*(f"{whole}[numbers[i], e] = {packed.loss(name)}" for name, whole in packed.losses.items()))
            _write_value(packed, lines)
            lines(f"alive = {lost} - {lost} == 0", "better[betters], ending[endings] = i, i")
            lines("betters += alive & ((value < bar[i]) | (bar[i] != bar[i]))")
            lines("endings += (not alive) | (end[i] <= now)")
        with lines.block("for place in range(betters):"):
            lines("i = better[place]")
            _write_better(packed, lines)
        with lines.block("for place in range(endings - 1, -1, -1):"):
            lines("i = ending[place]", f"alive = {lost} - {lost} == 0")
            with lines.block("if end[i] <= now or not alive:"):
                lines("m = numbers[i]", "until[m], bars[m] = end[i], bar[i] if alive else -inf")
                packed.write_state(lines, "state")
                lines("going -= 1", "numbers[i], bar[i], end[i] = numbers[going], bar[going], end[going]")
                packed.write_move(lines, "i", "going")
        with lines.block("if going == 0:"):
            lines("break")
    with lines.block("for i in range(going):"):
        lines("m = numbers[i]", "until[m], bars[m] = end[i], bar[i]")
        packed.write_state(lines, "state")


def _write_value(packed: _Packed, lines: Lines) -> None:
    """Write what is watched of network i."""
    watched = packed.rule.watched
    of, rows = ("measured", "further_X") if watched == VALIDATION_LOSS else ("lost", "X")
    lines(f"value = float64({packed.loss(of)} / {packed.dtype}({rows}.shape[0]))")
    if watched == VALIDATION_LOSS:
        lines("value = value if value - value == 0 else nan")
    if watched == PENALIZED_LOSS:
        lines("penalty = 0.0")
        with lines.block(f"for p in range({packed.network.n_weights}):"):
            lines(f"weight = float64({packed.at('packed', 'i')})")
            lines("penalty += half_l2 * (weight * weight) + l1 * abs(weight)")
        lines("value += penalty")


def _write_better(packed: _Packed, lines: Lines) -> None:
    """Write what becomes of network i, which is better."""
    _write_value(packed, lines)
    lines("m, sound = numbers[i], True")
    with lines.block(f"for p in range({packed.network.n_parameters}):"):
        lines(f"number = {packed.at('packed', 'i')}", "sound &= number - number == 0")
    with lines.block("if sound:"):
        lines("value -= min_delta", "bar[i] = value if value == value else inf")
        lines("best_epochs[m], end[i] = now, now + patience")
        packed.write_state(lines, "best")
    with lines.block("else:"):
        lines("bar[i] = -inf")


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

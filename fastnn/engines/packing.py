"""The printed loop over epochs after each of which losses are looked at, in the tiles of engine `lanes`.

Some hundred networks lie in tiles, where the kernels that train and measure work on them. After each epoch
those that stopped give their places to the last ones, so that a network that has stopped takes no further
time. What is compared lies in arrays of one dimension, a number for each network, and has no branches, so
that compilers make vectors of it. The best states are kept in vectors, too: each lane takes the new one, or
keeps the former.

Measured, as the time that looking adds to an epoch of a network of 2-2-1 that takes 54 ns on 100 rows: 5 ns;
with tiles that are copied in every epoch 8 ns, with states copied network by network 11 ns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastnn.core.network import Network
from fastnn.core.rule import PENALIZED_LOSS, VALIDATION_LOSS, Rule
from fastnn.engines import arguments
from fastnn.engines.tiles import Shape
from fastnn.printing.infix import Lines

__all__ = ["Packed"]

# The networks that lie in tiles at once, and the numbers of their states: more outgrow the first levels of
# the cache, and with fewer the last vector has more idle lanes. With few rows the cache matters. Measured
# (2-2-1, 2048 against 512): 100 rows x1.01, 1003 rows x0.98.
NETWORKS_PACKED, NUMBERS_PACKED = 2048, 1 << 18
FEW_ROWS, FEW_PACKED = 256, 512

IMPORTS = """\
from numpy import float32, float64, inf, int64, nan
from fastnn.engines.memory import aligned_zeros
from fastnn.engines.simd import Vectors, choose

number = {dtype}"""

ROOM = """\
tiles = memory[:TILES].reshape(GROUPS, ROWS, VECTOR)
numbers, lost = aligned_zeros(NETWORKS, int64), aligned_zeros(NETWORKS, number)
"""

ROOM_WATCH = """\
kept = memory[TILES:TILES + BESTS].reshape(GROUPS, STATE, VECTOR)
chosen = memory[TILES + BESTS:].reshape(NETWORKS)
now_in = Vectors(memory, REGISTERS, LANES, 0, ROWS)
best_in = Vectors(memory, REGISTERS, LANES, TILES, STATE)
chosen_in = Vectors(memory, REGISTERS, LANES, TILES + BESTS, 1)
bar, value = aligned_zeros(NETWORKS, float64), aligned_zeros(NETWORKS, float64)
end, found = aligned_zeros(NETWORKS, int64), aligned_zeros(NETWORKS, int64)
ending = aligned_zeros(NETWORKS, int64)
"""

# The kernel that measures may have vectors of another length, in other registers: both are copied in pieces
# of the smaller register.
ROOM_FURTHER = """\
lost_further = aligned_zeros(NETWORKS, number)
further = room.reshape(FURTHER_GROUPS, FURTHER_ROWS, FURTHER_VECTOR)
copied = Vectors(memory.reshape(memory.size // PIECE, PIECE), 1, PIECE, 0, 1)
to = Vectors(room.reshape(room.size // PIECE, PIECE), 1, PIECE, 0, 1)
"""

PUT_IN = """\
numbers[going], group, lane = m, going // VECTOR, going % VECTOR
for p in range(STATE):
    tiles[group, p, lane] = state[m, p]
for p in range(SETTINGS):
    tiles[group, STATE + p, lane] = settings[m, p]
"""

PUT_IN_FURTHER = """\
for p in range(FURTHER_SETTINGS):
    further[going // FURTHER_VECTOR, PARAMETERS + p, going % FURTHER_VECTOR] = further_settings[m, p]
"""

TRAIN = """\
groups = (going + VECTOR - 1) // VECTOR
for group in range(groups):
    for lane in range(VECTOR):
        tiles[group, ROWS - 1, lane] = 0
train({arguments})
for group in range(groups):
    for lane in range(VECTOR):
        lost[VECTOR*group + lane] = tiles[group, ROWS - 1, lane]
for i in range(going):
    totals[numbers[i], e] = lost[i]
"""

MEASURE = """\
groups_further = (going + FURTHER_VECTOR - 1) // FURTHER_VECTOR
for i in range((going + PIECE - 1) // PIECE):
    mine = i // PIECES*PIECES*ROWS + i % PIECES
    other = i // FURTHER_PIECES*FURTHER_PIECES*FURTHER_ROWS + i % FURTHER_PIECES
    for p in range(PARAMETERS):
        to[other + FURTHER_PIECES*p] = copied[mine + PIECES*p]
for group in range(groups_further):
    for lane in range(FURTHER_VECTOR):
        further[group, FURTHER_ROWS - 1, lane] = 0
measure(further[:groups_further], further_X, further_Y)
for i in range(going):
    lost_further[i] = further[i // FURTHER_VECTOR, FURTHER_ROWS - 1, i % FURTHER_VECTOR]
    further_totals[numbers[i], e] = lost_further[i]
"""

OF_VALIDATION = """\
for i in range(VECTOR*groups):
    one = float64(lost_further[i] / number(further_X.shape[0]))
    value[i] = one if one - one == 0 else nan
"""

OF_TRAINING = """\
for i in range(VECTOR*groups):
    value[i] = float64(lost[i] / number(X.shape[0]))
"""

OF_PENALTIES = """\
for group in range(groups):
    for lane in range(VECTOR):
        penalty = 0.0
        for p in range(WEIGHTS):
            weight = float64(tiles[group, p, lane])
            penalty += half_l2 * (weight * weight) + l1 * abs(weight)
        value[VECTOR*group + lane] += penalty
"""

# What is chosen is 1 where a network is better, and 2 where it would be, were all its parameters finite.
KEEP = """\
for i in range(VECTOR*groups):
    chosen[i] = (lost[i] - lost[i] == 0) & ((value[i] < bar[i]) | (bar[i] != bar[i]))
for group in range(groups):
    which, zero = chosen_in[group], now_in[group, 0] - now_in[group, 0]
    for p in range(1, PARAMETERS):
        zero += now_in[group, p] - now_in[group, p]
    chosen_in[group] = choose(zero <= 0.0, which, 2.0*which)
    which = choose(zero <= 0.0, which, 0.0)
    for p in range(STATE):
        best_in[group, p] = choose(which > 0.0, now_in[group, p], best_in[group, p])
for i in range(VECTOR*groups):
    lower = value[i] - min_delta
    lower = lower if lower == lower else inf
    former = bar[i] if chosen[i] == 0 else -inf
    bar[i] = lower if chosen[i] == 1 else former
    end[i] = now + patience if chosen[i] == 1 else end[i]
    found[i] = now if chosen[i] == 1 else found[i]
"""

END = """\
endings = 0
for i in range(going):
    ending[endings] = i
    endings += (lost[i] - lost[i] != 0) | (end[i] <= now)
"""

TAKE_OUT = """\
m, group, lane = numbers[i], i // VECTOR, i % VECTOR
for p in range(STATE):
    state[m, p] = tiles[group, p, lane]
"""

TAKE_OUT_WATCH = """\
until[m], bars[m] = end[i], bar[i]
if found[i]:
    best_epochs[m] = found[i]
    for p in range(STATE):
        best[m, p] = kept[group, p, lane]
"""

MOVE = """\
going -= 1
numbers[i], bar[i], end[i], found[i] = numbers[going], bar[going], end[going], found[going]
last, last_lane = going // VECTOR, going % VECTOR
for p in range(STATE + SETTINGS):
    tiles[group, p, lane] = tiles[last, p, last_lane]
for p in range(STATE):
    kept[group, p, lane] = kept[last, p, last_lane]
"""

MOVE_FURTHER = """\
for p in range(PARAMETERS, FURTHER_ROWS):
    moved = further[going // FURTHER_VECTOR, p, going % FURTHER_VECTOR]
    further[i // FURTHER_VECTOR, p, i % FURTHER_VECTOR] = moved
"""


@dataclass(frozen=True)
class Packed:
    """How networks of a rule that watches a loss lie packed.

    Attributes
    ----------
    network, dtype, rule
        As of the kernel.
    tile : Shape
        That of the kernel that trains.
    further : Shape, or None
        That of the kernel that measures.
    """

    network: Network
    dtype: str
    rule: Rule
    tile: Shape
    further: Shape | None

    def source(self) -> str:
        """The source of the kernel, which calls `train` and `measure`."""
        lines = Lines()
        lines(*IMPORTS.format(dtype=self.dtype).splitlines())
        lines(*(f"{name} = {number}" for name, number in self._constants().items()), "")
        with lines.block(f"def advance({arguments(self.rule)}):"):
            self._write_room(lines)
            few = self._groups(FEW_PACKED) * self.tile.vector
            lines(f"packed = {few} if X.shape[0] < {FEW_ROWS} else NETWORKS")
            with lines.block("for first in range(0, state.shape[0], packed):"):
                lines("going = 0")
                with lines.block("for m in range(first, min(first + packed, state.shape[0])):"):
                    self._write_put_in(lines)
                with lines.block("for e in range(totals.shape[1]):"):
                    self._write_epoch(lines)
                with lines.block("for i in range(going):"):
                    self._write_take_out(lines)
        return str(lines)

    def _groups(self, networks: int) -> int:
        """How many groups some networks are, of which no more lie in tiles than suit their states."""
        return max(1, min(networks, NUMBERS_PACKED // self.tile.state) // self.tile.vector)

    def _constants(self) -> dict[str, int]:
        """What is a name in the source, and a number to the compiler."""
        tile, further = self.tile, self.further
        groups = self._groups(NETWORKS_PACKED)
        found = {"NETWORKS": groups * tile.vector, "GROUPS": groups, "VECTOR": tile.vector}
        found |= {"REGISTERS": tile.registers, "LANES": tile.lanes, "ROWS": tile.rows, "STATE": tile.state}
        found |= {"TILES": groups * tile.rows, "BESTS": groups * tile.state}
        found |= {"SETTINGS": len(self.rule.given), "WEIGHTS": self.network.n_weights}
        found["PARAMETERS"] = self.network.n_parameters
        if further is not None:
            piece = min(tile.lanes, further.lanes)
            found |= {"PIECE": piece, "PIECES": tile.vector // piece}
            found["FURTHER_GROUPS"] = -(-groups * tile.vector // further.vector)
            found |= {"FURTHER_VECTOR": further.vector, "FURTHER_PIECES": further.vector // piece}
            found |= {"FURTHER_ROWS": further.rows, "FURTHER_SETTINGS": len(self.rule.measurer.given)}
        return found

    def _write_room(self, lines: Lines) -> None:
        """Write the room for the tiles, for the best states, and for what is compared."""
        further, sizes = self.further, self._constants()
        vectors = sizes["TILES"]
        if self.rule.watched:
            vectors += sizes["BESTS"] + sizes["GROUPS"]
        lines(f"memory = aligned_zeros(({vectors}, VECTOR), number)", *ROOM.splitlines())
        if self.rule.watched:
            lines(*ROOM_WATCH.splitlines())
        if further is not None:
            vectors = sizes["FURTHER_GROUPS"] * further.rows
            lines(f"room = aligned_zeros(({vectors}, FURTHER_VECTOR), number)", *ROOM_FURTHER.splitlines())

    def _write_put_in(self, lines: Lines) -> None:
        """Write the way of network m into tiles."""
        if self.rule.watched:
            with lines.block("if until[m] <= epoch:"):
                lines("continue")
            lines("bar[going], end[going], found[going] = bars[m], until[m], 0")
        lines(*PUT_IN.splitlines())
        if self.further is not None:
            lines(*PUT_IN_FURTHER.splitlines())
        lines("going += 1")

    def _write_epoch(self, lines: Lines) -> None:
        """Write an epoch, and the look after it."""
        rule, given = self.rule, arguments(replace(self.rule.unwatched, tiled=True))
        lines(*TRAIN.format(arguments=given.replace("tiles", "tiles[:groups]")).splitlines())
        if self.further is not None:
            lines(*MEASURE.splitlines())
        if not rule.watched:
            return
        value = OF_VALIDATION if rule.watched == VALIDATION_LOSS else OF_TRAINING
        penalty = OF_PENALTIES * (rule.watched == PENALIZED_LOSS)
        lines("now = epoch + e + 1", *(value + penalty + KEEP + END).splitlines())
        with lines.block("for place in range(endings - 1, -1, -1):"):
            lines("i = ending[place]", "bar[i] = bar[i] if lost[i] - lost[i] == 0 else -inf")
            self._write_take_out(lines)
            lines(*MOVE.splitlines(), *(MOVE_FURTHER.splitlines() if self.further is not None else ()))
        with lines.block("if going == 0:"):
            lines("break")

    def _write_take_out(self, lines: Lines) -> None:
        """Write the way of what lies in place i back to the arrays."""
        lines(*TAKE_OUT.splitlines())
        if self.rule.watched:
            lines(*TAKE_OUT_WATCH.splitlines())

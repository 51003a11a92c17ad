"""The split of networks among workers, as even as their estimated times, and into chunks.

The networks lie on a line, cell after cell, and the line is cut where each worker has its equal share of the
seconds. So fewer cells are cut than there are workers, and no share is longer than another by more than a
vector of networks. Within a share a cell is cut into chunks of nearly equal size. Where shares would be
small there are fewer of them than workers: those without one help the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

from fastnn.engines import CallSizes
from fastnn.sweeping.grid import Cell
from fastnn.training.sharing import shared_out, total_seconds

__all__ = ["Chunk", "Stretch", "chunks_of", "shares_of"]

# An interruption loses the chunks under way. None should take longer, as far as its engine allows. Measured:
# 10 000 networks in 4 chunks x0.96 in float32, x0.98 in float64 (against 7).
CHUNK_SECONDS = 0.75

# The least work of a thread's own, in seconds: each looks for dead units itself, and what one finds shortens
# its work alone. Measured: 1000 networks on two threads x0.98 (a thread that helps another, against two).
SHARE_SECONDS = 0.25

# The smaller a chunk, the later a look for dead units pays. Measured: 1200 networks x1.16 in chunks of 300,
# x1.03 in one chunk of 1200 (time per network, against 20 000 networks).
FULL_WIDTHS = 20
CHUNKS_OF_A_SHARE = 4

# Where networks stop for themselves, few of them train long; chunks are by this factor larger, so that those
# that are left still fill calls.
STOPPING = 8


@dataclass(frozen=True)
class Chunk:
    """Networks `first`, `first` + 1, ... of a cell; their results begin at `place`."""

    cell: Cell
    first: int
    count: int
    place: int


@dataclass(frozen=True)
class Stretch:
    """Networks of one cell; `seconds` is roughly the time of one, `sizes` are its engine's."""

    cell: Cell
    numbers: range
    place: int
    seconds: float
    sizes: CallSizes
    stops: bool = False  # whether networks stop for themselves

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def vector(self) -> int:
        """How many fill a vector of the engine."""
        return self.sizes.vector

    def cut(self, count: int) -> tuple[Stretch, Stretch]:
        """The first `count` networks, and the others."""
        others = replace(self, numbers=self.numbers[count:], place=self.place + count)
        return replace(self, numbers=self.numbers[:count]), others

    def pieces(self, most: int, width: int) -> Iterator[Stretch]:
        """As few nearly equal multiples of `width` as possible, up to the first of them from `most` on."""
        most = -(-most // width) * width
        count, widths = -(-len(self.numbers) // most), -(-len(self.numbers) // width)
        edges = [width * (widths * piece // count) for piece in range(count)]
        for first, stop in pairwise([*edges, len(self.numbers)]):
            yield self.cut(stop)[0].cut(first)[1]


def shares_of(stretches: Iterable[Stretch], workers: int) -> list[list[Stretch]]:
    """Share out stretches among at most `workers`; fewer get one where the others had better help them."""
    whole = [*stretches]
    return shared_out(whole, max(1, min(workers, int(total_seconds(whole) / SHARE_SECONDS))))


def chunks_of(share: Sequence[Stretch]) -> list[Chunk]:
    """Cut a share into chunks: small enough to interrupt and to hand on, large enough to be fast."""
    seconds = total_seconds(share)
    pieces = (
        piece for stretch in share for piece in stretch.pieces(_most(stretch, seconds), stretch.sizes.width)
    )
    return [Chunk(piece.cell, piece.numbers.start, len(piece.numbers), piece.place) for piece in pieces]


def _most(stretch: Stretch, seconds: float) -> int:
    """The most networks that a chunk of a stretch has, in a share that takes some seconds."""
    sizes, whole = stretch.sizes, seconds / stretch.seconds
    parts, factor = (1, STOPPING) if stretch.stops else (CHUNKS_OF_A_SHARE, 1)
    fair = max(whole / parts, min(FULL_WIDTHS * sizes.width, whole))
    most = min(factor * sizes.most, factor * CHUNK_SECONDS / stretch.seconds, fair)
    return max(1, ceil(min(sizes.fewest, whole)), int(most))

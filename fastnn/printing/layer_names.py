"""What layers of any sizes are called in a kernel, and the lines that name their sizes and vectors.

A kernel is printed for a network that stands for all with its activations. Where all its hidden layers have
the same, that network has two, and the kernel goes through the second as often as a network has further ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from typing import NamedTuple

from fastnn.core.expressions import Symbol
from fastnn.core.network import Network, without_first
from fastnn.core.rule import Rule
from fastnn.core.values import state_of
from fastnn.printing.infix import Lines, layer_array
from fastnn.printing.rows_together import rows_views
from fastnn.printing.size_table import OF_A_LAYER, OF_ALL

__all__ = ["Form", "LayerNames", "of_kind", "stand_in"]

A_SIZE = 101  # of the first layer of a network that stands for others; no other layer has it


def stand_in(network: Network, *, shallow: bool = False) -> Network:
    """The network that stands for all with its activations, whatever the sizes of their layers are.

    A `shallow` one stands for those with one hidden layer and one output.
    """
    if shallow:
        return of_kind(network, hidden_layers=1, sizes=(A_SIZE, A_SIZE + 1, 1))
    return of_kind(network, hidden_layers=2, sizes=count(A_SIZE))


def of_kind(network: Network, hidden_layers: int, sizes: Iterable[int]) -> Network:
    """A network of other sizes that the same kernel serves.

    If all hidden layers have the same activation, there may be as many as asked for.
    """
    hidden = network.hidden
    if len(set(hidden)) == 1:
        hidden = hidden[:1] * hidden_layers
    layers = [*islice(sizes, len(hidden) + 2)]
    if network.n_inputs:
        return Network(layers, hidden, network.output)
    return without_first(Network((1, *layers), ("identity", *hidden), network.output))


class _Called(NamedTuple):
    """What a layer is called where it is met, its row in the table, and what the one before it is called."""

    name: str
    row: str
    before: str = ""


OF_OUTPUTS = ("Yhat", "D", "E")  # in vectors of their own

AT_THE_ENDS = (
    _Called("inputs", "0"),
    _Called("first", "1", before="inputs"),
    _Called("second", "2", before="first"),
    _Called("last_hidden", "last - 1"),
    _Called("outputs", "last", before="last_hidden"),
)
# Around a layer that the kernel goes through again and again.
BETWEEN = (
    _Called("before", "layer - 1"),
    _Called("here", "layer", before="before"),
    _Called("after", "layer + 1", before="here"),
)


@dataclass(frozen=True)
class Form:
    """How the vectors of a group of networks lie in memory.

    First those whose number does not depend on the sizes: the settings, the total of the epoch, and what is
    kept once for a network. The parameters follow, each state of them, what the rows of a batch add up to,
    and what rows have of their own: activations, weighted sums, deltas, then what outputs alone have.

    Attributes
    ----------
    registers, lanes : int
        How many registers each vector has, and how many lanes a register.
    rows : int
        How many rows have values of their own: those of a block, or this row and the following one.
    shallow : bool
        Whether the networks have one hidden layer and one output.
    """

    registers: int
    lanes: int
    rows: int
    shallow: bool = False

    @property
    def vector(self) -> int:
        """How many networks a group has."""
        return self.registers * self.lanes


class LayerNames:
    """The layers of a network that stands for others, by what they are called.

    Their vectors are W_first[j, i], H_before[now, i], S_after[k], ... Where their number is known, they are
    called by it: W1[j, i], ...
    """

    def __init__(self, network: Network, rule: Rule, form: Form) -> None:
        self.rule, self.form = rule, form
        self.last = len(network.layers) - 1
        self.in_blocks = rule.batched or rule.measuring
        self.repeats = len(set(network.hidden)) == 1 and not form.shallow
        numbered = [_Called(str(n), str(n), before=str(n - 1)) for n in range(self.last + 1)]
        self.around: Sequence[_Called] = AT_THE_ENDS if self.repeats else numbered
        self.called = dict(enumerate(map(str, range(self.last + 1))))

    @property
    def first(self) -> int:
        """The place of the first parameter."""
        return len(self.rule.given) + 1 + len(self.rule.shared)

    @contextmanager
    def at(self, layer: int, lines: Lines, *, forward: bool) -> Iterator[None]:
        """Call the layers around one what they are called there, in a loop over all that it stands for.

        In batches it stands for all layers that have weights from hidden units, or to them.
        """
        self.come_to(layer)
        if self.repeats and 1 < layer < self.last:
            ends = ("2, last + 1", "last - 1, 0, -1") if self.in_blocks else ("2, last", "last - 1, 1, -1")
            with lines.block(f"for layer in range({ends[0] if forward else ends[1]}):"):
                start = len(lines)
                yield
                lines.insert(start, *self.lines(lines.since(start), BETWEEN))
        else:
            yield
        self.come_to(self.last)

    def come_to(self, layer: int) -> None:
        """Call the layers around one what they are called there."""
        if self.repeats:
            inputs, first, second, last_hidden, outputs = (called.name for called in AT_THE_ENDS)
            self.called = {0: inputs, 1: first, 2: second} if layer == 1 else {2: last_hidden, 3: outputs}
            if 1 < layer < self.last:
                self.called = {layer - 1 + n: called.name for n, called in enumerate(BETWEEN)}

    @contextmanager
    def calling(self, layers: dict[int, str]) -> Iterator[None]:
        """Call some layers otherwise."""
        before, self.called = self.called, self.called | layers
        yield
        self.called = before

    def size(self, number: int) -> str:
        """The size of a layer, by the size that stands for it; one that is known stands for itself."""
        return str(number) if number < A_SIZE else f"n_{self.called[number - A_SIZE]}"

    def renamed(self, symbol: Symbol, text: str) -> str:
        """The spelling of a symbol with the layer's array by what the layer is called."""
        array, layer = layer_array(symbol), str(symbol.layer)
        if not text.startswith(f"{array}[") or not array.endswith(layer):
            return text
        return self._array(array.removesuffix(layer), self.called[symbol.layer]) + text.removeprefix(array)

    def _array(self, letters: str, layer: str) -> str:
        """The name of a layer's array."""
        return f"{letters}_{layer}" if self.repeats else f"{letters}{layer}"

    def lines(self, text: str, around: Sequence[_Called] = ()) -> list[str]:
        """The lines that name what occurs in a text: the sizes and the vectors of layers."""
        words = _words(text)
        around = around or self.around
        views = [
            f"{self._array(array, layer.name)} = {self._view(array, layer)}"
            for layer in around
            for array in (*self._offsets(), *"HASZ")
            if self._array(array, layer.name) in words
        ]
        words |= _words("\n".join(views))
        return [*(f"n_{name} = table[{row}, 0]" for name, row, _ in around if f"n_{name}" in words), *views]

    def memory(self) -> Iterator[str]:
        """The lines that tell how many numbers there are, and where what rows have lies."""
        names, rows = ("weights", "parameters", "units"), self.form.rows
        yield f"{', '.join(names)} = {', '.join(f'table[0, {OF_ALL.index(name)}]' for name in names)}"
        number = 1 + len(self.rule.states)
        yield f"kept = {number}*parameters" if number > 1 else "kept = parameters"
        added_up = " + parameters" if self.rule.batched else ""
        yield f"values = {self.first} + kept{added_up}"
        places = (f"values + {number * rows}*units" for number in (1, 2, 3))
        yield f"sums, deltas, own = {', '.join(places)}"
        yield f"vectors = own + {len(OF_OUTPUTS) * rows}*table[last, {OF_A_LAYER.index('units')}]"

    def of_all(self, text: str) -> list[str]:
        """The lines that name those vectors that occur in a text and belong to the outputs or to no layer."""
        size = self.size(A_SIZE + self.last)
        places = [f"own + {number * self.form.rows}*{size}" for number in range(len(OF_OUTPUTS))]
        views = {name: self._of_rows(place, size) for name, place in zip(OF_OUTPUTS, places, strict=True)}
        views |= {"flat": self.vectors("0"), "State": self.vectors(str(self.first), "parameters")}
        views |= {"G": self.vectors(f"{self.first} + kept")}
        views |= rows_views(self.rule, self.form.rows, self.form.registers, self.form.lanes)
        words = _words(text)
        return [f"{name} = {view}" for name, view in views.items() if name in words]

    def vectors(self, place: str, inner: str = "1") -> str:
        """Vectors that begin at a place, in rows of `inner`."""
        return f"Vectors(memory, {self.form.registers}, {self.form.lanes}, {place}, {inner})"

    def _of_rows(self, place: str, size: str) -> str:
        """What rows have of their own: blocks, or vectors in as many rows of a size."""
        if not self.in_blocks:
            return self.vectors(place, size)
        return f"Blocks(memory, {self.form.rows}, {self.form.registers}, {self.form.lanes}, {place})"

    def _offsets(self) -> dict[str, int]:
        """The arrays of weights and biases, and how often all parameters lie before them."""
        letters = ("", *self.rule.states, "g")
        return {
            state_of(letter, Symbol(family)).family.capitalize(): number
            for number, letter in enumerate(letters)
            for family in "wb"
        }

    def _view(self, array: str, layer: _Called) -> str:
        column, offsets = OF_A_LAYER.index, self._offsets()
        if array in offsets:
            is_weight = array[-1] in "Ww"
            place = f"{self.first} + table[{layer.row}, {column('W' if is_weight else 'B')}]"
            place += f" + {offsets[array]}*parameters" if offsets[array] else ""
            return self.vectors(place, f"n_{layer.before}" if is_weight else "1")
        kind = {"H": "values", "A": "values", "Z": "sums", "S": "deltas"}[array]
        place = f"{kind} + {self.form.rows}*table[{layer.row}, {column('before')}]"
        return self._of_rows(place, f"n_{layer.name}")


def _words(text: str) -> set[str]:
    """The names in a text, among other words."""
    return {*re.findall(r"\w+", text)}

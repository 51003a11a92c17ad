"""Where all that is kept of one network lies in memory, if a layer's units lie in the lanes of vectors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import lcm

from fastnn.core.network import Network
from fastnn.core.rule import Rule
from fastnn.printing.infix import Lines
from fastnn.printing.vectors import aligned_memory

__all__ = ["MOST_OUTPUTS", "Memory", "Span", "Table", "spans_of"]

MOST_OUTPUTS = 4  # whose weighted sums are added up lane by lane, each in a variable of its own


@dataclass(frozen=True)
class Span:
    """How one number for each unit of a layer lies in vectors.

    `vectors` of them, of `registers` registers each, of `lanes` lanes each. The lanes left over hold 0.
    """

    units: int
    vectors: int
    registers: int
    lanes: int

    @property
    def vector(self) -> int:
        """How many numbers a vector holds."""
        return self.registers * self.lanes

    @property
    def numbers(self) -> int:
        """How many numbers all of them hold."""
        return self.vectors * self.vector


def spans_of(network: Network, lanes: int, most: int) -> list[Span]:
    """The span of each layer, the inputs' too, in as few vectors as `most` registers for each allow."""
    found = []
    for units in network.layers:
        registers = max(1, -(-units // lanes))
        vectors = -(-registers // most)
        found.append(Span(units, vectors, -(-registers // vectors), lanes))
    return found


@dataclass(frozen=True)
class Table:
    """Rows of numbers, one for each unit of a span; `first` is the place of the first one in memory."""

    span: Span
    rows: int
    first: int

    def vectors(self, name: str, offset: int = 0) -> str:
        """The line that names its vectors: [row], or [row, vector] where a row has several."""
        span = self.span
        where = f"{span.registers}, {span.lanes}, {(self.first + offset) // span.vector}, {span.vectors}"
        return f"{name} = Vectors(memory, {where})"

    def numbers(self, name: str) -> str:
        """The line that names its numbers: [row, unit], or [unit] where it has one row."""
        line = f"{name} = memory[{self.first}:{self.first + self.rows * self.span.numbers}]"
        return line if self.rows == 1 else f"{line}.reshape({self.rows}, {self.span.numbers})"


class Memory:
    """Tables one after another: those of the parameters, the same for each state of them, and others.

    `T2` holds the weights of layer 2 input by input, each row one number for each unit; `W2` unit by unit,
    each row one number for each input; `B2` the biases. A layer of few outputs has no `T`, the first layer
    no `W`. Where there are both, both take part in updates if rows are worked on one by one; in batches `W`
    does, and is copied to `T` afterwards.

    Attributes
    ----------
    parameters : dict of str to Table
        What takes part in updates, weights first. That of letter n is n*stride numbers further on.
    copies : dict of str to Table
        What is copied after each batch.
    name : str
        What the places of all parameters are called in the source.
    weights, biases : slice
        The numbers among which all weights, and all biases, lie.
    """

    def __init__(self, network: Network, rule: Rule, spans: list[Span]) -> None:
        self.network, self.spans = network, spans
        self.name = "PLACES_TO_MEASURE" if rule.measuring else "PLACES"
        self.last = len(network.layers) - 1
        self.few = self.last > 1 and network.n_outputs <= MOST_OUTPUTS
        self._step = lcm(*(span.vector for span in spans[1:]))
        self.end = 0
        apart = rule.batched or rule.measuring
        layers = range(1, self.last + 1)
        ways = [f"{way}{layer}" for layer in layers for way in self.ways(layer)]
        copied = [way for way in ways if apart and way[0] == "T" and f"W{way[1:]}" in ways]
        self.parameters = {way: self.place(*self._shape(way)) for way in ways if way not in copied}
        weights = self.end
        self.parameters |= {f"B{layer}": self.place(spans[layer], 1) for layer in layers}
        self.weights, self.biases = slice(0, weights), slice(weights, self.end)
        self.stride = self._up(self.end, self._step)
        self.letters = ("", *rule.states, *("g" * (rule.batched and not rule.measuring)))
        self.end = self.stride * len(self.letters)
        self.copies = {way: self.place(*self._shape(way)) for way in copied}

    def ways(self, layer: int) -> str:
        """Which ways round the weights of a layer are kept."""
        if layer == 1:
            return "T"
        return "W" if layer == self.last and self.few else "TW"

    def place(self, span: Span, rows: int) -> Table:
        """Room for a table."""
        first = self._up(self.end, span.vector)
        self.end = first + rows * span.numbers
        return Table(span, rows, first)

    def views(self) -> Iterator[str]:
        """The lines that name the vectors of parameters, states and gradients, and the outputs' biases."""
        for number, letter in enumerate(self.letters):
            for name, table in self.parameters.items():
                yield table.vectors(f"{letter.upper()}{name}", number * self.stride)
            if self.few:
                first = self.parameters[f"B{self.last}"].first + number * self.stride
                yield f"{letter}b{self.last} = memory[{first}:{first + self.network.n_outputs}]"
        for name, table in self.copies.items():
            yield table.vectors(name)

    def allocation(self, dtype: str) -> Iterator[str]:
        """The lines that make the memory, all zeros."""
        step = self._step
        whole = self._up(self.end, step)
        *lines, last = aligned_memory(whole // step, step, dtype)
        yield from lines
        yield last.rpartition(".reshape")[0]

    @property
    def both(self) -> range:
        """The numbers of the weights that are kept both ways round: those of layers one after the other."""
        twice = [layer for layer in range(1, self.last + 1) if self.ways(layer) == "TW"]
        slices = self.network.slices
        return range(slices[twice[0] - 1][0].start, slices[twice[-1] - 1][0].stop) if twice else range(0)

    def places(self) -> Iterator[str]:
        """The lines, above the kernel, that tell where each parameter lies, and where else."""
        names = (self.name, f"OTHER_{self.name}") if self.both else (self.name,)
        for name, of_both in zip(names, (-1, 0), strict=False):
            yield f"{name} = concatenate(("
            for layer in range(1, self.last + 1):
                way = f"{self.ways(layer)[of_both]}{layer}"
                table = (self.parameters | self.copies)[way]
                j, i = (1, table.span.numbers) if way[0] == "T" else (table.span.numbers, 1)
                units, inputs = self.network.layers[layer], self.network.layers[layer - 1]
                yield f"    ({table.first} + {j}*arange({units})[:, None] + {i}*arange({inputs})).ravel(),"
            for layer in range(1, self.last + 1):
                first = self.parameters[f"B{layer}"].first
                yield f"    arange({first}, {first + self.network.layers[layer]}),"
            yield "))"

    def write_in(self, lines: Lines, states: int) -> None:
        """Write the lines that bring the state of network m, `states` numbers a parameter, into memory."""
        with lines.block("for n in range(memory.shape[0]):"):
            lines("memory[n] = 0.0")
        with self._each_number(lines, states):
            lines(f"memory[at + {self.name}[p]] = state[m, first + p]")
            if self.both and not self.copies:
                lines(f"memory[at + OTHER_{self.name}[p]] = state[m, first + p]")

    def write_out(self, lines: Lines, states: int) -> None:
        """Write the lines that bring it back."""
        with self._each_number(lines, states):
            lines(f"state[m, first + p] = memory[at + {self.name}[p]]")

    def write_copies(self, lines: Lines) -> None:
        """Write the lines that copy weights to where they are kept the other way round."""
        if self.copies:
            with lines.block(f"for p in range({self.both.start}, {self.both.stop}):"):
                lines(f"memory[OTHER_{self.name}[p]] = memory[{self.name}[p]]")

    @contextmanager
    def _each_number(self, lines: Lines, states: int) -> Iterator[None]:
        """The loops over all that is kept of each parameter p."""
        with lines.block(f"for part in range({states}):"):
            lines(f"at, first = part*{self.stride}, part*{self.network.n_parameters}")
            with lines.block(f"for p in range({self.network.n_parameters}):"):
                yield

    def _shape(self, way: str) -> tuple[Span, int]:
        """The span of a row of weights, and how many rows there are."""
        layer, layers = int(way[1:]), self.network.layers
        return (
            (self.spans[layer], layers[layer - 1])
            if way[0] == "T"
            else (self.spans[layer - 1], layers[layer])
        )

    def _up(self, number: int, multiple: int) -> int:
        return -(-number // multiple) * multiple
